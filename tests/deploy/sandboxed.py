"""What is there on the sandbox, and calls that AWS refuses."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import helpers
from helpers.deploy import resources


def everything(lab: helpers.Lab) -> list[str]:
    """The names of all roles, functions, machines and log groups that there are, whoever made them."""
    return sorted(
        [
            *(one["RoleName"] for one in lab.client("iam").list_roles()["Roles"]),
            *(one["FunctionName"] for one in lab.client("lambda").list_functions()["Functions"]),
            *(one["name"] for one in lab.client("stepfunctions").list_state_machines()["stateMachines"]),
            *(one["logGroupName"] for one in lab.client("logs").describe_log_groups()["logGroups"]),
        ]
    )


def passing() -> dict[str, Any]:
    return {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}


def queried(lab: helpers.Lab, sql: str, bucket: str) -> None:
    athena = lab.client("athena")
    place = {"OutputLocation": f"s3://{bucket}/results/"}
    query = athena.start_query_execution(QueryString=sql, ResultConfiguration=place)["QueryExecutionId"]
    state = "QUEUED"
    while state in ("QUEUED", "RUNNING"):
        state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
    assert state == "SUCCEEDED"


def listen(lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch, event: str, handler: Callable[..., Any]) -> None:
    """Let new clients of the lab call `handler` at an event; those that others share stay as they are."""

    @cache
    def client(service: str, **options: Any) -> Any:
        made = lab.session.client(service, **options)
        made.meta.events.register(event, handler)
        return made

    monkeypatch.setattr(lab, "client", client)


class Refusing:
    """Makes an operation of the real client fail with AWS's words, a number of times; the rest goes through."""

    def __init__(
        self, lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch, operation: str, refusals: list[tuple[str, str]]
    ):
        self.left = list(refusals)
        self.pauses: list[float] = []

        def refuse(model: Any, **_: Any) -> Any:
            if model.name == operation and self.left:
                code, message = self.left.pop(0)
                return type("Response", (), {"status_code": 400})(), {
                    "Error": {"Code": code, "Message": message},
                    "ResponseMetadata": {"HTTPStatusCode": 400},
                }
            return None

        listen(lab, monkeypatch, "before-call", refuse)
        monkeypatch.setattr(resources.time, "sleep", self.pauses.append)
