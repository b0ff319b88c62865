"""The screen on which one execution is replayed: widgets around the pieces of HTML that the other modules make."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ipywidgets as widgets
import pandas as pd

from helpers.errors import LabError
from helpers.verbatim import clean
from helpers.workbench import log_lines
from helpers.workbench.detail import attempt_at
from helpers.workbench.exports import FORMS, save
from helpers.workbench.inside import children, starters
from helpers.workbench.markup import STYLE, screened, text
from helpers.workbench.moments import Moments
from helpers.workbench.overview import further, header
from helpers.workbench.report import still
from helpers.workbench.view import ExecutionView, from_arn, place_of

__all__ = ["Screen"]

ALL = ""
MOST_STATES = 500


class Screen:
    """The widgets for one execution. `box` holds them; `position` is the event at the slider, counted from 1."""

    def __init__(self, view: ExecutionView, leave: Callable[[], None] | None = None) -> None:
        self._leave = leave
        self.box = widgets.VBox(layout={"width": "100%"})
        self.box.add_class("sfn-workbench")
        self._show(view)

    def _show(self, view: ExecutionView) -> None:
        self.view = view
        self._logs: dict[Any, str] = {}
        self._functions: dict[Any, str | None] = {}
        self._header = widgets.HTML(screened(header(view)), layout={"width": "100%"})
        style = widgets.HTML(STYLE, layout={"display": "none"})
        top = widgets.HBox(self._top_buttons(), layout={"flex_flow": "row wrap"})
        if len(view.events):
            self.box.children = [style, top, self._header, *self._middle(), self._further()]
        else:
            self.box.children = [style, top, self._header, self._further()]

    def still(self) -> str:
        """The screen as HTML that needs no script."""
        return still(self.view)

    @property
    def position(self) -> int:
        return int(self.slider.value)

    def _top_buttons(self) -> list[widgets.Widget]:
        buttons = []
        if self._leave is not None:
            buttons.append(_button("Back", "arrow-left", "To what was shown before", self._leave))
        if self.view.lab is not None and self.view.arn is not None:
            buttons.append(_button("Read again", "refresh", "Read the execution as it is now", self._again))
        return buttons

    def _again(self) -> None:
        view = self.view
        if view.lab is None or view.arn is None:
            return
        try:
            self._show(from_arn(view.arn, view.lab, view.definition))
        except LabError as error:
            self._header.value = screened(f'<p class="note">{text(error)}</p>') + self._header.value

    def _middle(self) -> list[widgets.Widget]:
        view, size = self.view, len(self.view.events)
        self.slider = widgets.IntSlider(
            value=view.first,
            min=1,
            max=max(size, 2),
            disabled=size < 2,
            readout=False,
            layout={"width": "auto", "flex": "1 1 auto", "margin": "0 14px"},
            tooltip="The moment on show: arrow keys step, Home and End go to the ends",
        )
        self.moments = Moments(view, self.slider, lambda row: self._logs.get(self._try_at(row), ""))
        replay = widgets.HBox(
            [
                _button("", "step-backward", "The first event", lambda: self.go(1)),
                _button("", "chevron-left", "One event back", lambda: self.go(self.position - 1)),
                self.slider,
                _button("", "chevron-right", "One event on", lambda: self.go(self.position + 1)),
                _button("", "step-forward", "The last event", lambda: self.go(size)),
            ],
            layout={"align_items": "center"},
        )
        self._inside = widgets.HBox(layout={"flex_flow": "row wrap"})
        self._log_button = _button(
            "Log lines", "align-left", "What the Lambda function logged in this attempt", self._read_log
        )
        self._inside_button = _button("Executions inside", "sitemap", "What this state started", self._look_inside)
        self._starters = starters(view) if view.lab is not None else set()
        tools = widgets.HBox(
            [self._inside, self._filter()], layout={"flex_flow": "row wrap", "justify_content": "space-between"}
        )
        self.slider.observe(lambda _: self._offer(), "value")
        self._offer()
        timeline = widgets.HTML(
            screened(_timeline(view), classes="pane drawn chart"), layout={"width": "100%", "margin": "10px 0 0"}
        )
        stage = widgets.VBox([self.moments, timeline])
        stage.add_class("stage")
        return [replay, tools, stage]

    def go(self, position: int) -> None:
        """Show the moment of another event, counted from 1."""
        self.slider.value = min(max(position, 1), len(self.view.events))

    def _filter(self) -> widgets.HBox:
        states = self.moments.table.states[:MOST_STATES]
        self.state = widgets.Dropdown(options=[("every state", ALL), *zip(map(_label, states), states, strict=True)])
        self.type = widgets.Dropdown(
            options=[("every type", ALL), *((_label(name), name) for name in self.moments.table.types)]
        )
        self.words = widgets.Text(placeholder="find a text in any field", continuous_update=True)
        for chosen, width, tooltip in (
            (self.state, "24%", "Events of one state"),
            (self.type, "24%", "Events of one type"),
            (self.words, "32%", "Events with a text in any field"),
        ):
            chosen.layout = {"width": width}
            chosen.tooltip = tooltip
            chosen.observe(lambda _: self._sift(), "value")
        self._count = widgets.HTML(layout={"margin": "0 0 0 8px"})
        back = _button(
            "", "angle-up", "The event before that passes the filter", lambda: self._leap(self.moments.table.before)
        )
        on = _button(
            "", "angle-down", "The next event that passes the filter", lambda: self._leap(self.moments.table.next)
        )
        return widgets.HBox(
            [self.state, self.type, self.words, back, on, self._count],
            layout={"align_items": "center", "margin": "6px 0 2px", "width": "62%"},
        )

    def _sift(self) -> None:
        table = self.moments.table
        table.filter(self.state.value, self.type.value, self.words.value)
        number = len(table)
        everything = number == len(self.view.events)
        self._count.value = screened("" if everything else f"{number:,} found", "span", "quiet")
        self.moments.renew()

    def _leap(self, to: Callable[[int], int | None]) -> None:
        row = to(self.position - 1)
        if row is not None:
            self.go(row + 1)

    def _offer(self) -> None:
        """What can be asked of AWS about this moment: log lines, and executions inside."""
        row = self.position - 1
        key = self._try_at(row)
        offered = [self._log_button] if key is not None and key not in self._logs else []
        if place_of(self.view.event(row)) in self._starters:
            offered.append(self._inside_button)
        if list(self._inside.children) != offered:
            self._inside.children = offered

    def _try_at(self, row: int) -> Any:
        """What names the try of a Lambda function at a row, None where there is none or nobody to ask for its log."""
        if self.view.lab is None:
            return None
        attempt = attempt_at(self.view, row)
        if attempt is None:
            return None
        key = (*place_of(attempt), int(attempt["attempt"]))
        if key not in self._functions:
            self._functions[key] = log_lines.called_function(self.view.events_of(attempt))
        return key if self._functions[key] else None

    def _read_log(self) -> None:
        row = self.position - 1
        attempt, key = attempt_at(self.view, row), self._try_at(row)
        lab = self.view.lab
        if attempt is None or key is None or lab is None:
            return
        own = self.view.events_of(attempt)
        ended = attempt["ended"] if not pd.isna(attempt["ended"]) else pd.Timestamp(lab.now())
        function = str(self._functions[key])
        try:
            found = log_lines.lines_of(function, log_lines.request_id(own), attempt["scheduled"], ended, lab)
            shown = f'<p class="quiet">{text(found.how)}</p>{_log(found.lines)}'
        except LabError as error:
            shown = f'<p class="note">The log lines are left out. {text(error)}</p>'
        self._logs[key] = f"<h4>Log of {text(function)}</h4>{shown}"
        self.moments.renew()
        self._offer()

    def _look_inside(self) -> None:
        try:
            found = children(self.view, self.position - 1)
        except LabError as error:
            self._inside.children = [widgets.HTML(screened(f'<p class="note">{text(error)}</p>'))]
            return
        if not found:
            self._inside.children = [widgets.HTML(screened('<p class="quiet">It started no execution.</p>'))]
            return
        options = [(_label(f"{one.name} {one.status}".strip()), one.arn) for one in found]
        chosen = widgets.Dropdown(options=options, layout={"width": "60%"})
        opening = _button("Open", "folder-open", "Show that execution here", lambda: self._open(chosen.value))
        self._inside.children = [chosen, opening]

    def _open(self, arn: str) -> None:
        if self.view.lab is None:
            return
        try:
            inner = Screen(from_arn(arn, self.view.lab), lambda: self._return(before))
        except LabError as error:
            self._inside.children = [widgets.HTML(screened(f'<p class="note">{text(error)}</p>'))]
            return
        before = self.box.children
        self.box.children = [inner.box]

    def _return(self, before: Any) -> None:
        self.box.children = before

    def _further(self) -> widgets.Widget:
        redact = widgets.Checkbox(value=False, description="without inputs, outputs and causes", indent=False)
        redact.layout = {"width": "auto"}
        outcome = widgets.HTML()

        def write(form: str) -> None:
            passed = self.position if len(self.view.events) else None
            try:
                path = save(self.view, form, passed=passed, redacted=redact.value)
                said = f"Written: {text(path.name)}, in {text(path.resolve().parent)}"
            except (LabError, OSError) as error:
                said = f"Not written: {text(error)}"
            outcome.value = screened(f"<p>{said}</p>")

        buttons = [
            _button(form, "download", f"Write {form} beside the notebook", _bound(write, form)) for form in FORMS
        ]
        export = widgets.HBox([*buttons, redact], layout={"flex_flow": "row wrap", "align_items": "center"})
        looked = widgets.HTML(screened(further(self.view)), layout={"width": "100%"})
        return widgets.VBox([looked, export, outcome], layout={"margin": "8px 0 0"})


def _timeline(view: ExecutionView) -> str:
    svg = view.chart.svg()
    return svg[svg.index("<svg") :]


def _log(lines: list[tuple[datetime, str]]) -> str:
    if not lines:
        return '<p class="quiet">It logged nothing.</p>'
    return (
        f"<pre>{text(chr(10).join(f'{at.astimezone(UTC):%H:%M:%S.%f}'[:-3] + '  ' + line for at, line in lines))}</pre>"
    )


def _label(name: str) -> str:
    """A name as an option of a list."""
    return clean(name)[:120]


def _bound(write: Callable[[str], None], form: str) -> Callable[[], None]:
    return lambda: write(form)


def _button(words: str, icon: str, tooltip: str, act: Callable[[], None]) -> widgets.Button:
    made = widgets.Button(description=words, icon=icon, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(lambda _: act())
    return made
