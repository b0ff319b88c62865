"""What a server that runs for long forgets, and that it says so."""

import datetime
import json

import pytest

from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import backend as kept
from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.execution import Execution
from helpers.sandbox.states_api.machines import Machine, Revision
from tests.sandbox.states_api.conftest import PASS

ARN = "arn:aws:states:us-east-1:123456789012"


@pytest.fixture
def backend() -> kept.StatesBackend:
    return kept.StatesBackend("us-east-1", "123456789012")


def end_one(backend: kept.StatesBackend, name: str, days_ago: float = 0) -> str:
    """The ARN of an execution that has ended as the interpreter ends it, without having run."""
    off = {"level": "OFF", "includeExecutionData": False}
    revision = Revision(json.dumps(PASS), "", off, {}, {}, clock.now())
    machine = Machine(f"{ARN}:stateMachine:m", "m", "STANDARD", clock.now(), revision)
    execution = Execution(backend, machine, None, None, f"{ARN}:execution:m:{name}", name, "{}")
    backend.executions[execution.arn] = execution
    execution._end("SUCCEEDED", {"output": "{}"}, clock.now() - datetime.timedelta(days=days_ago))
    backend.execution_ended(execution, [f"token of {name}"])
    return execution.arn


def test_the_oldest_ended_executions_go_first(backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "EXECUTIONS_KEPT", 2)
    arns = [end_one(backend, name) for name in ("first", "second", "third")]
    assert list(backend.executions) == arns[1:]
    with pytest.raises(StatesError, match="has forgotten 1 ended executions: it keeps the last 2") as caught:
        backend.execution(arns[0])
    assert caught.value.code == "ExecutionDoesNotExist"


def test_an_execution_is_kept_for_90_days(backend: kept.StatesBackend) -> None:
    old, young = end_one(backend, "old", days_ago=90.1), end_one(backend, "young", days_ago=89.9)
    assert list(backend.executions) == [young]
    with pytest.raises(StatesError, match="for 90 days"):
        backend.execution(old)


def test_nothing_is_said_of_forgetting_where_nothing_was_forgotten(backend: kept.StatesBackend) -> None:
    arn = f"{ARN}:execution:m:none"
    with pytest.raises(StatesError) as caught:
        backend.execution(arn)
    assert caught.value.message == f"Execution Does Not Exist: '{arn}'"


def test_tokens_of_ended_executions_are_remembered_for_a_while(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "TOKENS_KEPT", 1)
    end_one(backend, "first")
    end_one(backend, "second")
    assert not backend.is_closed_token("token of first")
    assert backend.is_closed_token("token of second")
