"""Tasks: what services are asked, what they answer, how their errors are named, and waiting for what a task started."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.conftest import Machines, details, states


def task(resource: str, **more: Any) -> dict[str, Any]:
    return states(T={"Type": "Task", "Resource": resource, "End": True, **more})


def details_of(events: list[dict[str, Any]], event_type: str) -> dict[str, Any]:
    """The only event of a type."""
    [found] = [event for event in events if event["type"] == event_type]
    return found


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


@pytest.mark.parametrize("given", [{"a": ["é", None, 1.5e300]}, "", []])
def test_a_function_gets_what_the_task_has(machines: Machines, echo: str, given: Any) -> None:
    last = machines.run(task(echo), given)[-1]
    assert last["type"] == "ExecutionSucceeded", details(last)
    assert json.loads(details(last)["output"]) == given


def test_half_a_pair_of_surrogates_reaches_a_function(machines: Machines) -> None:
    function = machines.function("def handler(event, context):\n    return ascii(event)\n")
    last = machines.run(task(function), "\ud800")[-1]
    assert json.loads(details(last)["output"]) == "'\\ud800'"


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
        ("sqs:sendMessage", {"QueueUrl": "http://a/1/absent", "MessageBody": {}}, "SQS.QueueDoesNotExistException"),
        ("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "a"}, "SecretsManager.ResourceNotFoundException"),
        # Errors that an API does not declare have the name that the SDK has for all of a service's.
        ("aws-sdk:dynamodb:query", {"TableName": "a", "Select": "x"}, "DynamoDb.DynamoDbException"),
        ("events:putEvents", {"Entries": [{}] * 11}, "EventBridge.AmazonEventBridgeException"),
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


@pytest.mark.parametrize(
    ("resource", "parameters", "said"),
    [
        (
            "sqs:sendMessage",
            {"QueueUrl": "a", "MessageBody": 1, "Body": 1},
            'The field "Body" is not supported by Step',
        ),
        ("sqs:sendMessage", {"MessageBody": "a"}, "The field 'QueueUrl' is required but was missing"),
        ("lambda:invoke", {"Payload": {}}, "The field 'FunctionName' is required but was missing"),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "a", "MaxKeys": {}}, "The value of the field 'MaxKeys' has an invalid"),
        (
            "aws-sdk:dynamodb:getItem",
            {"TableName": "a", "Key": 1},
            "The value of the field 'Key' has an invalid format",
        ),
        ("aws-sdk:s3:listObjects", {"Bucket": "a", "Optional": [{"b": 1}]}, 'The field "Optional" is not supported'),
    ],
)
def test_parameters_that_no_service_takes(machines: Machines, resource: str, parameters: Any, said: str) -> None:
    events = machines.run(task(f"arn:aws:states:::{resource}", Parameters=parameters))
    failed = details(events[-1])
    assert failed["error"] == "States.Runtime"
    assert failed["cause"].startswith(
        "An error occurred while executing the state 'T' (entered at the event id #2). The "
    )
    assert f"could not be used to start the Task: [{said}" in failed["cause"]


@pytest.mark.parametrize(
    ("resource", "parameters", "said"),
    [
        ("aws-sdk:rds:describeDBInstances", {}, ""),
        ("aws-sdk:workmail:listUsers", {"OrganizationId": "m-1"}, "not in the sandbox"),
    ],
)
def test_what_the_sandbox_has_not_is_said_plainly(
    machines: Machines, resource: str, parameters: Any, said: str
) -> None:
    last = machines.run(task(f"arn:aws:states:::{resource}", Parameters=parameters))[-1]
    assert said in details(last).get("cause", "")
    assert not re.search(r"\b[A-Z]\w*Error\b|Traceback", details(last).get("cause", ""))


def test_values_of_a_table_come_back_as_they_went(machines: Machines) -> None:
    table = {"TableName": f"tests-{uuid.uuid4().hex}"}
    machines.lab.client("dynamodb").create_table(
        **table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "a"}, "on": {"BOOL": True}, "many": {"SS": ["b"]}, "in": {"M": {"n": {"N": "1.50"}}}}
    put = {"Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": {**table, "Item": item}}
    get = {"Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {**table, "Key": {"id": {"S": "a"}}}}
    events = machines.run(states(P={"Type": "Task", **put, "Next": "G"}, G={"Type": "Task", **get, "End": True}))
    output = json.loads(details(events[-1])["output"])
    assert output["Item"] == item
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_a_text_is_put_into_s3_as_json(machines: Machines) -> None:
    place = {"Bucket": f"tests-{uuid.uuid4().hex}", "Key": "a"}
    machines.lab.client("s3").create_bucket(Bucket=place["Bucket"])
    put = {**place, "Body": "é", "ContentLength": 10**12}
    machines.run(task("arn:aws:states:::aws-sdk:s3:putObject", Parameters=put))
    events = machines.run(task("arn:aws:states:::aws-sdk:s3:getObject", Parameters=place))
    output = json.loads(details(events[-1])["output"])
    assert (output["Body"], output["ContentLength"]) == ('"é"', 4)
    assert output["LastModified"].endswith("Z")


def test_a_message_says_what_it_was_sent_with(machines: Machines) -> None:
    sqs = machines.lab.client("sqs")
    queue = sqs.create_queue(QueueName=f"tests-{uuid.uuid4().hex}")["QueueUrl"]
    parameters = {"QueueUrl": queue, "MessageBody": {"a": 1}}
    events = machines.run(task("arn:aws:states:::sqs:sendMessage", Parameters=parameters))
    output = json.loads(details(events[-1])["output"])
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert (message["Body"], message["MessageId"]) == ('{"a":1}', output["MessageId"])
    assert output["MD5OfMessageBody"] == message["MD5OfBody"]


def test_an_event_names_the_execution_that_put_it(machines: Machines) -> None:
    events, sqs = machines.lab.client("events"), machines.lab.client("sqs")
    name = f"tests-{uuid.uuid4().hex}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "a", "Arn": arn}])
    entry = {"Source": name, "DetailType": "a", "Detail": {"b": 1}, "Resources": ["mine"]}
    execution = machines.start(task("arn:aws:states:::events:putEvents", Parameters={"Entries": [entry]}))
    assert machines.end(execution)["status"] == "SUCCEEDED"
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail"] == {"b": 1}
    assert event["resources"] == ["mine", machines.end(execution)["stateMachineArn"], execution]


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
    ended = machines.end(started["executionArn"])
    assert (ended["status"], "error" in ended) == ("ABORTED", False)
    assert ended["cause"] == (
        f"The Task state in AWS Step Functions execution [{parent}] which was managing this resource was aborted"
    )


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("sagemaker:createTrainingJob.sync", "not in the sandbox"),
        ("sqs:sendMessage.sync", "not recognized"),
        ("aws-sdk:s3:listBuckets.sync", "not recognized"),
        ("athena:listDatabases", "not recognized"),
        ("aws-sdk:nosuch:thing", "not recognized"),
        ("aws-sdk:s3:fly", "not recognized"),
        ("aws-sdk:stepfunctions:listStateMachines", "not recognized"),
        ("nosuch:thing", "not recognized"),
        ("http:invoke", "not in the sandbox"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(machines: Machines, resource: str, said: str) -> None:
    with pytest.raises(machines.sfn.exceptions.InvalidDefinition, match=said):
        machines.create(task(f"arn:aws:states:::{resource}", Parameters={}))


def test_waiting_for_a_query(machines: Machines) -> None:
    bucket = f"integrations-{uuid.uuid4().hex}"
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
    assert found["Status"]["CompletionDateTime"] >= round(events[2]["timestamp"].timestamp() * 1000)


@pytest.fixture
def long_query(machines: Machines) -> Iterator[dict[str, Any]]:
    """A task that waits for a query of ten minutes."""
    bucket = f"tests-{uuid.uuid4().hex}"
    machines.lab.client("s3").create_bucket(Bucket=bucket)
    machines.lab.query_seconds(600)
    query = {"QueryString": "SELECT 1 AS a", "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/"}}
    yield {"resource": "arn:aws:states:::athena:startQueryExecution.sync", "Parameters": query}
    machines.lab.query_seconds()


def test_the_end_of_a_query_is_found_soon(machines: Machines, long_query: dict[str, Any]) -> None:
    with machines.lab.fast_forward():
        events = machines.run(task(**long_query))
    waited = (details_of(events, "TaskSucceeded")["timestamp"] - details_of(events, "TaskStarted")["timestamp"]).seconds
    assert 600 <= waited <= 600 * 1.02


@pytest.mark.parametrize("how", ["stopped", "timed out"])
def test_a_query_ends_with_the_task_that_waits_for_it(machines: Machines, long_query: dict[str, Any], how: str) -> None:
    athena = machines.lab.client("athena")
    bound = {"TimeoutSeconds": 2} if how == "timed out" else {}
    arn = machines.start(task(**{**long_query, **bound}))
    deadline = time.monotonic() + 20
    while not any(event["type"] == "TaskSubmitted" for event in machines.events(arn)):
        assert time.monotonic() < deadline
    if how == "stopped":
        machines.sfn.stop_execution(executionArn=arn)
    machines.end(arn)
    submitted = details_of(machines.events(arn), "TaskSubmitted")["taskSubmittedEventDetails"]
    query = json.loads(submitted["output"])["QueryExecutionId"]
    while athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] != "CANCELLED":
        assert time.monotonic() < deadline


@pytest.mark.parametrize("bound", [{"HeartbeatSeconds": 1}, {"TimeoutSeconds": 1}])
def test_a_task_token_that_nobody_returns(machines: Machines, echo: str, bound: Any) -> None:
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
    assert details(events[-2]) == {"error": "States.Timeout", **named}


def test_an_activity(machines: Machines) -> None:
    activity = machines.sfn.create_activity(name="integrations")["activityArn"]
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
    activity = machines.sfn.create_activity(name="integrations-idle")["activityArn"]
    events = machines.run(task(activity, TimeoutSeconds=1))
    assert [event["type"] for event in events][2:] == ["ActivityScheduled", "ActivityTimedOut", "ExecutionFailed"]


def test_more_calls_at_once_than_there_are_threads_for(machines: Machines) -> None:
    machines.lab.client("sqs").create_queue(QueueName="tests-crowd")
    each = task("arn:aws:states:::aws-sdk:sqs:getQueueUrl", Parameters={"QueueName": "tests-crowd"})
    events = machines.run(states(M={"Type": "Map", "ItemProcessor": each, "End": True}), [0] * 300)
    assert len(json.loads(details(events[-1])["output"])) == 300


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
