"""Faults of the sandbox's own: whatever happens, the execution ends as FAILED, in words a person can use."""

import threading
from typing import Any

import pytest

from helpers import engine
from helpers.sandbox.clock import clock
from helpers.sandbox.integrations import service_call
from helpers.sandbox.states_api import backend as kept
from helpers.sandbox.states_api.execution import Execution
from helpers.sandbox.states_api.handler import handle
from tests.sandbox.states_api.test_forgetting import begin_one, end_one

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
    assert (found.status, found.run.error) == ("FAILED", "States.Runtime")
    assert found.run.cause == "The sandbox met an error of its own in this state; its log has the details."
    assert backend.executions[end_one(backend, "next")].status == "SUCCEEDED"


def test_a_fault_of_whoever_answers_a_call_fails_its_task(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backend.executions[end_one(backend, "unanswered", definition=TASK, handler=lambda call: {}["lost"])]
    assert (found.status, found.run.error) == ("FAILED", "States.Runtime")
    assert "lost" not in str(found.run.cause)
    assert "KeyError" not in str(found.run.cause)


def test_a_fault_at_the_end_of_an_execution_keeps_nobody_waiting(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    monkeypatch.setattr(Execution, "_announce", lambda self: {}["lost"] if self.status == "ABORTED" else None)
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    execution = begin_one(backend, "watched", definition=waits)
    execution.after_end += [lambda: {}["lost"], done.set]
    execution.stop(None, None)
    assert done.wait(20)
    assert execution.status == "ABORTED"


def test_a_fault_while_a_nested_execution_is_presented_fails_the_task_that_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = kept.backend_of("123456789012", "us-east-1")
    child = end_one(backend, "nested-child")
    monkeypatch.setattr(service_call, "answer", lambda call, integration: {"ExecutionArn": child})
    monkeypatch.setattr(service_call, "ask", lambda *_: {}["lost"])
    resource = "arn:aws:states:::states:startExecution.sync"
    definition = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": resource, "End": True}}}
    found = backend.executions[end_one(backend, "nested-parent", definition=definition, handler=handle)]
    assert (found.status, found.run.error) == ("FAILED", "States.TaskFailed")
    assert "lost" not in str(found.run.cause)


def test_a_fault_in_what_is_posted_ends_nothing() -> None:
    clock.post(lambda: {}["lost"])
    done = threading.Event()
    clock.post(done.set)
    assert done.wait(20)
