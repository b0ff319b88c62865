"""Map Runs of a distributed Map."""

from typing import Any

import pytest

from tests.sandbox.states_api.conftest import Machines, refused

EACH = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "MaxConcurrency": 2,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Go",
                "States": {"Go": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    },
}


@pytest.fixture
def run(states: Any, machine: Machines, until: Any) -> dict[str, Any]:
    """The Map Run of an execution over three items, as it is listed."""
    arn = states.start_execution(stateMachineArn=machine(EACH), input="[1, 2, 3]")["executionArn"]
    assert until(arn)["status"] == "SUCCEEDED"
    [found] = states.list_map_runs(executionArn=arn)["mapRuns"]
    assert found["executionArn"] == arn
    listed: dict[str, Any] = found
    return listed


def test_a_map_run_is_described(states: Any, run: dict[str, Any]) -> None:
    found = states.describe_map_run(mapRunArn=run["mapRunArn"])
    assert found["status"] == "SUCCEEDED"
    assert found["maxConcurrency"] == 2
    assert found["itemCounts"]["succeeded"] == found["itemCounts"]["total"] == 3
    assert found["executionCounts"]["succeeded"] == 3
    assert found["startDate"] == run["startDate"] <= found["stopDate"]


def test_what_the_sandbox_does_not_do_with_map_runs_it_says(states: Any, run: dict[str, Any]) -> None:
    code, message = refused(states.list_executions, mapRunArn=run["mapRunArn"])
    assert code == "NotInSandbox"
    assert "not in the sandbox" in message
    assert refused(states.update_map_run, mapRunArn=run["mapRunArn"], maxConcurrency=1)[0] == "ValidationException"


def test_an_unknown_map_run(states: Any, run: dict[str, Any]) -> None:
    arn = run["mapRunArn"][:-1] + "~"
    assert refused(states.describe_map_run, mapRunArn=arn) == ("ResourceNotFound", f"Resource not found: '{arn}'")
    assert refused(states.describe_map_run, mapRunArn="abc")[0] == "InvalidArn"
