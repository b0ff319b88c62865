"""The iterations of an execution's Maps: counted, filtered by status and text, and each one click away."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import pandas as pd

from helpers.quantities import count
from helpers.workbench.controls import button, label, offer
from helpers.workbench.view import ExecutionView, are_failures

__all__ = ["Iteration", "Iterations", "iterations"]

ENDS = {"MapIterationSucceeded": "succeeded", "MapIterationFailed": "failed", "MapIterationAborted": "aborted"}
ORDER = ("failed", "running", "aborted", "succeeded")
MOST = 500  # listed at once
ANY = ""
END = re.compile(r"\](?=/|$)")


@dataclass
class Iteration:
    """One iteration of a Map: its branch, its status, where (position from 1) to look, what went wrong, its input."""

    branch: str
    position: int
    status: str = "running"
    error: str = ""
    given: str = ""

    @property
    def line(self) -> str:
        """It in a line."""
        return label(f"{self.branch}  {self.status}" + (f"  {self.error}" if self.error else f"  {self.given[:80]}"))


def iterations(view: ExecutionView) -> list[Iteration]:
    """All iterations of inline Maps, in order of starting; of a failed one the position is that of its failure."""
    events = view.events
    if not events["type"].eq("MapIterationStarted").any():
        return []
    found: dict[str, Iteration] = {}
    wrong = are_failures(events).tolist()
    columns = (events[name].tolist() for name in ("type", "branch", "input", "error", "cause"))
    for row, (kind, branch, given, error, cause) in enumerate(zip(*columns, strict=True)):
        if not isinstance(branch, str):
            continue
        one = found.get(branch)
        if kind == "MapIterationStarted":
            found[branch] = Iteration(branch, row + 1)
        elif one is not None and kind in ENDS:
            one.status = ENDS[kind]
        elif wrong[row] and not kind.startswith("MapIteration"):
            for end in END.finditer(branch):
                around = found.get(branch[: end.end()])
                if around and not (around.error and kind == "TaskStateAborted"):  # which follows what failed it
                    around.position = row + 1
                    around.error = ": ".join(str(said) for said in (error, cause) if not pd.isna(said))[:300]
        elif one is not None and not one.given and isinstance(given, str):
            one.given = given
    for one in found.values():
        if one.status == "succeeded":
            one.error = ""
    return list(found.values())


class Iterations:
    """What is in `box`: nothing without a Map, else the picker; `go` shows the event at a position."""

    def __init__(self, view: ExecutionView, go: Callable[[int], None], here: Callable[[], int]) -> None:
        self._go, self._here = go, here
        self.status = widgets.Dropdown(options=[("every status", ANY)], layout={"width": "170px"})
        self.status.tooltip = "Iterations of one status"
        self.words = widgets.Text(placeholder="find in branch, input, error", layout={"width": "210px"})
        self.found = widgets.Select(rows=5, layout={"width": "auto"})
        self.next = button("Next failed", "forward", "The next iteration that failed", self._next)
        self._said = widgets.Label()
        self.box = widgets.VBox()
        self.status.observe(lambda _: self._sift(), "value")
        self.words.observe(lambda _: self._sift(), "value")
        self.found.observe(self._chosen, "value")
        self.take(view)

    def take(self, view: ExecutionView) -> None:
        """Show the same execution further on."""
        self._all = iterations(view)
        kinds = [one.status for one in self._all]
        counted = [(f"{kind} ({kinds.count(kind):,})", kind) for kind in ORDER if kind in kinds]
        offer(self.status, [(f"every status ({len(kinds):,})", ANY), *counted])
        self.next.disabled = "failed" not in kinds
        self._sift()
        line = widgets.HBox([self._said, self.status, self.words, self.next], layout={"flex_flow": "row wrap"})
        self.box.children = [line, self.found] if self._all else []

    def _sift(self) -> None:
        words, status = self.words.value.lower(), self.status.value
        fits = [one for one in self._all if status in (ANY, None, one.status)]
        fits = [one for one in fits if words in f"{one.branch} {one.error} {one.given}".lower()] if words else fits
        fits.sort(key=lambda one: ORDER.index(one.status))
        self._said.value = count(len(fits), "iteration", "iterations")
        self.found.options = [(one.line, number) for number, one in enumerate(fits[:MOST])]
        self._fits = fits
        self.found.value = None

    def _chosen(self, change: Any) -> None:
        if change.new is not None:
            self._go(self._fits[change.new].position)

    def _next(self) -> None:
        failed = sorted(one.position for one in self._all if one.status == "failed")
        self._go(next((position for position in failed if position > self._here()), failed[0]))
