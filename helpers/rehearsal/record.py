"""A recorded history, read for a rehearsal: its events by branch, its attempts by call, and what came from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from helpers.engine import text_of
from helpers.engine.scheduler import EPOCH, counted
from helpers.errors import NotAHistory
from helpers.history import store
from helpers.history.chains import follow
from helpers.history.event_types import ENDS, Group, Kind, details_key, read
from helpers.history.frames import table
from helpers.history.sources import Source, Trace, stamps, text, whole
from helpers.history.sources import read as traces
from helpers.quantities import count

__all__ = ["Attempt", "Line", "MapRun", "Record", "Step", "executions", "is_child", "recorded"]

OUTSIDE = frozenset({Kind.EXECUTION_ABORTED, Kind.EXECUTION_TIMED_OUT, Kind.EXECUTION_REDRIVEN})
# After one of these, what follows in a branch is what came of it, not what was cut off.
FAILURES = frozenset({Kind.ATTEMPT_FAILED, Kind.ATTEMPT_TIMED_OUT, Kind.EVALUATION_FAILED, Kind.CONTAINER_FAILED})
ITERATED = frozenset({Kind.ITERATION_SUCCEEDED, Kind.ITERATION_FAILED})
FULL = re.compile(r"reached the maximum number of history events \((\d{1,6})\)")
NO_TIME = np.datetime64("NaT", "us")
NO_DETAILS: Mapping[str, Any] = {}
Key = tuple[str, str, int]


class Step:
    """One recorded event: its type, details, and stamp (also in whole microseconds; None where it is unreadable)."""

    __slots__ = ("at", "details", "id", "kind", "name", "stamp", "type")

    def __init__(self, id: int, type: str, kind: Kind, details: Mapping[str, Any], name: str | None) -> None:  # noqa: A002
        self.id, self.type, self.kind, self.details, self.name = id, type, kind, details, name
        self.at: int | None = None
        self.stamp: datetime | None = None

    @property
    def is_cut(self) -> bool:
        """Whether its output is not there, or not all of it."""
        said = self.details.get("outputDetails")
        missing = self.kind is Kind.ATTEMPT_SUCCEEDED and "output" not in self.details
        return missing or (isinstance(said, Mapping) and said.get("truncated") is True)


class Line:
    """The events of one branch, in order; `next` is the one that a rehearsal comes to next."""

    __slots__ = ("at", "parted", "steps")

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.at = 0
        self.parted: Any = False  # True, or the visit inside of which the ways parted

    @property
    def next(self) -> Step | None:
        return self.steps[self.at] if self.at < len(self.steps) else None

    @property
    def last(self) -> Step | None:
        """The one that a rehearsal came to last."""
        return self.steps[self.at - 1] if self.at else None


class Attempt:
    """One recorded attempt of a task, by its events; None for those that there were not."""

    __slots__ = ("ended", "scheduled", "started", "submitted")

    def __init__(self, scheduled: Step) -> None:
        self.scheduled = scheduled
        self.started: Step | None = None
        self.submitted: Step | None = None
        self.ended: Step | None = None

    def after(self, step: Step | None) -> int:
        """Microseconds from its scheduling to one of its events."""
        known = step is not None and step.at is not None and self.scheduled.at is not None
        return max(0, step.at - self.scheduled.at) if known else 0  # type: ignore[operator,union-attr]


class MapRun:
    """One recorded Map Run, by its events; None for those that there were not."""

    __slots__ = ("ended", "exited", "started")

    def __init__(self, started: Step) -> None:
        self.started = started
        self.ended: Step | None = None
        self.exited: Step | None = None


class Record:
    """One execution's history: see the module's first line. Reading it again needs `again`."""

    def __init__(self, trace: Trace, children: Sequence[Trace] = ()) -> None:
        self.execution, self.notes = trace.execution, list(trace.notes)
        self.gap: str | None = None
        known = [Record(child) for child in children]
        self.children = sorted(known, key=lambda child: (child.steps[0].at or 0, child.execution))
        self.steps = self._steps(trace)
        self.lines: dict[str, Line] = {}
        self.attempts: dict[Key, list[Attempt]] = {}
        self.map_runs: dict[Key, list[MapRun]] = {}
        self.succeeded: set[str] = set()  # Maps and Parallels that did, as their branches begin
        self.events = trace.events[: len(self.steps)]
        self._place()
        first, self.end = self.steps[0], self.steps[-1]
        self.open = self.end.kind not in ENDS
        self.status = ENDS.get(read(text(trace.events[-1].get("type"))).kind, "RUNNING")  # also behind a gap
        self.redrives = [step.id for step in self.steps if step.kind is Kind.EXECUTION_REDRIVEN]
        self.states = {step.name for step in self.steps if step.kind is Kind.ENTERED}
        if first.type != "ExecutionStarted":
            raise NotAHistory("The history does not begin with ExecutionStarted: fetch all of its pages.")
        if "input" not in first.details:
            raise NotAHistory(
                "The history holds no execution data, so nothing can be rehearsed: fetch it with "
                "includeExecutionData=True, or have the machine log its data."
            )
        self.given = first.details["input"]
        self.truncated = isinstance(cut := first.details.get("inputDetails"), Mapping) and cut.get("truncated") is True

    @property
    def label(self) -> str:
        """The label of the Map Run whose child it is; empty for none."""
        return _machine(self.execution).partition("/")[2]

    @property
    def limit(self) -> int | None:
        """How many events its history could hold, where it came to that."""
        found = FULL.search(str(self.end.details.get("cause")))
        return int(found[1]) if found else None

    def again(self) -> Record:
        """Itself, to be followed from its beginning."""
        for line in self.lines.values():
            line.at, line.parted = 0, False
        for child in self.children:
            child.again()
        return self

    def _steps(self, trace: Trace) -> list[Step]:
        events = trace.events
        if not events:
            raise NotAHistory("There are no events in this history: export it again.")
        if events[-1]["id"] != len(events):
            kept = next(at for at, event in enumerate(events) if event["id"] != at + 1)
            missed = count(len(events) - kept, "event", "events")
            self.gap = (
                f"The history has a gap after event {kept}: it is rehearsed up to there, without {missed} behind it."
            )
            self.notes.append(self.gap)
            events = events[:kept]
            if not kept:
                raise NotAHistory("The history does not begin with event 1: fetch all of its pages.")
        found: list[Step] = []
        for event in events:
            kind = event.get("type")
            kind = kind if isinstance(kind, str) else text(kind)
            details = event.get(details_key(kind))
            if details.__class__ is not dict:
                details = next((value for key, value in event.items() if str(key).endswith("EventDetails")), NO_DETAILS)
                details = details if isinstance(details, Mapping) else NO_DETAILS
            unsound = [field for field in SOUND if field in details and not SOUND[field](details[field])]
            if unsound and (found or unsound != ["input"]):  # what it began with is asked for where it is no data
                details = {field: value for field, value in details.items() if field not in unsound}
            name = details.get("name", details.get("state"))
            name = name if name is None or isinstance(name, str) else text(name)
            found.append(Step(event["id"], kind, read(kind).kind, details, name))
        times = [event.get("timestamp") for event in events]
        if all(time.__class__ is datetime and time.tzinfo is not None for time in times):
            for step, time in zip(found, times, strict=True):
                step.at, step.stamp = counted(time), time  # type: ignore[arg-type]
        else:
            moments, doubts = stamps(times)
            self.notes += doubts
            for step, moment in zip(found, moments.astype("int64").tolist(), strict=True):
                if moment != NAT:
                    step.at, step.stamp = moment, EPOCH + timedelta(microseconds=moment)
        return found

    def _place(self) -> None:
        """Put each event into the line of its branch, and into the attempt that it belongs to."""
        steps, lines, attempts = self.steps, self.lines, self.attempts
        befores = [event.get("previousEventId") for event in self.events]
        places = follow(
            [step.type for step in steps],
            [step.id for step in steps],
            [before if before.__class__ is int else whole(before) for before in befores],
            [step.name for step in steps],
            [whole(step.details["index"]) if "index" in step.details else None for step in steps],
        )
        latest: dict[Key, Attempt] = {}
        for step, visit, scope in zip(steps, places.visits, places.scopes, strict=True):
            branch = places.branches[scope] or ""
            line = lines.get(branch)
            if line is None:
                line = lines[branch] = Line()
            line.steps.append(step)
            group = read(step.type).group
            if group is Group.ATTEMPT and visit >= 0:
                key = (branch, places.names[visit], places.numbers[visit])
                if step.kind is Kind.ATTEMPT_SCHEDULED:
                    latest[key] = Attempt(step)
                    attempts.setdefault(key, []).append(latest[key])
                elif key in latest:
                    setattr(latest[key], PART.get(step.kind, "ended"), step)
            elif visit >= 0 and step.kind in RUNS:
                key = (branch, places.names[visit], places.numbers[visit])
                if step.kind is Kind.RUN_STARTED:
                    self.map_runs.setdefault(key, []).append(MapRun(step))
                elif key in self.map_runs:
                    setattr(self.map_runs[key][-1], RUNS[step.kind], step)
            elif step.kind is Kind.CONTAINER_SUCCEEDED and visit >= 0:
                path = f"{places.names[visit]}#{places.numbers[visit]}"
                self.succeeded.add(f"{branch}/{path}" if branch else path)

    def cut(self, branch: str) -> bool:
        """Whether a branch that has come to its last recorded event was cut off there."""
        last = self.lines[branch].steps[-1]
        if not branch or last.kind in ITERATED or last.kind in FAILURES or last.type == "FailStateEntered":
            return False
        return not any(branch.startswith(f"{path}:") for path in self.succeeded)

    def last_attempt(self, state: str, branch: str) -> Attempt | None:
        """The last attempt of a state that has ended, in its branch or else in any."""
        ended = [
            (of == branch, one)
            for (of, name, _), several in self.attempts.items()
            if name == state
            for one in several
            if one.ended
        ]
        return max(ended, key=lambda pair: (pair[0], pair[1].scheduled.id))[1] if ended else None


def _is_limit(value: Any) -> bool:
    """Whether it can be the seconds of a time-out, of which the language has 99,999,999 at most."""
    return isinstance(value, int) and 0 <= value < 100_000_000


def _is_data(value: Any) -> bool:
    """Whether it is JSON text or data, which an endless number, as a source may hold it parsed, is not."""
    try:
        return isinstance(value, str) or bool(text_of(value))
    except ValueError:
        return False


# What the fields that a rehearsal calculates with must be; others count as missing.
SOUND: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("input", "output", "parameters"), _is_data),
    "assignedVariables": lambda value: isinstance(value, dict) and _is_data(value),
    "timeoutInSeconds": _is_limit,
    "heartbeatInSeconds": _is_limit,
}
NAT = -(2**63)
PART = {Kind.ATTEMPT_STARTED: "started", Kind.ATTEMPT_SUBMITTED: "submitted"}
RUNS = {
    Kind.RUN_STARTED: "started",
    Kind.RUN_SUCCEEDED: "ended",
    Kind.RUN_FAILED: "ended",
    Kind.RUN_ABORTED: "ended",
    Kind.EXITED: "exited",
}


def recorded(source: Source | pd.DataFrame) -> Record:
    """The record of the one execution of a source, with those of the children of its Map Runs where it holds them.

    Raises NotAHistory where there is none, where there are several, and where it holds no execution data.
    """
    found = executions(source)
    if len(found) != 1:
        said = count(len(found), "execution", "executions")
        raise NotAHistory(f"The source holds {said}: give the history of one, or all of them to `check`.")
    return Record(*found[0])


def executions(source: Source | pd.DataFrame) -> list[tuple[Trace, list[Trace]]]:
    """The executions of a source, each with the children of its Map Runs: those of its machine that began while it ran.

    Where there are children alone, they are what is asked about.
    """
    held = store.histories(table(source)) if isinstance(source, pd.DataFrame) else [source]
    found = [trace for one in held for trace in traces(one)]
    children = [trace for trace in found if is_child(trace.execution)]
    if len(children) in (0, len(found)):
        return [(trace, []) for trace in found]
    machines = np.array([_machine(child.execution).partition("/")[0] for child in children])
    began = np.array([_span(child)[0] for child in children])
    whole = []
    for parent in (trace for trace in found if not is_child(trace.execution)):
        first, last = _span(parent)
        own = (machines == _machine(parent.execution)) & ~((began < first) | (began > last))
        whole.append((parent, [children[at] for at in np.flatnonzero(own)]))
    return whole


def is_child(execution: str) -> bool:
    """Whether it is one of the children of a Map Run, by its ARN."""
    return "/" in _machine(execution)


def _span(trace: Trace) -> tuple[Any, Any]:
    """The first and the last stamp."""
    ends = [event.get("timestamp") for event in (*trace.events[:1], *trace.events[-1:])]
    first, *_, last = stamps(ends)[0] if ends else (NO_TIME, NO_TIME)
    return first, last


def _machine(arn: str) -> str:
    parts = arn.split(":")
    return parts[6] if len(parts) > 7 and parts[0] == "arn" else ""
