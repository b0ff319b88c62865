"""The lessons in a real browser: the diagram takes its colours, and nothing is fetched from elsewhere."""

import pytest

from tests.browser.conftest import SCREENSHOTS, outside, run_all


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_diagram_takes_colours_while_the_execution_runs(opened, dark):
    page = opened("03-run-and-watch.ipynb", dark)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    run_all(page)
    page.wait_for_selector("text=WaitforInvocation: waiting")
    page.locator("svg:has-text('WaitforInvocation')").first.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / f"lesson-running-{'dark' if dark else 'light'}.png")
    page.wait_for_selector("text=succeeded after")
    diagram = page.locator("svg:has-text('WaitforInvocation')").first
    diagram.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / f"lesson-{'dark' if dark else 'light'}.png")
    assert diagram.locator("text=√").count() == 4
    assert outside(page) == []


def test_a_fresh_clone_shows_the_stored_pictures(opened):
    page = opened("00-start-here.ipynb")
    pictures = page.locator(".jp-OutputArea-output img, .jp-OutputArea-output svg")
    pictures.first.wait_for()
    assert pictures.count() >= 2
    page.screenshot(path=SCREENSHOTS / "stored.png")
    assert outside(page) == []
