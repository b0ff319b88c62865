"""Express executions that the caller waits for."""

import math
from collections.abc import Callable
from typing import Any

from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.execution import Execution
from helpers.sandbox.states_api.executions import new_execution

MEMORY_MB = 64  # the least that is billed; pricing page of Step Functions
BILLED_MILLISECONDS = 100  # duration is billed in steps of these; same page


def start_sync_execution(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = begun(backend, arguments)
    execution.wait()
    return answer(execution, with_data=arguments.get("includedData") != "METADATA_ONLY")


def begun(backend: Any, arguments: dict[str, Any], at_end: Callable[[Execution], Any] | None = None) -> Execution:
    """The Express execution of a request, just started; `at_end` is called with it in the engine's thread."""
    execution = new_execution(backend, arguments)
    if not execution.express:
        raise StatesError(
            "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
        )
    if at_end:
        execution.after_end.append(lambda: at_end(execution))
    backend.running[execution.arn] = execution
    execution.start()
    return execution


def answer(execution: Execution, with_data: bool = True) -> dict[str, Any]:
    """The members of StartSyncExecution's answer, of an execution that has ended."""
    stopped = execution.stopped or execution.started
    steps = math.ceil((stopped - execution.started).total_seconds() * 1000 / BILLED_MILLISECONDS)
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "startDate": execution.started,
        "stopDate": stopped,
        "status": execution.status if execution.status in ("SUCCEEDED", "TIMED_OUT") else "FAILED",
        "error": execution.error,
        "cause": execution.cause,
        "input": execution.run.input_text if with_data else None,
        "inputDetails": {"included": with_data},
        "output": execution.run.output if with_data else None,
        "outputDetails": {"included": with_data},
        "traceHeader": execution.trace_header,
        "billingDetails": {
            "billedMemoryUsedInMB": MEMORY_MB,
            "billedDurationInMilliseconds": max(steps, 1) * BILLED_MILLISECONDS,
        },
    }
