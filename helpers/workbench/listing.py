"""The list to choose from: state machines and their executions, by status and by a text in the name."""

import ipywidgets as widgets

from helpers import calls, execution
from helpers.errors import LabError, NotForExpress, NotFound
from helpers.lab import Lab, current
from helpers.statuses import REDRIVABLE, VISIT_OF_EXECUTION
from helpers.verbatim import clean, verbatim
from helpers.workbench import express
from helpers.workbench.controls import button, label
from helpers.workbench.markup import STYLE, screened, text
from helpers.workbench.screen import Screen
from helpers.workbench.view import ExecutionView, from_arn

__all__ = ["Listing", "executions", "machine_named", "machines", "newest"]

MOST = 200  # executions listed at once: one call
MOST_MACHINES = {"PageSize": 1_000, "MaxItems": 1_000}  # one call, too


def machines(lab: Lab) -> list[tuple[str, str]]:
    """Name and ARN of the account's state machines, at most 1,000, in order of name.

    Raises NotAllowed.
    """
    with calls.plainly("list the state machines"):
        pages = calls.client(lab).get_paginator("list_state_machines").paginate(PaginationConfig=MOST_MACHINES)
        return sorted((one["name"], one["stateMachineArn"]) for page in pages for one in page["stateMachines"])


def machine_named(name: str, lab: Lab) -> str:
    """The ARN of the state machine with that name, or with that name after the lab's prefix.

    Raises NotFound with what to do, and NotAllowed.
    """
    known = dict(machines(lab))
    found = known.get(name) or known.get(lab.prefix + name)
    if found is None:
        raise NotFound(
            f"There is no file and no state machine named {name!r} here: explore() lists the machines there are."
        )
    return found


def executions(arn: str, status: str | None, most: int, lab: Lab) -> list[execution.Execution]:
    """The executions of a machine or a Map Run, newest first, at most `most`; an Express machine's are in its log.

    Raises NotAllowed, and NotFound for what is not there or, of an Express machine, logs nothing.
    """
    try:
        return list(execution.executions(arn, status, most, lab=lab))
    except NotForExpress:
        return express.executions(arn, status, most, lab)


def newest(arn: str, lab: Lab) -> str:
    """The newest execution of a machine or a Map Run that ended otherwise than well; where none did, the newest.

    Raises NotFound where there is none, and NotAllowed.
    """
    known = [one for status in REDRIVABLE for one in executions(arn, status, 1, lab)] or executions(arn, None, 1, lab)
    if not known:
        raise NotFound(f"There is no execution of {arn} yet.")
    return max(known, key=lambda one: one.started).arn


class Listing:
    """A list of executions to open: of all machines, of one, of a Map Run, or of those in a file.

    `named` are ARNs that a file names without holding events of them.
    """

    def __init__(
        self,
        lab: Lab | None,
        machine: str | None = None,
        views: list[ExecutionView] | None = None,
        named: list[str] | None = None,
    ) -> None:
        self._lab, self._subjects, self._named, self._missing = lab, views or [], named or [], ""
        self._found: list[tuple[str, str]] = []
        self.box = widgets.VBox(layout={"width": "100%"})
        self.box.add_class("sfn-workbench")
        self.machine = widgets.Dropdown(options=self._machines(machine), layout={"width": "34%"})
        self.status = widgets.Dropdown(
            options=[("every status", ""), *((name.lower().replace("_", " "), name) for name in VISIT_OF_EXECUTION)],
            layout={"width": "18%"},
        )
        self.words = widgets.Text(placeholder="find a text in the name", layout={"width": "26%"})
        self.executions = widgets.Select(rows=12, layout={"width": "auto"})
        self._said = widgets.HTML()
        again = button("List again", "refresh", "List the executions as they are now", self._list)
        opening = button("Open", "folder-open", "Show that execution here", self._open)
        self.machine.observe(lambda _: self._list(), "value")
        self.status.observe(lambda _: self._list(), "value")
        self.words.observe(lambda _: self._sift(), "value")
        above = [self.machine, self.status, self.words, again] if lab is not None and not named else [self.words]
        style = widgets.HTML(STYLE, layout={"display": "none"})
        self._content = (style, widgets.HBox(above), self.executions, opening, self._said)
        self.box.children = self._content
        self._list()

    def _machines(self, machine: str | None) -> list[tuple[str, str]]:
        if machine is not None:
            return [(label(machine.split(":")[-1]), machine)]
        if self._lab is None or self._named:
            return []
        try:
            return [(label(name), arn) for name, arn in machines(self._lab)]
        except LabError as error:
            self._missing = f"The list of machines is left out; give the ARN of a machine or of an execution. {error}"
            return []

    def _list(self) -> None:
        said = [self._missing]
        if self._named:
            self._found = [(label(arn), arn) for arn in self._named]
            said.append(f"{self!r} Open fetches it.")
        elif self._lab is None:
            self._found = [(_view_line(one), str(place)) for place, one in enumerate(self._subjects)]
        elif self.machine.value is None:
            self._found = []
            said.append("" if self._missing else "There are no state machines here yet.")
        else:
            try:
                listed = executions(self.machine.value, self.status.value or None, MOST, self._lab)
                self._found = [(_execution_line(one), one.arn) for one in listed]
            except LabError as error:
                self._found = []
                said.append(f"The list of executions is left out. {error}")
            else:
                if len(self._found) == MOST:
                    said.append(f"These are the {MOST} newest; a status narrows the list.")
                elif not self._found:
                    none = "No execution of this machine has that status."
                    said.append(none if self.status.value else "No executions.")
        self._said.value = screened("".join(f'<p class="quiet">{text(line)}</p>' for line in said if line))
        self._sift()

    def _sift(self) -> None:
        words = self.words.value.lower()
        self.executions.options = [(line, place) for line, place in self._found if words in line.lower()]

    def _open(self) -> None:
        chosen = self.executions.value
        if chosen is None:
            return
        try:
            view = self._subjects[int(chosen)] if self._subjects else from_arn(chosen, self._lab or current())
        except LabError as error:
            self._said.value = screened(f'<p class="note">{text(error)}</p>')
            return
        self.box.children = [Screen(view, self._return).box]

    def _return(self) -> None:
        self.box.children = self._content

    def __repr__(self) -> str:
        if not self._named:
            return "A list of executions."
        more = f" and {len(self._named) - 1} more" if len(self._named) > 1 else ""
        return clean(f"There is no event in it, but it names {self._named[0]}{more}, whose history can be fetched.")

    def still(self) -> str:
        """The list as HTML that needs no script."""
        rows = "".join(f"<tr><td>{text(line)}</td></tr>" for line, _ in self._found)
        return verbatim(STYLE + screened(f"{self._said.value}<table>{rows}</table>"))


def _execution_line(one: execution.Execution) -> str:
    took = f"{(one.stopped - one.started).total_seconds():,.1f} s" if one.stopped else "still running"
    return label(f"{one.status:<10} {one.started:%Y-%m-%d %H:%M:%S}  {one.name}  ({took})")


def _view_line(one: ExecutionView) -> str:
    return label(f"{one.status:<10} {one.name}  ({len(one.events):,} events)")
