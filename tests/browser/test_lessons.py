"""The lessons in a real browser: the diagram takes its colours, and nothing is fetched from elsewhere."""

from urllib.parse import unquote

import pytest

from tests.browser.conftest import SCREENSHOTS, outside, run_all


def pictures(page) -> list[str]:
    """The SVG pictures on the page, as text."""
    sources = page.locator(".jp-RenderedSVG img").evaluate_all("images => images.map(image => image.src)")
    return [unquote(source) for source in sources]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_diagram_takes_colours_while_the_execution_runs(opened, dark):
    page = opened("03-run-and-watch.ipynb", dark)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    assert pictures(page) == []
    run_all(page)
    page.wait_for_selector("text=WaitforInvocation waits")
    shown = page.locator(".jp-RenderedSVG").first
    shown.scroll_into_view_if_needed()
    theme = "dark" if dark else "light"
    page.screenshot(path=SCREENSHOTS / f"lesson-running-{theme}.png")
    assert "WaitforInvocation (waiting)" in pictures(page)[0]
    page.wait_for_selector("text=succeeded after")
    shown.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / f"lesson-{theme}.png")
    for state in ("Main", "WaitforInvocation", "CheckInvocationsStatus", "Final"):
        assert f"{state} (succeeded)" in pictures(page)[0]
    assert outside(page) == []


def test_a_fresh_clone_shows_the_stored_pictures(opened):
    page = opened("00-start-here.ipynb")
    stored = page.locator(".jp-OutputArea-output img")
    stored.first.wait_for()
    assert stored.count() >= 2
    stored.first.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "stored.png")
    assert outside(page) == []
