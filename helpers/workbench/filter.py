"""Which events are listed: of a state, of a type, with a text; and the way from one of them to the next."""

from collections.abc import Callable

import ipywidgets as widgets

from helpers.workbench.controls import button, label, offer
from helpers.workbench.markup import screened
from helpers.workbench.moments import Moments

__all__ = ["Filter"]

ALL = ""
MOST_STATES = 500


class Filter:
    """The controls in `box` over a table of events; `go` shows the event at a position, counted from 1."""

    def __init__(self, moments: Moments, go: Callable[[int], None]) -> None:
        self._moments, self._go = moments, go
        self.state, self.type = widgets.Dropdown(), widgets.Dropdown()
        self.take()
        self.words = widgets.Text(placeholder="find a text in any field", continuous_update=True)
        for chosen, width, tooltip in (
            (self.state, "24%", "Events of one state"),
            (self.type, "24%", "Events of one type"),
            (self.words, "32%", "Events with a text in any field"),
        ):
            chosen.layout, chosen.tooltip = {"width": width}, tooltip
            chosen.observe(lambda _: self.sift(), "value")
        self._count = widgets.HTML(layout={"margin": "0 0 0 8px"})
        back = button("", "angle-up", "The event before that passes the filter", lambda: self._leap("before"))
        on = button("", "angle-down", "The next event that passes the filter", lambda: self._leap("next"))
        self.box = widgets.HBox(
            [self.state, self.type, self.words, back, on, self._count],
            layout={"align_items": "center", "margin": "6px 0 2px", "width": "62%"},
        )

    def take(self) -> None:
        """Offer the states and types that there are by now."""
        table = self._moments.table
        for chosen, all_, names in (
            (self.state, "every state", table.states[:MOST_STATES]),
            (self.type, "every type", table.types),
        ):
            offer(chosen, [(all_, ALL), *((label(name), name) for name in names)])

    def sift(self) -> None:
        """Have only what passes the filter listed."""
        table = self._moments.table
        table.filter(self.state.value, self.type.value, self.words.value)
        sifted = self.state.value or self.type.value or self.words.value
        self._count.value = screened(f"{len(table):,} found" if sifted else "", "span", "quiet")
        self._moments.renew()

    def _leap(self, way: str) -> None:
        row = getattr(self._moments.table, way)(self._moments.slider.value - 1)
        if row is not None:
            self._go(row + 1)
