"""Invoking a function: by its plain ARN, and as `lambda:invoke`."""

import re
from typing import Any

from helpers.engine import TaskFailed
from helpers.engine.tasks import Call
from helpers.engine.text import data_of, text_of
from helpers.sandbox.integrations import clients, failures, services
from helpers.sandbox.integrations.resources import OPTIMISED
from helpers.sandbox.integrations.shapes import json_bytes, sdk_metadata

__all__ = ["answer", "invoked", "is_function"]

LAMBDA = OPTIMISED["lambda"]


def is_function(resource: str) -> bool:
    """Whether a Resource is a function's ARN."""
    return re.match(r"arn:aws[\w-]*:lambda:", resource) is not None


def answer(call: Call) -> Any:
    """What a function that is called by its plain ARN gives. Raises TaskFailed."""
    event = json_bytes(call.text)
    return _invoke(call.resource.split(":")[3], {"FunctionName": call.resource, "Payload": event}, False)["Payload"]


def invoked(call: Call) -> dict[str, Any]:
    """What `lambda:invoke` gives. Raises TaskFailed."""
    parameters = services.parameters_of(call, "lambda", "invoke")
    name = str(parameters["FunctionName"])
    region = name.split(":")[3] if name.startswith("arn:") and name.count(":") > 3 else call.execution.identity.region
    return _invoke(region, parameters, True)


def _invoke(region: str, parameters: dict[str, Any], compact: bool) -> dict[str, Any]:
    try:
        response = clients.client_for(region, "lambda").invoke(**parameters)
        payload = response["Payload"].read().decode(errors="replace")
    except Exception as error:
        raise failures.of_call(error, LAMBDA, False) from error
    if response.get("FunctionError"):
        raise _function_error(payload, compact)
    try:
        data = data_of(payload) if payload else None
    except ValueError:
        data = payload
    found = {"ExecutedVersion": response.get("ExecutedVersion", "$LATEST"), "Payload": data}
    if "LogResult" in response:
        found["LogResult"] = response["LogResult"]
    return {**found, **sdk_metadata(response), "StatusCode": response["StatusCode"]}


def _function_error(payload: str, compact: bool) -> TaskFailed:
    """The error that a function returned; `lambda:invoke` gives its cause without the function's white space."""
    try:
        found = data_of(payload)
    except ValueError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("errorType"), str):
        return TaskFailed(found["errorType"], text_of(found) if compact else payload)
    unknown = "The cause could not be determined because Lambda did not return an error type."
    return TaskFailed("Lambda.Unknown", f"{unknown} Returned payload: {payload}")
