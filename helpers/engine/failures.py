"""How a state fails: the names that AWS gives to errors, and which Retry or Catch is for which.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ALL = "States.ALL"
DATA_LIMIT = "States.DataLimitExceeded"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
INTRINSIC_FAILURE = "States.IntrinsicFailure"
PERMISSIONS = "States.Permissions"
QUERY_EVALUATION = "States.QueryEvaluationError"
RESULT_PATH_MATCH = "States.ResultPathMatchFailure"
RUNTIME = "States.Runtime"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
TOLERANCE_EXCEEDED = "States.ExceedToleratedFailureThreshold"

# Failures of the interpreter's own, whose cause says in which state they happened.
LOCATED = frozenset({RUNTIME, QUERY_EVALUATION, INTRINSIC_FAILURE})
NOT_A_TASK_FAILURE = frozenset({TIMEOUT, HEARTBEAT_TIMEOUT, RUNTIME, QUERY_EVALUATION})


class StateFailed(Exception):
    """A state has failed with AWS's `error` and `cause`, for its Retry and Catch to look at.

    `location` is the field whose JSONata expression failed, None for any other failure. `located` is for whoever says
    in the cause where it happened, which is said once; `by_token` says that whoever holds a task token said it;
    `also` is another name by which Retry and Catch know it.
    """

    def __init__(self, error: str | None, cause: str | None = None, location: str | None = None) -> None:
        super().__init__(error, cause, location)
        self.error, self.cause, self.location = error, cause, location
        self.located = False
        self.by_token = False
        self.also: str | None = None

    def __str__(self) -> str:
        return f"{self.error}: {self.cause}"


def too_large(name: str, what: str = "returned a result") -> str:
    """What is said of a result, or of an input, that is longer than a payload may be."""
    return f"The state/task '{name}' {what} with a size exceeding the maximum number of bytes service limit."


def matches(error_equals: Sequence[str], error: str | None, also: str | None = None) -> bool:
    """Whether a Retry or Catch with this ErrorEquals is for an error, which may also go by another name.

    States.Runtime is for none. States.ALL takes States.DataLimitExceeded, and States.TaskFailed no failed expression:
    so AWS does, and its documentation says otherwise.
    """
    if error == RUNTIME:
        return False
    return (
        error in error_equals
        or ALL in error_equals
        or (TASK_FAILED in error_equals and error not in NOT_A_TASK_FAILURE)
        or (error == HEARTBEAT_TIMEOUT and TIMEOUT in error_equals)
        or also in error_equals
    )


def matching(entries: Sequence[Any], failure: StateFailed) -> int | None:
    """The place of the first entry of a Retry or Catch that is for a failure; None where none is."""
    return next((at for at, one in enumerate(entries) if matches(one.errors, failure.error, failure.also)), None)
