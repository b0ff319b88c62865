"""How the failure of a state is named, worded and published."""

from typing import Any

from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name import (
    custom_error_name,
    error_equals_decl,
    failure_event,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from helpers.sandbox.interpreter.mending import replace

RUNTIME = "States.Runtime"
QUERY_EVALUATION = "States.QueryEvaluationError"
DATA_LIMIT = "States.DataLimitExceeded"
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
# Failures of the interpreter's own, whose cause says where.
LOCATED = frozenset({RUNTIME, QUERY_EVALUATION, "States.IntrinsicFailure", "States.NoChoiceMatched"})
NOT_IN_ALL = frozenset({RUNTIME, DATA_LIMIT})
NOT_A_TASK_FAILURE = frozenset({*NOT_IN_ALL, "States.Timeout", "States.HeartbeatTimeout"})


def error_name(error: str | None) -> ErrorName:
    """An error's name, whoever reported it."""
    try:
        return StatesErrorName.from_name(error) if error and error.startswith("States.") else ErrorName(error)
    except ValueError:
        return ErrorName(error)


def _failure(
    env: Environment, error: str, event_type: HistoryEventType, details: EventDetails
) -> FailureEventException:
    return FailureEventException(
        FailureEvent(env=env, error_name=error_name(error), event_type=event_type, event_details=details)
    )


def execution_failure(env: Environment, error: str, cause: str | None) -> FailureEventException:
    """A failure that ends the execution (or the branch) without an event of the state's own."""
    details = ExecutionFailedEventDetails(error=error)
    if cause is not None:
        details["cause"] = cause
    return _failure(env, error, HistoryEventType.ExecutionFailed, EventDetails(executionFailedEventDetails=details))  # type: ignore[typeddict-item]


def query_evaluation_failure(env: Environment, cause: str, field: str | None = None) -> FailureEventException:
    """A JSONata expression that failed: an EvaluationFailed event, then the state's own retriers and catchers."""
    details: Any = {"error": QUERY_EVALUATION, "cause": cause}
    if field:
        details["location"] = field
    return _failure(
        env,
        QUERY_EVALUATION,
        HistoryEventType.EvaluationFailed,
        EventDetails(evaluationFailedEventDetails=details),  # type: ignore[typeddict-item]
    )


def is_catchable(failure: FailureEvent) -> bool:
    """Whether a state's Retry and Catch are asked at all."""
    return getattr(failure.error_name, "error_name", None) != RUNTIME


def publish(env: Environment, failure: FailureEvent) -> None:
    """Write the state's own event of a failure, once; those that only end the execution have none."""
    if getattr(failure, "published", False) or failure.event_type == HistoryEventType.ExecutionFailed:
        return
    failure.published = True  # type: ignore[attr-defined]
    details = failure.event_details
    if failure.event_type == HistoryEventType.EvaluationFailed:
        found = FailureEventException(failure).get_evaluation_failed_event_details()
        details = EventDetails(evaluationFailedEventDetails=found)  # type: ignore[typeddict-item]
    env.event_manager.add_event(context=env.event_history_context, event_type=failure.event_type, event_details=details)


def decorated(failure: FailureEvent, cause: str) -> str:
    """The cause of a failure of the interpreter's own, which on AWS says where it happened."""
    start = "An error occurred while executing the state '"
    if cause.startswith(start):
        return cause
    return f"{start}{failure.state_name}' (entered at the event id #{failure.source_event_id}). {cause}"


def error_output(failure: FailureEvent) -> dict[str, str]:
    """What a Catch receives."""
    details: Any = next(iter((failure.event_details or {}).values()), None) or {}
    cause = details.get("cause") or ""
    if details.get("error") in LOCATED and cause:
        cause = decorated(failure, cause)
    return {"Error": details.get("error") or "", "Cause": cause}


def _init(self: Any, env: Environment, error_name: Any, event_type: Any, event_details: Any = None) -> None:
    self.state_name = env.next_state_name
    self.source_event_id = getattr(env, "entered_event_id", env.event_history_context.source_event_id)
    self.error_name = error_name
    self.event_type = event_type
    self.event_details = event_details


def _execution_failed_details(self: Any) -> Any:
    pair = self.extract_error_cause_pair()
    if pair is None:
        return None
    error, cause = pair
    details: dict[str, str] = {}
    if error is not None:
        details["error"] = error
    if cause is not None:
        failure = self.failure_event
        located = error in LOCATED
        details["cause"] = decorated(failure, cause) if located and cause else cause
    return details


def _matches(self: Any, env: Environment) -> None:
    name = getattr(env.stack.pop(), "error_name", None)
    named = {known.error_name for known in self.error_names}
    env.stack.append(
        name in named
        or ("States.ALL" in named and name not in NOT_IN_ALL)
        or ("States.TaskFailed" in named and name not in NOT_A_TASK_FAILURE)
        or ("States.Timeout" in named and name == "States.HeartbeatTimeout")
    )


def mend() -> None:
    # AWS names the event that entered the state; moto names the last event before the failure.
    replace(failure_event.FailureEvent, "__init__", _init)
    # AWS says once where a failure of its own happened, in the innermost state; moto again in all around it.
    replace(failure_event.FailureEventException, "get_execution_failed_event_details", _execution_failed_details)
    # AWS lets States.ALL catch all but States.DataLimitExceeded and States.Runtime, States.TaskFailed all but these and
    # time-outs; moto lets States.ALL catch all, and States.TaskFailed nothing that begins with States.
    replace(error_equals_decl.ErrorEqualsDecl, "_eval_body", _matches)
    # AWS lets a Fail state and a failed task name States.* errors; moto raises ValueError.
    replace(custom_error_name, "ILLEGAL_CUSTOM_ERROR_PREFIX", "\0")
