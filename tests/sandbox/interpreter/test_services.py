"""Tasks: what services are asked, what they answer, how their errors are named, and waiting for what a task started."""

import itertools
import json
import time
import uuid
from typing import Any

import pytest

from tests.sandbox.interpreter.conftest import Machines, details, states

PASS = {"Type": "Pass", "End": True}


def task(resource: str, **more: Any) -> dict[str, Any]:
    return states(T={"Type": "Task", "Resource": resource, "End": True, **more})


@pytest.fixture(scope="module")
def echo(machines: Machines) -> str:
    return machines.function("def handler(event, context):\n    return event\n")


@pytest.fixture(scope="module")
def child(machines: Machines) -> str:
    return machines.create(states(W={"Type": "Wait", "Seconds": 1, "End": True}))


def test_an_invocation_comes_with_its_metadata(machines: Machines, echo: str) -> None:
    parameters = {"FunctionName": echo, "Payload": {"a": "é"}}
    events = machines.run(task("arn:aws:states:::lambda:invoke", Parameters=parameters))
    output = json.loads(details(events[-1])["output"])
    assert sorted(output) == ["ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]
    assert output["Payload"] == {"a": "é"}
    assert output["SdkResponseMetadata"]["RequestId"] == output["SdkHttpMetadata"]["HttpHeaders"]["x-amzn-RequestId"]


def test_a_functions_error_is_compact_for_invoke_alone(machines: Machines) -> None:
    function = machines.function("def handler(event, context):\n    raise KeyError('a')\n")
    raw = details(machines.run(task(function))[-1])
    compact = details(machines.run(task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": function}))[-1])
    assert raw["error"] == compact["error"] == "KeyError"
    assert '"errorType": "KeyError"' in raw["cause"]
    assert '"errorType":"KeyError"' in compact["cause"]


@pytest.mark.parametrize(
    ("resource", "parameters", "error"),
    [
        ("aws-sdk:dynamodb:describeTable", {"TableName": "absent"}, "DynamoDb.ResourceNotFoundException"),
        ("dynamodb:getItem", {"TableName": "absent", "Key": {"a": {"S": "b"}}}, "DynamoDB.ResourceNotFoundException"),
        ("aws-sdk:s3:getObject", {"Bucket": "absent-here", "Key": "a"}, "S3.NoSuchBucketException"),
        (
            "aws-sdk:sfn:describeExecution",
            {"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:a:b"},
            "Sfn.ExecutionDoesNotExistException",
        ),
        ("sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:a", "Message": {}}, "SNS.NotFoundException"),
        ("lambda:invoke", {"FunctionName": "absent"}, "Lambda.ResourceNotFoundException"),
        (
            "states:startExecution",
            {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:absent"},
            "StepFunctions.StateMachineDoesNotExistException",
        ),
    ],
)
def test_errors_are_named_as_on_aws(machines: Machines, resource: str, parameters: Any, error: str) -> None:
    events = machines.run(task(f"arn:aws:states:::{resource}", Parameters=parameters))
    assert events[-2]["type"] == "TaskFailed"
    assert details(events[-2])["error"] == details(events[-1])["error"] == error


def test_aws_sdk_speaks_pascal_case(machines: Machines, child: str) -> None:
    resource = "arn:aws:states:::aws-sdk:sfn:describeStateMachine"
    events = machines.run(task(resource, Parameters={"StateMachineArn": child}))
    output = json.loads(details(events[-1])["output"])
    assert output["StateMachineArn"] == child
    assert output["CreationDate"].endswith("Z")
    assert "SdkHttpMetadata" not in output


@pytest.mark.parametrize(("pattern", "kept"), [("sync", '{"a":1}'), ("sync:2", {"a": 1})])
def test_waiting_for_another_execution(machines: Machines, child: str, pattern: str, kept: Any) -> None:
    parameters = {"StateMachineArn": child, "Input": {"a": 1}}
    events = machines.run(task(f"arn:aws:states:::states:startExecution.{pattern}", Parameters=parameters))
    assert [event["type"] for event in events][2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    assert details(events[2])["resource"] == f"startExecution.{pattern}"
    output = json.loads(details(events[-1])["output"])
    assert (output["Status"], output["Output"]) == ("SUCCEEDED", kept)


def test_a_failed_child_fails_the_task(machines: Machines) -> None:
    failing = machines.create(states(F={"Type": "Fail", "Error": "Mine"}))
    resource = "arn:aws:states:::states:startExecution.sync:2"
    events = machines.run(task(resource, Parameters={"StateMachineArn": failing}))
    assert details(events[-1])["error"] == "States.TaskFailed"
    assert json.loads(details(events[-1])["cause"])["Error"] == "Mine"


def test_stopping_a_parent_stops_its_child(machines: Machines) -> None:
    long = machines.create(states(W={"Type": "Wait", "Seconds": 300, "End": True}))
    parent = machines.start(task("arn:aws:states:::states:startExecution.sync", Parameters={"StateMachineArn": long}))
    deadline = time.monotonic() + 20
    while not any(event["type"] == "TaskSubmitted" for event in machines.events(parent)):
        assert time.monotonic() < deadline
    machines.sfn.stop_execution(executionArn=parent)
    (started,) = machines.sfn.list_executions(stateMachineArn=long)["executions"]
    assert machines.end(started["executionArn"])["status"] == "ABORTED"


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("sagemaker:createTrainingJob.sync", "not in the sandbox"),
        ("sqs:sendMessage.sync", "not recognized"),
        ("aws-sdk:s3:listBuckets.sync", "not recognized"),
        ("athena:listDatabases", "not recognized"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(machines: Machines, resource: str, said: str) -> None:
    with pytest.raises(machines.sfn.exceptions.InvalidDefinition, match=said):
        machines.create(task(f"arn:aws:states:::{resource}", Parameters={}))


def test_waiting_for_a_query(machines: Machines) -> None:
    bucket = f"interpreter-{uuid.uuid4().hex}"
    machines.lab.client("s3").create_bucket(Bucket=bucket)
    query = {"QueryString": "SELECT 1 AS a", "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/"}}
    events = machines.run(task("arn:aws:states:::athena:startQueryExecution.sync", Parameters=query))
    assert [event["type"] for event in events][2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    found = json.loads(details(events[-1])["output"])["QueryExecution"]
    assert (found["Query"], found["Status"]["State"]) == ("SELECT 1 AS a", "SUCCEEDED")


@pytest.mark.parametrize(
    ("bound", "error"),
    [({"HeartbeatSeconds": 1}, "States.HeartbeatTimeout"), ({"TimeoutSeconds": 1}, "States.Timeout")],
)
def test_a_task_token_that_nobody_returns(machines: Machines, echo: str, bound: Any, error: str) -> None:
    parameters = {"FunctionName": echo, "Payload": {"token.$": "$$.Task.Token"}}
    events = machines.run(task("arn:aws:states:::lambda:invoke.waitForTaskToken", Parameters=parameters, **bound))
    assert [event["type"] for event in events][2:] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskTimedOut",
        "ExecutionFailed",
    ]
    named = {"resource": "invoke.waitForTaskToken", "resourceType": "lambda"}
    assert details(events[-2]) == {"error": error, **named}


def test_an_activity(machines: Machines) -> None:
    activity = machines.sfn.create_activity(name="interpreter")["activityArn"]
    arn = machines.start(task(activity), {"x": 1})
    given = machines.sfn.get_activity_task(activityArn=activity, workerName="worker")
    assert json.loads(given["input"]) == {"x": 1}
    machines.sfn.send_task_success(taskToken=given["taskToken"], output='{"y": 2}')
    machines.end(arn)
    events = machines.events(arn)
    assert [event["type"] for event in events][2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert details(events[3]) == {"workerName": "worker"}
    assert json.loads(details(events[-1])["output"]) == {"y": 2}


def test_an_activity_without_a_worker(machines: Machines) -> None:
    activity = machines.sfn.create_activity(name="interpreter-idle")["activityArn"]
    events = machines.run(task(activity, TimeoutSeconds=1))
    assert [event["type"] for event in events][2:] == ["ActivityScheduled", "ActivityTimedOut", "ExecutionFailed"]


def test_a_hundred_executions_at_once(machines: Machines) -> None:
    chain = {name: {"Type": "Pass", "Next": after} for name, after in itertools.pairwise("ABCDE")}
    machine = machines.create(states(**chain, E=PASS))
    started = [machines.sfn.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(100)]
    assert {machines.end(arn)["status"] for arn in started} == {"SUCCEEDED"}


def test_a_lambda_task_reads_its_role_and_its_time_out_from_its_input(machines: Machines, echo: str) -> None:
    task = {
        "Type": "Task",
        "Resource": echo,
        "Parameters": {"given": 1},
        "Credentials": {"RoleArn.$": "$.role"},
        "TimeoutSecondsPath": "$.seconds",
        "End": True,
    }
    events = machines.run(states(T=task), {"role": machines.role, "seconds": 30})
    scheduled = details(events[2])
    assert scheduled["taskCredentials"] == {"roleArn": machines.role}
    assert scheduled["timeoutInSeconds"] == 30
    assert json.loads(details(events[-1])["output"]) == {"given": 1}
