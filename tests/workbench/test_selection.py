"""One selection: what a state, a bar, an iteration or an expression leads to, and what each moment knows."""

import json
import pathlib

import pytest

from helpers import engine, history
from helpers.workbench import explore
from helpers.workbench.detail import TABS, detail, whole
from helpers.workbench.iterations import iterations
from helpers.workbench.query import query

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "samples"
FAILED = SAMPLES / "failed-map.json"
PAYLOAD = '{"a": [1, 2, 3], "orders": [{"id": 1, "late": false}, {"id": 2, "late": true}]}'


@pytest.fixture(scope="module")
def shown():
    return explore(FAILED)


def moment(screen, position):
    return screen.moments.at([position])["moments"][0]


def test_a_state_that_is_chosen_leads_to_what_gave_it_its_colour(shown):
    screen = shown._shown
    for state, begin, found in (
        ("Pack", 82, 76),
        ("Courier", 82, 79),
        ("Pack", 5, 5),
        ("Done", 82, 82),
        ("Shipped", 3, 26),
    ):
        shown.go(begin)
        screen.moments.living._receive(None, {"chosen": state}, None)
        event = shown.view.events.iloc[screen.position - 1]
        assert screen.position == found or event["state"] == state
        assert screen.position == found


def test_a_bar_leads_to_the_event_that_ended_it(shown):
    lanes = shown._shown.moments.lanes
    failed = [bar for bar in lanes.bars if bar[3] == "attempt"]
    assert [bar[4] for bar in failed] == [44, 58, 76]
    assert all(lanes.lanes[bar[0]].endswith("Pack") for bar in failed)
    for _, left, width, look, position in lanes.bars:
        ended = shown.view.events["elapsed"].iloc[position - 1].total_seconds()
        assert look == "pause" or ended == pytest.approx(left + width, abs=0.01)


def test_a_lane_with_many_visits_keeps_a_bar_for_the_one_that_failed():
    states = {
        "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "More"},
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.more", "BooleanEquals": True, "Next": "Ask"}],
            "Default": "End",
        },
        "End": {"Type": "Succeed"},
    }
    states["Ask"]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Ask"}]
    calls = []

    def answer(call):
        calls.append(call)
        if len(calls) == 40:
            raise engine.TaskFailed("Oops")
        return {"more": len(calls) < 100}

    run = engine.run({"StartAt": "Ask", "States": states}, {}, answer)
    bars = explore(run.events)._shown.moments.lanes.bars
    assert [bar[3] for bar in bars].count("attempt") == 1
    assert [bar[3] for bar in bars].count("caught") == 1


def test_the_iterations_are_found_by_status_by_text_and_one_after_the_other(shown):
    found = iterations(shown.view)
    assert [one.status for one in found].count("succeeded") == 5
    (failed,) = [one for one in found if one.status == "failed"]
    assert failed.position == 76
    assert failed.error.startswith("OutOfStock: ")
    picker = shown._shown.iterations
    assert picker.found.options[0][0].startswith("EachOrder#1[4]  failed")
    picker.words.value = '"order":7'
    assert len(picker.found.options) == 1
    picker.found.index = 0
    assert shown.view.events["branch"].iloc[shown._shown.position - 1] == "EachOrder#1[6]"
    picker.words.value = ""
    picker.status.value = "failed"
    assert len(picker.found.options) == 1
    picker.next.click()
    assert shown._shown.position == 76


def test_what_a_running_execution_comes_to_can_be_filtered_and_what_was_chosen_stays():
    events = history.events(FAILED)
    screen = explore(events.iloc[:25])._shown
    assert (screen.filter.state.label, screen.filter.type.label) == ("every state", "every type")
    screen.filter.state.value, screen.filter.type.value = "Pack", "TaskScheduled"
    assert "Shipped" not in [name for _, name in screen.filter.state.options]
    screen.moments.take(explore(events).view)
    screen.filter.take()
    assert "Shipped" in [name for _, name in screen.filter.state.options]
    assert "ExecutionFailed" in [name for _, name in screen.filter.type.options]
    assert (screen.filter.state.value, screen.filter.type.value) == ("Pack", "TaskScheduled")


def test_a_moment_knows_nothing_of_what_comes_later(shown):
    told = json.loads(FAILED.read_text(encoding="utf-8"))
    for position in (4, 7, 30, 44, 50):
        then = explore(
            {**told, "events": told["events"][:position]}, definition=FAILED.with_name("failed-map.asl.json")
        )
        before, after = moment(then._shown, position), moment(shown._shown, position)
        for what in ("words", "state", "at"):
            assert before[what] == after[what]
        for name, (_, *counts) in before["picture"]["states"].items():
            assert after["picture"]["states"][name][1:] == counts
        assert set(before["picture"]["taken"]) >= set(after["picture"]["taken"]) - {after["picture"]["lit"]}
    assert "7 visits" not in shown._shown.moments.living.picture["svg"]
    assert "of 3" not in detail(shown.view, 43)


def test_a_moments_message_is_as_large_in_a_long_history_as_in_a_short_one():
    from tests.benchmarks.history import loop

    sizes = [len(json.dumps(moment(explore(loop(size))._shown, size // 2))) for size in (400, 4_000)]
    assert sizes[1] < 1.1 * sizes[0]


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_has_something_to_say_at_each_event(shown, tab):
    for row in range(0, 82, 5):
        assert "<" in detail(shown.view, row, tab)


def test_variables_are_those_assigned_by_then_and_a_raw_event_is_as_it_came():
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"x": "{% 1 + 1 %}"}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": {"y": {"z": [1]}}, "End": True},
        },
    }
    run = engine.run(definition)
    view = explore(run.events, definition=definition).view
    rows = [row for row, kind in enumerate(view.events["type"]) if kind.endswith(("Entered", "Exited"))]
    assert [json.loads(whole(view, row, "variables") or "{}") for row in rows] == [
        {},
        {"x": 2},
        {"x": 2},
        {"x": 2, "y": {"z": [1]}},
    ]
    assert json.loads(whole(view, rows[1], "raw event"))["stateExitedEventDetails"]["name"] == "A"
    assert json.loads(whole(view, rows[0], "definition")) == definition["States"]["A"]
    assert json.loads(whole(explore(history.events(run.events)).view, rows[0], "raw event"))["state"] == "A"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("$.a[1]", "2"),
        ("$.orders[?(@.id == 2)].late", "[\n  true\n]"),
        ("$sum(a)", "6"),
        ("orders[late].id", "2"),
        ("{% $states.input.a[0] %}", "1"),
        ("$.nothing", "It finds nothing."),
        ("nothing", "It finds nothing."),
        ("$.[", "That is no JSONPath: '$.[' is no path: a ] is missing at its end."),
        ("((", 'That is no JSONata: Expected ")" before end of expression'),
        ("$error('no')", "The expression threw an error during evaluation. D3137: no"),
    ],
)
def test_an_expression_is_tried_on_a_payload(asked, found):
    assert query(PAYLOAD, asked) == found


def test_a_payload_that_is_no_json_and_messages_that_are_no_questions_are_survived(shown):
    assert query("cut off {", "$.a") == "This payload is no JSON."
    moments = shown._shown.moments
    sent = []
    moments.send = sent.append
    for said in (None, "text", {"asked": [0, 83, "1"]}, {"of": 0, "whole": "input"}, {"of": 76, "whole": "no such"}):
        moments._answer(None, said, None)
    assert sent == [{"whole": "no such", "of": 76, "text": ""}]
    moments._answer(None, {"of": 76, "whole": "input", "query": "$.order"}, None)
    assert sent[-1] == {"found": "5"}
    del moments.send
