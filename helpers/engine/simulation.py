"""Running a machine at once, on answers that are given beforehand: `run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from helpers.engine.execution import MOST_EVENTS, Execution, Identity
from helpers.engine.failures import StateFailed
from helpers.engine.machine import compiled
from helpers.engine.scheduler import Scheduler, counted
from helpers.engine.tasks import Call, TaskFailed
from helpers.engine.text import MOST_BYTES, data_of, exceeds, text_of
from helpers.errors import InvalidInput, NoProgress, TaskUnanswered

__all__ = ["Run", "run"]

START = datetime(2025, 1, 1, tzinfo=UTC)
# So many events at one instant are no progress; a history without a limit would grow for ever.
MOST_AT_ONCE = 100_000
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"
ROLE = "arn:aws:iam::123456789012:role/machine"

Tasks = Callable[[Call], Any] | Mapping[str, Any]


class Run:
    """How a machine ran.

    `events` is a list as boto3's GetExecutionHistory gives it, `status` AWS's word (RUNNING where a task is answered
    NEVER and has no time-out), `output` a JSON value, `error` and `cause` texts; None where there is none. `children`
    are the runs of the child executions of its distributed Maps, in order of their start.
    """

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.events: list[dict[str, Any]] = execution.events
        self.status, self.error, self.cause = execution.status, execution.error, execution.cause
        self.output: Any = None if execution.output is None else data_of(execution.output)

    @property
    def children(self) -> list[Run]:
        return [Run(child) for run in self.execution.map_runs for child in run.children]

    def __repr__(self) -> str:
        return f"<Run {self.status}, {len(self.events)} events>"


def run(
    definition: Any,
    input: Any = None,  # noqa: A002
    tasks: Tasks | None = None,
    *,
    start: datetime | None = None,
    seed: int = 0,
    limit: int | None = MOST_EVENTS,
    type: str = "STANDARD",  # noqa: A002
) -> Run:
    """Run a machine to its end on a virtual clock, without a server; the same arguments give the same bytes.

    Parameters
    ----------
    definition
        The machine, as data or JSON text.
    input
        A JSON value; an empty object where it is None.
    tasks
        What answers the tasks: a function of one `Call`, or a mapping from a state's name to its answer. An answer is
        a JSON value, `Answer`, NEVER, or (raised by a function, held by a mapping) TaskFailed. A list in a mapping is
        consumed one per call of that state, the last repeated. Whatever else a function raises reaches the caller.
    start
        When the execution starts, 2025-01-01 unless given; a time without a zone is UTC.
    seed
        What ids, jitter, `$random` and States.UUID come from.
    limit
        How many events the history holds; None for no limit. An EXPRESS execution has none.
    type
        STANDARD or EXPRESS.

    Raises
    ------
    DefinitionInvalid
        The definition is no state machine.
    InvalidInput
        The input is no JSON, or longer than AWS takes.
    TaskUnanswered
        A task has no answer.
    AnswerInvalid
        An answer is no JSON.
    NoProgress
        100,000 events were written without any time passing.

    Examples
    --------
    >>> ask = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    >>> run({"StartAt": "Ask", "States": {"Ask": ask}}, tasks={"Ask": {"status": "success"}}).output
    {'status': 'success'}
    """
    machine = compiled(definition, type)
    try:
        text = text_of({} if input is None else input)
        data_of(text)
    except (ValueError, StateFailed) as error:
        raise InvalidInput(f"The input is no JSON: give dicts, lists, texts and numbers. {error}") from None
    if exceeds(text):
        raise InvalidInput(f"The input is longer than the {MOST_BYTES:,} bytes that AWS takes: give less.")
    begin = start or START
    scheduler = Scheduler(counted(begin if begin.tzinfo else begin.replace(tzinfo=UTC)))
    answers = tasks if callable(tasks) else Mapped(tasks or {})

    def handler(call: Call) -> None:
        try:
            answer = answers(call)
        except TaskFailed as failure:
            answer = failure
        call.answer(answer)

    name = f"run-{seed}"
    names = Identity(f"{MACHINE.replace('stateMachine', 'execution')}:{name}", name, MACHINE, "machine", ROLE)
    execution = Execution(machine, text, names, scheduler=scheduler, handler=handler, seed=seed, type=type, limit=limit)
    execution.start()
    _drive(execution, scheduler)
    return Run(execution)


def _drive(execution: Execution, scheduler: Scheduler) -> None:
    written = 0  # events, before this instant
    while execution.status == "RUNNING":
        if scheduler.step() or scheduler.ring():
            if len(execution.events) - written > MOST_AT_ONCE:
                raise NoProgress(
                    f"The machine wrote {MOST_AT_ONCE:,} events without any time passing, the last in the state"
                    f" {execution.top.state!r}: let its loop wait, or give it a limit of events."
                )
            continue
        when = scheduler.deadline()
        if when is None:
            return
        scheduler.now, written = when, len(execution.events)


class Mapped:
    """Answers by the names of states."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self._used: dict[str, int] = {}

    def __call__(self, call: Call) -> Any:
        if call.state not in self._answers:
            known = ", ".join(map(repr, self._answers)) or "none"
            raise TaskUnanswered(
                f"The task {call.state!r} has no answer: give `tasks` one for it (there are answers for {known})."
            )
        found = self._answers[call.state]
        if not isinstance(found, list):
            return found
        if not found:
            raise TaskUnanswered(f"The list of answers of the task {call.state!r} is empty.")
        used = self._used.get(call.state, 0)
        self._used[call.state] = used + 1
        return found[min(used, len(found) - 1)]
