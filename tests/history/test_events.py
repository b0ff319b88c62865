"""The events table: the state, branch and visit of every event, whatever form the history comes in."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from helpers import history
from helpers.errors import NotAHistory
from helpers.workbench import explore

from . import handmade

BASIC = handmade.HISTORIES["a failed task, redriven"]
EVENTS, _ = handmade.read(BASIC)


def cells(frame, *columns):
    """The rows of a table as plain tuples, missing as None."""
    values = frame[list(columns)].astype(object)
    return list(values.where(values.notna(), None).itertuples(index=False, name=None))


@pytest.mark.parametrize("name", handmade.HISTORIES)
def test_every_event_has_its_state_branch_and_visit(name):
    events, places = handmade.read(handmade.HISTORIES[name])
    assert cells(history.events(events), "state", "branch", "visit") == places


def test_the_handmade_histories_show_every_type_of_event():
    shown = {event["type"] for text in handmade.HISTORIES.values() for event in handmade.read(text)[0]}
    assert shown == handmade.EVENT_TYPES


def test_columns_have_the_documented_types():
    frame = history.events(EVENTS)
    text = ["execution", "type", "state", "branch", "resource", "resource_type", "error", "cause", "input", "output"]
    assert {str(frame[column].dtype) for column in text} == {"str"}
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert str(frame["elapsed"].dtype) == "timedelta64[us]"
    assert [str(frame[column].dtype) for column in ("id", "previous_id", "visit", "truncated")] == [
        "int64",
        "Int64",
        "Int64",
        "bool",
    ]
    assert frame.attrs["notes"] == []


def test_details_become_columns():
    frame = history.events(
        [
            {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 1767225600,
             "executionStartedEventDetails": {"input": "{}", "inputDetails": {"truncated": False}}},
            {"id": 2, "previousEventId": 0, "type": "TaskStateEntered", "timestamp": 1767225600.25,
             "stateEnteredEventDetails": {"name": "Call", "input": "[1", "inputDetails": {"truncated": True}}},
            {"id": 3, "previousEventId": 2, "type": "TaskScheduled", "timestamp": 1767225601,
             "taskScheduledEventDetails": {"resource": "invoke", "resourceType": "lambda", "parameters": '{"a":1}'}},
            {"id": 4, "previousEventId": 3, "type": "TaskFailed", "timestamp": 1767225602,
             "taskFailedEventDetails": {"resource": "invoke", "error": "Boom", "cause": "<b>"}},
        ]
    )  # fmt: skip
    assert cells(frame, "resource", "resource_type", "error", "cause", "input") == [
        (None, None, None, None, "{}"),
        (None, None, None, None, "[1"),
        ("invoke", "lambda", None, None, '{"a":1}'),
        ("invoke", None, "Boom", "<b>", None),
    ]
    assert frame["truncated"].tolist() == [False, True, False, False]
    assert frame["elapsed"].tolist()[1] == pd.Timedelta(milliseconds=250)


# --- sources


def as_log_records(events, execution="arn:aws:states:us-east-1:123456789012:express:m:e:1"):
    """The events as an Express execution logs them."""
    for event in events:
        details = next((value for key, value in event.items() if key.endswith("Details")), {})
        yield {
            "id": str(event["id"]),
            "type": event["type"],
            "details": details,
            "previous_event_id": str(event["previousEventId"]),
            "event_timestamp": str(event["timestamp"] * 1000),
            "execution_arn": execution,
        }


LOGGED = list(as_log_records(EVENTS))
TEXTS = [json.dumps(record) for record in LOGGED]


@pytest.mark.parametrize(
    "source",
    [
        {"events": EVENTS, "ResponseMetadata": {}},
        [{"events": EVENTS[:4], "nextToken": "t"}, {"events": EVENTS[4:]}],
        iter(EVENTS),
        EVENTS[::-1],
        LOGGED,
        TEXTS,
        {"events": [{"message": text, "timestamp": 1, "eventId": "1", "logStreamName": "s"} for text in TEXTS]},
        {"events": [{"message": text, "ingestionTime": 1} for text in TEXTS], "nextForwardToken": "f"},
        {"results": [[{"field": "@message", "value": text}, {"field": "@ptr", "value": "p"}] for text in TEXTS]},
        [[{"field": "@timestamp", "value": "x"}, {"field": "@message", "value": text}] for text in TEXTS],
    ],
    ids=["response", "pages", "iterator", "newest first", "records", "texts", "filter", "get", "insights", "rows"],
)
def test_every_source_gives_the_same_table(source):
    frame = history.events(source)
    expected = history.events(EVENTS)
    pd.testing.assert_frame_equal(frame.drop(columns="execution"), expected.drop(columns="execution"))
    assert frame.attrs["notes"] == []


@pytest.mark.parametrize("content", [EVENTS, {"events": EVENTS}, {"executionArn": "arn:x", "events": EVENTS}])
def test_a_file_is_read(tmp_path, content):
    path = tmp_path / "history.json"
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    for source in (path, str(path)):
        frame = history.events(source)
        assert len(frame) == len(EVENTS)
        assert set(frame["execution"]) == {"arn:x" if "executionArn" in content else "history"}


def test_a_file_of_log_lines_is_read(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    assert history.events(path)["execution"].nunique() == 1


def test_several_executions_share_a_table_and_keep_apart():
    mixed = [*as_log_records(EVENTS, "arn:a"), *as_log_records(EVENTS[:4], "arn:b")]
    mixed = mixed[::2] + mixed[1::2]
    frame = history.events(mixed)
    assert frame.groupby("execution").size().to_dict() == {"arn:a": len(EVENTS), "arn:b": 4}
    entered = history.visits(frame)
    assert cells(entered, "execution", "state", "status") == [
        ("arn:a", "Load", "succeeded"),
        ("arn:b", "Load", "running"),
    ]
    assert any(note.startswith("arn:b: ") for note in frame.attrs["notes"])


@pytest.mark.parametrize(
    "stamp",
    [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00.000+01:00",
        "2025-12-31 19:00:00-0500",
        1767225600,
        1767225600.0,
        1767225600000,
        "1767225600000",
        "1767225600",
    ],
)
def test_every_kind_of_stamp_is_the_same_moment(stamp):
    frame = history.events([{"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": stamp}])
    assert frame["timestamp"].iloc[0] == pd.Timestamp("2026-01-01", tz="UTC")
    assert not any("stamp" in note for note in frame.attrs["notes"])


# --- bad input


def test_stamps_without_zone_are_utc_and_said_so():
    frame = history.events([{**event, "timestamp": datetime(2026, 1, 1, 0, 0, i)} for i, event in enumerate(EVENTS)])
    assert frame["timestamp"].iloc[1] == pd.Timestamp("2026-01-01 00:00:01", tz="UTC")
    assert ["no zone" in note for note in frame.attrs["notes"]] == [True]


def test_of_stamps_with_and_without_a_zone_only_the_latter_are_doubted():
    zones = [None, *[UTC] * (len(EVENTS) - 1)]
    moments = [datetime(2026, 1, 1, 0, 0, second, tzinfo=zone) for second, zone in enumerate(zones)]
    frame = history.events([{**event, "timestamp": moment} for event, moment in zip(EVENTS, moments, strict=True)])
    (note,) = frame.attrs["notes"]
    assert note.startswith("1 time stamp has no zone")


def test_unreadable_stamps_leave_times_missing():
    frame = history.events([{**event, "timestamp": "noon"} for event in EVENTS])
    assert frame["timestamp"].isna().all()
    assert history.visits(frame)["duration"].isna().all()
    assert "could not be read" in frame.attrs["notes"][0]


def test_events_twice_and_out_of_order_are_put_right():
    frame = history.events([*EVENTS[5:], *EVENTS[:7]])
    pd.testing.assert_frame_equal(frame, history.events(EVENTS))
    assert [note.split(" ")[-1] for note in frame.attrs["notes"]] == ["id.", "first."]


def test_a_missing_page_leaves_unknown_what_it_hides():
    events, places = handmade.read(handmade.HISTORIES["a loop of an asking task, still running"])
    frame = history.events(events[:5] + events[6:])
    assert "Events are missing (ids 6)" in frame.attrs["notes"][0]
    pause = history.visits(frame).iloc[1]
    assert pause["state"] == "Pause"
    assert pd.isna(pause["entered_id"])
    assert pd.isna(pause["duration"])
    assert frame["state"].tolist()[6:] == [place[0] for place in places[7:]]
    # what was never seen before the gap may lie anywhere
    assert frame["branch"].tolist()[1:5] == [""] * 4
    assert frame["branch"].isna().tolist()[5:] == [True] * 8


def test_after_a_gap_a_loop_is_known_again_by_its_names():
    events, places = handmade.read(handmade.HISTORIES["a loop of an asking task, still running"])
    again = [
        {**event, "id": event["id"] + 20, "previousEventId": event["previousEventId"] + 20} for event in events[6:]
    ]
    frame = history.events(events + again)
    assert cells(frame, "state", "branch")[14:] == [place[:2] for place in places[6:]]
    assert frame["visit"].tolist()[14:17] == [3, 2, 2]


def test_a_visit_that_reaches_into_a_gap_has_no_known_end():
    events, _ = handmade.read(handmade.HISTORIES["a loop of an asking task, still running"])
    entered = history.visits(history.events(events[:7] + events[12:]))
    status = entered.set_index("state")["status"]
    assert "Status" not in status
    events = events[:8] + events[13:]
    asking = history.visits(history.events(events)).set_index("state").loc["Status"]
    assert pd.isna(asking["status"])
    assert pd.isna(asking["exited"])


def test_a_first_page_alone_says_that_there_are_more():
    frame = history.events({"events": EVENTS[:4], "nextToken": "t"})
    assert "more pages to fetch" in frame.attrs["notes"][0]


def test_a_history_cut_at_its_head_has_no_elapsed_time():
    frame = history.events(EVENTS[2:])
    assert frame["elapsed"].isna().all()
    assert "ids 1 to 2" in frame.attrs["notes"][0]


def test_types_of_next_year_are_shown_and_named():
    events = [*EVENTS[:2], {"id": 3, "previousEventId": 2, "type": "TaskDreamt", "timestamp": 1767225602,
                            "taskDreamtEventDetails": {"output": "zzz"}}]  # fmt: skip
    frame = history.events(events)
    assert cells(frame, "state", "visit", "output")[2] == ("Load", 1, "zzz")
    assert "TaskDreamt" in frame.attrs["notes"][0]
    assert history.visits(frame)["status"].tolist() == ["running"]


def test_execution_data_may_be_left_out():
    bare = [
        {key: ({"name": value["name"]} if "name" in value else {}) if key.endswith("Details") else value
         for key, value in event.items()}
        for event in EVENTS
    ]  # fmt: skip
    frame = history.events(bare)
    assert cells(frame, "state", "visit") == cells(history.events(EVENTS), "state", "visit")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"events": [{"id": 1, "type"', "breaks at line 1"),
        ("hello", "breaks at line 1"),
        ('{"StartAt": "A", "States": {}}', "it holds StartAt, States"),
        ("[1, 2]", "none of its 2 items is an event"),
        ("3", "of type int"),
        ("null", "empty"),
        ('[{"type": "ExecutionStarted"}]', "no 'id'"),
        ('[{"type": "ExecutionStarted", "id": "x"}]', "no 'id'"),
    ],
)
def test_what_is_no_history_is_refused_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(NotAHistory, match=sentence):
        history.events(path)


@pytest.mark.parametrize("name", ["none.json", "x" * 300, "a\x00b.json", ""])
def test_a_file_that_is_not_there_or_cannot_be_is_refused(tmp_path, name):
    for path in (tmp_path / name, str(tmp_path / name)):
        for read in (history.events, explore):
            with pytest.raises(NotAHistory):
                read(path)


def test_tables_of_a_file_can_be_grouped_by_execution_and_state(tmp_path):
    path = tmp_path / "night.json"
    path.write_text(json.dumps(EVENTS))
    for frame in (history.visits(history.events(path)), history.attempts(history.events(EVENTS))):
        assert len(frame.groupby(["execution", "state"]).size()) == 1
    assert set(history.events(path)["execution"]) == {"night"}


def test_an_attempt_whose_state_a_gap_hides_is_an_attempt_all_the_same():
    frame = history.events([EVENTS[0], *EVENTS[2:5], *EVENTS[7:]])
    assert cells(history.attempts(frame), "state", "attempt", "status", "scheduled_id") == [
        (None, 1, "failed", 3),
        (None, 1, "succeeded", 8),
    ]


def test_a_file_cut_in_the_middle_gives_its_whole_events(tmp_path):
    text = json.dumps({"events": EVENTS})
    path = tmp_path / "cut.json"
    path.write_text(text[: text.index('"id": 5') + 4])
    frame = history.events(path)
    assert frame["id"].tolist() == [1, 2, 3, 4]
    assert "cut off" in frame.attrs["notes"][0]
    assert history.visits(frame)["status"].tolist() == ["running"]


def test_an_empty_history_is_an_empty_table():
    frame = history.events([])
    assert len(frame) == len(history.visits(frame)) == len(history.attempts(frame)) == len(history.polls(frame)) == 0
    assert frame.attrs["notes"] == ["There is nothing in it: this history has no events."]


def test_hostile_names_stay_text():
    names = ["A/B#1[0]", "<img src=x onerror=alert(1)>", '"]; }', "\ud800"]
    for name in names:
        events, _ = handmade.read(BASIC)
        events[1]["stateEnteredEventDetails"] = {"name": name}
        events[10]["stateExitedEventDetails"] = {"name": name}
        assert history.visits(history.events(events))["status"].tolist() == ["succeeded"]


def test_reading_histories_needs_no_aws():
    code = "import sys, helpers.history; sys.exit(any(name in sys.modules for name in ('boto3', 'botocore', 'moto')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
