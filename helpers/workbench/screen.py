"""The screen on which one execution is replayed: widgets around the pieces of HTML that the other modules make."""

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as widgets

from helpers.errors import LabError
from helpers.statuses import RUNNING
from helpers.workbench.acts import Acts
from helpers.workbench.change import Change
from helpers.workbench.controls import button
from helpers.workbench.exports import FORMS, save
from helpers.workbench.filter import Filter
from helpers.workbench.iterations import Iterations
from helpers.workbench.map_run import MapRuns
from helpers.workbench.markup import STYLE, screened, text
from helpers.workbench.moments import Moments
from helpers.workbench.overview import further, header
from helpers.workbench.report import still
from helpers.workbench.tools import Tools
from helpers.workbench.view import ExecutionView, from_arn

__all__ = ["Screen"]


class Screen:
    """The widgets for one execution. `box` holds them; `position` is the event at the slider, counted from 1.

    With `act` it can be stopped and redriven.
    """

    def __init__(self, view: ExecutionView, leave: Callable[[], None] | None = None, act: bool = False) -> None:
        self._leave, self._act = leave, act
        self.box = widgets.VBox(layout={"width": "100%"})
        self.box.add_class("sfn-workbench")
        self._show(view)

    def _show(self, view: ExecutionView) -> None:
        self.view = view
        self._header = widgets.HTML(screened(header(view)))
        style = widgets.HTML(STYLE, layout={"display": "none"})
        middle = self._middle() if len(view.events) else []
        top = widgets.HBox(self._top_buttons(), layout={"flex_flow": "row wrap"})
        self.change = Change(view)
        self.box.children = [style, top, self._header, *middle, self.change.box, self._further()]

    def still(self) -> str:
        """The screen as HTML that needs no script."""
        return still(self.view)

    @property
    def position(self) -> int:
        return int(self.slider.value)

    def go(self, position: int) -> None:
        """Show the moment of another event, counted from 1."""
        self.moments.go(min(max(position, 1), len(self.view.events)))

    def _top_buttons(self) -> list[widgets.Widget]:
        shown: list[widgets.Widget] = []
        if self._leave is not None:
            shown.append(button("Back", "arrow-left", "To what was shown before", self._leave))
        if self.view.lab is not None and self.view.arn is not None:
            shown.append(button("Read again", "refresh", "Read the execution as it is now", self._again))
            if self._act:
                shown.append(Acts(lambda: self.view, self._again).box)
        if len(self.view.events):
            self.zone = widgets.Dropdown(
                options=["UTC", "my time"], layout={"width": "100px"}, tooltip="The times shown"
            )
            self.zone.observe(lambda _: self._in_zone(), "value")
            shown.append(self.zone)
        return shown

    def _in_zone(self) -> None:
        self.view.zone = "UTC" if self.zone.value == "UTC" else self.moments.zone
        self._header.value = screened(header(self.view))
        self.moments.renew()

    def _again(self) -> None:
        """Show the execution as it is now, at the same moment, or at its end if that was on show."""
        old = self.view
        if old.lab is None or old.arn is None:
            return
        try:
            view = from_arn(old.arn, old.lab, old.definition)
        except LabError as error:
            self._header.value = screened(f'<p class="note">{text(error)}</p>') + screened(header(old))
            return
        if not len(old.events) or not len(view.events):
            self._show(view)
            return
        view.zone, self.view = old.zone, view
        self._header.value = screened(header(view))
        self.moments.live = view.status in RUNNING
        if len(view.events) == len(old.events):
            return
        last = self.position in (len(old.events), old.first)
        self.tools.take(view)
        self.iterations.take(view)
        self.slider.max, self.slider.disabled = max(len(view.events), 2), False
        self.moments.take(view)
        self.filter.take()
        self.filter.sift()
        if last:
            self.go(view.first)

    def _middle(self) -> list[widgets.Widget]:
        """The slider, the tools and the filter, and the stage: what they are about."""
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
        self.tools = Tools(view, lambda: self.moments.renew(), self._open)
        self.moments = Moments(view, self.slider, self.tools.log, self._again)
        self.moments.live = view.lab is not None and view.status in RUNNING
        self.filter = Filter(self.moments, self.go)
        self.iterations = Iterations(view, self.go, lambda: self.position)
        self.map_runs = MapRuns(view, self._open)
        self.slider.observe(lambda change: self.tools.offer(change.new - 1), "value")
        self.tools.offer(self.position - 1)
        replay = widgets.HBox(
            [
                button("", "step-backward", "The first event", lambda: self.go(1)),
                button("", "chevron-left", "One event back", lambda: self.go(self.position - 1)),
                self.slider,
                button("", "chevron-right", "One event on", lambda: self.go(self.position + 1)),
                button("", "step-forward", "The last event", lambda: self.go(len(self.view.events))),
            ],
            layout={"align_items": "center"},
        )
        between = {"flex_flow": "row wrap", "justify_content": "space-between"}
        tools = widgets.HBox([self.tools.box, self.filter.box], layout=between)
        return [replay, tools, self.iterations.box, self.map_runs.box, self.moments]

    def _open(self, arn: str) -> None:
        if self.view.lab is None:
            return
        try:
            inner = Screen(from_arn(arn, self.view.lab), lambda: self._return(before), self._act)
        except LabError as error:
            self.tools.note(error)
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
            button(form, "download", f"Write {form} beside the notebook", partial(write, form)) for form in FORMS
        ]
        export = widgets.HBox([*buttons, redact], layout={"flex_flow": "row wrap", "align_items": "center"})
        looked = widgets.HTML(screened(further(self.view)))
        return widgets.VBox([looked, export, outcome], layout={"margin": "8px 0 0"})
