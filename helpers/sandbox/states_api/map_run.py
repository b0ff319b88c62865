"""A Map Run and its child executions: executions like others, evaluated by the workers of a distributed Map."""

import json
import threading
import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.api import MapRunStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
    MapRunRecordPoolManager,
)

from helpers import definition as asl
from helpers.sandbox.clock import Ended, clock
from helpers.sandbox.interpreter.data import text_of, time_text
from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.execution import Execution, Run
from helpers.sandbox.states_api.machines import Machine

__all__ = ["Child", "MapRun", "MapRuns"]


class MapRuns(MapRunRecordPoolManager):
    """The Map Runs of an execution that begin after its start, or after a redrive."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._execution = execution
        self._left: dict[int, MapRun] = {run.entered: run for run in execution.map_runs() if run.redrivable}

    def goes_on(self, entered: int) -> bool:
        """Whether a redrive goes on with the Map Run of the Map state that the event `entered` entered."""
        return entered in self._left

    def begin(self, state: Any, entered: int, **settings: Any) -> "MapRun":
        """The Map Run of a Map state, with moto's settings of its record.

        A redrive goes on once with the one that it left; a retry begins a new one, as every entering does.
        """
        run = self._left.pop(entered, None)
        if run is not None:
            run.reopen()
            return run
        run = MapRun(self._execution, state, entered, **settings)
        self.add(run)
        return run


class MapRun(MapRunRecord):
    """What one distributed Map dispatches. Its children live and are forgotten with the execution around it."""

    def __init__(self, parent: Execution, state: Any, entered: int, **settings: Any) -> None:
        super().__init__(state_machine_arn=parent.machine.arn, execution_arn=parent.arn, **settings)
        self.parent = parent
        self.state = state
        self.entered = entered
        self.items: list[Any] | None = None  # what the children are given, while any is still to do
        self.children: list[Child] = []  # in order of start
        self.events_kept = 0
        self.redrives = 0
        self.redriven: datetime | None = None
        self._latest: dict[int, Child] = {}  # by the item's index
        self._undispatched = 0
        self._lock = threading.Lock()
        self.label = self.map_state_machine_arn.rsplit("/", 1)[-1]
        processor, kind = _processor(parent.revision.definition, state.name)
        self.machine = Machine(
            self.map_state_machine_arn,
            self.map_state_machine_arn.split(":", 6)[-1],
            kind,
            self.start_date,
            replace(parent.revision, definition=processor),
        )
        parent.backend.map_runs[self.map_run_arn] = self

    @property
    def redrivable(self) -> bool:
        """Whether it ended with something to do again; where no item could be read, a new one begins instead."""
        return self.status in (MapRunStatus.FAILED, MapRunStatus.ABORTED) and self.items is not None

    def reopen(self) -> None:
        """Run again: the children that have not succeeded are done again, those that have are not."""
        self.redrives += 1
        self.redriven = clock.now()
        self.status = MapRunStatus.RUNNING
        self.stop_date = None
        self._count(total=-self._undispatched, failed=-self._undispatched)
        self._undispatched = 0

    def earlier(self, index: int) -> "Child | None":
        """The child that was dispatched for an item before a redrive."""
        return self._latest.get(index)

    def child(self, index: int, given: Any, program: Any, item: Any, tokens: Any) -> "Child":
        """A child execution to `evaluate`: new, or the earlier one, which may be beyond redriving and stays as it is.

        `given` is its input, `item` what its context object holds as Map, if anything, and `tokens` moto's pool of the
        task tokens of everything around it. Raises Ended when the Map Run has ended.
        """
        if self.stop_date is not None:
            raise Ended
        found = self._latest.get(index)
        if found is not None and not found.express:
            if found.not_redrivable():
                return found
            self._count(**{found.status.lower(): -1}, running=1)
            found.reopen(item, tokens)
        else:  # an Express execution is not redriven, but started anew
            self._count(**({found.status.lower(): -1} if found else {"total": 1}), running=1)
            found = self._latest[index] = Child(self, given, program)
            found.begin(item, tokens)
            self.children.append(found)
            self.parent.backend.children[found.arn] = found
        if self.stop_date is not None:  # since it was asked above
            found.stop(None, None)
        return found

    def child_ended(self, status: str) -> None:
        """Count a child that ran as one that ended so."""
        self._count(running=-1, results_written=int(status == "SUCCEEDED"), **{status.lower(): 1})

    def fail_undispatched(self) -> None:
        """Count an item as failed that no child could be given."""
        self._undispatched += 1
        self._count(total=1, failed=1)

    def _count(self, **changes: int) -> None:
        for counter in (self.item_counter, self.execution_counter):
            for name, change in changes.items():
                getattr(counter, name).offset(change)

    def results(self) -> list[dict[str, Any]]:
        """What results hold of every child, in order of the items."""
        return [child.result() for _, child in sorted(self._latest.items())]

    def set_stop(self, status: MapRunStatus) -> None:
        """End, unless it has ended."""
        with self._lock:
            if self.stop_date is not None:
                return
            super().set_stop(status)
        if status == MapRunStatus.SUCCEEDED:
            self.items = None
        self.parent.backend.map_run_ended(self)

    def abort(self) -> None:
        """End, unless it has ended, and stop the children that run."""
        self.set_stop(MapRunStatus.ABORTED)
        if self.status == MapRunStatus.ABORTED:
            for child in list(self.children):
                if child.status == "RUNNING":
                    child.stop(None, None)

    def keep(self, events: int) -> None:
        """Take account of that many more events that its children hold."""
        with self._lock:
            self.events_kept += events

    def forget(self) -> int:
        """Forget the children, and return how many they were."""
        forgotten = len(self.children)
        self.children, self._latest, self.items, self.events_kept = [], {}, None, 0
        return forgotten


class Child(Execution):
    """A child execution, which has no alias or version, and is redriven with its parent alone."""

    def __init__(self, run: MapRun, given: Any, program: Any) -> None:
        name = str(uuid.uuid4())
        express = run.machine.type == "EXPRESS"
        prefix = run.machine.arn.replace(":stateMachine:", ":express:" if express else ":execution:")
        arn = f"{prefix}:{name}:{uuid.uuid4()}" if express else f"{prefix}:{name}"
        super().__init__(run.parent.backend, run.machine, None, None, arn, name, text_of(given))
        self.map_run = run
        self.program = program
        self._counted = 0

    def begin(self, item: Any, tokens: Any) -> None:
        """Count as running, from its first event on."""
        self._run = Run(self, None)
        self._furnish(self._run, item, tokens)

    def reopen(self, item: Any, tokens: Any) -> None:
        """Count as running again, from a redrive's event on."""
        run, _ = self._reopen()
        self._furnish(run, item, tokens)

    def _furnish(self, run: Run, item: Any, tokens: Any) -> None:
        run.environment.callback_pool_manager = tokens
        if item is not None:
            run.environment.states.context_object.context_object_data["Map"] = item

    def evaluate(self) -> None:
        """Run to the end, in this thread."""
        if run := self._run:
            run.evaluate()

    def redrive(self, client_token: str | None = None) -> datetime:
        message = "Execution was started by a Map Run and is redriven by redriving the parent execution"
        raise StatesError("ExecutionNotRedrivable", f"{message}: '{self.map_run.parent.arn}'")

    def _end(self, status: str, details: dict[str, Any], moment: datetime) -> None:
        super()._end(status, details, moment)
        self.map_run.child_ended(status)

    def announce(self) -> None:
        """Tell nobody: EventBridge hears of the executions that somebody started."""

    def _released(self, run: Run) -> None:
        kept = self.events_kept()
        self.map_run.keep(kept - self._counted)
        self._counted = kept

    def result(self) -> dict[str, Any]:
        """What is known of it, as the results of a Map Run hold it."""
        reason = self.not_redrivable()
        found = {
            "ExecutionArn": self.arn,
            "Input": self.text,
            "InputDetails": {"Included": True},
            "Name": self.name,
            "RedriveCount": self.redrives,
            "StartDate": time_text(self.started),
            "StateMachineArn": self.machine.arn,
            "Status": self.status,
            "Output": self.output,
            "OutputDetails": {"Included": True} if self.output is not None else None,
            "Error": self.error,
            "Cause": self.cause,
            "StopDate": time_text(self.stopped) if self.stopped else None,
            "RedriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            "RedriveStatusReason": reason,
        }
        return {name: value for name, value in found.items() if value is not None}


def _processor(definition: str, name: str) -> tuple[str, str]:
    """What a Map runs for each item, as a definition of its own, and whether as a STANDARD or EXPRESS execution."""
    [scope] = next(state for state in asl.states(json.loads(definition)) if state.name == name).inner
    language = {"QueryLanguage": scope.language} if scope.language != "JSONPath" else {}
    kind = scope.body.get("ProcessorConfig", {}).get("ExecutionType", "STANDARD")
    return text_of({**language, **scope.body}), kind
