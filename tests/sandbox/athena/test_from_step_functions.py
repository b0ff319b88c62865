"""The three ways in which a state machine waits for a query: `.sync`, the SDK's calls, a function's calls."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from helpers import definition
from tests.roles import may_everything
from tests.sandbox.lambda_runner.conftest import zipped

Execute = Callable[..., dict[str, Any]]
OUTPUT = "s3://athena-from-states/results/"


@pytest.fixture(scope="module")
def role(lab: helpers.Lab) -> Iterator[str]:
    """A role for machine and functions, and queries that run for 30 seconds."""
    lab.client("s3").create_bucket(Bucket="athena-from-states")
    principal = {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    iam = lab.client("iam")
    role = iam.create_role(RoleName="athena-states", AssumeRolePolicyDocument=json.dumps(trust))
    lab.query_seconds(30)
    yield may_everything(iam, role)
    lab.query_seconds()


@pytest.fixture
def execute(lab: helpers.Lab, role: str) -> Execute:
    """Runs a machine of the lessons with an SQL text to its end, fast-forwarded; gives DescribeExecution's answer."""
    states = lab.client("stepfunctions")

    def execute(name: str, sql: str, **functions: str) -> dict[str, Any]:
        filled = definition.load(name, Database="default", OutputLocation=OUTPUT, **functions)
        machine = states.create_state_machine(
            name=f"{name}-{uuid.uuid4().hex[:6]}", definition=json.dumps(filled), roleArn=role
        )
        given = json.dumps({"sql": sql, "database": "default", "output": OUTPUT})
        with lab.fast_forward():
            started = states.start_execution(stateMachineArn=machine["stateMachineArn"], input=given)
            while True:
                found = states.describe_execution(executionArn=started["executionArn"])
                if found["status"] != "RUNNING":
                    return dict(found)

    return execute


@pytest.fixture
def functions(lab: helpers.Lab, role: str) -> Iterator[dict[str, str]]:
    """The lessons' functions that start and ask a query, by the placeholders that they fill."""
    client, made = lab.client("lambda"), {}
    for placeholder, name in (("StartQueryArn", "start_query"), ("AskQueryArn", "ask_query")):
        source = (definition.function_source(name) / "lambda_function.py").read_text()
        made[placeholder] = client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="lambda_function.lambda_handler",
            Role=role,
            Timeout=30,
            Code={"ZipFile": zipped({"lambda_function.py": source})},
        )["FunctionArn"]
    yield made
    for arn in made.values():
        client.delete_function(FunctionName=arn)


@pytest.mark.parametrize("name", ["athena_sync", "athena_sdk"])
def test_a_machine_waits_for_a_query(execute, name):
    found = execute(name, "SELECT 1 AS one")
    assert found["status"] == "SUCCEEDED", found.get("cause")
    query = json.loads(found["output"])["query"]
    assert query["status"] == "SUCCEEDED"
    assert query["result"] == f"{OUTPUT}{query['id']}.csv"
    assert (found["stopDate"] - found["startDate"]).total_seconds() >= 30


@pytest.mark.parametrize("name", ["athena_sync", "athena_sdk"])
def test_a_query_that_fails_fails_the_execution(execute, name):
    found = execute(name, "SELECT nothing FROM nowhere")
    assert found["status"] == "FAILED"


def test_a_function_starts_a_query_with_boto3(execute, functions):
    found = execute("athena_lambda", "SELECT 1 AS one", **functions)
    assert found["status"] == "SUCCEEDED", found.get("cause")
    assert "SUCCEEDED" in found["output"]
