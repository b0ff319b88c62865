"""What the screen shows of one moment, as one piece of HTML, so that a step is one message and one frame."""

import re
from html import escape
from typing import Any

import pandas as pd

from helpers.diagram import Diagram
from helpers.diagram.text import clean
from helpers.errors import LabError
from helpers.explorer.detail import detail
from helpers.explorer.markup import screened, text
from helpers.explorer.subject import Subject, place_of
from helpers.explorer.table import EventsTable

__all__ = ["Scene"]

SHAPE = re.compile(r'stroke-width="[^"]*"')


class Scene:
    """The moments of an execution: each the diagram as it was, the event in words, the events around it, its data."""

    def __init__(self, subject: Subject) -> None:
        self.table = EventsTable(subject.events)
        self._subject = subject
        self._drawn = _diagram(subject)

    def html(self, row: int, log: str = "") -> str:
        """The moment of the event in a row (from 0); `log` is HTML to show below the event's data."""
        subject = self._subject
        left = _pane("moment", _caption(subject, row)) + _pane("pane drawn", self._coloured(row))
        right = _pane("pane rows", self.table.html(row)) + _pane("pane told", detail(subject, row) + log)
        both = _pane("side", left) + _pane("side", right)
        return screened(both, classes="scene") + _cursor(subject, row)

    def _coloured(self, row: int) -> str:
        if self._drawn is None:
            return '<p class="quiet">There is no diagram of this history.</p>'
        try:
            svg = self._subject.coloured(self._drawn, row + 1).svg()
        except LabError as error:
            return f'<p class="note">{text(error)}</p>'
        return _marked(svg, self._subject.event(row)["state"])


def _cursor(subject: Subject, row: int) -> str:
    """A line at the moment, which the style lays over the timeline: that itself need not be sent again."""
    after = subject.event(row)["elapsed"]
    if pd.isna(after):
        return ""
    left, top, bottom = subject.chart.at(after.total_seconds())
    width, height = subject.chart.figure.get_size_inches()
    return (
        f'<div class="sfn-explorer track" style="aspect-ratio:{width:g}/{height:g}" aria-hidden="true">'
        f'<i style="left:{left:.3%};top:{top:.2%};bottom:{1 - bottom:.2%}"></i></div>'
    )


def _pane(classes: str, content: str) -> str:
    return f'<div class="{classes}">{content}</div>'


def _diagram(subject: Subject) -> Diagram | None:
    try:
        subject.picture.svg()
    except LabError:
        return None
    return subject.picture


def _marked(svg: str, state: Any) -> str:
    """The diagram with a stronger border around the state of the event on show."""
    if not isinstance(state, str):
        return svg
    begin = svg.find(f'data-state="{escape(clean(state))}"')
    return svg if begin < 0 else svg[:begin] + SHAPE.sub('stroke-width="4"', svg[begin:], count=1)


def _caption(subject: Subject, row: int) -> str:
    event = subject.event(row)
    after = event["elapsed"]
    when = "" if pd.isna(after) else f", {after.total_seconds():,.3f} s after the start"
    state = f" of <b>{text(event['state'], 120)}</b>" if isinstance(event["state"], str) else ""
    where = f' <span class="quiet">{text(event["branch"], 160)}</span>' if place_of(event)[0] else ""
    return (
        f'<p aria-live="polite">Event <b>{row + 1:,}</b> of {len(subject.events):,}: {text(event["type"], 80)}'
        f"{state}{when}{where}</p>"
    )
