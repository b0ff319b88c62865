"""What is written beside the notebook: names for any file system, no links followed, no formulas for a spreadsheet."""

import csv
import json
import unicodedata

import pandas as pd
import pytest

from helpers import history
from helpers.workbench import explore
from helpers.workbench.exports import file_name
from tests.history import handmade

EVENTS, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}


@pytest.mark.parametrize(
    "name",
    [
        "run: 1/2", "..", "", "con", "NUL.txt", "com1", "COM\u00b9", "trailing. ", "a\x00b", "x" * 300,
        "\U0001d504" * 80,
        "\u65e5\u672c\u8a9e" * 60, "cafe\u0301" * 60, "\u202etxt.exe", "a\nb", "-rf", "C:\\temp\\x", "\ud800",
        "*?<>|\"",
    ],
)  # fmt: skip
def test_a_saved_name_fits_any_file_system(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stem = file_name(name)
    assert stem
    assert len(f"{stem}-99999.parquet".encode()) <= 143
    assert stem.split(".")[0].upper() not in RESERVED
    assert stem == stem.strip(" .-") == unicodedata.normalize("NFKC", stem)
    assert not set(stem) & set('<>:"/\\|?*\x00\n\u202e')
    path = explore({"name": name, "events": EVENTS}).save("CSV")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_link_of_that_name_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.csv").symlink_to(tmp_path / "elsewhere")
    path = explore(history.events(EVENTS, execution="e")).save("CSV")
    assert path.name == "e-2.csv"
    assert not (tmp_path / "elsewhere").exists()


def test_a_definition_beside_a_history_is_not_read_through_a_link(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"StartAt": "Load", "States": {"Load": {"Type": "Pass", "End": True}}}))
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"events": EVENTS}))
    (tmp_path / "history.asl.json").symlink_to(secret)
    assert explore(path).view.definition is None
    (tmp_path / "history.asl.json").unlink()
    secret.rename(tmp_path / "history.asl.json")
    assert explore(path).view.definition is not None


FORMULAS = ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "\r=1", "\uff1d1"]


def test_a_spreadsheet_gets_no_formulas(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    for event, formula in zip(events[2:], FORMULAS, strict=False):
        event[event["type"][0].lower() + event["type"][1:] + "EventDetails"] = {"error": formula, "cause": formula}
    events[1]["stateEnteredEventDetails"] = {"name": "=1+1", "input": "-17.5"}
    path = explore(events).save("CSV")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cells = [cell for row in rows for column, cell in row.items() if column not in ("elapsed", "timestamp")]
    assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+@\uff1d") or cell[:1] in ("\t", "\r")]
    assert [cell for cell in cells if cell.startswith("-")] == ["-17.5"]
    assert "'=1+1" in cells


def test_what_an_event_says_besides_is_written_and_found_and_without_payloads_its_variables_are_left_out(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    events[0]["executionStartedEventDetails"] = {
        "input": "{}", "roleArn": "arn:aws:iam::1:role/r", "stateMachineVersionArn": "arn:v:7",
        "stateMachineAliasArn": "arn:al",
    }  # fmt: skip
    events[2]["taskScheduledEventDetails"] |= {
        "region": "eu-north-1", "timeoutInSeconds": 4711, "heartbeatInSeconds": 815,
        "taskCredentials": {"roleArn": "arn:aws:iam::1:role/other"},
    }  # fmt: skip
    events[10]["stateExitedEventDetails"]["assignedVariables"] = {"order": '{"parcel": "red"}'}
    whole = explore(events)
    table = whole._shown.moments.table
    for words, ids in (
        ("eu-north-1", [3]), ("4711", [3]), ("815", [3]), ("HeartbeatInSeconds", [3]), ("role/other", [3]),
        ("role/r", [1]), ("arn:v:7", [1]), ("arn:al", [1]), ('{"parcel": "red"}', [11]), ("order", [11]),
        ("redriveCount", [7]), ("attempt seventeen", []),
    ):  # fmt: skip
        table.filter(words=words)
        assert [whole.view.events["id"].iloc[row] for row in table.page(0)] == ids, words
    assert "4711" in whole.report()
    again = explore(whole.save("History"))
    pd.testing.assert_frame_equal(
        again.view.events.drop(columns="execution"), whole.view.events.drop(columns="execution")
    )
    rebuilt = explore(explore(whole.view.events).save("History"))
    assert rebuilt.view.events["details"].tolist()[:3] == whole.view.events["details"].tolist()[:3]
    closed = whole.save("CSV", redacted=True).read_text()
    assert "parcel" not in closed
    assert "4711" in closed


def test_every_field_of_aws_model_can_be_found():
    """Each member of each type's details, filled with a word of its own, is found by that word."""
    members = handmade.MODEL.shape_for("HistoryEvent").members
    events, words = [], {}
    for kind in sorted(handmade.EVENT_TYPES):
        key = handmade.details_key(kind)
        number = len(events) + 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": handmade.START + number}
        for name, shape in members[key].members.items() if key in members else ():
            word = f"{number:02d}{len(words):05d}77"
            if name == "index":  # it is part of the branch
                continue
            if shape.type_name in ("string", "long", "integer"):
                value = word if shape.type_name == "string" else int(word)
                words[str(value)] = number
            elif name == "assignedVariables":
                value, words[word] = {"variable": json.dumps({"inner": word})}, number
            elif name == "taskCredentials":
                value, words[word] = {"roleArn": word}, number
            else:
                continue
            event.setdefault(key, {})[name] = value
        events.append(event)
    shown = explore(events)
    for word, number in words.items():
        shown._shown.moments.table.filter(words=word)
        assert number - 1 in shown._shown.moments.table.page(0), (word, events[number - 1])
