"""State machines, their versions, and the aliases that route executions to those."""

import datetime
import random
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from helpers import engine
from helpers.definition import variables
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import logs, pages, tags
from helpers.sandbox.states_api.definitions import check_definition
from helpers.sandbox.states_api.names import check_name, parse_arn, parse_machine
from helpers.sandbox.states_api.roles import check_role
from helpers.sandbox.states_api.states_error import StatesError, invalid

__all__ = ["Machine", "Revision", "Version", "routed_version"]

FIRST_REVISION = "INITIAL"  # the name of a revision without id; API reference, PublishStateMachineVersion
# What a revision consists of, by the member of requests and answers that holds it.
MEMBERS = {
    "definition": "definition",
    "roleArn": "role_arn",
    "loggingConfiguration": "logging",
    "tracingConfiguration": "tracing",
    "encryptionConfiguration": "encryption",
}


@dataclass(frozen=True)
class Revision:
    """What an execution runs by: it never changes, an update makes a new one. The first has no `id`."""

    definition: str
    role_arn: str
    logging: dict[str, Any]
    tracing: dict[str, Any]
    encryption: dict[str, Any]
    updated: datetime.datetime
    id: str | None = None

    def describe(self, with_data: bool = True) -> dict[str, Any]:
        """The members that describing a machine, a version and an execution's machine have in common."""
        return {
            **{member: getattr(self, name) for member, name in MEMBERS.items()},
            "definition": self.definition if with_data else "{}",
            "updateDate": self.updated,
            "revisionId": self.id,
            "variableReferences": variables.read(engine.data_of(self.definition)) or None,
        }


@dataclass(frozen=True)
class Version:
    """A published revision."""

    arn: str
    number: int
    revision: Revision
    description: str | None
    created: datetime.datetime

    def describe(self) -> dict[str, Any]:
        """The members by which a list has it."""
        return {"stateMachineVersionArn": self.arn, "creationDate": self.created}


@dataclass
class Machine:
    """A state machine with its versions and aliases, which are what DescribeStateMachineAlias answers."""

    arn: str
    name: str
    type: str
    created: datetime.datetime
    revision: Revision
    published: int = 0
    versions: dict[str, Version] = field(default_factory=dict)  # by ARN, the first first
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """The members that lists and descriptions of it have in common."""
        return {
            "stateMachineArn": self.arn,
            "name": self.name,
            "status": "ACTIVE",
            "type": self.type,
            "creationDate": self.created,
        }

    def publish(self, description: str | None) -> Version:
        """The version of the current revision, made now if there is none."""
        for version in self.versions.values():
            if version.revision.id == self.revision.id:
                return version
        self.published += 1
        arn = f"{self.arn}:{self.published}"
        version = Version(arn, self.published, self.revision, description, clock.now())
        self.versions[arn] = version
        return version


def create_state_machine(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    name, definition, role = check_name(arguments["name"]), arguments["definition"], arguments["roleArn"]
    machine_type = arguments.get("type", "STANDARD")
    arn = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}:stateMachine:{name}"
    description = _version_description(arguments)
    logging = logs.check_configuration(backend, arguments.get("loggingConfiguration"))
    tracing = arguments.get("tracingConfiguration") or {"enabled": False}
    encryption = arguments.get("encryptionConfiguration") or {"type": "AWS_OWNED_KEY"}
    check_definition(definition, machine_type)
    check_role(backend, role, definition, logging["level"] != "OFF")
    given = tags.check(arguments.get("tags", []))
    with backend.lock:
        machine = backend.machines.get(arn)
        if machine is None:
            now = clock.now()
            revision = Revision(definition, role, logging, tracing, encryption, updated=now)
            machine = backend.machines[arn] = Machine(arn, name, machine_type, now, revision)
            backend.tags[arn] = given
        old, same = machine.revision, (definition, machine_type, logging, tracing, encryption)
        # The service asks for the same name, definition, type and configurations; roles and tags may differ.
        if (old.definition, machine.type, old.logging, old.tracing, old.encryption) != same:
            raise StatesError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        version = machine.publish(description) if arguments.get("publish") else None
    return {**machine.describe(), "stateMachineVersionArn": version and version.arn}


def update_state_machine(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    machine = backend.machine(arguments["stateMachineArn"])
    description = _version_description(arguments)
    given: dict[str, Any] = {name: arguments[member] for member, name in MEMBERS.items() if arguments.get(member)}
    if not given and not arguments.get("publish"):
        configurations = "the LoggingConfiguration, the EncryptionConfiguration or the TracingConfiguration"
        message = f"Either the definition, the role ARN, {configurations} must be specified"
        raise StatesError("MissingRequiredParameter", message)
    if "logging" in given:
        given["logging"] = logs.check_configuration(backend, given["logging"])
    new = replace(machine.revision, **given)
    if "definition" in given:
        check_definition(new.definition, machine.type)
    if given.keys() & {"definition", "role_arn", "logging"}:
        check_role(backend, new.role_arn, new.definition, new.logging["level"] != "OFF")
    with backend.lock:
        if replace(machine.revision, **given) != machine.revision:  # another update may have come before
            machine.revision = replace(machine.revision, **given, updated=clock.now(), id=str(uuid.uuid4()))
        version = machine.publish(description) if arguments.get("publish") else None
    return {**machine.revision.describe(), "stateMachineVersionArn": version and version.arn}


def describe_state_machine(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    machine, version, _ = backend.target(arguments["stateMachineArn"])
    found, description = (version, version.description) if version else (machine, None)
    own = {"stateMachineArn": found.arn, "creationDate": found.created, "description": description}
    with_data = arguments.get("includedData") != "METADATA_ONLY"
    return {**machine.describe(), **own, **found.revision.describe(with_data)}


def list_state_machines(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    return pages.listed("stateMachines", "machines", list(backend.machines.items()), arguments)


def delete_state_machine(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """AWS deletes once every execution has ended at its next transition; here that is at once."""
    arn = parse_machine(arguments["stateMachineArn"]).arn
    with backend.lock:
        machine = backend.machines.pop(arn, None)
        backend.tags.pop(arn, None)
    if machine is not None:
        clock.call(lambda: backend.end_executions_of(machine))
    return {}


def _version_description(arguments: dict[str, Any]) -> str | None:
    description: str | None = arguments.get("versionDescription")
    if description and not arguments.get("publish"):
        raise invalid("Version description can only be set when publish is true")
    return description


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
    versions = [(-version.number, version) for version in list(machine.versions.values())]
    return pages.listed("stateMachineVersions", f"versions {machine.arn}", versions, arguments)


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
    machine.versions.pop(resource.arn, None)
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
    aliases = [
        (pages.latest_first(alias["creationDate"], number), alias)
        for number, alias in enumerate(list(machine.aliases.values()))
        if not resource.qualifier or resource.arn in _routed(alias)
    ]
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
    return machine.versions[chosen["stateMachineVersionArn"]]


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
    if machine is None or not all(arn in machine.versions for arn in arns):
        raise StatesError("ResourceNotFound", "Request references a resource that does not exist.")
    return machine
