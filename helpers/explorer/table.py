"""The events table: at most fifty rows around one event, of those that a filter lets through."""

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from helpers.explorer.markup import text

__all__ = ["ROWS", "EventsTable"]

ROWS = 50
ABOVE = 20
SEARCHED = ("state", "branch", "type", "resource", "error", "cause", "input", "output")
WIDTHS = (6, 11, 23, 17, 18, 25)
TITLES = ("#", "after", "type", "state", "where", "told")
SHOWN = ("type", "state", "branch")
WRONG = ("Failed", "TimedOut", "Aborted")

Rows = np.ndarray[Any, np.dtype[np.int64]]


class EventsTable:
    """Pages of an events frame as HTML; a page costs the same however many events there are."""

    def __init__(self, events: pd.DataFrame) -> None:
        self._events = events
        self._shown: Rows = np.arange(len(events))

    def __len__(self) -> int:
        """How many events the filter lets through."""
        return len(self._shown)

    @cached_property
    def states(self) -> list[str]:
        return sorted(self._events["state"].dropna().unique())

    @cached_property
    def types(self) -> list[str]:
        return sorted(self._events["type"].dropna().unique())

    @cached_property
    def _searched(self) -> "list[pd.Series[Any]]":
        return [self._events[column].str.lower() for column in SEARCHED]

    @cached_property
    def _cells(self) -> list[list[Any]]:
        """What a row shows, column by column, as lists: a cell of those costs a hundredth of one of a frame's."""
        events = self._events
        told = events["error"] + ": " + events["cause"].fillna("")
        for column in ("output", "input", "resource"):
            told = told.fillna(events[column])
        after = events["elapsed"].dt.total_seconds()
        return [events["id"].tolist(), after.tolist(), *(events[c].tolist() for c in SHOWN), told.tolist()]

    def filter(self, state: str = "", type_: str = "", words: str = "") -> None:
        """Let through the events of a state, of a type, and with a text in any of their fields; empty lets all."""
        let = np.ones(len(self._events), "bool")
        if state:
            let &= self._events["state"].eq(state).to_numpy("bool", na_value=False)
        if type_:
            let &= self._events["type"].eq(type_).to_numpy("bool", na_value=False)
        if words:
            found = np.zeros(len(self._events), "bool")
            for column in self._searched:
                found |= column.str.contains(words.lower(), regex=False).to_numpy("bool", na_value=False)
            let &= found
        self._shown = np.flatnonzero(let)

    def next(self, row: int) -> int | None:
        """The next row that the filter lets through, None after the last."""
        place = int(np.searchsorted(self._shown, row, "right"))
        return int(self._shown[place]) if place < len(self._shown) else None

    def before(self, row: int) -> int | None:
        """The row before that the filter lets through, None before the first."""
        place = int(np.searchsorted(self._shown, row, "left"))
        return int(self._shown[place - 1]) if place else None

    def html(self, row: int) -> str:
        """The rows around `row`, which is marked where the filter lets it through."""
        place = int(np.searchsorted(self._shown, row))
        first = max(min(place - ABOVE, len(self._shown) - ROWS), 0)
        rows = self._shown[first : first + ROWS]
        if not len(rows):
            return '<p class="quiet" style="padding:8px 10px">No event passes this filter.</p>'
        head = "".join(
            f'<th style="width:{width}%"{_number(place)} scope="col">{title}</th>'
            for place, (width, title) in enumerate(zip(WIDTHS, TITLES, strict=True))
        )
        body = "".join(_row([column[at] for column in self._cells], at, row) for at in rows.tolist())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(cells: list[Any], at: int, here: int) -> str:
    number, after, kind, state, branch, told = cells
    wrong = isinstance(kind, str) and (kind.endswith(WRONG) or kind == "FailStateEntered")
    classes = "here" if at == here else "later" if at > here else ""
    current = ' aria-current="true"' if at == here else ""
    after_text = "" if after != after else f"{after:,.3f} s"
    return (
        f'<tr class="{classes}" data-event="{number}"{current}><td class="number">{number}</td>'
        f'<td class="number">{after_text}</td><td{_class(wrong)}>{text(kind, 60)}</td><td>{text(state, 80)}</td>'
        f"<td>{text(branch, 80)}</td><td{_class(wrong)}>{text(told, 110)}</td></tr>"
    )


def _number(place: int) -> str:
    return ' class="number"' if place < 2 else ""


def _class(wrong: bool) -> str:
    return ' class="wrong"' if wrong else ""
