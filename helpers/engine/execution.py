"""An execution: its frames, which are all that is known of how far it has come, and the history that it writes.

A frame is one run through a set of states: the machine's own, a branch's, an iteration's. It holds the state that it
has reached, the data, the variables and the counts; generators only move it, so that a redrive is new generators on
the old frames. Each frame has a line, along which its events are linked: `last`, the event that the next one follows,
and `published`, the one written last, which may stand aside of the line.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from helpers import limits
from helpers.engine.failures import DATA_LIMIT, LOCATED, QUERY_EVALUATION, RUNTIME, TIMEOUT, StateFailed, too_large
from helpers.engine.scheduler import Process, Scheduler, Walk
from helpers.engine.scope import Scope, drawn_uuid
from helpers.engine.text import WHOLE, data_of, exceeds, text_of, time_text

if TYPE_CHECKING:
    from helpers.engine.machine import Machine
    from helpers.engine.map_runs import MapRun
    from helpers.engine.states import State
    from helpers.engine.tasks import Call

__all__ = ["Execution", "Frame", "Identity", "Observer", "Over"]

ENDINGS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
# What a history that lacks but one event can still take.
FITTING = frozenset(ENDINGS) - {"ExecutionFailed"}
TURN = 64  # states that the machine's own frame runs through before others have their turn; a branch's has one
EVENT_BYTES = 700  # that an event takes besides its payloads
KEPT = 256  # characters from which on equal payloads are one text


class Over(Exception):
    """The execution has ended: whatever still works for it stops."""


@dataclass(frozen=True)
class Identity:
    """The names under which an execution runs."""

    arn: str
    name: str
    machine_arn: str
    machine_name: str
    role_arn: str

    @property
    def region(self) -> str:
        return self.machine_arn.split(":")[3]


@dataclass(slots=True, eq=False, repr=False)
class Frame:
    """One run through a set of states; see the module's first lines."""

    execution: Execution
    machine: Machine
    data: Any
    text: str  # the data as JSON
    outer: Frame | None = None
    branch: str = ""
    state: str = ""
    before: int = 0  # the event that the entering of the state follows
    entered: int = 0  # the event that entered the state, or the one before it; 0 before the first
    entered_at: datetime | None = None  # until the state is entered
    last: int = 0
    published: int = 0
    retries: int | None = None  # of the state, where it can be retried
    token: str | None = None
    resumed: bool = False  # whether the state is taken up where a redrive found it
    done: bool = False
    counts: dict[str, int] = field(default_factory=dict)  # how often each state was entered
    variables: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)  # of the variables, in bytes
    item: dict[str, Any] | None = None  # of the Map that the frame is an iteration of
    known: Any = None  # a result and its text
    inner: list[Frame] = field(default_factory=list)  # of the Parallel or Map that it is in
    map_run: MapRun | None = None  # of the distributed Map that it is in
    process: Process = None  # type: ignore[assignment]  # from the moment on in which it goes
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.machine.start
        self.scope = Scope(self.execution.chance, self.context)
        if self.outer:
            self.last = self.published = self.before = self.outer.last
            self.variables, self.sizes, self.item = self.outer.variables, self.outer.sizes, self.outer.item

    def walk(self) -> Walk:
        """From the state that it has reached to its end; StateFailed where a state fails and nothing catches that."""
        states, turn = self.machine.states, 1 if self.outer else TURN
        while True:
            state = states[self.state]
            if self.resumed and state.type != "Fail":
                self.retries = 0
            else:
                self.enter(state)
            try:
                following = (yield from state.work(self)) if state.waits else state.pass_through(self)
            except StateFailed as failure:
                self.locate(state, failure)
                if self.outer and state.type == "Task" and failure.error != RUNTIME:
                    self.write("TaskStateAborted", moves=False)  # as AWS does of the task that ends a branch
                raise
            except GeneratorExit:
                if state.aborting and self.execution.status == "RUNNING":
                    self.write(state.aborting, moves=False)
                raise
            self.resumed = False
            if following is None:
                self.done = True
                return None
            self.state, self.entered_at = following, None
            turn -= 1
            if not turn:
                turn = 1 if self.outer else TURN
                self.process.wake()  # behind all that are awake
                yield

    def enter(self, state: State) -> None:
        """Write that a state is entered."""
        self.before = self.last
        self.counts[state.name] = self.counts.get(state.name, 0) + 1
        self.retries = 0 if state.retriable else None
        self.entered_at = self.execution.scheduler.stamp
        self.inner, self.map_run, self.known = [], None, None
        self.entered = self.write(
            state.entering, "stateEnteredEventDetails", {"name": state.name, "input": self.text, "inputDetails": WHOLE}
        )

    def leave(self, state: State, output: Any, assigned: dict[str, Any] | None = None) -> None:
        """Write that a state is left, with its output and the variables that it set."""
        text = self.payload(output, state.name, "returned a result")
        details: dict[str, Any] = {"name": state.name, "output": text, "outputDetails": WHOLE}
        if assigned:
            texts = {name: text_of(assigned[name]) for name in sorted(assigned)}
            sizes = {name: len(text.encode(errors="replace")) for name, text in texts.items()}
            stored = {**self.sizes, **sizes}
            # Developer guide, "Passing data between states with variables"; it does not name the error.
            if sum(sizes.values()) > limits.PAYLOAD_BYTES or sum(stored.values()) > limits.VARIABLES_BYTES:
                raise StateFailed(DATA_LIMIT, too_large(state.name, "assigned variables"))
            self.variables, self.sizes = {**self.variables, **assigned}, stored
            details["assignedVariables"] = texts
            details["assignedVariablesDetails"] = WHOLE
        self.write(state.exiting, "stateExitedEventDetails", details)
        self.data, self.text = output, text

    def payload(self, value: Any, name: str, what: str = "was given an input") -> str:
        """A value as JSON; States.DataLimitExceeded, said of a state or task, where it is longer than AWS takes.

        That holds for what a task, a branch or an iteration is given, too: developer guide, "Service quotas". The text
        of what is only passed on is not made again.
        """
        if value is self.data:
            text = self.text
        elif self.known and value is self.known[0]:
            text = self.known[1]
        else:
            text = self.execution.kept(text_of(value))
        if exceeds(text):
            raise StateFailed(DATA_LIMIT, too_large(name, what))
        return text

    def write(self, kind: str, key: str = "", details: Any = None, moves: bool = True) -> int:
        """Write an event on this frame's line, and return its id; one that does not move the line stands aside."""
        found = self.execution.write(kind, self.last, key, details)
        self.published = found
        if moves:
            self.last = found
        return found

    def sleep_until(self, when: int) -> Walk:
        """Wait until then: in a Wait state, or before a retry."""
        return self.process.sleep_until(when)

    def evaluation(self, data: Any, states: dict[str, Any] | None = None) -> Scope:
        """What expressions see now: `data` as `$`, `states` as `$states`."""
        scope = self.scope
        scope.data, scope.variables, scope.states = data, self.variables, states
        scope.now = self.execution.scheduler.stamp
        return scope

    def locate(self, state: State, failure: StateFailed) -> None:
        """Say in the cause of an interpreter's failure where it happened, and write that of an expression, once."""
        if failure.located:
            return
        failure.located = True
        if failure.error in LOCATED:
            where = f"the state '{state.name}' (entered at the event id #{self.entered})"
            failure.cause = f"An error occurred while executing {where}. {failure.cause or ''}"
        if failure.error == QUERY_EVALUATION:
            details = {"error": failure.error, "cause": failure.cause, "state": state.name}
            if failure.location:
                details["location"] = failure.location
            if self.last == self.entered:
                self.last = self.before  # in AWS's histories an expression fails before the state was entered
            self.write("EvaluationFailed", "evaluationFailedEventDetails", details)

    def context(self) -> dict[str, Any]:
        """The context object, as `$$` and `$states.context` hold it.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        """
        run, names = self.execution, self.execution.identity
        return {
            "Execution": {
                "Id": names.arn,
                "Input": run.input,
                "StartTime": time_text(run.started),
                "Name": names.name,
                "RoleArn": names.role_arn,
                "RedriveCount": run.redrives,
                **({"RedriveTime": time_text(run.redriven)} if run.redriven else {}),
            },
            "StateMachine": {"Id": names.machine_arn, "Name": names.machine_name},
            "State": {
                "Name": self.state,
                **({"EnteredTime": time_text(self.entered_at)} if self.entered_at else {}),
                **({"RetryCount": self.retries} if self.retries is not None else {}),
            },
            **({"Map": self.item} if self.item is not None else {}),
            **({"Task": {"Token": self.token}} if self.token else {}),
        }


class Observer:
    """What whoever watches an execution and its children hears of them; it may not act on them from here."""

    def event(self, execution: Execution, event: dict[str, Any]) -> None:
        """An event was written."""

    def ended(self, execution: Execution) -> None:
        """The last event was written."""

    def crashed(self, execution: Execution, error: Exception) -> None:
        """Something was raised that is no state's failure."""
        raise error

    def child_began(self, child: Execution) -> None:
        """A Map Run started a child execution."""

    def map_run_began(self, run: MapRun) -> None:
        """A Map Run began."""

    def map_run_started(self, run: MapRun) -> None:
        """Its children are about to be started; a StateFailed raised here fails the Map."""


class Execution:
    """One run of a machine.

    `handler` is given each `Call`. `on_end` is called at the end, by which the parent of a child knows of it.
    `events` are as boto3's GetExecutionHistory gives them. `framed` is what its frames are.
    """

    framed: ClassVar[type[Frame]] = Frame
    # Thousands are kept: a dictionary each, with more names than Python lets them share, would take 1.3 KB more.
    __slots__ = (
        *("__weakref__", "_chance", "_seed", "_texts", "_timer", "accounted", "cause", "error", "events", "handler"),
        *("identity", "input", "input_text", "keeps_events", "limit", "machine", "map_runs", "observer", "on_end"),
        *("output", "parent", "redrives", "redriven", "scheduler", "size", "started", "status", "stopped", "top"),
        *("type", "written"),
    )

    def __init__(
        self,
        machine: Machine,
        text: str,
        identity: Identity,
        *,
        scheduler: Scheduler,
        handler: Callable[[Call], None],
        seed: object,
        type: str = "STANDARD",  # noqa: A002
        limit: int | None = limits.HISTORY_EVENTS,
        parent: MapRun | None = None,
        observer: Observer | None = None,
        on_end: Callable[[Execution], None] | None = None,
        started: datetime | None = None,
        keeps_events: bool = True,
    ) -> None:
        self.machine, self.identity, self.scheduler, self.handler = machine, identity, scheduler, handler
        self._seed = str(seed)
        self._chance: random.Random | None = None
        self.type, self.parent, self.observer, self.on_end = type, parent, observer or Observer(), on_end
        self.limit = limit if type == "STANDARD" else None
        self.input_text, self.input = text, data_of(text)
        self.events: list[dict[str, Any]] = []
        self.keeps_events = keeps_events  # else only the observer gets them
        self.size = len(text)  # bytes that they take, about: what they share counted once
        self.written = self.accounted = 0  # events, and bytes of them by an observer that keeps account
        self.status = "RUNNING"
        self.output: str | None = None
        self.error = self.cause = self.output
        self.started = started or scheduler.stamp
        self.redrives = 0
        self.stopped: datetime | None = None
        self.redriven: datetime | None = None
        self.map_runs: list[MapRun] = []
        self._texts: dict[str, str] = {}
        self._timer: Any = None
        compact = text_of(self.input)
        # AWS's histories keep the white space of an array's text.
        is_kept = isinstance(self.input, list) or compact == text
        self.top = self.framed(self, machine, self.input, text if is_kept else compact)

    def start(self) -> None:
        """Begin: the first event is written, the rest follows when the scheduler comes to it."""
        self.begin()
        self.go()

    def begin(self) -> None:
        """Write the first event alone; any thread may do that, before anybody else knows of the execution."""
        given = {"input": self.input_text, "inputDetails": WHOLE, "roleArn": self.identity.role_arn}
        self.write("ExecutionStarted", 0, "executionStartedEventDetails", given, self.started)

    def go(self) -> None:
        """Let the scheduler move it."""
        if self.status != "RUNNING":
            return
        seconds = self.machine.timeout
        if self.type == "EXPRESS":
            seconds = min(seconds or limits.EXPRESS_SECONDS, limits.EXPRESS_SECONDS)
        if seconds is not None:
            self._timer = self.scheduler.after(seconds, self.time_out)
        self.top.process = Process(self.scheduler, self.top.walk(), self._walked)

    def stop(self, error: str | None = None, cause: str | None = None) -> None:
        """End as ABORTED, unless it has ended."""
        self._end("ExecutionAborted", {"error": error, "cause": cause})

    def time_out(self) -> None:
        """End as TIMED_OUT, unless it has ended."""
        self._end("ExecutionTimedOut", {"error": TIMEOUT})

    def fail(self, error: str | None, cause: str | None) -> None:
        """End as FAILED, unless it has ended."""
        last = max(self.top.last, self.top.published)  # that what is inside has succeeded, which stands aside, counts
        self._end("ExecutionFailed", {"error": error, "cause": cause}, last)

    def redrive(self) -> None:
        """Go on from the states in which it ended: what has succeeded is not done again, retries begin anew."""
        self.status, self.redrives, self.redriven = "RUNNING", self.redrives + 1, self.scheduler.stamp
        self.output = self.error = self.cause = self.stopped = None
        top = self.top
        _resume(top)
        top.last = top.entered
        top.write("ExecutionRedriven", "executionRedrivenEventDetails", {"redriveCount": self.redrives})
        self.go()

    def not_redrivable(self) -> str | None:
        """Why the execution cannot be redriven now, None where it can."""
        if self.status in ("RUNNING", "SUCCEEDED"):
            return f"Execution is {self.status} and cannot be redriven"
        if self.written >= limits.REDRIVABLE_EVENTS:
            return "Execution history event limit exceeded"
        if self.stopped and self.scheduler.stamp - self.stopped > timedelta(days=limits.REDRIVABLE_DAYS):
            return "Execution redrivable period exceeded"
        return None

    def forget(self) -> None:
        """Drop the history, and all that refers back: nobody needs it any more, and its memory is free at once."""
        self.events = []
        del self.top.scope, self.top, self.observer

    def write(self, kind: str, previous: int, key: str, details: Any, stamp: datetime | None = None) -> int:
        """Write an event, and return its id. Raises Over where the execution has ended, or its history is full."""
        if self.status != "RUNNING":
            raise Over
        number = self.written + 1
        if self.limit and number >= self.limit and kind not in FITTING:
            full = f"The execution reached the maximum number of history events ({self.limit})."
            kind, key, details = "ExecutionFailed", "executionFailedEventDetails", {"error": RUNTIME, "cause": full}
        event = {"timestamp": stamp or self.scheduler.stamp, "type": kind, "id": number, "previousEventId": previous}
        if details is not None:
            event[key] = details
        self.written = number
        if self.keeps_events:
            self.size += EVENT_BYTES
            self.events.append(event)
        if kind in ENDINGS:
            self._ended(kind, details, event)
            raise Over
        self.observer.event(self, event)
        return number

    def _end(self, kind: str, details: dict[str, Any], previous: int = 0) -> None:
        if self.status != "RUNNING":
            return
        given = {name: value for name, value in details.items() if value is not None}
        try:
            with contextlib.suppress(Over):
                self.write(kind, previous, f"{kind[0].lower()}{kind[1:]}EventDetails", given)
        finally:  # whatever the observer raises
            if self.top.process:
                self.top.process.close()

    def _ended(self, kind: str, details: dict[str, Any], event: dict[str, Any]) -> None:
        self.stopped, self.output = self.scheduler.stamp, details.get("output")
        self.error, self.cause = details.get("error"), details.get("cause")
        self.status = ENDINGS[kind]  # last: whoever reads it from another thread finds the rest
        if self._timer:
            self.scheduler.cancel(self._timer)
        self._texts.clear()
        self.observer.event(self, event)
        self.observer.ended(self)
        if self.on_end:
            self.on_end(self)

    def _walked(self, _: Any, error: Exception | None) -> None:
        if error is None:
            self._end("ExecutionSucceeded", {"output": self.top.text, "outputDetails": WHOLE}, self.top.last)
        elif isinstance(error, StateFailed):
            self.fail(error.error, error.cause)
        elif isinstance(error, Over):
            self.top.process.close()
        else:
            self.observer.crashed(self, error)

    def kept(self, text: str) -> str:
        """The same text, or an equal one that an event holds already."""
        if len(text) <= KEPT:
            self.size += len(text)
            return text
        found = self._texts.setdefault(text, text)
        if found is text:
            self.size += len(text)
        return found

    def chance(self) -> random.Random:
        """The execution's own source of chance; most never ask for it, and it is dear to make."""
        if self._chance is None:
            self._chance = random.Random(self._seed)
        return self._chance

    def uuid(self) -> str:
        """An id drawn from the execution's own source of chance."""
        return drawn_uuid(self.chance())


def _resume(frame: Frame) -> None:
    frame.resumed = frame.entered_at is not None and not frame.done
    for inner in frame.inner:
        inner.last = inner.entered
        _resume(inner)
