"""Calling a service: one way for all of them, and the invoking of functions."""

from typing import Any

from botocore import xform_name

from helpers.engine import TaskFailed
from helpers.engine.tasks import Call
from helpers.engine.text import data_of, text_of
from helpers.sandbox.integrations import clients, wording
from helpers.sandbox.integrations.integration import OPTIMISED, Integration
from helpers.sandbox.integrations.shapes import from_service, json_bytes, sdk_metadata, to_service

__all__ = ["answer", "ask", "function_answer", "parameters_of", "presented"]

INVOKE = Integration(OPTIMISED["lambda"], "invoke", "", False)


def answer(call: Call, integration: Integration) -> dict[str, Any]:
    """What a task gets from its service. Raises TaskFailed."""
    parameters, names = parameters_of(call, integration), call.execution.identity
    if integration.service is OPTIMISED["lambda"]:
        name = str(parameters["FunctionName"])
        region = name.split(":")[3] if name.startswith("arn:") and name.count(":") > 3 else names.region
        return _invoke(region, parameters, compact=True)
    puts_events = not integration.is_sdk and integration.action == "putEvents"
    if puts_events:
        for entry in parameters.get("Entries", ()):
            entry["Resources"] = [*entry.get("Resources", ()), names.machine_arn, names.arn]
    response = ask(names.region, integration, parameters)
    found = presented(response, integration)
    if puts_events and found.get("FailedEntryCount"):
        raise TaskFailed("EventBridge.FailedEntry", text_of(found))
    return found if integration.is_sdk else {**found, **sdk_metadata(response)}


def function_answer(call: Call) -> Any:
    """What a function that is called by its plain ARN gives. Raises TaskFailed."""
    parameters = {"FunctionName": call.resource, "Payload": json_bytes(call.text)}
    return _invoke(call.resource.split(":")[3], parameters, compact=False)["Payload"]


def _invoke(region: str, parameters: dict[str, Any], compact: bool) -> dict[str, Any]:
    response = ask(region, INVOKE, parameters)
    payload = response["Payload"].read().decode(errors="replace")
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


def parameters_of(call: Call, integration: Integration) -> dict[str, Any]:
    """The parameters of a task as the client of its service takes them. Raises TaskFailed."""
    service, action = integration.service.name, integration.action
    if not clients.has_operation(service, action):
        raise wording.not_startable(call, [f"The sandbox knows no action '{action}' of {service}"])
    problems: list[str] = []
    shape, given, found = integration.model.input_shape, call.parameters, {}
    if not isinstance(given, dict):
        problems.append("The value of the field 'Parameters' has an invalid format")
    elif shape:
        found = to_service(given, shape, problems)
    if problems:
        raise wording.not_startable(call, problems)
    found.pop("ContentLength", None)  # the client counts for itself; for more bytes than come, S3 would wait for ever
    return found


def ask(region: str, integration: Integration, parameters: dict[str, Any]) -> dict[str, Any]:
    """A service's answer, as boto3 gives it. Raises TaskFailed."""
    client, name = clients.client_for(region, integration.service.name), xform_name(integration.model.name)
    try:
        return getattr(client, name)(**parameters)  # type: ignore[no-any-return]
    except Exception as error:
        raise wording.of_call(error, integration.service, integration.is_sdk) from error


def presented(response: dict[str, Any], integration: Integration) -> dict[str, Any]:
    """A service's answer as a task gets it, without how it came."""
    shape = integration.model.output_shape
    return from_service(response, shape, integration.is_sdk) if shape else {}
