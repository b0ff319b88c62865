"""The editor in a real browser: what is typed, drawn, marked and clicked, in both themes; keys stay inside."""

import json

import nbformat
import pytest

from tests.browser.conftest import SCREENSHOTS, outside, run_all
from tests.browser.test_workbench import KERNEL, PALE
from tests.workbench.test_explore import NASTY


class Page:
    """An editor on an open page."""

    def __init__(self, page) -> None:
        self.page, self.root = page, page.locator(".sfn-editor").first
        self.root.wait_for()
        self.area = self.root.locator("textarea")

    def text(self) -> str:
        """What stands in the text."""
        return self.area.input_value()

    def states(self) -> list[str]:
        """The states in the picture."""
        return self.root.locator(".picture [data-state]").evaluate_all("all => all.map(one => one.dataset.state)")

    def put_caret(self, before: str) -> None:
        """Put the caret before the first place of some text."""
        self.area.evaluate(
            "(area, at) => { area.focus(); area.setSelectionRange(at, at); area.dispatchEvent(new Event('select')); }",
            self.text().index(before),
        )

    def caret(self) -> int:
        """Where the caret is."""
        return self.area.evaluate("area => area.selectionStart")

    def wait_for_said(self, words: str) -> None:
        """Wait until the line below the panes says so."""
        self.root.locator(".said", has_text=words).wait_for()

    def wait_for_state(self, name: str) -> None:
        """Wait until the picture has a state, whose name is plain."""
        self.root.locator(f".picture [data-state='{name}']").wait_for()

    def here(self) -> list[str]:
        """The states marked in the picture."""
        return self.root.locator(".picture .selected").evaluate_all("all => all.map(one => one.dataset.state)")

    def photograph(self, name: str) -> None:
        """Keep a screenshot."""
        self.root.scroll_into_view_if_needed()
        self.root.screenshot(path=SCREENSHOTS / f"editor-{name}.png")


@pytest.fixture
def editing(opened, jupyter):
    """A function that opens an editor in a notebook of its own, with a second cell that shows what it is asked for."""

    def open_(source: str, asked: str = "", dark: bool = False) -> Page:
        cells = [f"from helpers.editor import edit\neditor = edit({source})\neditor", asked]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells], metadata=KERNEL)
        nbformat.write(notebook, jupyter.folder / "editor.ipynb")
        page = opened("editor.ipynb", dark)
        run_all(page)
        return Page(page)

    return open_


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_is_typed_is_drawn_and_what_is_wrong_is_marked(editing, dark):
    shown = editing("'busy_wait'", dark=dark)
    shown.wait_for_said("4 states, 1 problem")
    shown.put_caret('"CheckInvocationsStatus": {')
    assert shown.here() == ["CheckInvocationsStatus"]
    assert shown.root.evaluate(PALE) == []
    shown.photograph("dark" if dark else "light")
    shown.put_caret('inal": {')
    shown.page.keyboard.type("ish, the f")
    shown.wait_for_state("Fish, the final")
    shown.wait_for_said("2 errors")
    assert shown.here() == ["Fish, the final"]
    assert '"Next": "Final"' in shown.root.locator(".line[data-note=error]").first.inner_text()
    assert shown.root.evaluate(PALE) == []
    shown.photograph("wrong-dark" if dark else "wrong-light")
    shown.root.locator(".notes button", has_text="line 44").click()
    assert shown.caret() == shown.text().index('    "Fish, the final": {')
    assert outside(shown.page) == []


def test_a_click_on_a_state_shows_its_text_and_what_stands_there_is_the_definition(editing):
    shown = editing("'busy_wait'", "print(editor.definition['States']['Main']['Comment'])")
    shown.wait_for_state("Final")
    shown.root.locator(".picture [data-state='Final'] text").first.click()
    assert shown.caret() == shown.text().index('Final": {')
    assert "Final" in shown.root.locator(".line.here").first.inner_text()
    assert shown.here() == ["Final"]
    shown.root.locator(".picture [data-state='Main']").press("Enter")
    assert (shown.caret(), shown.here()) == (shown.text().index('Main": {'), ["Main"])
    shown.root.get_by_label("Find a state").fill("wait")
    shown.root.get_by_label("Find a state").press("Enter")
    assert (shown.caret(), shown.here()) == (shown.text().index('WaitforInvocation": {'), ["WaitforInvocation"])
    assert shown.root.locator(".line[data-note=error]").count() == 0

    picture = shown.root.locator(".picture svg").text_content()
    shown.put_caret('"Type": "Task"')
    shown.page.keyboard.type('"Comment": "half ')
    shown.wait_for_said("no JSON")
    assert "line 6" in shown.root.locator(".notes .error").inner_text()
    assert '"Comment"' in shown.root.locator(".line[data-note=error]").inner_text()
    assert {"Main", "Final"} < set(shown.states())
    assert shown.here() == ["Main"]
    shown.page.keyboard.type('way", ')
    shown.page.keyboard.press("Escape")
    shown.page.evaluate(
        """async () => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    shown.page.locator(".jp-OutputArea-output", has_text="half way").first.wait_for()
    shown.wait_for_said("4 states")
    assert shown.root.locator(".picture svg").text_content() == picture


def test_tab_undo_and_all_other_keys_stay_inside(editing):
    shown = editing("'{}'")
    before, keyboard = shown.page.locator(".jp-Cell").count(), shown.page.keyboard
    shown.wait_for_said("error")
    shown.area.click()
    keyboard.press("Control+a")
    keyboard.type('{"a": [')
    keyboard.press("Enter")
    keyboard.type("1, 2")
    assert shown.text() == '{"a": [\n  1, 2'
    for pressed, stands in (
        (["Tab"], '{"a": [\n  1, 2  '),
        (["Control+z"], '{"a": [\n  1, 2'),
        (["Control+a", "Tab"], '  {"a": [\n    1, 2'),
        (["Shift+Tab"], '{"a": [\n  1, 2'),
    ):
        for key in pressed:
            keyboard.press(key)
        assert shown.text() == stands
    keyboard.press("End")
    for key in ("Shift+Enter", "Escape", "a", "b", "d", "d", "Control+s", "ArrowUp", "Control+Enter"):
        keyboard.press(key)
    assert shown.page.locator(".jp-Cell").count() == before
    assert shown.area.evaluate("area => area === document.activeElement")
    assert "abdd" in shown.text()
    keyboard.press("Escape")
    keyboard.press("Tab")
    assert not shown.area.evaluate("area => area === document.activeElement")


def test_hostile_names_are_text_and_can_be_clicked(editing, page):
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    states = {word: {"Type": "Pass", "Comment": word, "Next": word + "!"} for word in NASTY}
    shown = editing(json.dumps(json.dumps({"StartAt": NASTY[0], "States": states}, indent=1)))
    shown.wait_for_said("4 states")
    assert set(NASTY) < set(shown.states())
    assert shown.root.locator("img, script, [onerror], [onmouseover]").count() == 0
    for number in range(len(NASTY)):
        shown.root.locator(".picture [data-state] text").nth(number).dispatch_event("click")
        assert shown.root.locator(".line.here").first.inner_text().strip().startswith('"')
    shown.photograph("hostile")
    assert dialogs == []
    assert outside(page) == []


def test_the_playground_runs_what_is_pasted_into_its_editor(opened):
    page = opened("playground.ipynb", dark=True)
    still = page.locator(".jp-OutputArea-output:has-text('counts no turns')").first
    assert still.locator("img").count() == 1
    still.screenshot(path=SCREENSHOTS / "editor-still.png")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    run = """async ([from, to]) => {
        for (let cell = from; cell < to; cell++) {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }
    }"""
    page.evaluate(run, [0, 4])
    shown = Page(page)
    shown.wait_for_said("4 states, 1 problem")
    assert shown.root.evaluate(PALE) == []
    pasted = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": "a\\b", "End": True}}}
    shown.area.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(json.dumps(pasted))
    page.evaluate(run, [4, 10])
    page.locator(".jp-OutputArea-output", has_text=r"('SUCCEEDED', 'a\\b')").first.wait_for()
    page.locator(".widget-vbox.sfn-workbench tr.here").wait_for()
    shown.wait_for_state("Say")
    shown.photograph("playground")
    assert outside(page) == []


def test_a_point_lights_its_piece_of_the_text_and_its_state(editing):
    points = {"/StartAt": "It starts.", "/States/Main/Retry": "It tries again.", "/States/Final": "It ends."}
    shown = editing(f"'busy_wait', False, read_only=True, points={points}")
    lit = shown.root.locator(".line.lit")
    shown.root.get_by_text("It tries again.").click()
    assert shown.here() == ["Main"]
    first, *_, last = lit.all_inner_texts()
    assert (first.strip(), last.strip()) == ('"Retry": [', "],")
    shown.root.get_by_text("It starts.").click()
    assert (shown.here(), lit.all_inner_texts()) == (["Main"], ['  "StartAt": "Main",'])
    before = shown.text()
    shown.area.press("x")
    assert shown.text() == before


def test_a_picture_that_is_too_wide_to_be_read_shows_its_beginning(editing):
    tasks = {
        f"Task number {n}": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
            "Next": f"Task number {n + 1}",
        }
        for n in range(30)
    }
    machine = {"StartAt": "Task number 0", "States": {**tasks, "Task number 30": {"Type": "Succeed"}}}
    machine["States"]["Failed"] = {"Type": "Fail"}
    shown = editing(repr(machine))
    shown.wait_for_state("Failed")
    scene = shown.root.locator(".scene").bounding_box()
    for mark in (shown.root.locator(".scene .node").first, shown.root.locator("[data-state='Task number 0']")):
        drawn = mark.bounding_box()
        assert scene["x"] <= drawn["x"]
        assert drawn["x"] + drawn["width"] <= scene["x"] + scene["width"]
        assert scene["y"] <= drawn["y"] <= scene["y"] + scene["height"]
