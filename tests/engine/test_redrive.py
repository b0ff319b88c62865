"""Redrive: an execution goes on from where it ended, and what has succeeded is not done again."""

import json
from datetime import timedelta

import pytest

from tests.engine.driving import Driven, details, machine, passing, task, types


def after(driven):
    """The types of the events since the last redrive."""
    kinds = types(driven)
    return kinds[len(kinds) - kinds[::-1].index("ExecutionRedriven") :]


def test_a_stopped_wait_goes_on_without_being_entered_again():
    definition = machine(
        Go=passing(Assign={"n": 7}, Next="Sleep"),
        Sleep={"Type": "Wait", "Seconds": 5, "Next": "Last"},
        Last=passing(Parameters={"n.$": "$n"}),
    )
    driven = Driven(definition).wait(3).stop()
    driven.redrive().wait(5)
    assert driven.execution.output == '{"n":7}'
    assert after(driven) == ["WaitStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert details(driven, "ExecutionRedriven") == [{"redriveCount": 1}]


def test_a_failed_task_is_scheduled_again_and_its_retries_begin_anew():
    retry = [{"ErrorEquals": ["Boom"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    driven = Driven(machine(task(Parameters={"r.$": "$$.Execution.RedriveCount"}, Retry=retry)))
    for _ in range(2):
        driven.calls[-1].fail("Boom")
        driven.wait(1)
    assert (driven.execution.status, len(driven.calls)) == ("FAILED", 2)
    driven.redrive()
    assert after(driven) == ["LambdaFunctionScheduled"]
    driven.calls[-1].fail("Boom")
    driven.wait(1)
    assert (len(driven.calls), driven.calls[-1].attempt, driven.calls[-1].parameters) == (4, 2, {"r": 1})
    driven.calls[-1].succeed("done")
    driven.settle()
    assert driven.execution.output == '"done"'


def test_a_fail_state_is_entered_again():
    driven = Driven(machine({"Type": "Fail", "Error": "Oops"}))
    driven.redrive()
    assert after(driven) == ["FailStateEntered", "ExecutionFailed"]
    assert driven.execution.redrives == 1


def test_what_had_timed_out_goes_on():
    driven = Driven({**machine(task(TimeoutSeconds=100)), "TimeoutSeconds": 10}).wait(11)
    assert driven.execution.status == "TIMED_OUT"
    driven.redrive()
    driven.calls[-1].succeed(1)
    driven.settle()
    assert driven.execution.status == "SUCCEEDED"


def test_only_the_branch_that_failed_is_done_again():
    both = {"Type": "Parallel", "Branches": [machine(L=task()), machine(R=task())], "End": True}
    driven = Driven(machine(both))
    left, right = driven.calls
    left.succeed("kept")
    driven.settle()
    right.fail("Boom")
    driven.settle()
    driven.redrive()
    assert [call.state for call in driven.calls] == ["L", "R", "R"]
    driven.calls[-1].succeed("again")
    driven.settle()
    assert json.loads(driven.execution.output) == ["kept", "again"]
    assert after(driven) == [
        "ParallelStateStarted",
        "LambdaFunctionScheduled",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ParallelStateSucceeded",
        "ParallelStateExited",
        "ExecutionSucceeded",
    ]


def test_only_the_iterations_that_failed_are_done_again_however_deep():
    inner = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": machine(Ask=task()), "End": True}
    outer = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": machine(Inner=inner), "End": True}
    driven = Driven(machine(Outer=outer), [["a", "b"], ["c", "d"], ["e"]])
    while driven.execution.status == "RUNNING":
        call = driven.calls[-1]
        call.fail("Boom") if call.parameters == "d" else call.succeed(call.parameters)
        driven.settle()
    written = len(driven.events)
    driven.redrive()
    while driven.execution.status == "RUNNING":
        driven.calls[-1].succeed(driven.calls[-1].parameters)
        driven.settle()
    assert json.loads(driven.execution.output) == [["a", "b"], ["c", "d"], ["e"]]
    assert [call.parameters for call in driven.calls] == ["a", "b", "c", "d", "d", "e"]
    started = [
        event["mapIterationStartedEventDetails"]
        for event in driven.events[written:]
        if event["type"] == "MapIterationStarted"
    ]
    assert [(one["name"], one["index"]) for one in started] == [("Outer", 1), ("Inner", 1), ("Outer", 2), ("Inner", 0)]


def test_it_can_be_redriven_again_and_again():
    driven = Driven(machine(task()))
    for count in range(1, 4):
        driven.calls[-1].fail("Boom")
        driven.settle()
        driven.redrive()
        assert driven.execution.redrives == count
    driven.calls[-1].succeed(1)
    driven.settle()
    assert [one["redriveCount"] for one in details(driven, "ExecutionRedriven")] == [1, 2, 3]
    assert [event["id"] for event in driven.events] == list(range(1, len(driven.events) + 1))


@pytest.mark.parametrize(("answer", "reason"), [(True, "SUCCEEDED"), (None, "RUNNING")])
def test_what_runs_or_has_succeeded_is_not_redriven(answer, reason):
    driven = Driven(machine(task()))
    if answer:
        driven.calls[0].succeed(1)
        driven.settle()
    assert driven.execution.not_redrivable() == f"Execution is {reason} and cannot be redriven"


def test_what_is_full_or_old_is_not_redriven():
    driven = Driven(machine(task()))
    driven.calls[0].fail("Boom")
    driven.wait(timedelta(days=14).total_seconds())
    assert driven.execution.not_redrivable() is None
    driven.wait(1)
    assert driven.execution.not_redrivable() == "Execution redrivable period exceeded"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Parallel", "Branches": [machine(L=task())], "Parameters": {"x.$": "$$.Execution.RedriveTime"}},
        {"Type": "Map", "ItemsPath": "$$.Execution.RedriveTime", "ItemProcessor": machine(L=task())},
    ],
    ids=["Parallel", "Map"],
)
def test_what_had_not_begun_begins(state):
    driven = Driven(machine({**state, "End": True}))
    assert (driven.execution.error, driven.calls) == ("States.Runtime", [])
    driven.redrive()
    if state["Type"] == "Map":  # the time is there now, and is no list
        assert "must point to array" in driven.execution.cause
        return
    (call,) = driven.calls
    assert call.parameters["x"].startswith("2025-01-01")
    call.succeed(1)
    driven.settle()
    assert driven.execution.output == "[1]"


BREAKING = {"Type": "Fail", "Error": "Oops"}


@pytest.mark.parametrize("last", [passing(), task(), {"Type": "Wait", "Seconds": 1, "End": True}])
def test_a_branch_that_was_between_two_states_enters_the_next(last):
    branches = [
        machine(One=passing(Next="Two"), Two=passing(Result=2, Next="Last"), Last=last),
        machine(Other=passing(Next="Break"), Break=BREAKING),
    ]
    driven = Driven(machine({"Type": "Parallel", "Branches": branches, "End": True}))
    assert "ParallelStateFailed" in types(driven)
    assert "Last" not in [one.get("name") for one in details(driven, f"{last['Type']}StateEntered")]
    driven.redrive()
    entered = details(driven, f"{last['Type']}StateEntered")[-1]
    assert (entered["name"], entered["input"]) == ("Last", "2")
    assert after(driven)[:2] == ["ParallelStateStarted", f"{last['Type']}StateEntered"]


def test_an_iteration_that_was_between_two_states_keeps_what_it_had():
    is_second = {"Variable": "$.v", "NumericEquals": 1, "Next": "Break"}
    inner = machine(
        Look={"Type": "Choice", "Choices": [is_second], "Default": "Two"},
        Two=passing(Parameters={"p.$": "$.v"}, Next="Last"),
        Last=passing(),
        Break=BREAKING,
    )
    fields = {"ItemProcessor": inner, "ItemSelector": {"v.$": "$$.Map.Item.Value"}, "End": True}
    driven = Driven(machine({"Type": "Map", **fields}), [0, 1])
    assert "MapStateFailed" in types(driven)
    driven.redrive()
    entered = details(driven, "PassStateEntered")[-1]
    assert (entered["name"], entered["input"]) == ("Last", '{"p":0}')
