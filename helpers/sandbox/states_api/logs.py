"""Executions' events in CloudWatch Logs."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from moto.logs.models import logs_backends

from helpers import engine
from helpers.sandbox import pool
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api.history import without_data
from helpers.sandbox.states_api.states_error import StatesError

__all__ = ["ExecutionLog", "check_configuration"]

_OFF = {"level": "OFF", "includeExecutionData": False}
# Which events each level logs. https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-log-level
_FATAL = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
LEVELS: dict[str, Callable[[str], bool]] = {
    "ALL": lambda event: True,
    "ERROR": lambda event: event.endswith(("Failed", "TimedOut", "Aborted", "FailStateEntered")),
    "FATAL": lambda event: event in _FATAL,
}


def check_configuration(backend: Any, given: dict[str, Any] | None) -> dict[str, Any]:
    """A logging configuration with its defaults filled in; InvalidLoggingConfiguration where it cannot be used."""
    configuration = {**_OFF, **(given or {})}
    destinations = configuration.get("destinations") or []
    if configuration["level"] == "OFF" and not destinations:
        return configuration
    if len(destinations) != 1:
        raise _invalid("Must specify exactly one Log Destination.")
    arn = (destinations[0].get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
    account, region, group = _log_group(arn)
    if group not in logs_backends[account][region].groups:
        raise _invalid("Log Destination not found.")
    return configuration


def _invalid(reason: str) -> StatesError:
    return StatesError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {reason}")


def _log_group(arn: str) -> tuple[str, str, str]:
    parts = arn.split(":")
    if len(parts) < 8 or parts[2] != "logs" or parts[5] != "log-group" or parts[-1] != "*":
        raise _invalid("The log group ARN must end with ':*'.")
    return parts[4], parts[3], parts[6]


class ExecutionLog:
    """The way of a machine's executions to its log group."""

    def __init__(self, machine_name: str, logging: dict[str, Any]) -> None:
        self._with_data = logging["includeExecutionData"]
        self._logged = LEVELS[logging["level"]]
        account, region, self._group = _log_group(logging["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"])
        self._logs = logs_backends[account][region]
        # The service opens streams by machine and hour: states/<machine>/<year-month-day-hour-minute>/<eight digits>.
        hour = clock.now().strftime("%Y-%m-%d-%H-00")
        digits = hashlib.sha256(f"{machine_name} {hour}".encode()).hexdigest()[:8]
        self._stream = f"states/{machine_name}/{hour}/{digits}"

    def put(self, execution: engine.Execution, event: dict[str, Any]) -> None:
        """Have an event logged, if the machine's level asks for it; without the group nothing is, as on AWS."""
        if self._logged(event["type"]):
            arn, redrives = execution.identity.arn, execution.redrives
            pool.publish(lambda: self._put(arn, redrives, event))

    def _put(self, arn: str, redrives: int, event: dict[str, Any]) -> None:
        milliseconds = round(event["timestamp"].timestamp() * 1000)
        details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        if not self._with_data:
            details = without_data(details)
        record = {
            "id": str(event["id"]),
            "type": event["type"],
            "details": details,
            "previous_event_id": str(event["previousEventId"]),
            "event_timestamp": str(milliseconds),
            "execution_arn": arn,
            "redrive_count": str(redrives),
        }
        message = json.dumps(record, separators=(",", ":"))
        group = self._logs.groups.get(self._group)
        if group is not None:
            if self._stream not in group.streams:
                group.create_log_stream(self._stream)
            group.put_log_events(self._stream, [{"timestamp": milliseconds, "message": message}])
