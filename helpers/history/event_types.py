"""What each type of history event says: the 62 of AWS's model, and how we read types that come later.

Source: `HistoryEvent` in the Step Functions API reference (read November 2026).
"""

from enum import IntEnum
from functools import cache
from typing import NamedTuple

__all__ = ["CONTAINERS", "FIELDS", "EventType", "Group", "Kind", "details_key", "fields", "is_known", "read"]

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


class Group(IntEnum):
    """What an event is about."""

    STATE = 1
    TRY = 2
    CONTAINER = 3
    ITERATION = 4
    RUN = 5
    EVALUATION = 6
    EXECUTION = 7
    OTHER = 8


class EventType(NamedTuple):
    """How we read one type of event: its kind, the type of state that it belongs to (empty for none), its group."""

    kind: Kind
    state_type: str
    group: Group


def _reading(kind: Kind, state_type: str) -> EventType:
    for group, last in (
        (Group.STATE, Kind.STATE_ABORTED),
        (Group.TRY, Kind.TRY_TIMED_OUT),
        (Group.CONTAINER, Kind.CONTAINER_ABORTED),
        (Group.ITERATION, Kind.ITERATION_ABORTED),
        (Group.RUN, Kind.RUN_REDRIVEN),
        (Group.EVALUATION, Kind.EVALUATION_FAILED),
        (Group.EXECUTION, Kind.EXECUTION_REDRIVEN),
    ):
        if kind <= last:
            return EventType(kind, state_type, group)
    return EventType(kind, state_type, Group.OTHER)


def _catalogue() -> dict[str, EventType]:
    known: dict[str, EventType] = {}
    for state in ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait"):
        known[f"{state}StateEntered"] = _reading(Kind.ENTERED, state)
        known[f"{state}StateExited"] = _reading(Kind.EXITED, state)
    known["FailStateEntered"] = _reading(Kind.ENTERED, "Fail")
    for state in ("Task", "Wait"):
        known[f"{state}StateAborted"] = _reading(Kind.STATE_ABORTED, state)

    def family(prefix: str, state: str, **kinds: Kind) -> None:
        known.update({prefix + suffix: _reading(kind, state) for suffix, kind in kinds.items()})

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
    known["EvaluationFailed"] = _reading(Kind.EVALUATION_FAILED, "")
    return known


_KNOWN = _catalogue()
_TASK = ("resource", "resourceType")
_INPUT = ("input", "inputDetails")
_OUTPUT = ("output", "outputDetails")
_ERROR = ("error", "cause")
FIELDS = {
    "state": "name",
    "name": "name",
    "index": "index",
    "resource": "resource",
    "resourceType": "resource_type",
    "error": "error",
    "cause": "cause",
    "parameters": "input",
    "input": "input",
    "inputDetails": "truncated",
    "output": "output",
    "outputDetails": "truncated",
}
"""The fields of events' details that we keep, of all types together, and the column that each goes into."""
_FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.ENTERED: ("name", *_INPUT),
    Kind.EXITED: ("name", *_OUTPUT),
    Kind.TRY_SCHEDULED: (*_TASK, *_INPUT, "parameters"),
    Kind.TRY_STARTED: _TASK,
    Kind.TRY_SUBMITTED: (*_TASK, *_OUTPUT),
    Kind.TRY_SUCCEEDED: (*_TASK, *_OUTPUT),
    Kind.TRY_FAILED: (*_TASK, *_ERROR),
    Kind.TRY_TIMED_OUT: (*_TASK, *_ERROR),
    Kind.ITERATION_STARTED: ("name", "index"),
    Kind.ITERATION_SUCCEEDED: ("name", "index"),
    Kind.ITERATION_FAILED: ("name", "index"),
    Kind.ITERATION_ABORTED: ("name", "index"),
    Kind.EXECUTION_STARTED: _INPUT,
    Kind.EXECUTION_SUCCEEDED: _OUTPUT,
}


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
    EventType(kind=<Kind.ITERATION_FAILED: 16>, state_type='Map', group=<Group.ITERATION: 4>)
    >>> read("AgentStateEntered")
    EventType(kind=<Kind.ENTERED: 1>, state_type='Agent', group=<Group.STATE: 1>)
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
            return _reading(kind, type_name.removesuffix(ending))
    return _reading(Kind.UNKNOWN, "")


@cache
def fields(type_name: str) -> tuple[str, ...]:
    """The fields of a type's details that we keep.

    >>> fields("WaitStateExited")
    ('name', 'output', 'outputDetails')
    """
    return _FIELDS.get(read(type_name).kind, tuple(FIELDS))


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
