"""Histories that AWS itself recorded: whatever they show, these things hold."""

import json
import os
import pathlib

import pytest

from helpers import history

RECORDED = pathlib.Path(
    os.environ.get("RECORDED_HISTORIES", pathlib.Path(__file__).parents[3] / "shared/aws-recorded/scenarios.json")
)
if not RECORDED.is_file():
    pytest.skip(
        f"the histories recorded on AWS are not here: {RECORDED} (RECORDED_HISTORIES names another place)",
        allow_module_level=True,
    )

SCENARIOS = json.loads(RECORDED.read_text(encoding="utf-8"))
START = 1767225600


def as_aws_gives_it(recorded):
    """The events with their JSON texts as texts and a stamp a second."""
    for event in recorded:
        event = {**event, "timestamp": START + event["id"]}
        for key, details in event.items():
            if key.endswith("EventDetails"):
                event[key] = {
                    name: json.dumps(value) if name in ("input", "output", "parameters") else value
                    for name, value in details.items()
                }
        yield event


def homes(definition, path=()):
    """Where each state lies: the Maps (their name) and Parallels (name and first state) around it."""
    for name, state in definition["States"].items():
        yield name, (state["Type"], path)
        for key in ("ItemProcessor", "Iterator"):
            if key in state:
                yield from homes(state[key], (*path, (name, None)))
        for branch in state.get("Branches", []):
            yield from homes(branch, (*path, (name, branch["StartAt"])))


def branch_path(branch):
    """The same, read off a branch."""
    for part in branch.split("/") if branch else []:
        name, _, rest = part.partition("#")
        yield name, (None if rest.endswith("]") else rest.partition(":")[2])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"].split("::")[-1])
def test_recorded(scenario):
    given = list(as_aws_gives_it(scenario["history"]))
    frame = history.events(given)
    entered = history.visits(frame)
    tries = history.attempts(frame)
    assert frame.attrs["notes"] == []
    assert len(frame) == len(given)

    home = dict(homes(scenario["definition"]))
    for event, row in zip(given, frame.itertuples(index=False), strict=True):
        if row.type.startswith("Execution"):
            assert (row.state != row.state, row.branch) == (True, "")
            continue
        state_type, path = home[row.state]
        if row.type.startswith("MapIteration"):
            path = (*path, (row.state, None))
        assert tuple(branch_path(row.branch)) == path, f"event {row.id}"
        if row.type.endswith(("Entered", "Exited", "Aborted")) or row.type.startswith(("Map", "Parallel")):
            assert row.type.startswith(state_type)
        elif row.type != "EvaluationFailed":
            assert state_type == "Task"
        details = next((value for key, value in event.items() if key.endswith("Details")), {})
        assert row.state == (details.get("name") or details.get("state") or row.state)

    types = [event["type"] for event in given]
    assert len(entered) == sum(kind.endswith("Entered") for kind in types)
    assert entered["entered_id"].is_monotonic_increasing
    assert entered["exited_id"].notna().sum() == sum(kind.endswith("Exited") for kind in types)
    assert len(tries) == sum(kind.endswith("Scheduled") for kind in types) == entered["attempts"].sum()
    exits = {event["id"]: event["stateExitedEventDetails"]["name"] for event in given if "Exited" in event["type"]}
    for visit in entered.dropna(subset="exited_id").itertuples():
        assert exits[visit.exited_id] == visit.state
        assert visit.status in ("succeeded", "caught")
        assert visit.exited_id > visit.entered_id
    without = entered[entered["exited_id"].isna()]
    assert set(without["status"]) <= {"failed", "timed_out", "aborted", "caught"}
    assert (without["type"].eq("Fail") | without["error"].notna()).all()
    total = history.summary(frame)
    assert total.status == types[-1].removeprefix("Execution").upper()
    assert (total.first_failure is None) <= (total.status == "SUCCEEDED")
    assert (total.failure is None) == (total.status == "SUCCEEDED")
    if total.failure is not None:
        last = next(details for key, details in given[-1].items() if key.endswith("Details"))
        assert total.error == last.get("error")
        assert total.failed_state in home
        assert total.failed_state == entered.loc[entered["status"].isin(["failed", "timed_out"]), "state"].iloc[-1]


def test_the_first_state_of_a_branch_that_loops_counts_its_visits():
    """A Map entered three times has three times the iterations, each with branches of its own."""
    scenario = next(each for each in SCENARIOS if each["name"].endswith("test_map_state_legacy_reentrant"))
    entered = history.visits(history.events(list(as_aws_gives_it(scenario["history"]))))
    inner = entered[entered["state"] == "ProcessValue"]
    assert inner["branch"].is_unique
    assert set(inner["visit"]) == {1}
    assert entered.loc[entered["state"] == "IterationBody", "visit"].tolist() == [1, 2, 3]
