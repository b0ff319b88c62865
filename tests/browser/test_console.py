"""What AWS's console shows on the page of an execution, row by row of README's table: each we have is tried."""

import re

import nbformat
import pytest

from helpers import deploy, execution
from tests.browser.conftest import ROOT, SCREENSHOTS, outside
from tests.browser.test_workbench import KERNEL, PALE, Workbench

CHILDREN, BAD = 24, 17
MACHINE = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ToleratedFailurePercentage": 100,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Good",
                "States": {
                    "Good": {
                        "Type": "Choice",
                        "Choices": [{"Variable": "$", "NumericEquals": BAD, "Next": "Broken"}],
                        "Default": "Fine",
                    },
                    "Broken": {"Type": "Fail", "Error": "Spoilt", "Cause": "number 17 always is"},
                    "Fine": {"Type": "Pass", "End": True},
                },
            },
            "ResultPath": None,
            "Next": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 3600, "End": True},
    },
}
# Elements of the workbench that are wider than what holds them, and neither scroll nor are cut off on purpose; a box
# of widgets would have a bar to scroll by a few pixels.
WIDER = """root => [root, ...root.querySelectorAll('*')]
    .filter(one => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .filter(one => !one.closest('svg, select, .widget-slider'))
    .filter(one => one.matches('.widget-box') || getComputedStyle(one).overflowX === 'visible')
    .filter(one => getComputedStyle(one).display !== 'inline')
    .map(one => `${one.tagName}.${one.className}: ${one.scrollWidth} > ${one.clientWidth}`)"""

# Lists to choose from that look like a field to type into.
ARROWLESS = """root => [...root.querySelectorAll('.widget-dropdown select')]
    .filter(one => !getComputedStyle(one).backgroundImage.includes('url')).map(one => one.title)"""


@pytest.fixture(scope="module")
def running(lab):
    """The ARN of an execution whose Map Run is over, with a failed child, and that waits now."""
    machine = deploy.deploy(MACHINE, "console", lab=lab)
    arn = execution.start(machine.arn, {"items": list(range(CHILDREN))}, lab=lab)
    for event in execution.follow(arn, lab=lab):
        if event["type"] == "WaitStateEntered":
            break
    yield arn
    execution.stop(arn, lab=lab)
    deploy.tear_down(lab)


@pytest.fixture
def screens(opened, jupyter, running):
    """The workbenches of a failed history in a file and of the running execution, in one notebook."""
    cells = [
        "from helpers import connect\nfrom helpers.workbench import explore\nlab = connect()",
        "explore('samples/failed-map.json')",
        f"explore({running!r}, act=True)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=KERNEL)
    nbformat.write(notebook, jupyter.folder / "console.ipynb")
    page = opened("console.ipynb")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    outputs = page.locator(".jp-OutputArea-output > .widget-vbox.sfn-workbench, .jp-OutputArea-output.sfn-workbench")
    outputs.nth(1).locator("tr.here").wait_for()
    return [Workbench(page, outputs.nth(number)) for number in (0, 1)]


def button(shown, name):
    return shown.root.get_by_role("button", name=name).first


def tab(shown, name, holds):
    """Open a tab of the detail pane, and wait for what it holds."""
    shown.root.locator(f"[data-tab='{name}']").click()
    shown.root.locator(".detail", has_text=holds).wait_for()


def state(shown, name):
    return shown.root.locator(f".sfn-living [data-state='{name}']")


def details(file, live):
    for words in ("failed-map", "FAILED", "transitions", "$0.000525", "redrive"):
        assert words in file.root.inner_text()


def graph(file, live):
    state(file, "Courier").click()
    file.root.locator(".moment", has_text="Courier").wait_for()
    file.root.locator(".sfn-living .selected[data-state='Courier']").wait_for()
    assert "Courier" in file.root.locator("tr.here").inner_text()
    state(file, "Pack").focus()
    file.page.keyboard.press("Enter")
    file.root.locator(".moment", has_text="Pack").wait_for()
    assert re.match("Pack, Task, ", state(file, "Pack").get_attribute("aria-label"))
    state(file, "Shipped").hover()
    file.root.locator(".sfn-living .tip", has_text="last input").wait_for()
    svg = file.root.locator(".sfn-living svg")
    before = svg.get_attribute("viewBox")
    file.root.get_by_role("button", name="Larger").click()
    assert svg.get_attribute("viewBox") != before
    file.root.locator(".sfn-living .find").fill("done")
    file.page.keyboard.press("Enter")
    file.root.locator(".sfn-living .selected[data-state='Done']").wait_for()


def events(file, live):
    number = int(file.root.locator("tr.here").get_attribute("data-event")) - 2
    file.root.locator(f"tr[data-event='{number}']").click()
    file.wait_for_event(number)
    words = file.root.locator("input[placeholder^='find a text']")
    words.fill("outofstock")
    file.wait_for_rows(44, 58, 76, 82)
    words.fill("")
    file.root.locator("tr[data-event]").nth(5).wait_for()


def timeline(file, live):
    canvas = file.root.locator(".lanes canvas")
    canvas.scroll_into_view_if_needed()
    canvas.click(position={"x": canvas.bounding_box()["width"] * 0.3, "y": 50})  # the third lane: the first courier
    file.root.locator(".moment", has_text="Courier").wait_for()
    assert "EachOrder#1[0]" in file.root.locator(".moment").inner_text()


def steps(file, live):
    button(file, "Next failed").click()
    file.wait_for_event(76)
    for name, holds in (
        ("Input", '"order": 5'),
        ("Output", "none"),
        ("Definition", '"MaxAttempts": 2'),
        ("Raw event", "previousEventId"),
        ("Variables", "none"),
        ("Logs", "Log lines"),
        ("Step", "OutOfStock"),
    ):
        tab(file, name, holds)
    assert "attempt 3 of 3" in file.root.locator(".detail").inner_text()
    asking = file.root.locator(".query input")
    for asked, found in (("$.order", "5"), ("order * 2", "10"), ("$.nothing", "It finds nothing.")):
        asking.fill(asked)
        asking.press("Enter")
        file.root.locator(".query pre", has_text=re.compile(f"^{re.escape(found)}$")).wait_for()
    asking.fill("")
    asking.press("Enter")


def iterations(file, live):
    assert "7 iterations" in file.root.inner_text()
    file.root.locator("input[placeholder^='find in branch']").fill("[3]")
    file.root.locator("option", has_text="EachOrder#1[3]").wait_for(state="attached")
    picker = file.root.locator("select[size]").first
    picker.select_option(index=0)
    file.root.locator(".moment", has_text="EachOrder#1[3]").wait_for()


def times(file, live):
    chosen = file.root.locator("select", has=file.page.locator("option", has_text="my time")).first
    chosen.select_option("my time")
    file.root.locator(".facts", has_text="started").first.wait_for()
    chosen.select_option("UTC")
    assert "UTC" in file.root.locator(".facts").first.inner_text()


def map_run(file, live):
    button(live, "Children of Each").click()
    live.root.get_by_text(f"{CHILDREN} children of {CHILDREN} items; 1 failed, {CHILDREN - 1} succeeded").wait_for()
    button(live, "Why they failed").click()
    live.root.locator("option", has_text="1 x Spoilt: number 17 always is").wait_for(state="attached")
    button(live, "Open").click()
    live.root.locator("p.failure", has_text="Spoilt").wait_for()
    live.root.get_by_role("button", name="Back").last.click()


def running_(file, live):
    live.root.locator(".moment", has_text="Pause").wait_for()
    assert "Pause waits" in live.root.inner_text()


def actions(file, live):
    for act, status, done in (("Stop", "ABORTED", "Stopped."), ("Redrive", "RUNNING", "Redriven: it goes on.")):
        button(live, act).click()
        button(live, f"Yes, {act.lower()} it").click()
        live.root.get_by_text(done).wait_for()
        live.root.locator(".chip", has_text=status).first.wait_for()
    button(live, "Redrive").click()
    live.root.get_by_text("Not redriven: not while it runs.").wait_for()


def export(file, live):
    button(file, "SVG").click()
    file.root.get_by_text("Written: failed-map").wait_for()


ROWS = {
    "Details": details,
    "Graph view": graph,
    "Event view": events,
    "Timeline": timeline,
    "Step detail": steps,
    "Map iterations": iterations,
    "Times in UTC or local": times,
    "Map Run": map_run,
    "A running execution": running_,
    "Stop and redrive": actions,
    "Export": export,
}


def test_every_row_of_the_table_is_tried(screens, jupyter):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    had = re.findall(r"^\| ([^|]+) \| have \|", readme, re.MULTILINE)
    assert sorted(had) == sorted(ROWS)
    for name in ROWS:
        try:
            ROWS[name](*screens)
        except Exception as error:
            screens[0].page.screenshot(path=SCREENSHOTS / "console-failed.png")
            raise AssertionError(f"{name}: {error}") from error
    assert outside(screens[0].page) == []
    page = screens[0].page
    for theme, dark in (("JupyterLab Light", "true"), ("JupyterLab Dark", "false")):
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.locator(f"body[data-jp-theme-light='{dark}']").wait_for(state="attached")
        for width in (1280, 1920):
            page.set_viewport_size({"width": width, "height": 1000})
            for number, shown in enumerate(screens):
                assert shown.root.evaluate(PALE) == []
                assert shown.root.evaluate(WIDER) == []
                assert shown.root.evaluate(ARROWLESS) == []
                shown.photograph(f"console-{number}-{theme.split()[1].lower()}-{width}")
