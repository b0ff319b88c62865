"""Map Runs: what a distributed Map's run has done so far."""

from typing import Any

from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.errors import StatesError


def list_map_runs(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = backend.execution(arguments["executionArn"])
    newest_first = list(enumerate(execution.map_runs))[::-1]
    shown, token = pages.page(f"map runs {execution.arn}", newest_first, lambda pair: -pair[0], arguments)
    return {
        "mapRuns": [
            {
                "executionArn": execution.arn,
                "mapRunArn": record.arn,
                "stateMachineArn": record.run.machine_arn,
                "startDate": record.run.started,
                **({"stopDate": record.run.stopped} if record.run.stopped else {}),
            }
            for _, record in shown
        ],
        "nextToken": token,
    }


def describe_map_run(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    record = backend.map_run(arguments["mapRunArn"])
    run = record.run
    return {
        "mapRunArn": run.arn,
        "executionArn": run.parent.identity.arn,
        "status": run.status,
        "startDate": run.started,
        "stopDate": run.stopped,
        "maxConcurrency": run.concurrency,
        "toleratedFailurePercentage": run.percentage,
        "toleratedFailureCount": run.count,
        "itemCounts": record.counts(),
        "executionCounts": record.counts(),
        "redriveCount": run.redrives,
        "redriveDate": run.redriven,
    }


def update_map_run(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    run = backend.map_run(arguments["mapRunArn"]).run
    if run.stopped is not None:
        raise StatesError("ValidationException", f"Map Run has ended and cannot be updated: '{run.arn}'")
    for member, name in (
        ("maxConcurrency", "concurrency"),
        ("toleratedFailureCount", "count"),
        ("toleratedFailurePercentage", "percentage"),
    ):
        if arguments.get(member) is not None:
            setattr(run, name, arguments[member])
    clock.post(run.changed)
    return {}


def list_children(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """ListExecutions of a Map Run: its child executions, the newest first."""
    record = backend.map_run(arguments["mapRunArn"])
    status = arguments.get("statusFilter")
    found = [
        (-number, child) for number, child in enumerate(record.run.children) if status is None or child.status == status
    ][::-1]
    listing = f"children {record.arn} {status}"
    shown, token = pages.page(listing, found, lambda pair: pair[0], arguments)
    return {
        "executions": [
            {
                "executionArn": child.identity.arn,
                "stateMachineArn": child.identity.machine_arn,
                "name": child.identity.name,
                "status": child.status,
                "startDate": child.started,
                **({"stopDate": child.stopped} if child.stopped else {}),
                "mapRunArn": record.arn,
                "redriveCount": child.redrives,
                **({"redriveDate": child.redriven} if child.redriven else {}),
            }
            for _, child in shown
        ],
        "nextToken": token,
    }
