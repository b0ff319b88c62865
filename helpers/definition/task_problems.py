"""Findings about single tasks: one that can hang, one whose Retry forgets throttling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from helpers.definition.finding import Problem
from helpers.definition.walk import State, errors, objects

__all__ = ["task_problems"]

THROTTLED = "Lambda.TooManyRequestsException"
# States.TaskFailed stands for every error but States.Timeout ("Error names", Step Functions developer guide).
COVERING = (THROTTLED, "States.ALL", "States.TaskFailed")
# Services whose job may never end by itself: a Batch job that finds no room, a container that runs on, a child
# execution. The others end a job after a time of their own.
ENDLESS_JOBS = ("batch", "ecs", "eks", "states")
TIMES = ("TimeoutSeconds", "TimeoutSecondsPath")
HEARTBEATS = ("HeartbeatSeconds", "HeartbeatSecondsPath")


def task_problems(state: State, definition: dict[str, Any]) -> Iterator[Problem]:
    """The findings about one Task."""
    resource = state.body.get("Resource")
    if state.type != "Task" or not isinstance(resource, str):
        return
    waited_for = hanging(resource)
    if waited_for and "TimeoutSeconds" not in definition and not any(f in state.body for f in (*TIMES, *HEARTBEATS)):
        yield Problem(
            "no-timeout",
            (state.name,),
            f"{state.name} waits for {waited_for} and has neither TimeoutSeconds nor HeartbeatSeconds: if that never "
            "comes, the execution hangs for up to a year; set one of them.",
        )
    is_lambda = ":states:::lambda:invoke" in resource or ":lambda:" in resource
    if is_lambda and any(objects(state.body.get("Retry"))) and covering(state, "Retry") is None:
        yield Problem(
            "retry-misses-throttling",
            (state.name,),
            f"Retry of {state.name} does not name {THROTTLED}: a throttled function gets no other attempt and at once "
            f"{fate_of_throttled(state)}; add it to ErrorEquals.",
        )


def fate_of_throttled(state: State) -> str:
    """What becomes of a throttled task that its own Retry does not retry."""
    if caught := covering(state, "Catch"):
        return f"goes to {caught.get('Next')}"
    while (owner := state.scope.owner) is not None:
        if owner.distributed:
            return f"fails its child execution of {owner.name}"
        if covering(owner, "Retry"):
            return f"ends what goes on in {owner.name}, and {owner.name} begins again"
        if caught := covering(owner, "Catch"):
            return f"ends {owner.name}, which goes to {caught.get('Next')}"
        state = owner
    return "fails the execution"


def covering(state: State, field: str) -> dict[str, Any] | None:
    """The first rule of a Retry or Catch that names throttling."""
    rules = (rule for _, rule in objects(state.body.get(field)))
    return next((rule for rule in rules if any(name in COVERING for name in errors(rule))), None)


def hanging(resource: str) -> str | None:
    """What a task may wait for without end, None for one that always ends by itself."""
    if resource.endswith(".waitForTaskToken"):
        return "its task token to come back"
    if ":activity:" in resource:
        return "a worker to take and finish its activity"
    if ".sync" in resource:
        service = resource.split(":states:::")[-1].split(":")[0]
        return "a job to end" if service in ENDLESS_JOBS else None
    return None
