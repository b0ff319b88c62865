"""Map Runs: what a distributed Map's run has done so far."""

from datetime import datetime
from typing import Any

from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.errors import StatesError, not_in_sandbox
from helpers.sandbox.states_api.names import parse_arn


def list_map_runs(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = backend.execution(arguments["executionArn"])
    newest_first = list(enumerate(execution.map_runs()))[::-1]
    shown, token = pages.page(f"map runs {execution.arn}", newest_first, lambda pair: -pair[0], arguments)
    return {
        "mapRuns": [
            {
                "executionArn": record.execution_arn,
                "mapRunArn": record.map_run_arn,
                "stateMachineArn": record.map_state_machine_arn,
                "startDate": record.start_date,
                **({"stopDate": record.stop_date} if record.stop_date else {}),
            }
            for _, record in shown
        ],
        "nextToken": token,
    }


def describe_map_run(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    record = _record(backend, arguments["mapRunArn"])
    return {
        "mapRunArn": record.map_run_arn,
        "executionArn": record.execution_arn,
        "status": record.status,
        "startDate": record.start_date,
        "stopDate": record.stop_date,
        "maxConcurrency": record.max_concurrency,
        "toleratedFailurePercentage": record.tolerated_failure_percentage,
        "toleratedFailureCount": record.tolerated_failure_count,
        "itemCounts": record.item_counter.describe(),
        "executionCounts": record.execution_counter.describe(),
        "redriveCount": 0,
    }


def update_map_run(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    record = _record(backend, arguments["mapRunArn"])
    if record.stop_date is not None:
        raise StatesError("ValidationException", f"Map Run has ended and cannot be updated: '{record.map_run_arn}'")
    if arguments.get("maxConcurrency") is not None:
        raise not_in_sandbox("Changing the concurrency of a Map Run while it runs")
    count, percentage = arguments.get("toleratedFailureCount"), arguments.get("toleratedFailurePercentage")
    record.tolerated_failure_count = record.tolerated_failure_count if count is None else count
    record.tolerated_failure_percentage = record.tolerated_failure_percentage if percentage is None else percentage
    return {}


def list_children(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """ListExecutions of a Map Run: its child executions, the newest first."""
    record = _record(backend, arguments["mapRunArn"])
    status = arguments.get("statusFilter")
    found = [(number, child) for number, (_, child) in enumerate(list(record.children))]
    found = [(number, child) for number, child in found if status is None or child["Status"] == status]
    listing = f"children {record.map_run_arn} {status}"
    shown, token = pages.page(listing, found[::-1], lambda pair: -pair[0], arguments)
    return {
        "executions": [
            {
                "executionArn": child["ExecutionArn"],
                "stateMachineArn": child["StateMachineArn"],
                "name": child["Name"],
                "status": child["Status"],
                "startDate": datetime.fromisoformat(child["StartDate"]),
                **({"stopDate": datetime.fromisoformat(child["StopDate"])} if "StopDate" in child else {}),
                "mapRunArn": record.map_run_arn,
                "redriveCount": 0,
            }
            for _, child in shown
        ],
        "nextToken": token,
    }


def _record(backend: Any, arn: str) -> Any:
    parse_arn(arn, "mapRun")
    with backend.lock:
        executions = list(backend.executions.values())
    for execution in executions:
        for record in execution.map_runs():
            if record.map_run_arn == arn:
                return record
    raise StatesError("ResourceNotFound", f"Resource not found: '{arn}'")
