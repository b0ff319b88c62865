"""Faults inside the interpreter: whatever happens in one of its threads, the execution ends as FAILED."""

import json
from typing import Any

import pytest

from helpers.sandbox import clock, interpreter
from tests.sandbox.clock.conftest import machine, types, wait

FAULT = "the disk is full"


@pytest.fixture(autouse=True, scope="module")
def mended() -> None:
    """The interpreter in this process, as in the sandbox."""
    clock.mend()
    interpreter.mend()


def run(definition: dict[str, Any], fault_at: str, **given: Any) -> list[dict[str, Any]]:
    """The events of a run in this process, where publishing an event of a type fails."""
    from moto.stepfunctions.parser.api import StateMachineType
    from moto.stepfunctions.parser.asl.eval.environment import Environment
    from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
    from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    class Faulty(EventManager):  # type: ignore[misc]
        def _publish_history_event(self, event_type: str, **event: Any) -> None:
            if event_type == fault_at:
                raise OSError(FAULT)
            super()._publish_history_event(event_type=event_type, **event)

    env = Environment(
        aws_execution_details=AWSExecutionDetails(account="123456789012", region="us-east-1", role_arn=""),
        execution_type=StateMachineType.STANDARD,
        context={"Execution": {"Input": given}, "StateMachine": {}},
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )
    env.event_manager = Faulty()
    AmazonStateLanguageParser.parse(json.dumps(definition))[0].eval(env)
    return list(env.event_manager._history_event_list)


def parallel(*branches: dict[str, Any]) -> dict[str, Any]:
    return machine(All={"Type": "Parallel", "Branches": branches, "End": True})


def each(processor: dict[str, Any]) -> dict[str, Any]:
    return machine(Each={"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": processor, "End": True})


@pytest.mark.parametrize(
    ("definition", "fault_at"),
    [
        (machine(Pass={"Type": "Pass", "End": True}), "PassStateEntered"),
        (machine(Pass={"Type": "Pass", "End": True}), "PassStateExited"),
        (parallel(machine(Pass={"Type": "Pass", "End": True}), machine(Wait=wait(3600))), "PassStateExited"),
        (
            machine(
                Each={"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": machine(Wait=wait(3600)), "End": True}
            ),
            "MapIterationStarted",
        ),
    ],
)
def test_an_event_that_cannot_be_written_fails_the_execution(definition: dict[str, Any], fault_at: str) -> None:
    events = run(definition, fault_at, items=[1, 2])
    assert types(events)[-1] == "ExecutionFailed"
    assert events[-1]["executionFailedEventDetails"]["error"] == "States.Runtime"
    assert FAULT in events[-1]["executionFailedEventDetails"]["cause"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
