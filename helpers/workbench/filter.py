"""Which events are listed: of a state, of a type, with a text; and the way from one of them to the next."""

from collections.abc import Callable

import ipywidgets as widgets

from helpers.workbench.controls import button, label
from helpers.workbench.markup import screened
from helpers.workbench.moments import Moments

__all__ = ["Filter"]

ALL = ""
MOST_STATES = 500


class Filter:
    """The controls in `box` over a table of events; `go` shows the event at a position, counted from 1."""

    def __init__(self, moments: Moments, events: int, go: Callable[[int], None]) -> None:
        self._moments, self._events, self._go = moments, events, go
        table = moments.table
        states, types = table.states[:MOST_STATES], table.types
        self.state = widgets.Dropdown(options=[("every state", ALL), *((label(name), name) for name in states)])
        self.type = widgets.Dropdown(options=[("every type", ALL), *((label(name), name) for name in types)])
        self.words = widgets.Text(placeholder="find a text in any field", continuous_update=True)
        for chosen, width, tooltip in (
            (self.state, "24%", "Events of one state"),
            (self.type, "24%", "Events of one type"),
            (self.words, "32%", "Events with a text in any field"),
        ):
            chosen.layout, chosen.tooltip = {"width": width}, tooltip
            chosen.observe(lambda _: self._sift(), "value")
        self._count = widgets.HTML(layout={"margin": "0 0 0 8px"})
        back = button("", "angle-up", "The event before that passes the filter", lambda: self._leap(table.before))
        on = button("", "angle-down", "The next event that passes the filter", lambda: self._leap(table.next))
        self.box = widgets.HBox(
            [self.state, self.type, self.words, back, on, self._count],
            layout={"align_items": "center", "margin": "6px 0 2px", "width": "62%"},
        )

    def _sift(self) -> None:
        table = self._moments.table
        table.filter(self.state.value, self.type.value, self.words.value)
        found = "" if len(table) == self._events else f"{len(table):,} found"
        self._count.value = screened(found, "span", "quiet")
        self._moments.renew()

    def _leap(self, to: Callable[[int], int | None]) -> None:
        row = to(self._moments.slider.value - 1)
        if row is not None:
            self._go(row + 1)
