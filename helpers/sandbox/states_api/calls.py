"""What an execution asks for: who answers which call."""

from __future__ import annotations

from helpers import engine
from helpers.sandbox import integrations
from helpers.sandbox.states_api import activities, nested, tokens

__all__ = ["handle"]


def handle(call: engine.Call) -> None:
    """Have a call answered, in the engine's thread or later from another."""
    if call.token:
        tokens.hand_out(call)
    if ":activity:" in call.resource:
        activities.enqueue(call)
    elif ":states:::states:startExecution" in call.resource or call.resource.endswith("sfn:startSyncExecution"):
        nested.start(call)
    else:
        integrations.handle(call)
