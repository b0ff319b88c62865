"""Every notebook runs alone, from top to bottom, and what is stored is what it shows."""

import json
import os
import re

import nbformat
import pandas as pd
import psutil
import pytest
from nbclient.exceptions import CellExecutionError

from helpers import sandbox
from helpers.lab import beside, lessons
from tests.notebooks import account, run, words
from tests.roles import TRUST, may_everything

PATHS = run.paths()
# Asks about a definition before anything is made; without it CreateStateMachine refuses a wrong one, later.
BEFOREHAND = "states:ValidateStateMachineDefinition"
SILENT = 3.0  # seconds: two of waiting, and one for what a cell computes on a computer that does nothing else
NAMES = [path.relative_to(run.NOTEBOOKS).as_posix() for path in PATHS]


@pytest.fixture(scope="module")
def place():
    """A sandbox for this module's kernels alone: what other tests have made would show in the outputs."""
    with run.clean_sandbox():
        yield


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_stored_notebook_is_as_it_was_run(path):
    stored = nbformat.read(path, as_version=4)
    assert stored.metadata.get("sources") == run.digest(stored), (
        f"{path.name} was changed without being run: python -m tests.notebooks.run {path.name[:2]}"
    )
    assert str(run.ROOT) not in path.read_text(encoding="utf-8")


@pytest.mark.notebooks
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_notebook_runs_alone_and_says_what_is_stored(path, place):
    """As a user who may do what `sfn-lab permissions` prints for it alone, and who asks for all of that."""
    sandbox.reset()
    stored, notebook = nbformat.read(path, as_version=4), account.name(path)
    lab = beside()
    fresh = run.normalised(run.executed(path, policy=lessons.policy(lab.account, lab.region, lab.prefix, [notebook])))
    assert outputs(fresh) == outputs(stored)
    asked, recorded, used = account.asked(lab), account.recorded(notebook), account.used(lab)
    has_twin = path.parent != run.SOLUTIONS and (run.SOLUTIONS / path.name).exists()
    assert asked <= recorded if has_twin else asked == recorded, (
        f"other calls than recorded: python -m tests.notebooks.run {notebook} solutions/{notebook}"
    )
    dollars = sum(price * used.get(unit, 0) for unit, price in lessons.UNITS.items())
    assert dollars <= 1.5 * lessons.costs().get(notebook, 0) + 0.0001


@pytest.mark.notebooks
@pytest.mark.skipif(not os.environ.get("RUN_ACTIONS"), reason="takes half an hour: set RUN_ACTIONS=1")
@pytest.mark.parametrize("action", account.evaluated())
def test_without_an_action_a_notebook_that_asks_for_it_raises_or_says_something_else(action, place):
    sandbox.reset()
    lab, notebook = beside(), account.first_that_asks(action)
    path = next(path for path in reversed(PATHS) if account.name(path) == notebook)
    policy = lessons.policy(lab.account, lab.region, lab.prefix, [notebook])
    for statement in policy["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one != action] or ["none:None"]
    if notebook == "99":  # what is removed after it holds all that it removes
        with pytest.raises(AssertionError):
            account.clean_up_everything(account.user(policy))
        return
    try:
        fresh = run.normalised(run.executed(path, policy=policy))
    except CellExecutionError:
        return
    assert (outputs(fresh) != outputs(nbformat.read(path, as_version=4))) == (action != BEFOREHAND)


@pytest.mark.notebooks
@pytest.mark.skipif(not os.environ.get("RUN_GIVEN"), reason="takes ten minutes: set RUN_GIVEN=1")
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_notebook_runs_with_a_company_s_roles_as_a_user_who_may_make_none(path, place, monkeypatch):
    sandbox.reset()
    lab, notebook = beside(), account.name(path)
    for setting in ("LAB_ROLE", "LAB_FUNCTION_ROLE"):
        made = lab.client("iam").create_role(RoleName=setting, AssumeRolePolicyDocument=TRUST)
        monkeypatch.setenv(setting, may_everything(lab.client("iam"), made))
    run.executed(path, policy=lessons.policy(lab.account, lab.region, lab.prefix, [notebook]))
    roles = [role["RoleName"] for role in lab.client("iam").list_roles()["Roles"]]
    assert not [name for name in roles if name.startswith(lab.prefix)]


@pytest.mark.notebooks
@pytest.mark.skipif(not os.environ.get("RUN_PACE"), reason="takes half an hour: set RUN_PACE=1")
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_notebook_runs_at_awss_pace_and_is_never_long_silent(path, monkeypatch):
    monkeypatch.setenv("LAB_SANDBOX_PACE", "aws")
    with run.clean_sandbox():
        fresh = run.executed(path)
    stored = nbformat.read(path, as_version=4)
    assert [run.verdicts(cell) for cell in fresh.cells] == [run.verdicts(cell) for cell in stored.cells]
    longest = SILENT * max(1.0, psutil.getloadavg()[1] / psutil.cpu_count())
    silent = {cell.source: round(cell.metadata.get("silent", 0.0), 1) for cell in fresh.cells}
    assert not {source: seconds for source, seconds in silent.items() if seconds > longest}


# What AWS, or the worker of 10, says to a second call for the same thing; the text says so, too.
REFUSED = ("ExecutionNotRedrivable", "TaskTimedOut", "TimeoutError")


@pytest.mark.notebooks
@pytest.mark.skipif(not os.environ.get("RUN_AGAIN"), reason="takes ten minutes: set RUN_AGAIN=1")
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_cell_may_be_run_again_and_again(path, place):
    sandbox.reset()
    run.executed(path, times=3, refused=REFUSED)


def outputs(notebook: nbformat.NotebookNode) -> list[tuple[str, list[str]]]:
    """Per code cell what it says; the ids and first lines only make a difference easy to find."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(f"{cell.id}: {cell.source.splitlines()[:1]}", words.said(cell)) for cell in cells]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_changed_word_of_a_stored_output_would_show(path):
    """Each word of what a reader sees, changed in all the forms in which the output holds it."""
    tried, cells = 0, nbformat.read(path, as_version=4).cells
    for cell in cells:
        before = words.said(cell)
        for text in before:
            for word in sorted(set(re.findall(r"(?<![(\w])[A-Za-z]{4,}(?![)\w])", text)))[:40]:
                changed = json.loads(json.dumps(cell).replace(word, f"{word}q"))
                assert words.said(nbformat.from_dict(changed)) != before, f"{word} in {cell.id}"
                tried += 1
    assert tried > 5 or not any(cell.cell_type == "code" for cell in cells)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SUCCEEDED after 2.1 s", "SUCCEEDED after 140 ms", True),
        ("SUCCEEDED after 2.1 s", "FAILED after 2.1 s", False),
        ("20261122-170002-50a413: SUCCEEDED", "20261124-091502-77aa10: SUCCEEDED", True),
        ("Started 2026-11-22 17:00:37 UTC", "Started 2027-01-02 03:04:05 UTC", True),
        ("Started 2026-11-22 17:00:37 UTC", "Ended 2026-11-22 17:00:37 UTC", False),
        ("{'at': '2026-11-22T17:00:21.563Z'}", "{'at': '2026-11-22T17:00:21.564Z'}", True),
        (
            "'RequestId: fcffed78-d8f4-4bb3-9db9-01f3fe4683bd'",
            "'RequestId: 582e6eca-6353-409d-92a9-a59538a23d58'",
            True,
        ),
        ("'1795379660.338/100.0/success'", "'1795379661.001/100.0/success'", True),
        ("'1795379660.338/100.0/success'", "'1795379660.338/200.0/success'", False),
        ("Main 0.123", "Main 0.004", True),
        ("Main 0.123\nName: duration, dtype: float64", "Main 0.03\nName: duration, dtype: float64", True),
        ("Main 0.123\nName: dollars, dtype: float64", "Main 0.03\nName: dollars, dtype: float64", False),
        ("within 30 s", "within 15 s", False),
        ("Max Memory Used: 13 MB\tInit Duration", "Max Memory Used: 15 MB\tInit Duration", True),
        ("Memory Size: 128 MB\tMax Memory", "Memory Size: 256 MB\tMax Memory", False),
        ("Transitions 4", "Transitions 5", False),
        ("$0.000100", "$0.000125", False),
    ],
)
def test_dates_ids_and_durations_may_differ_and_nothing_else(one, other, same):
    cells = [
        nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("execute_result", data={"text/plain": text})])
        for text in (one, other)
    ]
    assert (words.said(cells[0]) == words.said(cells[1])) is same


@pytest.mark.parametrize(("column", "same"), [("duration", True), ("attempts", False), ("dollars", False)])
def test_a_table_may_differ_in_its_columns_of_durations_alone(column, same):
    tables = [pd.DataFrame({"state": ["Main", "Wait"], column: values}) for values in ([1.25, 2.0], [1.0, 2.0])]
    cells = [
        nbformat.v4.new_code_cell(
            outputs=[
                nbformat.v4.new_output("display_data", {"text/html": table._repr_html_(), "text/plain": f"{table}"})
            ]
        )
        for table in tables
    ]
    assert (words.said(cells[0]) == words.said(cells[1])) is same


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_cells_are_short(path):
    notebook = nbformat.read(path, as_version=4)
    long = [cell.id for cell in notebook.cells if cell.cell_type == "code" and len(cell.source.splitlines()) > 15]
    assert not long, f"cells to be cut in two or more: {long}"


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_no_two_dollar_signs_make_a_formula_of_what_stands_between(path):
    for cell in nbformat.read(path, as_version=4).cells:
        text = re.sub(r"```.*?```|(`+).*?\1", "", cell.source, flags=re.DOTALL) if cell.cell_type == "markdown" else ""
        several = [part for part in text.split("\n\n") if part.count("$") > 1]  # a backslash does not help
        assert not several, f"{cell.id}: write dollars"


CODE, TEXT = 107, 108  # characters that a line of a cell shows in a window of 1,280 pixels, before it is cut


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_no_line_is_longer_than_a_cell_shows(path):
    """Of a text JupyterLab would cut the words; HTML and pictures are measured in a browser."""
    for cell in nbformat.read(path, as_version=4).cells if path.stem != "workbench" else []:
        if cell.cell_type == "code":
            assert not [line for line in cell.source.splitlines() if len(line) > CODE], cell.id
            for output in cell.outputs:
                data = output.get("data", {})
                shown = data.get("text/plain", "") if set(data) == {"text/plain"} else output.get("text", "")
                assert not [line for line in shown.splitlines() if len(line) > TEXT], cell.id


CELL = 848  # pixels that a cell shows in a window of 1280, with the list of files beside the notebook


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_stored_pictures_fit_their_cells(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            size = re.search(r'<svg[^>]*? width="([\d.]+)pt"', output.get("data", {}).get("image/svg+xml", ""))
            assert size is None or float(size[1]) * 96 / 72 <= CELL, cell.id


@pytest.mark.notebooks
def test_running_again_changes_nothing_where_the_same_is_said(tmp_path, place):
    path = tmp_path / "one.ipynb"
    source = "import datetime, uuid\nprint('made', uuid.uuid4(), 'at', datetime.datetime.now().isoformat())"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    assert run.run_and_store(path)
    once = path.read_bytes()
    assert b"made" in once
    assert run.run_and_store(path)
    assert path.read_bytes() == once


def ran(*outputs: str) -> nbformat.NotebookNode:
    """A notebook whose cells said this."""
    said = [[nbformat.v4.new_output("stream", text=text)] for text in outputs]
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(f"cell({n})", outputs=of) for n, of in enumerate(said)]
    )


def test_the_durations_of_a_notebook_are_those_of_one_run():
    stored = ran("Main took 1.5 s", "waited 1.5 s", "open")
    assert run.of_one_run(ran("Main took 2.5 s", "waited 2.5 s", "open"), stored)
    assert run.of_one_run(ran("Main took 2.5 s", "waited 2.5 s", "solved"), stored)
    assert not run.of_one_run(ran("Main took 2.5 s", "slept 2.5 s", "open"), stored)
    assert not run.of_one_run(ran("Main took 2.5 s", "waited 2.5 s", "open", "and 2.5 s more"), stored)


@pytest.mark.notebooks
def test_a_notebook_that_fails_is_left_as_it_was(tmp_path, place, capsys):
    path = tmp_path / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    assert not run.run_and_store(path)
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().out
