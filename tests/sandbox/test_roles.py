"""Roles hold: an execution does what its role may, a function what its own may, and nothing more."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

import helpers
from helpers import sandbox
from tests.roles import policy
from tests.sandbox.conftest import TRUST, Machines, states

Role = Callable[..., str]
ECHO = "def handler(event, context):\n    print('here')\n    return event\n"
LISTS = """
import boto3


def handler(event, context):
    return [one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]] is not None
"""


@pytest.fixture
def role(lab: helpers.Lab) -> Iterator[Role]:
    """Makes a role with these policies, and gives its ARN; `boundary` is a policy too."""
    iam, made, bounds = lab.client("iam"), [], []

    def make(*documents: str, boundary: str | None = None) -> str:
        name = f"roles-{uuid.uuid4().hex[:8]}"
        bound = {}
        if boundary:
            arn = iam.create_policy(PolicyName=name, PolicyDocument=boundary)["Policy"]["Arn"]
            bounds.append(arn)
            bound = {"PermissionsBoundary": arn}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **bound)["Role"]["Arn"]
        for number, document in enumerate(documents):
            iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=document)
        made.append(name)
        return str(arn)

    yield make
    for name in made:
        for one in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=one)
        iam.delete_role(RoleName=name)
    for arn in bounds:
        iam.delete_policy(PolicyArn=arn)


def run(machines: Machines, role: str, definition: dict[str, Any], data: Any = None) -> dict[str, Any]:
    """DescribeExecution of a machine that was run as a role."""
    sfn = machines.sfn
    made = sfn.create_state_machine(name=f"r-{uuid.uuid4().hex}", definition=json.dumps(definition), roleArn=role)
    begun = sfn.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps(data or {}))
    return machines.end(begun["executionArn"])


def task(resource: str, parameters: Any = None, **more: Any) -> dict[str, Any]:
    given = {} if parameters is None else {"Parameters": parameters}
    return states(T={"Type": "Task", "Resource": resource, **given, "End": True, **more})


@pytest.fixture(scope="module")
def echo(machines: Machines) -> str:
    return machines.function(ECHO)


@pytest.fixture(scope="module")
def queue(lab: helpers.Lab) -> Iterator[str]:
    url = lab.client("sqs").create_queue(QueueName=f"roles-{uuid.uuid4().hex[:6]}")["QueueUrl"]
    yield str(url)
    lab.client("sqs").delete_queue(QueueUrl=url)


def test_a_role_without_policies_calls_no_function_and_awss_words_say_so(machines: Machines, role: Role, echo: str):
    ended = run(machines, role(), task("arn:aws:states:::lambda:invoke", {"FunctionName": echo}))
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert ended["cause"].startswith("User: arn:aws:sts::123456789012:assumed-role/roles-")
    said = f"is not authorized to perform: lambda:InvokeFunction on resource: {echo} because no identity-based policy"
    assert f"{said} allows the lambda:InvokeFunction action (Service: AWSLambda; Status Code: 403; " in ended["cause"]
    assert "Error Code: AccessDeniedException" in ended["cause"]


@pytest.mark.parametrize("name", ["Lambda.AWSLambdaException", "States.Permissions", "States.TaskFailed"])
def test_a_denied_call_can_be_caught_by_its_name_and_as_permissions(machines, role, echo, name):
    done = {"Type": "Pass", "End": True}
    caught = {"Catch": [{"ErrorEquals": [name], "Next": "Caught"}]}
    machine = task("arn:aws:states:::lambda:invoke", {"FunctionName": echo}, **caught)
    machine["States"]["Caught"] = done
    assert run(machines, role(), machine)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    "resource", ["plain", "arn:aws:states:::lambda:invoke", "arn:aws:states:::aws-sdk:lambda:invoke"]
)
def test_a_role_that_may_invoke_one_function_does(machines, role, echo, resource):
    parameters = None if resource == "plain" else {"FunctionName": echo}
    allowed = role(policy("lambda:InvokeFunction", echo))
    assert run(machines, allowed, task(echo if resource == "plain" else resource, parameters))["status"] == "SUCCEEDED"
    other = role(policy("lambda:InvokeFunction", f"{echo}-other"))
    assert run(machines, other, task(echo if resource == "plain" else resource, parameters))["status"] == "FAILED"


def test_a_boundary_and_a_deny_hold_for_executions_too(machines, role, echo):
    machine = task("arn:aws:states:::lambda:invoke", {"FunctionName": echo})
    bounded = run(machines, role(policy(), boundary=policy("s3:*")), machine)
    assert "because no permissions boundary allows the lambda:InvokeFunction action" in bounded["cause"]
    denied = run(machines, role(policy(), policy("lambda:*", effect="Deny")), machine)
    assert "with an explicit deny in an identity-based policy" in denied["cause"]
    region = {"Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}}
    assert run(machines, role(policy(**region)), machine)["status"] == "FAILED"


def test_a_queues_own_policy_allows_a_role_that_has_none(lab, machines, role, queue):
    sqs, bare = lab.client("sqs"), role()
    machine = task("arn:aws:states:::sqs:sendMessage", {"QueueUrl": queue, "MessageBody": "hello"})
    denied = run(machines, bare, machine)
    assert denied["error"] == "SQS.AmazonSQSException"
    statement = {"Effect": "Allow", "Principal": {"AWS": bare}, "Action": "sqs:SendMessage", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document})
    assert run(machines, bare, machine)["status"] == "SUCCEEDED"


def test_a_policy_counts_as_soon_as_it_is_there(lab, machines, role, echo):
    machine, arn = task("arn:aws:states:::lambda:invoke", {"FunctionName": echo}), role()
    assert run(machines, arn, machine)["status"] == "FAILED"
    name = arn.split("/")[-1]
    lab.client("iam").put_role_policy(RoleName=name, PolicyName="late", PolicyDocument=policy("lambda:InvokeFunction"))
    assert run(machines, arn, machine)["status"] == "SUCCEEDED"


def test_a_task_acts_as_the_role_of_its_credentials(machines, role, echo):
    able = role(policy("lambda:InvokeFunction", echo))
    machine = task("arn:aws:states:::lambda:invoke", {"FunctionName": echo}, Credentials={"RoleArn": able})
    assert run(machines, role(policy("sts:AssumeRole", able)), machine)["status"] == "SUCCEEDED"
    denied = run(machines, role(), machine)
    assert (denied["error"], "sts:AssumeRole on resource" in denied["cause"]) == ("States.Permissions", True)


def test_a_function_acts_as_its_own_role(lab, machines, role):
    client, arn = lab.client("lambda"), machines.function(LISTS)
    assert json.load(client.invoke(FunctionName=arn)["Payload"]) is True
    bare = role(policy("logs:*"))
    client.update_function_configuration(FunctionName=arn, Role=bare)
    failed = json.load(client.invoke(FunctionName=arn)["Payload"])
    assert failed["errorType"] == "AccessDenied"
    session = f"assumed-role/{bare.split('/')[-1]}/{arn.split(':')[-1]}"
    assert f"{session} is not authorized to perform: s3:ListAllMyBuckets" in failed["errorMessage"]


def test_a_function_whose_role_may_not_log_leaves_no_log(lab, machines, role):
    client, arn, logs = lab.client("lambda"), machines.function(ECHO), lab.client("logs")
    group = f"/aws/lambda/{arn.split(':')[-1]}"
    bare = role()
    client.update_function_configuration(FunctionName=arn, Role=bare)
    assert "here" in base64.b64decode(client.invoke(FunctionName=arn, LogType="Tail")["LogResult"]).decode()
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName=group)
    lab.client("iam").put_role_policy(
        RoleName=bare.split("/")[-1],
        PolicyName="log",
        PolicyDocument=policy("logs:*", f"arn:aws:logs:*:*:log-group:{group}*"),
    )
    client.invoke(FunctionName=arn)
    assert any("here" in one["message"] for one in logs.filter_log_events(logGroupName=group)["events"])


# ----------------------------------------------------------------------------- when a machine is made


def test_sync_needs_the_rule_by_which_its_end_is_known(machines, role):
    child = machines.create(states(P={"Type": "Pass", "End": True}))
    machine = json.dumps(task("arn:aws:states:::states:startExecution.sync:2", {"StateMachineArn": child}))
    bare = role(policy("states:*"))
    with pytest.raises(ClientError, match=f"'{bare}' is not authorized to create managed-rule."):
        machines.sfn.create_state_machine(name="refused", definition=machine, roleArn=bare)


def test_a_log_needs_a_role_that_may_deliver_it(lab, machines, role):
    group = f"/aws/vendedlogs/{uuid.uuid4().hex[:8]}"
    lab.client("logs").create_log_group(logGroupName=group)
    place = {"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*"}}
    with pytest.raises(ClientError, match="not authorized to access the Log Destination"):
        machines.sfn.create_state_machine(
            name="refused",
            definition=json.dumps(states(P={"Type": "Pass", "End": True})),
            roleArn=role(policy("logs:PutLogEvents")),
            loggingConfiguration={"level": "ALL", "destinations": [place]},
        )
    lab.client("logs").delete_log_group(logGroupName=group)


# ----------------------------------------------------------------------------- what waits for an end


RULES = policy(["events:PutRule", "events:PutTargets", "events:DescribeRule"])


def test_a_nested_execution_needs_starting_and_looking(machines, role):
    child = machines.create(states(P={"Type": "Pass", "End": True}))
    machine = task("arn:aws:states:::states:startExecution.sync:2", {"StateMachineArn": child})
    runs = child.replace(":stateMachine:", ":execution:") + ":*"
    start, look = policy("states:StartExecution", child), policy("states:DescribeExecution", runs)
    assert run(machines, role(RULES, start, look), machine)["status"] == "SUCCEEDED"
    assert "states:DescribeExecution" in run(machines, role(RULES, start), machine)["cause"]
    assert "states:StartExecution" in run(machines, role(RULES, look), machine)["cause"]


@pytest.mark.parametrize("may_stop", [True, False])
def test_a_nested_execution_is_stopped_only_by_a_role_that_may(machines, role, may_stop):
    child = machines.create(states(W={"Type": "Wait", "Seconds": 3600, "End": True}))
    machine = task("arn:aws:states:::states:startExecution.sync", {"StateMachineArn": child}, TimeoutSeconds=1)
    actions = ["states:StartExecution", "states:DescribeExecution", *(["states:StopExecution"] if may_stop else [])]
    assert run(machines, role(RULES, policy(actions)), machine)["error"] == "States.Timeout"
    while sandbox.call("clock")["working"]:
        pass
    [one] = machines.sfn.list_executions(stateMachineArn=child)["executions"]
    assert one["status"] == ("ABORTED" if may_stop else "RUNNING")
    machines.sfn.stop_execution(executionArn=one["executionArn"])


def test_a_distributed_map_needs_to_start_its_own_machine(machines, role):
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    inner = {**processor, **states(P={"Type": "Pass", "End": True})}
    machine = states(M={"Type": "Map", "ItemProcessor": inner, "End": True})
    assert run(machines, role(policy("states:StartExecution")), machine, [1, 2])["status"] == "SUCCEEDED"
    denied = run(machines, role(), machine, [1, 2])
    assert "is not authorized to perform: states:StartExecution" in denied["cause"]


# ----------------------------------------------------------------------------- Athena, as whoever asks


ATHENA = [policy("athena:*"), policy("glue:*"), policy("s3:*")]


@pytest.fixture(scope="module")
def shop(lab: helpers.Lab) -> str:
    """A bucket with a table over one object in it."""
    s3, athena, bucket = lab.client("s3"), lab.client("athena"), f"shop-{uuid.uuid4().hex[:6]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="orders/1.csv", Body=b"1\n2\n")
    table = f"CREATE EXTERNAL TABLE {bucket.replace('-', '_')} (n int) LOCATION 's3://{bucket}/orders/'"
    started = athena.start_query_execution(
        QueryString=f"{table} ", ResultConfiguration={"OutputLocation": f"s3://{bucket}/results/"}
    )
    while (state := _state(athena, started["QueryExecutionId"])) in ("QUEUED", "RUNNING"):
        pass
    assert state == "SUCCEEDED"
    return bucket


def _state(athena: Any, identity: str) -> str:
    return str(athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]["Status"]["State"])


def asking(bucket: str) -> dict[str, Any]:
    return task(
        "arn:aws:states:::athena:startQueryExecution.sync",
        {
            "QueryString": f"SELECT sum(n) FROM {bucket.replace('-', '_')}",
            "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"},
        },
    )


def test_a_query_reads_and_writes_as_the_role_that_asks(machines, role, shop):
    assert run(machines, role(*ATHENA), asking(shop))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("denied", "words"),
    [
        ("athena:StartQueryExecution", "is not authorized to perform: athena:StartQueryExecution"),
        ("athena:GetQueryExecution", "is not authorized to perform: athena:GetQueryExecution"),
        ("glue:GetDatabase", "is not authorized to perform: glue:GetDatabase"),
        ("glue:GetTable", "is not authorized to perform: glue:GetTable"),
        ("s3:GetBucketLocation", "Unable to verify/create output bucket"),
        ("s3:ListBucket", "Permission denied on S3 path"),
        ("s3:GetObject", "Permission denied on S3 path"),
        ("s3:PutObject", "Access denied when writing output to url"),
    ],
)
def test_what_a_query_needs_of_the_role_that_asks(machines, role, shop, denied, words):
    ended = run(machines, role(*ATHENA, policy(denied, effect="Deny")), asking(shop))
    assert (ended["status"], words in ended["cause"]) == ("FAILED", True)


def test_a_statement_needs_the_database_that_it_names(machines, role, shop):
    mine = ["arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/mine*", "arn:aws:glue:*:*:table/mine*"]
    allowed = role(*ATHENA[::2], policy("glue:GetDatabase"), policy("glue:*", mine))
    for statement in ("CREATE DATABASE {}", "DROP TABLE IF EXISTS {}.t", "DROP SCHEMA {}"):
        for database in ("mine", "theirs"):
            asked = asking(shop)
            asked["States"]["T"]["Parameters"]["QueryString"] = statement.format(database)
            ended = run(machines, allowed, asked)
            assert ("on resource" in (ended.get("cause") or "")) == (database == "theirs"), ended
