"""Map Runs as the service knows them: the engine's, with a machine of their own, and what they have done so far."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from helpers import definition as asl
from helpers import engine
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.errors import invalid
from helpers.sandbox.states_api.execution import Child, Execution
from helpers.sandbox.states_api.machines import Machine

__all__ = ["MapRun", "list_children", "tree"]


class MapRun:
    """What one distributed Map dispatches. Its children live and are forgotten with the execution around it."""

    def __init__(self, parent: Execution, run: engine.MapRun) -> None:
        self.parent, self.run = parent, run

    @property
    def arn(self) -> str:
        return self.run.arn

    @functools.cached_property
    def machine(self) -> Machine:
        """The machine of the children, made when somebody asks for it."""
        run, revision = self.run, self.parent.revision
        processor = engine.text_of(_processor(engine.data_of(revision.definition), run.state.name))
        own = replace(revision, definition=processor)
        return Machine(run.machine_arn, run.machine_name, run.type, run.started, own)

    def runs(self) -> list[engine.Execution]:
        """The child executions, and theirs."""
        return [run for child in self.run.children for run in tree(child)]

    def counts(self, of: dict[str, int], total: int) -> dict[str, int]:
        """How many of the items, or of the children, are in which status, as DescribeMapRun says it."""
        run = self.run
        begun = sum(of.values())
        pending = max(total - begun - run.undispatched, 0) if run.status == "RUNNING" else 0
        return {
            **of,
            "failed": of["failed"] + run.undispatched,
            "timedOut": of["timed_out"],
            "pending": pending,
            "total": begun + run.undispatched + pending,
            "resultsWritten": of["succeeded"],
            "failuresNotRedrivable": 0,
            "pendingRedrive": 0,
        }

    def describe(self) -> dict[str, Any]:
        """The members of DescribeMapRun's answer, and of a list's."""
        run = self.run
        return {
            "mapRunArn": run.arn,
            "executionArn": run.parent.identity.arn,
            "stateMachineArn": run.machine_arn,
            "status": run.status,
            "startDate": run.started,
            "stopDate": run.stopped,
            "maxConcurrency": run.concurrency,
            "toleratedFailurePercentage": run.percentage,
            "toleratedFailureCount": run.count,
            "itemCounts": self.counts(run.item_counts, run.total),
            "executionCounts": self.counts(run.counts, len(run.items or ())),
            "redriveCount": run.redrives,
            "redriveDate": run.redriven,
        }

    def forget(self) -> int:
        """Forget the children, and return how many they were."""
        run = self.run
        forgotten = len(run.children)
        for child in run.children:
            child.forget()
        run.children, run.latest, run.items = [], {}, None
        return forgotten


def tree(run: engine.Execution) -> Iterator[engine.Execution]:
    """An execution and its child executions, at every depth."""
    yield run
    for map_run in run.map_runs:
        for child in map_run.children:
            yield from tree(child)


def _processor(definition: Any, name: str) -> dict[str, Any]:
    """What a Map runs for each item, as a definition of its own."""
    [scope] = next(state for state in asl.states(definition) if state.name == name).inner
    language = {"QueryLanguage": scope.language} if scope.language != "JSONPath" else {}
    return {**language, **scope.body}


def list_map_runs(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = backend.execution(arguments["executionArn"])
    newest_first = [(-number, run) for number, run in enumerate(execution.map_runs)][::-1]
    return pages.listed("mapRuns", f"map runs {execution.arn}", newest_first, arguments)


def describe_map_run(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    found: MapRun = backend.map_run(arguments["mapRunArn"])
    return found.describe()


def update_map_run(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    run = backend.map_run(arguments["mapRunArn"]).run
    if run.stopped is not None:
        raise invalid(f"Map Run has ended and cannot be updated: '{run.arn}'")
    for member, name in (
        ("maxConcurrency", "concurrency"),
        ("toleratedFailureCount", "count"),
        ("toleratedFailurePercentage", "percentage"),
    ):
        if arguments.get(member) is not None:
            setattr(run, name, arguments[member])
    clock.post(run.changed)
    return {}


def list_children(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """ListExecutions of a Map Run: its child executions, the newest first."""
    record = backend.map_run(arguments["mapRunArn"])
    status = arguments.get("statusFilter")
    found = [
        (-number, child) for number, child in enumerate(record.run.children) if status is None or child.status == status
    ][::-1]
    listing = f"children {record.arn} {status}"
    return pages.listed("executions", listing, found, arguments, lambda child: Child(record, child).describe())
