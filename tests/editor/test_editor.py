"""What the editor makes of a text: a definition, a picture, where its states stand, and what is wrong in which line."""

import json
import re

import pytest

from helpers.definition import load, names, states
from helpers.editor import edit
from helpers.errors import DefinitionInvalid, UnknownName
from tests.workbench.test_explore import NASTY, Tags

DONE = {"Type": "Succeed"}
LINES = """{
  "StartAt": "Ask",
  "States": {
    "Ask": {
      "Type": "Pass",
      "Next": "Done"
    },
    "Done": {
      "Type": "Succeed"
    }
  }
}"""


def machine(**states_by_name):
    return {"StartAt": next(iter(states_by_name)), "States": states_by_name}


def sent(editor):
    """What the browser gets."""
    return editor.reading


def picture(editor):
    """The SVG that the browser draws."""
    return editor.living.picture["svg"]


def wrong(editor, kind="error"):
    """The lines, as texts, at which something of a kind is listed."""
    lines = editor.text.split("\n")
    return [lines[note["line"] - 1].strip() for note in sent(editor)["notes"] if note["kind"] == kind]


@pytest.mark.parametrize("name", names())
def test_each_of_our_definitions_stands_there_as_it_is_with_its_states_where_they_are_written(name):
    editor = edit(name)
    assert editor.definition == load(name)
    spans = sent(editor)["states"]
    assert sorted(name for name, _, _ in spans) == sorted(state.name for state in states(load(name)))
    for name, begin, end in spans:
        (key, body) = next(iter(json.loads(f"{{{editor.text[begin:end]}}}").items()))
        assert key == name
        assert "Type" in body
    assert all(f'data-state="{name}"' in picture(editor) for name, _, _ in spans)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"Next": "Done"', '"Next": "Gone"', '"Next": "Gone"'),
        ('"Type": "Pass"', '"Type": "Pas"', '"Type": "Pas",'),
        ('"Type": "Pass"', '"Type": "Pass", "Sorry": 1', '"Ask": {'),
        ('"Next": "Done"', '"Comment": "no way on"', '"Ask": {'),
        ('"StartAt": "Ask"', '"StartAt": "Asks"', '"StartAt": "Asks",'),
        ('"Next": "Done"', '"Next": "Done",', "},"),
        ('"Type": "Pass",', '"Type": "Pass"', '"Next": "Done"'),
        ('"Ask": {', '"Done": {', None),
    ],
)
def test_an_error_is_marked_at_its_line_and_keeps_the_definition_back(old, new, line):
    editor = edit(LINES.replace(old, new, 1))
    found = [note for note in sent(editor)["notes"] if note["kind"] == "error"]
    assert found
    assert line is None or wrong(editor)[0] == line
    with pytest.raises(DefinitionInvalid) as raised:
        _ = editor.definition
    assert found[0]["text"] in str(raised.value)
    assert line is None or f"ine {found[0]['line']}" in str(raised.value)


def test_an_error_deep_inside_is_marked_where_it_is_written():
    retry = [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["Mine"], "MaxAttempts": "three"}]
    inner = machine(**{"a/b [0]": {"Type": "Task", "Resource": "${F}", "Retry": retry, "End": True}})
    editor = edit(machine(Both={"Type": "Parallel", "Branches": [machine(One=DONE), inner], "End": True}))
    assert '"MaxAttempts": "three"' in wrong(editor)
    assert [name for name, _, _ in sent(editor)["states"]] == ["Both", "One", "a/b [0]"]


def test_a_problem_is_marked_at_its_state_unless_one_does_not_ask_for_problems():
    assert wrong(edit("busy_wait"), "problem") == ['"WaitforInvocation": {']
    assert sent(edit("busy_wait", problems=False))["notes"] == []
    assert edit("busy_wait").definition == load("busy_wait")


def test_what_looks_like_a_path_is_listed_as_a_problem():
    editor = edit(machine(A={"Type": "Pass", "Parameters": {"a": "$.b"}, "End": True}))
    assert wrong(editor, "problem") == ['"Parameters": {']  # where AWS's warning lies


def test_points_are_numbered_at_the_lines_that_they_speak_of():
    points = {"/StartAt": "It starts at `Ask`.", "/States/Done": "<b>It</b> ends.", "/States/Gone": "Nowhere."}
    editor = edit(LINES, read_only=True, points=points)
    listed = [(one["sign"], one["line"], one["last"]) for one in sent(editor)["notes"]]
    assert listed == [("1", 2, 2), ("2", 8, 10), ("3", 3, 3)]
    assert sent(editor)["said"] == "2 states, nothing wrong."
    html = editor._repr_mimebundle_()[0]["text/html"]
    assert "It starts at <code>Ask</code>." in html
    assert "&lt;b&gt;It&lt;/b&gt; ends." in html


def test_what_may_only_be_read_is_not_changed_from_the_page():
    editor = edit(LINES, read_only=True)
    editor._receive(None, {"text": "{}"}, None)
    assert sent(editor)["closed"]
    assert editor.text == LINES


def test_places_are_counted_as_a_browser_does():
    editor = edit(machine(**{"\N{GRINNING FACE}": {"Type": "Pass", "Next": "B"}, "B": DONE}))
    name, begin, end = sent(editor)["states"][1]
    units = editor.text.encode("utf-16-le")
    assert units[2 * begin : 2 * end].decode("utf-16-le").startswith('"B"')
    assert name == "B"


def test_a_text_that_is_no_json_keeps_the_last_picture_and_says_the_place():
    editor = edit(LINES)
    drawn, turn = picture(editor), sent(editor)["turn"]
    editor.text = LINES.replace('"Type": "Pass",', '"Type": "Pass"')
    assert picture(editor) == drawn
    assert sent(editor)["turn"] > turn
    assert "line 6, column 7" in sent(editor)["notes"][0]["text"]
    assert "no JSON" in sent(editor)["said"]
    editor.text = LINES.replace("Ask", "Demand")
    assert 'data-state="Demand"' in picture(editor)
    assert editor.definition["StartAt"] == "Demand"


def test_no_text_that_is_being_written_is_too_much():
    editor = edit(LINES)
    for end in range(len(LINES)):
        editor.text = LINES[:end]
        assert sent(editor)["notes"]
    assert 'data-state="Done"' in picture(editor)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '"text"',
        "NaN",
        '{"States": 5}',
        '{"StartAt": [], "States": {"A": 3, "": null}}',
        '{"StartAt": NaN}',
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        '{"StartAt": "A", "States": {"A": {"Type": "Fail", "Cause": "\\ud800"}, "\\ud800": {"Type": "Succeed"}}}',
    ],
)
def test_whatever_stands_there_is_answered_with_what_is_wrong(text):
    editor = edit(LINES)
    editor.text = text
    assert sent(editor)["notes"]
    json.dumps(sent(editor), ensure_ascii=False).encode()
    with pytest.raises(DefinitionInvalid):
        _ = editor.definition


def test_many_findings_are_cut_and_counted():
    editor = edit(machine(A=DONE, **{f"B{n}": DONE for n in range(500)}))
    assert len(sent(editor)["notes"]) < 150
    assert "There are 400 more" in sent(editor)["notes"][-1]["text"]


def test_files_texts_and_dicts_open(tmp_path):
    (tmp_path / "mine.asl.json").write_bytes(b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode())
    for source in (tmp_path / "mine.asl.json", str(tmp_path / "mine.asl.json"), LINES, json.loads(LINES)):
        assert edit(source).definition == json.loads(LINES)
    assert edit(LINES.replace("\n", "\r\n")).text == LINES
    (tmp_path / "broken.json").write_text('{"StartAt": ', encoding="utf-8")
    assert edit(tmp_path / "broken.json").text == '{"StartAt": '
    with pytest.raises(UnknownName, match="busy_wait"):
        edit("no-such-machine")
    (tmp_path / "latin.json").write_bytes(b'{"StartAt": "\xe9"}')
    with pytest.raises(DefinitionInvalid, match="UTF-8"):
        edit(tmp_path / "latin.json")


@pytest.mark.parametrize("what", [5, None, [], {"a": float("nan")}, {"a": {1, 2}}, {1: 2}])
def test_what_cannot_be_a_definition_is_refused_in_one_sentence(what):
    with pytest.raises(DefinitionInvalid):
        edit(what)


def test_the_definition_is_the_readers_own():
    editor = edit(LINES)
    editor.definition["States"].clear()
    assert editor.definition == json.loads(LINES)


def test_what_the_browser_sends_is_read_and_anything_else_is_not():
    editor = edit(LINES)
    for message in ({"text": 5}, {}, "text", None):
        editor._handle_custom_msg(message, [])
        assert editor.text == LINES
    editor._handle_custom_msg({"text": LINES.replace("Done", "End")}, [])
    assert 'data-state="End"' in picture(editor)


@pytest.mark.parametrize("word", NASTY)
def test_hostile_names_are_text_in_the_picture_and_in_the_still(word):
    editor = edit({"Comment": word, **machine(**{word: {"Type": "Pass", "Next": word + "?"}})})
    for document in (picture(editor), editor._repr_mimebundle_()[0]["text/html"]):
        seen = Tags(document)
        assert not {"script", "iframe"} & set(seen.tags)
        assert not [name for name in seen.attributes if name.startswith("on")]
    assert "x" not in re.findall(r"<img[^>]*src=[\"']?(\w+)", editor._repr_mimebundle_()[0]["text/html"])


def test_where_no_widget_runs_text_picture_and_findings_are_shown():
    data, _ = edit("busy_wait")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "An editor. 4 states, 1 problem."
    seen = Tags(data["text/html"])
    assert {"pre", "img", "li"} <= set(seen.tags)
    assert "script" not in seen.tags
    assert "problem, line 28" in data["text/html"]
    assert "WaitforInvocation" in data["text/html"]
