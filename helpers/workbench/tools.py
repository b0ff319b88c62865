"""What can be asked of AWS about the moment on show: a function's log lines, and the executions a state started."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ipywidgets as widgets
import pandas as pd

from helpers.errors import LabError
from helpers.history.sources import parsed
from helpers.workbench import log_lines
from helpers.workbench.controls import button, label
from helpers.workbench.detail import attempt_at
from helpers.workbench.markup import screened, text
from helpers.workbench.replay import Place
from helpers.workbench.view import ExecutionView, arn_in, place_of

__all__ = ["Tools"]


class Tools:
    """The buttons in `box`, for the event in a row (from 0) that `offer` names.

    `renew` is called when a log was read, `open_execution` with the ARN of one to be shown.
    """

    def __init__(self, view: ExecutionView, renew: Callable[[], None], open_execution: Callable[[str], None]) -> None:
        self._renew, self._open = renew, open_execution
        self._row = 0
        self._logs: dict[Any, str] = {}
        self._functions: dict[Any, str | None] = {}
        self.take(view)
        self._log = button("Log lines", "align-left", "What the Lambda function logged in this attempt", self._read_log)
        self._inside = button("Executions inside", "sitemap", "What this state started", self._look_inside)
        self.box = widgets.HBox(layout={"flex_flow": "row wrap"})

    def take(self, view: ExecutionView) -> None:
        """Ask about the same execution further on."""
        self._view = view
        self._starters = _starters(view) if view.lab is not None else set()

    def offer(self, row: int) -> None:
        """Offer what can be asked about the event in a row."""
        self._row = row
        key = self._attempt(row)
        offered = [self._log] if key is not None and key not in self._logs else []
        if place_of(self._view.event(row)) in self._starters:
            offered.append(self._inside)
        if list(self.box.children) != offered:
            self.box.children = offered

    def log(self, row: int) -> str:
        """What was read of the log at an event's row, as HTML."""
        return self._logs.get(self._attempt(row), "")

    def note(self, error: LabError) -> None:
        """Say in the buttons' place what went wrong."""
        self.box.children = [widgets.HTML(screened(f'<p class="note">{text(error)}</p>'))]

    def _attempt(self, row: int) -> Any:
        """What names a Lambda function's attempt at a row, None where there is none or nobody to ask for its log."""
        attempt = attempt_at(self._view, row) if self._view.lab is not None else None
        if attempt is None:
            return None
        key = (*place_of(attempt), int(attempt["attempt"]))
        if key not in self._functions:
            self._functions[key] = log_lines.called_function(self._view.events_of(attempt))
        return key if self._functions[key] else None

    def _read_log(self) -> None:
        attempt, key, lab = attempt_at(self._view, self._row), self._attempt(self._row), self._view.lab
        if attempt is None or key is None or lab is None:
            return
        own = self._view.events_of(attempt)
        ended = attempt["ended"] if not pd.isna(attempt["ended"]) else pd.Timestamp(lab.now())
        function = str(self._functions[key])
        try:
            found = log_lines.lines_of(function, log_lines.request_id(own), attempt["scheduled"], ended, lab)
            shown = f'<p class="quiet">{text(found.how)}</p>{_lines(found.lines)}'
        except LabError as error:
            shown = f'<p class="note">The log lines are left out. {text(error)}</p>'
        self._logs[key] = f"<h4>Log of {text(function)}</h4>{shown}"
        self._renew()
        self.offer(self._row)

    def _look_inside(self) -> None:
        options = _children(self._view, self._row)
        if not options:
            self.box.children = [widgets.HTML(screened('<p class="quiet">It started no execution.</p>'))]
            return
        chosen = widgets.Dropdown(options=options, layout={"width": "60%"})
        opening = button("Open", "folder-open", "Show that execution here", lambda: self._open(chosen.value))
        self.box.children = [chosen, opening]


def _starters(view: ExecutionView) -> set[Place]:
    """The visits that may have started executions."""
    events = view.events
    starts = events["resource"].fillna("").str.startswith("startExecution") & events["resource_type"].eq("states")
    return {place_of(event) for event in events[starts.fillna(False)].to_dict("records")}


def _children(view: ExecutionView, row: int) -> list[tuple[str, str]]:
    """What the visit of the event in a row started, by the answers of states:startExecution: its name, and its ARN."""
    found: dict[str, str] = {}
    for output in view.events["output"].iloc[view.visit_events.get(place_of(view.event(row)), [])].dropna():
        answer = parsed(output)
        arn = answer.get("ExecutionArn") if isinstance(answer, dict) else None
        if isinstance(arn, str) and arn_in(arn) == arn:
            found[arn] = label(f"{arn.split(':', 7)[-1]} {answer.get('Status', '')}".strip())
    return [(words, arn) for arn, words in found.items()]


def _lines(lines: list[tuple[datetime, str]]) -> str:
    if not lines:
        return '<p class="quiet">It logged nothing.</p>'
    written = "\n".join(f"{at.astimezone(UTC):%H:%M:%S.%f}"[:-3] + "  " + line for at, line in lines)
    return f"<pre>{text(written)}</pre>"
