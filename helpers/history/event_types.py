"""What each type of history event says: the 62 of AWS's model, and how we read types that come later.

Source: `HistoryEvent` in the Step Functions API reference (read November 2026).
"""

from enum import IntEnum, auto
from functools import cache
from typing import NamedTuple

__all__ = [
    "CONTAINERS",
    "ENDS",
    "FAILED",
    "FIELDS",
    "EventType",
    "Group",
    "Kind",
    "details_key",
    "fields",
    "is_known",
    "read",
]

CONTAINERS = frozenset({"Map", "Parallel"})
"""The types of state that hold other states."""
FAILED = ("Failed", "TimedOut")
"""How the type of an event ends that reports a failure or a time-out, of an attempt or of anything around it."""


class Kind(IntEnum):
    """What an event does to the visit or attempt that it belongs to."""

    ENTERED = auto()
    EXITED = auto()
    STATE_ABORTED = auto()
    ATTEMPT_SCHEDULED = auto()
    ATTEMPT_STARTED = auto()
    ATTEMPT_SUBMITTED = auto()
    ATTEMPT_SUCCEEDED = auto()
    ATTEMPT_FAILED = auto()
    ATTEMPT_TIMED_OUT = auto()
    CONTAINER_STARTED = auto()
    CONTAINER_SUCCEEDED = auto()
    CONTAINER_FAILED = auto()
    CONTAINER_ABORTED = auto()
    ITERATION_STARTED = auto()
    ITERATION_SUCCEEDED = auto()
    ITERATION_FAILED = auto()
    ITERATION_ABORTED = auto()
    RUN_STARTED = auto()
    RUN_SUCCEEDED = auto()
    RUN_FAILED = auto()
    RUN_ABORTED = auto()
    RUN_REDRIVEN = auto()
    EVALUATION_FAILED = auto()
    EXECUTION_STARTED = auto()
    EXECUTION_SUCCEEDED = auto()
    EXECUTION_FAILED = auto()
    EXECUTION_ABORTED = auto()
    EXECUTION_TIMED_OUT = auto()
    EXECUTION_REDRIVEN = auto()
    UNKNOWN = auto()


class Group(IntEnum):
    """What an event is about."""

    STATE = auto()
    ATTEMPT = auto()
    CONTAINER = auto()
    ITERATION = auto()
    RUN = auto()
    EVALUATION = auto()
    EXECUTION = auto()
    OTHER = auto()


class EventType(NamedTuple):
    """How we read one type of event: its kind, the type of state that it belongs to (empty for none), its group."""

    kind: Kind
    state_type: str
    group: Group


_KINDS = {
    Group.STATE: (
        Kind.ENTERED,
        Kind.EXITED,
        Kind.STATE_ABORTED,
    ),
    Group.ATTEMPT: (
        Kind.ATTEMPT_SCHEDULED,
        Kind.ATTEMPT_STARTED,
        Kind.ATTEMPT_SUBMITTED,
        Kind.ATTEMPT_SUCCEEDED,
        Kind.ATTEMPT_FAILED,
        Kind.ATTEMPT_TIMED_OUT,
    ),
    Group.CONTAINER: (
        Kind.CONTAINER_STARTED,
        Kind.CONTAINER_SUCCEEDED,
        Kind.CONTAINER_FAILED,
        Kind.CONTAINER_ABORTED,
    ),
    Group.ITERATION: (
        Kind.ITERATION_STARTED,
        Kind.ITERATION_SUCCEEDED,
        Kind.ITERATION_FAILED,
        Kind.ITERATION_ABORTED,
    ),
    Group.RUN: (
        Kind.RUN_STARTED,
        Kind.RUN_SUCCEEDED,
        Kind.RUN_FAILED,
        Kind.RUN_ABORTED,
        Kind.RUN_REDRIVEN,
    ),
    Group.EVALUATION: (Kind.EVALUATION_FAILED,),
    Group.EXECUTION: (
        Kind.EXECUTION_STARTED,
        Kind.EXECUTION_SUCCEEDED,
        Kind.EXECUTION_FAILED,
        Kind.EXECUTION_ABORTED,
        Kind.EXECUTION_TIMED_OUT,
        Kind.EXECUTION_REDRIVEN,
    ),
}
_GROUPS = {kind: group for group, kinds in _KINDS.items() for kind in kinds}
ENDS = {
    Kind.EXECUTION_SUCCEEDED: "SUCCEEDED",
    Kind.EXECUTION_FAILED: "FAILED",
    Kind.EXECUTION_TIMED_OUT: "TIMED_OUT",
    Kind.EXECUTION_ABORTED: "ABORTED",
}
"""AWS's execution status after each kind of event that ends an execution."""
_KNOWN = {
    "ChoiceStateEntered": ("Choice", Kind.ENTERED),
    "ChoiceStateExited": ("Choice", Kind.EXITED),
    "MapStateEntered": ("Map", Kind.ENTERED),
    "MapStateExited": ("Map", Kind.EXITED),
    "ParallelStateEntered": ("Parallel", Kind.ENTERED),
    "ParallelStateExited": ("Parallel", Kind.EXITED),
    "PassStateEntered": ("Pass", Kind.ENTERED),
    "PassStateExited": ("Pass", Kind.EXITED),
    "SucceedStateEntered": ("Succeed", Kind.ENTERED),
    "SucceedStateExited": ("Succeed", Kind.EXITED),
    "TaskStateEntered": ("Task", Kind.ENTERED),
    "TaskStateExited": ("Task", Kind.EXITED),
    "WaitStateEntered": ("Wait", Kind.ENTERED),
    "WaitStateExited": ("Wait", Kind.EXITED),
    "FailStateEntered": ("Fail", Kind.ENTERED),
    "TaskStateAborted": ("Task", Kind.STATE_ABORTED),
    "WaitStateAborted": ("Wait", Kind.STATE_ABORTED),
    "ActivityScheduled": ("Task", Kind.ATTEMPT_SCHEDULED),
    "ActivityStarted": ("Task", Kind.ATTEMPT_STARTED),
    "ActivitySucceeded": ("Task", Kind.ATTEMPT_SUCCEEDED),
    "ActivityFailed": ("Task", Kind.ATTEMPT_FAILED),
    "ActivityTimedOut": ("Task", Kind.ATTEMPT_TIMED_OUT),
    "LambdaFunctionScheduled": ("Task", Kind.ATTEMPT_SCHEDULED),
    "LambdaFunctionStarted": ("Task", Kind.ATTEMPT_STARTED),
    "LambdaFunctionSucceeded": ("Task", Kind.ATTEMPT_SUCCEEDED),
    "LambdaFunctionFailed": ("Task", Kind.ATTEMPT_FAILED),
    "LambdaFunctionTimedOut": ("Task", Kind.ATTEMPT_TIMED_OUT),
    "TaskScheduled": ("Task", Kind.ATTEMPT_SCHEDULED),
    "TaskStarted": ("Task", Kind.ATTEMPT_STARTED),
    "TaskSucceeded": ("Task", Kind.ATTEMPT_SUCCEEDED),
    "TaskFailed": ("Task", Kind.ATTEMPT_FAILED),
    "TaskTimedOut": ("Task", Kind.ATTEMPT_TIMED_OUT),
    "ActivityScheduleFailed": ("Task", Kind.ATTEMPT_FAILED),
    "LambdaFunctionScheduleFailed": ("Task", Kind.ATTEMPT_FAILED),
    "LambdaFunctionStartFailed": ("Task", Kind.ATTEMPT_FAILED),
    "TaskSubmitted": ("Task", Kind.ATTEMPT_SUBMITTED),
    "TaskStartFailed": ("Task", Kind.ATTEMPT_FAILED),
    "TaskSubmitFailed": ("Task", Kind.ATTEMPT_FAILED),
    "MapStateStarted": ("Map", Kind.CONTAINER_STARTED),
    "MapStateSucceeded": ("Map", Kind.CONTAINER_SUCCEEDED),
    "MapStateFailed": ("Map", Kind.CONTAINER_FAILED),
    "MapStateAborted": ("Map", Kind.CONTAINER_ABORTED),
    "ParallelStateStarted": ("Parallel", Kind.CONTAINER_STARTED),
    "ParallelStateSucceeded": ("Parallel", Kind.CONTAINER_SUCCEEDED),
    "ParallelStateFailed": ("Parallel", Kind.CONTAINER_FAILED),
    "ParallelStateAborted": ("Parallel", Kind.CONTAINER_ABORTED),
    "MapIterationStarted": ("Map", Kind.ITERATION_STARTED),
    "MapIterationSucceeded": ("Map", Kind.ITERATION_SUCCEEDED),
    "MapIterationFailed": ("Map", Kind.ITERATION_FAILED),
    "MapIterationAborted": ("Map", Kind.ITERATION_ABORTED),
    "MapRunStarted": ("Map", Kind.RUN_STARTED),
    "MapRunSucceeded": ("Map", Kind.RUN_SUCCEEDED),
    "MapRunFailed": ("Map", Kind.RUN_FAILED),
    "MapRunAborted": ("Map", Kind.RUN_ABORTED),
    "MapRunRedriven": ("Map", Kind.RUN_REDRIVEN),
    "ExecutionStarted": ("", Kind.EXECUTION_STARTED),
    "ExecutionSucceeded": ("", Kind.EXECUTION_SUCCEEDED),
    "ExecutionFailed": ("", Kind.EXECUTION_FAILED),
    "ExecutionAborted": ("", Kind.EXECUTION_ABORTED),
    "ExecutionTimedOut": ("", Kind.EXECUTION_TIMED_OUT),
    "ExecutionRedriven": ("", Kind.EXECUTION_REDRIVEN),
    "EvaluationFailed": ("", Kind.EVALUATION_FAILED),
}
"""AWS's types of event: the type of state that each belongs to (empty for none), and its kind."""
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
    Kind.ATTEMPT_SCHEDULED: (*_TASK, *_INPUT, "parameters"),
    Kind.ATTEMPT_STARTED: _TASK,
    Kind.ATTEMPT_SUBMITTED: (*_TASK, *_OUTPUT),
    Kind.ATTEMPT_SUCCEEDED: (*_TASK, *_OUTPUT),
    Kind.ATTEMPT_FAILED: (*_TASK, *_ERROR),
    Kind.ATTEMPT_TIMED_OUT: (*_TASK, *_ERROR),
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

    >>> [(one.kind.name, one.state_type) for one in map(read, ("MapIterationFailed", "AgentStateEntered"))]
    [('ITERATION_FAILED', 'Map'), ('ENTERED', 'Agent')]
    >>> read("TaskPaused").kind.name
    'UNKNOWN'
    """
    state_type, kind = _KNOWN.get(type_name) or _by_ending(type_name)
    return EventType(kind, state_type, _GROUPS.get(kind, Group.OTHER))


def _by_ending(type_name: str) -> tuple[str, Kind]:
    for ending, kind in (
        ("StateEntered", Kind.ENTERED),
        ("StateExited", Kind.EXITED),
        ("StateAborted", Kind.STATE_ABORTED),
    ):
        if type_name.endswith(ending) and type_name != ending:
            return type_name.removesuffix(ending), kind
    return "", Kind.UNKNOWN


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
