"""The workbench: `explore` one execution, `compare` two, `collect` many and sum up their `states`.

It only reads, unless it is asked to act; what it writes are the files that one asks for, beside the notebook.
"""

import os
from collections.abc import Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from helpers.diagram.picture import made
from helpers.errors import ExecutionNamed, NotFound
from helpers.history import compare, sources
from helpers.lab import Lab, current
from helpers.verbatim import clean
from helpers.workbench.bars import bars
from helpers.workbench.collection import collect, failures, read, states
from helpers.workbench.exports import FORMS, save
from helpers.workbench.listing import Listing, machine_named
from helpers.workbench.report import report
from helpers.workbench.screen import Screen
from helpers.workbench.view import Definition, ExecutionView, arn_in, from_arn, from_events, from_file, from_files

__all__ = ["FORMS", "Explorer", "bars", "collect", "compare", "explore", "failures", "read", "states"]


def explore(
    what: Any = None, *, definition: Definition | None = None, lab: Lab | None = None, act: bool = False
) -> "Explorer":
    """Look into an execution: its diagram, replayed event by event, its events, data, errors, time and cost.

    `what` is the ARN of an execution, or the address of its page in AWS's console (of an Express execution the events
    are read from its machine's log group); the ARN of a Map Run, or the ARN or the name of a state machine, whose
    executions are listed; the path of an exported history, of a folder of them, or several paths; a frame of
    `history.events` or anything that it takes; or nothing, then the machines of the place are listed. What only names
    executions, such as an event of EventBridge, becomes a list from which their histories are fetched.

    `definition` (a dict, or what `helpers.definition.load` takes) is what is drawn; left out, it is the execution's
    own, the file's own, or the one beside the file as `<name>.asl.json`; without any the diagram is drawn from the
    history. `lab` is the place to read from (left out: `helpers.current()`, where one is needed).

    With `act` an execution given by its ARN can be stopped and redriven, each after a question.

    A permission that is denied takes away its part of the screen, with a sentence in its place.

    Raises NotAHistory for what holds no history, NotFound for what is not there, NotAllowed where nothing may be read.
    """
    if what is None:
        return Explorer(Listing(lab or current()))
    if isinstance(what, str) and what.startswith(("arn:", "https://")):
        arn = arn_in(what)
        if arn is None:
            raise NotFound(f"{what[:200]} names neither an execution nor a Map Run nor a machine: give the ARN of one.")
        if ":execution:" in arn or ":express:" in arn:
            return Explorer(Screen(from_arn(arn, lab or current(), definition), act=act))
        return Explorer(Listing(lab or current(), machine=arn))
    if isinstance(what, str) and not _is_path(what):
        return Explorer(Listing(lab or current(), machine=machine_named(what, lab or current())))
    try:
        if isinstance(what, str | PathLike):
            views = from_file(what, definition)
        elif isinstance(what, list | tuple) and what and all(map(_is_file, what)):
            views = from_files([Path(one) for one in what], definition)
        else:
            views = from_events(what, definition, lab)
    except ExecutionNamed as named:
        return Explorer(Listing(lab, named=named.arns))
    return Explorer(Screen(views[0]) if len(views) == 1 else Listing(None, views=views))


def _is_file(what: object) -> bool:
    return isinstance(what, PathLike) or (isinstance(what, str) and os.path.isfile(what))


def _is_path(what: str) -> bool:
    return "/" in what or "\\" in what or what.endswith(sources.ENDINGS) or os.path.exists(what)


class Explorer:
    """What `explore` shows: widgets in a running notebook, a still of the same screen where none run."""

    def __init__(self, shown: Screen | Listing) -> None:
        self._shown = shown

    @property
    def view(self) -> ExecutionView | None:
        """The execution on show at first, None for a list."""
        return self._shown.view if isinstance(self._shown, Screen) else None

    def go(self, position: int) -> None:
        """Show the moment of an event, counted from 1."""
        self._screen().go(position)

    def save(self, form: str, *, redacted: bool = False) -> Path:
        """Write one of the `FORMS` ("CSV", "Parquet", "SVG", "PNG", "History", "HTML report") beside the notebook.

        Returns the path, a new file's; `redacted` leaves out inputs, outputs and causes. Raises InvalidSetting for
        another form and NotFound where a list is shown.
        """
        screen = self._screen()
        return save(screen.view, form, passed=screen.position, redacted=redacted)

    def report(self) -> str:
        """The HTML report as text."""
        return report(self._screen().view)

    def _screen(self) -> Screen:
        if isinstance(self._shown, Listing):
            raise NotFound("This is a list: open an execution in it, or explore that execution's ARN.")
        return self._shown

    def __repr__(self) -> str:
        view = self.view
        if view is None:
            return repr(self._shown)
        if not len(view.events):
            return clean(f"{view.name}: {view.status}, there is nothing in it.")
        summary = view.summary
        ended = f" {summary.failure}" if summary.failure else ""
        earlier = f" Earlier: {summary.earlier}" if summary.earlier else ""
        return clean(f"{view.name}: {view.status}, {summary.events:,} events.{ended}{earlier}")

    def _repr_mimebundle_(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> dict[str, Any]:
        shown = dict(self._shown.box._repr_mimebundle_())
        forms = {kind: partial(shown.get, kind) for kind in shown}
        return made({**forms, "text/plain": self.__repr__, "text/html": self._shown.still}, include, exclude)
