"""RedriveExecution: going on from where an execution was left."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from tests.sandbox.states_api.conftest import FAIL, PASS, SLEEP, Machines, refused, types


def ask(bucket: str) -> dict[str, Any]:
    """A task that fails until its bucket is there."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getBucketLocation",
        "Parameters": {"Bucket.$": bucket},
        "ResultPath": None,
        "End": True,
    }


@pytest.fixture
def bucket(lab: helpers.Lab) -> Iterator[tuple[str, Callable[[], None]]]:
    """The name of a bucket that is not there, and what makes it."""
    s3, name = lab.client("s3"), f"redrive-{uuid.uuid4().hex[:12]}"
    yield name, lambda: s3.create_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)


def test_a_stopped_wait_goes_on_without_being_entered_again(states: Any, machine: Machines, until: Any) -> None:
    definition = {
        "StartAt": "Go",
        "States": {
            "Go": {"Type": "Pass", "Assign": {"n": 7}, "Next": "Sleep"},
            "Sleep": {"Type": "Wait", "Seconds": 1, "Next": "Last"},
            "Last": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $n %}", "End": True},
        },
    }
    arn = states.start_execution(stateMachineArn=machine(definition))["executionArn"]
    deadline = time.monotonic() + 20
    while "WaitStateEntered" not in types(states, arn):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    states.stop_execution(executionArn=arn)
    redriven = states.redrive_execution(executionArn=arn)
    found = until(arn)
    assert (found["status"], found["output"], found["redriveCount"]) == ("SUCCEEDED", "7", 1)
    assert found["redriveDate"] == redriven["redriveDate"]
    assert types(states, arn) == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "WaitStateEntered",
        "ExecutionAborted",
        "ExecutionRedriven",
        "WaitStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    events = states.get_execution_history(executionArn=arn)["events"]
    assert [event["id"] for event in events] == list(range(1, 11))
    assert events[5]["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_a_fail_state_is_entered_again_and_fails_again(states: Any, machine: Machines, until: Any) -> None:
    arn = states.start_execution(stateMachineArn=machine(FAIL))["executionArn"]
    until(arn)
    states.redrive_execution(executionArn=arn)
    found = until(arn)
    assert (found["status"], found["error"], found["redriveCount"]) == ("FAILED", "Oops", 1)
    assert types(states, arn)[2:] == ["ExecutionFailed", "ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]


def test_each_of_the_last_ten_client_tokens_redrives_once(states: Any, machine: Machines, until: Any) -> None:
    """API reference, RedriveExecution, parameter clientToken."""
    arn = states.start_execution(stateMachineArn=machine(FAIL))["executionArn"]

    def redrive(number: int) -> Any:
        until(arn)
        return states.redrive_execution(executionArn=arn, clientToken=f"token {number}")["redriveDate"]

    dates = [redrive(number) for number in range(11)]
    assert [redrive(number) for number in (10, 1)] == [dates[10], dates[1]]
    assert redrive(0) > dates[10]
    assert until(arn)["redriveCount"] == 12


def test_a_failed_task_is_tried_again_with_its_input(
    states: Any, machine: Machines, until: Any, bucket: tuple[str, Callable[[], None]]
) -> None:
    name, make = bucket
    arn = states.start_execution(
        stateMachineArn=machine({"StartAt": "Ask", "States": {"Ask": ask("$.bucket")}}),
        input=json.dumps({"bucket": name}),
    )["executionArn"]
    assert until(arn)["status"] == "FAILED"
    make()
    states.redrive_execution(executionArn=arn)
    assert until(arn)["status"] == "SUCCEEDED"
    after = types(states, arn)
    assert after[after.index("ExecutionRedriven") + 1] == "TaskScheduled"


def test_only_the_branch_that_failed_is_done_again(
    states: Any, machine: Machines, until: Any, bucket: tuple[str, Callable[[], None]]
) -> None:
    good = {"StartAt": "Good", "States": {"Good": {"Type": "Pass", "Result": "kept", "End": True}}}
    bad = {"StartAt": "Go", "States": {"Go": {"Type": "Pass", "Next": "Ask"}, "Ask": ask("$.bucket")}}
    both = {"Type": "Parallel", "Branches": [good, bad], "End": True}
    name, make = bucket
    arn = states.start_execution(
        stateMachineArn=machine({"StartAt": "Both", "States": {"Both": both}}), input=json.dumps({"bucket": name})
    )["executionArn"]
    assert until(arn)["status"] == "FAILED"
    make()
    states.redrive_execution(executionArn=arn)
    found = until(arn)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", ["kept", {"bucket": name}])
    after = types(states, arn)
    assert after[after.index("ExecutionRedriven") + 1 :] == [
        "ParallelStateStarted",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ParallelStateSucceeded",
        "ParallelStateExited",
        "ExecutionSucceeded",
    ]


def test_only_the_iterations_that_failed_are_done_again_however_deep(
    states: Any, machine: Machines, until: Any, bucket: tuple[str, Callable[[], None]], lab: helpers.Lab
) -> None:
    inner = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"StartAt": "Ask", "States": {"Ask": ask("$")}}}
    outer = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": {"StartAt": "Inner", "States": {"Inner": {**inner, "End": True}}},
        "End": True,
    }
    name, make = bucket
    there = f"there-{name}"
    s3 = lab.client("s3")
    s3.create_bucket(Bucket=there)
    arn = states.start_execution(
        stateMachineArn=machine({"StartAt": "Outer", "States": {"Outer": outer}}),
        input=json.dumps([[there, there], [there, name], [there]]),
    )["executionArn"]
    assert until(arn)["status"] == "FAILED"
    make()
    states.redrive_execution(executionArn=arn)
    found = until(arn)
    s3.delete_bucket(Bucket=there)
    assert json.loads(found["output"]) == [[there, there], [there, name], [there]]
    events = states.get_execution_history(executionArn=arn)["events"]
    redriven = next(number for number, event in enumerate(events) if event["type"] == "ExecutionRedriven")
    scheduled = [event["taskScheduledEventDetails"] for event in events if event["type"] == "TaskScheduled"]
    assert [json.loads(one["parameters"])["Bucket"] for one in scheduled] == [there] * 3 + [name, name, there]
    started = [
        event["mapIterationStartedEventDetails"]
        for event in events[redriven:]
        if "Iteration" in event["type"] and event["type"].endswith("Started")
    ]
    assert [(one["name"], one["index"]) for one in started] == [("Outer", 1), ("Inner", 1), ("Outer", 2), ("Inner", 0)]


def test_what_runs_or_has_succeeded_is_not_redriven(states: Any, machine: Machines, until: Any) -> None:
    succeeded = states.start_execution(stateMachineArn=machine(PASS))["executionArn"]
    until(succeeded)
    running = states.start_execution(stateMachineArn=machine(SLEEP))["executionArn"]
    for arn, status in ((succeeded, "SUCCEEDED"), (running, "RUNNING")):
        found = refused(states.redrive_execution, executionArn=arn)
        assert found == ("ExecutionNotRedrivable", f"Execution is {status} and cannot be redriven")


def test_a_client_token_redrives_once(states: Any, machine: Machines) -> None:
    arn = states.start_execution(stateMachineArn=machine(SLEEP))["executionArn"]
    states.stop_execution(executionArn=arn)
    first = states.redrive_execution(executionArn=arn, clientToken="once")
    assert states.redrive_execution(executionArn=arn, clientToken="once")["redriveDate"] == first["redriveDate"]
    assert states.describe_execution(executionArn=arn)["redriveCount"] == 1
