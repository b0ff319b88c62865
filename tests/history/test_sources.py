"""The forms in which a history comes: whatever the form, the frame is the same."""

import csv
import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import engine, history
from helpers.errors import ExecutionNamed, NotAHistory

ARN = "arn:aws:states:us-east-1:123456789012:express:orders:one:2f0b"
MACHINE: dict[str, Any] = {
    "StartAt": "Ask",
    "States": {"Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}, "End": True}},
}
EVENTS = engine.run(MACHINE, {"of": 'Zoë, "7" [{}]'}, {"Ask": {"Payload": {"a": [1, 2]}}}).events


def record(event: dict[str, Any], arn: str = ARN) -> dict[str, Any]:
    """An event as Step Functions logs it."""
    details = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    return {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(round(event["timestamp"].timestamp() * 1000)),
        "execution_arn": arn,
    }


RECORDS = [record(event) for event in EVENTS]
TEXTS = [json.dumps(one) for one in RECORDS]
STAMP, STREAM = "2026-01-02T03:04:05.678000+00:00", "states/orders/2026-01-02-03-00/12345678"


def insights_csv(columns: tuple[str, ...]) -> str:
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(columns)
    for text in TEXTS[::-1]:  # the newest first, as Logs Insights sorts
        rows.writerow([text if column == "@message" else "2026-01-02 03:04:05.678" for column in columns])
    return written.getvalue()


def insights_json(of: Callable[[str], Any]) -> str:
    return json.dumps([{"@timestamp": "2026-01-02 03:04:05.678", "@message": of(text)} for text in TEXTS])


FORMS = {
    "a list": json.dumps(RECORDS),
    "JSON Lines": "\n".join(TEXTS) + "\n",
    "JSON Lines of Windows": "\r\n".join(TEXTS),
    "what FilterLogEvents answers": json.dumps({"events": [{"message": text} for text in TEXTS]}),
    "what GetQueryResults answers": json.dumps(
        {"results": [[{"field": "@message", "value": text}, {"field": "@ptr", "value": "x"}] for text in TEXTS]}
    ),
    "CSV of Logs Insights": insights_csv(("@timestamp", "@message")),
    "CSV of Logs Insights, the message first": insights_csv(("@message", "@timestamp")),
    "JSON of Logs Insights": insights_json(str),
    "JSON of Logs Insights, messages parsed": insights_json(json.loads),
    "JSON Lines of Logs Insights": "\n".join(json.dumps({"@message": text}) for text in TEXTS),
    "aws logs tail": "".join(f"{STAMP} {STREAM} {text}\n" for text in TEXTS),
    "aws logs tail --format short": "".join(f"{STAMP[:19]} {text}\n" for text in TEXTS),
    "aws logs tail --format json": "".join(f"{STAMP} {STREAM} \n{json.dumps(one, indent=4)}\n" for one in RECORDS),
}
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, the other way round": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "gzip": lambda text: gzip.compress(text.encode()),
}


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return history.events(RECORDS)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_frame(form, expected, tmp_path):
    path = tmp_path / "history.txt"
    path.write_text(FORMS[form], encoding="utf-8", newline="")
    found = history.events(path)
    pd.testing.assert_frame_equal(found, expected)
    assert [note for note in found.attrs["notes"] if "out of order" in note] == found.attrs["notes"]
    assert set(found["execution"]) == {ARN}


@pytest.mark.parametrize("form", ["a list", "JSON Lines", "CSV of Logs Insights"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_is_read(form, encoding, expected, tmp_path):
    path = tmp_path / "history.gz"
    path.write_bytes(ENCODINGS[encoding](FORMS[form]))
    pd.testing.assert_frame_equal(history.events(path), expected)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_of_a_file_that_is_cut_off_the_whole_events_are_read(encoding, tmp_path):
    path = tmp_path / "history.json"
    written = json.dumps({"events": [{**one, "umlauts": "ü" * 9} for one in EVENTS]}, ensure_ascii=False, default=str)
    whole = ENCODINGS[encoding](written)
    for length in range(len(whole) - 40, len(whole) - 30):  # also in the middle of a letter
        path.write_bytes(whole[:length])
        found = history.events(path)
        assert 0 < len(found) < len(EVENTS)
        assert found.attrs["notes"][0].startswith("The file is cut off")


def test_the_lines_of_a_log_that_are_no_records_are_counted_and_left_out(expected, tmp_path):
    path = tmp_path / "tail.log"
    noise = f"{STAMP} {STREAM} START RequestId: 1\n"
    path.write_text(noise + FORMS["aws logs tail"] + noise + f'{STAMP} {STREAM} {{"cut": "o', encoding="utf-8")
    found = history.events(path)
    pd.testing.assert_frame_equal(found, expected)
    assert found.attrs["notes"] == ["3 lines are no whole record and left out."]


def test_a_history_that_is_cut_off_is_still_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "cut.json"
    whole = json.dumps({"events": EVENTS}, default=str, indent=0)
    path.write_text(whole[: whole.index('"id": 4')], encoding="utf-8")
    found = history.events(path)
    assert found["id"].tolist() == [1, 2, 3]
    assert "cut off" in found.attrs["notes"][0]


def test_what_stands_behind_the_events_of_a_file_that_is_cut_off_is_no_event(tmp_path):
    path = tmp_path / "cut.json"
    whole = json.dumps({"events": EVENTS, "definition": {"StartAt": "A"}, "name": "n"}, default=str)
    path.write_text(whole[:-4], encoding="utf-8")
    found = history.events(path)
    assert (len(found), len(found.attrs["notes"])) == (len(EVENTS), 1)


def test_a_folder_is_read_with_what_lies_below_it_and_one_execution_from_many_files(expected, tmp_path):
    for number, text in enumerate(TEXTS):
        place = tmp_path / f"stream-{number % 2}"
        place.mkdir(exist_ok=True)
        (place / f"{number:06}.gz").write_bytes(gzip.compress(f"{STAMP} {text}\n".encode()))
    (tmp_path / "machine.asl.json").write_text("{}", encoding="utf-8")
    (tmp_path / "other.json").write_text('{"a": 1}', encoding="utf-8")
    found = history.events(tmp_path)
    pd.testing.assert_frame_equal(found, expected)
    assert [note.split(" is left out")[0] for note in found.attrs["notes"] if "left out" in note] == ["other.json"]


def pages(folder: Path, name: str, token: str = "NextToken") -> None:
    """Write the seven events in files of two, from number 8 to number 11."""
    for number, start in enumerate(range(0, len(EVENTS), 2), 8):
        more = {token: "eyJib3RvIjog"} if number < 11 else {}
        content = json.dumps({"events": EVENTS[start : start + 2], **more}, default=str)
        (folder / f"{name}-{number}.json").write_text(content, encoding="utf-8")


@pytest.mark.parametrize("token", ["nextToken", "NextToken"])
def test_the_pages_of_an_execution_may_lie_in_files_of_their_own(token, expected, tmp_path):
    pages(tmp_path, "page", token)
    frame = history.events(tmp_path)
    assert frame["execution"].unique().tolist() == ["page-8"]
    pd.testing.assert_frame_equal(frame.drop(columns="execution"), expected.drop(columns="execution"))
    assert not frame.attrs["notes"]


def test_pages_of_which_one_is_missing_or_the_last_are_no_whole_execution(tmp_path):
    pages(tmp_path, "page")
    (tmp_path / "page-11.json").unlink()
    frame = history.events(tmp_path)
    assert (frame["execution"].nunique(), len(frame)) == (1, 6)
    assert "there are more pages to fetch" in " ".join(frame.attrs["notes"])
    (tmp_path / "page-9.json").unlink()
    assert history.events(tmp_path)["execution"].nunique() > 1


def test_pages_of_two_executions_do_not_mix(tmp_path):
    pages(tmp_path, "first")
    pages(tmp_path, "second")
    frame = history.events(tmp_path)
    assert frame.groupby("execution").size().tolist() == [len(EVENTS)] * 2
    assert frame["execution"].unique().tolist() == ["first-8", "second-8"]


def test_several_files_are_read_and_one_that_is_no_history_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(EVENTS, default=str), encoding="utf-8")
    found = history.events([tmp_path / "a.json", tmp_path / "b.json"])
    assert found["execution"].unique().tolist() == ["a", "b"]
    assert len(found) == 2 * len(EVENTS)
    with pytest.raises(NotAHistory, match="no file"):
        history.events([tmp_path / "a.json", tmp_path / "none.json"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotAHistory, match="no history in what was given: give exported ones"):
        history.events(tmp_path / "empty")


NAMING = {
    "StartExecution": {"executionArn": ARN, "startDate": "2026-01-02T03:04:05Z"},
    "DescribeExecution": {"executionArn": ARN, "name": "one", "status": "FAILED", "input": "{}", "error": "E"},
    "ListExecutions": {"executions": [{"executionArn": ARN, "name": "one", "status": "FAILED"}]},
    "an event of EventBridge": {
        "version": "0",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {"executionArn": ARN, "status": "FAILED"},
    },
    "several events": [{"source": "aws.states", "detail": {"executionArn": ARN}}],
}


@pytest.mark.parametrize("what", NAMING)
def test_what_only_names_an_execution_says_so_and_how_to_fetch_it(what, tmp_path):
    path = tmp_path / "named.json"
    path.write_text(json.dumps(NAMING[what]), encoding="utf-8")
    for source in (path, NAMING[what]):
        with pytest.raises(ExecutionNamed, match="sfn-lab why arn:aws:states") as raised:
            history.events(source)
        assert raised.value.arns == [ARN]
        assert f"names the execution {ARN}: " in str(raised.value)


def test_of_several_executions_that_are_named_the_first_is_said_and_how_many_more():
    named = [{"source": "aws.states", "detail": {"executionArn": f"{ARN}{end}"}} for end in ("", "a", "b")]
    with pytest.raises(ExecutionNamed, match=f"names the execution {ARN} and 2 more: "):
        history.events(named)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing in the file"),
        (b" \r\n ", "nothing in the file"),
        (b"\x1f\x8bbroken", "cannot be read as text"),
        (gzip.compress(b"[]", mtime=0)[:-11], "cannot be read as text"),
        (b"\xff\xfe\x00", "nothing in the file"),
        (b"@timestamp,message\n1,2\n", "no JSON"),
        (b"events:\n- id: 1\n  type: ExecutionStarted\n", "--output json"),
        (b"@message\n1,2\n", "none of its 1 items"),
        (b'{"a": 1}\n{"b": 2}\n', "none of its 2 items"),
        (b'{"executions": 1}', "holds executions"),
    ],
)
def test_what_cannot_be_read_says_why(content, words, tmp_path):
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(NotAHistory, match=words):
        history.events(path)


def test_nothing_in_it_is_said():
    assert history.events([]).attrs["notes"] == ["There is nothing in it: this history has no events."]


def test_a_name_too_long_for_a_file_is_no_file():
    with pytest.raises(NotAHistory, match="cannot be read"):
        history.events("x" * 5_000 + os.sep + "y" * 5_000)


def test_the_name_of_a_file_is_its_executions(tmp_path):
    path = tmp_path / "night.json.gz"
    path.write_bytes(gzip.compress(json.dumps(EVENTS, default=str).encode()))
    assert set(history.events(Path(path))["execution"]) == {"night"}


@pytest.mark.parametrize("one", [EVENTS[0], RECORDS[0], {"message": TEXTS[0]}, {"@message": TEXTS[0]}])
def test_one_event_alone_is_a_history(one):
    assert history.events(one)[["id", "type"]].values.tolist() == [[1, "ExecutionStarted"]]


def test_what_is_no_text_where_one_belongs_is_shown_as_it_is_written():
    failed = {"id": 2, "type": "ExecutionFailed", "executionFailedEventDetails": {"error": {"Zoë": "Straße"}}}
    assert history.events([EVENTS[0], failed])["error"].tolist()[1] == '{"Zoë": "Straße"}'


def test_files_are_taken_however_they_are_listed(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(EVENTS, default=str), encoding="utf-8")
    expected = history.events(tmp_path)
    for listed in (tmp_path.glob("*.json"), sorted(map(str, tmp_path.glob("*.json"))), {tmp_path / "a.json": 1}.keys()):
        found = history.events(listed).sort_values(["execution", "id"], ignore_index=True)
        pd.testing.assert_frame_equal(found, expected[expected["execution"].isin(found["execution"])])


def test_a_table_of_events_is_no_source():
    with pytest.raises(NotAHistory):
        history.events(history.events(EVENTS))


def test_what_pandas_has_for_no_time_is_a_stamp_that_cannot_be_read():
    frame = history.events([{**EVENTS[0], "timestamp": pd.NaT}])
    assert frame["timestamp"].isna().all()
    assert "could not be read" in frame.attrs["notes"][0]
