"""The events table: at most fifty rows around one event, of those that a filter lets through."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from helpers.verbatim import clean, shorten
from helpers.workbench.markup import text
from helpers.workbench.view import are_failures

__all__ = ["NOTHING", "ROWS", "EventsTable"]

ROWS = 50
ABOVE = 20
SEARCHED = (
    "state", "branch", "type", "resource", "resource_type", "error", "cause", "input", "output", "details", "execution"
)  # fmt: skip
WIDEST, DETAILS = 26, 110  # characters
GAP = "  "
WIDTHS = {"#": 6, "after": 11, "type": 24, "state": 18, "where": 18, "details": 30}  # percent, of a table
NOTHING = "No event passes this filter."

Rows = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Column:
    """A column whose texts all have the same number of characters.

    A row is then one text in type of one width, and a page of such rows is on the screen in a third of the time that
    fifty times six cells take.
    """

    title: str
    values: list[Any]
    width: int
    right: bool = False

    def shown(self, value: Any) -> str:
        """A value as HTML text of the column's width."""
        return _fitted(value, max(self.width, len(self.title)), self.right)


@lru_cache(maxsize=4096)
def _fitted(value: Any, width: int, right: bool) -> str:
    whole = shorten("" if value is None or value != value else clean(str(value)), width)
    return escape(whole.rjust(width) if right else whole.ljust(width))


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
        columns = [self._events[column].str.lower() for column in SEARCHED]
        # Variables are JSON texts within the details' JSON, where their quotes stand behind backslashes.
        return [*columns, self._events["details"].str.lower().str.replace('\\"', '"', regex=False)]

    @cached_property
    def _columns(self) -> list[Column]:
        """What a row shows besides its details, each column's texts of one width, so that no step moves them."""
        events = self._events
        after = events["elapsed"].dt.total_seconds()
        longest = max((len(_seconds(value)) for value in (after.min(), after.max())), default=0)
        columns = [
            Column("#", events["id"].tolist(), len(str(events["id"].max())), right=True),
            Column("after", list(map(_seconds, after.tolist())), longest, right=True),
        ]
        for title, name in (("type", "type"), ("state", "state"), ("where", "branch")):
            if name != "branch" or events[name].fillna("").ne("").any():
                longest = int(events[name].str.len().fillna(0).max())
                columns.append(Column(title, events[name].tolist(), min(longest, WIDEST)))
        return columns

    @cached_property
    def _details(self) -> list[Any]:
        events = self._events
        details = events["error"] + (": " + events["cause"]).fillna("")
        for column in ("cause", "output", "input", "details", "resource"):
            details = details.fillna(events[column])
        return details.tolist()

    @cached_property
    def _is_wrong(self) -> list[bool]:
        return are_failures(self._events).tolist()

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

    def page(self, row: int) -> list[int]:
        """The rows around `row`, of those that the filter lets through."""
        place = int(np.searchsorted(self._shown, row))
        first = max(min(place - ABOVE, len(self._shown) - ROWS), 0)
        return list(map(int, self._shown[first : first + ROWS]))

    @cached_property
    def head(self) -> str:
        """The titles of the columns, over what `line` gives, as HTML text."""
        return GAP.join([*(column.shown(column.title) for column in self._columns), "details"])

    def line(self, row: int) -> str:
        """What a row shows, as HTML text."""
        return GAP.join(self._cells(row))

    def is_failure(self, row: int) -> bool:
        """Whether the event in a row reports a failure, a time-out or an abort."""
        return self._is_wrong[row]

    def html(self, row: int) -> str:
        """The page around `row`, which is marked where the filter lets it through, as a table that needs no style."""
        titles = [*(column.title for column in self._columns), "details"]
        head = "".join(f'<th scope="col" width="{WIDTHS[title]}%">{title}</th>' for title in titles)
        rows = self.page(row)
        body = "".join(self._row(at, row) for at in rows) if rows else f"<tr><td>{NOTHING}</td></tr>"
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _row(self, at: int, here: int) -> str:
        classes = ("here" if at == here else "later" if at > here else "") + (" failure" * self.is_failure(at))
        current = ' aria-current="true"' if at == here else ""
        cells = "".join(f"<td>{cell.strip()}</td>" for cell in self._cells(at))
        return f'<tr class="{classes}" data-event="{at + 1}"{current}>{cells}</tr>'

    def _cells(self, row: int) -> list[str]:
        return [*(column.shown(column.values[row]) for column in self._columns), text(self._details[row], DETAILS)]


def _seconds(value: float) -> str:
    return "" if value != value else f"{value:,.3f} s"
