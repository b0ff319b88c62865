"""Map Runs of a distributed Map."""

import copy
import time
from typing import Any

import pytest

from tests.sandbox.states_api.conftest import Machines, refused

EACH: dict[str, Any] = {
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


def test_the_child_executions_of_a_map_run_are_listed(states: Any, run: dict[str, Any]) -> None:
    pages = states.get_paginator("list_executions").paginate(
        mapRunArn=run["mapRunArn"], PaginationConfig={"PageSize": 2}
    )
    found = [child for page in pages for child in page["executions"]]
    assert [child["status"] for child in found] == ["SUCCEEDED"] * 3
    assert len({child["executionArn"] for child in found}) == 3
    assert all(child["executionArn"].endswith(f":{child['name']}") for child in found)
    assert {child["mapRunArn"] for child in found} == {run["mapRunArn"]}
    assert states.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED")["executions"] == []


def test_the_children_that_were_redriven_are_listed(states: Any, machine: Machines, until: Any) -> None:
    """The redriveFilter of a Map Run is for its children: API reference, ListExecutions."""
    definition = copy.deepcopy(EACH)
    definition["States"]["Each"]["ItemProcessor"]["States"] = {
        "Go": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "No"}], "Default": "Yes"},
        "No": {"Type": "Fail", "Error": "No"},
        "Yes": {"Type": "Succeed"},
    }
    definition["States"]["Each"]["MaxConcurrency"] = 1
    arn = states.start_execution(stateMachineArn=machine(definition), input="[0, 1]")["executionArn"]
    until(arn)
    states.redrive_execution(executionArn=arn)
    until(arn)
    [run] = states.list_map_runs(executionArn=arn)["mapRuns"]

    def statuses(**filters: str) -> list[str]:
        return [one["status"] for one in states.list_executions(mapRunArn=run["mapRunArn"], **filters)["executions"]]

    assert statuses() == ["FAILED", "SUCCEEDED"]
    assert statuses(redriveFilter="REDRIVEN") == ["FAILED"]
    assert statuses(redriveFilter="NOT_REDRIVEN") == ["SUCCEEDED"]
    assert statuses(statusFilter="PENDING_REDRIVE") == []


def test_what_failures_a_running_map_run_tolerates_can_be_changed(states: Any, machine: Machines, until: Any) -> None:
    definition = copy.deepcopy(EACH)
    definition["States"]["Each"]["ItemProcessor"] |= {
        "StartAt": "Soon",
        "States": {"Soon": {"Type": "Wait", "Seconds": 2, "Next": "No"}, "No": {"Type": "Fail", "Error": "No"}},
    }
    arn = states.start_execution(stateMachineArn=machine(definition), input="[1]")["executionArn"]
    deadline = time.monotonic() + 10
    while not (runs := states.list_map_runs(executionArn=arn)["mapRuns"]):
        assert time.monotonic() < deadline
    [listed] = runs
    states.update_map_run(mapRunArn=listed["mapRunArn"], toleratedFailurePercentage=100, maxConcurrency=1)
    assert states.describe_map_run(mapRunArn=listed["mapRunArn"])["maxConcurrency"] == 1
    assert until(arn)["status"] == "SUCCEEDED"
    assert refused(states.update_map_run, mapRunArn=listed["mapRunArn"], maxConcurrency=1)[0] == "ValidationException"


def test_an_unknown_map_run(states: Any, run: dict[str, Any]) -> None:
    arn = run["mapRunArn"][:-1] + "~"
    assert refused(states.describe_map_run, mapRunArn=arn) == ("ResourceNotFound", f"Resource not found: '{arn}'")
    assert refused(states.describe_map_run, mapRunArn="abc")[0] == "InvalidArn"
