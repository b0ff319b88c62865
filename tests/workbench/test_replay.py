"""The diagram at every moment of an execution is what the history up to then says."""

import json
import pathlib

import pytest

from helpers import diagram, history
from helpers.diagram.figures import statuses
from helpers.workbench.detail import detail
from helpers.workbench.replay import Replay
from helpers.workbench.view import from_events
from tests.benchmarks.history import loop
from tests.history import handmade
from tests.history.test_endings import ENDINGS

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "samples"
HISTORIES = [path for path in sorted(SAMPLES.glob("*.json")) if not path.name.endswith(".asl.json")]


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_at_every_event_the_states_are_as_the_history_so_far_has_them(path):
    events = history.events(path)
    replay = Replay(events)
    step = max(len(events) // 60, 1)
    for passed in [*range(1, len(events), step), len(events)]:
        then = statuses(history.visits(events.iloc[:passed]))
        shown = replay.statuses(passed)
        # Looking back we know a failed try for the last one as soon as it failed, the history only some events later.
        early = {state for state in then if shown.get(state) in ("failed", "timed_out") and then[state] == "running"}
        # The abort of an iteration comes before those of the states in it.
        early |= {state for state in then if then[state] == replay.statuses(passed + 1).get(state) == "aborted"}
        assert {s: w for s, w in shown.items() if s not in early} == {s: w for s, w in then.items() if s not in early}


def test_nothing_was_reached_before_the_first_event():
    assert Replay(history.events(HISTORIES[0])).statuses(0) == {}


def event(number, kind, previous=None, **details):
    key = {"Entered": "stateEnteredEventDetails", "Exited": "stateExitedEventDetails"}.get(
        kind[-7:] if kind.endswith("Entered") else kind[-6:], kind[0].lower() + kind[1:] + "EventDetails"
    )
    told = {"id": number, "type": kind, "timestamp": 1_767_225_600 + number}
    return (
        told | {"previousEventId": number - 1 if previous is None else previous} | ({key: details} if details else {})
    )


def test_a_redriven_execution_shows_its_failure_and_then_its_success():
    events = history.events(
        [
            event(1, "ExecutionStarted", 0),
            event(2, "TaskStateEntered", 0, name="Ask"),
            event(3, "TaskScheduled", resource="invoke", resourceType="lambda"),
            event(4, "TaskStarted", resource="invoke", resourceType="lambda"),
            event(5, "TaskFailed", resource="invoke", resourceType="lambda", error="Oops"),
            event(6, "ExecutionFailed", error="Oops"),
            event(7, "ExecutionRedriven"),
            event(8, "TaskScheduled", 5, resource="invoke", resourceType="lambda"),
            event(9, "TaskStarted", resource="invoke", resourceType="lambda"),
            event(10, "TaskSucceeded", resource="invoke", resourceType="lambda", output="{}"),
            event(11, "TaskStateExited", name="Ask", output="{}"),
            event(12, "ExecutionSucceeded", output="{}"),
        ]
    )
    assert "1 redrive · 1 failure" in diagram.draw_history(history.visits(events), history.attempts(events)).svg()
    assert "by redrive</span> 1" in detail(from_events(events)[0], 8)
    replay = Replay(events)
    assert [replay.statuses(passed).get("Ask") for passed in (1, 4, 6, 8, 12)] == [
        None,
        "running",
        "failed",
        "running",
        "succeeded",
    ]


def test_a_running_execution_ends_with_what_is_open():
    events = history.events(loop(25))
    assert history.summary(events).status == "RUNNING"
    assert Replay(events).statuses(25) == statuses(history.visits(events))


def test_a_history_with_a_page_missing_replays_what_is_known():
    told = json.loads((SAMPLES / "retries.json").read_text())["events"]
    events = history.events(told[:10] + told[20:])
    replay = Replay(events)
    for passed in range(len(events) + 1):
        replay.statuses(passed)
    assert replay.statuses(len(events)) == statuses(history.visits(events))


def test_a_failure_that_a_map_catches_is_failed_until_it_is_caught():
    events = history.events(handmade.read(ENDINGS["a Map's Catch, then a bad path"][0])[0])
    replay = Replay(events)
    assert [replay.statuses(passed).get("Work") for passed in (6, 7, 9, 10)] == [
        "running",
        "failed",
        "failed",
        "caught",
    ]


def test_a_fail_state_has_failed_as_soon_as_it_is_entered():
    events = history.events(
        [
            event(1, "ExecutionStarted", 0),
            event(2, "ParallelStateEntered", 0, name="Both"),
            event(3, "ParallelStateStarted"),
            event(4, "FailStateEntered", name="Broken"),
            event(5, "ParallelStateFailed"),
            event(6, "ExecutionFailed", error="Oops"),
        ]
    )
    assert [Replay(events).statuses(passed).get("Broken") for passed in (3, 4, 6)] == [None, "failed", "failed"]
