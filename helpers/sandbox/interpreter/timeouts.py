"""TimeoutSeconds and HeartbeatSeconds: what a path or an expression may give for them."""

from typing import Any

from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import (
    HeartbeatSecondsJSONata,
    HeartbeatSecondsPath,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSecondsJSONata, TimeoutSecondsPath
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from helpers.sandbox.interpreter import failures, jsonpath
from helpers.sandbox.interpreter.data import text_of
from helpers.sandbox.interpreter.mending import replace
from helpers.sandbox.interpreter.states import number_of


def _at_path(self: Any, env: Environment) -> int:
    field, path = type(self).__name__, self.string_sampler.literal_value
    try:
        self.string_sampler.eval(env=env)
    except NoSuchJsonPathError as error:
        raise jsonpath.invalid(env, error) from error
    value = env.stack.pop()
    if isinstance(value, bool) or not isinstance(value, int):
        shown = value if isinstance(value, str) else text_of(value)
        cause = f'The {field} field refers to value "{shown}" which is not a valid integer: {path}'
        raise failures.execution_failure(env, failures.RUNTIME, cause)
    if value <= 0:
        cause = f"{field.removesuffix('Path')} must be a positive integer, but was {value}: {path}"
        raise failures.execution_failure(env, failures.RUNTIME, cause)
    return value


def _of_expression(self: Any, env: Environment) -> Any:
    value = number_of(self, env)
    if value <= 0:
        expression = self.string_jsonata
        cause = (
            f"The JSONata expression '{expression.literal_value}' specified for the field '{expression.field}' "
            f"returned a value that is out of range: {text_of(value)}"
        )
        raise failures.query_evaluation_failure(env, cause, expression.field)
    return value


def mend() -> None:
    # AWS says which field of the input is no number of seconds; moto lets the task fail, in Python's words.
    for path in (TimeoutSecondsPath, HeartbeatSecondsPath):
        replace(path, "_eval_seconds", _at_path)
    # AWS fails with States.QueryEvaluationError where an expression gives no number, or a negative one.
    for expression in (TimeoutSecondsJSONata, HeartbeatSecondsJSONata):
        replace(expression, "_eval_seconds", _of_expression)
