"""What an events table says of the visits of states and the attempts of tasks: when, how long, how they ended."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.history.event_types import CONTAINERS, EventType, Group, Kind, read
from helpers.history.frames import table, texts, uncollected
from helpers.history.sources import Source
from helpers.statuses import FAILED_VISIT, STILL_INSIDE

__all__ = ["Ending", "attempts", "ending", "visits"]

_NONE = -1
"""Stands for a row that is not there."""
_CATCHING = CONTAINERS | {"Task"}
_ABORTS = frozenset({Kind.STATE_ABORTED, Kind.CONTAINER_ABORTED, Kind.ITERATION_ABORTED, Kind.RUN_ABORTED})
# Looked up once: a member of an enum takes as long to find as all the rest that is done with most attempts' events.
_SCHEDULED, _STARTED, _SUCCEEDED = Kind.ATTEMPT_SCHEDULED, Kind.ATTEMPT_STARTED, Kind.ATTEMPT_SUCCEEDED
_STOPS = frozenset({Kind.EXECUTION_ABORTED, Kind.EXECUTION_TIMED_OUT})
_ENTERED_AT = re.compile(r"\(entered at the event id #(\d{1,18})\)")
_SIMPLE = frozenset({"Choice", "Fail", "Pass", "Succeed", "Wait"})
"""States that neither attempt anything nor hold states: no matter to the attempts of others."""

_Rows = np.ndarray[Any, np.dtype[np.int64]]


class _Columns:
    """The columns of an events table that we go through row by row, as lists.

    `codes` numbers the visits in order of their first row, and gives for each row the visit that it belongs to
    (_NONE for none). MapIteration* rows have none: they bear the branch of the iteration, not the Map's own.
    `gaps` says how many gaps in the ids lie before a row: what lasts over a gap may have ended in it.
    """

    def __init__(self, events: pd.DataFrame) -> None:
        numbers, names = _encoded(events["type"])
        self.readings = [read(str(name)) for name in names]
        self.types: list[EventType] = [self.readings[number] for number in numbers.tolist()]
        self.ids: list[int] = events["id"].to_numpy("int64").tolist()
        self.previous: list[int] = events["previous_id"].to_numpy("int64", na_value=_NONE).tolist()
        branch, names = _encoded(events["branch"])
        self.branches = [names[number] for number in branch.tolist()]
        self.states = events["state"]
        self.causes = events["cause"]
        number = events["visit"].to_numpy("int64", na_value=0)
        self.numbers = number
        (executions, _), (state, _) = _encoded(events["execution"]), _encoded(events["state"])
        one = ((executions * (len(events) + 1) + branch) * (state.max(initial=0) + 1)) + state
        is_iteration = np.array([reading.group is Group.ITERATION for reading in self.readings], "bool")
        has_visit = (state > 0) & (number > 0) & ~is_iteration[numbers]
        codes = np.full(len(events), _NONE, "int64")
        pairs, _ = pd.factorize(one[has_visit])
        codes[has_visit], visits = pd.factorize(pairs.astype("int64") * (number.max(initial=0) + 1) + number[has_visit])
        self.codes: list[int] = codes.tolist()
        self.size = len(visits)
        ids = events["id"].to_numpy("int64")
        order = np.lexsort((ids, executions))
        begins = np.diff(executions[order], prepend=-1) != 0
        self.executions: list[list[int]] = [rows.tolist() for rows in np.split(order, np.flatnonzero(begins)[1:])]
        gaps = np.empty(len(events), "int64")
        gaps[order] = np.cumsum(ids[order] - np.where(begins, 0, np.roll(ids[order], 1)) != 1)
        self.gaps: list[int] = gaps.tolist()


class _Attempt:
    """One attempt of a task; `scheduled`, `started`, `ended`, `error` are rows of the events table."""

    started = _NONE
    ended = _NONE
    error = _NONE
    status: str | None = "running"

    def __init__(self, visit: "_Visit", scheduled: int, redrive: int = 0) -> None:
        self.visit = visit
        self.scheduled = scheduled
        self.redrive = redrive
        visit.attempts.append(self)
        self.number = len(visit.attempts)

    def end(self, status: str, row: int, error: int = _NONE) -> None:
        self.status, self.ended, self.error = status, row, error


class _Visit:
    """One entering of a state; `first`, `touched`, `entered`, `exited`, `ended`, `error` are rows of the events."""

    entered = _NONE
    exited = _NONE
    ended = _NONE
    error = _NONE
    status: str | None = None
    # How its latest event failed it, and where: final only when the visit ends there.
    failure: tuple[str, int] | None = None
    # The visit inside it that made it fail. They share an error, which may be known only later.
    cause: "_Visit | None" = None
    runs = 0

    def __init__(self, state_type: str, row: int, container: "_Visit | None") -> None:
        self.type = state_type
        self.first = row
        self.touched = row
        self.container = container
        self.attempts: list[_Attempt] = []

    def around(self) -> "Iterator[_Visit]":
        """The Maps and Parallels that it lies in, the innermost first."""
        container = self.container
        while container is not None:
            yield container
            container = container.container

    def fail(self, status: str, row: int) -> None:
        self.failure, self.error = (status, row), row

    def recover(self) -> None:
        if self.error != _NONE or self.failure is not None:
            self.failure, self.error, self.cause = None, _NONE, None

    def blame(self, cause: "_Visit") -> None:
        self.cause, self.error = cause, cause.error

    def note_error(self, row: int) -> None:
        """Note the row that holds the error, here and in the visits inside that caused it."""
        visit: _Visit | None = self
        while visit is not None and visit.error == _NONE:
            visit.error = row
            visit = visit.cause


class _Account:
    """The visits of one execution, in order of entry, made by going once through its events.

    `skipped` are types of state whose visits are left out.
    """

    def __init__(
        self, columns: _Columns, rows: list[int], table: "list[_Visit | None]", skipped: frozenset[str]
    ) -> None:
        self.visits: list[_Visit] = []
        self.strays: list[_Visit] = []
        """Of attempts whose visit is unknown, because the chain leads to an event that is not there."""
        self.ending: tuple[int, _Visit | None] | None = None
        """The row of the event that ended the execution otherwise than well, and the innermost visit it came from."""
        self.is_over = False
        self._columns = columns
        self._table = table
        self._open: dict[_Visit, None] = {}
        self._redriven = _NONE
        self._redrives = 0
        self._stray_of: dict[int, _Visit] = {}
        self._containers: dict[str, _Visit] = {}
        self._container_of: dict[str | None, _Visit | None] = {None: None, "": None}
        self._rows = rows
        self._skipped = skipped
        self._stopped_from = self._first_of_stop()
        self._go()

    def _first_of_stop(self) -> float:
        """The id from which on events only say what StopExecution, or the execution's time-out, cut short."""
        types, ids = self._columns.types, self._columns.ids
        first = float("inf")
        for row in reversed(self._rows):
            kind = types[row].kind
            if kind not in (_STOPS if first == float("inf") else _ABORTS):
                break
            first = ids[row]
        return first

    def status_of(self, visit: _Visit) -> str | None:
        """One of the eight words, or None where a gap hides how the visit ended."""
        if visit.container is not None and visit.status in FAILED_VISIT:
            return "caught" if any(one.status == "caught" for one in visit.around()) else visit.status
        if visit.status is not None:
            return visit.status
        if self.is_over or self._has_gap(visit.touched, self._rows[-1]):
            return None
        return STILL_INSIDE.get(visit.type, "running")

    def _has_gap(self, first: int, last: int) -> bool:
        return self._columns.gaps[first] != self._columns.gaps[last]

    @cached_property
    def _row_of(self) -> dict[int, int]:
        return {self._columns.ids[row]: row for row in self._rows}

    def _owner(self, id_: int) -> _Visit | None:
        """The visit that an event leads on from."""
        columns = self._columns
        row = self._row_of.get(id_)
        while row is not None and columns.codes[row] == _NONE:
            before = self._row_of.get(columns.previous[row])
            row = before if before is not None and columns.ids[before] < columns.ids[row] else None
        return None if row is None else self._visit_at(row)

    def _visit_at(self, row: int) -> _Visit | None:
        return self._table[self._columns.codes[row]]

    def _go(self) -> None:
        # This runs for every event, so what it compares with is looked up once.
        columns, table = self._columns, self._table
        types, codes, skipped = columns.types, columns.codes, self._skipped
        entered, exited, of_attempt = Kind.ENTERED, Kind.EXITED, Group.ATTEMPT
        of_iteration, started, succeeded = Group.ITERATION, Kind.ITERATION_STARTED, Kind.ITERATION_SUCCEEDED
        # That an iteration went on matters to a gap, or where its Map is taken up again.
        redriven = any(reading.kind is Kind.EXECUTION_REDRIVEN for reading in columns.readings)
        quiet = not redriven and not self._has_gap(self._rows[0], self._rows[-1])
        for row in self._rows:
            kind, state_type, group = types[row]
            if state_type in skipped:
                continue
            code = codes[row]
            if code == _NONE:
                if group is Group.EXECUTION:
                    self._execution(kind, row)
                elif group is of_iteration:
                    if not quiet or (kind is not started and kind is not succeeded):
                        self._iteration(kind, row)
                elif group is of_attempt:
                    self._stray(kind, state_type, row)
                continue
            visit = table[code]
            if visit is None:
                visit = table[code] = self._add(state_type, row)
            visit.touched = row
            if kind is entered:
                visit.entered = row
            elif kind is exited:
                self._exit(visit, row)
            elif group is of_attempt:
                self._attempt(visit, kind, row)
            elif group is Group.CONTAINER:
                self._contain(visit, kind, row)
            elif kind is Kind.STATE_ABORTED:
                self._stop([visit], row, "aborted")
            elif kind is Kind.EVALUATION_FAILED or kind is Kind.RUN_FAILED:
                visit.fail("failed", row)
            elif kind is Kind.RUN_REDRIVEN or kind is Kind.RUN_STARTED:
                self._reopen(visit)

    def _add(self, state_type: str, row: int) -> _Visit:
        branch = self._columns.branches[row]
        container = None
        if branch:
            container = self._container(branch)
            if container is not None:
                container.touched = row
                self._reopen(container)
        visit = _Visit(state_type, row, container)
        self.visits.append(visit)
        self._open[visit] = None
        if state_type in CONTAINERS and branch is not None:
            name, number = self._columns.states.iloc[row], self._columns.numbers[row]
            opening = "[" if state_type == "Map" else ":"
            self._containers[f"{branch}/{name}#{number}{opening}" if branch else f"{name}#{number}{opening}"] = visit
        return visit

    def _container(self, branch: str | None) -> _Visit | None:
        """The Map or Parallel that a branch belongs to: the innermost, so the longest of those that it begins with."""
        if branch is None or branch in self._container_of:
            return self._container_of[branch]
        container, end = None, len(branch)
        while container is None and end >= 0:
            end = max(branch.rfind("[", 0, end), branch.rfind(":", 0, end))
            container = self._containers.get(branch[: end + 1])
        self._container_of[branch] = container
        return container

    def _end(self, visit: _Visit, status: str, row: int) -> None:
        visit.status, visit.ended = status, row
        self._open.pop(visit, None)
        if visit.attempts and visit.attempts[-1].status == "running":
            how = status if status in ("aborted", "timed_out") else "failed"
            visit.attempts[-1].end(how, row, visit.error if how == "failed" else _NONE)

    def _reopen(self, visit: _Visit) -> None:
        """A redrive took a visit up again, and with it those around it."""
        for one in (visit, *visit.around()):
            if one.status is None or one.exited != _NONE:
                break
            one.status, one.ended = None, _NONE
            one.recover()
            self._open[one] = None

    def _attempt(self, visit: _Visit, kind: Kind, row: int) -> None:
        if visit.status is not None:
            self._reopen(visit)
        current = visit.attempts[-1] if visit.attempts else None
        if kind is _SCHEDULED:
            visit.recover()
            follows = current is not None and current.scheduled < self._redriven
            _Attempt(visit, row, self._redrives if follows else 0)
            return
        if current is None or current.status != "running":
            # A refused scheduling is the whole of an attempt, unless a gap hides its beginning.
            hidden = kind is not Kind.ATTEMPT_FAILED or visit.entered == _NONE or self._has_gap(visit.entered, row)
            current = _Attempt(visit, _NONE if hidden else row)
        if kind is _STARTED:
            current.started = row
        elif kind is _SUCCEEDED:
            current.status, current.ended = "succeeded", row
            visit.recover()
        elif kind is not Kind.ATTEMPT_SUBMITTED:
            status = "timed_out" if kind is Kind.ATTEMPT_TIMED_OUT else "failed"
            current.end(status, row, row)
            visit.fail(status, row)

    def _stray(self, kind: Kind, state_type: str, row: int) -> None:
        visit = self._stray_of.get(self._columns.previous[row])
        if visit is None:
            visit = _Visit(state_type, row, None)
            self.strays.append(visit)
        self._stray_of[self._columns.ids[row]] = visit
        visit.touched = row
        self._attempt(visit, kind, row)

    def _exit(self, visit: _Visit, row: int) -> None:
        if visit.type in CONTAINERS:
            self._stop(self._inside(visit), row, "aborted")
        # A state that catches exits right after an error; one whose input could not be made has no other event.
        previous, ids = self._columns.previous, self._columns.ids
        at_once = visit.type in _CATCHING and visit.entered != _NONE and previous[row] == ids[visit.entered]
        visit.status = "caught" if at_once or visit.failure is not None else "succeeded"
        if visit.attempts and visit.attempts[-1].status == "running":
            visit.attempts[-1].status = None
        visit.exited = visit.ended = row
        self._open.pop(visit, None)

    def _contain(self, visit: _Visit, kind: Kind, row: int) -> None:
        """What happens to a Map or Parallel as a whole."""
        if kind is Kind.CONTAINER_STARTED:
            self._reopen(visit)
            visit.runs += 1
            visit.recover()
            if visit.runs > 1:
                self._blame(row, visit)
                self._stop(self._inside(visit), row, "aborted")
        elif kind is Kind.CONTAINER_SUCCEEDED:
            visit.recover()
        elif kind is Kind.CONTAINER_FAILED:
            self._blame(row, visit)
            self._stop(self._inside(visit), row, "aborted")
            visit.failure = ("failed", row)
        else:
            self._stop(self._inside(visit), row, "aborted")
            self._end(visit, "aborted", row)

    def _iteration(self, kind: Kind, row: int) -> None:
        branch = self._columns.branches[row]
        container = self._container(branch)
        if container is None:
            return
        container.touched = row
        if kind is Kind.ITERATION_STARTED:
            self._reopen(container)
        elif kind is not Kind.ITERATION_SUCCEEDED:
            if kind is Kind.ITERATION_FAILED:
                self._blame(row, container)
            branches = self._columns.branches
            inside = [v for v in self._open if any(branches[one.first] == branch for one in (v, *v.around()))]
            self._stop(inside, row, "aborted")

    def _execution(self, kind: Kind, row: int) -> None:
        if kind is Kind.EXECUTION_STARTED:
            return
        self.is_over = kind is not Kind.EXECUTION_REDRIVEN
        self.ending = None
        if kind is Kind.EXECUTION_REDRIVEN:
            self._redriven = row
            self._redrives += 1
        elif kind is Kind.EXECUTION_FAILED:
            self._blame(row, None)
            self.ending = row, self._culprit(row)
            self._stop(list(self._open), row, "aborted")
        elif kind in _STOPS:
            self.ending = row, self._stopped_in(row)
            self._stop(list(self._open), row, "aborted" if kind is Kind.EXECUTION_ABORTED else "timed_out")

    def _culprit(self, row: int) -> _Visit | None:
        """The innermost visit that a failed execution's last event comes from."""
        visit = self._owner(self._columns.previous[row])
        if visit is None or visit.exited != _NONE:
            # AWS names the state in its own words where the chain leads past its entering.
            named = _ENTERED_AT.search(str(self._columns.causes.iloc[row]))
            entered = self._row_of.get(int(named[1])) if named else None
            visit = None if entered is None or self._columns.codes[entered] == _NONE else self._visit_at(entered)
        while visit is not None and visit.cause is not None:
            visit = visit.cause
        return visit

    def _stopped_in(self, row: int) -> _Visit | None:
        """The visit in which a stop or the time-out met the execution: of several at once the one entered last."""
        ids = self._columns.ids
        opened = list(self._open) or [
            one for one in self.visits if one.ended != _NONE and ids[one.ended] >= self._stopped_from
        ]
        inner = [visit for visit in opened if visit.type not in CONTAINERS]
        owner = self._owner(self._columns.previous[row])
        return owner if owner in inner else next(reversed(inner or opened), None)

    def _blame(self, row: int, outermost: _Visit | None) -> None:
        """End as failed the visit that a failure came from and those around it, up to but not with `outermost`."""
        cause = self._owner(self._columns.previous[row])
        around = [cause, *cause.around()] if cause is not None else []
        if outermost is not None:
            if outermost not in around:
                return
            around = around[: around.index(outermost)]
        inner: _Visit | None = None
        for visit in around:
            if visit.exited != _NONE:
                continue
            if inner is not None and visit.error == _NONE:
                visit.blame(inner)
            if outermost is None:
                visit.note_error(row)
            if visit.status is None:
                self._end(visit, *(visit.failure or ("failed", row)))
            inner = visit
        if outermost is not None and inner is not None:
            outermost.blame(inner)

    def _stop(self, visits: list[_Visit], row: int, status: str) -> None:
        """End visits that were cut short.

        One whose latest event was a failure had failed by itself, unless it waited for its next attempt when the whole
        execution was stopped. A Fail that was entered has failed, whatever else the event follows.
        """
        spared = self._columns.ids[row] < self._stopped_from and self._columns.types[row].kind not in _STOPS
        for visit in visits:
            if self._has_gap(visit.touched, row):
                continue
            if visit.type == "Fail" or (spared and visit.failure is not None):
                self._end(visit, *(visit.failure or ("failed", row)))
            else:
                self._end(visit, status, row)

    def _inside(self, container: _Visit) -> list[_Visit]:
        return [visit for visit in self._open if container in visit.around()]


def _accounts(events: pd.DataFrame, skipped: frozenset[str] = frozenset()) -> Iterator[_Account]:
    """The account of each execution."""
    if len(events):
        columns = _Columns(events)
        table: list[_Visit | None] = [None] * columns.size
        for rows in columns.executions:
            yield _Account(columns, rows, table, skipped)


@dataclass(frozen=True)
class Ending:
    """What ended an execution otherwise than well, as rows (from 0) of its events table."""

    row: int
    """Of the event Execution* that says so."""
    state: int | None
    """One of the innermost visit that it came from, None where it came from no state."""
    shown: int
    """Of the event at which it shows: the failure of the state where there is one, else `row`."""


def ending(events: pd.DataFrame) -> Ending | None:
    """What ended the execution of an events table; None while it runs, and after a good end."""
    for account in _accounts(events):
        if account.ending is not None:
            row, visit = account.ending
            if visit is None:
                return Ending(row, None, row)
            shown = visit.entered if visit.type == "Fail" else visit.error if visit.status in FAILED_VISIT else _NONE
            return Ending(row, visit.first, row if shown == _NONE else shown)
    return None


@uncollected()
def visits(events: Source | pd.DataFrame) -> pd.DataFrame:
    """Gather an events table into one row per visit of a state, in order of entry.

    `events` is what `helpers.history.events` returns or takes, of one execution or several.

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
    attempts      int64               attempts at its task, 0 for a state without one
    error         str                 what failed it, or made its latest attempt fail, missing once an attempt succeeded
    cause         str
    input         str                 JSON text as it came
    output        str                 JSON text as it came
    ============= =================== =====================================================================

    The status is `succeeded` (exited), `caught` (exited after an error, or failed inside a Map or Parallel that did),
    `failed` (ended by an error that nothing caught, and Fail), `timed_out` (its task did, uncaught, or the execution's
    time was over), `aborted` (cut short, by StopExecution or because another branch failed); while inside, `waiting`
    for a Wait, `choosing` for a Choice, else `running`, as a Task is also between two attempts. It is missing, as
    `exited` is, where a missing part of the history hides how the visit ended. A retry is the same visit, and so is
    what a redrive takes up again.
    `attrs["notes"]` is that of the events.
    """
    events = table(events)
    rows: list[_Visit] = []
    statuses: list[str | None] = []
    for account in _accounts(events):
        rows += account.visits
        statuses += map(account.status_of, account.visits)
    first, entered, exited, ended, error = _whole(rows, "first", "entered", "exited", "ended", "error")
    began, over = _take(events, "timestamp", entered), _take(events, "timestamp", ended)
    frame = pd.DataFrame(
        {
            "execution": _take(events, "execution", first),
            "state": _take(events, "state", first),
            "type": texts([visit.type or None for visit in rows]),
            "branch": _take(events, "branch", first),
            "visit": _take(events, "visit", first),
            "entered_id": _ids(events, entered),
            "exited_id": _ids(events, exited),
            "entered": began,
            "exited": over,
            "duration": over - began,
            "status": texts(statuses),
            "attempts": np.array([len(visit.attempts) for visit in rows], "int64"),
            "error": _take(events, "error", error),
            "cause": _take(events, "cause", error),
            "input": _take(events, "input", entered),
            "output": _take(events, "output", exited),
        },
        copy=False,
    )
    frame.attrs["notes"] = list(events.attrs.get("notes", []))
    return frame


@uncollected()
def attempts(events: Source | pd.DataFrame) -> pd.DataFrame:
    """Gather an events table into one row per attempt of a task, in order of scheduling in each visit.

    `events` is what `helpers.history.events` returns or takes, of one execution or several. Tasks are Lambda functions,
    activities and service integrations; that a Map or Parallel runs again makes no row (the visits of its tasks do).

    ============= =================== =====================================================================
    column        dtype               meaning
    ============= =================== =====================================================================
    execution     str                 as in the events
    state         str                 the Task
    branch        str                 as in the events
    visit         Int64               the visit that the attempt belongs to
    attempt       int64               1, 2, ... in that visit; after a redrive it goes on
    scheduled     datetime64[us, UTC]
    started       datetime64[us, UTC] missing for an attempt that never started
    ended         datetime64[us, UTC] when it succeeded, failed, timed out or was cut short; missing while running
    duration      timedelta64[us]     from scheduled to ended
    backoff       timedelta64[us]     from the end of the attempt before to scheduled; 0 for the first, and after a
                                      redrive
    status        str                 succeeded, failed, timed_out, aborted, running; missing where a gap hides it
    error         str
    cause         str
    resource      str                 as AWS gives it with the scheduling: `invoke`, or the ARN
    redrive       int64               1, 2, ... for the attempt with which a redrive of that number took the visit up
                                      again; 0 for all others
    scheduled_id  Int64               id of the event that scheduled it, missing where that is not in the history
    ============= =================== =====================================================================
    """
    events = table(events)
    rows: list[_Attempt] = []
    statuses: list[str | None] = []
    for account in _accounts(events, skipped=_SIMPLE):
        for visit in (*account.visits, *account.strays):
            for each in visit.attempts:
                rows.append(each)
                unknown = each.status == "running" and account.status_of(visit) is None
                statuses.append(None if unknown else each.status)
    scheduled, started, ended, error, number, redrive = _whole(
        rows, "scheduled", "started", "ended", "error", "number", "redrive"
    )
    planned, over = _take(events, "timestamp", scheduled), _take(events, "timestamp", ended)
    before = np.array([_NONE, *ended[:-1]][: len(rows)], "int64")
    backoff = planned - _take(events, "timestamp", before)
    backoff[(number == 1) | (redrive > 0)] = pd.Timedelta(0)
    (first,) = _whole(rows, "visit.first")
    resource = np.where(scheduled == _NONE, started, scheduled)
    frame = pd.DataFrame(
        {
            "execution": _take(events, "execution", first),
            "state": _take(events, "state", first),
            "branch": _take(events, "branch", first),
            "visit": _take(events, "visit", first),
            "attempt": number,
            "scheduled": planned,
            "started": _take(events, "timestamp", started),
            "ended": over,
            "duration": over - planned,
            "backoff": backoff,
            "status": texts(statuses),
            "error": _take(events, "error", error),
            "cause": _take(events, "cause", error),
            "resource": _take(events, "resource", resource),
            "redrive": redrive,
            "scheduled_id": _ids(events, scheduled),
        },
        copy=False,
    )
    frame.attrs["notes"] = list(events.attrs.get("notes", []))
    return frame


def _whole(things: Sequence[object], *names: str) -> Iterator[_Rows]:
    """Attributes of things, each as an array of whole numbers."""
    return (np.fromiter(map(attrgetter(name), things), "int64", len(things)) for name in names)


def _encoded(column: "pd.Series[Any]") -> tuple[_Rows, list[str | None]]:
    """A column of texts as numbers, 0 for a missing one, and what each number stands for."""
    array = pa.array(column, pa.large_string(), from_pandas=True)
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    encoded = whole.dictionary_encode()
    return encoded.indices.fill_null(-1).to_numpy().astype("int64") + 1, [None, *encoded.dictionary.to_pylist()]


def _take(events: pd.DataFrame, column: str, rows: _Rows) -> Any:
    """The cells of a column at these rows, missing for _NONE."""
    return events[column].array.take(rows, allow_fill=True)


def _ids(events: pd.DataFrame, rows: _Rows) -> "pd.arrays.IntegerArray":
    ids = events["id"].to_numpy("int64")
    return pd.arrays.IntegerArray(ids[rows] if len(ids) else rows, rows == _NONE)
