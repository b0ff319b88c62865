"""Versions of state machines, and the aliases that route executions to them."""

import random
from typing import Any

from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.errors import StatesError, invalid
from helpers.sandbox.states_api.machines import Machine, Version
from helpers.sandbox.states_api.names import parse_arn

FIRST_REVISION = "INITIAL"  # the name of a revision without id; API reference, PublishStateMachineVersion


def publish_state_machine_version(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    machine = backend.machine(arguments["stateMachineArn"])
    asked = arguments.get("revisionId")
    current = machine.revision.id or FIRST_REVISION
    if asked is not None and asked != current:
        failed = f"Failed to publish the State Machine version for revision {asked}."
        raise StatesError("ConflictException", f"{failed} The current State Machine revision is {current}.")
    with backend.lock:
        version: Version = machine.publish(arguments.get("description"))
    return version.describe()


def list_state_machine_versions(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    machine = backend.machine(arguments["stateMachineArn"])
    newest_first = sorted((-number, version) for number, version in machine.versions.items())
    return pages.listed("stateMachineVersions", f"versions {machine.arn}", newest_first, arguments)


def delete_state_machine_version(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    resource = parse_arn(arguments["stateMachineVersionArn"], "stateMachine")
    if not resource.qualifier.isdigit():
        raise invalid(f"Not a state machine version ARN: '{resource.arn}'")
    machine = backend.machines.get(resource.unqualified)
    if machine is None:
        return {}
    users = [name for name, alias in machine.aliases.items() if resource.arn in _routed(alias)]
    if users:
        listed = f"Current list of aliases referencing this version: [{', '.join(users)}]"
        message = f"Version to be deleted must not be referenced by an alias. {listed}"
        raise StatesError("ConflictException", message)
    machine.versions.pop(int(resource.qualifier), None)
    return {}


def create_state_machine_alias(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    routing = arguments["routingConfiguration"]
    machine = _check_routing(backend, routing)
    name, description = arguments["name"], arguments.get("description")
    with backend.lock:
        alias = machine.aliases.get(name)
        if alias is None:
            alias = machine.aliases[name] = {
                **{"stateMachineAliasArn": f"{machine.arn}:{name}", "name": name, "description": description},
                **{"routingConfiguration": routing, "creationDate": clock.now(), "updateDate": clock.now()},
            }
        elif (alias["routingConfiguration"], alias["description"]) != (routing, description):
            known = "an alias with the same name and a different routing configuration already exists."
            raise StatesError("ConflictException", f"Failed to create alias because {known}")
    return alias


def describe_state_machine_alias(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    return _alias(backend, arguments["stateMachineAliasArn"])


def list_state_machine_aliases(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    resource = parse_arn(arguments["stateMachineArn"], "stateMachine")
    machine = backend.machine(resource.unqualified)
    aliases = sorted(machine.aliases.items())
    if resource.qualifier:
        aliases = [(name, alias) for name, alias in aliases if resource.arn in _routed(alias)]
    return pages.listed("stateMachineAliases", f"aliases {resource.arn}", aliases, arguments, dict)


def update_state_machine_alias(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    description, routing = arguments.get("description"), arguments.get("routingConfiguration")
    if description is None and routing is None:
        raise invalid("Either the description or the RoutingConfiguration must be specified")
    alias = _alias(backend, arguments["stateMachineAliasArn"])
    if routing is not None:
        machine = _check_routing(backend, routing)
        if machine.aliases.get(alias["name"]) is not alias:
            raise invalid("An alias routes to versions of its own state machine only.")
        alias["routingConfiguration"] = routing
    if description is not None:
        alias["description"] = description
    alias["updateDate"] = clock.now()
    return alias


def delete_state_machine_alias(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    arn = arguments["stateMachineAliasArn"]
    backend.machine(parse_arn(arn, "stateMachine").unqualified).aliases.pop(_alias(backend, arn)["name"], None)
    return {}


def routed_version(machine: Machine, alias: dict[str, Any]) -> Version:
    """The version that an execution started through `alias` runs by: drawn at random, by weight."""
    routing = alias["routingConfiguration"]
    chosen = random.choices(routing, weights=[route["weight"] for route in routing])[0]
    return machine.versions[int(chosen["stateMachineVersionArn"].rpartition(":")[2])]


def _routed(alias: dict[str, Any]) -> list[str]:
    return [route["stateMachineVersionArn"] for route in alias["routingConfiguration"]]


def _alias(backend: Any, arn: str) -> dict[str, Any]:
    resource = parse_arn(arn, "stateMachine")
    if not resource.qualifier or resource.qualifier.isdigit():
        raise StatesError("InvalidArn", f"Invalid Arn: '{arn}'")
    machine = backend.machines.get(resource.unqualified)
    if machine is None or resource.qualifier not in machine.aliases:
        raise StatesError("ResourceNotFound", "Request references a resource that does not exist.")
    found: dict[str, Any] = machine.aliases[resource.qualifier]
    return found


def _check_routing(backend: Any, routing: list[dict[str, Any]]) -> Machine:
    """The machine whose versions a routing names; the service wants one or two of the same machine, weighing 100."""
    arns = [route["stateMachineVersionArn"] for route in routing]
    listed = f"[{', '.join(arns)}]"
    if len(set(arns)) < len(arns):
        raise invalid(f"Routing configuration must contain distinct state machine version ARNs. Received: {listed}")
    weights = [route["weight"] for route in routing]
    if sum(weights) != 100:
        raise invalid(f"Sum of routing configuration weights must equal 100. Received: {weights}")
    found = [parse_arn(arn, "stateMachine") for arn in arns]
    if not all(resource.qualifier.isdigit() for resource in found):
        raise invalid(f"Routing configuration must contain state machine version ARNs. Received: {listed}")
    if len({resource.unqualified for resource in found}) > 1:
        raise invalid(f"Routing configuration must name versions of one state machine. Received: {listed}")
    machine: Machine | None = backend.machines.get(found[0].unqualified)
    if machine is None or not all(int(resource.qualifier) in machine.versions for resource in found):
        raise StatesError("ResourceNotFound", "Request references a resource that does not exist.")
    return machine
