"""TestState: one state alone, its inspection levels and its mocks."""

import json
from typing import Any

import pytest

from tests.sandbox.states_api.conftest import PASS, refused

INVOKE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "f", "Payload.$": "$.a"},
    "ResultSelector": {"got.$": "$.Payload"},
    "ResultPath": "$.answer",
    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 2}],
    "Catch": [
        {"ErrorEquals": ["Other"], "Next": "No"},
        {"ErrorEquals": ["States.ALL"], "Next": "Help", "ResultPath": "$.e"},
    ],
    "Next": "On",
}
ERROR = {"errorOutput": {"error": "Busy", "cause": "Come back."}}


def run(states: Any, role: str, definition: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = states.test_state(definition=json.dumps(definition), roleArn=role, **arguments)
    del found["ResponseMetadata"]
    return found


def test_output_and_next_state(states: Any, role: str) -> None:
    found = run(states, role, {"Type": "Pass", "Result": 5, "Next": "Then"})
    assert found == {"status": "SUCCEEDED", "output": "5", "nextState": "Then"}
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "One"}], "Default": "Other"}
    assert run(states, role, choice, input='{"n": 1}')["nextState"] == "One"
    assert run(states, role, choice, input='{"n": 2}')["nextState"] == "Other"
    assert "nextState" not in run(states, role, {"Type": "Succeed"})


def test_a_fail_state(states: Any, role: str) -> None:
    found = run(states, role, {"Type": "Fail", "Error": "Oops", "Cause": "It broke."})
    assert found == {"status": "FAILED", "error": "Oops", "cause": "It broke."}


def test_debug_shows_every_stage_of_the_data(states: Any, role: str) -> None:
    found = run(
        states, role, INVOKE, input='{"a": 1}', inspectionLevel="DEBUG", mock={"result": '{"Payload": 2, "x": 3}'}
    )
    assert (found["status"], found["nextState"]) == ("SUCCEEDED", "On")
    assert {stage: json.loads(text) for stage, text in found["inspectionData"].items()} == {
        "input": {"a": 1},
        "afterInputPath": {"a": 1},
        "afterParameters": {"FunctionName": "f", "Payload": 1},
        "result": {"Payload": 2, "x": 3},
        "afterResultSelector": {"got": 2},
        "afterResultPath": {"a": 1, "answer": {"got": 2}},
    }
    assert json.loads(found["output"]) == {"a": 1, "answer": {"got": 2}}


def test_jsonata_and_variables(states: Any, role: str) -> None:
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "f", "Payload": "{% $k %}"},
        "Assign": {"n": "{% $k + 1 %}"},
        "Output": "{% $states.result.Payload %}",
        "End": True,
    }
    found = run(
        states, role, state, inspectionLevel="DEBUG", variables='{"k": 4}', mock={"result": '{"Payload": "done"}'}
    )
    assert found["output"] == '"done"'
    data = found["inspectionData"]
    assert json.loads(data["afterArguments"]) == {"FunctionName": "f", "Payload": 4}
    assert json.loads(data["variables"]) == {"k": 4, "n": 5}
    assert "afterResultPath" not in data


@pytest.mark.parametrize(("retries", "seconds"), [(0, 3), (1, 6)])
def test_an_error_that_would_be_retried(states: Any, role: str, retries: int, seconds: int) -> None:
    configuration = {"retrierRetryCount": retries}
    found = run(
        states,
        role,
        INVOKE,
        input='{"a": 1}',
        inspectionLevel="DEBUG",
        mock=ERROR,
        stateConfiguration=configuration,
    )
    assert (found["status"], found["error"], found["cause"]) == ("RETRIABLE", "Busy", "Come back.")
    details = found["inspectionData"]["errorDetails"]
    assert details == {"retryIndex": 0, "retryBackoffIntervalSeconds": seconds}
    assert "output" not in found


def test_an_error_that_is_caught(states: Any, role: str) -> None:
    found = run(
        states,
        role,
        INVOKE,
        input='{"a": 1}',
        inspectionLevel="DEBUG",
        mock=ERROR,
        stateConfiguration={"retrierRetryCount": 2},
    )
    assert (found["status"], found["error"], found["nextState"]) == ("CAUGHT_ERROR", "Busy", "Help")
    assert json.loads(found["output"]) == {"a": 1, "e": {"Error": "Busy", "Cause": "Come back."}}
    assert found["inspectionData"]["errorDetails"] == {"catchIndex": 1}


def test_a_task_without_a_mock_does_its_work(states: Any, role: str) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "End": True}
    found = run(states, role, state)
    assert found["status"] == "SUCCEEDED"
    assert "Buckets" in json.loads(found["output"])


def test_a_state_of_a_machine_by_its_name(states: Any, role: str) -> None:
    assert run(states, role, PASS, stateName="Go", input="7")["output"] == "7"
    found = refused(states.test_state, definition=json.dumps(PASS), roleArn=role, stateName="None")
    assert found[0] == "ValidationException"


def test_nothing_is_left_behind(states: Any, role: str) -> None:
    before = states.list_state_machines()["stateMachines"]
    run(states, role, {"Type": "Pass", "End": True})
    assert states.list_state_machines()["stateMachines"] == before


@pytest.mark.parametrize(
    ("definition", "arguments", "code"),
    [
        ({"Type": "Map", "ItemProcessor": PASS, "End": True}, {}, "ValidationException"),
        ({**INVOKE, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}, {}, "ValidationException"),
        ({"Type": "Pass", "End": True}, {"mock": {"result": "1"}}, "ValidationException"),
        ({"Type": "Pass", "End": True}, {"context": "{}"}, "ValidationException"),
        ({"Type": "Pass", "End": True}, {"input": "{"}, "InvalidExecutionInput"),
        ({"Type": "Dance"}, {}, "InvalidDefinition"),
        ({"Type": "Pass"}, {}, "InvalidDefinition"),
        (INVOKE, {"mock": {"result": "{"}}, "ValidationException"),
        (INVOKE, {"mock": ERROR, "variables": "[]"}, "ValidationException"),
        (INVOKE, {"mock": {"result": "1", "fieldValidationMode": "STRICT"}}, "NotInSandbox"),
        ({**INVOKE, "Resource": "arn:aws:states:::http:invoke"}, {}, "InvalidDefinition"),
    ],
)
def test_what_is_refused(
    states: Any, role: str, definition: dict[str, Any], arguments: dict[str, Any], code: str
) -> None:
    found = refused(states.test_state, definition=json.dumps(definition), roleArn=role, **arguments)
    assert found[0] == code
