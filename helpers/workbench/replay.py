"""The states' statuses at every event of an execution, worked out once so that each step of a replay is cheap."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from helpers import history
from helpers.diagram.figures import RANK

__all__ = ["Replay"]

OPEN = {"Wait": "waiting", "Choice": "choosing"}
OPENING = re.compile(r"[\[:]")
Key = tuple[str, str]


class Replay:
    """Which status each state had after each event; `statuses(0)` is before the first."""

    def __init__(self, events: pd.DataFrame) -> None:
        self._changes: dict[str, tuple[list[int], list[str]]] = {}
        slots: dict[Key, tuple[int, str]] = {}
        counts: dict[str, dict[str, int]] = {}
        for row, (branch, state), visit, status in sorted(_deltas(events), key=lambda delta: delta[0]):
            before = slots.get((branch, state))
            if before is not None and before[0] > visit:
                continue
            slots[branch, state] = visit, status
            counted = counts.setdefault(state, dict.fromkeys(RANK, 0))
            if before is not None and before[1]:
                counted[before[1]] -= 1
            if status:
                counted[status] += 1
            shown = next((word for word in RANK if counted[word]), "")
            rows, statuses = self._changes.setdefault(state, ([], []))
            if not statuses or statuses[-1] != shown:
                rows.append(row)
                statuses.append(shown)

    def statuses(self, passed: int) -> dict[str, str]:
        """The status of each state reached when `passed` events have passed, one of the eight words of `diagram`."""
        found = {}
        for state, (rows, statuses) in self._changes.items():
            place = bisect_right(rows, passed - 1)
            if place and statuses[place - 1]:
                found[state] = statuses[place - 1]
        return found


def _deltas(events: pd.DataFrame) -> Iterator[tuple[int, Key, int, str]]:
    """Each time that a visit changes its status: the row of the event, branch and state, visit, the new status.

    A redrive takes ended visits up again, so what is before it is read from the history as it was then.
    """
    redriven = np.flatnonzero(events["type"].eq("ExecutionRedriven").to_numpy("bool"))
    bounds = [0, *redriven.tolist(), len(events)]
    for begin, end in pairwise(bounds):
        if begin < end:
            yield from _part(events.iloc[:end], begin)


def _part(events: pd.DataFrame, begin: int) -> Iterator[tuple[int, Key, int, str]]:
    own = pd.DataFrame(
        {
            "branch": events["branch"].fillna(""),
            "state": events["state"],
            "visit": events["visit"],
            "row": np.arange(len(events)),
        }
    ).iloc[begin:]
    key = ["branch", "state", "visit"]
    spans = own.dropna(subset=["state", "visit"]).groupby(key, sort=False)["row"].agg(["min", "max"])
    touched: dict[Any, tuple[int, int]] = dict(
        zip(spans.index, zip(spans["min"].tolist(), spans["max"].tolist(), strict=True), strict=True)
    )
    stamps = np.maximum.accumulate(events["timestamp"].to_numpy("datetime64[us]"))
    row_of = dict(zip(events["id"].tolist(), range(len(events)), strict=True))
    timed_out = events["type"].str.endswith("TimedOut").tolist()
    visits = history.visits(events)
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
        span = touched.get((where, state, visit))
        if span is None:
            continue
        yield span[0], (where, state), int(visit), OPEN.get(kind, "running")
        if status in OPEN.values() or status == "running":
            continue
        if not pd.isna(exited_id):
            row = row_of[exited_id]
        elif pd.isna(exited):
            row = span[1]
        else:
            ended = np.datetime64(exited.tz_localize(None), "us")
            row = max(span[1], int(np.searchsorted(stamps, ended)))
        if status == "caught" and pd.isna(exited_id):
            # It failed, and only later a Map or Parallel around it caught that.
            yield row, (where, state), int(visit), "timed_out" if timed_out[span[1]] else "failed"
            ends = [found.start() for found in OPENING.finditer(where)]
            row = next((catching[where[:end]] for end in reversed(ends) if where[:end] in catching), row)
        yield min(row, len(events) - 1), (where, state), int(visit), status if isinstance(status, str) else ""
