"""Summary, polls and payload."""

import json
from typing import Any

import pandas as pd
import pytest

from helpers import history
from helpers.errors import NotAHistory, PayloadUnreadable

from . import handmade
from .test_events import as_log_records, cells
from .test_visits import seconds, table

FOUND_BY_WORDS = """
1 0 ExecutionStarted                => -
2 0 PassStateEntered   Say          => Say . 1
3 2 PassStateExited    Say          => Say . 1
4 3 ChoiceStateEntered Which        => Which . 1
5 3 ExecutionFailed    error=States.NoChoiceMatched => -
"""


def test_a_failure_whose_chain_leads_past_its_state_is_found_by_aws_s_words():
    events, _ = handmade.read(FOUND_BY_WORDS)
    said = "An error occurred while executing the state 'Which' (entered at the event id #4). No match."
    events[-1]["executionFailedEventDetails"]["cause"] = said
    assert history.summary(history.events(events)).failure.startswith("'Which' failed after 4.0 s")


def test_a_summary_tells_where_the_time_went():
    total = history.summary(table("an activity: refused, timed out, failed, done"))
    assert total.status == "SUCCEEDED"
    assert [span.total_seconds() for span in (total.duration, total.working, total.waiting, total.backing_off)] == [
        24,
        8,
        0,
        14,
    ]
    assert total.transitions == 4  # one state, three retries
    assert total.dollars == pytest.approx(0.0001)
    assert (total.events, total.events_limit, total.full_at) == (13, 25_000, None)
    assert total.first_failure == "'Ask' failed after 2.0 s with States.Runtime: none. A later attempt succeeded."


def test_a_summary_is_the_same_in_whatever_order_the_events_stand():
    frame = table("an activity: refused, timed out, failed, done")
    assert history.summary(frame.iloc[::-1]) == history.summary(frame)


def test_spans_of_branches_that_overlap_are_counted_once():
    total = history.summary(table("two branches at once, with a Map in one of them"))
    assert total.working.total_seconds() == 20 - 13
    assert total.waiting.total_seconds() == 18 - 8
    assert total.transitions == 7


def test_a_running_execution_has_a_forecast():
    total = history.summary(table("a loop of an asking task, still running"))
    assert total.status == "RUNNING"
    assert total.ended is None
    pace = total.duration / (total.events - 1)
    assert total.full_at == total.started + total.duration + pace * (25_000 - total.events)
    later = history.summary(
        table("a loop of an asking task, still running"), now=pd.Timestamp("2026-01-01 00:01:00", tz="UTC")
    )
    assert later.waiting.total_seconds() == 20 + 60 - 33


def test_a_running_execution_is_never_younger_than_its_last_event():
    frame = table("a loop of an asking task, still running")
    behind = frame["timestamp"].iloc[-1] - pd.Timedelta(seconds=90)
    assert history.summary(frame, now=behind) == history.summary(frame)


def test_what_hangs_at_its_beginning_is_said_to_fill_no_history():
    """Five events within milliseconds, and then a task that does not answer, are no rate."""
    total = history.summary(table("a loop of an asking task, still running", upto=5))
    assert (total.status, total.full_at) == ("RUNNING", None)


def test_a_history_that_would_be_full_after_an_execution_s_last_year_is_never_full():
    frame = table("a loop of an asking task, still running")
    total = history.summary(frame, now=frame["timestamp"].iloc[-1] + pd.Timedelta(days=300))
    assert total.full_at is None
    assert repr(total)


FIRST_FAILURES = {
    "a branch fails, the others are cut short, the error is caught": (
        "'Bad' in Fan#1:Bad failed after 12.0 s with Boom: bang. It was caught."
    ),
    "an integration that submits: each way to fail, then out of time": (
        "'Job' failed after 3.0 s with Glue.Throttled: x."
    ),
    "stopped inside a Parallel inside a Map": "The execution was stopped after 12.0 s with Stopped: enough.",
    "out of time while waiting": "The execution ran out of time after 1 min 0 s with States.Timeout.",
    "the Map inside an iteration fails, and the outer one runs again": (
        "'No' in Outer#1[0]/Inner#1[0] failed after 7.0 s."
    ),
    "a loop of an asking task, still running": None,
}


@pytest.mark.parametrize("name", FIRST_FAILURES)
def test_the_first_failure_in_a_sentence(name):
    assert history.summary(table(name)).first_failure == FIRST_FAILURES[name]


def test_the_message_inside_a_cause_is_shown():
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    events = events[:6]
    events[4]["taskFailedEventDetails"]["cause"] = json.dumps({"errorMessage": "out of\n paper", "errorType": "E"})
    assert history.summary(history.events(events)).first_failure == "'Load' failed after 4.0 s with Boom: out of paper."


def test_an_express_execution_costs_by_request_and_duration():
    events, _ = handmade.read(handmade.HISTORIES["two branches at once, with a Map in one of them"])
    total = history.summary(history.events(list(as_log_records(events))))
    assert total.events_limit is None
    assert total.dollars == pytest.approx(1e-6 + 29 * 64 / 1024 * 0.00001667)


def test_a_summary_shows_itself_and_escapes():
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    events[4]["taskFailedEventDetails"]["cause"] = "<img src=x onerror=alert(1)>"
    total = history.summary(history.events(events, execution="</script>"))
    assert "SUCCEEDED" in repr(total)
    assert total.as_dict()["status"] == "SUCCEEDED"
    shown = total._repr_html_()
    assert "<img" not in shown
    assert "</script>" not in shown


def test_without_events_there_is_nothing_to_sum_up():
    with pytest.raises(NotAHistory, match="no event"):
        history.summary(history.events([]))


# --- polls


def test_each_turn_of_a_loop_has_its_answer():
    turns = history.polls(table("a loop of an asking task, still running"))
    columns = ("loop", "kind", "turn", "asked", "status", "answer")
    assert cells(turns, *columns) == [
        ("Pause", "loop", 1, "Status", "succeeded", '"RUNNING"'),
        ("Pause", "loop", 2, "Pause", "waiting", None),
    ]
    assert seconds(turns, "duration") == [23, None]
    assert seconds(turns, "waited") == [20, 0]
    assert seconds(turns, "elapsed") == [33, None]


def test_retries_are_turns_too():
    turns = history.polls(table("an activity: refused, timed out, failed, done"))
    assert cells(turns, "loop", "kind", "turn", "answer") == [
        ("Ask", "retry", 1, "States.Runtime"),
        ("Ask", "retry", 2, "States.Timeout"),
        ("Ask", "retry", 3, "Refused"),
        ("Ask", "retry", 4, '"yes"'),
    ]
    assert seconds(turns, "waited") == [0, 8, 2, 4]


def test_without_a_loop_there_are_no_turns():
    assert len(history.polls(table("two branches at once, with a Map in one of them"))) == 0


# --- payload


def test_a_payload_is_parsed_when_asked_for():
    entered = history.visits(table("a failed task, redriven"))
    assert history.payload(entered.iloc[0]) == {}
    frame = history.events([
        {"id": 1, "previousEventId": 0, "type": "PassStateEntered", "timestamp": 0,
         "stateEnteredEventDetails": {"name": "A", "input": '{"a": [1]}'}},
        {"id": 2, "previousEventId": 1, "type": "PassStateExited", "timestamp": 1,
         "stateExitedEventDetails": {"name": "A", "output": '{"a": "lon', "outputDetails": {"truncated": True}}},
    ])  # fmt: skip
    assert history.payload(frame.iloc[0]) == {"a": [1]}
    with pytest.raises(PayloadUnreadable, match="cut off after 10 characters"):
        history.payload(frame.iloc[1])
    with pytest.raises(PayloadUnreadable, match="no input"):
        history.payload(frame.iloc[1], "input")
    with pytest.raises(PayloadUnreadable, match="breaks at character 2"):
        history.payload({"output": "{a: 1}"})
    with pytest.raises(PayloadUnreadable, match=r"of type int: give frame.iloc"):
        history.payload(3)


def test_what_a_gap_hides_is_missing_from_the_turns_too():
    events, _ = handmade.read(handmade.HISTORIES["an activity: refused, timed out, failed, done"])
    turns = history.polls(history.events([events[0], *events[2:]]))
    assert len(turns) == 4
    assert turns["loop"].isna().all()


def test_what_a_gap_hides_the_end_of_covers_no_time():
    def event(number: int, before: int, kind: str, at: int, **details: Any) -> dict[str, Any]:
        return {"id": number, "previousEventId": before, "type": kind, "timestamp": at, **details}

    entered = event(2, 0, "WaitStateEntered", 0, stateEnteredEventDetails={"name": "W"})
    passed = event(9, 8, "PassStateEntered", 5, stateEnteredEventDetails={"name": "P"})
    summary = history.summary([event(1, 0, "ExecutionStarted", 0), entered, passed])
    assert summary.waiting == pd.Timedelta(0)


def test_each_missing_name_of_a_state_is_counted_once():
    started = {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 0}
    nameless = {"id": 2, "previousEventId": 0, "type": "WaitStateEntered", "timestamp": 0}
    frame = history.events([started, {**nameless, "stateEnteredEventDetails": {}}])
    assert "(names: 1)" in frame.attrs["notes"][0]
