"""Lessons are made from their solutions: a twin in notebooks/solutions holds its lesson, and the answers beside it.

In a twin the learner's cell, tagged `exercise`, stands before the cell that solves it, tagged `solution`; only the
second is run there. A cell tagged `answer` shows what the lesson asks its reader to guess: its outputs are stored in
the twin alone. The two are equal in all else, but for the paths that lead out of the folder.
"""

import copy

import nbformat


def tagged(cell: nbformat.NotebookNode, tag: str) -> bool:
    """Whether a cell bears the tag."""
    return tag in cell.metadata.get("tags", [])


def lesson(twin: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The lesson in a twin, as it is before it is run."""
    made = copy.deepcopy(twin)
    made.cells = [cell for cell in made.cells if not tagged(cell, "solution")]
    for cell in made.cells:
        cell.source = _one_folder_up(cell)
        if cell.cell_type == "code":
            cell.outputs = []
    return made


def _one_folder_up(cell: nbformat.NotebookNode) -> str:
    before = '"../' if cell.cell_type == "code" else r"](../"
    return str(cell.source).replace(before, before.removesuffix("../"))


def without_answers(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A lesson that was run, without the outputs that would give its questions' answers away."""
    for cell in notebook.cells:
        if tagged(cell, "answer"):
            cell.outputs = []
    return notebook
