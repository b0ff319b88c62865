"""Running a machine at once, on answers that are given beforehand: `run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from helpers.engine.execution import Execution, Identity, Observer
from helpers.engine.failures import StateFailed
from helpers.engine.machine import compiled
from helpers.engine.scheduler import Scheduler, counted
from helpers.engine.tasks import Call, TaskFailed
from helpers.engine.text import data_of, exceeds, text_of
from helpers.errors import InvalidInput, InvalidSetting, NoProgress, TaskUnanswered
from helpers.limits import HISTORY_EVENTS, PAYLOAD_BYTES

__all__ = ["Progress", "Run", "by_state", "input_text", "run"]

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
        self.execution, self.events = execution, execution.events[:]  # what is left of one that runs may write on
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
    limit: int | None = HISTORY_EVENTS,
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
        How many events the history holds, at least 2; None for no limit. An EXPRESS execution has none.
    type
        STANDARD or EXPRESS.

    Raises
    ------
    DefinitionInvalid
        The definition is no state machine.
    InvalidInput
        The input is no JSON, or longer than AWS takes.
    InvalidSetting
        The limit or the type cannot be, or the tasks are neither a function nor a mapping.
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
    if type not in ("STANDARD", "EXPRESS") or (limit is not None and limit < 2):
        said = f"type={type!r} with limit={limit!r} cannot be"
        raise InvalidSetting(f"{said}: give STANDARD or EXPRESS, and None or at least 2 events.")
    machine, text = compiled(definition, type), input_text({} if input is None else input)
    begin = start or START
    scheduler = Scheduler(counted(begin if begin.tzinfo else begin.replace(tzinfo=UTC)))
    answers = tasks if callable(tasks) else by_state(tasks or {})

    def handler(call: Call) -> None:
        try:
            answer = answers(call)
        except TaskFailed as failure:
            answer = failure
        call.answer(answer)

    name = f"run-{seed}"
    names = Identity(f"{MACHINE.replace('stateMachine', 'execution')}:{name}", name, MACHINE, "machine", ROLE)
    who: Any = {"scheduler": scheduler, "handler": handler, "observer": Progress()}
    execution = Execution(machine, text, names, seed=seed, type=type, limit=limit, **who)
    execution.start()
    _drive(execution, scheduler)
    return Run(execution)


def input_text(value: Any) -> str:
    """An execution's input as JSON. Raises InvalidInput where it is none, or longer than AWS takes."""
    try:
        text = text_of(value)
        data_of(text)
    except (ValueError, StateFailed) as error:
        raise InvalidInput(f"The input is no JSON: give dicts, lists, texts and numbers. {error}") from None
    if exceeds(text):
        raise InvalidInput(f"The input is longer than the {PAYLOAD_BYTES:,} bytes that AWS takes: give less.")
    return text


def _drive(execution: Execution, scheduler: Scheduler) -> None:
    while execution.status == "RUNNING":
        if not scheduler.step() and not scheduler.ring():
            when = scheduler.deadline()
            if when is None:
                return
            scheduler.now = when


class Progress(Observer):
    """Ends an execution without a limit of events, a child's too, that writes on and on at one time."""

    def __init__(self) -> None:
        self._since: dict[Execution, tuple[int, int]] = {}  # an instant, and the first event in it

    def event(self, execution: Execution, event: dict[str, Any]) -> None:
        now, number = execution.scheduler.now, event["id"]
        instant, first = self._since.get(execution, (-1, 0))
        if instant != now:
            self._since[execution] = (now, number)
        elif number - first == MOST_AT_ONCE and not execution.limit:
            said = f"{MOST_AT_ONCE:,} events without any time passing, the last in the state {execution.top.state!r}"
            raise NoProgress(f"The machine wrote {said}: let its loop wait, or give it a limit of events.")


def by_state(answers: Mapping[str, Any]) -> Callable[[Call], Any]:
    """Answers by the names of states. Raises InvalidSetting for what holds none."""
    if not isinstance(answers, Mapping):
        raise InvalidSetting(f"Answers are a function of the call or a dict by state, no {type(answers).__name__}.")
    used: Counter[str] = Counter()

    def answer(call: Call) -> Any:
        if call.state not in answers:
            known = ", ".join(map(repr, answers)) or "none"
            said = f"The task {call.state!r} has no answer: give `tasks` one for it (there are answers for {known})."
            raise TaskUnanswered(said)
        found = answers[call.state]
        if not isinstance(found, list):
            return found
        if not found:
            raise TaskUnanswered(f"The list of answers of the task {call.state!r} is empty.")
        used[call.state] += 1
        return found[min(used[call.state], len(found)) - 1]

    return answer
