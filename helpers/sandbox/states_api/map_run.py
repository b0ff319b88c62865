"""Map Runs as the service knows them: the engine's, with a machine of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from helpers import definition as asl
from helpers import engine
from helpers.sandbox.states_api.machines import Machine

if TYPE_CHECKING:
    from helpers.sandbox.states_api.execution import Execution

__all__ = ["MapRun"]


class MapRun:
    """What one distributed Map dispatches. Its children live and are forgotten with the execution around it."""

    def __init__(self, parent: Execution, run: engine.MapRun) -> None:
        self.parent, self.run = parent, run
        self._machine: Machine | None = None

    @property
    def arn(self) -> str:
        return self.run.arn

    @property
    def label(self) -> str:
        return self.run.label

    @property
    def machine(self) -> Machine:
        """The machine of the children, made when somebody asks for it."""
        if self._machine is None:
            run, revision = self.run, self.parent.revision
            processor = engine.text_of(_processor(engine.data_of(revision.definition), run.state.name))
            name = run.machine_name
            self._machine = Machine(
                run.machine_arn, name, run.type, run.started, replace(revision, definition=processor)
            )
        return self._machine

    @property
    def events_kept(self) -> int:
        return sum(len(child.events) + _below(child, "events_kept", self) for child in self.run.children)

    @property
    def bytes_kept(self) -> int:
        return sum(child.size for child in self.run.children)

    def counts(self) -> dict[str, int]:
        """How many children are in which status, as DescribeMapRun says it of items and of executions."""
        run = self.run
        known = {name: run.counts.get(name, 0) for name in ("succeeded", "failed", "running", "aborted")}
        timed_out = run.counts.get("timed_out", 0)
        begun = sum(known.values()) + timed_out
        pending = max(run.total - begun - run.undispatched, 0) if run.status == "RUNNING" else 0
        failed = known["failed"] + run.undispatched
        return {
            **known,
            "failed": failed,
            "timedOut": timed_out,
            "pending": pending,
            "total": begun + run.undispatched + pending,
            "resultsWritten": known["succeeded"],
            "failuresNotRedrivable": 0,
            "pendingRedrive": 0,
        }

    def forget(self) -> int:
        """Forget the children, and return how many they were."""
        run = self.run
        forgotten = len(run.children)
        for child in run.children:
            child.forget()
        run.children, run.latest, run.items = [], {}, None
        return forgotten


def _below(child: engine.Execution, what: str, run: MapRun) -> int:
    known = run.parent.backend.map_runs
    return sum(getattr(known[one.arn], what) for one in child.map_runs if one.arn in known)


def _processor(definition: Any, name: str) -> dict[str, Any]:
    """What a Map runs for each item, as a definition of its own."""
    [scope] = next(state for state in asl.states(definition) if state.name == name).inner
    language = {"QueryLanguage": scope.language} if scope.language != "JSONPath" else {}
    return {**language, **scope.body}
