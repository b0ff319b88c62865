"""Visits and attempts: how each entering of a state and each try of a task went and ended."""

import pandas as pd
import pytest

from helpers import engine, history, timeline
from helpers.errors import NotAHistory
from helpers.history import causes

from . import handmade
from .test_events import cells


def table(name, upto=None):
    events, _ = handmade.read(handmade.HISTORIES[name])
    return history.events(events[:upto])


def seconds(frame, column):
    """A column of durations in seconds, None where missing."""
    return [None if pd.isna(value) else value.total_seconds() for value in frame[column]]


GATHER = [history.visits, history.attempts, history.polls, causes.failures]


@pytest.mark.parametrize("gather", GATHER)
def test_a_table_is_gathered_from_the_events_themselves_too(gather):
    listed, _ = handmade.read(handmade.HISTORIES["an activity: refused, timed out, failed, done"])
    pd.testing.assert_frame_equal(gather(listed), gather(history.events(listed)))


@pytest.mark.parametrize("gather", [*GATHER, history.summary, timeline.draw])
def test_what_is_no_table_of_events_is_refused(gather):
    visits = history.visits(table("an activity: refused, timed out, failed, done"))
    with pytest.raises(NotAHistory, match=r"no column 'id'.*not one of events"):
        gather(visits)
    with pytest.raises(NotAHistory, match="of type int"):
        gather(3)


STATUSES = {
    "two branches at once, with a Map in one of them": [
        ("Fan", "Parallel", 2, 27, "succeeded", 0),
        ("Left", "Pass", 4, 6, "succeeded", 0),
        ("Each", "Map", 5, 25, "succeeded", 0),
        ("Rest", "Wait", 8, 18, "succeeded", 0),
        ("Work", "Task", 11, 19, "succeeded", 1),
        ("Work", "Task", 12, 22, "succeeded", 1),
        ("Done", "Succeed", 28, 29, "succeeded", 0),
    ],
    "a branch fails, the others are cut short, the error is caught": [
        ("Fan", "Parallel", 2, 17, "caught", 0),
        ("Bad", "Task", 4, None, "caught", 1),
        ("Slow", "Task", 5, None, "aborted", 1),
        ("Rest", "Wait", 6, None, "aborted", 0),
        ("Quick", "Pass", 7, 12, "succeeded", 0),
        ("Sorry", "Pass", 18, 19, "succeeded", 0),
    ],
    "an activity: refused, timed out, failed, done": [("Ask", "Task", 2, 12, "succeeded", 4)],
    "a function by its ARN: each way to fail": [("Call", "Task", 2, 16, "succeeded", 5)],
    "an integration that submits: each way to fail, then out of time": [("Job", "Task", 2, None, "timed_out", 3)],
    "stopped inside a Parallel inside a Map": [
        ("Each", "Map", 2, None, "aborted", 0),
        ("Fan", "Parallel", 5, None, "aborted", 0),
        ("Work", "Task", 7, None, "aborted", 1),
    ],
    "out of time while waiting": [
        ("Which", "Choice", 2, 3, "succeeded", 0),
        ("Rest", "Wait", 4, None, "timed_out", 0),
    ],
    "a failed task, redriven": [("Load", "Task", 2, 11, "succeeded", 2)],
    "two failed branches, redriven": [
        ("Fan", "Parallel", 2, 20, "succeeded", 0),
        ("Left", "Task", 4, 16, "succeeded", 2),
        ("Right", "Task", 5, 18, "succeeded", 2),
    ],
    "a distributed Map: failed, redriven, then stopped": [
        ("Many", "Map", 2, 12, "succeeded", 0),
        ("More", "Map", 13, None, "aborted", 0),
    ],
    "the Map inside an iteration fails, and the outer one runs again": [
        ("Outer", "Map", 2, 24, "succeeded", 0),
        ("Inner", "Map", 5, None, "failed", 0),
        ("No", "Fail", 8, None, "failed", 0),
        ("Inner", "Map", 14, 21, "succeeded", 0),
        ("Yes", "Pass", 17, 18, "succeeded", 0),
    ],
    "a Map's items that cannot be evaluated, inside a branch": [
        ("Fan", "Parallel", 2, None, "failed", 0),
        ("Each", "Map", 4, None, "failed", 0),
    ],
    "a loop of an asking task, still running": [
        ("Submit", "Task", 2, 5, "succeeded", 1),
        ("Pause", "Wait", 6, 7, "succeeded", 0),
        ("Status", "Task", 8, 11, "succeeded", 1),
        ("Ready", "Choice", 12, 13, "succeeded", 0),
        ("Pause", "Wait", 14, None, "waiting", 0),
    ],
}


@pytest.mark.parametrize("name", handmade.HISTORIES)
def test_each_visit_ends_as_it_did(name):
    entered = history.visits(table(name))
    columns = ("state", "type", "entered_id", "exited_id", "status", "attempts")
    assert cells(entered, *columns) == STATUSES[name]
    inside = entered["status"].isin(["running", "waiting", "choosing"])
    assert entered["exited"].isna().tolist() == inside.tolist()
    assert (entered["duration"].dropna() >= pd.Timedelta(0)).all()


def test_a_visit_without_exit_ends_with_its_own_last_event_or_with_what_it_lies_in():
    entered = history.visits(table("a branch fails, the others are cut short, the error is caught"))
    ended = dict(
        zip(entered["state"], entered["exited"].astype("int64") // 1_000_000 - handmade.START + 1, strict=True)
    )
    assert (ended["Bad"], ended["Slow"], ended["Rest"]) == (13, 14, 15)
    nested = history.visits(table("the Map inside an iteration fails, and the outer one runs again"))
    assert seconds(nested[nested["state"] == "No"], "duration") == [1]  # until MapIterationFailed


def test_errors_are_told_where_they_ended_a_visit():
    entered = history.visits(table("a branch fails, the others are cut short, the error is caught"))
    assert cells(entered, "state", "error", "cause")[:3] == [
        ("Fan", "Boom", "bang"),
        ("Bad", "Boom", "bang"),
        ("Slow", None, None),
    ]
    nested = history.visits(table("a Map's items that cannot be evaluated, inside a branch"))
    assert nested["error"].tolist() == ["States.QueryEvaluationError"] * 2
    recovered = history.visits(table("a function by its ARN: each way to fail"))
    assert recovered["error"].isna().all()


def test_an_error_told_only_at_the_end_reaches_the_fail_state():
    events, _ = handmade.read("""
 1 0 ExecutionStarted => -
 2 0 MapStateEntered Each => Each . 1
 3 2 MapStateStarted length=1 => Each . 1
 4 3 MapIterationStarted Each index=0 => Each Each#1[0] 1
 5 4 FailStateEntered No => No Each#1[0] 1
 6 5 MapIterationFailed Each index=0 => Each Each#1[0] 1
 7 5 MapStateFailed => Each . 1
 8 7 ExecutionFailed error=Mine cause=why => -
""")
    assert cells(history.visits(history.events(events)), "state", "status", "error") == [
        ("Each", "failed", "Mine"),
        ("No", "failed", "Mine"),
    ]


@pytest.mark.parametrize(
    ("kind", "status"), [("Task", "running"), ("Wait", "waiting"), ("Choice", "choosing"), ("Map", "running")]
)
def test_what_is_still_inside(kind, status):
    events, _ = handmade.read(f"1 0 ExecutionStarted => -\n2 0 {kind}StateEntered S => S . 1")
    entered = history.visits(history.events(events))
    assert cells(entered, "status", "exited_id", "exited", "duration") == [(status, None, None, None)]


def test_a_task_between_two_tries_runs_until_it_is_stopped():
    text = """
 1 0 ExecutionStarted => -
 2 0 TaskStateEntered T => T . 1
 3 2 TaskScheduled resource=invoke => T . 1
 4 3 TaskFailed error=Busy => T . 1
 5 4 ExecutionAborted at=60 => -
"""
    events, _ = handmade.read(text)
    assert cells(history.visits(history.events(events[:4])), "status", "error") == [("running", "Busy")]
    stopped = history.visits(history.events(events))
    assert stopped["status"].tolist() == ["aborted"]
    assert seconds(stopped, "duration") == [59]


def test_a_task_whose_input_cannot_be_made_and_is_caught_has_no_other_event():
    events, _ = handmade.read("""
 1 0 ExecutionStarted => -
 2 0 TaskStateEntered T => T . 1
 3 2 TaskStateExited T => T . 1
""")
    assert cells(history.visits(history.events(events)), "status", "attempts") == [("caught", 0)]


def test_a_state_whose_output_fails_after_its_task_succeeded():
    events, _ = handmade.read("""
 1 0 ExecutionStarted => -
 2 0 TaskStateEntered T => T . 1
 3 2 LambdaFunctionScheduled resource=arn:f => T . 1
 4 3 LambdaFunctionStarted => T . 1
 5 4 LambdaFunctionSucceeded output=1 => T . 1
 6 5 ExecutionFailed error=States.Runtime cause=path => -
""")
    table_ = history.events(events)
    assert cells(history.visits(table_), "status", "error", "cause") == [("failed", "States.Runtime", "path")]
    assert history.attempts(table_)["status"].tolist() == ["succeeded"]


def test_each_try_of_an_activity():
    tries = history.attempts(table("an activity: refused, timed out, failed, done"))
    assert tries["attempt"].tolist() == [1, 2, 3, 4]
    assert tries["status"].tolist() == ["failed", "timed_out", "failed", "succeeded"]
    assert seconds(tries, "duration") == [0, 2, 2, 4]
    assert seconds(tries, "backoff") == [0, 8, 2, 4]
    assert tries["started"].notna().tolist() == [False, False, True, True]
    assert tries["error"].tolist()[:3] == ["States.Runtime", "States.Timeout", "Refused"]
    assert tries["resource"].tolist()[1:] == ["arn:aws:states:us-east-1:123456789012:activity:ask"] * 3


def test_a_redrive_is_no_back_off():
    tries = history.attempts(table("a failed task, redriven"))
    assert cells(tries, "attempt", "status") == [(1, "failed"), (2, "succeeded")]
    assert seconds(tries, "backoff") == [0, 0]


def test_a_try_that_was_cut_short():
    tries = history.attempts(table("a branch fails, the others are cut short, the error is caught"))
    assert cells(tries, "state", "status", "error") == [("Bad", "failed", "Boom"), ("Slow", "aborted", None)]
    running = history.attempts(table("a branch fails, the others are cut short, the error is caught", upto=11))
    assert running["status"].tolist() == ["running", "running"]
    assert running["duration"].isna().all()


def test_tables_survive_a_file_of_their_own(tmp_path):
    frame = table("two branches at once, with a Map in one of them")
    frame.to_parquet(tmp_path / "events.parquet")
    again = pd.read_parquet(tmp_path / "events.parquet")
    pd.testing.assert_frame_equal(history.visits(again), history.visits(frame))
    pd.testing.assert_frame_equal(history.attempts(again), history.attempts(frame))


def test_documented_types():
    entered = history.visits(table("a failed task, redriven"))
    tries = history.attempts(table("a failed task, redriven"))
    types = {name: str(dtype) for name, dtype in entered.dtypes.items()}
    assert [types[name] for name in ("status", "visit", "entered_id", "exited_id", "attempts")] == [
        "str",
        "Int64",
        "Int64",
        "Int64",
        "int64",
    ]
    assert types["entered"] == types["exited"] == "datetime64[us, UTC]"
    assert types["duration"] == str(tries["duration"].dtype) == str(tries["backoff"].dtype) == "timedelta64[us]"


INNER = {"StartAt": "In", "States": {"In": {"Type": "Fail", "Error": "No"}}}
CAUGHT = {
    "States.QueryEvaluationError": {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Output": "{% $states.result - 'a' %}",
    },
    "States.ExceedToleratedFailureThreshold": {
        "Type": "Map",
        "ItemProcessor": {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
    },
}


@pytest.mark.parametrize("error", CAUGHT)
def test_an_error_that_no_attempt_made_is_caught_too(error):
    state = {**CAUGHT[error], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}], "End": True}
    states = {"A": state, "Done": {"Type": "Succeed"}}
    run = engine.run({"StartAt": "A", "QueryLanguage": "JSONata", "States": states}, [1], {"A": 1})
    visit = history.visits(history.events(run.events)).iloc[0]
    assert (visit["status"], visit["error"]) == ("caught", error)


def test_numbers_that_became_floats_on_the_way_are_read_all_the_same():
    frame = table("the Map inside an iteration fails, and the outer one runs again")
    floats = frame.assign(visit=frame["visit"].astype("float64"))
    pd.testing.assert_frame_equal(history.visits(floats).astype({"visit": "Int64"}), history.visits(frame))


def test_visits_of_executions_that_have_just_begun_are_not_those_of_one_that_is_done():
    chain = {name: {"Type": "Pass", "Next": after} for name, after in zip("ABC", "BCD", strict=True)}
    done = engine.run({"StartAt": "A", "States": {**chain, "D": {"Type": "Succeed"}}}).events
    each = [done, *[done[:2]] * 7]
    events = pd.concat([history.events(one).assign(execution=str(number)) for number, one in enumerate(each)])
    assert history.visits(events)["state"].tolist() == [*"ABCD", *"A" * 7]
