"""What a server that runs for long forgets, and that it says so."""

import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.api import MapRunStatus

from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import backend as kept
from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.execution import Execution
from helpers.sandbox.states_api.machines import Machine, Revision
from helpers.sandbox.states_api.map_run import MapRun
from tests.sandbox.states_api.conftest import PASS

ARN = "arn:aws:states:us-east-1:123456789012"
MAPPING = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **PASS},
            "End": True,
        }
    },
}


@pytest.fixture
def backend() -> kept.StatesBackend:
    return kept.StatesBackend("us-east-1", "123456789012")


def end_one(backend: kept.StatesBackend, name: str, days_ago: float = 0, definition: dict[str, Any] = PASS) -> str:
    """The ARN of an execution that has ended as the interpreter ends it, without having run."""
    off = {"level": "OFF", "includeExecutionData": False}
    revision = Revision(json.dumps(definition), "", off, {}, {}, clock.now())
    machine = Machine(f"{ARN}:stateMachine:m", "m", "STANDARD", clock.now(), revision)
    execution = Execution(backend, machine, None, None, f"{ARN}:execution:m:{name}", name, "{}")
    backend.executions[execution.arn] = execution
    execution._end("SUCCEEDED", {"output": "{}"}, clock.now() - datetime.timedelta(days=days_ago))
    backend.execution_ended(execution, [f"token of {name}"])
    return execution.arn


def map_over(execution: Execution, number: int) -> MapRun:
    """A Map Run of an execution, with so many children that have ended, each with two events."""
    settings = {"max_concurrency": 0, "tolerated_failure_count": 0, "tolerated_failure_percentage": 0, "label": None}
    run = MapRun(execution, SimpleNamespace(name="Each"), 2, **settings)
    program = SimpleNamespace(start_at=SimpleNamespace(start_at_name="Go"))
    for index in range(number):
        child = run.child(index, {}, program, None, None)
        child.events.add_event(child.events.top, "ExecutionSucceeded", {"executionSucceededEventDetails": {}})
        assert child._run
        child.release(child._run)
    execution._map_runs.append(run)
    return run


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


def test_children_are_forgotten_with_their_parent_and_count_by_their_events(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backend.executions[end_one(backend, "first", definition=MAPPING)]
    run = map_over(first, 3)
    arn = run.children[0].arn
    assert backend.execution(arn) is run.children[0]
    assert first.events_kept() == 1 + 3 * 2
    backend.execution_ended(first, [])
    monkeypatch.setattr(kept, "EVENTS_KEPT", 7)
    second = end_one(backend, "second")
    assert list(backend.executions) == [second]
    with pytest.raises(StatesError, match="has forgotten 1 ended executions"):
        backend.execution(arn)
    with pytest.raises(StatesError, match="Resource not found"):
        backend.map_run(run.map_run_arn)


def test_an_execution_forgets_the_children_of_its_first_map_runs(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = backend.executions[end_one(backend, "looping", definition=MAPPING)]
    monkeypatch.setattr(kept, "EVENTS_KEPT", 10)
    runs = [map_over(parent, 2) for _ in range(3)]
    for run in runs:
        run.set_stop(MapRunStatus.SUCCEEDED)
    assert [len(run.children) for run in runs] == [0, 2, 2]
    assert [run.execution_counter.succeeded.get() for run in runs] == [2, 2, 2]
    assert parent.events_kept() == 1 + 2 * 4
