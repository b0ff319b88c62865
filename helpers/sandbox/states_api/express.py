"""Express executions that the caller waits for."""

import math
from typing import Any

from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.executions import new_execution

MEMORY_MB = 64  # the least that is billed; pricing page of Step Functions
BILLED_MILLISECONDS = 100  # duration is billed in steps of these; same page


def start_sync_execution(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    execution = new_execution(backend, arguments)
    if not execution.express:
        raise StatesError(
            "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
        )
    backend.running[execution.arn] = execution
    execution.start()
    execution.ended.wait()
    stopped = execution.stopped or execution.started
    steps = math.ceil((stopped - execution.started).total_seconds() * 1000 / BILLED_MILLISECONDS)
    with_data = arguments.get("includedData") != "METADATA_ONLY"
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "startDate": execution.started,
        "stopDate": stopped,
        "status": execution.status if execution.status in ("SUCCEEDED", "TIMED_OUT") else "FAILED",
        "error": execution.error,
        "cause": execution.cause,
        "input": execution.text if with_data else None,
        "inputDetails": {"included": with_data},
        "output": execution.output if with_data else None,
        "outputDetails": {"included": with_data},
        "traceHeader": execution.trace_header,
        "billingDetails": {
            "billedMemoryUsedInMB": MEMORY_MB,
            "billedDurationInMilliseconds": max(steps, 1) * BILLED_MILLISECONDS,
        },
    }
