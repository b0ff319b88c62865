"""What frames of visits and attempts say about each state, put into a few words for a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from helpers.quantities import count, duration
from helpers.statuses import FAILED_VISIT, VISIT
from helpers.verbatim import shorten

__all__ = ["Figures", "Passage", "around", "figures", "passages", "statuses", "way"]

LONGEST_PAYLOAD = 300
OPENING = re.compile(r"[\[:]")
Passage = tuple[str, str, str]


@dataclass(frozen=True)
class Figures:
    """Per state, by name: small lines to note on it, its share of the longest time, lines to show on hovering.

    `taken` are the passages from a state to a state, with `catch` or `retry` where it was one; "" stands for the start
    and the end. None where nothing is known.
    """

    notes: Mapping[str, list[str]] = field(default_factory=dict)
    heat: Mapping[str, float] = field(default_factory=dict)
    hover: Mapping[str, list[str]] = field(default_factory=dict)
    taken: frozenset[Passage] | None = None


def figures(visits: pd.DataFrame, attempts: pd.DataFrame | None = None) -> Figures:
    """The figures of the frames that `helpers.history` makes."""
    notes: dict[str, list[str]] = {}
    hover: dict[str, list[str]] = {}
    spent: dict[str, float] = {}
    tried = {} if attempts is None else dict(list(attempts.groupby("state", sort=False)))
    again = set()
    for name, rows in visits.groupby("state", sort=False):
        state = str(name)
        took = rows["duration"].dt.total_seconds()
        spent[state] = float(took.sum())
        retried, redriven, failed = trouble(rows, tried.get(name))
        if retried:
            again.add((state, state, "retry"))
        line = [count(len(rows), "visit", "visits")]
        slowest = []
        if took.notna().any():
            line.append(duration(spent[state]))
            if len(rows) > 1:
                slowest = [f"longest {duration(float(took.max()))}"]
        wrong = [count(retried, "retry", "retries")] if retried else []
        wrong += [count(redriven, "redrive", "redrives")] if redriven else []
        wrong += [count(failed, "failure", "failures")] if failed else []
        notes[state] = [" · ".join(line), *slowest, *([" · ".join(wrong)] if wrong else [])]
        hover[state] = [*notes[state], *last(rows, "input"), *last(rows, "output"), *last(rows, "error")]
    most = max(spent.values(), default=0.0)
    shares = {state: time / most if most else 0.0 for state, time in spent.items()}
    return Figures(notes, shares, hover, way(visits) | again)


def trouble(rows: pd.DataFrame, tried: pd.DataFrame | None) -> tuple[int, int, int]:
    """How many retries, redrives and failures a state had, by its attempts or, without them, by its visits."""
    if tried is not None:
        redriven = int((tried["redrive"] > 0).sum()) if "redrive" in tried else 0
        failed = int(tried["status"].isin(FAILED_VISIT).sum())
        return int((tried["attempt"] > 1).sum()) - redriven, redriven, failed
    retried = int((rows["attempts"] - 1).clip(lower=0).sum())
    return retried, 0, retried + int(rows["status"].isin([*FAILED_VISIT, "caught"]).sum())


def way(visits: pd.DataFrame) -> frozenset[Passage]:
    """The passages from each state to the next one entered in its branch."""
    return frozenset(passage for _, passage in passages(visits))


def passages(visits: pd.DataFrame) -> list[tuple[int, Passage]]:
    """Each passage with the row of `visits` that it leads to or, at the end of a branch, that it leads from."""
    passed: list[tuple[int, Passage]] = []
    inside: dict[tuple[object, object], tuple[int, str, object]] = {}
    columns = (visits[column].tolist() for column in ("execution", "branch", "state", "status"))
    for row, (execution, branch, state, status) in enumerate(zip(*columns, strict=True)):
        # A missing execution is one like any other, but not equal to itself.
        home = (execution if isinstance(execution, str) else "", branch)
        _, before, how = inside.get(home, (row, "", ""))
        passed.append((row, (before, str(state), "catch" if how == "caught" else "")))
        inside[home] = row, str(state), status
    return passed + [(row, (state, "", "")) for row, state, status in inside.values() if status == "succeeded"]


def around(branch: object) -> list[str]:
    """The visits of Maps and Parallels that a branch lies in, the innermost first.

    >>> around("Orders#1[4]/Both#2:Pack")
    ['Orders#1[4]/Both#2', 'Orders#1']
    """
    return [branch[: found.start()] for found in OPENING.finditer(branch)][::-1] if isinstance(branch, str) else []


def statuses(visits: pd.DataFrame) -> dict[str, str]:
    """Each state's status: of its last visit or, where it was in several branches, of the first in `VISIT` of those."""
    known = visits.dropna(subset=["status"]).drop_duplicates(["execution", "branch", "state"], keep="last")
    found: dict[str, str] = {}
    for state, status in zip(known["state"].astype(str), known["status"].astype(str), strict=True):
        found[state] = min(found.get(state, status), status, key=VISIT.index)
    return found


def last(rows: pd.DataFrame, column: str) -> list[str]:
    """The last payload of a column in one line, nothing where there is none."""
    known = rows[column].dropna()
    if known.empty:
        return []
    return [f"last {column}: {shorten(str(known.iloc[-1]), LONGEST_PAYLOAD)}"]
