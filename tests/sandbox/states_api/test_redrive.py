"""RedriveExecution: going on from where an execution was left."""

import json
import time
from typing import Any

from tests.sandbox.states_api.conftest import FAIL, PASS, SLEEP, Machines, refused, types


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


def test_a_failed_task_is_tried_again_with_its_input(states: Any, machine: Machines, until: Any) -> None:
    name = f"states-api-redrive-{time.monotonic_ns()}"
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getBucketLocation",
        "Parameters": {"Bucket.$": "$.bucket"},
        "ResultPath": None,
        "End": True,
    }
    arn = states.start_execution(
        stateMachineArn=machine({"StartAt": "Ask", "States": {"Ask": task}}), input=json.dumps({"bucket": name})
    )["executionArn"]
    assert until(arn)["status"] == "FAILED"
    import boto3

    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    states.redrive_execution(executionArn=arn)
    assert until(arn)["status"] == "SUCCEEDED"
    s3.delete_bucket(Bucket=name)
    after = types(states, arn)
    assert after[after.index("ExecutionRedriven") + 1] == "TaskScheduled"


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
