"""Executions that an execution starts: `states:startExecution`, waited for or not."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from helpers import engine
from helpers.sandbox import integrations
from helpers.sandbox.clock import clock
from helpers.sandbox.integrations import clients, pool, services
from helpers.sandbox.integrations.resources import integration_of
from helpers.sandbox.integrations.shapes import from_service
from helpers.sandbox.states_api.backend import backend_of
from helpers.sandbox.states_api.errors import StatesError

__all__ = ["start"]

LOG = logging.getLogger(__name__)
RUNTIME, TASK_FAILED = "States.Runtime", "States.TaskFailed"


def start(call: engine.Call) -> None:
    """Have the execution started as any other service is asked; where it is waited for, its end is the answer."""
    if call.resource.endswith((".sync", ".sync:2")):
        call.start()
        pool.run(partial(_begin, call))
    else:
        integrations.handle(call)


def _begin(call: engine.Call) -> None:
    integration = integration_of(call.resource)
    assert integration is not None
    try:
        submitted = services.answer(call, integration)
    except engine.TaskFailed as failure:
        clock.post(partial(call.fail, failure.error, failure.cause))
    except Exception:
        LOG.exception("%s of %s failed", call.resource, call.execution.identity.arn)
        clock.post(partial(call.fail, RUNTIME, "The sandbox failed in this task; its log has the details."))
    else:
        clock.post(partial(_follow, call, submitted))


def _follow(call: engine.Call, submitted: dict[str, Any]) -> None:
    """Wait for the end of the execution that was started; in the engine's thread."""
    arn = submitted["ExecutionArn"]
    parts = arn.split(":")
    backend = backend_of(parts[4], parts[3])
    try:
        execution = backend.execution(arn)
    except StatesError as error:
        call.fail(f"StepFunctions.{error.code}Exception", error.message)
        return
    if not call.open:
        execution.run.stop()
        return
    call.on_abandoned = execution.run.stop
    call.submit(submitted)

    def ended() -> None:
        operation = clients.operation("stepfunctions", "describeExecution")
        assert operation and operation.output_shape
        found = from_service(_present(execution.describe()), operation.output_shape, False)
        if execution.status != "SUCCEEDED":
            call.fail(TASK_FAILED, engine.text_of(found))
            return
        if call.resource.endswith(":2"):
            found |= {member: engine.data_of(found[member]) for member in ("Input", "Output")}
        call.succeed(found)

    if execution.status == "RUNNING":
        execution.after_end.append(ended)
    else:
        ended()


def _present(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}
