"""Short machines, and an execution that is driven by hand."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from helpers import engine
from helpers.engine.scheduler import SECOND, counted

START = datetime(2025, 1, 1, tzinfo=UTC)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:asked"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:work"
TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
SYNC = "arn:aws:states:::states:startExecution.sync:2"


def task(resource: str = ARN, **fields: Any) -> dict[str, Any]:
    """A Task state, the last of its machine unless `Next` says otherwise."""
    return {"Type": "Task", "Resource": resource, **({} if "Next" in fields else {"End": True}), **fields}


def passing(**fields: Any) -> dict[str, Any]:
    """A Pass state, the last of its machine unless `Next` says otherwise."""
    return {"Type": "Pass", **({} if "Next" in fields else {"End": True}), **fields}


def machine(state: dict[str, Any] | None = None, /, **states: Any) -> dict[str, Any]:
    """A machine of one state `A`, or of several by name, the first of them its start."""
    named = {"A": state} if state else states
    return {"StartAt": next(iter(named)), "States": named}


def types(events: Any) -> list[str]:
    """The types of a run's events, or of a list of events."""
    return [event["type"] for event in getattr(events, "events", events)]


def details(run: Any, kind: str) -> list[dict[str, Any]]:
    """The details of every event of a type."""
    return [one for event in run.events if event["type"] == kind for one in event.values() if isinstance(one, dict)]


def seconds(run: Any) -> list[float]:
    """When each event was written, in seconds since the first."""
    return [(event["timestamp"] - run.events[0]["timestamp"]).total_seconds() for event in run.events]


def outputs(run: Any, kind: str) -> Iterator[Any]:
    """The outputs of the states of a type, as data."""
    return (json.loads(one["output"]) for one in details(run, f"{kind}StateExited"))


class Driven(engine.Observer):
    """An execution whose tasks are answered when the test says so; `calls` are those that were made."""

    def __init__(self, definition: Any, data: Any = None, begun_only: bool = False, **options: Any) -> None:
        self.scheduler = engine.Scheduler(counted(START))
        self.calls: list[engine.Call] = []
        account = "arn:aws:states:us-east-1:123456789012"
        self.execution = engine.Execution(
            engine.compiled(definition, options.get("type", "STANDARD")),
            json.dumps({} if data is None else data),
            engine.Identity(f"{account}:execution:m:e", "e", f"{account}:stateMachine:m", "m", "role"),
            scheduler=self.scheduler,
            handler=self.calls.append,
            seed=options.pop("seed", 0),
            **options,
        )
        self.execution.begin()
        if not begun_only:
            self.execution.go()
        self.settle()

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.execution.events

    def settle(self) -> "Driven":
        """Let everything happen that takes no time."""
        while self.scheduler.step() or self.scheduler.ring():
            pass
        return self

    def wait(self, seconds: float) -> "Driven":
        """Let time pass, and what happens in it."""
        end = self.scheduler.now + round(seconds * SECOND)
        self.settle()
        while (when := self.scheduler.deadline()) is not None and when <= end:
            self.scheduler.now = when
            self.settle()
        self.scheduler.now = end
        return self

    def stop(self, error: str | None = None, cause: str | None = None) -> "Driven":
        self.execution.stop(error, cause)
        return self.settle()

    def redrive(self) -> "Driven":
        assert self.execution.not_redrivable() is None
        self.execution.redrive()
        return self.settle()


def at(seconds: float) -> datetime:
    """So many seconds after the start."""
    return START + timedelta(seconds=seconds)
