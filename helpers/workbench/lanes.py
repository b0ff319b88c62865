"""The timeline that one clicks and zooms in: a lane a state and branch, a bar a visit, a failed attempt, a pause."""

from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import pandas as pd
import traitlets

from helpers.diagram.palette import style
from helpers.statuses import FAILED_VISIT
from helpers.workbench.view import ExecutionView, are_failures, place_of

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
    for visit in lane.visits.to_dict("records"):
        rows = view.visit_events.get(place_of(visit), [])
        failed[place_of(visit)] = [row for row in rows if failures[row]]
        waited = visit["type"] == "Wait" and visit["status"] == "succeeded"
        look = "waiting" if waited else visit["status"] if isinstance(visit["status"], str) else "unreached"
        bars.append([number, visit["left"], visit["width"], look, rows[-1] + 1 if rows else 0])
    for attempt in lane.attempts.to_dict("records"):
        rows = failed.get(place_of(attempt), [])
        if not pd.isna(attempt["backoff"]) and (pause := attempt["backoff"].total_seconds()) > 0:
            bars.append([number, attempt["left"] - pause, pause, "pause", 0])
        if attempt["status"] in FAILED_VISIT:
            row = rows.pop(0) if rows else -1
            bars.append([number, attempt["left"], attempt["width"], "attempt", row + 1])
    return [[lane_, round(left, 4), round(width, 4), look, at] for lane_, left, width, look, at in bars]
