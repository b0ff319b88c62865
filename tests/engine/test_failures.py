"""Which Retry or Catch is for which error."""

import pytest

from helpers.engine.failures import StateFailed, matches

ERRORS = [
    "Own",
    "States.TaskFailed",
    "States.Timeout",
    "States.HeartbeatTimeout",
    "States.Runtime",
    "States.DataLimitExceeded",
    "States.IntrinsicFailure",
    "States.QueryEvaluationError",
    None,
]
MATCHED = {
    "Own": {"Own"},
    "States.ALL": {*ERRORS} - {"States.Runtime"},
    "States.TaskFailed": {"Own", "States.TaskFailed", "States.IntrinsicFailure", "States.DataLimitExceeded", None},
    "States.Timeout": {"States.Timeout", "States.HeartbeatTimeout"},
    "States.HeartbeatTimeout": {"States.HeartbeatTimeout"},
    "States.Runtime": set(),
    "States.DataLimitExceeded": {"States.DataLimitExceeded"},
}


@pytest.mark.parametrize("name", MATCHED)
def test_matches(name: str) -> None:
    assert {error for error in ERRORS if matches([name], error)} == MATCHED[name]
    assert {error for error in ERRORS if matches(["Other", name], error)} == MATCHED[name]


def test_a_failure_says_what_happened() -> None:
    failed = StateFailed("States.Runtime", "It broke.", "Output")
    assert (failed.error, failed.cause, failed.location, failed.located) == (
        "States.Runtime",
        "It broke.",
        "Output",
        False,
    )
    assert str(failed) == "States.Runtime: It broke."
