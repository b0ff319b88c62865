"""A call of the engine: begun in the engine's thread, done in others, answered in the engine's again."""

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from helpers.engine import Call, TaskFailed
from helpers.engine.failures import PERMISSIONS, RUNTIME, TASK_FAILED
from helpers.sandbox import pool
from helpers.sandbox.actions import Need
from helpers.sandbox.clock import clock
from helpers.sandbox.identities import Identity, acting_as, refusal, session
from helpers.sandbox.integrations import objects, service_call
from helpers.sandbox.integrations.integration import TOKEN, integration_of, is_function
from helpers.sandbox.integrations.jobs import Job, Started, is_job, stand_ins, waiting

__all__ = ["attempt", "handle", "identity_of"]

LOG = logging.getLogger(__name__)
Action = Callable[[], Any]
Work = Callable[[Call], Action | None]
FAILED = "The sandbox failed in this task; its log has the details."


def handle(call: Call) -> None:
    """Do what a task asks for, or read or write for a distributed Map; called in the engine's thread, returns at once.

    Activities and Express executions that are waited for are not done here.
    """
    if call.kind == "task":
        stand_in = stand_ins.get(call.state)
        if stand_in is not None and not is_job(integration_of(call.resource)):
            call.answer(stand_in.outcome())
            return
        call.start()
    pool.run(partial(attempt, call, _answer))


def attempt(call: Call, work: Work) -> None:
    """Do a part of a call's work as whom the call is made, and then, in the engine's thread, what it returns.

    Whatever fails in either, fails the call; nothing is done where its state has ended meanwhile.
    """
    if not call.open:
        return
    try:
        with acting_as(identity_of(call)):
            action = work(call)
    except TaskFailed as failure:
        action = partial(call.fail, failure.error, failure.cause, failure.also)
    except Exception:
        LOG.exception("%s of %s failed", call.resource, call.execution.identity.arn)
        action = partial(call.fail, TASK_FAILED, FAILED)

    def act() -> None:
        try:
            if action:
                action()
        except Exception:
            LOG.exception("An answer to %s of %s failed", call.resource, call.execution.identity.arn)
            call.fail(TASK_FAILED, FAILED)

    clock.post(act)


def identity_of(call: Call) -> Identity:
    """As whom a call is made: by its execution's role, or by the one of its Credentials. Raises TaskFailed."""
    identity = session(call.execution.identity.role_arn)
    wanted = (call.credentials or {}).get("RoleArn")
    if wanted is None:
        return identity
    region = call.execution.identity.region
    if said := refusal(identity, Need("sts:AssumeRole", str(wanted)), region):
        raise TaskFailed(PERMISSIONS, said)
    return session(str(wanted))


def _answer(call: Call) -> Action:
    """Ask whoever has the answer; what is to be done with it in the engine's thread."""
    if call.kind != "task":
        return partial(call.succeed, objects.items(call) if call.kind == "read" else objects.write(call))
    if is_function(call.resource):
        return partial(call.succeed, service_call.function_answer(call))
    integration = integration_of(call.resource)
    if integration is None:
        raise TaskFailed(RUNTIME, f"The resource provided {call.resource} is not recognized.")
    job = Job(call, integration, identity_of(call)) if is_job(integration) else None
    found = job.started if job else service_call.answer(call, integration)
    if integration.pattern in ("", TOKEN):
        return partial(call.submit if integration.pattern else call.succeed, found)
    return partial(_follow, call, found, job or Started(call, integration, found))


def _follow(call: Call, answer: Any, started: Job | Started) -> None:
    """Wait for the end of what was started; in the engine's thread."""

    def look(_: Call) -> Action | None:
        found = started.outcome()
        return None if found is None else partial(call.succeed, found)

    def stop() -> None:
        with contextlib.suppress(TaskFailed), acting_as(identity_of(call)):
            started.stop()

    def abandon() -> None:
        waiting.get(started.id, {}).pop(call, None)
        pool.run(stop)

    if not call.open:
        abandon()
        return
    call.on_abandoned = abandon
    call.submit(answer)
    again = partial(pool.run, partial(attempt, call, look))
    waiting.setdefault(started.id, {})[call] = again
    again()  # it may have ended already
