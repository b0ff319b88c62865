"""What each type of history event says: the 62 of AWS's model, and how we read types that come later.

Source: `HistoryEvent` in the Step Functions API reference (read November 2026).
"""

from enum import IntEnum
from functools import cache
from typing import NamedTuple

__all__ = ["CONTAINERS", "EventType", "Kind", "details_key", "is_known", "read"]

CONTAINERS = frozenset({"Map", "Parallel"})
"""The types of state that hold other states."""


class Kind(IntEnum):
    """What an event does to the visit or try that it belongs to."""

    ENTERED = 1
    EXITED = 2
    STATE_ABORTED = 3
    TRY_SCHEDULED = 4
    TRY_STARTED = 5
    TRY_SUBMITTED = 6
    TRY_SUCCEEDED = 7
    TRY_FAILED = 8
    TRY_TIMED_OUT = 9
    CONTAINER_STARTED = 10
    CONTAINER_SUCCEEDED = 11
    CONTAINER_FAILED = 12
    CONTAINER_ABORTED = 13
    ITERATION_STARTED = 14
    ITERATION_SUCCEEDED = 15
    ITERATION_FAILED = 16
    ITERATION_ABORTED = 17
    RUN_STARTED = 18
    RUN_SUCCEEDED = 19
    RUN_FAILED = 20
    RUN_ABORTED = 21
    RUN_REDRIVEN = 22
    EVALUATION_FAILED = 23
    EXECUTION_STARTED = 24
    EXECUTION_SUCCEEDED = 25
    EXECUTION_FAILED = 26
    EXECUTION_ABORTED = 27
    EXECUTION_TIMED_OUT = 28
    EXECUTION_REDRIVEN = 29
    UNKNOWN = 30


class EventType(NamedTuple):
    """How we read one type of event: its kind, and the type of state that it belongs to (empty for none)."""

    kind: Kind
    state_type: str


def _catalogue() -> dict[str, EventType]:
    known: dict[str, EventType] = {}
    for state in ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait"):
        known[f"{state}StateEntered"] = EventType(Kind.ENTERED, state)
        known[f"{state}StateExited"] = EventType(Kind.EXITED, state)
    known["FailStateEntered"] = EventType(Kind.ENTERED, "Fail")
    for state in ("Task", "Wait"):
        known[f"{state}StateAborted"] = EventType(Kind.STATE_ABORTED, state)

    def family(prefix: str, state: str, **kinds: Kind) -> None:
        known.update({prefix + suffix: EventType(kind, state) for suffix, kind in kinds.items()})

    for task in ("Activity", "LambdaFunction", "Task"):
        family(
            task,
            "Task",
            Scheduled=Kind.TRY_SCHEDULED,
            Started=Kind.TRY_STARTED,
            Succeeded=Kind.TRY_SUCCEEDED,
            Failed=Kind.TRY_FAILED,
            TimedOut=Kind.TRY_TIMED_OUT,
        )
    family("Activity", "Task", ScheduleFailed=Kind.TRY_FAILED)
    family("LambdaFunction", "Task", ScheduleFailed=Kind.TRY_FAILED, StartFailed=Kind.TRY_FAILED)
    family("Task", "Task", Submitted=Kind.TRY_SUBMITTED, StartFailed=Kind.TRY_FAILED, SubmitFailed=Kind.TRY_FAILED)
    for state in sorted(CONTAINERS):
        family(
            f"{state}State",
            state,
            Started=Kind.CONTAINER_STARTED,
            Succeeded=Kind.CONTAINER_SUCCEEDED,
            Failed=Kind.CONTAINER_FAILED,
            Aborted=Kind.CONTAINER_ABORTED,
        )
    family(
        "MapIteration",
        "Map",
        Started=Kind.ITERATION_STARTED,
        Succeeded=Kind.ITERATION_SUCCEEDED,
        Failed=Kind.ITERATION_FAILED,
        Aborted=Kind.ITERATION_ABORTED,
    )
    family(
        "MapRun",
        "Map",
        Started=Kind.RUN_STARTED,
        Succeeded=Kind.RUN_SUCCEEDED,
        Failed=Kind.RUN_FAILED,
        Aborted=Kind.RUN_ABORTED,
        Redriven=Kind.RUN_REDRIVEN,
    )
    family(
        "Execution",
        "",
        Started=Kind.EXECUTION_STARTED,
        Succeeded=Kind.EXECUTION_SUCCEEDED,
        Failed=Kind.EXECUTION_FAILED,
        Aborted=Kind.EXECUTION_ABORTED,
        TimedOut=Kind.EXECUTION_TIMED_OUT,
        Redriven=Kind.EXECUTION_REDRIVEN,
    )
    known["EvaluationFailed"] = EventType(Kind.EVALUATION_FAILED, "")
    return known


_KNOWN = _catalogue()


def is_known(type_name: str) -> bool:
    """Whether AWS's model of November 2026 has this type of event.

    >>> len(_KNOWN), is_known("TaskScheduled"), is_known("TaskPaused")
    (62, True, False)
    """
    return type_name in _KNOWN


@cache
def read(type_name: str) -> EventType:
    """How we read a type of event. A type that AWS adds later is read by its ending, where that says enough.

    >>> read("MapIterationFailed")
    EventType(kind=<Kind.ITERATION_FAILED: 16>, state_type='Map')
    >>> read("AgentStateEntered")
    EventType(kind=<Kind.ENTERED: 1>, state_type='Agent')
    >>> read("TaskPaused").kind.name
    'UNKNOWN'
    """
    known = _KNOWN.get(type_name)
    if known:
        return known
    for ending, kind in (
        ("StateEntered", Kind.ENTERED),
        ("StateExited", Kind.EXITED),
        ("StateAborted", Kind.STATE_ABORTED),
    ):
        if type_name.endswith(ending) and type_name != ending:
            return EventType(kind, type_name.removesuffix(ending))
    return EventType(Kind.UNKNOWN, "")


@cache
def details_key(type_name: str) -> str:
    """The field of an event that holds its details.

    >>> details_key("WaitStateExited"), details_key("TaskFailed")
    ('stateExitedEventDetails', 'taskFailedEventDetails')
    """
    kind = read(type_name).kind
    if kind is Kind.ENTERED:
        return "stateEnteredEventDetails"
    if kind is Kind.EXITED:
        return "stateExitedEventDetails"
    return type_name[:1].lower() + type_name[1:] + "EventDetails"
