"""What deploy grants a machine's role: without each action something fails, or AWS's reason for it stands here."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

import helpers
from helpers import definition, deploy, execution
from helpers.deploy.permissions import machine_statements
from helpers.deploy.resources import setting

QUERY = "a query may be any statement, and which of these it calls stands in its text (IAM policies for Athena)"
UPLOAD = "a result of many megabytes is uploaded in parts (Amazon S3, multipart upload permissions)"
GRANTED_FOR = {
    **dict.fromkeys(
        (
            "glue:BatchCreatePartition",
            "glue:BatchDeletePartition",
            "glue:BatchDeleteTable",
            "glue:BatchGetPartition",
            "glue:CreateDatabase",
            "glue:CreatePartition",
            "glue:CreateTable",
            "glue:DeleteDatabase",
            "glue:DeletePartition",
            "glue:DeleteTable",
            "glue:GetDatabases",
            "glue:GetPartition",
            "glue:GetPartitions",
            "glue:GetTables",
            "glue:UpdateDatabase",
            "glue:UpdatePartition",
            "glue:UpdateTable",
        ),
        QUERY,
    ),
    **dict.fromkeys(
        ("s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts"),
        UPLOAD,
    ),
    "athena:GetDataCatalog": "a query may name a catalogue of its own (IAM policies for Athena)",
    "lakeformation:GetDataAccess": "where Lake Formation manages the tables, it hands out the access to their data",
    "glue:GetJobRuns": "AWS's own policy has it beside GetJobRun (IAM policies for AWS Glue)",
    "logs:CreateLogStream": "since 2022 Step Functions opens the stream as the role (logging with CloudWatch Logs)",
    "logs:DeleteLogDelivery": "the delivery is ended when logging is switched off",
    "logs:PutLogEvents": "since 2022 Step Functions writes the events as the role (logging with CloudWatch Logs)",
    "states:RedriveExecution": "a redrive of the parent redrives the children of its Map Runs",
    "states:DescribeExecution": "of a distributed Map's children: a redrive looks at them first (Distributed Map)",
}
"""Actions without which nothing fails on the sandbox, and what AWS wants them for."""
STOPS = {
    "states:StopExecution",
    "athena:StopQueryExecution",
    "glue:BatchStopJobRun",
    "batch:TerminateJob",
    "ecs:StopTask",
}
"""Actions without which what was started goes on: held by tests/sandbox/test_roles.py and integrations/test_jobs.py."""


def task(resource: str, parameters: dict[str, Any], name: str = "Ask") -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}
    return {"StartAt": name, "States": {name: state}}


@dataclass(frozen=True)
class Case:
    """A machine, and what is read off it."""

    machine: dict[str, Any]
    logging: bool = False


@pytest.fixture(scope="module")
def cases(lab: helpers.Lab) -> Iterator[dict[str, Case]]:
    """A machine for each integration that is known, ready to run."""
    tag = uuid.uuid4().hex[:6]
    s3, bucket = lab.client("s3"), lab.bucket_name(f"grants-{tag}")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="items/a.csv", Body=b"n\n1\n")
    table = f"grants_{tag}"
    place = {"OutputLocation": f"s3://{bucket}/results/"}
    athena = lab.client("athena")
    made = athena.start_query_execution(
        QueryString=f"CREATE EXTERNAL TABLE {table} (n string) LOCATION 's3://{bucket}/items/'",
        ResultConfiguration=place,
    )["QueryExecutionId"]
    while athena.get_query_execution(QueryExecutionId=made)["QueryExecution"]["Status"]["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        pass
    query = {"QueryString": f"SELECT * FROM {table}", "ResultConfiguration": place}
    dynamo, name = lab.client("dynamodb"), lab.name(f"grants-{tag}")
    dynamo.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "again",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    found = {
        "IndexName": "again",
        "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": {"S": "1"}},
    }
    queue = lab.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    topic = lab.client("sns").create_topic(Name=name)["TopicArn"]
    function = deploy.function("stepfunctionlambda_test", lab=lab)
    passing = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    child = deploy.state_machine(f"grants-child-{tag}", passing, lab=lab)
    sfn = lab.client("stepfunctions")
    version = sfn.publish_state_machine_version(stateMachineArn=child)["stateMachineVersionArn"]
    latest = lab.client("lambda").publish_version(FunctionName=function)["Version"]
    express = deploy.state_machine(f"grants-express-{tag}", passing, type="EXPRESS", lab=lab)
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **passing}
    spread = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket": bucket, "Key": "items/a.csv"},
        },
        "ItemProcessor": processor,
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": bucket, "Prefix": "out"},
        },
        "End": True,
    }
    entry = {"Source": "grants", "DetailType": "Any", "Detail": {}}
    batch = {"JobName": "n", "JobDefinition": "sums:1", "JobQueue": "quick"}
    lab.stand_in("Job", seconds=0)
    yield {
        "a function": Case({"StartAt": "F", "States": {"F": {"Type": "Task", "Resource": function, "End": True}}}),
        "lambda": Case(task("lambda:invoke", {"FunctionName": function})),
        "a version of a function": Case(task("lambda:invoke", {"FunctionName": function, "Qualifier": latest})),
        "a version of a machine": Case(task("states:startExecution", {"StateMachineArn": version})),
        "an index": Case(task("aws-sdk:dynamodb:query", {"TableName": name, **found})),
        "s3": Case(task("aws-sdk:s3:listObjectVersions", {"Bucket": bucket})),
        "sqs": Case(task("sqs:sendMessage", {"QueueUrl": queue, "MessageBody": "a"})),
        "sns": Case(task("sns:publish", {"TopicArn": topic, "Message": "a"})),
        "events": Case(task("events:putEvents", {"Entries": [entry]})),
        "dynamodb": Case(task("dynamodb:putItem", {"TableName": name, "Item": {"id": {"S": "1"}}})),
        "states": Case(task("states:startExecution.sync:2", {"StateMachineArn": child})),
        "sfn": Case(task("aws-sdk:sfn:startSyncExecution", {"StateMachineArn": express})),
        "athena": Case(task("athena:startQueryExecution.sync", query)),
        "aws-sdk:athena": Case(task("aws-sdk:athena:startQueryExecution", query)),
        "glue": Case(task("glue:startJobRun.sync", {"JobName": "nightly"}, "Job")),
        "batch": Case(task("batch:submitJob.sync", batch, "Job")),
        "ecs": Case(task("ecs:runTask.sync", {"TaskDefinition": "sums:1"}, "Job")),
        "ecs, the latest": Case(task("ecs:runTask", {"TaskDefinition": "sums"}, "Job")),
        "a distributed Map": Case({"StartAt": "M", "States": {"M": spread}}),
        "a log": Case(passing, logging=True),
    }
    dynamo.delete_table(TableName=name)
    lab.client("sqs").delete_queue(QueueUrl=queue)
    lab.client("sns").delete_topic(TopicArn=topic)
    deploy.tear_down(lab)


NAMES = ("a function", "lambda", "sqs", "sns", "events", "dynamodb", "states", "sfn", "athena", "aws-sdk:athena")
NAMES += ("a version of a function", "a version of a machine", "an index", "s3")
NAMES += ("glue", "batch", "ecs", "ecs, the latest", "a distributed Map", "a log")


@pytest.fixture(scope="module")
def group(lab: helpers.Lab) -> Iterator[str]:
    name = f"/aws/vendedlogs/grants-{uuid.uuid4().hex[:6]}"
    lab.client("logs").create_log_group(logGroupName=name)
    yield f"arn:aws:logs:{lab.region}:{lab.account}:log-group:{name}:*"
    lab.client("logs").delete_log_group(logGroupName=name)


def fails(lab: helpers.Lab, case: Case, name: str, statements: list[dict[str, Any]], group: str) -> str | None:
    """What fails with a role of these statements: "creation", the run with its cause, or nothing."""
    sfn, iam = lab.client("stepfunctions"), lab.client("iam")
    deploy.role(f"{name}-states", service="states", statements=statements, lab=lab)
    role = iam.get_role(RoleName=lab.name(f"{name}-states-{lab.region}"))["Role"]["Arn"]
    logging: dict[str, Any] = {"level": "OFF"}
    if case.logging:
        logging = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
    try:
        made = sfn.create_state_machine(
            name=lab.name(name), definition=json.dumps(case.machine), roleArn=role, loggingConfiguration=logging
        )["stateMachineArn"]
    except ClientError as error:
        return f"creation: {error}"
    try:
        with lab.fast_forward():
            ended = execution.wait(execution.start(made, {}, lab=lab), progress=False, lab=lab)
        if "aws-sdk:athena" in json.dumps(case.machine) and ended.status == "SUCCEEDED":
            return _query_failed(lab, json.loads(ended.output or "{}")["QueryExecutionId"])
        return None if ended.status == "SUCCEEDED" else f"{ended.error}: {ended.cause}"
    finally:
        sfn.delete_state_machine(stateMachineArn=made)


def _query_failed(lab: helpers.Lab, query: str) -> str | None:
    athena = lab.client("athena")
    while True:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            return None if status["State"] == "SUCCEEDED" else str(status["StateChangeReason"])


@pytest.mark.parametrize("name", NAMES)
def test_each_action_that_is_granted_is_needed(lab, cases, group, name):
    case = cases[name]
    machine = f"grants-{NAMES.index(name)}"
    granted = machine_statements(case.machine, setting(lab, lab.name(machine)), logging=case.logging)
    assert fails(lab, case, machine, granted, group) is None
    for action in sorted({action for statement in granted for action in statement["Action"]} - STOPS):
        less = [{**one, "Action": [other for other in one["Action"] if other != action]} for one in granted]
        failed = fails(lab, case, machine, [one for one in less if one["Action"]], group)
        if failed is None:
            assert action in GRANTED_FOR, f"{action} is granted for nothing"
        else:
            assert action not in GRANTED_FOR or name == "states", failed


def test_no_action_is_excused_that_is_not_granted(lab, cases):
    granted = {
        action
        for case in cases.values()
        for statement in machine_statements(case.machine, setting(lab, lab.name("any")), logging=case.logging)
        for action in statement["Action"]
    }
    assert GRANTED_FOR.keys() | STOPS <= granted


def test_what_a_definition_names_is_granted_by_its_arn_alone(lab):
    child = f"arn:aws:states:{lab.region}:{lab.account}:stateMachine:child"
    machine = definition.load(
        "standard_parent", ChildArn=child, StartJobArn=f"arn:aws:lambda:{lab.region}:1:function:f"
    )
    granted = deploy.statements(machine, "parent", lab=lab)
    assert {"Effect": "Allow", "Action": ["states:StartSyncExecution"], "Resource": [child]} in granted
    assert not any("*" in statement["Resource"] for statement in granted)
