"""The workbench in a real browser: dragged, stepped by keys, filtered; hostile data is text; nothing leaves here."""

import json

import nbformat

from tests.browser.conftest import SCREENSHOTS, outside
from tests.workbench.test_explore import NASTY, hostile

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
EVENTS = 82


# Texts of the workbench that are less than 4.5 times as bright or as dark as what lies behind them (WCAG 2, level AA).
PALE = """root => {
    const numbers = colour => {
        const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = ([r, g, b, a], [R, G, B]) => [r, g, b].map((one, at) => one * a + [R, G, B][at] * (1 - a));
    const brightness = colour => {
        const linear = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = colour.map(part => linear(part / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = element => {
        if (!element) return [255, 255, 255];
        const own = numbers(getComputedStyle(element).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
    };
    const found = new Set();
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const unseen = element.closest('title, desc, style, svg:not(.sfn-living svg)') || !element.checkVisibility();
        if (!texts.currentNode.data.trim() || unseen) continue;
        const drawn = element.closest('svg'), style = getComputedStyle(element);
        const shape = element.closest('.badge, [data-state]')?.querySelector('rect, path, polygon, ellipse');
        const ground = drawn && shape ? over(numbers(getComputedStyle(shape).fill), behind(drawn)) : behind(element);
        const ink = over(numbers(drawn ? style.fill : style.color), ground);
        const [dark, light] = [brightness(ink), brightness(ground)].sort((a, b) => a - b);
        if ((light + 0.05) / (dark + 0.05) < 4.5) found.add(texts.currentNode.data.trim().slice(0, 60));
    }
    return [...found];
}"""


class Workbench:
    """A workbench on an open page."""

    def __init__(self, page, root) -> None:
        self.page, self.root = page, root
        self.handle = root.locator(".noUi-handle")
        root.locator("tr.here").wait_for()

    def wait_for_event(self, number: int) -> None:
        """Wait until caption and table have arrived at an event."""
        self.root.locator(f"tr.here[data-event='{number}']").wait_for()
        self.root.locator(".moment", has_text=f"Event {number} of").wait_for()

    def wait_for_rows(self, *numbers: int) -> None:
        """Wait until the table holds these events and no others."""
        self.page.wait_for_function(
            """([root, wanted]) => {
                const rows = [...root.querySelectorAll('.rows tbody tr')];
                return rows.map(row => row.dataset.event).join() === wanted;
            }""",
            arg=[self.root.element_handle(), ",".join(map(str, numbers))],
        )

    def colour(self, state: str) -> str:
        """The look of a state in the diagram."""
        return self.root.locator(f".drawn g[data-state='{state}']").first.get_attribute("data-look")

    def is_in_view(self, number: int) -> bool:
        """Whether the row of an event lies within the part of the table that one sees."""
        row = self.root.locator(f"tr[data-event='{number}']").bounding_box()
        pane = self.root.locator(".pane.rows").bounding_box()
        return pane["y"] <= row["y"] and row["y"] + row["height"] <= pane["y"] + pane["height"] + 1

    def cursor(self) -> float:
        """Where the line on the timeline is, in pixels from the left; it must lie within the timeline."""
        line, chart = self.root.locator(".scroll .now").bounding_box(), self.root.locator(".pane.chart").bounding_box()
        assert chart["x"] < line["x"] < chart["x"] + chart["width"]
        assert (
            chart["y"] < line["y"] < chart["y"] + chart["height"]
        )  # it goes on below, where the lanes are scrolled to
        return line["x"]

    def photograph(self, name: str) -> None:
        """Keep a screenshot."""
        self.root.scroll_into_view_if_needed()
        self.root.screenshot(path=SCREENSHOTS / f"{name}.png")


def first_workbench(opened, name="workbench.ipynb") -> Workbench:
    """Run a notebook as far as its first workbench, and return that."""
    page = opened(name)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.evaluate(
        """async () => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            for (const [index, cell] of notebook.widgets.entries()) {
                if (cell.model.type !== 'code') continue;
                notebook.activeCellIndex = index;
                await window.jupyterapp.commands.execute('notebook:run-cell');
                if (cell.model.sharedModel.getSource().includes('explore(')) break;
            }
        }"""
    )
    root = page.locator(".widget-vbox.sfn-workbench").first
    root.wait_for()
    return Workbench(page, root)


def test_a_failed_map_is_replayed_by_dragging_and_by_keys(opened):
    shown = first_workbench(opened)
    shown.wait_for_event(76)
    assert shown.colour("Pack") == "failed"
    assert shown.colour("Courier") == "waiting"
    assert shown.is_in_view(76)
    assert shown.root.evaluate(PALE) == []
    middle = shown.cursor()
    shown.photograph("workbench-failure-light")

    box, track = shown.handle.bounding_box(), shown.root.locator(".noUi-base").bounding_box()
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.page.mouse.down()
    shown.page.mouse.move(track["x"] + track["width"] * 0.9, box["y"], steps=5)
    shown.page.mouse.move(track["x"] + track["width"] + 40, box["y"], steps=5)
    shown.page.mouse.up()
    shown.wait_for_event(EVENTS)
    assert shown.colour("Pack") == "failed"
    assert shown.colour("Courier") == "aborted"
    assert shown.is_in_view(EVENTS)
    assert "ExecutionFailed" in shown.root.locator(".detail").inner_text()
    shown.page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    shown.page.locator("body[data-jp-theme-light='false']").wait_for(state="attached")
    assert shown.root.evaluate(PALE) == []
    assert shown.cursor() >= middle  # all that follows a failure may come at its time
    shown.photograph("workbench-end-dark")

    shown.handle.focus()
    shown.page.keyboard.press("Home")
    shown.wait_for_event(1)
    assert shown.cursor() < middle
    for key, number in (("Home", 1), ("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", EVENTS)):
        shown.page.keyboard.press(key)
        shown.wait_for_event(number)
    assert outside(shown.page) == []


def test_the_filter_leaves_the_rows_that_hold_what_is_typed_and_keeps_its_keys(opened):
    shown = first_workbench(opened)
    rows = shown.root.locator(".pane.rows tbody tr")
    words = shown.root.locator("input[type=text]").first
    words.click()
    shown.page.keyboard.type("outofstock")
    shown.root.locator("text=4 found").wait_for()
    shown.wait_for_rows(44, 58, 76, 82)
    for key in ("Home", "ArrowRight", "ArrowLeft", "End"):
        shown.page.keyboard.press(key)
    shown.page.keyboard.press("Backspace")
    shown.page.keyboard.type("k")
    assert words.input_value() == "outofstock"
    assert "Event 76 of" in shown.root.locator(".moment").inner_text()
    shown.root.locator("button:has(.fa-angle-up)").click()
    shown.wait_for_event(58)
    shown.photograph("workbench-filtered")
    rows.nth(2).click()
    shown.wait_for_event(76)
    shown.page.keyboard.press("ArrowRight")
    shown.root.locator(".moment", has_text="Event 77 of").wait_for()
    words.fill("")
    shown.root.locator("select[title='Events of one state']").select_option(label="Courier")
    shown.root.locator("select[title='Events of one type']").select_option(label="WaitStateAborted")
    shown.root.locator("text=1 found").wait_for()
    shown.wait_for_rows(79)


def test_hostile_data_is_text_at_every_moment(opened, jupyter, page):
    word = " ".join(NASTY)
    (jupyter.folder / "hostile.json").write_text(json.dumps(hostile(word)))
    cell = nbformat.v4.new_code_cell("from helpers.workbench import explore\nexplore('hostile.json')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL), jupyter.folder / "hostile.ipynb")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    shown = first_workbench(opened, "hostile.ipynb")
    shown.handle.focus()
    for number in range(1, 8):
        shown.page.keyboard.press("Home" if number == 1 else "ArrowRight")
        shown.wait_for_event(number)
        assert shown.root.locator("img, script, [onerror], [onmouseover]").count() == 0
    assert word in shown.root.locator(".detail").inner_text()
    assert word in shown.root.locator(".rows tr.here").text_content()
    assert word in shown.root.locator(".drawn [data-state]").first.get_attribute("aria-label")
    shown.photograph("workbench-hostile")
    assert dialogs == []
    assert outside(page) == []


def test_names_may_be_long_or_those_of_javascript(opened, jupyter):
    states = {
        "A wait whose name is longer than the lanes have room": {"Type": "Wait", "Seconds": 10, "Next": "toString"},
        "toString": {"Type": "Wait", "Seconds": 10, "Next": "constructor"},
        "constructor": {"Type": "Pass", "End": True},
    }
    machine = {"StartAt": next(iter(states)), "States": states}
    cell = nbformat.v4.new_code_cell(
        f"from helpers import engine\nfrom helpers.workbench import explore\nmachine = {machine!r}\n"
        "explore(engine.run(machine).events, definition=machine)"
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=KERNEL), jupyter.folder / "names.ipynb")
    shown = first_workbench(opened, "names.ipynb")
    assert [shown.colour(name) for name in states] == ["succeeded", "succeeded", "passive"]
    shown.root.locator("tr[data-event]", has_text="WaitStateEntered").nth(1).click()
    shown.root.locator(".moment", has_text="10.000 s after").wait_for()
    assert [shown.colour(name) for name in states] == ["succeeded", "waiting", "unreached"]
    shown.root.locator("[data-state='constructor']").first.hover()
    shown.root.locator(".tip", has_text="constructor, Pass, not reached").wait_for()
    lanes = shown.root.locator(".scroll canvas").bounding_box()
    assert abs(shown.cursor() - lanes["x"] - lanes["width"] / 2) < 2


def test_an_execution_is_rehearsed_with_a_change(opened):
    shown = first_workbench(opened)
    shown.root.get_by_role("button", name="Rehearse with a change").click()
    editor = shown.root.locator(".sfn-editor")
    editor.locator(".said", has_text="states").wait_for()
    area = editor.locator("textarea")
    area.evaluate(
        """area => {
            const at = area.value.indexOf('"MaxAttempts": 2') + '"MaxAttempts": '.length;
            area.focus();
            area.setSelectionRange(at, at + 1);
        }"""
    )
    shown.page.keyboard.type("0")
    shown.root.locator("button:has(.fa-play)").click()
    shown.root.locator("p", has_text="The history was FAILED, the rehearsal is FAILED.").wait_for()
    assert shown.root.locator("figure img").count() == 2
    editor.screenshot(path=SCREENSHOTS / "workbench-rehearsed.png")
    assert shown.root.evaluate(PALE) == []
    assert outside(shown.page) == []


def test_without_a_kernel_the_stored_still_is_shown(opened):
    page = opened("workbench.ipynb")
    still = page.locator(".jp-OutputArea-output:has-text('failed-map')").first
    still.wait_for()
    assert still.locator("img").count() == 2
    assert "OutOfStock" in still.inner_text()
    still.screenshot(path=SCREENSHOTS / "workbench-still.png")
    assert outside(page) == []
