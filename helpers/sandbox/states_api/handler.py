"""What an execution asks for: who answers which call."""

from __future__ import annotations

from functools import partial
from typing import Any

from helpers import engine
from helpers.engine.failures import PERMISSIONS
from helpers.sandbox import integrations, pool
from helpers.sandbox.actions import Need
from helpers.sandbox.identities import refusal
from helpers.sandbox.integrations import service_call
from helpers.sandbox.integrations.answering import attempt, identity_of
from helpers.sandbox.integrations.integration import integration_of
from helpers.sandbox.states_api import executions, tokens
from helpers.sandbox.states_api.backend import backend_of
from helpers.sandbox.states_api.states_error import StatesError

__all__ = ["handle"]


def handle(call: engine.Call) -> None:
    """Have a call answered, in the engine's thread or later from another."""
    if call.token:
        tokens.calls[call.token] = call
    if ":activity:" in call.resource:
        tokens.enqueue(call)
    elif call.resource.endswith("sfn:startSyncExecution"):
        call.start()
        pool.run(partial(attempt, call, _start_express))
    else:
        integrations.handle(call)


def _start_express(call: engine.Call) -> None:
    """Start an Express execution, whose end is the answer: nobody works meanwhile but the execution itself."""
    integration = integration_of(call.resource)
    assert integration is not None
    arguments = service_call.parameters_of(call, integration)

    def ended(execution: Any) -> None:
        call.succeed(service_call.presented(executions.answer(execution), integration))

    parts = call.execution.identity.machine_arn.split(":")
    need = Need("states:StartSyncExecution", str(arguments["stateMachineArn"]))
    if said := refusal(identity_of(call), need, parts[3]):
        raise engine.TaskFailed("Sfn.SfnException", f"{said} (Service: Sfn, Status Code: 400)", also=PERMISSIONS)
    try:
        executions.begin_express(backend_of(parts[4], parts[3]), arguments, ended)
    except StatesError as error:
        said = f"{error.message} (Service: Sfn, Status Code: 400)"
        raise engine.TaskFailed(f"Sfn.{error.code}Exception", said) from None
