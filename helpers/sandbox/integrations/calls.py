"""A call of the engine: begun in the engine's thread, done in others, answered in the engine's again."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from helpers.engine import Call, TaskFailed
from helpers.engine.failures import RUNTIME
from helpers.sandbox.clock import clock
from helpers.sandbox.integrations import functions, objects, pool, services
from helpers.sandbox.integrations.jobs import Job, job_of
from helpers.sandbox.integrations.resources import TOKEN, integration_of

__all__ = ["guarded", "handle"]

LOG = logging.getLogger(__name__)
# How often a `.sync` task looks whether what it started has ended: at first after so many seconds, then ever less
# often, so that it is late by no more than this part of the time it has waited.
FIRST_LOOK = 0.5
LATENESS = 0.015
FAILED = "The sandbox failed in this task; its log has the details."


def handle(call: Call) -> None:
    """Do what a task asks for, or read or write for a distributed Map; called in the engine's thread, returns at once.

    Activities and `.sync` of `states:startExecution` are not done here.
    """
    if call.kind == "task":
        call.start()
    pool.run(partial(_answering, call, _answer))


def _answering(call: Call, work: Callable[[Call], None]) -> None:
    """Do a part of a call's work, unless its state has ended meanwhile; whatever fails in it, fails the call."""
    if not call.open:
        return
    try:
        work(call)
    except TaskFailed as failure:
        _post(call, partial(call.fail, failure.error, failure.cause))
    except Exception:
        LOG.exception("%s of %s failed", call.resource, call.execution.identity.arn)
        _post(call, partial(call.fail, RUNTIME, FAILED))


def guarded(call: Call, action: Callable[[], Any]) -> Callable[[], None]:
    """An action of the engine's thread, whose failure fails the call."""

    def act() -> None:
        try:
            action()
        except Exception:
            LOG.exception("An answer to %s of %s failed", call.resource, call.execution.identity.arn)
            call.fail(RUNTIME, FAILED)

    return act


def _post(call: Call, action: Callable[[], Any]) -> None:
    clock.post(guarded(call, action))


def _answer(call: Call) -> None:
    if call.kind == "read":
        _post(call, partial(call.succeed, objects.items(call)))
    elif call.kind == "write":
        _post(call, partial(call.succeed, objects.write(call)))
    elif functions.is_function(call.resource):
        _post(call, partial(call.succeed, functions.answer(call)))
    else:
        _integrate(call)


def _integrate(call: Call) -> None:
    integration = integration_of(call.resource)
    if integration is None:
        raise TaskFailed(RUNTIME, f"The resource provided {call.resource} is not recognized.")
    name = "" if integration.is_sdk else integration.service.name
    if name == "apigateway":
        said = "API Gateway is not in the sandbox; use an AWS account for it."
        raise TaskFailed("ApiGateway.SdkClientException", said)
    found = functions.invoked(call) if name == "lambda" else services.answer(call, integration)
    if not integration.pattern:
        _post(call, partial(call.succeed, found))
    elif integration.pattern == TOKEN:
        _post(call, partial(call.submit, found))
    else:
        job = job_of(call.execution.identity.region, integration, found)
        _post(call, partial(_follow_job, call, job))


def _follow_job(call: Call, job: Job) -> None:
    """Wait for a job that was started; in the engine's thread."""
    stop = partial(pool.run, job.stop)
    if not call.open:
        stop()
        return
    call.on_abandoned = stop
    call.submit(job.started)
    _look_later(call, job, clock.time())


def _look_later(call: Call, job: Job, began: float) -> None:
    def look() -> None:
        if call.open:
            pool.run(partial(_answering, call, partial(_look, job, began)))

    clock.after(max(FIRST_LOOK, LATENESS * (clock.time() - began)), look)


def _look(job: Job, began: float, call: Call) -> None:
    found = job.result()
    if found is None:
        _look_later(call, job, began)
    else:
        _post(call, partial(call.succeed, found))
