"""Starting, reading, listing, stopping and redriving executions, and waiting for Express ones; their Map Runs."""

import math
import queue
from collections.abc import Callable, Sequence
from typing import Any

from helpers import engine
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.backend import StatesBackend
from helpers.sandbox.states_api.execution import Child, Execution
from helpers.sandbox.states_api.names import parse_arn
from helpers.sandbox.states_api.states_error import StatesError, invalid

__all__ = ["answer", "begin_express"]

MEMORY_MB = 64  # the least that is billed; pricing page of Step Functions
BILLED_MILLISECONDS = 100  # duration is billed in steps of these; same page
UNSUPPORTED = "This operation is not supported by this type of state machine"


def start_execution(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    # No time is skipped between its start, which is read from the clock when it is made, and its first state.
    with clock.working():
        with backend.lock:
            execution = Execution(backend, arguments)
            backend.forget()
            old = backend.executions.get(execution.arn)
            if old is not None:
                if old.status == "RUNNING" and old.run.input == execution.run.input:
                    return {"executionArn": old.arn, "startDate": old.run.started}
                raise StatesError("ExecutionAlreadyExists", f"Execution Already Exists: '{old.arn}'")
            execution.begin()
        clock.post(execution.go)
    return {"executionArn": execution.arn, "startDate": execution.run.started}


def start_sync_execution(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    ended: queue.SimpleQueue[Execution] = queue.SimpleQueue()
    begin_express(backend, arguments, ended.put)
    return answer(ended.get(), with_data=arguments.get("includedData") != "METADATA_ONLY")


def begin_express(backend: StatesBackend, arguments: dict[str, Any], at_end: Callable[[Execution], Any]) -> None:
    """Start the Express execution of a request; `at_end` is called with it in the engine's thread."""
    with clock.working():
        execution = Execution(backend, arguments)
        if not execution.express:
            raise StatesError("StateMachineTypeNotSupported", UNSUPPORTED)
        execution.after_end.append(lambda: at_end(execution))
        execution.begin()
        clock.post(execution.go)


def answer(execution: Execution, with_data: bool = True) -> dict[str, Any]:
    """The members of StartSyncExecution's answer, of an execution that has ended."""
    stopped = execution.run.stopped or execution.run.started
    steps = math.ceil((stopped - execution.run.started).total_seconds() * 1000 / BILLED_MILLISECONDS)
    billed = {"billedMemoryUsedInMB": MEMORY_MB, "billedDurationInMilliseconds": max(steps, 1) * BILLED_MILLISECONDS}
    return {
        **execution.describe(with_data),
        "stopDate": stopped,
        "status": execution.status if execution.status in ("SUCCEEDED", "TIMED_OUT") else "FAILED",
        "outputDetails": {"included": with_data},
        "billingDetails": billed,
    }


def describe_execution(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    arn = arguments["executionArn"]
    execution = backend.child(arn) or backend.execution(arn)  # an Express one only where it is a child
    return execution.describe(with_data=arguments.get("includedData") != "METADATA_ONLY")


def describe_state_machine_for_execution(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = backend.execution(arguments["executionArn"])
    run = execution.map_run
    own = {"mapRunArn": run and run.arn, "label": run and run.run.label}
    with_data = arguments.get("includedData") != "METADATA_ONLY"
    return {**execution.machine.describe(), **own, **execution.revision.describe(with_data)}


def list_executions(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    arn, map_run = arguments.get("stateMachineArn"), arguments.get("mapRunArn")
    if (arn is None) == (map_run is None):
        raise invalid("Must provide exactly one of: State Machine ARN, Map Run ARN")
    if map_run is not None:
        return _list_children(backend, arguments)
    resource = parse_arn(str(arn), "stateMachine")
    machine, _, _ = backend.target(resource.arn)
    if machine.type == "EXPRESS":
        raise StatesError("StateMachineTypeNotSupported", UNSUPPORTED)
    if arguments.get("statusFilter") == "PENDING_REDRIVE":
        raise invalid("The status PENDING_REDRIVE can only be asked for with a Map Run ARN")
    backend.forget()
    with backend.lock:
        found = [
            (execution.number, execution.run, execution)
            for execution in backend.executions.values()
            if execution.machine is machine
            and (not resource.qualifier or arn in (execution.alias, execution.version and execution.version.arn))
        ]
    return _listed(found, arguments, Execution.describe)


def _listed(
    found: Sequence[tuple[int, engine.Execution, Any]],
    arguments: dict[str, Any],
    describe: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """ListExecutions of what was found, each with its number of start and its run, as the filters ask.

    The latest come first: what has ended by its end, what runs by its last start; API reference, ListExecutions.
    """
    status, redriven = arguments.get("statusFilter"), arguments.get("redriveFilter")
    listing = f"executions {arguments.get('stateMachineArn')} {arguments.get('mapRunArn')} {status} {redriven}"
    chosen = [
        (pages.latest_first(run.stopped or run.redriven or run.started, number), subject)
        for number, run, subject in found
        if (status is None or run.status == status)
        and (redriven is None or (redriven == "REDRIVEN") == bool(run.redrives))
    ]
    return pages.listed("executions", listing, chosen, arguments, describe)


def stop_execution(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = backend.execution(arguments["executionArn"])
    return {"stopDate": execution.stop(arguments.get("error"), arguments.get("cause"))}


def redrive_execution(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = backend.execution(arguments["executionArn"])
    if execution.map_run is not None:
        message = "Execution was started by a Map Run and is redriven by redriving the parent execution"
        raise StatesError("ExecutionNotRedrivable", f"{message}: '{execution.map_run.parent.arn}'")
    return {"redriveDate": clock.call(lambda: execution.redrive(arguments.get("clientToken")))}


def _list_children(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    """ListExecutions of a Map Run: its child executions."""
    record = backend.map_run(arguments["mapRunArn"])
    children = [(number, child, child) for number, child in enumerate(record.run.children)]
    return _listed(children, arguments, lambda child: Child(record, child).describe())


def list_map_runs(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = backend.execution(arguments["executionArn"])
    runs = [(-number, run) for number, run in enumerate(execution.map_runs)]
    return pages.listed("mapRuns", f"map runs {execution.arn}", runs, arguments)


def describe_map_run(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    return backend.map_run(arguments["mapRunArn"]).describe()


def update_map_run(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    run = backend.map_run(arguments["mapRunArn"]).run
    if run.stopped is not None:
        raise invalid(f"Map Run has ended and cannot be updated: '{run.arn}'")
    for member, name in (
        ("maxConcurrency", "concurrency"),
        ("toleratedFailureCount", "count"),
        ("toleratedFailurePercentage", "percentage"),
    ):
        if arguments.get(member) is not None:
            setattr(run, name, arguments[member])
    clock.post(run.changed)
    return {}
