"""Machines made for a test from their definition, their executions, and functions for their tasks."""

import contextlib
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from helpers import execution
from tests.roles import may_everything

Events = list[dict[str, Any]]
_numbers = itertools.count()


def wait(seconds: float, **more: Any) -> dict[str, Any]:
    """A Wait state."""
    return {"Type": "Wait", "Seconds": seconds, **(more or {"End": True})}


def loop(seconds: float) -> dict[str, dict[str, Any]]:
    """States that wait again and again, for ever."""
    never = {"Variable": "$.never", "IsPresent": True, "Next": "End"}
    return {
        "Loop": wait(seconds, Next="Again"),
        "Again": {"Type": "Choice", "Choices": [never], "Default": "Loop"},
        "End": {"Type": "Succeed"},
    }


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    """A definition of these states, from the first on."""
    return {"StartAt": next(iter(states)), "States": states}


def at(events: Events, event_type: str, name: str | None = None) -> list[float]:
    """When events of a type (of a state) were stamped, in seconds after the execution's start."""
    return [
        (event["timestamp"] - events[0]["timestamp"]).total_seconds()
        for event in events
        if event["type"] == event_type
        and (name is None or any(isinstance(d, dict) and d.get("name") == name for d in event.values()))
    ]


def types(events: Events) -> list[str]:
    """The types of the events, in order."""
    return [event["type"] for event in events]


@pytest.fixture(scope="session")
def role(lab: helpers.Lab) -> str:
    """The ARN of a role for machines and functions."""
    services = ["states.amazonaws.com", "lambda.amazonaws.com"]
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = lab.client("iam")
    return may_everything(iam, iam.create_role(RoleName="clock", AssumeRolePolicyDocument=policy))


class Runner:
    """Starts executions of definitions and reads what became of them."""

    def __init__(self, lab: helpers.Lab, role: str) -> None:
        self.lab, self.role = lab, role
        self.sfn = lab.client("stepfunctions")

    def start(self, definition: dict[str, Any], **given: Any) -> str:
        """The ARN of a new execution of a new machine."""
        made = self.sfn.create_state_machine(
            name=f"clock-{next(_numbers)}", definition=json.dumps(definition), roleArn=self.role
        )
        started = self.sfn.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps(given))
        return str(started["executionArn"])

    def events(self, arn: str) -> Events:
        """An execution's events so far."""
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=arn, maxResults=1000)
        return [event for page in pages for event in page["events"]]

    def until(self, arn: str, event_type: str) -> Events:
        """An execution's events, once one of this type is among them."""
        while event_type not in types(events := self.events(arn)):
            assert self.sfn.describe_execution(executionArn=arn)["status"] == "RUNNING", events[-1]
        return events

    def end(self, arn: str) -> dict[str, Any]:
        """DescribeExecution of an execution, once it has ended."""
        execution.wait(arn, 30, progress=False, lab=self.lab)
        return dict(self.sfn.describe_execution(executionArn=arn))

    def clear(self, made: dict[str, Any]) -> None:
        """Delete a machine and stop its executions."""
        arn = made["stateMachineArn"]
        if made["type"] == "STANDARD":
            for each in self.sfn.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
                self.sfn.stop_execution(executionArn=each["executionArn"])
        self.sfn.delete_state_machine(stateMachineArn=arn)

    def run(self, definition: dict[str, Any], **given: Any) -> Events:
        """The events of an execution, from its start to its end."""
        arn = self.start(definition, **given)
        self.end(arn)
        return self.events(arn)


@pytest.fixture
def runner(lab: helpers.Lab, role: str) -> Iterator[Runner]:
    """A Runner; what it leaves running is stopped, and the limit of a history is AWS's again."""
    runner = Runner(lab, role)
    yield runner
    lab.history_limit()
    for made in runner.sfn.list_state_machines()["stateMachines"]:
        if made["name"].startswith("clock-"):
            runner.clear(made)


@pytest.fixture
def fast(lab: helpers.Lab) -> Iterator[None]:
    """With fast-forward on."""
    with lab.fast_forward():
        yield


@pytest.fixture(scope="session")
def function(lab: helpers.Lab, role: str) -> Iterator[Callable[[str], str]]:
    """Makes a function from its source and gives its ARN."""
    client = lab.client("lambda")
    made: list[str] = []

    def make(source: str) -> str:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("main.py", source)
        answer = client.create_function(
            FunctionName=f"clock-{next(_numbers)}",
            Runtime="python3.13",
            Handler="main.handler",
            Role=role,
            Code={"ZipFile": package.getvalue()},
        )
        made.append(answer["FunctionName"])
        return str(answer["FunctionArn"])

    yield make
    for name in made:
        with contextlib.suppress(client.exceptions.ResourceNotFoundException):  # a reset came first
            client.delete_function(FunctionName=name)
