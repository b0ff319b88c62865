"""The states' statuses at every event of an execution, worked out once so that each step of a replay is cheap."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers import history
from helpers.diagram.figures import Passage, around, passages
from helpers.history.event_types import FAILED
from helpers.statuses import STILL_INSIDE, VISIT

__all__ = ["Place", "Replay", "places"]

SCHEDULED = "Scheduled"  # the end of the type of every event that begins an attempt
Key = tuple[str, str]
Place = tuple[str, str, int]


def places(frame: pd.DataFrame) -> dict[Place, list[int]]:
    """The rows of a frame of events, visits or attempts by branch, state and visit, "" and 0 for what is missing."""
    columns = frame["branch"].fillna(""), frame["state"].fillna(""), frame["visit"].fillna(0)
    found: dict[Place, list[int]] = {}
    for row, place in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        found.setdefault(place, []).append(row)
    return found


class Replay:
    """Which status each state had after each event; `statuses(0)` is before the first."""

    def __init__(self, events: pd.DataFrame, visits: pd.DataFrame | None = None) -> None:
        visits = history.visits(events) if visits is None else visits
        self._changes: dict[str, tuple[list[int], list[str]]] = {}
        slots: dict[Key, tuple[int, str]] = {}
        counts: dict[str, dict[str, int]] = {}
        for row, (branch, state), visit, status in sorted(_deltas(events, visits), key=lambda delta: delta[0]):
            before = slots.get((branch, state))
            if before is not None and before[0] > visit:
                continue
            slots[branch, state] = visit, status
            counted = counts.setdefault(state, dict.fromkeys(VISIT, 0))
            if before is not None and before[1]:
                counted[before[1]] -= 1
            if status:
                counted[status] += 1
            shown = next((word for word in VISIT if counted[word]), "")
            rows, statuses = self._changes.setdefault(state, ([], []))
            if not statuses or statuses[-1] != shown:
                rows.append(row)
                statuses.append(shown)
        self._entered: dict[str, list[int]] = {}
        self._tried: dict[str, list[tuple[int, int]]] = {}
        self._first: dict[Passage, int] = {}
        self.lit: dict[int, Passage] = {}
        """The passage that is passed at an event, by its row; while a task waits to try again, its retry."""
        self._count(events, visits)

    def _count(self, events: pd.DataFrame, visits: pd.DataFrame) -> None:
        row_of = dict(zip(events["id"].tolist(), range(len(events)), strict=True))
        entered = [row_of.get(id_) for id_ in visits["entered_id"].tolist()]
        for state, begun_at in zip(visits["state"].tolist(), entered, strict=True):
            if begun_at is not None:
                self._entered.setdefault(state, []).append(begun_at)
        exited = [row_of.get(id_) for id_ in visits["exited_id"].tolist()]
        for place, passage in passages(visits):
            passed = entered[place] if passage[1] else exited[place]
            if passed is not None:
                self._pass(passed, passage)
        types = events["type"].fillna("").tolist()
        for (_, state, visit), rows in places(events).items():
            number, failed = 0, None
            for row in rows if state and visit else []:
                if types[row].endswith(FAILED):
                    failed = row
                elif types[row].endswith(SCHEDULED):
                    number += 1
                    self._tried.setdefault(state, []).append((row, number))
                    if number > 1:
                        self._pass(row, (state, state, "retry"))
                        self.lit[row if failed is None else failed] = (state, state, "retry")
        for tried in self._tried.values():
            tried.sort()

    def _pass(self, row: int, passage: Passage) -> None:
        self.lit[row] = passage
        self._first[passage] = min(row, self._first.get(passage, row))

    def counts(self, passed: int) -> dict[str, tuple[int, int]]:
        """How often each state was visited, and the number of its last attempt, when `passed` events have passed."""
        found = {}
        for state, rows in self._entered.items():
            if visits := bisect_right(rows, passed - 1):
                tried = self._tried.get(state, [])  # the last before; where there is none, one that is later
                row, number = tried[bisect_right(tried, (passed, 0)) - 1] if tried else (0, 0)
                found[state] = visits, number if rows[visits - 1] < row < passed else 0
        return found

    def taken(self, passed: int) -> set[Passage]:
        """The passages that were passed when `passed` events have passed."""
        return {passage for passage, row in self._first.items() if row < passed}

    def statuses(self, passed: int) -> dict[str, str]:
        """The status of each state reached when `passed` events have passed, one of the eight words of `diagram`."""
        found = {}
        for state, (rows, statuses) in self._changes.items():
            place = bisect_right(rows, passed - 1)
            if place and statuses[place - 1]:
                found[state] = statuses[place - 1]
        return found


def _deltas(events: pd.DataFrame, visits: pd.DataFrame) -> Iterator[tuple[int, Key, int, str]]:
    """Each time that a visit changes its status: the row of the event, branch and state, visit, the new status.

    A redrive takes ended visits up again, so what is before it is read from the history as it was then.
    """
    redriven = np.flatnonzero(events["type"].eq("ExecutionRedriven").to_numpy("bool"))
    bounds = [0, *redriven.tolist(), len(events)]
    for begin, end in pairwise(bounds):
        if begin < end:
            known = visits if end == len(events) else history.visits(events.iloc[:end])
            yield from _part(events.iloc[:end], known, begin)


def _part(events: pd.DataFrame, visits: pd.DataFrame, begin: int) -> Iterator[tuple[int, Key, int, str]]:
    touched = {place: [row for row in rows if row >= begin] for place, rows in places(events).items()}
    is_abort = events["type"].eq("TaskStateAborted").tolist()
    stamps = np.maximum.accumulate(events["timestamp"].to_numpy("datetime64[us]"))
    row_of = dict(zip(events["id"].tolist(), range(len(events)), strict=True))
    timed_out = events["type"].str.endswith("TimedOut").tolist()
    caught = visits[visits["status"].eq("caught") & visits["exited_id"].notna()]
    catching = {
        f"{branch}/{state}#{visit}".removeprefix("/"): row_of[exited_id]
        for branch, state, visit, exited_id in zip(
            caught["branch"].fillna(""), caught["state"], caught["visit"], caught["exited_id"], strict=True
        )
    }
    columns = (visits[name] for name in ("branch", "state", "visit", "type", "status", "exited_id", "exited"))
    for branch, state, visit, kind, status, exited_id, exited in zip(*columns, strict=True):
        where = branch if isinstance(branch, str) else ""
        rows = touched.get((where, state, visit))
        if not rows:
            continue
        # A task that has failed by itself is over then, whatever abort follows.
        last = rows[-1] if status == "aborted" else max((row for row in rows if not is_abort[row]), default=rows[0])
        yield rows[0], (where, state), int(visit), STILL_INSIDE.get(kind, "running")
        if status in STILL_INSIDE.values() or status == "running":
            continue
        if not pd.isna(exited_id):
            row = row_of[exited_id]
        elif pd.isna(exited) or kind == "Fail":  # which fails at once, whatever ends it
            row = last
        else:
            ended = np.datetime64(exited.tz_localize(None), "us")
            row = max(last, int(np.searchsorted(stamps, ended)))
        if status == "caught" and pd.isna(exited_id):
            # It failed, and only later a Map or Parallel around it caught that.
            yield row, (where, state), int(visit), "timed_out" if timed_out[last] else "failed"
            row = next((catching[one] for one in around(where) if one in catching), row)
        yield min(row, len(events) - 1), (where, state), int(visit), status if isinstance(status, str) else ""
