"""The lessons in a real browser: the diagram takes its colours, and nothing is fetched from elsewhere."""

import re
from urllib.parse import unquote

import nbformat

from tests.browser.conftest import ROOT, SCREENSHOTS, outside, run_all
from tests.browser.test_workbench import PALE


def pictures(page) -> list[str]:
    """The SVG pictures on the page, as text."""
    sources = page.locator(".jp-RenderedSVG img").evaluate_all("images => images.map(image => image.src)")
    return [unquote(source) for source in sources]


def test_the_diagram_takes_colours_while_the_execution_runs(opened):
    page = opened("03-run-and-watch.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    assert pictures(page) == []
    run_all(page)
    waiting = page.locator(".sfn-living [data-look='waiting'][aria-label^='WaitforInvocation']").first
    waiting.wait_for(state="attached")
    waiting.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "lesson-running.png")
    page.wait_for_selector("text=succeeded after")
    page.locator(".jp-RenderedSVG").first.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "lesson.png")
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


def over_the_edge(page) -> list[int]:
    """How many pixels each picture reaches beyond what its cell shows, with the list of files beside the notebook."""
    page.evaluate("() => window.jupyterapp.shell.expandLeft()")
    page.wait_for_selector(".jp-DirListing-content")
    page.wait_for_function("() => [...document.images].every(image => image.complete)")
    found = page.evaluate(
        """() => {
             const edge = document.querySelector('.jp-Notebook .jp-InputArea-editor').getBoundingClientRect().right;
             return [...document.querySelectorAll('.jp-OutputArea-output :is(img, svg)')]
               .map(picture => picture.getBoundingClientRect().right - edge);
           }"""
    )
    assert found
    return [round(pixels) for pixels in found if pixels > 0.5]


READ = ".jp-Notebook :is(.jp-MarkdownOutput, .jp-OutputArea-output)"
WIDER = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell *')]
    .filter(part => part.matches('.jp-MarkdownOutput, .jp-OutputArea-output'))
    .filter(part => part.scrollWidth > part.clientWidth + 1)
    .map(part => `${part.scrollWidth - part.clientWidth} px: ${part.innerText.trim().slice(0, 70)}`)"""
NOT_LEFT = """() => [...document.querySelectorAll('.jp-Notebook .jp-RenderedMarkdown :is(td, th)')]
    .filter(one => !['left', '-webkit-left', 'start'].includes(getComputedStyle(one).textAlign))
    .map(one => one.innerText)"""


def test_all_that_is_stored_can_be_read_in_both_themes(opened, jupyter):
    """In a window of 1,280 pixels nothing is wider than its cell, tables stand left, and no text is pale.

    The workbench has tests of its own; how long the lines of plain text are needs no browser.
    """
    paths = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.stem != "workbench"]
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    shown = re.compile(r"text/html|image/png|^\|", re.MULTILINE)
    all_cells = [cell for notebook in notebooks for cell in notebook.cells]
    cells = [cell for cell in all_cells if shown.search(str(cell.get("outputs", cell.source)))]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    written = nbformat.v4.new_notebook(cells=cells, metadata=notebooks[0].metadata)
    nbformat.write(written, jupyter.folder / "all.ipynb")
    page = opened("all.ipynb")
    page.wait_for_function(f"() => document.querySelectorAll('{READ}').length >= {len(cells)}")
    assert over_the_edge(page) == []
    for theme, light in (("JupyterLab Light", "true"), ("JupyterLab Dark", "false")):
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached")
        assert page.evaluate(WIDER) == []
        assert page.evaluate(NOT_LEFT) == []
        pale = f"() => [...document.querySelectorAll('{READ}')].flatMap({PALE})"
        assert page.evaluate(pale) == []


def test_new_pictures_are_no_wider_than_their_cells(opened, jupyter):
    """In a notebook that one has run oneself the SVG is shown, not the PNG."""
    sources = [
        "from helpers import definition, diagram, history, planner, timeline",
        "timeline.draw(history.events(history.sample('failed-map')))",
        "diagram.draw(definition.load('bounded'))",
        "diagram.legend()",
        "planner.chart(planner.compare_patterns(307))",
    ]
    metadata = nbformat.read(ROOT / "notebooks" / "00-start-here.ipynb", as_version=4).metadata
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), jupyter.folder / "new.ipynb")
    page = opened("new.ipynb")
    run_all(page)
    page.locator(".jp-RenderedSVG img").nth(2).wait_for()
    page.locator(".jp-RenderedImage img").first.wait_for()
    page.screenshot(path=SCREENSHOTS / "widths.png")
    assert over_the_edge(page) == []


def test_what_stands_between_two_dollar_signs_is_no_formula(opened, jupyter):
    sources = [
        "from IPython.display import HTML\nHTML('<p>a formula: $x$</p>')",
        "from helpers import history\nhistory.events([])",
        "import pandas as pd\npd.DataFrame({'path': ['$.one and $.two']})",
        "from helpers.exercises.verdict import Verdict\nVerdict('one', 'lacking', 'between $5 and $6')",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), jupyter.folder / "dollars.ipynb")
    page = opened("dollars.ipynb")
    run_all(page)
    shown = page.locator(".jp-OutputArea-output")
    shown.locator("mjx-container").wait_for()
    for words in ("$.one and $.two", "between $5 and $6"):
        shown.get_by_text(words).wait_for()
    assert shown.locator("mjx-container").count() == 1
    assert outside(page) == []
