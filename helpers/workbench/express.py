"""The events of an Express execution: they stand in the log group that its machine's logging configuration names."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from helpers import calls
from helpers.errors import NotFound
from helpers.lab import Lab

__all__ = ["Logged", "logged"]

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
    name = parts[6].split("/")[0]
    with calls.plainly(f"read the machine {name} of the Express execution {arn}"):
        machine = calls.client(lab).describe_state_machine(stateMachineArn=":".join([*parts[:5], "stateMachine", name]))
    logging = machine.get("loggingConfiguration", {})
    groups = [to.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "") for to in logging.get("destinations", [])]
    if logging.get("level", "OFF") == "OFF" or not groups:
        raise NotFound(
            f"An Express execution's events are in its machine's log alone, and {name} has none: give the machine a "
            "logging configuration of level ALL with execution data, and start the execution again."
        )
    group = groups[0].split(":log-group:")[-1].removesuffix(":*")
    records: list[dict[str, Any]] = []
    for back in BACK:
        records = _records(lab, group, arn, back)
        if any(record.get("id") == "1" for record in records):
            break
    if not records:
        raise NotFound(
            f"The log group {group} holds nothing of the Express execution {arn}: a record comes some seconds after "
            "its event, and goes when the group's retention is over."
        )
    lacks = []
    if logging["level"] != "ALL":
        lacks.append(f"The machine {name} logs events of level {logging['level']} alone, so others are missing.")
    if not logging.get("includeExecutionData"):
        lacks.append(f"The machine {name} logs no execution data, so inputs and outputs are missing.")
    return Logged(records, machine["definition"], lacks)


def _records(lab: Lab, group: str, arn: str, back: timedelta | None) -> list[dict[str, Any]]:
    since = {} if back is None else {"startTime": int((lab.now() - back).timestamp() * 1000)}
    asked = {"logGroupName": group, "filterPattern": f'{{ $.execution_arn = "{arn}" }}', **since}
    found = []
    with calls.plainly(f"read the log group {group}"):
        for page in lab.client("logs").get_paginator("filter_log_events").paginate(**asked):
            found += [json.loads(event["message"]) for event in page["events"] if arn in event["message"]]
    return [record for record in found if record.get("execution_arn") == arn]
