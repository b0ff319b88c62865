"""A state's way from entering to exit: its context, its errors, its retriers and catchers."""

import json
import logging
from typing import Any

from moto.stepfunctions.parser import quotas
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import MaxConcurrencyJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_map.tolerated_failure import (
    ToleratedFailureCountStringJSONata,
    ToleratedFailurePercentageStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import StateParallel
from moto.stepfunctions.parser.asl.component.state.fail.cause_decl import Cause
from moto.stepfunctions.parser.asl.component.state.fail.error_decl import Error
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval import variable_store
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError
from moto.stepfunctions.parser.quotas import is_within_size_quota

from helpers.sandbox.interpreter import failures
from helpers.sandbox.interpreter.context import stamp
from helpers.sandbox.interpreter.data import text_of
from helpers.sandbox.interpreter.mending import replace

LOG = logging.getLogger(__name__)
_WHOLE = {"truncated": False}
# Four bytes a character at most: a shorter text cannot exceed the limit of a payload.
MOST_CHARACTERS = quotas.MAX_STATE_SIZE_UTF8_BYTES // 4


def _path_failure(env: Environment, error: NoSuchJsonPathError) -> FailureEventException:
    cause = (
        f"The JSONPath '{error.json_path}' specified for the field '{getattr(error, 'field', '')}' "
        f"could not be found in the input '{text_of(error.data)}'"
    )
    return failures.execution_failure(env, failures.RUNTIME, cause)


def _run(self: Any, env: Any) -> None:
    """CommonStateField: enter, work, exit."""
    context = env.event_history_context
    data = env.states._states_data
    env.before_entering = context.source_event_id
    env.entered_event_id = env.event_manager.add_event(
        context,
        self.state_entered_event_type,
        {"stateEnteredEventDetails": {"name": self.name, "input": text_of(data["input"]), "inputDetails": _WHOLE}},
    )
    env.inside = self
    env.states.context_object.context_object_data["State"] = {"EnteredTime": stamp(), "Name": self.name}
    try:
        self._eval_state_input(env=env)
        self._eval_state(env)
        if not env.is_running():
            return
        self._eval_state_output(env=env)
        output = text_of(data["input"])
        if len(output) > MOST_CHARACTERS:
            self._verify_size_quota(env=env, value=output)
    except NoSuchJsonPathError as error:
        raise _path_failure(env, error) from error
    except FailureEventException as error:
        if error.failure_event.event_type == HistoryEventType.EvaluationFailed:
            failures.publish(env, error.failure_event)
        raise
    except Exception as error:
        LOG.warning("%s in the state '%s': %s", type(error).__name__, self.name, error)
        raise failures.execution_failure(env, failures.RUNTIME, str(error) or type(error).__name__) from error
    env.inside = None
    self._set_next(env)
    if self.state_exited_event_type is not None:
        details = {"name": self.name, "output": output, "outputDetails": _WHOLE}
        if assigned := env.variable_store.get_assigned_variables():
            env.variable_store.reset_tracing()
            details |= {"assignedVariables": assigned, "assignedVariablesDetails": _WHOLE}
        env.event_manager.add_event(context, self.state_exited_event_type, {"stateExitedEventDetails": details})


def _verify_size(self: Any, env: Environment, value: Any) -> None:
    if not is_within_size_quota(value):
        cause = (
            f"The state/task '{self.name}' returned a result with a size exceeding "
            "the maximum number of bytes service limit."
        )
        raise failures.execution_failure(env, failures.DATA_LIMIT, cause)


def _failure_of(state: Any, env: Environment, error: Exception) -> FailureEvent:
    """Any exception as the failure that AWS would report."""
    if isinstance(error, FailureEventException):
        return error.failure_event
    if isinstance(error, NoSuchJsonPathError):
        return _path_failure(env, error).failure_event
    try:
        failure: FailureEvent = state._from_error(env=env, ex=error)
        return failure
    except FailureEventException as named:
        return named.failure_event
    except Exception:
        return failures.execution_failure(env, failures.RUNTIME, str(error) or type(error).__name__).failure_event


def _publish_before_failing(state: Any, env: Any, failure: FailureEvent) -> None:
    # A Map whose items cannot be evaluated fails before it was entered, say the links of AWS's histories.
    context = env.event_history_context
    if (
        isinstance(state, StateMap)
        and failure.event_type == HistoryEventType.EvaluationFailed
        and context.source_event_id == env.entered_event_id
    ):
        context.source_event_id = env.before_entering
    if not isinstance(state, StateMap | StateParallel) or failure.event_type == HistoryEventType.EvaluationFailed:
        failures.publish(env, failure)


_FAILED = {StateMap: HistoryEventType.MapStateFailed, StateParallel: HistoryEventType.ParallelStateFailed}


def _attempt(state: Any, env: Environment) -> None:
    if state.heartbeat:
        # AWS looks at it whatever the task; moto where something waits for the heartbeats.
        state.heartbeat.eval(env=env)
        env.stack.pop()
    state._evaluate_with_timeout(env)
    if env.is_running():
        CommonStateField._eval_state_output(state, env=env)


def _work(self: Any, env: Any) -> None:
    """ExecutionState (Task, Map, Parallel): attempts, until one succeeds, is caught, or nothing is left to try."""
    env.states.context_object.context_object_data["State"]["RetryCount"] = 0
    arguments = list(env.stack)
    while env.is_running():
        env.stack[:] = arguments
        env.inside = self
        try:
            _attempt(self, env)
            return
        except Exception as error:
            if not env.is_running():
                return
            failure = _failure_of(self, env, error)
        _publish_before_failing(self, env, failure)
        output = failures.error_output(failure)
        env.states.set_error_output(output)
        env.states.set_result(output)
        catchable = failures.is_catchable(failure)
        if self.retry and catchable and self._handle_retry(env=env, failure_event=failure) == RetryOutcome.CanRetry:
            continue
        if not env.is_running():
            return
        event_type = next((found for kind, found in _FAILED.items() if isinstance(self, kind)), None)
        if (event_type and failure.event_type != HistoryEventType.ExecutionFailed) or isinstance(self, StateParallel):
            env.event_manager.add_event(context=env.event_history_context, event_type=event_type)
        if self.catch and catchable:
            self._handle_catch(env=env, failure_event=failure)
            if env.stack[-1] == CatchOutcome.Caught:
                return
        raise FailureEventException(failure)


def _evaluate_parallel(self: Any, env: Environment) -> None:
    if self.parargs is not None:
        self.parargs.eval(env=env)
    execute_state.ExecutionState._evaluate_with_timeout(self, env)


_NUMBERS: dict[type, str] = {
    MaxConcurrencyJSONata: "_eval_max_concurrency",
    ToleratedFailureCountStringJSONata: "_eval_tolerated_failure_count",
    ToleratedFailurePercentageStringJSONata: "_eval_tolerated_failure_percentage",
}
_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def unexpected_type(env: Environment, expression: Any, expected: str, value: Any) -> FailureEventException:
    """A JSONata expression that gave another type than its field holds."""
    found = _TYPES.get(type(value), "null")
    cause = (
        f"The JSONata expression '{expression.literal_value}' specified for the field '{expression.field}' returned an "
        f"unexpected result type. Expected '{expected}', but was '{found}' for value: "
        f"{text_of(value)}"
    )
    return failures.query_evaluation_failure(env, cause, expression.field)


def number_of(self: Any, env: Environment) -> Any:
    """The number that the expression of a field gives; FailureEventException where it gives none."""
    self.string_jsonata.eval(env=env)
    value = env.stack.pop()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unexpected_type(env, self.string_jsonata, "number", value)
    return value


def _text(self: Any, env: Environment) -> None:
    self.string_expression.eval(env=env)
    value = env.stack[-1]
    if isinstance(value, str):
        return
    if isinstance(self.string_expression, StringJSONata):
        raise unexpected_type(env, self.string_expression, "string", value)
    path = self.string_expression.literal_value
    cause = f'The {type(self).__name__} field refers to value "{text_of(value)}" which is not a valid string: {path}'
    raise failures.execution_failure(env, failures.RUNTIME, cause)


def _assigned_variables(self: Any) -> dict[str, str]:
    return {
        name: json.dumps(self.get(name), separators=(",", ":"), ensure_ascii=False)
        for name in sorted(self._declaration_tracing)
    }


def mend() -> None:
    # AWS links and words the failure of any part of a state alike; moto differs by the part.
    replace(CommonStateField, "_eval_body", _run)
    # AWS ends with States.DataLimitExceeded past 262,144 bytes; moto also at that number, as the failure of a task.
    replace(CommonStateField, "_verify_size_quota", _verify_size)
    # AWS retries and catches failing Arguments, Assign and Output too, never States.Runtime; moto the task alone.
    for kind in (execute_state.ExecutionState, StateMap, StateParallel):
        replace(kind, "_eval_state", _work)
    replace(execute_state.ExecutionState, "_eval_state_output", lambda self, env: None)
    replace(StateParallel, "_evaluate_with_timeout", _evaluate_parallel)
    # AWS fails with States.QueryEvaluationError where a number or a text is needed; moto with an error of Python's.
    for owner, method in _NUMBERS.items():
        replace(owner, method, number_of)
    for text in (Cause, Error):
        replace(text, "_eval_body", _text)
    # AWS writes assigned variables as JSON; moto does not escape strings.
    replace(variable_store.VariableStore, "get_assigned_variables", _assigned_variables)
