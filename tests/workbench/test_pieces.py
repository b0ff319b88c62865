"""The pieces of the workbench: the table's pages, the difference, causes, what happens next, command lines."""

import json
import pathlib
import shlex

import pandas as pd
import pytest

from helpers import history
from helpers.live import backoff
from helpers.workbench.detail import detail, unfolded
from helpers.workbench.difference import difference
from helpers.workbench.overview import commands, console_link, redrivable
from helpers.workbench.table import ROWS, EventsTable
from helpers.workbench.view import from_events, from_file
from tests.benchmarks.history import loop

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "samples"


@pytest.fixture(scope="module")
def long() -> pd.DataFrame:
    return history.events(loop(2_000))


@pytest.mark.parametrize("row", [0, 3, 1_000, 1_999])
def test_a_page_holds_fifty_rows_and_marks_the_one_asked_for(long, row):
    html = EventsTable(long).html(row)
    assert html.count("<tr ") == ROWS
    assert html.count('class="here"') == 1
    assert f'class="here" data-event="{row + 1}"' in html


def test_a_page_is_as_large_at_the_end_of_a_long_history_as_in_a_short_one(long):
    short = EventsTable(long.iloc[:200])
    assert len(EventsTable(long).html(1_500)) < 1.1 * len(short.html(150))


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"error": "States.Timeout"}, "States.Timeout"),
        ({"error": "Stock", "cause": "None left."}, "Stock: None left."),
        ({"cause": "Not needed any more."}, "Not needed any more."),
    ],
)
def test_an_event_shows_its_error_and_its_cause(ended, said):
    begun = {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 0}
    over = {"id": 2, "previousEventId": 0, "type": "ExecutionAborted", "timestamp": 1}
    events = history.events([begun, {**over, "executionAbortedEventDetails": ended}])
    assert f">{said}<" in EventsTable(events).html(1)


def test_the_filter_lets_through_what_it_says(long):
    table = EventsTable(long)
    table.filter(state="TaskForTheJob", type_="TaskSucceeded")
    kinds = long.iloc[[row for row in range(len(long)) if f'data-event="{row + 1}"' in table.html(row)]]
    assert len(table) == (long["type"] == "TaskSucceeded").sum()
    assert set(kinds["type"]) == {"TaskSucceeded"}
    table.filter(words="HELLO, world")
    assert 0 < len(table) < len(long)
    table.filter(words="not there")
    assert "No event" in table.html(0)
    table.filter()
    assert len(table) == len(long)


def test_one_can_step_through_what_was_found(long):
    table = EventsTable(long)
    table.filter(type_="TaskSucceeded")
    first = table.next(-1)
    assert long["type"].iloc[first] == "TaskSucceeded"
    assert table.before(first) is None
    assert table.before(table.next(first)) == first
    assert table.next(len(long)) is None


def test_the_difference_names_each_place_that_changed():
    found = difference('{"a": 1, "b": {"c": [1, 2]}, "gone": true}', '{"a": 1, "b": {"c": [1, 3, 4]}, "new-one": null}')
    assert found == [
        ("-", "$.b.c[1]: 2"),
        ("+", "$.b.c[1]: 3"),
        ("+", "$.b.c[2]: 4"),
        ("-", "$.gone: true"),
        ("+", '$["new-one"]: null'),
    ]
    assert difference("{}", "{}") == []
    assert difference("{}", "cut off {") is None
    assert difference("[" * 5_000, "]") is None
    assert len(difference("{}", json.dumps({str(n): n for n in range(500)}))) < 100


def test_a_cause_is_unfolded_down_to_the_stack_trace():
    inner = json.dumps({"errorMessage": "no more", "stackTrace": ['  File "f.py", line 1\n    raise\n']})
    told = unfolded(json.dumps({"Error": "Failed", "Cause": inner}))
    assert "errorMessage: no more" in told
    assert '  File "f.py", line 1\n' in told
    assert "\\n" not in told
    assert unfolded("plain words") == "plain words"
    assert unfolded('{"cut": "of') == '{"cut": "of'


def test_the_next_retry_is_told_by_the_retry_field():
    body = {
        "Retry": [
            {"ErrorEquals": ["NotReady"], "IntervalSeconds": 2, "MaxAttempts": 3, "MaxDelaySeconds": 5},
            {"ErrorEquals": ["States.TaskFailed"], "JitterStrategy": "FULL"},
        ]
    }
    pauses = [backoff(body, "NotReady", attempt) for attempt in (1, 2, 3)]
    assert [(pause.seconds, pause.at_most, pause.attempts) for pause in pauses] == [
        (2, False, 4),
        (4, False, 4),
        (5, False, 4),
    ]
    assert pauses[0].sentence("Main", 1, 0.7) == "Main waits to try again, attempt 2 of 4, in 1.3 s"
    assert backoff(body, "NotReady", 4) is None
    assert backoff(body, "Other", 1).sentence("Main", 1) == "Main waits to try again, attempt 2 of 4, within 1.0 s"
    assert backoff(body, "States.Timeout", 1) is None
    assert backoff({}, "NotReady", 1) is None


def test_the_detail_of_a_failed_try_shows_attempt_input_and_error():
    (view,) = from_file(SAMPLES / "failed-map.json")
    html = detail(view, view.first - 1)
    for part in (
        "Pack",
        "attempt</span> 3 of 3",
        "OutOfStock",
        "errorMessage: no more of these",
        "&quot;order&quot;: 5",
    ):
        assert part in html


def test_a_cause_without_an_error_stands_alone():
    stopped = {
        "id": 1,
        "timestamp": 0,
        "type": "ExecutionAborted",
        "executionAbortedEventDetails": {"cause": "Enough."},
    }
    (view,) = from_events([stopped])
    assert "Enough." in detail(view, 0)
    assert "no name" not in detail(view, 0)


def test_what_a_state_will_change_is_said_to_come_later():
    (view,) = from_file(SAMPLES / "failed-map.json")
    entered = int(view.events["type"].eq("TaskStateEntered").to_numpy("bool").argmax())
    exited = int(view.events["type"].eq("TaskStateExited").to_numpy("bool").argmax())
    assert "Changed from input to output, which comes later" in detail(view, entered, "Difference")
    assert "later" not in detail(view, exited, "Difference")


def test_an_execution_can_be_redriven_for_fourteen_days():
    (view,) = from_file(SAMPLES / "failed-map.json")
    ended = view.summary.ended + pd.Timedelta(days=14)
    assert redrivable(view) == f"until {ended:%Y-%m-%d %H:%M} UTC"
    (view,) = from_file(SAMPLES / "retries.json")
    assert redrivable(view) == "nothing to redrive"


def test_command_lines_are_safe_to_paste_and_a_strange_arn_makes_none():
    (view,) = from_file(SAMPLES / "failed-map.json")
    assert commands(view) == []
    assert console_link(view) is None
    view.arn = "arn:aws:states:eu-west-1:123456789012:execution:m:$(touch-me);e"
    for line in commands(view):
        assert view.arn in shlex.split(line)
    assert console_link(view).startswith("https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/")
    view.arn = 'javascript:alert(1)"'
    assert commands(view) == []
    assert console_link(view) is None
