"""Many executions against one machine: rows, the summary, and every form in which histories come."""

import gzip
import json

import pandas as pd
import pytest

from helpers import engine, history
from helpers.errors import DefinitionInvalid, InvalidSetting, NotAHistory, NotFound
from helpers.history import store
from helpers.rehearsal import check, rehearse
from tests.engine import recordings
from tests.engine.driving import machine, passing, task

ASKS = machine(A=task(Next="B"), B=passing())
MENDED = {
    **ASKS,
    "States": {**ASKS["States"], "A": task(Next="B", Catch=[{"ErrorEquals": ["Boom"], "Next": "B"}])},
}
GOOD = engine.run(ASKS, {"n": 1}, {"A": 1}).events
BAD = engine.run(ASKS, {"n": 2}, {"A": engine.TaskFailed("Boom")}).events


def test_a_row_an_execution_and_a_summary():
    found = check(MENDED, [GOOD, BAD, GOOD], progress=False)
    assert found[["was", "now"]].values.tolist() == [
        ["SUCCEEDED", "SUCCEEDED"],
        ["FAILED", "SUCCEEDED"],
        ["SUCCEEDED", "SUCCEEDED"],
    ]
    assert found["parted"].isna().tolist() == [True, False, True]
    assert found.attrs["summary"] == "Of 3 executions: 2 would end as before, 1 that failed would now succeed."


def test_what_has_no_answer_and_what_cannot_be_read_are_rows():
    retried = {**ASKS, "States": {**ASKS["States"], "A": task(Next="B", Retry=[{"ErrorEquals": ["Boom"]}])}}
    bare = [{key: value for key, value in event.items() if not key.endswith("Details")} for event in GOOD]
    found = check(retried, [BAD, bare, "nowhere.json"], progress=False)
    assert found["now"].tolist() == ["unanswered"] * 3
    assert found["was"].isna().tolist() == [False, True, True]
    assert "no execution data" in found["parted"][1]
    assert "2 cannot be rehearsed" in found.attrs["summary"]
    assert check(retried, [BAD], answers={"A": 1}, progress=False)["now"].tolist() == ["SUCCEEDED"]
    assert check(retried, [BAD], repeat=True, progress=False)["now"].tolist() == ["FAILED"]


def test_a_folder_a_history_a_frame_and_a_store(tmp_path):
    for name, events in (("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"events": events}, default=str), encoding="utf-8")
    (tmp_path / "machine.asl.json").write_text(json.dumps(ASKS), encoding="utf-8")
    assert check(ASKS, tmp_path, progress=False)["execution"].tolist() == ["bad", "good"]
    (tmp_path / "later.json.gz").write_bytes(gzip.compress((tmp_path / "good.json").read_bytes()))
    assert check(ASKS, tmp_path, progress=False)["execution"].tolist() == ["bad", "good", "later"]
    assert len(check(ASKS, GOOD, progress=False)) == len(check(ASKS, tmp_path / "good.json", progress=False)) == 1
    frame = pd.concat([history.events(GOOD, execution="one"), history.events(BAD, execution="other")])
    found = check(ASKS, frame, progress=False)
    assert found[["execution", "was", "now"]].values.tolist() == [
        ["one", "SUCCEEDED", "SUCCEEDED"],
        ["other", "FAILED", "FAILED"],
    ]
    assert found["parted"].isna().all()
    with pytest.raises(NotFound, match="no history"):
        check(ASKS, tmp_path.joinpath("empty").mkdir() or tmp_path / "empty", progress=False)


def test_what_holds_no_history_is_said_to_in_a_sentence():
    for wrong in (None, 5):
        (row,) = check(ASKS, wrong, progress=False).to_dict("records")
        assert (row["now"], row["parted"].startswith("We found no history")) == ("unanswered", True)
    with pytest.raises(InvalidSetting, match="by state, no list"):
        rehearse(GOOD, ASKS, answers=[1])
    for tried in (lambda frame: check(ASKS, frame, progress=False), lambda frame: rehearse(frame, ASKS)):
        with pytest.raises(NotAHistory, match="has no column 'id'"):
            tried(history.events(GOOD).drop(columns="id"))


def test_a_definition_that_is_none_is_refused_before_anything_runs():
    with pytest.raises(DefinitionInvalid):
        check({"StartAt": "A"}, [GOOD], progress=False)


def test_several_processes_give_the_same_rows():
    found = check(MENDED, [GOOD, BAD] * 800, progress=False)
    assert found["now"].value_counts().to_dict() == {"SUCCEEDED": 1600}
    assert found["was"].tolist() == ["SUCCEEDED", "FAILED"] * 800


def test_what_is_collected_of_a_map_is_read_as_it_was():
    inner = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    machine = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    events = engine.run(machine, [1, 2, 3]).events
    (export,) = store.histories(history.events(events))
    begun = [event for event in export["events"] if event["type"] == "MapIterationStarted"]
    assert [event["mapIterationStartedEventDetails"] for event in begun] == [
        {"name": "Each", "index": index} for index in range(3)
    ]


@pytest.mark.skipif(not recordings.scenarios(), reason="the histories recorded on AWS do not lie beside the repository")
def test_a_frame_holds_all_that_a_rehearsal_needs():
    for scenario in recordings.scenarios():
        events = recordings.run(scenario).events
        (export,) = store.histories(history.events(events))
        assert len(export["events"]) == len(events)
        found = check(recordings.filled(scenario["definition"]), [export], progress=False)
        assert (found["parted"].isna().all(), found["was"].tolist()) == (True, found["now"].tolist()), scenario["name"]
