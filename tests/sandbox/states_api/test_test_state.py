"""TestState: one state alone, its inspection levels and its mocks."""

import json
from typing import Any

import pytest

import helpers
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
READING = {
    "Type": "Map",
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
        "Parameters": {"Bucket": "b", "Key": "k"},
    },
    "ItemProcessor": {**PASS, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
    "ItemSelector": {"n.$": "$$.Map.Item.Value.n"},
    "ToleratedFailureCount": 1,
    "ToleratedFailurePercentage": 50.5,
    "End": True,
}
ERROR = {"errorOutput": {"error": "Busy", "cause": "Come back."}}


def run(states: Any, role: str | None, definition: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    given = {"roleArn": role, **arguments} if role else arguments
    found: dict[str, Any] = states.test_state(definition=json.dumps(definition), **given)
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
        states, role, INVOKE, input='{"a": 1}', inspectionLevel="DEBUG", mock={"result": '{"Payload": "two", "x": 3}'}
    )
    assert (found["status"], found["nextState"]) == ("SUCCEEDED", "On")
    assert {stage: json.loads(text) for stage, text in found["inspectionData"].items()} == {
        "input": {"a": 1},
        "afterInputPath": {"a": 1},
        "afterParameters": {"FunctionName": "f", "Payload": 1},
        "result": {"Payload": "two", "x": 3},
        "afterResultSelector": {"got": "two"},
        "afterResultPath": {"a": 1, "answer": {"got": "two"}},
    }
    assert json.loads(found["output"]) == {"a": 1, "answer": {"got": "two"}}


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
    assert run(states, None, state, mock={"result": found["output"]}) == found


def test_a_test_takes_300_seconds_at_most(lab: helpers.Lab, states: Any) -> None:
    with lab.fast_forward():
        assert run(states, None, {"Type": "Wait", "Seconds": 299, "Next": "On"})["nextState"] == "On"
        found = run(states, None, {"Type": "Wait", "Seconds": 301, "Next": "On"})
    assert found == {"status": "FAILED", "error": "States.Timeout"}


def test_a_state_of_a_machine_by_its_name(states: Any, role: str) -> None:
    assert run(states, role, PASS, stateName="Go", input="7")["output"] == "7"
    found = refused(states.test_state, definition=json.dumps(PASS), roleArn=role, stateName="None")
    assert found[0] == "ValidationException"


def test_a_state_inside_a_map_is_tested_as_its_first_item(states: Any, role: str) -> None:
    inside = {"Type": "Pass", "Parameters": {"item.$": "$$.Map.Item"}, "End": True}
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "In", "States": {"In": inside}}, "End": True}
    found = run(states, role, {"StartAt": "Each", "States": {"Each": each}}, stateName="In", input="7")
    assert json.loads(found["output"]) == {"item": {"Index": 0, "Value": 7, "Source": "STATE_DATA"}}


def test_nothing_is_left_behind(states: Any, role: str) -> None:
    before = states.list_state_machines()["stateMachines"]
    run(states, role, {"Type": "Pass", "End": True})
    assert states.list_state_machines()["stateMachines"] == before


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "End": True},
        {"Type": "Succeed"},
        {"Type": "Fail", "Error": "No"},
        {"Type": "Wait", "Seconds": 0, "End": True},
        {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "A"}], "Default": "B"},
        {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:none", "End": True},
    ],
    ids=lambda state: state["Type"],
)
def test_only_a_task_that_works_needs_a_role(states: Any, state: dict[str, Any]) -> None:
    if state["Type"] == "Task":
        said = "RoleArn must be specified when testing a Task state"
        assert refused(states.test_state, definition=json.dumps(state)) == ("ValidationException", said)
        assert run(states, None, state, mock={"result": "[1]"})["output"] == "[1]"
    else:
        assert run(states, None, state)["status"] == ("FAILED" if state["Type"] == "Fail" else "SUCCEEDED")


# The words are as recorded on AWS.
STRICT = "STRICT"
BOTH = f"{STRICT} PRESENT"
EXECUTION = {"ExecutionArn": "a", "StateMachineArn": "b", "StartDate": "c", "Status": "SUCCEEDED"}


@pytest.mark.parametrize(
    ("resource", "result", "modes", "problem"),
    [
        ("events:putEvents", {"random": "json"}, "", ""),
        ("events:putEvents", {}, "", ""),
        ("events:putEvents", {"Entries": "none"}, BOTH, "Field 'Entries' must be an array"),
        (
            "events:putEvents",
            {"Entries": [{"EventId": "a"}, {"EventId": [1]}]},
            BOTH,
            "Field 'EventId' must be a string",
        ),
        ("states:startExecution", {}, STRICT, "Required field 'ExecutionArn' is missing"),
        ("states:startExecution", {"executionArn": "a"}, STRICT, "Required field 'ExecutionArn' is missing"),
        (
            "states:startExecution",
            {"ExecutionArn": "a", "StartDate": True},
            BOTH,
            "Field 'StartDate' must be a string",
        ),
        ("states:startExecution", {"ExecutionArn": "a", "StartDate": 1}, BOTH, "Field 'StartDate' must be a string"),
        ("lambda:invoke", {"StatusCode": "200"}, BOTH, "Field 'StatusCode' must be a number"),
        ("lambda:invoke", {"StatusCode": True}, BOTH, "Field 'StatusCode' must be a number"),
        (
            "dynamodb:putItem",
            {"ConsumedCapacity": {"CapacityUnits": "1.5"}},
            BOTH,
            "Field 'CapacityUnits' must be a number",
        ),
        ("dynamodb:putItem", {"Attributes": {"a": {"S": 1}}}, BOTH, "Field 'S' must be a string"),
        ("aws-sdk:s3:getObject", {"ContentLength": "9"}, BOTH, "Field 'ContentLength' must be a number"),
        ("aws-sdk:s3:getObject", {"StorageClass": "Papyrus"}, BOTH, "Field 'StorageClass' is not an expected value"),
        ("aws-sdk:kms:encrypt", {"CiphertextBlob": 1}, BOTH, "Field 'CiphertextBlob' must be a string"),
        (
            "aws-sdk:kms:encrypt",
            {"CiphertextBlob": ""},
            BOTH,
            "Field 'CiphertextBlob' is smaller than the minimum length",
        ),
        (
            "aws-sdk:lambda:getFunction",
            {"Configuration": {"MemorySize": 127}},
            BOTH,
            "Field 'MemorySize' is less than the minimum value",
        ),
        (
            "aws-sdk:lambda:getFunction",
            {"Configuration": {"MemorySize": 99999}},
            BOTH,
            "Field 'MemorySize' exceeds the maximum value",
        ),
        (
            "aws-sdk:rds:describeDBInstances",
            {"DbInstances": [{"DbInstanceArn": 1}]},
            BOTH,
            "Field 'DbInstanceArn' must",
        ),
        ("states:startExecution.sync:2", {"Status": "SUCCEEDED"}, STRICT, "Required field 'ExecutionArn' is missing"),
        ("states:startExecution.sync:2", {**EXECUTION, "Output": {"a": 1}}, "", ""),
        ("states:startExecution.sync", {**EXECUTION, "Output": {"a": 1}}, BOTH, "Field 'Output' must be a string"),
        (
            "states:startExecution.sync:2",
            {**EXECUTION, "Status": "GOOD"},
            BOTH,
            "Field 'Status' is not an expected value",
        ),
        ("athena:startQueryExecution.sync", {"QueryExecution": []}, BOTH, "Field 'QueryExecution' must be an object"),
        ("states:startExecution.waitForTaskToken", {"Status": 5}, "", ""),
    ],
)
def test_a_mock_is_held_against_the_model_of_the_service(
    states: Any, resource: str, result: Any, modes: str, problem: str
) -> None:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": {}, "End": True}
    mock = {"result": json.dumps(result)}
    for mode in (None, STRICT, "PRESENT", "NONE"):
        given = {**mock, "fieldValidationMode": mode} if mode else mock
        if (mode or STRICT) in modes.split():
            code, said = refused(states.test_state, definition=json.dumps(state), mock=given)
            assert code == "ValidationException"
            assert said.startswith(f"Mock result schema validation error: {problem}")
        else:
            assert json.loads(run(states, None, state, mock=given)["output"]) == result


def test_a_map_reads_what_is_given_as_its_source(states: Any) -> None:
    configuration = {"mapItemReaderData": "n,m\n1,2\n3,4\n"}
    found = run(
        states,
        None,
        READING,
        mock={"result": "[1, 3]"},
        stateConfiguration=configuration,
        inspectionLevel="TRACE",
    )
    data = found["inspectionData"]
    assert json.loads(data["afterItemSelector"]) == [{"n": "1"}, {"n": "3"}]
    assert (data["maxConcurrency"], data["toleratedFailureCount"], data["toleratedFailurePercentage"]) == (0, 1, 50.5)
    configuration |= {"mapIterationFailureCount": 2}  # type: ignore[dict-item]
    found = run(states, None, READING, mock={"result": "[]"}, stateConfiguration=configuration)
    assert (found["status"], found["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    configuration |= {"errorCausedByState": "Go"}
    found = run(states, None, READING, mock=ERROR, stateConfiguration=configuration)
    assert (found["status"], found["error"]) == ("FAILED", "Busy")
    wrong = {"mapItemReaderData": "n,n\n1,2\n"}
    found = run(states, None, READING, mock={"result": "[1]"}, stateConfiguration=wrong)
    assert found["error"] == "States.ItemReaderFailed"


@pytest.mark.parametrize(
    ("fields", "result", "problem"),
    [
        ({}, "{}", "Mocked result must be an array."),
        ({"ResultWriter": {}}, "[]", "Mocked result must be a JSON object."),
        ({"Type": "Parallel"}, "{}", "Mocked result must be an array."),
        (
            {"Type": "Parallel"},
            "[1, 2]",
            "Mocked result must contain the same number of items as number of Parallel branches.",
        ),
        ({}, "not JSON", "Mocked result must be valid JSON"),
    ],
)
def test_what_a_map_and_a_parallel_may_give(states: Any, fields: dict[str, Any], result: str, problem: str) -> None:
    state: dict[str, Any] = {"Type": "Map", "ItemProcessor": READING["ItemProcessor"], "End": True, **fields}
    if "ResultWriter" in state:
        parameters = {"Bucket": "b", "Prefix": "p"}
        state["ResultWriter"] = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": parameters}
    if state["Type"] == "Parallel":
        state = {"Type": "Parallel", "Branches": [PASS], "End": True}
    found = refused(states.test_state, definition=json.dumps(state), input="[]", mock={"result": result})
    assert found == ("ValidationException", problem)


def test_the_context_object_is_the_given_one(states: Any, role: str) -> None:
    state = {**INVOKE, "Parameters": {"c.$": "$$"}, "ResultPath": None, "End": True}
    del state["Next"]
    mock = {"result": '{"Payload": ""}'}
    for context in ({}, {"Execution": {"Input": [7]}, "State": {"RetryCount": 3}}):
        found = run(states, None, state, mock=mock, context=json.dumps(context), inspectionLevel="DEBUG")
        assert json.loads(found["inspectionData"]["afterParameters"]) == {"c": context}
    found = run(states, role, state, mock=mock, inspectionLevel="DEBUG")
    context = json.loads(found["inspectionData"]["afterParameters"])["c"]
    assert context["Execution"]["RoleArn"] == role
    assert ":express:" in context["Execution"]["Id"]
    token = {**state, "Resource": f"{INVOKE['Resource']}.waitForTaskToken", "Parameters": {"t.$": "$$.Task.Token"}}
    given = json.dumps({"Task": {"Token": "abc"}})
    found = run(states, None, token, mock=mock, context=given, inspectionLevel="DEBUG")
    assert found["inspectionData"]["afterParameters"] == '{"t":"abc"}'


@pytest.mark.parametrize(
    ("context", "problem"),
    [
        ({"Execution": {"Id": 1}}, "Execution.Id must be a string"),
        ({"Map": {}}, "'Map' field is not supported when mocking a Context object"),
        ({"Execution": {"colour": "red"}}, "Field 'colour' is not allowed"),
        ({"Colours": {}}, "Field 'Colours' is not allowed"),
        (
            {"Task": {"Token": "abc"}},
            "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
            "service integration pattern",
        ),
    ],
)
def test_a_context_object_that_is_none(states: Any, context: Any, problem: str) -> None:
    given = {"mock": ERROR, "context": json.dumps(context)}
    found = refused(states.test_state, definition=json.dumps(INVOKE), **given)
    assert found == ("ValidationException", f"Invalid Context object provided: {problem}")


def test_a_function_is_invoked_and_its_error_caught(states: Any, role: str) -> None:
    state = {**INVOKE, "Parameters": {"FunctionName": "no-such-function"}}
    found = run(states, role, state, input='{"a": 1}', inspectionLevel="DEBUG")
    assert (found["status"], found["nextState"]) == ("CAUGHT_ERROR", "Help")
    assert found["error"].startswith("Lambda.")
    assert found["inspectionData"]["errorDetails"] == {"catchIndex": 1}


@pytest.mark.parametrize(
    ("definition", "arguments", "code"),
    [
        ({"Type": "Map", "ItemProcessor": PASS, "End": True}, {}, "InvalidDefinition"),
        ({"Type": "Parallel", "Branches": [PASS], "End": True}, {}, "InvalidDefinition"),
        ({**INVOKE, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}, {}, "ValidationException"),
        ({"Type": "Pass", "End": True}, {"mock": {"result": "1"}}, "ValidationException"),
        ({"Type": "Pass", "End": True}, {"context": "{}"}, "ValidationException"),
        ({"Type": "Pass", "End": True}, {"input": "{"}, "InvalidExecutionInput"),
        ({"Type": "Pass", "End": True}, {"input": "[" * 600 + "]" * 600}, "InvalidExecutionInput"),
        ({"Type": "Dance"}, {}, "InvalidDefinition"),
        ({"Type": "Pass"}, {}, "InvalidDefinition"),
        (INVOKE, {"mock": {"result": "{"}}, "ValidationException"),
        (INVOKE, {"mock": ERROR, "variables": "[]"}, "ValidationException"),
        (INVOKE, {"mock": {"result": "1"}}, "ValidationException"),
        (INVOKE, {"mock": {"result": "{}", **ERROR}}, "ValidationException"),
        (INVOKE, {"mock": {}}, "ValidationException"),
        (INVOKE, {"mock": {"errorOutput": {"cause": "Why"}}}, "ValidationException"),
        (INVOKE, {"mock": ERROR, "revealSecrets": True}, "ValidationException"),
        (INVOKE, {"mock": ERROR, "stateConfiguration": {"errorCausedByState": "Go"}}, "ValidationException"),
        (PASS, {"stateName": "Go", "mock": ERROR}, "ValidationException"),
        (READING, {"mock": {"result": "[]"}}, "ValidationException"),
        ({**INVOKE, "Resource": "arn:aws:states:::http:invoke"}, {}, "InvalidDefinition"),
        ({**INVOKE, "Resource": "arn:aws:states:::http:invoke"}, {"mock": ERROR}, "InvalidDefinition"),
    ],
)
def test_what_is_refused(
    states: Any, role: str, definition: dict[str, Any], arguments: dict[str, Any], code: str
) -> None:
    found = refused(states.test_state, definition=json.dumps(definition), roleArn=role, **arguments)
    assert found[0] == code
