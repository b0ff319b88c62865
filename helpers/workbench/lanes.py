"""The timeline that one clicks and zooms in: a lane a state and branch, a bar a visit, a failed attempt, a pause."""

from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import pandas as pd
import traitlets

from helpers.diagram.palette import style
from helpers.statuses import FAILED_VISIT
from helpers.workbench.view import ExecutionView, are_failures

__all__ = ["Lanes"]


class Lanes(anywidget.AnyWidget):
    """The lanes of an execution.

    `bars` has for each bar its lane, its beginning and length (s), its look and the position (from 1) of the event that
    a click on it shows. `at` is the moment on show, in seconds, which the browser sets.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = style()
    lanes: traitlets.List[str] = traitlets.List().tag(sync=True)
    bars: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    length = traitlets.Float().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    slider = traitlets.Instance(widgets.IntSlider).tag(sync=True, **widgets.widget_serialization)
    at = traitlets.Float(-1.0).tag(sync=True)

    def __init__(self, view: ExecutionView, slider: widgets.IntSlider) -> None:
        super().__init__(slider=slider)
        self.take(view)

    def take(self, view: ExecutionView) -> None:
        """Show another execution, or the same one further on."""
        drawn = view.lanes
        failures = are_failures(view.events).tolist()
        with self.hold_sync():
            self.lanes = [lane.label for lane in drawn.lanes]
            self.bars = [bar for number, lane in enumerate(drawn.lanes) for bar in _bars(view, number, lane, failures)]
            self.length, self.said = drawn.length, drawn.sentence()


def _bars(view: ExecutionView, number: int, lane: Any, failures: list[bool]) -> list[list[Any]]:
    bars: list[list[Any]] = []
    failed: dict[Any, list[int]] = {}

    def add(left: float, width: float, look: str, row: int) -> None:
        bars.append([number, round(left, 4), round(width, 4), look, row + 1])

    for left, width, branch, state, visit, kind, status in _columns(lane.visits, "type", "status"):
        place = branch, state, visit
        rows = view.visit_events.get(place, [])
        failed[place] = [row for row in rows if failures[row]]
        look = "waiting" if (kind, status) == ("Wait", "succeeded") else status
        add(left, width, look if isinstance(look, str) else "unreached", rows[-1] if rows else -1)
    for left, width, branch, state, visit, backoff, status in _columns(lane.attempts, "backoff", "status"):
        if not pd.isna(backoff) and (pause := backoff.total_seconds()) > 0:
            add(left - pause, pause, "pause", -1)
        if status in FAILED_VISIT:
            rows = failed.get((branch, state, visit), [])
            add(left, width, "attempt", rows.pop(0) if rows else -1)
    return bars


def _columns(frame: pd.DataFrame, *more: str) -> Any:
    columns = ("left", "width", "branch", "state", "visit", *more)
    return zip(*(frame.fillna({"visit": 0})[name].tolist() for name in columns), strict=True)
