"""What the screen shows of one moment, sent to the browser before the slider comes to it."""

import re
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import pandas as pd
import traitlets

from helpers.diagram.living import Living
from helpers.history.event_types import FAILED
from helpers.live import backoff
from helpers.statuses import VISIT
from helpers.verbatim import clean, shorten
from helpers.workbench.detail import TABS, attempt_at, detail, whole
from helpers.workbench.lanes import Lanes
from helpers.workbench.markup import text
from helpers.workbench.query import query
from helpers.workbench.table import NOTHING, EventsTable
from helpers.workbench.view import ExecutionView, place_of

__all__ = ["Moments"]

MOST_ASKED = 50
CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Moments(anywidget.AnyWidget):
    """The moments of an execution: each the diagram as it was, the event in words, the events around it, its data.

    `moments.js` shows the one at the slider, and asks for those around it. `log` gives what was read of the log at an
    event's row (from 0), as HTML. While `live` is set the browser asks, every two seconds, for what has happened since:
    `follow` reads it.
    """

    _esm = Path(__file__).with_suffix(".js")
    slider = traitlets.Instance(widgets.IntSlider).tag(sync=True, **widgets.widget_serialization)
    living = traitlets.Instance(Living).tag(sync=True, **widgets.widget_serialization)
    lanes = traitlets.Instance(Lanes).tag(sync=True, **widgets.widget_serialization)
    head = traitlets.Unicode().tag(sync=True)
    nothing = traitlets.Unicode(NOTHING).tag(sync=True)
    tabs = traitlets.List(list(TABS)).tag(sync=True)
    tab = traitlets.Unicode(TABS[0]).tag(sync=True)
    zone = traitlets.Unicode("UTC").tag(sync=True)
    """The reader's own."""
    live = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, view: ExecutionView, slider: widgets.IntSlider, log: Callable[[int], str], follow: Callable[[], object]
    ) -> None:
        self.table = EventsTable(view.events)
        self._view, self._log, self._follow = view, log, follow
        living = Living(view.plain)
        living.lines_of = self._hover
        living.on_choose = self._choose
        super().__init__(slider=slider, living=living, lanes=Lanes(view, slider), head=self.table.head)
        self.observe(lambda _: self.renew(), "tab")
        self.on_msg(self._answer)

    def take(self, view: ExecutionView) -> None:
        """Show the same execution further on."""
        self.table = EventsTable(view.events)
        self._view = view
        self.lanes.take(view)
        if view.definition is None:
            self.living.drawn = view.plain
        self.head = self.table.head
        self.renew()

    def go(self, position: int) -> None:
        """Show the moment at a position of the slider; it is sent along, so that the browser need not ask for it."""
        self.send(self.at([position]))
        self.slider.value = position

    def renew(self) -> None:
        """Have everything asked for again: the filter, the tab or the log has changed."""
        self.send({"renewed": True})

    def at(self, positions: list[int]) -> dict[str, Any]:
        """What is shown at some positions of the slider (from 1), each line once."""
        view, replay = self._view, self._view.replay
        found: list[dict[str, Any]] = []
        lines: dict[int, tuple[bool, str]] = {}
        for position in positions:
            row = position - 1
            page = [at + 1 for at in self.table.page(row)]
            lines.update((number, (self.table.is_failure(number - 1), self.table.line(number - 1))) for number in page)
            event = view.event(row)
            after = event["elapsed"]
            found.append(
                {
                    "position": position,
                    "caption": _caption(view, row),
                    "words": _words(view, row),
                    "state": clean(event["state"]) if isinstance(event["state"], str) else None,
                    "picture": self.living.at(
                        replay.statuses(position), replay.counts(position), replay.taken(position), replay.lit.get(row)
                    ),
                    "detail": detail(view, row, self.tab, self._log(row)),
                    "at": -1.0 if pd.isna(after) else after.total_seconds(),
                    "rows": page,
                }
            )
        return {"moments": found, "lines": list(lines.items())}

    def _answer(self, _: Any, message: Any, __: Any) -> None:
        said = message if isinstance(message, dict) else {}
        size = len(self._view.events)

        def known(position: Any) -> bool:
            return isinstance(position, int) and 0 < position <= size

        if positions := [one for one in said.get("asked", [])[:MOST_ASKED] if known(one)]:
            self.send(self.at(positions))
        elif known(said.get("of")):
            row, name = said["of"] - 1, str(said.get("whole"))
            found = whole(self._view, row, name) or ""
            if isinstance(asked := said.get("query"), str):
                self.send({"found": query(found, asked)})
            else:
                self.send({"whole": name, "of": said["of"], "text": found})
        elif said.get("again"):
            self._follow()
            self.send({"followed": True})

    def _hover(self, state: str) -> list[str]:
        """The last input and output of a state by the moment at the slider."""
        view, row = self._view, int(self.slider.value) - 1
        events = view.events.iloc[: row + 1]
        own = events[events["state"].eq(state)]
        shown = []
        for column, kind in (("input", "Entered"), ("output", "Exited"), ("error", "")):
            known = own[column][own["type"].str.endswith(kind)].dropna()
            shown += [f"last {column}: {known.iloc[-1]}"] if len(known) else []
        return shown

    def _choose(self, state: str) -> None:
        """Go to what gave a state its colour: of its last visits in each branch the worst; else to its first."""
        branches, here = self._view.stays.get(state, {}).values(), int(self.slider.value) - 1
        found: list[tuple[int, int]] = []
        for visits in branches:
            if begun := bisect_right(visits, here, key=lambda visit: visit[0][0]):
                rows, outcome = visits[begun - 1]
                row = rows[bisect_right(rows, here) - 1]
                found.append((-VISIT.index(outcome if row == rows[-1] else "running"), row))
        if branches:
            self.go((max(found)[1] if found else min(visits[0][0][0] for visits in branches)) + 1)


def _words(view: ExecutionView, row: int) -> str:
    """The moment in a sentence, by what was known then."""
    event, attempt = view.event(row), attempt_at(view, row)
    what = CAPITALS.sub(" ", str(event["type"])).lower()
    if not isinstance(event["state"], str):
        return clean(shorten(f"{view.name}: {what}", 200))
    state, number = event["state"], 0 if attempt is None else int(attempt["attempt"])
    if event["type"].endswith(FAILED):
        pause = backoff(view.bodies.get(state, {}), event["error"], number) if number else None
        if pause is not None:
            return clean(pause.sentence(state, number))
        why = f" with {event['error']}" if isinstance(event["error"], str) else ""
        return clean(shorten(f"{state}: {what}{why}", 200))
    tried = f", attempt {number}" if number > 1 and "State" not in event["type"] else ""
    return clean(f"{shorten(state, 120)}: {what}{tried}")


def _caption(view: ExecutionView, row: int) -> str:
    event = view.event(row)
    after = event["elapsed"]
    when = "" if pd.isna(after) else f", {after.total_seconds():,.3f} s after the start"
    state = f" of <b>{text(event['state'], 120)}</b>" if isinstance(event["state"], str) else ""
    where = f' <span class="quiet">{text(event["branch"], 160)}</span>' if place_of(event)[0] else ""
    return f"<p>Event <b>{row + 1:,}</b> of {len(view.events):,}: {text(event['type'], 80)}{state}{when}{where}</p>"
