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
    "KNOWN",
    "EventType",
    "Group",
    "Kind",
    "details_key",
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


ENDS = {
    Kind.EXECUTION_SUCCEEDED: "SUCCEEDED",
    Kind.EXECUTION_FAILED: "FAILED",
    Kind.EXECUTION_TIMED_OUT: "TIMED_OUT",
    Kind.EXECUTION_ABORTED: "ABORTED",
}
"""AWS's execution status after each kind of event that ends an execution."""
_TASKS = "Activity LambdaFunction Task"
_TABLE = (
    (Group.STATE, Kind.ENTERED, "Choice Fail Map Parallel Pass Succeed Task Wait", "StateEntered"),
    (Group.STATE, Kind.EXITED, "Choice Map Parallel Pass Succeed Task Wait", "StateExited"),
    (Group.STATE, Kind.STATE_ABORTED, "Task Wait", "StateAborted"),
    (Group.ATTEMPT, Kind.ATTEMPT_SCHEDULED, _TASKS, "Scheduled"),
    (Group.ATTEMPT, Kind.ATTEMPT_STARTED, _TASKS, "Started"),
    (Group.ATTEMPT, Kind.ATTEMPT_SUBMITTED, "Task", "Submitted"),
    (Group.ATTEMPT, Kind.ATTEMPT_SUCCEEDED, _TASKS, "Succeeded"),
    (Group.ATTEMPT, Kind.ATTEMPT_FAILED, _TASKS, "Failed"),
    (Group.ATTEMPT, Kind.ATTEMPT_FAILED, "Activity LambdaFunction", "ScheduleFailed"),
    (Group.ATTEMPT, Kind.ATTEMPT_FAILED, "LambdaFunction Task", "StartFailed"),
    (Group.ATTEMPT, Kind.ATTEMPT_FAILED, "Task", "SubmitFailed"),
    (Group.ATTEMPT, Kind.ATTEMPT_TIMED_OUT, _TASKS, "TimedOut"),
    (Group.CONTAINER, Kind.CONTAINER_STARTED, "Map Parallel", "StateStarted"),
    (Group.CONTAINER, Kind.CONTAINER_SUCCEEDED, "Map Parallel", "StateSucceeded"),
    (Group.CONTAINER, Kind.CONTAINER_FAILED, "Map Parallel", "StateFailed"),
    (Group.CONTAINER, Kind.CONTAINER_ABORTED, "Map Parallel", "StateAborted"),
    (Group.ITERATION, Kind.ITERATION_STARTED, "Map", "IterationStarted"),
    (Group.ITERATION, Kind.ITERATION_SUCCEEDED, "Map", "IterationSucceeded"),
    (Group.ITERATION, Kind.ITERATION_FAILED, "Map", "IterationFailed"),
    (Group.ITERATION, Kind.ITERATION_ABORTED, "Map", "IterationAborted"),
    (Group.RUN, Kind.RUN_STARTED, "Map", "RunStarted"),
    (Group.RUN, Kind.RUN_SUCCEEDED, "Map", "RunSucceeded"),
    (Group.RUN, Kind.RUN_FAILED, "Map", "RunFailed"),
    (Group.RUN, Kind.RUN_ABORTED, "Map", "RunAborted"),
    (Group.RUN, Kind.RUN_REDRIVEN, "Map", "RunRedriven"),
    (Group.EXECUTION, Kind.EXECUTION_STARTED, "Execution", "Started"),
    (Group.EXECUTION, Kind.EXECUTION_SUCCEEDED, "Execution", "Succeeded"),
    (Group.EXECUTION, Kind.EXECUTION_FAILED, "Execution", "Failed"),
    (Group.EXECUTION, Kind.EXECUTION_ABORTED, "Execution", "Aborted"),
    (Group.EXECUTION, Kind.EXECUTION_TIMED_OUT, "Execution", "TimedOut"),
    (Group.EXECUTION, Kind.EXECUTION_REDRIVEN, "Execution", "Redriven"),
    (Group.EVALUATION, Kind.EVALUATION_FAILED, "Evaluation", "Failed"),
)
_STATE_TYPES = {"Activity": "Task", "LambdaFunction": "Task", "Execution": "", "Evaluation": ""}
KNOWN = {
    beginning + ending: EventType(kind, _STATE_TYPES.get(beginning, beginning), group)
    for group, kind, beginnings, ending in _TABLE
    for beginning in beginnings.split()
}
"""AWS's types of event, in its model of November 2026."""


@cache
def read(type_name: str) -> EventType:
    """How we read a type of event. A type that AWS adds later is read by its ending, where that says enough.

    >>> len(KNOWN)
    62
    >>> [(one.kind.name, one.state_type) for one in map(read, ("MapIterationFailed", "AgentStateEntered"))]
    [('ITERATION_FAILED', 'Map'), ('ENTERED', 'Agent')]
    >>> read("TaskPaused").kind.name
    'UNKNOWN'
    """
    if type_name in KNOWN:
        return KNOWN[type_name]
    for group, kind, _, ending in _TABLE:
        if group is Group.STATE and type_name.endswith(ending) and type_name != ending:
            return EventType(kind, type_name.removesuffix(ending), group)
    return EventType(Kind.UNKNOWN, "", Group.OTHER)


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
