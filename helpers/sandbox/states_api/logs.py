"""Executions' events in CloudWatch Logs."""

import datetime
import hashlib
import json
import threading
from collections.abc import Iterable
from typing import Any

from moto.logs.models import logs_backends
from moto.stepfunctions.parser.asl.eval.event.logging import is_logging_enabled_for

from helpers.sandbox.clock import clock
from helpers.sandbox.states_api.errors import StatesError

__all__ = ["ExecutionLog", "check_configuration"]

_OFF = {"level": "OFF", "includeExecutionData": False}
_creating = threading.Lock()


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
    """One execution's way to its log group; moto's event manager asks it what to log, and hands it each record."""

    def __init__(self, execution_arn: str, machine_name: str, logging: dict[str, Any]) -> None:
        self.execution_arn = execution_arn
        self.configuration = self
        self.include_execution_data = logging["includeExecutionData"]
        self.redrives = 0
        self._level = logging["level"]
        account, region, self._group = _log_group(logging["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"])
        self._logs = logs_backends[account][region]
        # The service opens streams by machine and hour: states/<machine>/<year-month-day-hour-minute>/<eight digits>.
        hour = clock.now().strftime("%Y-%m-%d-%H-00")
        digits = hashlib.sha256(f"{machine_name} {hour}".encode()).hexdigest()[:8]
        self._stream = f"states/{machine_name}/{hour}/{digits}"

    @classmethod
    def of(cls, execution_arn: str, machine_name: str, logging: dict[str, Any]) -> "ExecutionLog | None":
        """The log that a machine's configuration asks for, None where it is off."""
        return None if logging["level"] == "OFF" else cls(execution_arn, machine_name, logging)

    def log_level_filter(self, history_event_type: Any) -> bool:
        """Whether events of this type are logged at the machine's level."""
        return bool(is_logging_enabled_for(self._level, history_event_type))

    def publish_history_log(self, history_log: dict[str, Any]) -> None:
        """Put one record into the log group; without the group nothing is logged, as on AWS."""
        milliseconds = _milliseconds(history_log["event_timestamp"])
        record = {
            "id": history_log["id"],
            "type": history_log["type"],
            "details": _present(history_log.get("details") or {}),
            "previous_event_id": history_log["previous_event_id"],
            "event_timestamp": str(milliseconds),
            "execution_arn": self.execution_arn,
        }
        if self.redrives:
            record["redrive_count"] = str(self.redrives)
        message = json.dumps(record, separators=(",", ":"), default=str)
        group = self._logs.groups.get(self._group)
        if group is not None:
            with _creating:
                if self._stream not in group.streams:
                    group.create_log_stream(self._stream)
                group.put_log_events(self._stream, [{"timestamp": milliseconds, "message": message}])


def _milliseconds(stamp: str) -> int:
    return round(datetime.datetime.fromisoformat(stamp).timestamp() * 1000)


def _present(details: dict[str, Any]) -> dict[str, Any]:
    pairs: Iterable[tuple[str, Any]] = details.items()
    return {key: value for key, value in pairs if value is not None}
