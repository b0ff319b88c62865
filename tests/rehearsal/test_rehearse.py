"""Rehearsals: the same definition gives the same history, and a change is seen where it is, and why."""

import gzip
import json
from typing import Any

import pytest

from helpers import engine, history
from helpers.errors import InvalidInput, NotAHistory, NotFound
from helpers.rehearsal import check, rehearse
from helpers.workbench import explore
from tests.engine import recordings
from tests.engine.driving import ACTIVITY, SYNC, TOKEN, Driven, machine, passing, task, types

SCENARIOS = recordings.scenarios()
BOOM = engine.TaskFailed("Boom", "it broke", 1)
RETRY = [{"ErrorEquals": ["Boom"], "MaxAttempts": 1, "IntervalSeconds": 3}]
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Mend"}]


def ran(definition: Any, data: Any = None, tasks: Any = None) -> list[dict[str, Any]]:
    """The history of a machine."""
    return engine.run(definition, data, tasks).events


def unchanged(events: list[dict[str, Any]], definition: Any) -> Any:
    """The rehearsal of a history on its own definition, which has to be the same."""
    rehearsal = rehearse(events, definition)
    assert rehearsal.parted is None
    assert rehearsal._raw == events
    return rehearsal


@pytest.mark.skipif(not SCENARIOS, reason="the histories recorded on AWS do not lie beside the repository")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
def test_every_recording_rehearses_to_itself(scenario):
    definition = recordings.filled(scenario["definition"])
    rehearsal = unchanged(recordings.run(scenario).events, definition)
    assert rehearsal.unanswered.empty
    if "test_wait_timestamp_path" in scenario["name"]:
        return  # the time to wait for is a label in the recording
    recorded = rehearse(scenario["history"], definition)
    mark, difference = recordings.score().marks(scenario["history"], recorded._raw, ["recorded", recordings.ARN])
    assert (mark, recorded.parted, len(recorded.unanswered)) == (4, None, 0), difference


LOOP = machine(
    Ask=task(Next="Pause"),
    Pause={"Type": "Wait", "Seconds": 2, "Next": "IsDone"},
    IsDone={"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 3, "Next": "End"}], "Default": "Ask"},
    End={"Type": "Succeed"},
)
PARALLEL = machine(
    Both={
        "Type": "Parallel",
        "Branches": [machine(L=task(Next="LW"), LW={"Type": "Wait", "Seconds": 3, "End": True}), machine(R=task())],
        "End": True,
    }
)
MAP = machine(
    Each={
        "Type": "Map",
        "MaxConcurrency": 2,
        "ItemProcessor": machine(One=task(Retry=RETRY, Next="P"), P=passing()),
        "End": True,
    }
)
CHANCE = machine(
    Draw=passing(
        Parameters={"id.$": "States.UUID()", "n.$": "States.MathRandom(1, 1000)", "at.$": "$$.State.EnteredTime"},
        Next="Ask",
    ),
    Ask=task(
        TOKEN,
        Parameters={"MessageBody": {"t.$": "$$.Task.Token", "id.$": "$.id"}, "QueueUrl": "q"},
        Retry=[{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL", "IntervalSeconds": 30, "MaxAttempts": 2}],
        ResultPath="$.got",
    ),
)


def once_broken(call):
    if call.attempt == 1 and call.parameters == 2:
        raise BOOM
    return engine.Answer(call.parameters, 2)


@pytest.mark.parametrize(
    ("definition", "data", "tasks"),
    [
        (LOOP, None, {"Ask": [engine.Answer(number, number, started=0.5) for number in (1, 2, 3)]}),
        (PARALLEL, None, {"L": engine.Answer(1, 5), "R": engine.Answer(2, 6)}),
        (PARALLEL, None, {"L": engine.Answer(1, 1), "R": engine.TaskFailed("Boom", "it broke", 2)}),
        (MAP, [1, 2, 3], once_broken),
        (MAP, [1, 2, 3], {"One": BOOM}),
        (CHANCE, None, {"Ask": [BOOM, engine.Answer({"ok": True}, 60, submitted={"MessageId": "m"})]}),
        (machine(task(SYNC, Parameters={"Input": 1})), None, {"A": engine.Answer({}, 9, {"ExecutionArn": "x"})}),
        (machine(task(ACTIVITY, HeartbeatSeconds=5)), None, {"A": engine.Answer(1, 4)}),
        (machine(task(TimeoutSeconds=5)), None, {"A": engine.NEVER}),
        (machine(task(TOKEN, HeartbeatSeconds=5, TimeoutSeconds=50, Parameters={})), None, {"A": engine.NEVER}),
        ({**machine(task()), "TimeoutSeconds": 7}, None, {"A": engine.NEVER}),
        (machine({"Type": "Fail", "Error": "Oops", "Cause": "why"}), None, None),
    ],
    ids=["loop", "parallel", "parallel fails", "map retries", "map fails", "chance", "sync", "activity", "time-out",
         "heartbeat", "machine's time-out", "fail"],
)  # fmt: skip
def test_the_same_definition_gives_the_same_history(definition, data, tasks):
    assert unchanged(ran(definition, data, tasks), definition).unanswered.empty


def test_a_stop_comes_where_it_came():
    driven = Driven(PARALLEL)
    driven.wait(2).stop("Enough", "by hand")
    rehearsal = unchanged(driven.events, PARALLEL)
    assert (rehearsal.status, rehearsal.error) == ("ABORTED", "Enough")


def test_heartbeats_that_kept_a_task_alive_still_do():
    definition = machine(task(TOKEN, HeartbeatSeconds=5, Parameters={"QueueUrl": "q"}))
    driven = Driven(definition)
    driven.calls[0].submit({})
    for _ in range(6):
        driven.wait(4)
        driven.calls[0].heartbeat()
    driven.calls[0].succeed_by_token('{"done":true}')
    driven.settle()
    assert unchanged(driven.events, definition).status == "SUCCEEDED"


def test_a_redrive_comes_where_it_came():
    driven = Driven(PARALLEL)
    left, right = driven.calls
    driven.wait(1)
    left.succeed(1)
    driven.wait(1)
    right.fail("Boom")
    driven.wait(5)
    driven.redrive().wait(4)
    driven.calls[-1].succeed(2)
    driven.settle()
    assert driven.execution.status == "SUCCEEDED"
    assert unchanged(driven.events, PARALLEL).status == "SUCCEEDED"


def test_what_still_runs_is_rehearsed_as_far_as_it_goes():
    driven = Driven(LOOP)
    driven.calls[0].succeed(1)
    driven.wait(3)
    rehearsal = unchanged(driven.events, LOOP)
    assert (rehearsal.status, rehearsal.unanswered["reason"].tolist()) == (
        "RUNNING",
        ["the history ends before its answer"],
    )
    assert "as far as it goes" in repr(rehearsal)
    assert rehearse(driven.events, LOOP, answers={"Ask": 3}).status == "SUCCEEDED"
    row = check(LOOP, [driven.events], answers={"Ask": 3}, progress=False).iloc[0]
    assert (row["was"], row["now"]) == ("RUNNING", "SUCCEEDED")
    assert row["parted"].endswith("what comes then rests on other answers.")


@pytest.mark.parametrize("length", range(2, 26))
def test_a_history_that_was_cut_off_is_rehearsed_as_far_as_it_goes(length):
    events = ran(LOOP, None, {"Ask": [1, 2, 3]})[:length]
    rehearsal = unchanged(events, LOOP)
    assert rehearsal.status == "RUNNING"
    gap = rehearse([*events, {**events[-1], "id": length + 5}], LOOP)
    assert "gap" in repr(gap)
    assert gap._raw == events


@pytest.mark.parametrize("around", ["WaitStateEntered", "TaskStateEntered"])
def test_a_history_with_a_gap_is_none_of_an_execution_that_still_runs(around):
    events = ran(LOOP, None, {"Ask": [1, 2, 3]})
    at = next(at for at, event in enumerate(events) if event["type"] == around)
    holed = [*events[: at + 1], *events[at + 3 :]]
    assert "history was SUCCEEDED, the rehearsal is still running" in repr(rehearse(holed, LOOP))
    row = check(LOOP, [holed], progress=False).iloc[0]
    assert (row["was"], row["now"]) == ("SUCCEEDED", "unanswered")
    assert "gap" in row["parted"]


WAITS = machine(A={"Type": "Wait", "Seconds": 5, "Next": "B"}, B=passing(Result=1))
FAILS = machine(A=task(Next="B"), B=passing())
SPLIT = machine(
    A={"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Big"}], "Default": "Small"},
    Big=passing(),
    Small=passing(),
)


def other(definition: Any, name: str, **fields: Any) -> Any:
    """A machine with other fields in one state."""
    states = definition["States"]
    return {**definition, "States": {**states, name: {**states[name], **fields}}}


def renamed(definition: Any, old: str, new: str) -> Any:
    return json.loads(json.dumps(definition).replace(f'"{old}"', f'"{new}"'))


@pytest.mark.parametrize(
    ("events", "changed", "said", "status"),
    [
        (ran(WAITS), other(WAITS, "A", Seconds=9), ["A", "pauses for 9 s", "paused 5 s"], "SUCCEEDED"),
        (ran(WAITS), other(WAITS, "B", Result=2), ["B", "another output"], "SUCCEEDED"),
        (ran(WAITS), renamed(WAITS, "B", "C"), ["After A", "C, a state that is new", "went to B"], "SUCCEEDED"),
        (ran(FAILS, None, {"A": BOOM}), other(FAILS, "A", Retry=RETRY), ["A", "retried after Boom"], "RUNNING"),
        (
            ran(other(FAILS, "A", Retry=RETRY), None, {"A": BOOM}),
            FAILS,
            ["A", "is not retried after Boom"],
            "FAILED",
        ),
        (
            ran(FAILS, None, {"A": BOOM}),
            other({**FAILS, "States": {**FAILS["States"], "Mend": passing()}}, "A", Catch=CATCH),
            ["A", "caught after Boom"],
            "SUCCEEDED",
        ),
        (
            ran(SPLIT, {"n": 7}),
            other(SPLIT, "A", Choices=[{"Variable": "$.n", "NumericGreaterThan": 9, "Next": "Big"}]),
            ["choice falls on Small", "went to Big"],
            "SUCCEEDED",
        ),
        (ran(FAILS, 1, {"A": 2}), other(FAILS, "A", Parameters={"x": 1}), ["A", "other parameters"], "SUCCEEDED"),
        (ran(FAILS, 1, {"A": 2}), other(FAILS, "A", Resource=ACTIVITY), ["A", "ActivityScheduled"], "RUNNING"),
        (ran(FAILS, 1, {"A": engine.Answer(2, 9)}), other(FAILS, "A", TimeoutSeconds=5), ["A", "times out"], "FAILED"),
        (ran(machine({"Type": "Succeed"})), machine({"Type": "Fail"}), ["At the beginning", "A"], "FAILED"),
        (
            ran(machine({"Type": "Fail", "Error": "E"})),
            machine({"Type": "Fail", "Error": "F"}),
            ["fails with F", "failed with E"],
            "FAILED",
        ),
        (
            ran(MAP, [1, 2], lambda call: call.parameters),
            other(MAP, "Each", ItemProcessor=machine(One=task(Next="Q"), Q=passing())),
            ["Each#1[0]", "Q, a state that is new", "went to P"],
            "SUCCEEDED",
        ),
        (
            ran(other(MAP, "Each", ItemsPath="$.a"), {"a": [1, 2, 3], "b": [1, 2]}, lambda call: call.parameters),
            other(MAP, "Each", ItemsPath="$.b"),
            ["Each", "2 items", "3 in the history"],
            "SUCCEEDED",
        ),
        (
            ran(PARALLEL, None, {"L": 1, "R": 2}),
            json.loads(json.dumps(PARALLEL).replace('"Seconds": 3', '"Seconds": 8')),
            ["LW in Both#1:L", "8 s", "3 s"],
            "SUCCEEDED",
        ),
        (
            ran(PARALLEL, None, {"L": 1, "R": 2}),
            other(PARALLEL, "Both", ResultPath="$.both"),
            ["Both", "another output"],
            "SUCCEEDED",
        ),
        (ran({**FAILS, "TimeoutSeconds": 5}, None, {"A": engine.NEVER}), FAILS, ["timed out in"], "RUNNING"),
        (
            ran(other(FAILS, "A", Retry=RETRY), None, {"A": BOOM}),
            {**other(FAILS, "A", Retry=RETRY), "TimeoutSeconds": 2},
            ["the execution times out"],
            "TIMED_OUT",
        ),
        (
            ran(WAITS),
            {**WAITS, "States": {**WAITS["States"], "B": {"Type": "Wait", "Seconds": 1, "End": True}}},
            ["After A they part: B is a Wait, and was a Pass in the history"],
            "SUCCEEDED",
        ),
        (
            ran(machine({"Type": "Fail", "Error": "E", "Cause": "c"})),
            machine({"Type": "Fail", "Error": "E", "Cause": "d"}),
            ["it fails for another cause"],
            "FAILED",
        ),
        (
            ran(PARALLEL, None, {"L": 1, "R": BOOM}),
            other(PARALLEL, "Both", Retry=RETRY),
            ["it is retried, which it was not in the history"],
            "RUNNING",
        ),
        (
            ran(other(PARALLEL, "Both", Retry=RETRY), None, {"L": 1, "R": BOOM}),
            PARALLEL,
            ["it is not retried, as it was in the history"],
            "FAILED",
        ),
    ],
    ids=["pause", "output", "renamed", "retry added", "retry gone", "catch", "choice", "parameters", "resource",
         "time-out", "succeed", "fail", "map", "items", "parallel", "result path", "machine's time-out",
         "machine's earlier time-out", "type", "cause", "Parallel's retry added", "Parallel's retry gone"],
)  # fmt: skip
def test_a_change_is_seen_where_it_is(events, changed, said, status):
    rehearsal = rehearse(events, changed)
    assert rehearsal.parted
    for words in said:
        assert words in rehearsal.parted
    assert rehearsal.status == status


def test_what_the_history_cannot_answer_is_listed():
    events = ran(FAILS, {"n": 1}, {"A": BOOM})
    changed = other(FAILS, "A", Retry=RETRY)
    row = rehearse(events, changed).unanswered.iloc[0]
    assert (row["state"], row["branch"], row["visit"], row["attempt"], json.loads(row["parameters"])) == (
        "A",
        "",
        1,
        2,
        {"n": 1},
    )
    answered = rehearse(events, changed, answers={"A": "fine"})
    assert (answered.status, answered.output, len(answered.unanswered)) == ("SUCCEEDED", "fine", 0)
    again = rehearse(events, changed, repeat=True)
    assert (again.status, again.error, len(again.unanswered)) == ("FAILED", "Boom", 0)


def test_after_a_parting_the_recorded_answers_still_come_and_take_as_long():
    events = ran(LOOP, None, {"Ask": [engine.Answer(number, 4) for number in (1, 2, 3)]})
    rehearsal = rehearse(events, other(LOOP, "Pause", Seconds=10))
    assert (rehearsal.status, len(rehearsal.unanswered)) == ("SUCCEEDED", 0)
    assert rehearsal.events["elapsed"].iloc[-1].total_seconds() == 3 * (4 + 10)
    assert rehearsal.comparison.states.set_index("state").loc["Pause", "longer"] == 24


def test_other_input_reaches_the_same_tasks():
    rehearsal = rehearse(ran(FAILS, {"n": 1}, {"A": 2}), FAILS, input={"n": 2})
    assert (rehearsal.output, rehearsal.parted) == (
        2,
        "At A (event 1 of the history) they part: the execution begins with other input.",
    )


def test_a_changed_value_beside_a_random_one_is_seen():
    events = ran(CHANCE, None, {"Ask": {"ok": True}})
    parameters = {**CHANCE["States"]["Draw"]["Parameters"], "more": 1}
    rehearsal = rehearse(events, other(CHANCE, "Draw", Parameters=parameters))
    assert "Draw" in rehearsal.parted
    drawn = json.loads(events[2]["stateExitedEventDetails"]["output"])
    assert json.loads(rehearsal._raw[2]["stateExitedEventDetails"]["output"]) == {**drawn, "more": 1}


def test_a_truncated_answer_is_none():
    events = ran(FAILS, None, {"A": "long"})
    at = types(events).index("LambdaFunctionSucceeded")
    events[at]["lambdaFunctionSucceededEventDetails"] = {"output": '"lo', "outputDetails": {"truncated": True}}
    rehearsal = rehearse(events, FAILS)
    assert (rehearsal.status, rehearsal.unanswered["reason"].tolist()) == (
        "RUNNING",
        ["its recorded answer was cut off"],
    )


def test_a_history_of_another_machine_is_said_to_be_one():
    rehearsal = rehearse(ran(WAITS), machine(X=task(Next="Y"), Y=passing()))
    assert "one of the history's states is in the definition" in rehearsal.parted


def test_what_never_ends_stops_at_the_limit():
    changed = other(LOOP, "IsDone", Choices=[{"Variable": "$", "NumericEquals": 9, "Next": "End"}])
    rehearsal = rehearse(ran(LOOP, None, {"Ask": [1, 2, 3]}), changed, repeat=True)
    assert len(rehearsal._raw) == 25_000
    assert "never ends on these answers" in repr(rehearsal)


def test_without_execution_data_it_is_no_history():
    events = ran(FAILS, None, {"A": 1})
    bare = [{key: value for key, value in event.items() if not key.endswith("Details")} for event in events]
    with pytest.raises(NotAHistory, match="no execution data"):
        rehearse(bare, FAILS)
    with pytest.raises(NotAHistory, match="does not begin"):
        rehearse(events[1:], FAILS)


def test_the_definition_may_lie_beside_the_file(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"events": ran(WAITS)}, default=str), encoding="utf-8")
    with pytest.raises(NotFound, match="give the state machine"):
        rehearse(path)
    (tmp_path / "run.asl.json").write_text(json.dumps(WAITS), encoding="utf-8")
    assert rehearse(path).parted is None
    zipped = tmp_path / "run.json.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    assert rehearse(zipped).parted is None


def test_the_definition_may_be_in_the_file_as_the_workbench_saves_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = explore(history.events(ran(WAITS), execution="run"), definition=WAITS).save("History")
    assert rehearse(path).parted is None
    assert rehearse(path, other(WAITS, next(iter(WAITS["States"])), Seconds=9)).parted is not None


def test_placeholders_stand_for_what_was_called():
    definition = machine(
        A=task("${Function}", Next="B"), B=task("arn:aws:states:::sns:publish", Parameters={"TopicArn": "${T}"})
    )
    filled = json.loads(json.dumps(definition).replace("${Function}", recordings.ARN).replace("${T}", "arn:aws:sns:t"))
    rehearsal = rehearse(ran(filled, None, {"A": 1, "B": 2}), definition)
    assert (rehearsal.parted, rehearsal.output) == (None, 2)


def test_it_shows_two_pictures_and_a_sentence():
    rehearsal = rehearse(ran(FAILS, {"<b>": "$x$"}, {"A": BOOM}), other(FAILS, "A", Retry=RETRY))
    shown = rehearsal._repr_mimebundle_()
    # An SVG within HTML loses its shapes where the notebook is not trusted, as a learner's own copy is not.
    assert shown["text/html"].count('src="data:image/png;base64,') == 2
    assert "<svg" not in shown["text/html"]
    assert "retried after Boom" in shown["text/plain"]
    assert "The history was FAILED, the rehearsal is still running" in shown["text/html"]


def test_a_retry_that_is_new_is_what_parts_them_not_what_follows_from_it():
    """While it waits for its next attempt, its siblings go on, which had been broken off."""
    retrying = json.loads(json.dumps(PARALLEL))
    retrying["States"]["Both"]["Branches"][1]["States"]["R"]["Retry"] = [{**RETRY[0], "IntervalSeconds": 60}]
    events = ran(PARALLEL, None, {"L": 1, "R": engine.TaskFailed("Boom", "it broke", 2)})
    rehearsal = rehearse(events, retrying)
    assert "At R in Both#1:R" in rehearsal.parted
    assert "retried after Boom" in rehearsal.parted


def test_an_input_that_is_no_json_is_a_text():
    events = ran(WAITS)
    events[0]["executionStartedEventDetails"]["input"] = "\ud800 <b>"
    assert "A (event 2 of the history) they part: other input reaches it" in str(rehearse(events, WAITS).parted)


def each(most: int) -> Any:
    """A Map that has so many items in work at once."""
    return machine(Each={"Type": "Map", "MaxConcurrency": most, "ItemProcessor": machine(One=task()), "End": True})


def breaks_at_three(call):
    if call.parameters == 3:
        raise BOOM
    return engine.Answer(call.parameters, 2)


@pytest.mark.parametrize(
    ("was", "now", "said", "took"),
    [
        (1, 2, "Each (event 11 of the history) they part: Each#1[1] begins 2 s earlier than in the history.", 4),
        (2, 1, "Each (event 8 of the history) they part: Each#1[1] begins 2 s later than in the history.", 8),
        (0, 2, "Each (event 12 of the history) they part: Each#1[2] begins 2 s later than in the history.", 4),
    ],
)
def test_how_many_items_are_in_work_at_once_is_seen(was, now, said, took):
    events = ran(each(was), [1, 2, 3, 4], lambda call: engine.Answer(call.parameters, 2))
    rehearsal = rehearse(events, each(now))
    assert rehearsal.status == "SUCCEEDED"
    assert said in rehearsal.parted
    assert rehearsal.events["elapsed"].iloc[-1].total_seconds() == took
    stamps = [event["timestamp"] for event in rehearsal._raw]
    assert stamps == sorted(stamps)


def test_what_was_broken_off_and_is_not_any_more_has_no_answer():
    """All items at once, the third fails at once and ends the others; now two of them come first."""
    rehearsal = rehearse(ran(each(0), [1, 2, 3, 4], breaks_at_three), each(2))
    assert "One in Each#1[0] they part: it was broken off in the history, and is not now" in rehearsal.parted
    assert rehearsal.unanswered["branch"].tolist() == ["Each#1[0]", "Each#1[1]"]


def test_a_branch_that_is_not_in_the_history_parts_them():
    rehearsal = rehearse(ran(each(1), [1, 2, 3, 4], breaks_at_three), each(4), answers={"One": 4})
    assert "Each#1[1] begins 2 s earlier" in rehearsal.parted
    longer = json.loads(json.dumps(PARALLEL).replace('"Seconds": 3', '"Seconds": 1'))
    third = machine(T=passing())
    for name, changed in (
        ("R2", renamed(PARALLEL, "R", "R2")),
        ("T", other(PARALLEL, "Both", Branches=[*longer["States"]["Both"]["Branches"], third])),
    ):
        for answers in ({"L": 1, "R": 2}, {"L": 1, "R": BOOM}):
            rehearsal = rehearse(ran(longer, None, answers), changed)
            assert rehearsal.parted == f"At Both they part: Both#1:{name} is none of the history's branches."


@pytest.mark.parametrize("definition", [PARALLEL, MAP], ids=["parallel", "map"])
def test_branches_that_were_cut_off_are_rehearsed_as_far_as_they_go(definition):
    events = ran(definition, [1, 2, 3], {"L": engine.Answer(1, 1), "R": engine.Answer(1, 2), "One": 1})
    for length in range(2, len(events)):
        unchanged(events[:length], definition)


def test_an_iteration_that_does_not_begin_any_more_parts_them():
    def breaks_at_one(call):
        if call.parameters == 1:
            raise BOOM
        return engine.Answer(call.parameters, 2)

    rehearsal = rehearse(ran(each(0), [1, 2], breaks_at_one), each(1))
    assert rehearsal.status == "FAILED"
    assert rehearsal.parted == "At Each (event 8 of the history) they part: Each#1[1] does not begin any more."
    waiting = machine(W={"Type": "Wait", "Seconds": 2, "Next": "P"}, P=passing(InputPath="$.nowhere"))
    mapped = other(each(0), "Each", ItemProcessor=waiting)  # States.Runtime, after which nothing is written of others
    assert (
        "Each#1[1] does not begin any more"
        in rehearse(ran(mapped, [1, 2]), other(mapped, "Each", MaxConcurrency=1)).parted
    )


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (task(TimeoutSeconds=9), task(TimeoutSeconds=3), "it times out 6 s earlier than in the history"),
        (
            task(TOKEN, HeartbeatSeconds=9, Parameters={}),
            task(TOKEN, HeartbeatSeconds=3, Parameters={}),
            "it times out 6 s earlier than in the history",
        ),
    ],
    ids=["time-out", "heartbeat"],
)
def test_an_earlier_time_out_is_seen(was, now, said):
    rehearsal = rehearse(ran(machine(was), None, {"A": engine.NEVER}), machine(now))
    assert said in rehearsal.parted
    assert rehearsal.events["elapsed"].iloc[-1].total_seconds() == 3


def test_an_earlier_time_out_of_the_machine_is_seen():
    events = ran({**FAILS, "TimeoutSeconds": 9}, None, {"A": engine.NEVER})
    rehearsal = rehearse(events, {**FAILS, "TimeoutSeconds": 3})
    assert "times out 6 s earlier than in the history" in rehearsal.parted
    assert rehearsal.events["elapsed"].iloc[-1].total_seconds() == 3


def test_a_back_off_that_was_cut_off_is_one():
    """While one branch waits for its next attempt, another fails and ends it."""
    patient = {**RETRY[0], "IntervalSeconds": 30}
    branches = [
        machine(Each={**MAP["States"]["Each"], "ItemProcessor": machine(One=task(Retry=[patient]))}),
        machine(R=task(Retry=[patient])),
        machine(S=task()),
    ]
    definition = machine(Both={"Type": "Parallel", "Branches": branches, "End": True})
    fails = {"One": BOOM, "R": BOOM, "S": engine.TaskFailed("Bang", "", 9)}
    unchanged(ran(definition, [1], fails), definition)


def test_what_an_earlier_failure_ends_ends_with_it():
    """The sibling of what times out earlier is not kept until it was ended in the history."""
    branches = [machine(W={"Type": "Wait", "Seconds": 20, "End": True}), machine(R=task(TimeoutSeconds=9))]
    definition = machine(Both={"Type": "Parallel", "Branches": branches, "End": True})
    events = ran(definition, None, {"R": engine.NEVER})
    rehearsal = rehearse(events, json.loads(json.dumps(definition).replace(": 9", ": 3")))
    assert rehearsal.events["elapsed"].iloc[-1].total_seconds() == 3
    failing = ran(definition, None, {"R": engine.TaskFailed("Boom", "", 8)})
    said = rehearse(failing, json.loads(json.dumps(definition).replace(": 9", ": 3"))).parted
    assert said.endswith("they part: it times out; the history has LambdaFunctionFailed.")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeoutInSeconds", "5"),
        ("timeoutInSeconds", 2**70),
        ("heartbeatInSeconds", [5]),
        ("assignedVariables", "a"),
        ("assignedVariables", 5.5),
        ("assignedVariables", {"a": float("inf")}),
    ],
)
def test_a_field_of_another_kind_counts_as_none(field, value):
    events = ran(FAILS, None, {"A": engine.TaskFailed("States.Timeout")})
    for event in events:
        for details in event.values():
            if isinstance(details, dict):
                details[field] = value
    scheduled = next(event for event in events if event["type"] == "LambdaFunctionFailed")
    scheduled["type"] = "LambdaFunctionTimedOut"
    scheduled["lambdaFunctionTimedOutEventDetails"] = scheduled.pop("lambdaFunctionFailedEventDetails")
    assert rehearse(events, FAILS).status in ("FAILED", "RUNNING")


def test_half_a_surrogate_pair_and_what_is_no_json_are_no_tracebacks():
    events = ran(FAILS, {"n": "x"}, {"A": BOOM})
    halved = json.loads(json.dumps(events, default=str).replace('\\"x\\"', '\\"\ud800\\"'))
    assert rehearse(halved, other(FAILS, "A", Retry=RETRY)).unanswered["parameters"].tolist() == ['{"n":"\\ud800"}']
    named = json.loads(json.dumps(ran(WAITS), default=str).replace('"B"', '"\ud800"'))
    assert "went to \\ud800" in check(WAITS, [named], progress=False)["parted"].iloc[0]
    endless = ran(FAILS, None, {"A": 1})
    answered = next(event for event in endless if event["type"] == "LambdaFunctionSucceeded")
    answered["lambdaFunctionSucceededEventDetails"]["output"] = [float("inf")]
    assert rehearse(endless, FAILS).unanswered["reason"].tolist() == ["its recorded answer was cut off"]
    drawn = ran(CHANCE, None, {"Ask": {"ok": True}})
    drawn[1]["stateEnteredEventDetails"]["input"] = float("inf")
    assert rehearse(drawn, CHANCE).status == "SUCCEEDED"
    events[0]["executionStartedEventDetails"]["input"] = float("inf")
    with pytest.raises(InvalidInput, match="no JSON"):
        rehearse(events, FAILS)


def test_a_back_off_that_jitter_cannot_draw_is_another():
    uneven = {"ErrorEquals": ["Boom"], "IntervalSeconds": 60, "MaxAttempts": 1, "JitterStrategy": "FULL"}
    definition = machine(task(Retry=[uneven]))
    events = ran(definition, None, {"A": [BOOM, 1]})
    unchanged(events, definition)
    rehearsal = rehearse(events, machine(task(Retry=[{**uneven, "IntervalSeconds": 1}])))
    assert "At A (event 6 of the history) they part: it is retried after at most 1 s, and was after" in rehearsal.parted


@pytest.mark.parametrize("state", [{"Type": "Wait", "Seconds": 7}, task(Next="P")], ids=["pause", "call"])
def test_what_outlives_what_broke_it_off_goes_on_or_has_no_answer(state):
    def failing_after(seconds):
        fails = machine(W={"Type": "Wait", "Seconds": seconds, "Next": "F"}, F={"Type": "Fail", "Error": "Enough"})
        branches = [fails, machine(A={**state, "Next": "P"}, P=passing())]
        return machine(Both={"Type": "Parallel", "Branches": branches, "End": True})

    rehearsal = rehearse(ran(failing_after(5), None, {"A": engine.Answer(1, 7)}), failing_after(9))
    assert rehearsal.status == "FAILED"
    if state["Type"] == "Wait":
        passed = rehearsal.events.set_index("type")["elapsed"]
        assert passed["PassStateEntered"].total_seconds() == 7
    else:
        assert rehearsal.unanswered["reason"].tolist() == ["it was broken off in the history"]


def test_what_a_redrive_takes_up_is_held_by_nothing():
    """A branch that was cut off, of which nothing is written after a States.Runtime, goes on with it."""
    inner = machine(W={"Type": "Wait", "Seconds": 5, "Next": "P"}, P=passing())
    definition = machine(Both={"Type": "Parallel", "Branches": [inner, machine(A=task())], "End": True})
    driven = Driven(definition)
    driven.wait(1)
    driven.calls[0].fail("States.Runtime")
    driven.wait(100)
    driven.redrive().wait(1)
    driven.calls[-1].succeed(1)
    driven.settle()
    driven.wait(9)
    assert driven.execution.status == "SUCCEEDED"
    unchanged(driven.events, definition)
