"""The first lessons on another emulator of AWS, unchanged: only what is its own is otherwise.

RUN_MINISTACK=1 .venv/bin/python -m pytest tests/notebooks/test_second_emulator.py
"""

import os
import subprocess

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.sandbox.process import ACCOUNT
from tests.ministack import REQUIREMENT, ministack
from tests.notebooks import lessons, run, words

THEIR_ACCOUNT = "000000000000"
# What is said wherever the sandbox's own clock is not: it is waited, and in real time.
WAITING = ("Waiting until AWS ", "Time cannot be moved here")
NO_PERMISSIONS = "whoever calls may do everything"
DIFFERENCES = {
    "00": {"history.in_seconds(events)": "a history has no TaskStarted"},
    "01": {
        'created["State"]': "a new function is Pending for a moment, as it is on AWS",
        "base64.b64decode": "a log has no START, END and REPORT",
        'report["stackTrace"]': "the report of an error has no stackTrace, so that the cell fails",
        '"unheard" in event["message"]': NO_PERMISSIONS,
        "iam.create_user": NO_PERMISSIONS,
    },
    "02": {
        "error.response": "errors are in other words",
        "ended.status": NO_PERMISSIONS,
        "ended.cause": NO_PERMISSIONS,
        "dangling": "a machine with a state that is not there is made",
    },
    "03": {
        "describe_execution": "an output has spaces in it",
        "ended.status, ended.error": "what a function raises is Runtime.HandlerError, whatever it was",
        "put_function_concurrency": "a throttled call is Lambda.Unknown, so that the machine does not retry it",
        "history.attempts(": "the same",
        "list_executions": "the same",
    },
    "99": {},
}
"""By notebook the cells that say something else on ministack, by what is in their source, and why."""


def said(cell: nbformat.NotebookNode) -> list[str]:
    """The lines that a cell says; one that shows the Lab says where it is."""
    if cell.cell_type != "code" or cell.source.endswith("\nlab"):
        return []
    lines = "\n".join(words.said(cell)).replace(THEIR_ACCOUNT, ACCOUNT).splitlines()
    return [line for line in lines if not line.startswith(WAITING)]


@pytest.mark.notebooks
@pytest.mark.skipif(not os.environ.get("RUN_MINISTACK"), reason="installs ministack: set RUN_MINISTACK=1")
@pytest.mark.parametrize("number", DIFFERENCES)
def test_notebook_says_on_ministack_what_is_stored_but_for_what_is_listed(number, tmp_path):
    (path,) = (path for path in run.paths([number]) if path.parent == run.NOTEBOOKS)
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(
        fresh, timeout=180, allow_errors=True, skip_cells_with_tag="skip-execution", resources=place
    )
    try:
        with ministack() as url:
            own = {"LAB_TARGET": url, "LAB_PREFIX": "lab-", "LAB_PROGRESS_DIR": str(tmp_path)}
            client.execute(env={**os.environ, **own})
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{REQUIREMENT} cannot be installed: {error.stderr.decode().strip()}")
    pairs = zip(run.normalised(lessons.without_answers(fresh)).cells, stored.cells, strict=True)
    other = [new.source for new, old in pairs if said(new) != said(old)]
    listed = [source for source in other if any(part in source for part in DIFFERENCES[number])]
    assert other == listed
    assert [part for part in DIFFERENCES[number] if not any(part in source for source in other)] == []
