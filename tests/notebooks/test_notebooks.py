"""Every notebook runs alone, from top to bottom, and what is stored is what it shows."""

import nbformat
import pytest

from tests.notebooks import run

PATHS = run.paths()
NAMES = [path.relative_to(run.NOTEBOOKS).as_posix() for path in PATHS]


def shapes(notebook: nbformat.NotebookNode) -> list[tuple[list[tuple[str, ...]], list[str]]]:
    """Per code cell what kinds of output it shows, and how exercises stand; values such as ARNs may differ."""
    return [
        ([(output.output_type, *sorted(output.get("data", {}))) for output in cell.outputs], run.verdicts(cell))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_stored_notebook_is_as_it_was_run(path):
    stored = nbformat.read(path, as_version=4)
    assert stored.metadata.get("sources") == run.digest(stored), (
        f"{path.name} was changed without being run: python -m tests.notebooks.run {path.name[:2]}"
    )
    assert str(run.ROOT) not in path.read_text(encoding="utf-8")


@pytest.mark.notebooks
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_notebook_runs_alone(path, lab):
    stored = nbformat.read(path, as_version=4)
    fresh = run.normalised(run.executed(path))
    assert shapes(fresh) == shapes(stored)


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_cells_are_short(path):
    notebook = nbformat.read(path, as_version=4)
    long = [cell.id for cell in notebook.cells if cell.cell_type == "code" and len(cell.source.splitlines()) > 15]
    assert not long, f"cells to be cut in two or more: {long}"
