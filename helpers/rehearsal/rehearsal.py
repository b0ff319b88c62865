"""A rehearsal: a machine run again on the answers of a recorded execution."""

from __future__ import annotations

import functools
import html
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import diagram, history
from helpers.definition import walk
from helpers.diagram.picture import made
from helpers.engine import Call, Machine, data_of, text_of
from helpers.engine.machine import valid, written
from helpers.engine.simulation import by_state, input_text
from helpers.errors import DrawingFailed, NotAHistory, NotFound
from helpers.history import sources, store
from helpers.history.comparison import Comparison, compare
from helpers.history.sources import text
from helpers.limits import HISTORY_EVENTS
from helpers.quantities import count
from helpers.rehearsal.differences import parsed
from helpers.rehearsal.following import VOLATILE, Course, FollowedMap, follow
from helpers.rehearsal.record import Record, recorded
from helpers.verbatim import image, verbatim, visible

__all__ = ["Rehearsal", "rehearse", "run"]

Answers = Callable[[Call], Any] | Mapping[str, Any]
COLUMNS = ["state", "branch", "visit", "attempt", "resource", "parameters", "reason"]
STRANGER = (
    "None of the history's states is in the definition, so they part at the beginning: it may be of another machine."
)


class Rehearsal:
    """How a machine would have gone on the answers of a recorded execution.

    `events` is the frame of `history.events`, `status` AWS's word, `output` a JSON value, `error` and `cause` texts,
    `was` the recorded status. `parted` says where and why the two part, None where they do not; `unanswered` is a frame
    with one row per call that nothing answers: `state`, `branch`, `resource`, `parameters` (JSON), `reason` (str),
    `visit` and `attempt` (int64). `notes` are sentences on what limits the rehearsal.
    """

    def __init__(self, course: Course, definition: dict[str, Any]) -> None:
        root = course.root
        self._raw, self._record, self.definition = root.events, course.record, definition
        self.status, self.was, self.error, self.cause = root.status, course.record.status, root.error, root.cause
        self.output: Any = None if root.output is None else data_of(root.output)
        self.parted, self._unanswered, self.notes = sentence_of(course), course.unanswered, list(course.record.notes)
        if end := course.end:
            self.notes.append(end)
        if course.kept_back:
            self.notes.append("Child executions begin no earlier than in the history, however many may run at once.")
        self.notes += course.unjudged
        if len(root.events) >= HISTORY_EVENTS:
            self.notes.append(f"The rehearsal never ends on these answers: it stopped at {len(root.events):,} events.")

    @cached_property
    def events(self) -> pd.DataFrame:
        """The rehearsed history, as a frame of `history.events`."""
        return history.events(self._raw, execution=self._record.execution)

    @cached_property
    def unanswered(self) -> pd.DataFrame:
        """The calls that nothing answers."""
        rows = [{name: of if isinstance(of, int) else text(of) for name, of in one.items()} for one in self._unanswered]
        found = pd.DataFrame(rows, columns=COLUMNS)
        return found.astype({name: "int64" if name in ("visit", "attempt") else "str" for name in COLUMNS})

    @cached_property
    def recorded(self) -> pd.DataFrame:
        """The recorded history, as far as it was rehearsed, as a frame of `history.events`."""
        return history.events(self._record.events, execution=self._record.execution)

    @cached_property
    def comparison(self) -> Comparison:
        """The recorded execution, `a`, against the rehearsed one, `b`."""
        return compare(self.recorded, self.events)

    @property
    def before(self) -> diagram.Diagram:
        """The recorded execution's picture."""
        visits = history.visits(self.recorded)
        names = {state.name for state in walk.states(self.definition)}
        if set(visits["state"]) <= names:
            return diagram.draw(self.definition, visits=visits, attempts=history.attempts(self.recorded))
        return diagram.draw_history(visits, history.attempts(self.recorded))

    @property
    def after(self) -> diagram.Diagram:
        """The rehearsed execution's picture."""
        return diagram.draw(self.definition, visits=history.visits(self.events), attempts=history.attempts(self.events))

    def sentence(self) -> str:
        """What came out, in words."""
        said = {"RUNNING": "still running"}
        was, now = (said.get(status, status) for status in (self.was, self.status))
        if self.parted is None and not self._unanswered and self.was == self.status:
            events = count(len(self._record.steps), "event", "events")
            found = [f"The rehearsal goes as the history did, {was} after {events}."]
        else:
            found = [f"The history was {was}, the rehearsal is {now}."]
        found += [self.parted] if self.parted else []
        if self._unanswered:
            calls = ", ".join(f"{one['state']} ({one['reason']})" for one in self._unanswered[:3])
            more = f" and {len(self._unanswered) - 3:,} more" if len(self._unanswered) > 3 else ""
            found.append(f"{count(len(self._unanswered), 'call has', 'calls have')} no answer: {calls}{more}.")
        return visible(" ".join([*found, *self.notes]))

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_html_(self) -> str:
        said = f"<p>{html.escape(self.sentence())}</p>"
        try:
            drawn = [
                '<figure style="margin:0 16px 0 0">'
                f"<figcaption>{title}</figcaption>{image(picture.png(), picture.sentence())}</figure>"
                for title, picture in (("recorded", self.before), ("rehearsed", self.after))
            ]
        except DrawingFailed:
            return verbatim(said)
        return verbatim(f'{said}<div style="display:flex;flex-wrap:wrap">{"".join(drawn)}</div>')

    def _repr_mimebundle_(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> dict[str, Any]:
        return made({"text/html": self._repr_html_, "text/plain": self.sentence}, include, exclude)


def rehearse(
    history: history.Source | pd.DataFrame,
    definition: Mapping[str, Any] | str | None = None,
    *,
    input: Any = None,  # noqa: A002
    answers: Answers | None = None,
    repeat: bool = False,
) -> Rehearsal:
    """Run a machine on the answers of a recorded execution.

    Until the two part, everything is as it was recorded: stamps, back-offs, waits, tokens, ids, random values, and what
    came from outside, such as a stop. After that, a task gets the recorded answer of the same state, branch, visit and
    attempt, as long after its start as then, also where its input is another one. A distributed Map whose children's
    histories are not in the source ends as it was recorded.

    Parameters
    ----------
    history
        The history of one execution, with its data, and of the children of its Map Runs, if they are to be rehearsed
        too: anything that `history.events` takes, or such a frame, as `workbench.read` gives it of a store.
    definition
        The machine, as data or JSON text; left out, what the history's file holds beside its events, the `.asl.json`
        beside the file, or what `collect` stored with the execution. What its placeholders stand for is taken from the
        history.
    input
        Another input than the recorded one, as a JSON value.
    answers
        For calls that the history does not answer, as `engine.run` takes them.
    repeat
        Whether such a call gets the last recorded answer of its state.

    Raises
    ------
    NotAHistory
        The source holds no history with execution data, or those of several executions.
    NotFound
        There is no definition.
    DefinitionInvalid, InvalidInput, InvalidSetting
        The definition is no state machine, the input no JSON, or the answers are neither a function nor a mapping.
    """
    if isinstance(history, str | PathLike) and os.path.isfile(history):
        history = sources.load(Path(history))
    record = recorded(history)
    if definition is None:
        definition = _beside(history, record.execution)
    course, filled = run(record, written(definition), input, answers, repeat)
    return Rehearsal(course, data_of(filled))


def run(
    record: Record,
    text: str,
    input: Any = None,  # noqa: A002
    answers: Answers | None = None,
    repeat: bool = False,
) -> tuple[Course, str]:
    """The rehearsal of a record on a definition's JSON text, without any frame; and the text, filled in."""
    kind = "EXPRESS" if ":express:" in record.execution else "STANDARD"
    if "${" in text:
        text = _filled(text, record)
    machine, again, volatile = compiled(text, kind)
    course = follow(
        machine,
        again,
        record,
        text=_given(record, input),
        type=kind,
        answers=answers if callable(answers) or answers is None else by_state(answers),
        knows=(lambda _: True) if callable(answers) else lambda state: state in (answers or {}),
        repeat=repeat,
        volatile=volatile,
    )
    return course, text


def sentence_of(course: Course) -> str | None:
    """Where and why the two part."""
    known = course.record.states
    if course.parted and known and known.isdisjoint(_names(course.root.machine)):
        return STRANGER
    return course.parted


def _names(machine: Machine) -> Iterable[str]:
    """The names of all states, however deep."""
    for state in machine.states.values():
        yield state.name
        for inner in (getattr(state, "machine", None), *getattr(state, "machines", ())):
            yield from _names(inner) if inner else ()


@functools.lru_cache(maxsize=64)
def compiled(text: str, type: str) -> tuple[Machine, Machine, bool]:  # noqa: A002
    """A machine that can follow a record; the same with other placeholders; and whether it ever comes out otherwise."""
    definition = valid(text, type)
    machine = again = Machine(definition, "JSONPath", FollowedMap)
    if "${" in text:
        again = Machine(data_of(text.replace("${", "${another-")), "JSONPath", FollowedMap)
    return machine, again, VOLATILE.search(text) is not None


def _given(record: Record, given: Any) -> str:
    if given is None:
        if record.truncated:
            raise NotAHistory("AWS cut off the execution's input in this history: give the whole as `input`.")
        given = record.given
        if parsed(given) is not given:
            return str(given)
    return input_text(given)


def _filled(text: str, record: Record) -> str:
    """A definition whose placeholders for what a task calls are what it called in the history."""
    definition = data_of(text)
    called = {
        state: str(attempts[0].scheduled.details.get("resource"))
        for (_, state, _), attempts in record.attempts.items()
        if "resourceType" not in attempts[0].scheduled.details
    }
    if isinstance(definition, dict):
        for state in walk.states(definition):
            body: Any = state.body
            if "${" in str(body.get("Resource", "")) and called.get(state.name, "").startswith("arn:"):
                body["Resource"] = called[state.name]
    return json.dumps(definition)


def _beside(source: Any, execution: str) -> str:
    if isinstance(source, pd.DataFrame) and "store" in source.attrs:
        return store.definition(source.attrs["store"], execution)
    found = sources.definition_of(source) if isinstance(source, sources.File) else None
    if found is None:
        raise NotFound("There is no definition beside this history: give the state machine's definition.")
    return found.read_text(encoding="utf-8-sig") if isinstance(found, Path) else text_of(found)
