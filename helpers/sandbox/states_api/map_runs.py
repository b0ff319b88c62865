"""Map Runs: what a distributed Map's run has done so far."""

from typing import Any

from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.errors import StatesError, not_in_sandbox


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
    record = backend.map_run(arguments["mapRunArn"])
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
        "redriveCount": record.redrives,
        "redriveDate": record.redriven,
    }


def update_map_run(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    record = backend.map_run(arguments["mapRunArn"])
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
    record = backend.map_run(arguments["mapRunArn"])
    status = arguments.get("statusFilter")
    found = [child for child in list(record.children) if status is None or child.status == status]
    found.sort(key=lambda child: -child.number)
    listing = f"children {record.map_run_arn} {status}"
    shown, token = pages.page(listing, found, lambda child: -child.number, arguments)
    return {
        "executions": [
            {
                "executionArn": child.arn,
                "stateMachineArn": child.machine.arn,
                "name": child.name,
                "status": child.status,
                "startDate": child.started,
                **({"stopDate": child.stopped} if child.stopped else {}),
                "mapRunArn": record.map_run_arn,
                "redriveCount": child.redrives,
                **({"redriveDate": child.redriven} if child.redriven else {}),
            }
            for child in shown
        ],
        "nextToken": token,
    }
