"""Each notebook with exercises has a twin that solves them, and says nothing else."""

import re

import nbformat
import pytest

from tests.notebooks import run

SOLUTIONS = run.NOTEBOOKS / "solutions"


def is_exercise(cell: nbformat.NotebookNode) -> bool:
    return "exercise" in cell.metadata.get("tags", [])


def read(path):
    return nbformat.read(path, as_version=4)


LESSONS = [path for path in sorted(run.NOTEBOOKS.glob("*.ipynb")) if any(map(is_exercise, read(path).cells))]
NAMES = [path.name for path in LESSONS]


def from_solutions(cell: nbformat.NotebookNode) -> str:
    """A cell's source with its relative paths as they must be one folder further down."""
    if cell.cell_type == "code":
        return str(cell.source).replace('"samples/', '"../samples/')
    return re.sub(r"\]\((?!https?:|#|/)([^)]+)\)", lambda link: f"]({_further_down(link[1])})", cell.source)


def _further_down(target: str) -> str:
    is_twin = (SOLUTIONS / target.split("#")[0]).is_file()
    return target if is_twin else f"../{target}"


def test_there_is_no_twin_of_nothing():
    assert sorted(path.name for path in SOLUTIONS.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_twin_differs_in_the_exercises_alone(path):
    lesson, twin = read(path), read(SOLUTIONS / path.name)
    assert [(cell.cell_type, is_exercise(cell)) for cell in lesson.cells] == [
        (cell.cell_type, is_exercise(cell)) for cell in twin.cells
    ]
    for ours, theirs in zip(lesson.cells, twin.cells, strict=True):
        if is_exercise(ours):
            assert ours.source != theirs.source
        else:
            assert theirs.source == from_solutions(ours)


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
    assert not [cell.id for cell in notebook.cells if "error" in kinds(cell) and not may_raise(cell)]
    found = [run.verdicts(cell) for cell in notebook.cells if is_exercise(cell)]
    assert found == [[state]] * len(found)


def kinds(cell: nbformat.NotebookNode) -> set[str]:
    return {output.output_type for output in cell.get("outputs", [])}


def may_raise(cell: nbformat.NotebookNode) -> bool:
    return "raises-exception" in cell.metadata.get("tags", [])
