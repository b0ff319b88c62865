"""The events of an Express execution: they stand in the log group that its machine's logging configuration names."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from helpers import calls
from helpers.engine.execution import ENDINGS
from helpers.errors import NotFound
from helpers.execution import Execution
from helpers.lab import Lab

__all__ = ["Logged", "executions", "logged"]

# How far back we look: a log group is read from its oldest line, and what is asked for is mostly new.
BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=14), None)


@dataclass(frozen=True)
class Logged:
    """The log records of an execution, its machine's definition as it is now, and what the log lacks, in sentences."""

    records: list[dict[str, Any]]
    definition: str
    lacks: list[str]


def logged(arn: str, lab: Lab) -> Logged:
    """What the machine of an Express execution logged of it.

    Raises NotFound where the machine is gone or logs nothing, or its log has nothing of this execution, and NotAllowed.
    """
    parts = arn.split(":")
    owner = ":".join([*parts[:5], "stateMachine", parts[6].split("/")[0]])
    machine, group = _machine(owner, lab)
    pattern = f'{{ $.execution_arn = "{arn}" }}'
    records = _records(lab, group, pattern, arn, lambda found: any(record.get("id") == "1" for record in found))
    if not records:
        raise NotFound(
            f"The log group {group} holds nothing of the Express execution {arn}: a record comes some seconds after "
            "its event, and goes when the group's retention is over."
        )
    logging, name = machine["loggingConfiguration"], machine["name"]
    lacks = []
    if logging["level"] != "ALL":
        lacks.append(f"The machine {name} logs events of level {logging['level']} alone, so others are missing.")
    if not logging.get("includeExecutionData"):
        lacks.append(f"The machine {name} logs no execution data, so inputs and outputs are missing.")
    return Logged(records, machine["definition"], lacks)


def executions(machine: str, status: str | None, most: int, lab: Lab) -> list[Execution]:
    """The executions that an Express machine logged, newest first, at most `most`; of one status or of all.

    Raises as `logged`.
    """
    found, group = _machine(machine, lab)
    own = ":".join([*machine.split(":")[:5], "express", found["name"], ""])

    def fitting(records: list[dict[str, Any]]) -> list[Execution]:
        ends: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            if record["type"].startswith("Execution"):
                ends.setdefault(record["execution_arn"], []).append(record)
        all_ = [_execution(machine, arn, logged) for arn, logged in ends.items()]
        return sorted((one for one in all_ if status in (None, one.status)), key=lambda one: one.started, reverse=True)

    pattern = f'{{ ($.execution_arn = "{own}*") && ($.type = "Execution*") }}'
    return fitting(_records(lab, group, pattern, own, lambda records: len(fitting(records)) >= most))[:most]


def _execution(machine: str, arn: str, logged: list[dict[str, Any]]) -> Execution:
    """By what was logged of its beginning and its end: a low level logs the end alone, and of some."""
    status = ENDINGS.get(logged[-1]["type"], "RUNNING")
    began, ended = (datetime.fromtimestamp(int(logged[at]["event_timestamp"]) / 1000, UTC) for at in (0, -1))
    return Execution(arn, arn.split(":", 7)[-1], machine, status, began, None if status == "RUNNING" else ended)


def _machine(arn: str, lab: Lab) -> tuple[dict[str, Any], str]:
    """An Express machine as it is, and the log group that it names."""
    with calls.plainly(f"read the Express machine {arn}"):
        machine = calls.client(lab).describe_state_machine(stateMachineArn=arn)
    logging = machine.get("loggingConfiguration", {})
    groups = [to.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "") for to in logging.get("destinations", [])]
    if logging.get("level", "OFF") == "OFF" or not groups:
        raise NotFound(
            f"An Express execution's events are in its machine's log alone, and {machine['name']} has none: give the "
            "machine a logging configuration of level ALL with execution data, and start the execution again."
        )
    return machine, groups[0].split(":log-group:")[-1].removesuffix(":*")


def _records(
    lab: Lab, group: str, pattern: str, own: str, enough: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """The records that fit a filter pattern, of executions whose ARN begins so: from as far back as gives enough."""
    found: list[dict[str, Any]] = []
    for back in BACK:
        since = {} if back is None else {"startTime": int((lab.now() - back).timestamp() * 1000)}
        asked = {"logGroupName": group, "filterPattern": pattern, **since}
        with calls.plainly(f"read the log group {group}"):
            pages = lab.client("logs").get_paginator("filter_log_events").paginate(**asked)
            lines = [event["message"] for page in pages for event in page["events"] if own in event["message"]]
        found = [record for record in map(json.loads, lines) if record.get("execution_arn", "").startswith(own)]
        if enough(found):
            break
    return found
