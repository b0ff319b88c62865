"""A step of the workbench's slider, in a real browser: how long until it is on the screen, and what it sends."""

import contextlib
import json
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import nbformat

from helpers import history
from helpers.workbench import explore
from tests.benchmarks.history import loop
from tests.browser.conftest import CHROMIUM, FLAGS, ROOT, Jupyter

LARGE, SMALL = 25_000, 250
STEPS = 200
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
EXPLORED = """
from helpers.workbench import explore
shown = explore("long.json")
shown.go({middle})
"""
# The least that a step can cost: a slider and a text that follows it.
BARE = """
import ipywidgets
text = '<p class="moment"><b>{{0}}</b></p><p class="detail">event {{0}}</p>'
text += '<table><tr class="here" data-event="{{0}}"><td>{{0}}</td></tr></table>'
slider, label = ipywidgets.IntSlider(value={middle}, min=1, max=25_000), ipywidgets.HTML(text.format({middle}))
slider.observe(lambda change: setattr(label, "value", text.format(change.new)), "value")
shown = ipywidgets.VBox([slider, label])
shown.add_class("sfn-workbench")
"""
# A key at the slider, then the moment when every pane shows the new event, then the first frame drawn after that.
STEP = """async (key) => {
    const root = document.querySelector('.sfn-workbench'), handle = root.querySelector('.noUi-handle');
    const moment = () => root.querySelector('.moment b:nth-of-type(1)').textContent.replaceAll(',', '');
    const row = () => root.querySelector('tr.here')?.dataset.event;
    const detail = () => root.querySelector('.detail').textContent;
    const aim = String(Number(moment()) + (key === 'ArrowRight' ? 1 : -1));
    const arrived = () => moment() === aim && row() === aim && detail().includes(`event ${aim}`);
    let held;
    const watch = new MutationObserver(() => { if (!held && arrived()) held = performance.now(); });
    watch.observe(root, {subtree: true, childList: true});
    const began = performance.now();
    handle.focus();
    handle.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    while (!held) {
        await new Promise(requestAnimationFrame);
        if (performance.now() - began > 5000) throw new Error(`${moment()} ${row()} ${aim}`);
    }
    await new Promise(requestAnimationFrame);
    watch.disconnect();
    return [held - began, performance.now() - began];
}"""


# A click on a state that is not the one on show, then the moment when picture, caption, table and detail show it.
SELECT = """async () => {
    const root = document.querySelector('.sfn-workbench.moments'), picture = root.querySelector('.sfn-living');
    const here = picture.querySelector('.selected')?.dataset.state;
    const other = [...picture.querySelectorAll('[data-state]:not([data-look=unreached])')].find(
        one => one.dataset.state !== here && !one.classList.contains('cluster'));
    const before = root.querySelector('tr.here')?.dataset.event, began = performance.now();
    other.dispatchEvent(new MouseEvent('click', {bubbles: true}));
    while (root.querySelector('tr.here')?.dataset.event === before) {
        await new Promise(requestAnimationFrame);
        if (performance.now() - began > 5000) throw new Error(`${here} ${other.dataset.state} ${before}`);
    }
    return performance.now() - began;
}"""


def opening() -> dict[str, object]:
    """How long `explore` and its first moment take (s) against the reading of the same events."""
    events = loop(LARGE)
    explore(loop(SMALL))
    read, opened = [], []
    for _ in range(3):
        began = time.perf_counter()
        history.events(events)
        read.append(time.perf_counter() - began)
        began = time.perf_counter()
        explore(events)._shown.moments.at([LARGE // 2])
        opened.append(time.perf_counter() - began)
    return {
        "figure": f"{LARGE:,} events open in the workbench, s (baseline: history.events of them)",
        "measured": min(opened),
        "baseline": min(read),
        "ratio": min(opened) / min(read),
        "bound": "ratio <= 12",
    }


def measure() -> list[dict[str, object]]:
    """The opening of 25,000 events, the 95th percentile of a step and the time of a selection with them (ms), and the
    bytes of a step against those with 250."""
    if CHROMIUM is None:
        print("Chromium is not installed: the workbench is measured without it.")
        return [opening()]
    times, bytes_large = steps(LARGE, EXPLORED)
    _, bytes_small = steps(SMALL, EXPLORED)
    bare, _ = steps(SMALL, BARE)
    figures: list[dict[str, object]] = [opening(), selecting(bare)]
    for place, what in enumerate(("in the page", "on screen")):
        slow, least = (statistics.quantiles([one[place] for one in each], n=20)[-1] for each in (times, bare))
        figures.append(
            {
                "figure": f"a step of the workbench's slider {what}, {LARGE:,} events, ms, 95th percentile (baseline: "
                "a slider with one text that follows it)",
                "measured": slow,
                "baseline": least,
                "ratio": slow / least,
                "bound": "ratio <= 1.1" if what == "on screen" else "",
            }
        )
    figures.append(
        {
            "figure": f"bytes that a step sends, {LARGE:,} events (baseline: {SMALL} events)",
            "measured": bytes_large,
            "baseline": bytes_small,
            "ratio": bytes_large / bytes_small,
            "bound": "ratio <= 1.1",
        }
    )
    return figures


def selecting(bare: list[list[float]]) -> dict[str, object]:
    """How long a click on a state takes until it is shown (ms), against a step of the bare slider."""
    cells = [EXPLORED.format(middle=LARGE // 2), "shown"]
    files = {"long.json": json.dumps({"events": loop(LARGE)}, default=str)}
    with running(cells, ".sfn-workbench tr.here", files) as page:
        page.wait_for_selector(".sfn-living .selected")
        times = [page.evaluate(SELECT) for _ in range(30)]
    least = statistics.median(one[1] for one in bare)
    return {
        "figure": f"a click on a state until shown, {LARGE:,} events, ms, median (baseline: a step of that slider)",
        "measured": statistics.median(times),
        "baseline": least,
        "ratio": statistics.median(times) / least,
        "bound": "ratio <= 2.5",
    }


def steps(size: int, code: str) -> tuple[list[list[float]], float]:
    """How long each of some steps took until it was in the page and on screen (ms), and the bytes that one sent."""
    cells = [code.format(middle=size // 2), "shown"]
    with running(
        cells, ".sfn-workbench tr.here", {"long.json": json.dumps({"events": loop(size)}, default=str)}
    ) as page:
        for _ in range(10):
            page.evaluate(STEP, "ArrowRight")
        page.received.clear()
        times = [page.evaluate(STEP, "ArrowRight" if n % 3 else "ArrowLeft") for n in range(STEPS)]
        return times, sum(page.received) / STEPS


@contextlib.contextmanager
def running(cells: list[str], shown: str, files: dict[str, str]) -> Iterator[Any]:
    """A page of JupyterLab whose notebook has run its cells and shows something, beside some files.

    `page.received` lists the bytes of each message that it got.
    """
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        place = pathlib.Path(name)
        folder = place / "notebooks"
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        made = [nbformat.v4.new_code_cell(text) for text in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=KERNEL), folder / "measured.ipynb")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
        for kind in ("CONFIG", "DATA", "RUNTIME"):
            environment[f"JUPYTER_{kind}_DIR"] = str(place / kind.lower())
        server = Jupyter(folder, {**environment, "PYTHONPATH": str(ROOT)})
        try:
            while not server.is_ready():
                time.sleep(0.2)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page: Any = browser.new_page(viewport={"width": 1280, "height": 1000})
                page.received = []
                page.on(
                    "websocket", lambda socket: socket.on("framereceived", lambda data: page.received.append(len(data)))
                )
                page.goto(f"{server.url}/lab/tree/measured.ipynb?token={server.token}")
                page.wait_for_selector(".jp-Notebook .jp-Cell")
                page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel")
                page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
                page.wait_for_selector(shown, timeout=120_000, state="attached")
                yield page
                browser.close()
        finally:
            server.close()


if __name__ == "__main__":
    for figure in measure():
        print(figure)
