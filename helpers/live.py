"""A state machine's diagram that takes its colours while an execution runs."""

import html
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from helpers import diagram, engine, execution, history
from helpers.definition import parse, states
from helpers.diagram.figures import passages, statuses
from helpers.diagram.living import Living, counted
from helpers.engine.failures import matches
from helpers.engine.handling import Retrier
from helpers.errors import ExecutionStillRunning, LabError
from helpers.history.event_types import FAILED
from helpers.history.sources import parsed
from helpers.lab import Lab, current
from helpers.statuses import FAILED_VISIT, OPEN_VISIT
from helpers.verbatim import clean, shorten, verbatim

__all__ = ["BackOff", "Watching", "backoff", "due_at", "going_on", "lasts", "run", "watch"]

TICK = 0.2  # seconds between two looks at the clock
SEEN = 0.3  # seconds that a state stays on show, however quick it was
HURRIED = 0.1  # seconds that it stays when many wait to be shown
CATCH_UP = 3.0  # seconds that we may be behind before the showing hurries
MOST_BEHIND = 20  # pictures that may wait to be shown; of more, some are passed over
LONGEST = 300  # characters of a payload that is shown on hovering
MOST_OPEN = 5  # states named in the line below the picture


def watch(
    arn: str, definition: Mapping[str, Any] | None = None, *, background: bool = False, lab: Lab | None = None
) -> "execution.Execution | Watching":
    """Show the diagram of a running execution, recoloured as it goes on, until the execution ends; return it.

    Below the diagram stands which state is open, and for a Wait how long still. What is left in the notebook is a
    static picture. `definition` is what is drawn (left out: the execution's own, asked of AWS). With `background` the
    cell ends at once, so that the next ones can do something to the execution, and a `Watching` is returned; call its
    `wait()` in a later cell. An interrupt stops the watching, not the execution.

    Raises NotFound for an execution that is not there, an Express one among them, NotAllowed, and DefinitionInvalid for
    a `definition` that is no dict.
    """
    watching = Watching(arn, definition, lab or current())
    if background:
        watching.begin()
        return watching
    return watching.show()


def run(
    machine: str,
    input: Any = None,  # noqa: A002
    name: str | None = None,
    *,
    definition: Mapping[str, Any] | None = None,
    background: bool = False,
    lab: Lab | None = None,
) -> "execution.Execution | Watching":
    """Start an execution as `execution.start` does, and `watch` it."""
    lab = lab or current()
    return watch(execution.start(machine, input, name, lab=lab), definition, background=background, lab=lab)


class Watching:
    """A diagram on show while its execution runs. Made by `watch`."""

    def __init__(self, arn: str, definition: Mapping[str, Any] | None, lab: Lab) -> None:
        self.arn, self._lab = arn, lab
        self._name = execution.check_arn(arn).split(":")[-1]
        drawn: Any = parse(execution.definition(arn, lab=lab)[0]) if definition is None else definition
        self._screen = _Screen(diagram.draw(dict(drawn) if isinstance(drawn, Mapping) else drawn, {}))
        self._bodies = {state.name: {"QueryLanguage": state.language, **state.body} for state in states(drawn)}
        self._reading = _Reading(arn, lab)
        self._left = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def begin(self) -> None:
        """Watch in a thread of its own."""
        self._thread = threading.Thread(target=self._in_background, name=f"watching {self._name}", daemon=True)
        self._thread.start()

    def show(self) -> execution.Execution:
        """Watch until the execution ends or the cell is interrupted."""
        try:
            self._watch()
        except KeyboardInterrupt:
            self._screen.leave(self._reading.latest(), "watching was interrupted")
            print(f"We stopped watching; {self._name} goes on. execution.stop({self.arn!r}) would stop it.")
        return execution.describe(self.arn, lab=self._lab)

    def wait(self, timeout: float | None = None) -> execution.Execution:
        """Wait until the execution has ended and all of it was shown, and return it; an interrupt stops the waiting.

        Raises ExecutionStillRunning after `timeout` seconds, and what ended the watching if something did.
        """
        if self._thread is not None:
            try:
                self._thread.join(timeout)
            except KeyboardInterrupt:
                print(f"We stopped waiting; {self._name} goes on, and so does the watching.")
                return execution.describe(self.arn, lab=self._lab)
            if self._thread.is_alive():
                raise ExecutionStillRunning(f"{self._name} is still running after {timeout:g} s: wait for it again.")
        if self._failure is not None:
            raise self._failure
        # Once more from this cell: whoever stores outputs listens only while a cell runs.
        self._screen.repeat()
        return execution.describe(self.arn, lab=self._lab)

    def stop(self) -> None:
        """Stop watching; the execution goes on."""
        self._left.set()
        if self._thread is not None:
            self._thread.join()
        self._screen.repeat()

    def __repr__(self) -> str:
        state = "over" if self._thread is None or not self._thread.is_alive() else "going on in the background"
        return f"Watching {self._name}: {state}."

    def _in_background(self) -> None:
        try:
            self._watch()
        except LabError as error:
            self._failure = error
            self._screen.leave(self._reading.latest(), str(error))
        except BaseException as error:
            self._failure = error
            raise

    def _watch(self) -> None:
        reading, screen = self._reading, self._screen
        began = time.monotonic()
        ask_at = show_at = began
        while not self._left.is_set():
            now = time.monotonic()
            if now >= ask_at and not reading.over:
                reading.read()
                ask_at = time.monotonic() + execution.pause_after(now - began)
            if now >= show_at and reading.pending:
                visits, attempts, stays = reading.next()
                screen.paint(visits, attempts)
                screen.caption(self._caption(visits))
                # Whatever a picture costs, half of the time stays free for others.
                show_at = now + max(stays, 2 * (time.monotonic() - now))
            else:
                screen.caption(self._caption(screen.shown))
            if reading.over and not reading.pending:
                break
            next_at = min(show_at if reading.pending else now + TICK, now + TICK if reading.over else ask_at)
            self._left.wait(min(max(next_at - time.monotonic(), 0.01), TICK))
        self._screen.leave(reading.latest(), reading.ending() if reading.over else "no longer watched")

    def _caption(self, visits: pd.DataFrame | None) -> str:
        """What is open, and for how long."""
        if visits is None or visits.empty:
            return f"{self._name} starts"
        opened = visits[visits["status"].isin(OPEN_VISIT)]
        now = datetime.now(UTC) + self._reading.ahead
        return "; ".join(going_on(opened, self._screen.lasts, self._bodies, now)) or f"{self._name} goes on"


Place = tuple[str, str, int]
VERBS = {"Wait": "waits", "Choice": "chooses"}


def _place(row: Any) -> Place:
    return str(row.branch), str(row.state), int(row.visit)


def lasts(attempts: pd.DataFrame) -> dict[Place, Any]:
    """The last attempt of each visit, by branch, state and visit."""
    return {_place(one): one for one in attempts.itertuples(index=False)}


def going_on(
    opened: pd.DataFrame, lasts: Mapping[Place, Any], bodies: Mapping[str, Mapping[str, Any]], now: datetime
) -> list[str]:
    """What open visits do, each in words; the last five, and how many more there are.

    `lasts` are their last attempts, and `bodies` the definitions of the states by name.
    """
    said = [
        doing(one, bodies.get(str(one.state), {}), lasts.get(_place(one)), now)
        for one in opened.tail(MOST_OPEN).itertuples(index=False)
    ]
    return said + [f"and {len(opened) - MOST_OPEN:,} more"] * (len(opened) > MOST_OPEN)


def doing(visit: Any, body: Mapping[str, Any], last: Any, now: datetime) -> str:
    """What an open visit does, in words: for how long, and what comes next.

    `visit` is a row of `history.visits` and `last` that of its last attempt or None; `body` is its state's definition.
    """
    where = f"{visit.state} in {visit.branch}" if visit.branch else str(visit.state)
    if last is not None and last.status in FAILED_VISIT:
        pause = backoff(body, last.error, last.attempt)
        if pause is not None:
            return pause.sentence(where, last.attempt, (now - last.ended).total_seconds())
    where += f", turn {visit.visit}," if visit.visit > 1 else ""
    due = due_at(body, visit.entered, visit.input) if visit.type == "Wait" else None
    if due is not None:
        return f"{where} waits, {max((due - now).total_seconds(), 0.0):.0f} s to go"
    age = max((now - visit.entered).total_seconds(), 0.0)
    if visit.type == "Task" and visit.attempts > 1:
        where = f"{where.rstrip(',')}, attempt {visit.attempts},"
    asks = str(body.get("Resource")).endswith(".waitForTaskToken")
    verb = "waits for its task token" if asks else VERBS.get(visit.type, "runs")
    limit = body.get("TimeoutSeconds")
    if isinstance(limit, int | float) and last is not None and not pd.isna(last.scheduled):
        left = last.scheduled + timedelta(seconds=limit) - now
        return f"{where} {verb}, {age:.0f} s, and times out in {left.total_seconds():.0f} s"
    return f"{where} {verb}, {age:.0f} s"


class _Reading:
    """The events of an execution as they come, and how far they have been shown."""

    def __init__(self, arn: str, lab: Lab) -> None:
        self._lab = lab
        self._following = execution.Following(arn, lab=lab)
        self._read: list[dict[str, Any]] = []
        self._events: pd.DataFrame | None = None
        self._failed = False
        self.pending: deque[int] = deque()
        """How many events have passed at each picture that is still to be shown."""
        self.ahead = timedelta(0)
        """How far the place's clock is before this computer's."""

    @property
    def over(self) -> bool:
        return self._following.over

    def read(self) -> None:
        new = self._following.read()
        self.ahead = self._lab.now() - datetime.now(UTC)
        if not new:
            return
        before = len(self._read)
        self._read += new
        self._events = history.events(self._read)
        # A picture for every state that is entered, attempt that fails and retry; what led there belongs to the same.
        for passed, event in enumerate(new, before + 1):
            failed = event["type"].endswith(FAILED)
            if (
                failed
                or event["type"].endswith("StateEntered")
                or (self._failed and event["type"].endswith("Scheduled"))
            ):
                self.pending.append(passed)
                self._failed = failed
        if self.over:
            self.pending.append(len(self._read))
        self._thin_out()

    def next(self) -> tuple[pd.DataFrame, pd.DataFrame, float]:
        """The visits and attempts at the next picture, and how long it should stay."""
        stays = max(min(SEEN, CATCH_UP / len(self.pending)), HURRIED)
        return *self._frames(self.pending.popleft()), stays

    def _thin_out(self) -> None:
        """Pass states over, evenly, when there are more pictures to show than can be seen in time."""
        behind = len(self.pending)
        if behind > MOST_BEHIND:
            kept = list(self.pending)
            self.pending.clear()
            self.pending.extend(kept[(number * behind) // MOST_BEHIND - 1] for number in range(1, MOST_BEHIND + 1))

    def latest(self) -> pd.DataFrame | None:
        return self._frames(len(self._read))[0] if self._read else None

    def _frames(self, passed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        assert self._events is not None
        shown = self._events.iloc[:passed]
        return history.visits(shown), history.attempts(shown)

    def ending(self) -> str:
        """How the execution ended, in one sentence."""
        assert self._events is not None
        if failure := history.summary(self._events).failure:
            return str(failure)
        last = self._read[-1]
        status = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last["type"].removeprefix("Execution")).lower()
        took = (last["timestamp"] - self._read[0]["timestamp"]).total_seconds()
        return f"{status} after {took:.1f} s"


class _Screen:
    """The two outputs of a watching cell: the picture, living while it is watched, and a line of text below it."""

    def __init__(self, drawn: diagram.Diagram) -> None:
        self._drawn = drawn
        self._living = Living(drawn)
        self.lasts: dict[Place, Any] = {}
        self._line = ""
        self._picture, self._text = secrets.token_hex(16), secrets.token_hex(16)
        self.shown: pd.DataFrame | None = None
        _put(self._living, self._picture, update=False)
        _put(_Line(""), self._text, update=False)

    def paint(self, visits: pd.DataFrame, attempts: pd.DataFrame) -> None:
        """The states as they are now, the way taken, and the passage just now: of a task that pauses, its retry."""
        self.shown = visits
        opened = visits[visits["status"].isin(OPEN_VISIT)]
        self.lasts = lasts(attempts)
        tried = [self.lasts.get(_place(one)) for one in opened.itertuples(index=False)]
        again = {(state, state, "retry") for state in attempts["state"][attempts["attempt"] > 1]}
        pauses = [(one.state, one.state, "retry") for one in tried if one is not None and one.status in FAILED_VISIT]
        came = [passage for _, passage in passages(visits)]
        lit = next(reversed([one for one in came if one[1]] + pauses), None)
        self._living.hover = {
            clean(str(one.state)): [
                clean(shorten(f"last {name}: {value}", LONGEST))
                for name, value in (("input", one.input), ("output", one.output))
                if isinstance(value, str)
            ]
            for one in visits.drop_duplicates("state", keep="last").itertuples(index=False)
        }
        self._living.moment = self._living.at(statuses(visits), counted(visits), again.union(came), lit)

    def caption(self, line: str) -> None:
        if line != self._line:
            self._line = line
            _put(_Line(line), self._text)

    def leave(self, visits: pd.DataFrame | None, line: str) -> None:
        """The picture that stays, in every form that a stored notebook may need."""
        if visits is not None:
            self.shown = visits
            self._drawn = self._drawn.recoloured(statuses(visits))
        self._line = line
        self.repeat()

    def repeat(self) -> None:
        """The same once more."""
        _put(self._drawn, self._picture)
        _put(_Line(self._line), self._text)


class _Line:
    """A line of text; names and errors in it are whatever an execution holds, so it is escaped."""

    def __init__(self, text: str) -> None:
        self._text = clean(text)

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return verbatim(f"<em>{html.escape(self._text)}</em>")


def _put(shown: object, place: str, *, update: bool = True) -> None:
    """Show something at a place of its own in the outputs, in a notebook: a terminal would print it again and again."""
    if hasattr(get_ipython(), "kernel"):
        display(shown, display_id=place, update=update)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class BackOff:
    """The pause before the next attempt in seconds, the longest possible where `at_most`; the attempts there can be."""

    seconds: float
    at_most: bool
    attempts: int

    def sentence(self, state: str, attempt: int, passed: float = 0.0) -> str:
        """What a state does whose attempt of that number failed `passed` seconds ago."""
        left = max(self.seconds - passed, 0.0)
        within = "within" if self.at_most else "in"
        return f"{state} waits to try again, attempt {attempt + 1} of {self.attempts}, {within} {left:.1f} s"


def backoff(body: Mapping[str, Any], error: Any, attempt: int) -> BackOff | None:
    """The pause after the attempt of that number failed with an error, by a state's Retry; None for no retry.

    Attempts that other retriers took are counted as this one's, so with several retriers it is an estimate.
    """
    readable = (one for one in body.get("Retry") or () if isinstance(one, dict) and "ErrorEquals" in one)
    retrier = next((one for one in map(Retrier, readable) if matches(one.errors, error)), None)
    if retrier is None or attempt > retrier.attempts:
        return None
    return BackOff(retrier.longest(attempt - 1), retrier.full_jitter, retrier.attempts + 1)


def due_at(body: Mapping[str, Any], entered: datetime, given: Any) -> datetime | None:
    """When a Wait that was entered then, with that input, ends by our engine; None where that cannot be known."""
    alone = {**{name: value for name, value in body.items() if name != "Next"}, "Type": "Wait", "End": True}
    try:
        ran = engine.run({"StartAt": "Wait", "States": {"Wait": alone}}, parsed(given), start=entered)
    except LabError:
        return None
    return ran.events[-1]["timestamp"] if ran.status == "SUCCEEDED" else None
