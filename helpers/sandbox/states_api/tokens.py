"""Task tokens: the answers to tasks that wait for them."""

from __future__ import annotations

import uuid
import weakref
from typing import Any

from helpers import engine
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api.errors import StatesError

__all__ = ["calls"]

# By the tokens that were handed out; what ends is forgotten.
calls: weakref.WeakValueDictionary[str, engine.Call] = weakref.WeakValueDictionary()


def send_task_success(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    output = arguments["output"]
    try:
        engine.data_of(output)
    except ValueError as error:
        raise StatesError("InvalidOutput", f"Invalid Output: '{error}'") from None
    clock.call(lambda: _open(arguments["taskToken"]).succeed_by_token(output))
    return {}


def send_task_failure(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    error, cause = arguments.get("error"), arguments.get("cause")
    clock.call(lambda: _open(arguments["taskToken"]).fail_by_token(error, cause))
    return {}


def send_task_heartbeat(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    clock.call(lambda: _open(arguments["taskToken"]).heartbeat())
    return {}


def _open(token: str) -> engine.Call:
    """The call behind a token, which still waits: not answered, not timed out, not stopped."""
    call = calls.get(token)
    if call is not None and call.open and not call.answered:
        return call
    try:
        uuid.UUID(token)
    except ValueError:
        raise StatesError("InvalidToken", "Invalid Token: 'Invalid token'") from None
    raise StatesError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
