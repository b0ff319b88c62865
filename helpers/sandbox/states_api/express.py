"""Express executions that the caller waits for."""

import json
import math
import uuid
from typing import Any

from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.execution import Execution
from helpers.sandbox.states_api.executions import check_input
from helpers.sandbox.states_api.names import check_name

MEMORY_MB = 64  # the least that is billed; pricing page of Step Functions
BILLED_MILLISECONDS = 100  # duration is billed in steps of these; same page


def start_sync_execution(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    machine, version, alias = backend.target(arguments["stateMachineArn"])
    if machine.type != "EXPRESS":
        raise StatesError(
            "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
        )
    name = check_name(arguments["name"]) if "name" in arguments else str(uuid.uuid4())
    text = check_input(arguments.get("input", "{}"))
    prefix = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}"
    arn = f"{prefix}:express:{machine.name}:{name}:{uuid.uuid4()}"
    execution = Execution(backend, machine, version, alias, arn, name, text, arguments.get("traceHeader"))
    execution.start()
    execution.ended.wait()
    stopped = execution.stopped or execution.started
    steps = math.ceil((stopped - execution.started).total_seconds() * 1000 / BILLED_MILLISECONDS)
    with_data = arguments.get("includedData") != "METADATA_ONLY"
    return {
        "executionArn": arn,
        "stateMachineArn": machine.arn,
        "name": name,
        "startDate": execution.started,
        "stopDate": stopped,
        "status": execution.status if execution.status in ("SUCCEEDED", "TIMED_OUT") else "FAILED",
        "error": execution.error,
        "cause": execution.cause,
        "input": json.dumps(json.loads(text), separators=(",", ":")) if with_data else None,
        "inputDetails": {"included": with_data},
        "output": execution.output if with_data else None,
        "outputDetails": {"included": with_data},
        "traceHeader": execution.trace_header,
        "billingDetails": {
            "billedMemoryUsedInMB": MEMORY_MB,
            "billedDurationInMilliseconds": max(steps, 1) * BILLED_MILLISECONDS,
        },
    }
