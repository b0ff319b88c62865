"""Wait states: what a path or an expression may give for a time, and what it says of anything else."""

import datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import SecondsJSONata
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds_path import SecondsPath
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp, TimestampPath
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from helpers.sandbox.interpreter import failures
from helpers.sandbox.interpreter.data import moment, text_of
from helpers.sandbox.interpreter.mending import replace
from helpers.sandbox.interpreter.states import number_of, unexpected_type


def _said(sampler: Any, value: Any) -> str:
    return f"{sampler.literal_value} == {value if isinstance(value, str) else text_of(value)}"


def _check_seconds(self: Any, env: Environment, seconds: Any) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        cause = f"The SecondsPath parameter cannot be parsed as a long value: {_said(self.string_sampler, seconds)}"
        raise failures.execution_failure(env, failures.RUNTIME, cause)
    if seconds < 0:
        cause = f"The SecondsPath parameter references a negative value: {_said(self.string_sampler, seconds)}"
        raise failures.execution_failure(env, failures.RUNTIME, cause)


def _time(timestamp: Any) -> datetime.datetime | None:
    found = moment(timestamp) if isinstance(timestamp, str) else None
    return found.astimezone(datetime.UTC).replace(tzinfo=None) if found else None


def _no_time(field: str) -> Any:
    def failure(self: Any, env: Environment, timestamp_str: Any) -> Any:
        if isinstance(self.string, StringJSONata) and not isinstance(timestamp_str, str):
            return unexpected_type(env, self.string, "string", timestamp_str).failure_event
        said = f"The {field} parameter does not reference a valid ISO-8601 extended offset date-time format string: "
        return failures.execution_failure(env, failures.RUNTIME, said + _said(self.string, timestamp_str)).failure_event

    return failure


def _seconds_until(original: Any) -> Any:
    def seconds_until(self: Any, env: Environment) -> float:
        try:
            seconds: float = original(self, env)
        except NoSuchJsonPathError as error:
            cause = f"The TimestampPath parameter does not reference an input value: {error.json_path}"
            raise failures.execution_failure(env, failures.RUNTIME, cause) from error
        return seconds

    return seconds_until


def mend() -> None:
    # AWS takes true and false for no numbers; moto for 1 and 0.
    replace(SecondsPath, "_validate_seconds_value", _check_seconds)
    replace(SecondsJSONata, "_get_wait_seconds", number_of)
    # AWS takes offsets and fractions of seconds; moto whole seconds in UTC, and stumbles over what is no text.
    replace(Timestamp, "_from_timestamp_string", staticmethod(_time))
    for kind in (Timestamp, TimestampPath):
        replace(kind, "_create_failure_event", _no_time(kind.__name__))
    # AWS words a TimestampPath that leads nowhere as it does a SecondsPath.
    replace(TimestampPath, "_get_wait_seconds", _seconds_until(Timestamp._get_wait_seconds))
