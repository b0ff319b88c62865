"""Calling a service: one way for all of them, the invoking of functions, and failures, named and worded as on AWS."""

import base64
import logging
import os
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from helpers.engine import TaskFailed
from helpers.engine.failures import PERMISSIONS, RUNTIME
from helpers.engine.tasks import Call
from helpers.engine.text import data_of, text_of
from helpers.sandbox.integrations import clients
from helpers.sandbox.integrations.integration import OPTIMISED, Integration, Service
from helpers.sandbox.integrations.shapes import from_service, json_bytes, sdk_metadata, to_service

__all__ = ["answer", "ask", "failure", "function_answer", "parameters_of", "presented"]

LOG = logging.getLogger(__name__)
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
    problems: list[str] = []
    shape, given, found = integration.model.input_shape, call.parameters, {}
    if not isinstance(given, dict):
        problems.append("The value of the field 'Parameters' has an invalid format")
    elif shape:
        found = to_service(given, shape, problems)
    if problems:
        where = f"the state '{call.state}' (entered at the event id #{call.frame.entered})"
        said = f"The Parameters '{call.text}' could not be used to start the Task: [{'; '.join(problems)}]"
        raise TaskFailed(RUNTIME, f"An error occurred while executing {where}. {said}")
    found.pop("ContentLength", None)  # the client counts for itself; for more bytes than come, S3 would wait for ever
    return found


def ask(region: str, integration: Integration, parameters: dict[str, Any]) -> dict[str, Any]:
    """A service's answer, as boto3 gives it. Raises TaskFailed."""
    client, name = clients.client_for(region, integration.service.name), xform_name(integration.model.name)
    try:
        return getattr(client, name)(**parameters)  # type: ignore[no-any-return]
    except Exception as error:
        raise failure(error, integration.service, integration.is_sdk) from error


def presented(response: dict[str, Any], integration: Integration) -> dict[str, Any]:
    """A service's answer as a task gets it, without how it came."""
    shape = integration.model.output_shape
    return from_service(response, shape, integration.is_sdk) if shape else {}


def failure(error: Exception, service: Service, is_sdk: bool) -> TaskFailed:
    """The failure of a task whose service answered with an error, or could not be asked at all.

    Errors that the service's API declares have their own names, others the one of its SDK's common exception.
    """
    if not isinstance(error, ClientError):
        said = str(error)
        if not isinstance(error, BotoCoreError):
            LOG.error("A service could not be asked.", exc_info=error)
            said = "the sandbox failed in it; its log has the details"
        return TaskFailed(f"{service.errors}.SdkClientException", f"Unable to execute HTTP request: {said}")
    found, answer = error.response["Error"], error.response["ResponseMetadata"]
    code, status, request = found["Code"], answer["HTTPStatusCode"], answer.get("RequestId")
    message = found.get("Message", "")
    if code == "InternalFailure":
        message = "The sandbox failed in this call; its log has the details."
    name = f"{service.errors}.{type(error).__name__.removesuffix('Exception')}Exception"
    if type(error).__name__ in ("ClientError", "AccessDenied"):  # S3 declares the latter for what is never called
        name = service.unmodelled
    details = f"Service: {service.title}; Status Code: {status}; Error Code: {code}; Request ID: {request}; Proxy: null"
    if is_sdk:  # as the second version of the Java SDK has it
        details = f"Service: {service.title}, Status Code: {status}, Request ID: {request}"
    if is_sdk and service.title == "S3":
        # AWS's answers have one of 76 characters; moto's have none.
        details += f", Extended Request ID: {base64.b64encode(os.urandom(56)).decode()}"
    return TaskFailed(name, f"{message} ({details})", also=PERMISSIONS if code.startswith("AccessDenied") else None)
