"""Executions that an execution starts: `states:startExecution`, waited for or not."""

from __future__ import annotations

from functools import partial
from typing import Any

from helpers import engine
from helpers.engine.failures import PERMISSIONS, TASK_FAILED
from helpers.sandbox import integrations, pool
from helpers.sandbox.actions import Need
from helpers.sandbox.clock import clock
from helpers.sandbox.identities import refusal
from helpers.sandbox.integrations import services
from helpers.sandbox.integrations.calls import attempt, guarded, identity_of
from helpers.sandbox.integrations.resources import OPTIMISED, integration_of
from helpers.sandbox.states_api import executions
from helpers.sandbox.states_api.backend import backend_of
from helpers.sandbox.states_api.errors import StatesError

__all__ = ["start"]

STATES = OPTIMISED["states"]
WAITED_FOR = (".sync", ".sync:2", "aws-sdk:sfn:startSyncExecution")


def start(call: engine.Call) -> None:
    """Have the execution started as any other service is asked; where it is waited for, its end is the answer."""
    if call.resource.endswith(WAITED_FOR):
        call.start()
        pool.run(partial(attempt, call, _start))
    else:
        integrations.handle(call)


def _start(call: engine.Call) -> None:
    if call.resource.endswith("startSyncExecution"):
        _start_express(call)
    else:
        integration = integration_of(call.resource)
        assert integration is not None
        clock.post(guarded(call, partial(_follow, call, services.answer(call, integration))))


def _start_express(call: engine.Call) -> None:
    """Start an Express execution, whose end is the answer: nobody works meanwhile but the execution itself."""
    arguments = services.parameters_of(call, STATES.name, "startSyncExecution")

    def ended(execution: Any) -> None:
        found = executions.answer(execution)
        call.succeed(services.presented(found, STATES, "startSyncExecution", is_sdk=True))

    parts = call.execution.identity.machine_arn.split(":")
    machine = str(arguments["stateMachineArn"])
    if said := _refused(call, "StartSyncExecution", machine):
        raise engine.TaskFailed("Sfn.SfnException", f"{said} (Service: Sfn, Status Code: 400)", also=PERMISSIONS)
    try:
        executions.begun(backend_of(parts[4], parts[3]), arguments, ended)
    except StatesError as error:
        said = f"{error.message} (Service: Sfn, Status Code: 400)"
        raise engine.TaskFailed(f"Sfn.{error.code}Exception", said) from None


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

    def stop() -> None:
        if not _refused(call, "StopExecution", arn):
            execution.run.stop()

    call.on_abandoned = stop
    call.submit(submitted)

    def ended() -> None:
        if said := _refused(call, "DescribeExecution", arn):
            call.fail("StepFunctions.AWSStepFunctionsException", said, PERMISSIONS)
            return
        found = services.presented(execution.describe(), STATES, "describeExecution")
        if execution.status != "SUCCEEDED":
            call.fail(TASK_FAILED, engine.text_of(found))
            return
        if call.resource.endswith(":2"):
            found |= {member: engine.data_of(found[member]) for member in ("Input", "Output")}
        call.succeed(found)

    if execution.status == "RUNNING":
        execution.after_end.append(guarded(call, ended))
    else:
        ended()


def _refused(call: engine.Call, operation: str, arn: str) -> str | None:
    """Why the execution's role may not do this to another machine or execution."""
    return refusal(identity_of(call), Need(f"states:{operation}", arn), call.execution.identity.region)
