"""`explore` on files, frames and what is none of these, as nothing but data: no place to ask is needed."""

import base64
import csv
import json
import os
import pathlib
import re
import xml.etree.ElementTree
from html import escape
from html.parser import HTMLParser

import nbclient
import nbformat
import pandas as pd
import pytest

from helpers import history
from helpers.errors import InvalidSetting, LabError, NotAHistory, NotFound
from helpers.workbench import FORMS, explore

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "samples"
NASTY = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", '"]; }', "a' onmouseover='alert(1)"]


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]


def hostile(word: str):
    """A history with the word in every field that a person can fill."""
    payload = json.dumps({word: word})
    name = {"name": word}
    told = [
        ("ExecutionStarted", "executionStartedEventDetails", {"input": payload}),
        ("TaskStateEntered", "stateEnteredEventDetails", {**name, "input": payload}),
        ("TaskScheduled", "taskScheduledEventDetails", {"resource": word, "resourceType": word, "parameters": word}),
        ("TaskStarted", "taskStartedEventDetails", {"resource": word, "resourceType": word}),
        (
            "TaskFailed",
            "taskFailedEventDetails",
            {"resource": word, "resourceType": word, "error": word, "cause": payload},
        ),
        (f"{word}Type", "otherEventDetails", {"error": word}),
        ("ExecutionFailed", "executionFailedEventDetails", {"error": word, "cause": word}),
    ]
    return {
        "executionArn": f"arn:aws:states:us-east-1:123456789012:execution:m:{word}",
        "events": [
            {"id": n, "previousEventId": 0 if n == 2 else n - 1, "timestamp": 1_767_225_600 + n, "type": kind, key: of}
            for n, (kind, key, of) in enumerate(told, 1)
        ],
    }


def html_of(moments):
    """The HTML that the browser gets for the moment at the slider."""
    sent = moments.at([moments.slider.value])
    (found,) = sent["moments"]
    lines = [line for _, (_, line) in sent["lines"]]
    looks = [f"{look}: {name}" for name, (look, *_) in found["picture"]["states"].items()]
    return "".join([found["caption"], found["detail"], *lines, *map(escape, looks), moments.living.picture["svg"]])


def moment(shown):
    """The HTML of the moment on show."""
    return html_of(shown._shown.moments)


def screens(shown):
    """Every HTML text that a shown execution puts on the screen, at every moment."""
    screen = shown._shown
    texts = []
    for position in range(1, len(shown.view.events) + 1):
        shown.go(position)
        texts += [screen._header.value, moment(shown)]
    return texts


@pytest.mark.parametrize("word", NASTY)
def test_whatever_an_execution_holds_is_text_on_the_screen_in_the_still_and_in_the_report(word):
    shown = explore(hostile(word))
    shown._shown.filter.words.value = word
    svg = {"svg", "g", "path", "text", "title", "desc", "rect", "ellipse", "polygon", "polyline"}
    for text in [*screens(shown), shown._repr_mimebundle_()["text/html"], shown.report()]:
        seen = Tags(text)
        assert not {"script", "iframe"} & set(seen.tags)
        assert not [name for name in seen.attributes if name.startswith("on")]
        assert "x" not in re.findall(r"<img[^>]*src=[\"']?(\w+)", text)
    assert svg & set(Tags(moment(shown)).tags)


def test_the_report_holds_no_script_and_asks_for_nothing():
    report = explore(SAMPLES / "failed-map.json").report()
    assert "default-src 'none'" in report
    assert set(re.findall(r'(?:src|href)="(\w+):', report)) <= {"data", "http"}
    assert "no more of these" in report
    assert "<script" not in report


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_without_payloads_has_none(form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = explore(SAMPLES / "failed-map.json")
    open_, closed = shown.save(form), shown.save(form, redacted=True)
    assert open_ != closed
    assert closed.exists()
    secret = b"no more of these"
    if form in ("CSV", "History", "HTML report"):
        assert secret in open_.read_bytes()
        assert b"order" in open_.read_bytes()
    content = closed.read_bytes() if form != "Parquet" else pd.read_parquet(closed).to_csv().encode()
    assert secret not in content
    assert b"&quot;order&quot;" not in content
    assert b'"order' not in content


def test_the_pictures_written_are_of_the_moment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = explore(SAMPLES / "failed-map.json")
    shown.go(1)
    first = shown.save("SVG").read_text()
    shown.go(82)
    last = shown.save("SVG").read_text()
    assert "failed: EachOrder, Pack" in last
    assert "failed:" not in first
    xml.etree.ElementTree.fromstring(last)
    assert shown.save("PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InvalidSetting, match="PDF"):
        shown.save("PDF")


@pytest.mark.parametrize("name", ["failed-map", "retries", "what-happened"])
def test_a_history_written_opens_again_as_it_was(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = explore(SAMPLES / f"{name}.json")
    for shown in (whole, explore(whole.view.events, definition=whole.view.definition)):
        again = explore(shown.save("History"))
        pd.testing.assert_frame_equal(again.view.events, whole.view.events)
        assert again.view.definition == whole.view.definition


def test_csv_and_parquet_are_the_frame(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = explore(SAMPLES / "retries.json")
    assert len(pd.read_csv(shown.save("CSV"))) == len(shown.view.events)
    frame = pd.read_parquet(shown.save("Parquet"))
    assert frame["elapsed"].tolist() == shown.view.events["elapsed"].tolist()


def test_a_line_end_of_any_kind_in_a_text_leaves_a_row_of_csv_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 0}
    details = {"error": "Boom", "cause": "one\rtwo\nthree\r\nfour"}
    failed = {"id": 2, "previousEventId": 1, "type": "ExecutionFailed", "timestamp": 1}
    shown = explore([started, {**failed, "executionFailedEventDetails": details}])
    with open(shown.save("CSV"), newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["cause"] for row in read] == ["", details["cause"]]


def test_a_frame_a_list_and_an_export_show_the_same():
    told = json.loads((SAMPLES / "retries.json").read_text())
    frame = history.events(told)
    shown = [explore(one) for one in (told, told["events"], iter(told["events"]), frame)]
    assert {moment(one) for one in shown} == {moment(shown[0])}
    assert all("AskJob" in moment(one) for one in shown)


def test_a_history_of_several_executions_becomes_a_list_to_open():
    records = [
        {
            "id": "1",
            "type": "ExecutionStarted",
            "details": {},
            "previous_event_id": "0",
            "event_timestamp": "1767225600000",
        }
        | {"execution_arn": f"arn:aws:states:us-east-1:123456789012:express:m:e{number}:x"}
        for number in (1, 2)
    ]
    shown = explore(records)
    listing = shown._shown
    assert len(listing.executions.options) == 2
    listing.executions.index = 1
    listing._open()
    assert listing.box.children[0] is not listing._content[0]
    with pytest.raises(NotFound, match="list"):
        shown.go(1)


def test_a_definition_of_another_machine_is_not_drawn_over_the_history():
    shown = explore(SAMPLES / "retries.json", definition=SAMPLES / "failed-map.asl.json")
    assert "another version" in shown._shown._header.value
    assert "AskJob" in moment(shown)
    assert "Courier" not in moment(shown)


@pytest.mark.parametrize(
    ("what", "error", "told"),
    [
        ("no/such/file.json", NotAHistory, "no file"),
        ({"StartAt": "A"}, NotAHistory, "events"),
        (pd.DataFrame({"a": [1]}), NotAHistory, "no column 'execution'"),
        (17, NotAHistory, "list of events"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", NotFound, "names neither"),
        ("https://us-east-1.console.aws.amazon.com/states/home", NotFound, "names neither"),
    ],
)
def test_what_is_no_history_is_told_in_a_sentence(what, error, told):
    with pytest.raises(error, match=told):
        explore(what)


def test_a_file_that_is_no_history_is_told_in_a_sentence(tmp_path):
    for content in ("", "[]]", "{", '"text"', "\x00\xff"):
        path = tmp_path / "odd.json"
        path.write_text(content, encoding="latin-1")
        with pytest.raises(LabError):
            explore(path)


def test_an_empty_history_a_cut_one_and_a_single_event_are_shown():
    told = json.loads((SAMPLES / "failed-map.json").read_text())["events"]
    assert "nothing in it" in explore([])._shown._header.value
    assert "nothing in it" in repr(explore([]))
    cut = explore(told[:40])
    assert cut._shown.position == 40 or "running" in moment(cut)
    assert "end is not here" in cut._shown._header.value
    single = explore(told[:1])
    assert single._shown.slider.disabled
    shuffled = explore(told[::-1] + told[:3])
    assert [row["id"] for row in shuffled.view.events.to_dict("records")] == list(range(1, len(told) + 1))
    missing = explore(told[:20] + told[40:])
    assert "missing" in missing._shown._header.value
    for shown in (cut, single, shuffled, missing):
        assert screens(shown)
        assert shown.report()


def test_where_no_widgets_run_a_still_of_the_screen_is_left():
    code = f"from helpers.workbench import explore\nexplore({os.fspath(SAMPLES / 'failed-map.json')!r})"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    still = output.data["text/html"]
    for part in ("failed-map", "FAILED", "OutOfStock", "no more of these", "$0.000525"):
        assert part in still
    assert 'data-event="76" aria-current="true"' in still
    pictures = re.findall(r'src="data:image/png;base64,([^"]*)"', still)
    assert len(pictures) == 2
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert "OutOfStock" in output.data["text/plain"]


def test_pages_of_one_execution_that_lie_in_a_folder_are_one_execution(tmp_path):
    events = json.loads((SAMPLES / "retries.json").read_text(encoding="utf-8"))["events"]
    for number, start in enumerate(range(0, len(events), 8), 1):
        more = {"NextToken": "abc"} if start + 8 < len(events) else {}
        page = {"events": events[start : start + 8], **more}
        (tmp_path / f"page-{number}.json").write_text(json.dumps(page), encoding="utf-8")
    assert number > 1
    shown = explore(tmp_path)
    assert (shown.view.name, len(shown.view.events)) == ("page-1", len(events))
