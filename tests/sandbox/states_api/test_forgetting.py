"""What a server that runs for long forgets, and that it says so."""

import datetime
import gc
import json
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from helpers import engine
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import backend as kept
from helpers.sandbox.states_api import executions, history, machines
from helpers.sandbox.states_api.execution import Execution, tree
from helpers.sandbox.states_api.machines import Machine, Revision
from helpers.sandbox.states_api.states_error import StatesError
from tests.sandbox.states_api.conftest import PASS

ARN = "arn:aws:states:us-east-1:123456789012"


def mapping(times: int) -> dict[str, Any]:
    """A machine that runs a distributed Map so many times."""
    names = [f"Each{number}" for number in range(times)]
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    each = [
        {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": config,
                "StartAt": f"Go{number}",
                "States": {f"Go{number}": {"Type": "Pass", "End": True}},
            },
        }
        for number in range(times)
    ]
    leads = [{"Next": name} for name in names[1:]] + [{"End": True}]
    return {
        "StartAt": names[0],
        "States": {name: {**one, **lead} for name, one, lead in zip(names, each, leads, strict=True)},
    }


@pytest.fixture
def backend() -> kept.StatesBackend:
    return kept.StatesBackend("us-east-1", "123456789012")


def begin_one(
    backend: kept.StatesBackend,
    name: str,
    definition: dict[str, Any] = PASS,
    data: Any = None,
    handler: Callable[[engine.Call], Any] = lambda call: None,
    kind: str = "STANDARD",
) -> Execution:
    """An execution that has been started."""
    off = {"level": "OFF", "includeExecutionData": False}
    revision = Revision(json.dumps(definition), "", off, {}, {}, clock.now())
    machine = Machine(f"{ARN}:stateMachine:m", "m", kind, clock.now(), revision)
    backend.machines[machine.arn], backend.handler = machine, handler
    asked = {"stateMachineArn": machine.arn, "name": name, "input": json.dumps({} if data is None else data)}
    execution = Execution(backend, asked)
    execution.begin()
    clock.post(execution.go)
    return execution


def wait(execution: Execution) -> None:
    """Wait for an execution's end."""
    ended = threading.Event()
    clock.post(lambda: execution.after_end.append(ended.set) if execution.status == "RUNNING" else ended.set())
    assert ended.wait(60)


def end_one(backend: kept.StatesBackend, name: str, days_ago: float = 0, **given: Any) -> str:
    """The ARN of an execution that has run to its end."""
    execution = begin_one(backend, name, **given)
    wait(execution)
    if days_ago:
        execution.run.stopped = clock.now() - datetime.timedelta(days=days_ago)
        clock.call(backend.forget)
    return execution.arn


def test_the_memory_of_what_is_forgotten_is_free_at_once(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "EXECUTIONS_KEPT", 1)
    run = weakref.ref(backend.executions[end_one(backend, "first")].run)
    gc.collect()
    gc.disable()
    try:
        end_one(backend, "second")
        assert run() is None
    finally:
        gc.enable()


def test_a_reset_lets_go_of_everything(backend: kept.StatesBackend) -> None:
    parent = backend.executions[end_one(backend, "mapping", definition=mapping(1), data=["x" * 5_000])]
    runs = [weakref.ref(parent.run), weakref.ref(parent.map_runs[0].run.children[0])]
    del parent
    backend.reset()
    clock.call(lambda: None)  # by then the engine's thread has left what the execution's end asked of it
    gc.collect()
    assert [run() for run in runs] == [None, None]
    assert end_one(backend, "next") in backend.executions


def test_what_is_started_during_a_reset_ends_with_it(backend: kept.StatesBackend) -> None:
    sleeping = {"StartAt": "Sleep", "States": {"Sleep": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    execution = begin_one(backend, "late", definition=sleeping)
    backend.reset()
    wait(execution)
    assert (execution.status, execution.run.error) == ("ABORTED", "Sandbox.Reset")


def test_what_was_forgotten_meanwhile_is_not_redriven(backend: kept.StatesBackend) -> None:
    failing = {"StartAt": "No", "States": {"No": {"Type": "Fail"}}}
    execution = backend.executions[end_one(backend, "gone", definition=failing)]
    running = clock.executions
    backend.end_executions_of(execution.machine)
    with pytest.raises(StatesError, match="Does Not Exist"):
        clock.call(execution.redrive)
    assert clock.call(lambda: clock.executions) == running


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_an_execution_has_begun_before_anybody_knows_of_it(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whoever may stop it writes no event before its first."""
    known: list[bool] = []

    class Watched(Execution):
        def event(self, execution: engine.Execution, event: dict[str, Any]) -> None:
            known.append(self.arn in backend.executions or self.arn in backend.running)

    begin_one(backend, "first", kind=kind)
    monkeypatch.setattr(executions, "Execution", Watched)
    asked = {"stateMachineArn": f"{ARN}:stateMachine:m", "name": "second"}
    if kind == "STANDARD":
        executions.start_execution(backend, asked)
    else:
        executions.start_sync_execution(backend, asked)
    assert known[0] is False


def test_a_machine_is_deleted_when_its_execution_has_ended_or_before_but_not_meanwhile(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deleting = threading.Thread(
        target=lambda: machines.delete_state_machine(backend, {"stateMachineArn": f"{ARN}:stateMachine:m"})
    )

    class Watched(Execution):
        def ended(self, execution: engine.Execution) -> None:
            deleting.start()
            deleting.join(0.2)  # it need not be over, and must do no harm where it is
            super().ended(execution)

    begin_one(backend, "first")
    monkeypatch.setattr(executions, "Execution", Watched)
    executions.start_execution(backend, {"stateMachineArn": f"{ARN}:stateMachine:m", "name": "second"})
    while not deleting.ident:
        pass
    deleting.join()
    clock.call(lambda: None)
    assert backend.executions == {}
    assert caplog.messages == []


def test_a_redriven_execution_is_whole_and_put_away_again(backend: kept.StatesBackend) -> None:
    failing = {"StartAt": "No", "States": {"No": {"Type": "Fail"}}}
    execution = backend.executions[end_one(backend, "fails", definition=failing)]
    running = clock.executions
    clock.call(execution.redrive)
    wait(execution)
    assert clock.call(lambda: clock.executions) == running
    assert isinstance(execution.run.events, bytes)
    page = json.loads(history.get_execution_history(backend, {"executionArn": execution.arn}))
    types = ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]
    assert [event["type"] for event in page["events"]] == [*types, "ExecutionRedriven", *types[1:]]
    assert [event["id"] for event in page["events"]] == [1, 2, 3, 4, 5, 6]


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


def test_children_are_forgotten_with_their_parent_and_count_with_it(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backend.executions[end_one(backend, "first", definition=mapping(1), data=[1, 2, 3])]
    [run] = first.map_runs
    child = run.run.children[0].identity.arn
    assert backend.execution(child).run is run.run.children[0]
    monkeypatch.setattr(kept, "BYTES_KEPT", sum(one.size for one in tree(first.run)))
    clock.call(lambda: backend.forget(spared=0))
    assert list(backend.executions) == [first.arn]
    second = end_one(backend, "second")
    assert list(backend.executions) == [second]
    with pytest.raises(StatesError, match="has forgotten 1 ended executions"):
        backend.execution(child)
    with pytest.raises(StatesError, match="Resource not found"):
        backend.map_run(run.arn)


def test_an_execution_forgets_the_children_of_its_first_map_runs(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "BYTES_KEPT", 26_000)
    parent = backend.executions[end_one(backend, "looping", definition=mapping(3), data=[1, 2])]
    runs = parent.map_runs
    assert [len(run.run.children) for run in runs] == [0, 2, 2]
    assert [run.describe()["executionCounts"]["succeeded"] for run in runs] == [2, 2, 2]


def test_beyond_its_bytes_the_oldest_are_forgotten(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "BYTES_KEPT", 150_000)
    arns = [end_one(backend, name, data={"x": name * 20_000}) for name in ("first", "second", "third")]
    assert list(backend.executions) == arns[2:]
    assert backend.execution(arns[2]).status == "SUCCEEDED"


def test_what_has_gone_takes_no_bytes(backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "BYTES_KEPT", 250_000)
    data = {"x": "x" * 50_000}
    first = end_one(backend, "first")
    for number in range(10):
        end_one(backend, f"express-{number}", data=data, kind="EXPRESS")
    nested = mapping(1)
    inner = json.loads(json.dumps(mapping(1)).replace("Each0", "Inner"))
    nested["States"]["Each0"]["ItemProcessor"] |= inner
    for number in range(10):
        end_one(backend, f"nested-{number}", definition=nested, data=[["x" * 10_000]])
        backend.end_executions_of(backend.executions[f"{ARN}:execution:m:nested-{number}"].machine)
    assert list(backend.executions) == [first]
    assert backend.execution(first).status == "SUCCEEDED"


def test_an_execution_that_fills_the_memory_ends_with_a_clear_error(
    backend: kept.StatesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "BYTES_KEPT", 1_000_000)
    grow = {"Type": "Pass", "Parameters": {"a.$": "$.b", "b.$": "States.Format('{}{}', $.a, $.b)"}, "Next": "More"}
    definition = {
        "StartAt": "Grow",
        "States": {
            "Grow": grow,
            "More": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "End"}],
                "Default": "Shrink",
            },
            "Shrink": {"Type": "Pass", "Parameters": {"a.$": "$.a", "b.$": "States.UUID()"}, "Next": "Grow"},
            "End": {"Type": "Succeed"},
        },
    }
    arn = end_one(backend, "greedy", definition=definition, data={"a": "a" * 3_000, "b": "b"})
    found = backend.executions[arn]
    assert (found.status, found.run.error) == ("FAILED", "Sandbox.OutOfMemory")
    assert "LAB_SANDBOX_BYTES" in str(found.run.cause)
