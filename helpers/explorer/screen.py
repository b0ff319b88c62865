"""The screen on which one execution is replayed: widgets around the pieces of HTML that the other modules make."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from helpers.diagram import Diagram
from helpers.diagram.text import clean
from helpers.errors import LabError
from helpers.explorer import logs
from helpers.explorer.detail import attempt_at, detail
from helpers.explorer.files import FORMS, save
from helpers.explorer.inside import Child, children
from helpers.explorer.markup import STYLE, screened, text
from helpers.explorer.overview import further, header
from helpers.explorer.report import still
from helpers.explorer.subject import Subject, from_arn, place_of
from helpers.explorer.table import EventsTable

__all__ = ["Screen"]

ALL = ""
MOST_STATES = 500
SHAPE = re.compile(r'stroke-width="[^"]*"')


class Screen:
    """The widgets for one execution. `box` holds them; `position` is the event at the slider, counted from 1."""

    def __init__(self, subject: Subject, leave: Callable[[], None] | None = None) -> None:
        self._leave = leave
        self._drawn: Diagram | None = None
        self.box = widgets.VBox(layout={"width": "100%"})
        self.box.add_class("sfn-explorer")
        self._show(subject)

    def _show(self, subject: Subject) -> None:
        self.subject = subject
        self._logs: dict[Any, str] = {}
        self._children: list[Child] = []
        self._header = widgets.HTML(screened(header(subject)), layout={"width": "100%"})
        style = widgets.HTML(STYLE, layout={"display": "none"})
        top = widgets.HBox(self._top_buttons(), layout={"flex_flow": "row wrap"})
        if len(subject.events):
            self.box.children = [style, top, self._header, *self._middle(), self._further()]
        else:
            self.box.children = [style, top, self._header, self._further()]

    def still(self) -> str:
        """The screen as HTML that needs no script."""
        return still(self.subject)

    @property
    def position(self) -> int:
        return int(self.slider.value)

    def _top_buttons(self) -> list[widgets.Widget]:
        buttons = []
        if self._leave is not None:
            buttons.append(_button("Back", "arrow-left", "To what was shown before", self._leave))
        if self.subject.lab is not None and self.subject.arn is not None:
            buttons.append(_button("Read again", "refresh", "Read the execution as it is now", self._again))
        return buttons

    def _again(self) -> None:
        subject = self.subject
        if subject.lab is None or subject.arn is None:
            return
        try:
            self._show(from_arn(subject.arn, subject.lab, subject.definition))
        except LabError as error:
            self._header.value = screened(f'<p class="note">{text(error)}</p>') + self._header.value

    def _middle(self) -> list[widgets.Widget]:
        subject, size = self.subject, len(self.subject.events)
        self._table = EventsTable(subject.events)
        self._drawn = _diagram(subject)
        self.slider = widgets.IntSlider(
            value=subject.first,
            min=1,
            max=max(size, 2),
            disabled=size < 2,
            readout=False,
            layout={"width": "auto", "flex": "1 1 auto", "margin": "0 14px"},
            tooltip="The moment on show: arrow keys step, Home and End go to the ends",
        )
        self._caption = _pane()
        self._picture = _pane(width="38%")
        self._detail = _pane()
        self._lines = _pane()
        self._inside = widgets.HBox(layout={"flex_flow": "row wrap"})
        self._rows = _pane()
        self._ask = _button(
            "Log lines", "align-left", "What the Lambda function logged in this attempt", self._read_log
        )
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
        right = widgets.VBox(
            [self._detail, self._inside, self._lines, self._filter(), self._rows],
            layout={"width": "62%", "padding": "0 0 0 12px", "overflow": "hidden"},
        )
        self.slider.observe(lambda _: self._paint(), "value")
        self._paint()
        timeline = widgets.HTML(
            screened(_timeline(subject), classes="pane drawn chart"), layout={"width": "100%", "margin": "10px 0 0"}
        )
        return [replay, self._caption, widgets.HBox([self._picture, right]), timeline]

    def go(self, position: int) -> None:
        """Show the moment of another event, counted from 1."""
        self.slider.value = min(max(position, 1), len(self.subject.events))

    def _filter(self) -> widgets.HBox:
        states = self._table.states[:MOST_STATES]
        self.state = widgets.Dropdown(options=[("every state", ALL), *zip(map(_label, states), states, strict=True)])
        self.type = widgets.Dropdown(
            options=[("every type", ALL), *((_label(name), name) for name in self._table.types)]
        )
        self.words = widgets.Text(placeholder="find a text in any field", continuous_update=True)
        for chosen, width, told in (
            (self.state, "22%", "Events of one state"),
            (self.type, "24%", "Events of one type"),
            (self.words, "26%", "Events with a text in any field"),
        ):
            chosen.layout = {"width": width}
            chosen.tooltip = told
            chosen.observe(lambda _: self._sift(), "value")
        self._count = widgets.HTML(layout={"margin": "0 0 0 8px"})
        back = _button(
            "", "angle-up", "The event before that passes the filter", lambda: self._leap(self._table.before)
        )
        on = _button("", "angle-down", "The next event that passes the filter", lambda: self._leap(self._table.next))
        return widgets.HBox(
            [self.state, self.type, self.words, back, on, self._count],
            layout={"align_items": "center", "margin": "6px 0 2px"},
        )

    def _sift(self) -> None:
        self._table.filter(self.state.value, self.type.value, self.words.value)
        number = len(self._table)
        everything = number == len(self.subject.events)
        self._count.value = screened("" if everything else f"{number:,} found", "span", "quiet")
        self._rows.value = screened(self._table.html(self.position - 1), classes="pane rows")

    def _leap(self, to: Callable[[int], int | None]) -> None:
        row = to(self.position - 1)
        if row is not None:
            self.go(row + 1)

    def _paint(self) -> None:
        """Everything that depends on the moment."""
        subject, row = self.subject, self.slider.value - 1
        self._picture.value = screened(self._coloured(row), classes="pane drawn high")
        self._rows.value = screened(self._table.html(row), classes="pane rows")
        self._caption.value = screened(_caption(subject, row), classes="moment")
        self._detail.value = screened(detail(subject, row), classes="pane told")
        self._offer(row)

    def _coloured(self, row: int) -> str:
        if self._drawn is None:
            return '<p class="quiet">There is no diagram of this history.</p>'
        try:
            svg = self.subject.coloured(self._drawn, row + 1).svg()
        except LabError as error:
            return f'<p class="note">{text(error)}</p>'
        return _marked(svg, self.subject.events["state"].iat[row])

    def _offer(self, row: int) -> None:
        """What can be asked of AWS about this moment: log lines, and executions inside."""
        key = self._try_at(row)
        told = self._logs.get(key, "")
        if self._lines.value != told:
            self._lines.value = told
        offered = [self._ask] if key is not None and not told else []
        if self.subject.lab is not None and _may_hold(self.subject, row):
            offered.append(_button("Executions inside", "sitemap", "What this state started", self._look_inside))
        if [one.description for one in offered] != [one.description for one in self._inside.children]:
            self._inside.children = offered

    def _try_at(self, row: int) -> Any:
        if self.subject.lab is None:
            return None
        attempt = attempt_at(self.subject, row)
        if attempt is None or logs.called_function(self._events_of(attempt)) is None:
            return None
        return (*place_of(attempt), int(attempt["attempt"]))

    def _events_of(self, attempt: "pd.Series[Any]") -> pd.DataFrame:
        """The events of one try."""
        subject = self.subject
        places = subject.visit_events.get(place_of(attempt), [])
        own = subject.events.iloc[places]
        after = own["timestamp"] >= attempt["scheduled"] if not pd.isna(attempt["scheduled"]) else own["id"] > 0
        until = own["timestamp"] <= attempt["ended"] if not pd.isna(attempt["ended"]) else own["id"] > 0
        return own[after & until]

    def _read_log(self) -> None:
        row = self.position - 1
        attempt, key = attempt_at(self.subject, row), self._try_at(row)
        lab = self.subject.lab
        if attempt is None or key is None or lab is None:
            return
        own = self._events_of(attempt)
        ended = attempt["ended"] if not pd.isna(attempt["ended"]) else pd.Timestamp(lab.now())
        function = str(logs.called_function(own))
        try:
            found = logs.lines_of(function, logs.request_id(own), attempt["scheduled"], ended, lab)
            told = f'<h4>Log of {text(function)}</h4><p class="quiet">{text(found.how)}</p>' + _log(found.lines)
        except LabError as error:
            told = f'<h4>Log of {text(function)}</h4><p class="note">The log lines are left out. {text(error)}</p>'
        self._logs[key] = screened(told)
        self._offer(row)

    def _look_inside(self) -> None:
        try:
            found = children(self.subject, self.position - 1)
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
        if self.subject.lab is None:
            return
        try:
            inner = Screen(from_arn(arn, self.subject.lab), lambda: self._return(before))
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
        told = widgets.HTML()

        def write(form: str) -> None:
            passed = self.position if len(self.subject.events) else None
            try:
                path = save(self.subject, form, passed=passed, redacted=redact.value)
                said = f"Written: {text(path.name)}, in {text(path.resolve().parent)}"
            except (LabError, OSError) as error:
                said = f"Not written: {text(error)}"
            told.value = screened(f"<p>{said}</p>")

        buttons = [
            _button(form, "download", f"Write {form} beside the notebook", _bound(write, form)) for form in FORMS
        ]
        export = widgets.HBox([*buttons, redact], layout={"flex_flow": "row wrap", "align_items": "center"})
        looked = widgets.HTML(screened(further(self.subject)), layout={"width": "100%"})
        return widgets.VBox([looked, export, told], layout={"margin": "8px 0 0"})


def _diagram(subject: Subject) -> Diagram | None:
    try:
        subject.picture.svg()
    except LabError:
        return None
    return subject.picture


def _timeline(subject: Subject) -> str:
    svg = subject.chart.svg()
    return svg[svg.index("<svg") :]


def _marked(svg: str, state: Any) -> str:
    """The diagram with a stronger border around the state of the event on show."""
    if not isinstance(state, str):
        return svg
    begin = svg.find(f'data-state="{escape(clean(state))}"')
    return svg if begin < 0 else svg[:begin] + SHAPE.sub('stroke-width="4"', svg[begin:], count=1)


def _caption(subject: Subject, row: int) -> str:
    event = subject.events.iloc[row]
    after = event["elapsed"]
    when = "" if pd.isna(after) else f", {after.total_seconds():,.3f} s after the start"
    state = f" of <b>{text(event['state'], 120)}</b>" if isinstance(event["state"], str) else ""
    where = f' <span class="quiet">{text(event["branch"], 160)}</span>' if place_of(event)[0] else ""
    return (
        f'<p aria-live="polite">Event <b>{row + 1:,}</b> of {len(subject.events):,}: {text(event["type"], 80)}'
        f"{state}{when}{where}</p>"
    )


def _may_hold(subject: Subject, row: int) -> bool:
    """Whether the state of an event may have started executions."""
    events = subject.events.iloc[subject.visit_events.get(place_of(subject.events.iloc[row]), [])]
    starts = events["resource"].fillna("").str.startswith("startExecution") & events["resource_type"].eq("states")
    return bool(starts.any() or events["type"].str.startswith("MapRun").any())


def _log(lines: list[tuple[datetime, str]]) -> str:
    if not lines:
        return '<p class="quiet">It logged nothing.</p>'
    return (
        f"<pre>{text(chr(10).join(f'{at.astimezone(UTC):%H:%M:%S.%f}'[:-3] + '  ' + line for at, line in lines))}</pre>"
    )


def _label(name: str) -> str:
    """A name as an option of a list."""
    return clean(name)[:120]


def _pane(**layout: str) -> widgets.HTML:
    return widgets.HTML(layout={"width": "100%", "flex": "0 0 auto", "margin": "2px 0", **layout})


def _bound(write: Callable[[str], None], form: str) -> Callable[[], None]:
    return lambda: write(form)


def _button(words: str, icon: str, told: str, act: Callable[[], None]) -> widgets.Button:
    made = widgets.Button(description=words, icon=icon, tooltip=told, layout={"width": "auto"})
    made.on_click(lambda _: act())
    return made
