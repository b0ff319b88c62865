"""Calling a service: one way for all of them."""

from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from helpers.engine import TaskFailed
from helpers.engine.tasks import Call
from helpers.engine.text import text_of
from helpers.sandbox.integrations import clients, failures
from helpers.sandbox.integrations.resources import Integration, Service
from helpers.sandbox.integrations.shapes import from_service, sdk_metadata, to_service

__all__ = ["answer", "ask"]


def answer(call: Call, integration: Integration) -> dict[str, Any]:
    """What a task gets from its service. Raises TaskFailed."""
    service, action = integration.service, integration.action
    operation = clients.operation(service.name, action)
    if operation is None:
        raise failures.not_startable(call, [f"The sandbox knows no action '{action}' of {service.name}"])
    problems: list[str] = []
    given = call.parameters
    if operation.input_shape is None:
        parameters = {}
    elif isinstance(given, dict):
        parameters = to_service(given, operation.input_shape, problems)
    else:
        problems.append("The value of the field 'Parameters' has an invalid format")
    if problems:
        raise failures.not_startable(call, problems)
    _complete(call, integration, parameters)
    region = call.execution.identity.region
    response = ask(region, service, action, parameters, integration.is_sdk)
    found = from_service(response, operation.output_shape, integration.is_sdk) if operation.output_shape else {}
    if integration.is_sdk:
        return found  # type: ignore[no-any-return]
    if action == "putEvents" and found.get("FailedEntryCount"):
        raise TaskFailed("EventBridge.FailedEntry", text_of(found))
    if action == "startJobRun":
        found["JobName"] = parameters["JobName"]
    return {**found, **sdk_metadata(response)}


def ask(region: str, service: Service, action: str, parameters: dict[str, Any], is_sdk: bool = False) -> dict[str, Any]:
    """A service's answer, as boto3 gives it. Raises TaskFailed."""
    client = clients.client_for(region, service.name)
    operation = clients.operation(service.name, action)
    assert operation is not None
    try:
        return getattr(client, xform_name(operation.name))(**parameters)  # type: ignore[no-any-return]
    except (ClientError, BotoCoreError) as error:
        raise failures.of_call(error, service, is_sdk) from error


def _complete(call: Call, integration: Integration, parameters: dict[str, Any]) -> None:
    """Add what AWS's own integrations say of the execution."""
    if integration.is_sdk:
        return
    if integration.action == "putEvents":
        names = call.execution.identity
        for entry in parameters.get("Entries", ()):
            entry["Resources"] = [*entry.get("Resources", ()), names.machine_arn, names.arn]
    elif integration.action == "runTask" and integration.pattern == "sync":
        parameters["startedBy"] = "AWS Step Functions"
