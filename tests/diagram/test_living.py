"""The living picture as data: what the browser gets, and what it may say back."""

from __future__ import annotations

import json
import re
from pathlib import Path

from helpers import history
from helpers.definition import load
from helpers.diagram import STATUSES, draw, program
from helpers.diagram.living import Living, counted
from helpers.diagram.palette import style
from tests.diagram.test_diagram import HOSTILE, hostile

SAMPLES = Path(__file__).resolve().parents[2] / "notebooks" / "samples"


def test_the_states_have_no_colour_of_their_own():
    svg = Living(draw(load("busy_wait"), {"Main": "failed"})).picture["svg"]
    for look in STATUSES.values():
        assert look.fill not in svg
    assert 'fill="var(--fill)"' in svg
    assert {f'[data-look="{status}"]' for status in STATUSES} <= set(re.findall(r"^\[[^\]]*\]", style(), re.MULTILINE))


def test_a_moment_says_each_states_look_its_visits_and_attempts_and_the_way():
    living = Living(draw(load("busy_wait")))
    assert living.moment["plain"]
    living.moment = living.at(
        {"Main": "running", "no such state": "failed"}, {"Main": (2, 3)}, {("", "Main", "")}, ("Main", "Main", "retry")
    )
    assert living.moment["states"] == {"Main": ["running", 2, 3]}
    edges = living.picture["edges"]
    assert [edges[id_] for id_ in living.moment["taken"]] == [("next", ("", "Main", ""))]
    assert edges[living.moment["lit"]] == ("retry", ("Main", "Main", "retry"))
    assert "plain" not in living.moment


def test_the_counts_are_those_of_the_last_visit():
    events = history.events(json.loads((SAMPLES / "retries.json").read_text(encoding="utf-8")))
    visits = history.visits(events)
    state = visits["state"].iloc[-1]
    assert counted(visits)[state][0] == (visits["state"] == state).sum()
    assert counted(visits.iloc[:0]) == {}


def test_a_state_that_is_chosen_or_hovered_is_named_as_in_the_definition_and_others_are_nobody():
    living = Living(draw(hostile()))
    chosen, sent = [], []
    living.on_choose = chosen.append
    living.lines_of = lambda name: [f"last input: {name}\x1b" + "x" * 1_000]
    living.send = sent.append
    for said in (
        {"chosen": "two lines tab"},
        {"chosen": "nobody"},
        {"chosen": ["a"]},
        {"hovered": HOSTILE[1]},
        "text",
        None,
    ):
        living._receive(None, said, None)
    assert chosen == ["two\nlines\ttab"]
    ((answer),) = sent
    assert answer["hovered"] == HOSTILE[1]
    assert len(answer["lines"][0]) == 300
    assert "\x1b" not in answer["lines"][0]


def test_another_diagram_takes_the_place_of_the_first_and_none_is_a_sentence(monkeypatch):
    living = Living()
    assert "no picture" in living.picture["svg"]
    living.drawn = draw(load("recheck"), {})
    assert "data-state" in living.picture["svg"]
    assert living.moment == {"states": {}, "taken": None, "lit": "", "plain": False}
    monkeypatch.setattr(program, "find", lambda: None)
    living.drawn = draw({"StartAt": "<b>", "States": {"<b>": {"Type": "Succeed"}}})
    assert "No drawing program" in living.picture["svg"]
