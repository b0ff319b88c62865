"""Faults of the sandbox's own: whatever happens, the execution ends as FAILED, in words a person can use."""

import threading
from typing import Any

import pytest

from helpers import engine
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import backend as kept
from tests.sandbox.states_api.test_forgetting import end_one

TASK = {
    "StartAt": "Work",
    "States": {"Work": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}},
}


@pytest.fixture
def backend() -> kept.StatesBackend:
    return kept.StatesBackend("us-east-1", "123456789012")


def test_a_fault_in_a_state_fails_its_execution_and_no_other(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(engine.execution.Frame, "leave", fail)
        found = backend.executions[end_one(backend, "broken")]
    assert (found.status, found.error) == ("FAILED", "States.Runtime")
    assert found.cause == "The sandbox met an error of its own in this state; its log has the details."
    assert backend.executions[end_one(backend, "next")].status == "SUCCEEDED"


def test_a_fault_of_whoever_answers_a_call_fails_its_task(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backend.executions[end_one(backend, "unanswered", definition=TASK, handler=lambda call: {}["lost"])]
    assert (found.status, found.error) == ("FAILED", "States.Runtime")
    assert "lost" not in str(found.cause)
    assert "KeyError" not in str(found.cause)


def test_a_fault_in_what_is_posted_ends_nothing() -> None:
    clock.post(lambda: {}["lost"])
    done = threading.Event()
    clock.post(done.set)
    assert done.wait(20)
