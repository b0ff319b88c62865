"""An execution on the screen, rehearsed with a changed machine."""

import html
import re

import pytest

from helpers import engine, history
from helpers.workbench import explore
from tests.workbench.test_explore import NASTY, SAMPLES, Tags

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}, "End": True}
MACHINE = {"StartAt": "Ask", "States": {"Ask": TASK}}


def failed(cause="no"):
    """The history of an execution whose only task failed."""
    return engine.run(MACHINE, {}, {"Ask": engine.TaskFailed("Lambda.Unknown", cause)}).events


def changed(shown, old="", new=""):
    """The change on a screen, with one part of the text replaced, rehearsed."""
    change = shown._shown.change
    (opening,) = change.box.children
    opening.click()
    assert old in change.editor.text
    change.editor.text = change.editor.text.replace(old, new, 1)
    change.box.children[1].children[0].click()
    return change


def said(change):
    return re.sub(r"<[^>]+>", "", change.outcome.value)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.asl.json")), ids=lambda path: path.name)
def test_a_machine_that_is_left_as_it_is_goes_as_the_history_did(path):
    change = changed(explore(path.with_name(path.name.replace(".asl", ""))))
    assert "The rehearsal goes as the history did" in said(change)
    assert change.outcome.value.count("<img") == 2


@pytest.mark.parametrize("as_frame", [False, True], ids=["events", "frame"])
def test_a_catch_shows_where_the_ways_part_and_how_it_would_have_ended(as_frame):
    events = failed()
    shown = explore(history.events(events) if as_frame else events, definition=MACHINE)
    change = changed(
        shown, '"End": true', '"Catch": [{"ErrorEquals": ["Lambda.Unknown"], "Next": "Else"}], "End": true'
    )
    assert "Line " in said(change)
    assert "Else" in said(change)
    change.editor.text = re.sub(r"\}\s*\}$", ', "Else": {"Type": "Succeed"}}}', change.editor.text)
    change.rehearse()
    assert "The history was FAILED, the rehearsal is SUCCEEDED." in said(change)
    assert change.outcome.value.count("<img") == 2
    change.box.children[1].children[1].click()
    assert [one.description for one in change.box.children] == ["Rehearse with a change"]


def test_nothing_is_offered_where_the_definition_is_not_known():
    assert explore(failed())._shown.change.box.children == ()
    assert explore([], definition=MACHINE)._shown.change.box.children == ()


@pytest.mark.parametrize("word", NASTY)
def test_what_an_execution_holds_is_text_in_the_outcome(word):
    named = {"StartAt": word, "States": {word: TASK}}
    events = engine.run(named, {}, {word: engine.TaskFailed(word, word)}).events
    change = changed(explore(events, definition=named), "lambda:invoke", "sqs:sendMessage")
    assert word in html.unescape(said(change))
    seen = Tags(change.outcome.value)
    assert set(seen.tags) <= {"div", "p", "figure", "figcaption", "img"}
    assert set(seen.attributes) <= {"class", "style", "alt", "src"}
