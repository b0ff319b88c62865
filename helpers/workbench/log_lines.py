"""The log lines that a Lambda function wrote during one attempt."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from helpers import calls
from helpers.history.sources import parsed
from helpers.lab import Lab

__all__ = ["Lines", "called_function", "lines_of", "request_id"]

MOST = 1_000
MARGIN = timedelta(seconds=5)  # that Lambda's stamps may differ from those of Step Functions
FUNCTION = re.compile(r"(?:arn:[^:]*:lambda:[^:]*:\d+:function:|\d+:function:)?([A-Za-z0-9_-]+)(?::[^:]*)?")
REQUEST_ID = re.compile(r"RequestId: (\S+)")


@dataclass(frozen=True)
class Lines:
    """Log lines with their stamps (UTC), and a sentence on how they were found."""

    lines: list[tuple[datetime, str]]
    how: str


def called_function(own: pd.DataFrame) -> str | None:
    """The name of the Lambda function that a attempt's events call, None for another kind of task."""
    for kind, resource, given in zip(own["type"], own["resource"], own["input"], strict=True):
        if kind == "LambdaFunctionScheduled" and isinstance(resource, str):
            return _name(resource)
        if kind == "TaskScheduled" and isinstance(given, str) and str(resource).startswith("invoke"):
            named = _parsed(given).get("FunctionName")
            return _name(named) if isinstance(named, str) else None
    return None


def request_id(own: pd.DataFrame) -> str | None:
    """The id of the request that an attempt made, from its answer or from its error; None where neither holds it."""
    for cause, output in zip(own["cause"][::-1], own["output"][::-1], strict=True):
        if isinstance(cause, str) and isinstance(found := _parsed(cause).get("requestId"), str):
            return found
        metadata = _parsed(output).get("SdkResponseMetadata") if isinstance(output, str) else None
        if isinstance(metadata, dict) and isinstance(metadata.get("RequestId"), str):
            return str(metadata["RequestId"])
    return None


def lines_of(function: str, request: str | None, began: datetime, ended: datetime, lab: Lab) -> Lines:
    """The lines that `function` logged for a request, or, where its id is unknown or not found, in that time.

    Raises NotAllowed, and NotFound where the function has no log group.
    """
    logs, group = lab.client("logs"), f"/aws/lambda/{function}"
    given: dict[str, Any] = {
        "logGroupName": group,
        "startTime": _milliseconds(began - MARGIN),
        "endTime": _milliseconds(ended + MARGIN),
    }
    found: list[dict[str, Any]] = []
    with calls.plainly(f"read the log group {group}"):
        for page in logs.get_paginator("filter_log_events").paginate(**given):
            found += page["events"]
            if len(found) >= MOST:
                break
    found.sort(key=lambda event: (event["logStreamName"], event["timestamp"]))
    own = _of_request(found, request) if request else []
    if own:
        return Lines([_line(event) for event in own], f"Of request {request}.")
    matched = [event for event in found if began <= _stamp(event) <= ended + timedelta(milliseconds=1)]
    why = "its lines are not in the log" if request else "the history holds no request id"
    return Lines(
        [_line(event) for event in matched], f"Matched by time, because {why}: others' lines may be among them."
    )


def _of_request(found: list[dict[str, Any]], request: str) -> list[dict[str, Any]]:
    """A sandbox of Lambda serves one request at a time, so what its stream holds from START to REPORT is one's own."""
    own: list[dict[str, Any]] = []
    stream = current = None
    for event in found:
        if event["logStreamName"] != stream:
            stream, current = event["logStreamName"], None
        named = REQUEST_ID.search(event["message"])
        if named is not None:
            current = named[1]
        if current == request or request in event["message"]:
            own.append(event)
    return own


def _name(function: str) -> str | None:
    found = FUNCTION.fullmatch(function)
    return found[1] if found else None


def _parsed(text: str) -> dict[str, Any]:
    found = parsed(text)
    return found if isinstance(found, dict) else {}


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _stamp(event: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)


def _line(event: dict[str, Any]) -> tuple[datetime, str]:
    return _stamp(event), event["message"].rstrip("\n")
