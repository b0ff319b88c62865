"""What can be done to an execution, once it is confirmed: stop it, redrive it."""

from collections.abc import Callable
from functools import partial

import ipywidgets as widgets

from helpers import calls, execution
from helpers.errors import LabError
from helpers.statuses import RUNNING
from helpers.workbench.controls import button
from helpers.workbench.markup import screened, text
from helpers.workbench.overview import not_redrivable
from helpers.workbench.view import ExecutionView

__all__ = ["Acts"]


class Acts:
    """The buttons in `box`; `view` gives the execution as it was last read, `done` is called after an act."""

    def __init__(self, view: Callable[[], ExecutionView], done: Callable[[], None]) -> None:
        self._view, self._done = view, done
        self._asked = ""
        self.box = widgets.HBox()
        self._offer()

    def _offer(self, said: str = "") -> None:
        note = [widgets.HTML(screened(f'<p class="quiet">{text(said)}</p>'))] if said else []
        stop = button("Stop", "stop", "Stop this execution, after a question", lambda: self._ask("Stop"))
        redrive = button("Redrive", "repeat", "Go on where it failed, after a question", lambda: self._ask("Redrive"))
        self.box.children = [stop, redrive, *note]

    def _ask(self, act: str) -> None:
        view = self._view()
        if act == "Stop" and view.status not in RUNNING:
            self._offer(f"Not stopped: the execution is {view.status} already.")
            return
        if act == "Redrive" and (reason := not_redrivable(view)):
            self._offer(f"Not redriven: {reason}.")
            return
        self._asked = act
        asked = widgets.HTML(screened(f"<p><b>{act} {text(view.name, 80)}?</b></p>"))
        yes = button(f"Yes, {act.lower()} it", "check", "This is done on AWS", partial(self._do, act))
        self.box.children = [asked, yes, button("No", "times", "Leave it as it is", self._offer)]

    def _do(self, act: str) -> None:
        view = self._view()
        if self._asked != act:  # a second click on the same button
            return
        self._asked = ""
        try:
            if act == "Stop":
                execution.stop(str(view.arn), cause="Stopped in the workbench.", lab=view.lab)
            else:
                assert view.lab is not None
                with calls.plainly(f"redrive the execution {view.arn}"):
                    calls.client(view.lab).redrive_execution(executionArn=view.arn)
        except LabError as error:
            self._offer(f"Not done. {error}")
            return
        self._done()
        self._offer("Stopped." if act == "Stop" else "Redriven: it goes on.")
