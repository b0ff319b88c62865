"""What an events table tells of the visits of states and of the tries of tasks: when, how long, and how they ended."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.history.event_types import CONTAINERS, EventType, Kind, read
from helpers.history.frames import texts

__all__ = ["attempts", "visits"]

_NONE = -1
"""Stands for a row that is not there."""
_STILL_INSIDE = {"Wait": "waiting", "Choice": "choosing"}
_CATCHING = CONTAINERS | {"Task"}

_Key = tuple[str | None, str, int]


class _Columns:
    """The columns of an events table that we go through row by row, as lists."""

    def __init__(self, events: pd.DataFrame) -> None:
        types = _strings(events["type"])
        readings = {name: read(name or "") for name in set(types)}
        self.types: list[EventType] = [readings[name] for name in types]
        self.executions = _strings(events["execution"])
        self.ids: list[int] = events["id"].to_numpy("int64").tolist()
        self.previous: list[int] = events["previous_id"].to_numpy("int64", na_value=0).tolist()
        self.states = _strings(events["state"])
        self.branches = _strings(events["branch"])
        self.visits: list[int] = events["visit"].to_numpy("int64", na_value=0).tolist()

    def executions_rows(self) -> Iterator[list[int]]:
        """The rows of each execution, in order of id."""
        rows: dict[str | None, list[int]] = {}
        for row, execution in enumerate(self.executions):
            rows.setdefault(execution, []).append(row)
        for own in rows.values():
            own.sort(key=self.ids.__getitem__)
            yield own


class _Try:
    """One try of a task; `scheduled`, `started`, `ended`, `error` are rows of the events table."""

    __slots__ = ("ended", "error", "follows_redrive", "number", "scheduled", "started", "status", "visit")

    def __init__(self, visit: "_Visit", scheduled: int, *, follows_redrive: bool = False) -> None:
        self.visit = visit
        self.number = len(visit.tries) + 1
        self.scheduled = scheduled
        self.started = _NONE
        self.ended = _NONE
        self.error = _NONE
        self.status: str | None = "running"
        self.follows_redrive = follows_redrive
        visit.tries.append(self)

    def end(self, status: str, row: int, error: int = _NONE) -> None:
        self.status, self.ended, self.error = status, row, error


class _Visit:
    """One entering of a state; `entered`, `exited`, `ended`, `error`, `touched` are rows of the events table."""

    __slots__ = (
        "branches",
        "cause",
        "container",
        "ended",
        "entered",
        "error",
        "exited",
        "failure",
        "key",
        "runs",
        "status",
        "touched",
        "tries",
        "type",
    )

    def __init__(self, key: _Key, state_type: str, row: int, container: "_Visit | None") -> None:
        self.key = key
        self.type = state_type
        self.container = container
        self.entered = self.exited = self.ended = self.error = _NONE
        self.status: str | None = None
        # How its latest event failed it, and where: final only when the visit ends there.
        self.failure: tuple[str, int] | None = None
        # The visit inside it that made it fail. They share an error, which may be told only later.
        self.cause: _Visit | None = None
        self.touched = row
        self.tries: list[_Try] = []
        self.branches: dict[str, None] = {}
        self.runs = 0

    def fail(self, status: str, row: int) -> None:
        self.failure, self.error = (status, row), row

    def recover(self) -> None:
        self.failure, self.error, self.cause = None, _NONE, None

    def blame(self, cause: "_Visit") -> None:
        self.cause, self.error = cause, cause.error

    def tell_error(self, row: int) -> None:
        """Note the row that tells the error, here and in the visits inside that caused it."""
        visit: _Visit | None = self
        while visit is not None and visit.error == _NONE:
            visit.error = row
            visit = visit.cause

    def end(self, status: str, row: int) -> None:
        self.status, self.ended = status, row
        if self.tries and self.tries[-1].status == "running":
            how = status if status in ("aborted", "timed_out") else "failed"
            self.tries[-1].end(how, row, self.error if how == "failed" else _NONE)


class _Account:
    """All visits of one execution, in order of entry, made by going once through its events."""

    def __init__(self, columns: _Columns, rows: list[int]) -> None:
        self.columns = columns
        self.visits: list[_Visit] = []
        self.is_over = False
        self._redriven = _NONE
        self._owners: dict[int, _Visit] = {}
        self._by_key: dict[_Key, _Visit] = {}
        self._unfinished: dict[str | None, dict[_Visit, None]] = {}
        self._containers: dict[str, _Visit] = {}
        self._container_of: dict[str | None, _Visit | None] = {None: None, "": None}
        # How many gaps in the ids lie before a row: what lasts over a gap may have ended in it.
        self._gaps: dict[int, int] = {}
        gaps, expected = 0, 1
        for row in rows:
            number = columns.ids[row]
            gaps += number != expected
            expected = number + 1
            self._gaps[row] = gaps
        for row in rows:
            self._take(row)
        self._last = rows[-1] if rows else _NONE

    def status_of(self, visit: _Visit) -> str | None:
        """One of the eight words, or None where a gap hides how the visit ended."""
        if visit.status is not None:
            return visit.status
        if self.is_over or self._has_gap(visit.touched, self._last):
            return None
        return _STILL_INSIDE.get(visit.type, "running")

    def _has_gap(self, first: int, last: int) -> bool:
        return self._gaps[first] != self._gaps[last]

    def _take(self, row: int) -> None:
        columns = self.columns
        kind, state_type = columns.types[row]
        cause = self._owners.get(columns.previous[row])
        if Kind.EXECUTION_STARTED <= kind <= Kind.EXECUTION_REDRIVEN:
            self._execution(kind, cause, row)
            if cause is not None:
                self._owners[columns.ids[row]] = cause
            return
        name, number = columns.states[row], columns.visits[row]
        if name is None or not number:
            return
        branch = columns.branches[row]
        if Kind.ITERATION_STARTED <= kind <= Kind.ITERATION_ABORTED:
            container = self._container(branch, name)
            if container is not None:
                container.touched = row
                self._iteration(kind, container, branch, cause, row)
                started = kind is Kind.ITERATION_STARTED or cause is None
                self._owners[columns.ids[row]] = container if started else cause  # type: ignore[assignment]
            return
        key = (branch, name, number)
        visit = self._by_key.get(key)
        if visit is None:
            visit = self._add(key, state_type, row)
        self._owners[columns.ids[row]] = visit
        visit.touched = row
        if kind is Kind.ENTERED:
            visit.entered = row
        elif kind is Kind.EXITED:
            self._exit(visit, row)
        elif Kind.TRY_SCHEDULED <= kind <= Kind.TRY_TIMED_OUT:
            self._try(visit, kind, row)
        elif kind is Kind.EVALUATION_FAILED or kind is Kind.RUN_FAILED:
            visit.fail("failed", row)
        elif kind is Kind.STATE_ABORTED:
            visit.end("aborted", row)
        elif Kind.CONTAINER_STARTED <= kind <= Kind.CONTAINER_ABORTED:
            self._hold(visit, kind, cause, row)
        elif kind is Kind.RUN_REDRIVEN or kind is Kind.RUN_STARTED:
            self._reopen(visit)

    def _add(self, key: _Key, state_type: str, row: int) -> _Visit:
        branch, name, number = key
        container = self._container(branch, name)
        visit = _Visit(key, state_type, row, container)
        if container is not None:
            container.touched = row
            self._reopen(container)
        self.visits.append(visit)
        self._by_key[key] = visit
        self._unfinished.setdefault(branch, {})[visit] = None
        if state_type in CONTAINERS and branch is not None:
            opening = "[" if state_type == "Map" else ":"
            self._containers[f"{branch}/{name}#{number}{opening}" if branch else f"{name}#{number}{opening}"] = visit
        return visit

    def _container(self, branch: str | None, first_state: str) -> _Visit | None:
        """The Map or Parallel that a branch belongs to, found at the branch's first event."""
        if branch is None or branch in self._container_of:
            return self._container_of[branch]
        container = self._containers.get(branch[: branch.rfind("[") + 1])
        if container is None:
            container = self._containers.get(branch.removesuffix(first_state))
        self._container_of[branch] = container
        if container is not None:
            container.branches[branch] = None
        return container

    def _reopen(self, visit: _Visit) -> None:
        """A redrive took a visit up again, and with it those around it."""
        around: _Visit | None = visit
        while around is not None and around.status is not None and around.exited == _NONE:
            around.status, around.ended = None, _NONE
            around.recover()
            self._unfinished.setdefault(around.key[0], {})[around] = None
            around = around.container

    def _try(self, visit: _Visit, kind: Kind, row: int) -> None:
        self._reopen(visit)
        current = visit.tries[-1] if visit.tries else None
        if kind is Kind.TRY_SCHEDULED:
            visit.recover()
            follows_redrive = current is not None and current.scheduled < self._redriven
            _Try(visit, row, follows_redrive=follows_redrive)
            return
        if current is None or current.status != "running":
            # Without a try before it, a refused scheduling is the whole of a try, unless a gap hides its beginning.
            hidden = visit.entered == _NONE or self._has_gap(visit.entered, row)
            current = _Try(visit, _NONE if hidden else row)
        if kind is Kind.TRY_STARTED:
            current.started = row
        elif kind is Kind.TRY_SUCCEEDED:
            current.end("succeeded", row)
            visit.recover()
        elif kind is not Kind.TRY_SUBMITTED:
            status = "timed_out" if kind is Kind.TRY_TIMED_OUT else "failed"
            current.end(status, row, row)
            visit.fail(status, row)

    def _exit(self, visit: _Visit, row: int) -> None:
        columns = self.columns
        self._stop(self._inside(visit), row, "aborted")
        # A state that catches exits right after an error; one whose input could not be made has no other event.
        at_once = visit.entered != _NONE and columns.previous[row] == columns.ids[visit.entered]
        caught = visit.failure is not None or (at_once and visit.type in _CATCHING)
        if visit.tries and visit.tries[-1].status == "running":
            visit.tries[-1].status = None
        visit.status = "caught" if caught else "succeeded"
        visit.exited = visit.ended = row
        self._unfinished.get(visit.key[0], {}).pop(visit, None)

    def _hold(self, visit: _Visit, kind: Kind, cause: _Visit | None, row: int) -> None:
        """What happens to a Map or Parallel as a whole."""
        if kind is Kind.CONTAINER_STARTED:
            self._reopen(visit)
            visit.runs += 1
            visit.recover()
            if visit.runs > 1:
                self._blame(cause, visit, row)
                self._stop(self._inside(visit), row, "aborted")
        elif kind is Kind.CONTAINER_SUCCEEDED:
            visit.recover()
        elif kind is Kind.CONTAINER_FAILED:
            self._blame(cause, visit, row)
            self._stop(self._inside(visit), row, "aborted")
            visit.failure = ("failed", row)
        else:
            self._stop(self._inside(visit), row, "aborted", spare_failed=False)
            visit.end("aborted", row)

    def _iteration(self, kind: Kind, container: _Visit, branch: str | None, cause: _Visit | None, row: int) -> None:
        if kind is Kind.ITERATION_STARTED:
            self._reopen(container)
        elif kind is Kind.ITERATION_FAILED:
            self._blame(cause, container, row)
            self._stop(self._in_branch(branch), row, "aborted")
        elif kind is Kind.ITERATION_ABORTED:
            self._stop(self._in_branch(branch), row, "aborted", spare_failed=False)

    def _execution(self, kind: Kind, cause: _Visit | None, row: int) -> None:
        if kind is Kind.EXECUTION_STARTED:
            return
        self.is_over = kind is not Kind.EXECUTION_REDRIVEN
        if kind is Kind.EXECUTION_REDRIVEN:
            self._redriven = row
        elif kind is Kind.EXECUTION_FAILED:
            if cause is not None:
                self._blame(cause, None, row)
                cause.tell_error(row)
            self._stop(self._everywhere(), row, "aborted")
        elif kind is Kind.EXECUTION_ABORTED:
            self._stop(self._everywhere(), row, "aborted", spare_failed=False)
        elif kind is Kind.EXECUTION_TIMED_OUT:
            self._stop(self._everywhere(), row, "timed_out", spare_failed=False)

    def _blame(self, cause: _Visit | None, outermost: _Visit | None, row: int) -> None:
        """End as failed the visit that a failure came from and those around it, up to but not with `outermost`."""
        chain: list[_Visit] = []
        while cause is not None and cause is not outermost:
            if cause.exited == _NONE:
                chain.append(cause)
            cause = cause.container
        if cause is not outermost:
            return
        inner: _Visit | None = None
        for visit in chain:
            if inner is not None and visit.error == _NONE:
                visit.blame(inner)
            if outermost is None:
                visit.tell_error(row)
            if visit.status is None:
                visit.end(*(visit.failure or ("failed", row)))
            inner = visit
        if outermost is not None and inner is not None:
            outermost.blame(inner)

    def _stop(self, visits: Iterable[_Visit], row: int, status: str, *, spare_failed: bool = True) -> None:
        """End visits that were cut short. One whose latest event was a failure had failed by itself."""
        for visit in visits:
            if visit.status is not None or self._has_gap(visit.touched, row):
                continue
            if visit.failure is not None and spare_failed:
                visit.end(*visit.failure)
            else:
                visit.end(status, row)

    def _inside(self, container: _Visit) -> Iterator[_Visit]:
        for branch in container.branches:
            yield from self._in_branch(branch)

    def _in_branch(self, branch: str | None) -> Iterator[_Visit]:
        for visit in self._unfinished.pop(branch, {}):
            yield visit
            yield from self._inside(visit)

    def _everywhere(self) -> Iterator[_Visit]:
        for branch in list(self._unfinished):
            yield from self._unfinished.pop(branch, {})


def visits(events: pd.DataFrame) -> pd.DataFrame:
    """Gather an events table into one row each time a state was entered, in order of entry.

    `events` is what `helpers.history.events` returns, of one execution or several.

    ============= =================== =====================================================================
    column        dtype               meaning
    ============= =================== =====================================================================
    execution     str                 as in the events
    state         str                 its name
    type          str                 the States Language's: Task, Wait, Choice, Map ...
    branch        str                 as in the events
    visit         Int64               1, 2, ... for each entering of that state in that branch
    entered_id    Int64               id of its Entered event, missing where that is not in the history
    exited_id     Int64               id of its Exited event; missing while inside, after an error that nothing
                                      caught, and for Fail
    entered       datetime64[us, UTC]
    exited        datetime64[us, UTC] when it ended: of Exited, else of its own last failure or abort, else of the
                                      event that ended what it lies in; missing while inside
    duration      timedelta64[us]     from entered to exited, back-off and retries included; missing while inside
    status        str                 see below
    attempts      int64               tries of its task, 0 for a state without one
    error         str                 what failed it, or made its latest try fail, missing once a try succeeded
    cause         str
    input         str                 JSON text as it came
    output        str                 JSON text as it came
    ============= =================== =====================================================================

    The status is `succeeded` (exited), `caught` (exited after an error), `failed` (ended by an error that nothing
    caught, and Fail), `timed_out` (its task did, uncaught, or the execution's time was over), `aborted` (cut short,
    by StopExecution or because another branch failed); while inside, `waiting` for a Wait, `choosing` for a Choice,
    else `running`, as a Task is also between two tries. It is missing, as `exited` is, where a missing part of
    the history hides how the visit ended. A retry is the same visit, and so is what a redrive takes up again.
    `attrs["notes"]` is that of the events.
    """
    columns = _Columns(events)
    rows: list[_Visit] = []
    statuses: list[str | None] = []
    for own in columns.executions_rows():
        account = _Account(columns, own)
        rows += account.visits
        statuses += map(account.status_of, account.visits)
    entered, exited, ended, error = (
        np.array([getattr(visit, name) for visit in rows], "int64") for name in ("entered", "exited", "ended", "error")
    )
    began, over = _moments(events, entered), _moments(events, ended)
    firsts = np.array([visit.touched if visit.entered == _NONE else visit.entered for visit in rows], "int64")
    frame = pd.DataFrame(
        {
            "execution": _take(events, "execution", firsts),
            "state": texts([visit.key[1] for visit in rows]),
            "type": texts([visit.type or None for visit in rows]),
            "branch": texts([visit.key[0] for visit in rows]),
            "visit": pd.array([visit.key[2] for visit in rows], "Int64"),
            "entered_id": _ids(events, entered),
            "exited_id": _ids(events, exited),
            "entered": began,
            "exited": over,
            "duration": over - began,
            "status": texts(statuses),
            "attempts": np.array([len(visit.tries) for visit in rows], "int64"),
            "error": _take(events, "error", error),
            "cause": _take(events, "cause", error),
            "input": _take(events, "input", entered),
            "output": _take(events, "output", exited),
        },
        copy=False,
    )
    frame.attrs["notes"] = list(events.attrs.get("notes", []))
    return frame


def attempts(events: pd.DataFrame) -> pd.DataFrame:
    """Gather an events table into one row a try of a task, retries included, in order of scheduling in each visit.

    `events` is what `helpers.history.events` returns, of one execution or several. Tasks are Lambda functions,
    activities and service integrations; that a Map or Parallel runs again makes no row (the visits of its tasks do).

    ============= =================== =====================================================================
    column        dtype               meaning
    ============= =================== =====================================================================
    execution     str                 as in the events
    state         str                 the Task
    branch        str                 as in the events
    visit         Int64               the visit that the try belongs to
    attempt       int64               1, 2, ... in that visit; after a redrive it goes on
    scheduled     datetime64[us, UTC]
    started       datetime64[us, UTC] missing for a try that never started
    ended         datetime64[us, UTC] when it succeeded, failed, timed out or was cut short; missing while running
    duration      timedelta64[us]     from scheduled to ended
    backoff       timedelta64[us]     from the end of the try before to scheduled; 0 for the first, and for the first
                                      after a redrive
    status        str                 succeeded, failed, timed_out, aborted, running; missing where a gap hides it
    error         str
    cause         str
    resource      str                 as AWS gives it with the scheduling: `invoke`, or the ARN
    ============= =================== =====================================================================
    """
    columns = _Columns(events)
    rows: list[_Try] = []
    statuses: list[str | None] = []
    for own in columns.executions_rows():
        account = _Account(columns, own)
        for visit in account.visits:
            rows += visit.tries
            hidden = visit.tries and account.status_of(visit) is None
            statuses += [None if hidden and each.status == "running" else each.status for each in visit.tries]
    scheduled, started, ended, error = (
        np.array([getattr(each, name) for each in rows], "int64") for name in ("scheduled", "started", "ended", "error")
    )
    planned, over = _moments(events, scheduled), _moments(events, ended)
    before = np.array([_NONE, *ended[:-1]][: len(rows)], "int64")
    backoff = planned - _moments(events, before)
    backoff[[each.number == 1 or each.follows_redrive for each in rows]] = pd.Timedelta(0)
    known = np.array([each.visit.touched for each in rows], "int64")
    resource = np.where(scheduled == _NONE, started, scheduled)
    frame = pd.DataFrame(
        {
            "execution": _take(events, "execution", known),
            "state": texts([each.visit.key[1] for each in rows]),
            "branch": texts([each.visit.key[0] for each in rows]),
            "visit": pd.array([each.visit.key[2] for each in rows], "Int64"),
            "attempt": np.array([each.number for each in rows], "int64"),
            "scheduled": planned,
            "started": _moments(events, started),
            "ended": over,
            "duration": over - planned,
            "backoff": backoff,
            "status": texts(statuses),
            "error": _take(events, "error", error),
            "cause": _take(events, "cause", error),
            "resource": _take(events, "resource", resource),
        },
        copy=False,
    )
    frame.attrs["notes"] = list(events.attrs.get("notes", []))
    return frame


def _strings(column: "pd.Series[Any]") -> list[str | None]:
    result: list[str | None] = pa.array(column, pa.large_string(), from_pandas=True).to_pylist()
    return result


def _take(events: pd.DataFrame, column: str, rows: "np.ndarray[Any, np.dtype[np.int64]]") -> Any:
    """The cells of a text column at these rows, missing for _NONE."""
    return events[column].array.take(rows, allow_fill=True)


def _ids(events: pd.DataFrame, rows: "np.ndarray[Any, np.dtype[np.int64]]") -> "pd.arrays.IntegerArray":
    ids = events["id"].to_numpy("int64")
    return pd.arrays.IntegerArray(ids[rows] if len(ids) else rows, rows == _NONE)


def _moments(events: pd.DataFrame, rows: "np.ndarray[Any, np.dtype[np.int64]]") -> Any:
    return events["timestamp"].array.take(rows, allow_fill=True)
