"""Functions made for a test from their source, and removed after it."""

import base64
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from tests.roles import may_everything

Make = Callable[..., str]
_numbers = itertools.count()


def zipped(files: dict[str, str]) -> bytes:
    """A zip of the given names and texts."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return package.getvalue()


def trust(service: str) -> str:
    """A trust policy for a service."""
    principal = {"Service": service}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="session")
def role(lab: helpers.Lab) -> str:
    """The ARN of a role that Lambda may assume."""
    iam = lab.client("iam")
    role = iam.create_role(RoleName="functions", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    return may_everything(iam, role)


@pytest.fixture
def make(lab: helpers.Lab, role: str) -> Iterator[Make]:
    """Makes a function from the body of its handler and gives its name; further arguments go to CreateFunction."""
    client = lab.client("lambda")
    made: list[str] = []

    def make(body: str, before: str = "", **settings: Any) -> str:
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        source = f"{before}\ndef lambda_handler(event, context):\n{lines}"
        defaults = {
            "FunctionName": f"function-{next(_numbers)}",
            "Runtime": "python3.13",
            "Handler": "lambda_function.lambda_handler",
            "Role": role,
            "Code": {"ZipFile": zipped({"lambda_function.py": source})},
        }
        made.append(client.create_function(**(defaults | settings))["FunctionName"])
        return made[-1]

    yield make
    for name in made:
        client.delete_function(FunctionName=name)


@pytest.fixture
def invoke(lab: helpers.Lab) -> Callable[..., dict[str, Any]]:
    """Invokes a function and gives AWS's answer with the payload parsed and the log tail decoded."""
    client = lab.client("lambda")

    def invoke(name: str, event: Any = None, **settings: Any) -> dict[str, Any]:
        payload = json.dumps({} if event is None else event)
        answer = client.invoke(FunctionName=name, Payload=payload, LogType="Tail", **settings)
        answer["Payload"] = json.loads(answer["Payload"].read() or b"null")
        answer["Log"] = base64.b64decode(answer.get("LogResult", "")).decode()
        return dict(answer)

    return invoke
