"""An execution to be explored: its events, its definition, and what could not be had, in sentences."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd

from helpers import diagram, execution, history, timeline
from helpers.definition import load, parse, states
from helpers.errors import DefinitionInvalid, LabError, NotAHistory, NotAllowed, NotFound
from helpers.history import sources
from helpers.history.event_types import FAILED
from helpers.history.frames import table
from helpers.lab import Lab
from helpers.statuses import OPEN_VISIT, RUNNING
from helpers.workbench import express
from helpers.workbench.replay import Place, Replay, places

__all__ = ["ExecutionView", "are_failures", "arn_in", "from_arn", "from_events", "from_file", "from_files", "place_of"]

FAILURES = (*FAILED, "Aborted")
LANES = 12  # of the timeline: beyond, the iterations of a Map share theirs
ARN = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d{12}:(execution|express|mapRun|stateMachine):[^\s?&#]+")
Definition = Mapping[str, Any] | str | PathLike[str]


@dataclass
class ExecutionView:
    """One execution as far as it can be known; `lab` is the place to ask for more, None for a file or a frame.

    `events` is a frame of `history.events` with at most one execution, `raw` the events as they came, `denied` the
    sentences on what a missing permission took away.
    """

    name: str
    events: pd.DataFrame
    arn: str | None = None
    definition: Mapping[str, Any] | None = None
    raw: list[Any] | None = None
    lab: Lab | None = None
    described: execution.Execution | None = None
    denied: list[str] = field(default_factory=list)
    zone: str = "UTC"
    """The time zone in which moments are written."""
    strangers: list[str] = field(default_factory=list)
    """States visited that the definition given does not have."""

    @cached_property
    def visits(self) -> pd.DataFrame:
        return history.visits(self.events)

    @cached_property
    def attempts(self) -> pd.DataFrame:
        return history.attempts(self.events)

    @cached_property
    def event(self) -> "Callable[[int], pd.Series[Any]]":
        """The event in a row (from 0); the last ones asked for are at hand, because a step asks for each many times."""

        @lru_cache(maxsize=64)
        def event(row: int) -> "pd.Series[Any]":
            return self.events.iloc[row]

        return event

    @cached_property
    def visit_places(self) -> dict[Place, list[int]]:
        """The rows of `visits` by place."""
        return places(self.visits)

    @cached_property
    def attempt_places(self) -> dict[Place, list[int]]:
        """The rows of `attempts` by place."""
        return places(self.attempts)

    @cached_property
    def outcomes(self) -> list[str]:
        """The status of each visit in the end; of one whose end is unknown, that it runs."""
        return self.visits["status"].fillna("running").tolist()

    @cached_property
    def attempt_starts(self) -> list[Any]:
        """When each attempt was scheduled; for one that never was, when it ended."""
        return self.attempts["scheduled"].fillna(self.attempts["ended"]).tolist()

    @cached_property
    def visit_events(self) -> dict[Place, list[int]]:
        """The rows of `events` by place, without the abort that follows where a state has failed by itself."""
        found = places(self.events)
        for place, numbers in self.visit_places.items():
            rows = found.get(place, [])
            failed = len(rows) > 1 and self.outcomes[numbers[0]] in ("failed", "timed_out")
            if failed and str(self.events["type"].iat[rows[-1]]) == "TaskStateAborted":
                rows.pop()
        return found

    @cached_property
    def stays(self) -> dict[str, dict[str, list[tuple[list[int], str]]]]:
        """The visits of each state in each branch: the rows of `events`, and the status in the end."""
        found: dict[str, dict[str, list[tuple[list[int], str]]]] = {}
        for place, numbers in self.visit_places.items():
            if rows := self.visit_events.get(place):
                found.setdefault(place[1], {}).setdefault(place[0], []).append((rows, self.outcomes[numbers[0]]))
        return found

    def events_of(self, attempt: "pd.Series[Any]") -> pd.DataFrame:
        """The events of one attempt, a row of `attempts`."""
        own = self.events.iloc[self.visit_events.get(place_of(attempt), [])]
        began, ended = attempt["scheduled"], attempt["ended"]
        if not pd.isna(began):
            own = own[own["timestamp"] >= began]
        return own if pd.isna(ended) else own[own["timestamp"] <= ended]

    @cached_property
    def summary(self) -> history.Summary:
        found: history.Summary = history.summary(self.events, now=self.lab.now() if self.lab else None)
        return found

    @cached_property
    def replay(self) -> Replay:
        return Replay(self.events, self.visits)

    @cached_property
    def chart(self) -> timeline.Timeline:
        """The timeline, folded so far that it fits on the screen."""
        return timeline.draw(self.events, most_lanes=LANES, visits=self.visits, attempts=self.attempts)

    @cached_property
    def lanes(self) -> timeline.Timeline:
        """The timeline with all that can be scrolled through."""
        return timeline.draw(self.events, visits=self.visits, attempts=self.attempts)

    @cached_property
    def picture(self) -> diagram.Diagram:
        """The diagram with its figures, coloured as at the end."""
        if self.definition is not None:
            drawn = diagram.draw(self.definition, {}, visits=self.visits, attempts=self.attempts)
        else:
            drawn = diagram.draw_history(self.visits, self.attempts)
        return self.coloured(drawn, len(self.events))

    @cached_property
    def plain(self) -> diagram.Diagram:
        """The diagram for a replay, which knows nothing of what comes later: without figures."""
        if self.definition is not None:
            return diagram.draw(self.definition, {})
        return diagram.draw_history(self.visits, figured=False)

    @cached_property
    def bodies(self) -> dict[str, Mapping[str, Any]]:
        """The definition of each state, by name."""
        return {state.name: state.body for state in states(self.definition)} if self.definition else {}

    @cached_property
    def raw_events(self) -> dict[int, Any]:
        """The events as they came, by id."""
        return {one["id"]: one for one in self.raw or [] if isinstance(one, dict) and isinstance(one.get("id"), int)}

    @cached_property
    def assigning(self) -> list[int]:
        """The rows of the events that assigned variables."""
        sets = self.events["details"].str.contains('"assignedVariables": *{', na=False)
        return sets.to_numpy("bool").nonzero()[0].tolist()

    def moment(self, stamp: Any, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        """A stamp in the zone that is shown, with its name."""
        local = pd.Timestamp(stamp).tz_convert(self.zone)
        return f"{local.strftime(form)} {'UTC' if self.zone == 'UTC' else local.tzname()}"

    def coloured(self, drawn: diagram.Diagram, passed: int) -> diagram.Diagram:
        """The diagram as it was when `passed` events had passed."""
        return drawn.recoloured(self.replay.statuses(passed))

    @property
    def status(self) -> str:
        """AWS's execution status."""
        if self.described is not None:
            return self.described.status
        return self.summary.status if len(self.events) else "UNKNOWN"

    @property
    def notes(self) -> list[str]:
        """What to know before believing the rest, in sentences."""
        notes = list(self.events.attrs.get("notes", []))
        if self.described is not None and self.described.running:
            notes = [note for note in notes if not note.startswith("The execution's end")]
        if self.strangers:
            notes.append(
                f"The definition has no {', '.join(map(repr, self.strangers[:3]))}, which this execution visited: "
                "it may be of another version, so we draw the diagram from the history."
            )
        return self.denied + notes

    @cached_property
    def first(self) -> int:
        """Where to begin, counted from 1: the open visit while it runs, else what ended it, a failure, or the end."""
        size = len(self.events)
        if size and self.status in RUNNING:
            return self._open_row() + 1
        if size and self.summary.failed_at is not None:
            return int(self.events["id"].eq(self.summary.failed_at).to_numpy("bool").argmax()) + 1
        failed = are_failures(self.events)
        return int(failed.to_numpy("bool").argmax()) + 1 if failed.any() else size

    def _open_row(self) -> int:
        opened = self.visits[self.visits["status"].isin(OPEN_VISIT) & ~self.visits["type"].isin(["Map", "Parallel"])]
        own = [] if opened.empty else self.visit_events.get(place_of(opened.iloc[-1]), [])
        return own[-1] if own else len(self.events) - 1


def are_failures(events: pd.DataFrame) -> "pd.Series[bool]":
    """Which events report a failure, a time-out or an abort."""
    types = events["type"].fillna("")
    return types.str.endswith(FAILURES) | types.eq("FailStateEntered")


def place_of(row: Any) -> Place:
    """The branch, state and visit that a row is about, with "" and 0 for what is missing."""
    branch, state, visit = row["branch"], row["state"], row["visit"]
    return (
        branch if isinstance(branch, str) else "",
        state if isinstance(state, str) else "",
        0 if pd.isna(visit) else int(visit),
    )


def from_events(source: Any, definition: Definition | None = None, lab: Lab | None = None) -> list[ExecutionView]:
    """A view for each execution in a frame of `history.events`, or in anything that it takes.

    Raises NotAHistory.
    """
    if isinstance(source, pd.DataFrame):
        events, raw = table(source), None
    else:
        listed = _listed(source)
        events = history.events(listed)
        raw = listed if isinstance(listed, list) else None
    drawn = _definition(definition)
    views = []
    for label, own in events.groupby("execution", sort=False, dropna=False):
        arn = label if isinstance(label, str) and label.startswith("arn:") else None
        own = own.sort_values("id", kind="stable").reset_index(drop=True)
        own.attrs = dict(events.attrs)
        only = raw if own.shape[0] == events.shape[0] else None
        views.append(_fitted(ExecutionView(_name(arn or str(label)), own, arn, drawn, only, lab)))
    return views or [ExecutionView("an empty history", events, None, drawn, raw, lab)]


def _listed(source: Any) -> Any:
    """A source whose events can be read twice, even if it is a generator."""
    return list(source) if isinstance(source, Iterable) and not isinstance(source, Mapping | list | str) else source


def _name(label: str) -> str:
    """The execution's own name, from its ARN or what else it is called."""
    return (label.startswith("arn:") and label.split(":")[-1]) or label


def from_file(path: str | PathLike[str], definition: Definition | None = None) -> list[ExecutionView]:
    """The executions in a file or below a folder; a file's definition is in it, or beside it as `<name>.asl.json`.

    Raises NotAHistory and what `helpers.definition.load` raises.
    """
    place = Path(path)
    if os.path.isdir(place):  # a name that cannot be one is refused by `load`
        return from_files(place, definition)
    file = sources.load(place)
    held = file.content if isinstance(file.content, dict) else {}
    views = from_events(file, sources.definition_of(file) if definition is None else definition)
    events = held.get("events")
    for view in views:
        if "definition" in held and not isinstance(held["definition"], dict):
            view.denied.append("The definition in the file is no JSON object, so it is left out.")
        view.raw = events if len(views) == 1 and isinstance(events, list) else None
    return views


def from_files(given: Path | Sequence[Path], definition: Definition | None = None) -> list[ExecutionView]:
    """The executions in several files, or in those below a folder; there, what holds no history is left out.

    Raises NotAHistory.
    """
    views: list[ExecutionView] = []
    left_out: list[str] = []
    for path in sources.files(given) if isinstance(given, Path) else given:
        try:
            views += from_file(path, definition)
        except NotAHistory as error:
            if not isinstance(given, Path):
                raise
            left_out.append(f"{path.name} is left out. {error}")
    arns = [view.arn for view in views if view.arn]
    pages = any(len(view.events) and view.events["id"].iloc[0] > 1 for view in views)
    # One execution's pages, or its log's records, may lie in several files.
    if not views or pages or len(set(arns)) < len(arns):
        return from_events(history.events(given if isinstance(given, Path) else list(given)), definition)
    views[0].denied += left_out
    return views


def _definition(given: Definition | None) -> Mapping[str, Any] | None:
    if isinstance(given, PathLike | str):
        return load(Path(given) if isinstance(given, PathLike) else given)
    if given is not None and not isinstance(given, Mapping):
        raise DefinitionInvalid(
            f"The definition given is {type(given).__name__}, no dict: give one, or what helpers.definition.load takes."
        )
    return given


def _fitted(view: ExecutionView) -> ExecutionView:
    """Without a definition that is not the execution's own; `notes` then says so."""
    if view.definition is None:
        return view
    known = {state.name for state in states(view.definition)}
    view.strangers = [state for state in view.visits["state"].dropna().unique() if state not in known]
    if view.strangers:
        view.definition = None
    return view


def arn_in(text: str) -> str | None:
    """The ARN of an execution, a Map Run or a machine in a text: itself, or in an address of AWS's console.

    >>> arn_in("https://x.console.aws.amazon.com/states/home#/statemachines/view/arn%3Aaws%3Astates%3Ax%3A123456789012"
    ...        "%3AstateMachine%3Aorders?type=standard")
    'arn:aws:states:x:123456789012:stateMachine:orders'
    """
    found = ARN.search(unquote(text))
    return found[0] if found else None


def from_arn(arn: str, lab: Lab, definition: Definition | None = None) -> ExecutionView:
    """The execution that an ARN names, read from AWS; a permission that is denied takes away only its part.

    Raises NotFound for one that is not there (with what to do about it), NotAllowed where nothing may be read.
    """
    region, account = arn.split(":")[3:5]
    if account != lab.account:
        raise NotFound(
            f"This execution is in the account {account}, and we are connected to {lab.account}: connect there with "
            f"helpers.connect('aws', account={account!r}, region={region!r})."
        )
    if region != lab.region:
        raise NotFound(
            f"This execution is in {region}, and we are connected to {lab.region}: connect there with "
            f"helpers.connect(region={region!r})."
        )
    if ":express:" in arn:
        found = express.logged(arn, lab)
        own = _definition(definition) or parse(found.definition)
        events = history.events(found.records, execution=arn)
        return _fitted(ExecutionView(_name(arn), events, arn, own, None, lab, denied=found.lacks))
    denied: list[str] = []
    described = raw = None
    try:
        described = execution.describe(arn, lab=lab)
    except NotAllowed as error:
        denied.append(f"What AWS knows of the execution as a whole is left out. {error}")
    except NotFound as error:
        raise NotFound(
            f"{error} AWS forgets an execution 90 days after its end; one that was exported before opens from its file."
        ) from None
    try:
        raw = execution.events(arn, lab=lab)
    except NotAllowed as error:
        if described is None:
            raise
        denied.append(f"Events, diagram and timeline are left out. {error}")
    drawn = _definition(definition)
    if drawn is None and raw is not None:
        try:
            drawn = parse(execution.definition(arn, lab=lab)[0])
        except LabError as error:
            denied.append(f"The definition is left out, so the diagram is drawn from the history. {error}")
    events = history.events(raw or [], execution=arn)
    return _fitted(ExecutionView(_name(arn), events, arn, drawn, raw, lab, described, denied))
