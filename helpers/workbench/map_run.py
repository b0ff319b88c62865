"""The children of a distributed Map: counted, the failed ones first, grouped by their causes, each to be opened."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import ipywidgets as widgets
import pandas as pd

from helpers import calls, execution, history
from helpers.errors import LabError
from helpers.lab import Lab
from helpers.quantities import count, dollars
from helpers.statuses import FAILED
from helpers.workbench.collection import histories
from helpers.workbench.controls import button, label
from helpers.workbench.markup import screened, text
from helpers.workbench.view import ExecutionView

__all__ = ["MapRuns", "children", "groups", "runs"]

STATUSES = (*FAILED, "ABORTED", "RUNNING", "SUCCEEDED")
PAGE = 50
MOST = 100  # failed children whose histories are read for their causes


def runs(arn: str, lab: Lab) -> list[str]:
    """The ARNs of an execution's Map Runs, in order of starting. Raises NotAllowed."""
    with calls.plainly(f"list the Map Runs of {arn}"):
        pages = calls.client(lab).get_paginator("list_map_runs").paginate(executionArn=arn)
        found = [run for page in pages for run in page["mapRuns"]]
    return [run["mapRunArn"] for run in sorted(found, key=lambda run: run["startDate"])]


def children(run: str, lab: Lab, status: str = "") -> Iterator[execution.Execution]:
    """A Map Run's executions, of one status or of all, what failed first. Raises NotAllowed."""
    for wanted in [status] if status else STATUSES:
        yield from execution.executions(run, wanted, lab=lab)


def groups(run: str, lab: Lab) -> pd.DataFrame:
    """The failed children, at most 100, by error and cause, the largest group first.

    A frame with `error`, `cause`, `children` (their number), `dollars` (what their transitions cost in all) and `arns`
    (a list). Raises NotAllowed.
    """
    failed = islice((one for status in FAILED for one in children(run, lab, status)), MOST)
    read = [history.summary(events) for _, events in histories(lab, failed) if events is not None]
    rows = [(one.error or one.status, one.cause or "", one.dollars, one.execution) for one in read]
    grouped = pd.DataFrame(rows, columns=["error", "cause", "dollars", "arns"]).groupby(["error", "cause"])
    found = grouped.agg(children=("arns", "size"), dollars=("dollars", "sum"), arns=("arns", list)).reset_index()
    return found.sort_values("children", ascending=False, kind="stable", ignore_index=True)


class MapRuns:
    """What is in `box`: a button for each Map Run of an execution, and of the one chosen its children.

    `open_execution` is called with the ARN of a child to be shown.
    """

    def __init__(self, view: ExecutionView, open_execution: Callable[[str], None]) -> None:
        self._view, self._open = view, open_execution
        self.status = widgets.Dropdown(options=[("what failed first", "")], layout={"width": "190px"})
        self.status.observe(lambda _: self._list(), "value")
        self.groups = widgets.Dropdown(options=[("every child", None)], layout={"width": "auto", "display": "none"})
        self.groups.observe(lambda _: self._list(), "value")
        self.found = widgets.Select(rows=7, layout={"width": "auto"})
        self._said = widgets.HTML()
        states: list[Any] = []
        if view.lab is not None and view.arn is not None:
            self._lab = view.lab
            states = view.events["state"][view.events["type"].eq("MapRunStarted")].tolist()
        tooltip = "The executions of this Map Run"
        opening = (
            button(f"Children of {label(str(state))}", "sitemap", tooltip, partial(self.show, number))
            for number, state in enumerate(states)
        )
        self.box = widgets.VBox([*opening])

    def show(self, number: int) -> None:
        """Show the children of the Map Run with that number (from 0), in order of starting."""
        try:
            self._run = runs(str(self._view.arn), self._lab)[number]
            with calls.plainly(f"describe the Map Run {self._run}"):
                described = calls.client(self._lab).describe_map_run(mapRunArn=self._run)
        except (LabError, IndexError) as error:
            self.box.children = [widgets.HTML(screened(f'<p class="note">{text(error)}</p>'))]
            return
        counts, items = described["executionCounts"], described["itemCounts"]
        kinds = {kind: counts.get({"TIMED_OUT": "timedOut"}.get(kind, kind.lower()), 0) for kind in STATUSES}
        self._counts = (
            f"{described['status']}: {count(counts['total'], 'child', 'children')} of "
            f"{count(items['total'], 'item', 'items')}; "
            + ", ".join(f"{number:,} {kind.lower().replace('_', ' ')}" for kind, number in kinds.items() if number)
        )
        again = button("Why they failed", "search", "Group the failed children by error and cause", self._group)
        again.disabled = not sum(kinds[kind] for kind in FAILED)
        self.status.options = [("what failed first", ""), *((f"{k} ({n:,})", k) for k, n in kinds.items() if n)]
        more = button("More", "angle-down", f"The next {PAGE}", self._more)
        opening = button("Open", "folder-open", "Show that execution here", self._chosen)
        line = widgets.HBox([self.status, opening, more, again], layout={"flex_flow": "row wrap"})
        self.box.children = [self._said, line, self.groups, self.found]
        self._list()

    def _list(self) -> None:
        if self.groups.value:
            self._rest = ((label(arn.split(":")[-1]), arn) for arn in self.groups.value)
        else:
            listed = children(self._run, self._lab, self.status.value or "")
            self._rest = ((label(f"{one.status:<10} {one.name}"), one.arn) for one in listed)
        self.found.options = []
        self._more()

    def _more(self) -> None:
        try:
            page, said = list(islice(self._rest, PAGE)), self._counts
        except LabError as error:
            page, said = [], str(error)
        self._said.value = screened(f"<p>{text(said)}</p>")
        before = self.found.value
        self.found.options = [*self.found.options, *page]
        self.found.value = before or next((arn for _, arn in self.found.options), None)

    def _group(self) -> None:
        try:
            found = groups(self._run, self._lab)
        except LabError as error:
            self._said.value = screened(f'<p class="note">{text(error)}</p>')
            return
        shown: list[tuple[str, Any]] = [("every child, what failed first", None)]
        for one in found.to_dict("records"):
            words = f"{one['children']:,} x {one['error']}" + (f": {one['cause']}" if one["cause"] else "")
            shown.append((label(f"{words[:110]}  ({dollars(one['dollars'])})"), one["arns"]))
        self.groups.options = shown
        self.groups.layout.display = ""
        if len(shown) > 1:
            self.groups.index = 1

    def _chosen(self) -> None:
        if self.found.value:
            self._open(self.found.value)
