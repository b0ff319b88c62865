"""What frames of visits and attempts say about each state, put into a few words for a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from helpers.diagram.text import shorten

__all__ = ["Figures", "figures", "seconds"]

LONGEST_PAYLOAD = 300


@dataclass(frozen=True)
class Figures:
    """Per state, by name: small lines to note on it, its share of the longest time, lines to show on hovering.

    `taken` are the pairs of names whose edges were passed; "" stands for the start and the end. None where unknown.
    """

    notes: Mapping[str, list[str]] = field(default_factory=dict)
    heat: Mapping[str, float] = field(default_factory=dict)
    hover: Mapping[str, list[str]] = field(default_factory=dict)
    taken: frozenset[tuple[str, str]] | None = None


def figures(visits: pd.DataFrame, attempts: pd.DataFrame | None = None) -> Figures:
    """The figures of the frames that `helpers.history` makes."""
    notes: dict[str, list[str]] = {}
    hover: dict[str, list[str]] = {}
    spent: dict[str, float] = {}
    for name, rows in visits.groupby("state", sort=False):
        took = pd.to_timedelta(rows["duration"], errors="coerce").dt.total_seconds()
        total, longest = float(took.sum()), took.max()
        spent[str(name)] = total
        count = len(rows)
        line = [f"{count} visits" if count > 1 else "1 visit", seconds(total)]
        if count > 1 and pd.notna(longest):
            line.append(f"longest {seconds(float(longest))}")
        failed = int(rows["status"].isin(["failed", "timed_out", "caught"]).sum())
        retried = int((pd.to_numeric(rows["attempts"], errors="coerce").fillna(0) - 1).clip(lower=0).sum())
        if attempts is not None:
            tried = attempts[attempts["state"] == name]
            retried = int((pd.to_numeric(tried["attempt"], errors="coerce") > 1).sum())
            failed = int(tried["status"].isin(["failed", "timed_out"]).sum()) or failed
        trouble = [counted(retried, "retry", "retries")] * (retried > 0) + [counted(failed, "failure", "failures")] * (
            failed > 0
        )
        notes[str(name)] = [" · ".join(line), " · ".join(trouble)]
        hover[str(name)] = [*notes[str(name)], *last(rows, "input"), *last(rows, "output"), *last(rows, "error")]
        hover[str(name)] = [text for text in hover[str(name)] if text]
    most = max(spent.values(), default=0.0)
    heat = {name: time / most if most else 0.0 for name, time in spent.items()}
    return Figures(notes, heat, hover, way(visits))


def way(visits: pd.DataFrame) -> frozenset[tuple[str, str]]:
    """The pairs of states entered one after the other in a branch, with "" for the start and the end."""
    passed: set[tuple[str, str]] = set()
    for _, rows in visits.groupby(["execution", "branch"], sort=False, dropna=False):
        names = [str(name) for name in rows["state"]]
        ended = rows["status"].iloc[-1] == "succeeded"
        passed.update(zip(["", *names], [*names, ""] if ended else names, strict=False))
    return frozenset(passed)


def last(rows: pd.DataFrame, column: str) -> list[str]:
    """The last payload of a column in one line, nothing where there is none."""
    known = rows[column].dropna()
    if known.empty:
        return []
    value = known.iloc[-1]
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return [f"last {column}: {shorten(text, LONGEST_PAYLOAD)}"]


def counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def seconds(time: float) -> str:
    """A duration as a person writes it: `15 ms`, `2.1 s`, `3 min 20 s`, `2 h 5 min`."""
    if time < 0.9995:
        return f"{time * 1000:.0f} ms"
    if time < 59.95:
        return f"{time:.1f} s"
    whole = round(time)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
