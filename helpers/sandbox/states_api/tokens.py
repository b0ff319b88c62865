"""Task tokens: the answers to tasks that wait for them."""

from typing import Any

from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)

from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.json_text import parse

__all__ = ["is_open"]


def send_task_success(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    token, output = arguments["taskToken"], arguments["output"]
    try:
        parse(output)
    except ValueError as error:
        raise StatesError("InvalidOutput", f"Invalid Output: '{error}'") from None
    return _answer(backend, token, CallbackOutcomeSuccess(callback_id=token, output=output))


def send_task_failure(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    token = arguments["taskToken"]
    error, cause = arguments.get("error"), arguments.get("cause")
    return _answer(backend, token, CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))


def send_task_heartbeat(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    _endpoint(backend, arguments["taskToken"]).notify_heartbeat()
    return {}


def is_open(endpoint: CallbackEndpoint) -> bool:
    """Whether the task behind a token still waits: not answered, not timed out, not stopped."""
    return not endpoint._notify_event.is_set() and endpoint.consumer_error is None


def _answer(backend: Any, token: str, outcome: CallbackOutcome) -> dict[str, Any]:
    with backend.lock:
        _endpoint(backend, token).notify(outcome)
    return {}


def _endpoint(backend: Any, token: str) -> CallbackEndpoint:
    for execution in backend.running():
        pool = execution.callbacks()
        endpoint: CallbackEndpoint | None = pool.get(token) if pool else None
        if endpoint is not None:
            if is_open(endpoint):
                return endpoint
            break
    else:
        if not backend.is_closed_token(token):
            raise StatesError("InvalidToken", "Invalid Token: 'Invalid token'")
    raise StatesError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
