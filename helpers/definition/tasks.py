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
    retriers = [errors(retrier) for _, retrier in objects(state.body.get("Retry"))]
    if calls_lambda(resource) and retriers and not any(name in COVERING for names in retriers for name in names):
        yield Problem(
            "retry-misses-throttling",
            (state.name,),
            f"Retry of {state.name} does not name {THROTTLED}: a throttled function fails the execution at once; "
            "add it to ErrorEquals.",
        )


def calls_lambda(resource: str) -> bool:
    return ":states:::lambda:invoke" in resource or ":lambda:" in resource


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
