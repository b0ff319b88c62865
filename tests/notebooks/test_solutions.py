"""Each notebook with exercises is made from its twin, which solves them, and says nothing else."""

import copy
import re

import nbformat
import pytest

from tests.notebooks import lessons, run
from tests.notebooks.lessons import tagged
from tests.notebooks.run import SOLUTIONS


def read(path):
    return nbformat.read(path, as_version=4)


LESSONS = [
    path for path in sorted(run.NOTEBOOKS.glob("*.ipynb")) if any(tagged(cell, "exercise") for cell in read(path).cells)
]
NAMES = [path.name for path in LESSONS]


def test_there_is_no_twin_of_nothing():
    assert sorted(path.name for path in SOLUTIONS.glob("*.ipynb")) == NAMES


def written(notebook: nbformat.NotebookNode) -> list[tuple[str, str, list[str]]]:
    return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_a_lesson_is_what_its_twin_makes_of_it(path):
    assert written(read(path)) == written(lessons.lesson(read(SOLUTIONS / path.name))), (
        f"change {SOLUTIONS / path.name}, then: python -m tests.notebooks.run {path.name[:2]} solutions/{path.name[:2]}"
    )


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_each_answer_follows_its_question(path):
    tags = [cell.metadata.get("tags", []) for cell in read(SOLUTIONS / path.name).cells]
    asked = [place for place, of in enumerate(tags) if "exercise" in of]
    assert [place for place, of in enumerate(tags) if "solution" in of] == [place + 1 for place in asked]


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_no_answer_is_stored_in_a_lesson(path):
    answers = {cell.source: bool(cell.outputs) for cell in read(SOLUTIONS / path.name).cells if tagged(cell, "answer")}
    assert all(answers.values())
    assert not [cell.id for cell in read(path).cells if tagged(cell, "answer") and cell.outputs]


def test_running_again_changes_only_the_cells_that_say_something_else():
    def notebook(*texts):
        cells = [nbformat.v4.new_code_cell(f"print({n})") for n in range(len(texts))]
        for cell, text in zip(cells, texts, strict=True):
            cell.outputs = [nbformat.v4.new_output("stream", text=text)]
        return nbformat.v4.new_notebook(cells=cells)

    stored = notebook("took 2.1 s", "succeeded", "id 20261122-170002-50a413")
    fresh = notebook("took 2.4 s", "failed", "id 20261122-170109-77aa10")
    run.keep_outputs(fresh, copy.deepcopy(stored), run.as_stored)
    assert [cell.outputs[0].text for cell in fresh.cells] == ["took 2.1 s", "failed", "id 20261122-170002-50a413"]


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_every_link_of_a_twin_leads_somewhere(path):
    for cell in read(SOLUTIONS / path.name).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", cell.source):
                assert (SOLUTIONS / target).exists(), f"{target} in {cell.id}"


@pytest.mark.parametrize("state", ["open", "solved"])
@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_stored_verdicts(path, state):
    """In the lesson every exercise is open, in its twin every one is solved; both ran to their ends."""
    notebook = read(path if state == "open" else SOLUTIONS / path.name)
    assert not [cell.id for cell in notebook.cells if "error" in kinds(cell) and not tagged(cell, "raises-exception")]
    answered = {"open": "exercise", "solved": "solution"}[state]
    found = [run.verdicts(cell) for cell in notebook.cells if tagged(cell, answered)]
    assert found
    assert found == [[state]] * len(found)


def kinds(cell: nbformat.NotebookNode) -> set[str]:
    return {output.output_type for output in cell.get("outputs", [])}
