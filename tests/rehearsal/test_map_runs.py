"""Distributed Maps in rehearsals: as they ended, or, with their children's histories, child by child."""

import json
from datetime import UTC, datetime

import pytest

from helpers import engine, history
from helpers.rehearsal import check, rehearse
from helpers.rehearsal.check import _part
from tests.engine.driving import machine, passing, task

PROCESSOR = {
    **machine(One=task(Next="P"), P=passing()),
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
}
MAPPED = machine(
    Many={"Type": "Map", "ItemProcessor": PROCESSOR, "ResultPath": "$.made", "Next": "Z", "ItemsPath": "$.items"},
    Z={"Type": "Pass", "End": True},
)


def source(run):
    """The histories of an execution and its children, as a log holds them."""
    found = []
    for one in (run, *run.children):
        for event in one.events:
            details = next((value for key, value in event.items() if key.endswith("Details")), {})
            found.append(
                {
                    "id": str(event["id"]),
                    "type": event["type"],
                    "details": details,
                    "previous_event_id": str(event["previousEventId"]),
                    "event_timestamp": str(int(event["timestamp"].timestamp() * 1000)),
                    "execution_arn": one.execution.identity.arn,
                }
            )
    return found


def broken(call):
    if call.parameters == 2:
        raise engine.TaskFailed("Boom", seconds=1)
    return engine.Answer(call.parameters * 10, 3)


def changed(**fields):
    many = {**MAPPED["States"]["Many"], **fields}
    return {**MAPPED, "States": {**MAPPED["States"], "Many": many}}


def test_without_its_children_it_ends_as_it_did():
    for run in (
        engine.run(MAPPED, {"items": [1, 3]}, broken),
        engine.run(MAPPED, {"items": [1, 2]}, broken),
        engine.run(
            changed(ItemReader={"Resource": "arn:aws:states:::s3:getObject"}),
            {},
            lambda call: [1, 3] if call.kind == "read" else 1,
        ),
    ):
        definition = changed(
            **({} if run.execution.input else {"ItemReader": {"Resource": "arn:aws:states:::s3:getObject"}})
        )
        rehearsal = rehearse(run.events, definition)
        assert (rehearsal.parted, rehearsal._raw) == (None, run.events)


def test_it_says_where_a_change_in_a_map_run_cannot_be_judged():
    run = engine.run(MAPPED, {"items": [1, 2]}, broken)
    rehearsal = rehearse(run.events, changed(ToleratedFailureCount=1))
    (note,) = rehearsal.notes
    assert note.startswith("The Map Run of Many ends as it was recorded, whatever was changed in it")
    with_children = rehearse(source(run), changed(ToleratedFailureCount=1))
    assert (with_children.status, with_children.notes) == ("SUCCEEDED", [])
    checked = check(changed(ToleratedFailureCount=1), [run.events], progress=False)
    assert (checked["now"][0], checked["note"][0]) == ("FAILED", note)
    assert checked.attrs["summary"].endswith("In 1 a Map Run ends as it was recorded, since its children are not here.")
    checked = check(changed(ToleratedFailureCount=1), source(run), progress=False)
    assert (checked["now"][0], checked["note"].isna().all()) == ("SUCCEEDED", True)
    assert "Map Run" not in checked.attrs["summary"]


def test_with_its_children_each_is_rehearsed():
    run = engine.run(MAPPED, {"items": [1, 3]}, broken)
    rehearsal = rehearse(source(run), MAPPED)
    assert (rehearsal.parted, rehearsal.output) == (None, {"items": [1, 3], "made": [10, 30]})
    assert len(rehearsal._raw) == len(run.events)


@pytest.mark.parametrize(("seconds", "status", "waiting"), [(0.5, "SUCCEEDED", 0), (3, "RUNNING", 1)])
def test_a_change_in_the_children_is_seen_there(seconds, status, waiting):
    """Where a child was stopped because another failed, nobody knows how it would have gone on."""
    run = engine.run(
        MAPPED, {"items": [1, 2]}, lambda call: engine.Answer(7, seconds) if call.parameters == 1 else broken(call)
    )
    assert run.status == "FAILED"
    catching = json.loads(json.dumps(PROCESSOR))
    catching["States"]["One"]["Catch"] = [{"ErrorEquals": ["Boom"], "Next": "P"}]
    rehearsal = rehearse(source(run), changed(ItemProcessor=catching))
    assert "In the child execution" in rehearsal.parted
    assert "caught after Boom" in rehearsal.parted
    assert (rehearsal.status, len(rehearsal.unanswered)) == (status, waiting)


def test_an_item_that_is_new_has_no_answer():
    run = engine.run(MAPPED, {"items": [1, 3]}, broken)
    rehearsal = rehearse(source(run), MAPPED, input={"items": [1, 3, 5]})
    assert rehearsal.status == "RUNNING"
    assert rehearsal.unanswered["parameters"].tolist() == ["5"]
    given = rehearse(source(run), MAPPED, input={"items": [1, 3, 5]}, answers={"One": 50})
    assert given.output["made"] == [10, 30, 50]


def test_children_that_begin_later_than_recorded_do_and_earlier_is_said_not_to_be_known():
    run = engine.run(changed(MaxConcurrency=2), {"items": [1, 3, 4, 5]}, broken)
    rehearsal = rehearse(source(run), changed(MaxConcurrency=1))
    assert "At the beginning they part: it begins 3 s later than in the history." in rehearsal.parted
    assert rehearsal.status == "SUCCEEDED"
    assert rehearsal.events["elapsed"].iloc[-1].total_seconds() == 12
    assert "no earlier than in the history" in repr(rehearse(source(run), changed(MaxConcurrency=4)))


def test_of_many_executions_each_is_rehearsed_with_children_of_its_own():
    later = {"start": datetime(2025, 1, 2, tzinfo=UTC), "seed": 1}
    runs = [
        engine.run(MAPPED, {"items": [1, 3]}, broken),
        engine.run(MAPPED, {"items": [1, 3]}, lambda call: engine.Answer(call.parameters * 10, 5), **later),
    ]
    records = [record for run in runs for record in source(run)]
    own = [run.execution.identity.arn for run in runs]
    for histories in ([records], history.events(records)):
        found = check(MAPPED, histories, progress=False)
        assert found[["execution", "was", "now"]].values.tolist() == [[arn, "SUCCEEDED", "SUCCEEDED"] for arn in own]
        assert found["parted"].isna().all(), found["parted"].tolist()


def test_children_alone_are_executions_of_the_machine_that_is_given():
    records = [one for one in source(engine.run(MAPPED, {"items": [1, 3]}, broken)) if "/" in one["execution_arn"]]
    inner = {name: PROCESSOR[name] for name in ("StartAt", "States")}
    for histories in ([records], history.events(records)):
        assert check(inner, histories, progress=False)["now"].tolist() == ["SUCCEEDED"] * 2


def test_a_part_of_a_frame_of_dask_holds_no_executions_of_another_machine():
    """Parents and children lie in different parts."""
    frame = history.events(source(engine.run(MAPPED, {"items": [1, 3]}, broken)))
    found = _part(frame, json.dumps(MAPPED), None, False)
    assert (len(found), found["now"].tolist(), found["parted"].isna().all()) == (1, ["SUCCEEDED"], True)
    assert len(_part(frame[frame["execution"].str.contains("/")], json.dumps(MAPPED), None, False)) == 0
