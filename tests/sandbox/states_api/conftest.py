"""What the tests of the Step Functions API share: a role, machines that go away again, and waiting for an end."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from tests.roles import may_everything

PASS = {"StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": True}}}
SLEEP = {"StartAt": "Sleep", "States": {"Sleep": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FAIL = {"StartAt": "Go", "States": {"Go": {"Type": "Fail", "Error": "Oops", "Cause": "It broke."}}}

Machines = Callable[..., str]


@pytest.fixture(scope="session")
def states(lab: helpers.Lab) -> Any:
    """The Step Functions client."""
    return lab.client("stepfunctions")


def make_role(lab: helpers.Lab, service: str = "states.amazonaws.com") -> str:
    """The ARN of a new role that `service` may assume."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = f"states-api-{uuid.uuid4().hex[:8]}"
    iam = lab.client("iam")
    return may_everything(iam, iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust))


@pytest.fixture(scope="session")
def role(lab: helpers.Lab) -> str:
    """A role that Step Functions may assume."""
    return make_role(lab)


@pytest.fixture
def machine(states: Any, role: str) -> Iterator[Machines]:
    """Makes a machine of a definition, with a name of its own unless given, and returns its ARN."""
    made: list[str] = []

    def make(definition: dict[str, Any] = PASS, **options: Any) -> str:
        options = {"name": f"m-{uuid.uuid4().hex[:12]}", "roleArn": role, **options}
        made.append(states.create_state_machine(definition=json.dumps(definition), **options)["stateMachineArn"])
        return made[-1]

    yield make
    for arn in made:
        states.delete_state_machine(stateMachineArn=arn)


@pytest.fixture
def until(states: Any) -> Callable[..., dict[str, Any]]:
    """Waits until an execution has a status, and returns its description."""

    def wait(arn: str, *statuses: str) -> dict[str, Any]:
        wanted = statuses or ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
        deadline = time.monotonic() + 20
        while (found := states.describe_execution(executionArn=arn))["status"] not in wanted:
            assert time.monotonic() < deadline, f"{arn} is still {found['status']}"
            time.sleep(0.01)
        result: dict[str, Any] = found
        return result

    return wait


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of the error that a call answers with."""
    with pytest.raises(call.__self__.exceptions.ClientError) as caught:  # type: ignore[attr-defined]
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def types(states: Any, arn: str) -> list[str]:
    """The types of an execution's events."""
    return [event["type"] for event in states.get_execution_history(executionArn=arn)["events"]]
