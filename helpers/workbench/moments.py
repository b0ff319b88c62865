"""What the screen shows of one moment, sent to the browser before the slider comes to it."""

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import pandas as pd
import traitlets

from helpers.diagram import Diagram
from helpers.errors import LabError
from helpers.verbatim import clean
from helpers.workbench.detail import detail
from helpers.workbench.markup import text
from helpers.workbench.table import NOTHING, EventsTable
from helpers.workbench.view import ExecutionView, place_of

__all__ = ["Moments"]

SHAPE = re.compile(r'stroke-width="[^"]*"')
MOST_ASKED = 50


class Moments(anywidget.AnyWidget):
    """The moments of an execution: each the diagram as it was, the event in words, the events around it, its data.

    `moments.js` shows the one at the slider, and asks for those around it. `log` gives what was read of the log at an
    event's row (from 0), as HTML.
    """

    _esm = Path(__file__).with_suffix(".js")
    slider = traitlets.Instance(widgets.IntSlider).tag(sync=True, **widgets.widget_serialization)
    head = traitlets.Unicode().tag(sync=True)
    nothing = traitlets.Unicode(NOTHING).tag(sync=True)

    def __init__(self, view: ExecutionView, slider: widgets.IntSlider, log: Callable[[int], str]) -> None:
        self.table = EventsTable(view.events)
        self._view, self._log, self._drawn = view, log, _diagram(view)
        super().__init__(slider=slider, head=self.table.head)
        self.on_msg(self._answer)

    def renew(self) -> None:
        """Have everything asked for again: the filter or the log has changed."""
        self.send({"renewed": True})

    def at(self, positions: list[int]) -> dict[str, Any]:
        """What is shown at some positions of the slider (from 1), each line and picture once."""
        found: list[dict[str, Any]] = []
        lines: dict[int, tuple[bool, str]] = {}
        pictures: dict[str, str] = {}
        for position in positions:
            row = position - 1
            svg = self._coloured(row)
            key = f"{hash(svg):x}"
            pictures[key] = svg
            page = [at + 1 for at in self.table.page(row)]
            lines.update((number, (self.table.is_failure(number - 1), self.table.line(number - 1))) for number in page)
            found.append(
                {
                    "position": position,
                    "caption": _caption(self._view, row),
                    "picture": key,
                    "detail": detail(self._view, row) + self._log(row),
                    "cursor": _cursor(self._view, row),
                    "rows": page,
                }
            )
        return {"moments": found, "lines": list(lines.items()), "pictures": list(pictures.items())}

    def _answer(self, _: Any, message: Any, __: Any) -> None:
        size = len(self._view.events)
        asked = message.get("asked", []) if isinstance(message, dict) else []
        positions = [one for one in asked[:MOST_ASKED] if isinstance(one, int) and 0 < one <= size]
        if positions:
            self.send(self.at(positions))

    def _coloured(self, row: int) -> str:
        if self._drawn is None:
            return '<p class="quiet">There is no diagram of this history.</p>'
        try:
            svg = self._view.coloured(self._drawn, row + 1).svg()
        except LabError as error:
            return f'<p class="note">{text(error)}</p>'
        return _marked(svg, self._view.event(row)["state"])


def _cursor(view: ExecutionView, row: int) -> str:
    """A line at the moment, which the style lays over the timeline: that itself need not be sent again."""
    after = view.event(row)["elapsed"]
    if pd.isna(after):
        return ""
    left, top, bottom = view.chart.at(after.total_seconds())
    width, height = view.chart.figure.get_size_inches()
    return (
        f'<div class="sfn-workbench track" style="aspect-ratio:{width:g}/{height:g}" aria-hidden="true">'
        f'<i style="left:{left:.3%};top:{top:.2%};bottom:{1 - bottom:.2%}"></i></div>'
    )


def _diagram(view: ExecutionView) -> Diagram | None:
    try:
        view.picture.svg()
    except LabError:
        return None
    return view.picture


def _marked(svg: str, state: Any) -> str:
    """The diagram with a stronger border around the state of the event on show."""
    if not isinstance(state, str):
        return svg
    begin = svg.find(f'data-state="{escape(clean(state))}"')
    return svg if begin < 0 else svg[:begin] + SHAPE.sub('stroke-width="4"', svg[begin:], count=1)


def _caption(view: ExecutionView, row: int) -> str:
    event = view.event(row)
    after = event["elapsed"]
    when = "" if pd.isna(after) else f", {after.total_seconds():,.3f} s after the start"
    state = f" of <b>{text(event['state'], 120)}</b>" if isinstance(event["state"], str) else ""
    where = f' <span class="quiet">{text(event["branch"], 160)}</span>' if place_of(event)[0] else ""
    return f"<p>Event <b>{row + 1:,}</b> of {len(view.events):,}: {text(event['type'], 80)}{state}{when}{where}</p>"
