"""The context object: what `$$` and `$states.context` hold."""

from typing import Any

from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from helpers.sandbox.clock import clock
from helpers.sandbox.interpreter import failures, jsonpath
from helpers.sandbox.interpreter.data import cloned, text_of, time_text
from helpers.sandbox.interpreter.mending import replace


def stamp() -> str:
    """Now, as the context object writes times."""
    return time_text(clock.now())


def _sample(self: Any, env: Environment) -> None:
    context: Any = env.states.context_object.context_object_data
    try:
        value = cloned(jsonpath.select(self.json_path, context))
    except NoSuchJsonPathError as error:
        cause = (
            f"The JSONPath '${self.json_path}' specified for the field '{env.next_field_name}' "
            f"could not be found in the input '{text_of(context)}'"
        )
        raise failures.execution_failure(env, failures.RUNTIME, cause) from error
    if "RetryCount" in context.get("State", ()) and self.json_path in ("$", "$.Execution"):
        (value if self.json_path == "$.Execution" else value["Execution"]).pop("RedriveCount", None)
    env.stack.append(value)


def mend() -> None:
    # AWS's context object has RedriveCount, and times as texts in milliseconds; moto's has no count, and a datetime.
    original = ExecutionWorker._get_evaluation_environment

    def evaluation_environment(self: Any) -> Any:
        env = original(self)
        execution: Any = env.states.context_object.context_object_data["Execution"]
        execution["RedriveCount"] = 0
        start = execution["StartTime"]
        if not isinstance(start, str):
            execution["StartTime"] = time_text(start)
        return env

    replace(ExecutionWorker, "_get_evaluation_environment", evaluation_environment)
    # AWS leaves RedriveCount out of the whole object where a state that can be retried samples it, say its histories.
    replace(string_expression.StringContextPath, "_eval_body", _sample)
