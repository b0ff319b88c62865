"""A change to an execution's machine: edited beside its picture, and rehearsed on what the execution was answered."""

import ipywidgets as widgets

from helpers.editor import edit
from helpers.errors import LabError
from helpers.rehearsal import rehearse
from helpers.workbench.controls import button
from helpers.workbench.markup import screened, text
from helpers.workbench.view import ExecutionView

__all__ = ["Change"]


class Change:
    """What is in `box`: a button where there is a definition to change, and once it is clicked the `editor`."""

    def __init__(self, view: ExecutionView) -> None:
        self._view = view
        self.outcome = widgets.HTML()
        self.box = widgets.VBox(layout={"margin": "8px 0 0"})
        self._close()

    def begin(self) -> None:
        """Open the editor on the execution's definition."""
        self.editor = edit(self._view.definition or {})
        self.outcome.value = ""
        run = button("Rehearse", "play", "Run what stands there on the recorded answers", self.rehearse)
        close = button("Close", "times", "Leave the change", self._close)
        self.box.children = [self.editor, widgets.HBox([run, close]), self.outcome]

    def rehearse(self) -> None:
        """Rehearse the execution with what stands in the editor, and show how it would have gone."""
        self.outcome.value = screened('<p class="quiet">Rehearsing ...</p>')
        try:
            self.outcome.value = screened(rehearse(self._view.events, self.editor.definition)._repr_html_())
        except LabError as error:
            self.outcome.value = screened(f'<p class="note">{text(error)}</p>')

    def _close(self) -> None:
        opening = button(
            "Rehearse with a change", "pencil", "Edit the machine and see what would have happened", self.begin
        )
        self.box.children = [opening] if self._view.definition is not None and len(self._view.events) else []
