"""What holds for every machine, whatever it does."""

import copy
import itertools
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import engine
from tests.engine import machines
from tests.engine.driving import Driven

ENDS = ("StateExited", "StateAborted", "StateFailed")
MANY = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.slow
@MANY
@given(machines.machines(), machines.INPUTS)
def test_the_same_seed_gives_the_same_bytes(definition, data):
    once, again = (engine.run(copy.deepcopy(definition), data, machines.answer, seed=3) for _ in range(2))
    assert json.dumps(once.events, default=str) == json.dumps(again.events, default=str)


@MANY
@given(machines.machines(), machines.INPUTS)
def test_every_event_follows_an_earlier_one(definition, data):
    events = engine.run(definition, data, machines.answer).events
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event["previousEventId"] < event["id"] for event in events)
    assert all(first["timestamp"] <= second["timestamp"] for first, second in itertools.pairwise(events))


@MANY
@given(machines.machines(), machines.INPUTS)
def test_every_entered_state_has_at_most_one_end(definition, data):
    events = engine.run(definition, data, machines.answer).events
    by_id = {event["id"]: event for event in events}
    ended = Counter()
    for event in events:
        if event["type"].endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            before = by_id.get(event["previousEventId"])
            while before and before.get("stateEnteredEventDetails", {}).get("name") != name:
                before = by_id.get(before["previousEventId"])
            ended[before["id"] if before else name] += 1
    assert all(count == 1 for count in ended.values())
    entered = sum(event["type"].endswith("StateEntered") for event in events)
    assert sum(ended.values()) <= entered


@MANY
@given(machines.machines(), machines.INPUTS, st.integers(0, 25))
def test_what_is_stopped_anywhere_and_redriven_ends_as_it_would_have(definition, data, steps):
    whole = engine.run(definition, data, machines.answer)
    driven = Driven(definition, data, begun_only=True)
    execution, scheduler = driven.execution, driven.scheduler
    execution.go()
    for step in itertools.count():
        if step == steps and execution.status == "RUNNING":
            execution.stop()
            execution.redrive()
        if not scheduler.step() and not scheduler.ring():
            if (when := scheduler.deadline()) is None:
                break
            scheduler.now = when
        for call in driven.calls:
            try:
                answer = machines.answer(call)
            except engine.TaskFailed as failure:
                answer = failure
            call.answer(answer)
        driven.calls.clear()
    assert execution.status != "RUNNING"
    if not any(event["type"].endswith("Failed") for event in whole.events):  # else it depends on what failed first
        assert json.loads(execution.output) == whole.output
    names = [
        Counter(event[key]["name"] for event in driven.events if key in event)
        for key in ("stateEnteredEventDetails", "stateExitedEventDetails")
    ]
    assert names[1] <= names[0], "a state was left that was not entered"


@pytest.mark.slow
@MANY
@given(machines.machines(), machines.INPUTS)
def test_a_state_that_fails_never_reports_success(definition, data):
    run = engine.run(definition, data, machines.answer)
    by_id = {event["id"]: event for event in run.events}
    for event in run.events:
        if event["type"] in ("ParallelStateFailed", "MapStateFailed"):
            followers = [one["type"] for one in run.events if one["previousEventId"] == event["id"]]
            assert not [kind for kind in followers if kind.endswith("StateSucceeded")]
        if event["type"] in ("ParallelStateSucceeded", "MapStateSucceeded"):
            assert not by_id[event["previousEventId"]]["type"].endswith(("Failed", "TimedOut", "Aborted"))
    assert (run.status == "SUCCEEDED") == (run.events[-1]["type"] == "ExecutionSucceeded")


@pytest.mark.slow
@MANY
@given(machines.machines(), machines.INPUTS)
def test_no_payload_is_changed_by_passing_it_on(definition, data):
    before = copy.deepcopy((definition, data))
    events = engine.run(definition, data, machines.answer).events
    assert (definition, data) == before
    texts = {}
    for event in events:
        if "stateExitedEventDetails" in event:
            texts[event["id"]] = event["stateExitedEventDetails"]["output"]
        if "stateEnteredEventDetails" in event and event["previousEventId"] in texts:
            assert event["stateEnteredEventDetails"]["input"] == texts[event["previousEventId"]]


def test_a_retry_reuses_nothing_of_the_failed_branch():
    task = {"Type": "Task", "Resource": machines.ARN}
    definition = {
        "StartAt": "Both",
        "States": {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "Good", "States": {"Good": {**task, "End": True}}},
                    {"StartAt": "Slow", "States": {"Slow": {**task, "End": True}}},
                ],
                "Retry": [{"ErrorEquals": ["Boom"]}],
                "End": True,
            }
        },
    }
    calls = []

    def answer(call):
        calls.append((call.state, call.visit, call.attempt))
        if call.state == "Slow" and len(calls) < 3:
            raise engine.TaskFailed("Boom", seconds=5)
        return len(calls)

    run = engine.run(definition, {}, answer)
    assert [state for state, _, _ in calls] == ["Good", "Slow", "Good", "Slow"]
    assert run.output == [3, 4]
