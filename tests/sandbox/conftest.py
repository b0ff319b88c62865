"""Executions of small machines on the test run's sandbox."""

import io
import json
import time
import uuid
import zipfile
from typing import Any

import pytest

import helpers
from tests.roles import may_everything

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        },
        {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"},
    ],
}


class Machines:
    """Makes machines, executes them and reads what became of the executions."""

    def __init__(self, lab: helpers.Lab) -> None:
        self.lab = lab
        self.sfn = lab.client("stepfunctions")
        name = f"tests-{uuid.uuid4().hex[:8]}"
        iam = lab.client("iam")
        self.role = may_everything(iam, iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)))

    def create(self, definition: dict[str, Any]) -> str:
        """A machine's ARN."""
        made = self.sfn.create_state_machine(
            name=f"tests-{uuid.uuid4().hex}", definition=json.dumps(definition), roleArn=self.role
        )
        return str(made["stateMachineArn"])

    def start(self, definition: dict[str, Any], data: Any = None) -> str:
        """The ARN of an execution just started."""
        text = json.dumps({} if data is None else data)
        return str(self.sfn.start_execution(stateMachineArn=self.create(definition), input=text)["executionArn"])

    def end(self, arn: str) -> dict[str, Any]:
        """DescribeExecution, once the execution has ended."""
        deadline = time.monotonic() + 60
        while (found := self.sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{arn} still runs"
            time.sleep(0.02)
        return dict(found)

    def events(self, arn: str) -> list[dict[str, Any]]:
        """The whole history."""
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def run(self, definition: dict[str, Any], data: Any = None) -> list[dict[str, Any]]:
        """The history of an execution from start to end."""
        arn = self.start(definition, data)
        self.end(arn)
        return self.events(arn)

    def function(self, code: str) -> str:
        """The ARN of a function made of one file with a `handler`."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("handler.py", code)
        client = self.lab.client("lambda")
        name = f"tests-{uuid.uuid4().hex[:8]}"
        arn = client.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=self.role,
            Handler="handler.handler",
            Code={"ZipFile": packed.getvalue()},
        )["FunctionArn"]
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        return str(arn)


def states(**found: dict[str, Any]) -> dict[str, Any]:
    """A machine of these states, the first first."""
    return {"StartAt": next(iter(found)), "States": found}


def jsonata(**found: dict[str, Any]) -> dict[str, Any]:
    """The same in JSONata."""
    return {"QueryLanguage": "JSONata", **states(**found)}


def details(event: dict[str, Any]) -> dict[str, Any]:
    """What an event says beyond its type."""
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def links(events: list[dict[str, Any]]) -> list[str]:
    """Each event as its type and the id it follows from."""
    return [f"{event['type']} {event['previousEventId']}" for event in events]


@pytest.fixture(scope="package")
def machines(lab: helpers.Lab) -> Machines:
    return Machines(lab)
