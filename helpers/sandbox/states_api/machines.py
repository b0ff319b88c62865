"""State machines: what they are, and creating, changing, reading, listing and deleting them."""

import datetime
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from helpers import engine
from helpers.definition import variables
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import logs, pages, tags
from helpers.sandbox.states_api.definitions import check_definition
from helpers.sandbox.states_api.errors import StatesError, invalid
from helpers.sandbox.states_api.names import check_name, parse_arn
from helpers.sandbox.states_api.roles import check_role

__all__ = ["Machine", "Revision", "Version"]


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

    def describe(self) -> dict[str, Any]:
        """The members that describing a machine, a version and an execution's machine have in common."""
        return {
            **{member: getattr(self, name) for member, name in MEMBERS.items()},
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
    versions: dict[int, Version] = field(default_factory=dict)
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
        self.versions[self.published] = version
        return version


def create_state_machine(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    name, definition, role = check_name(arguments["name"]), arguments["definition"], arguments["roleArn"]
    machine_type = arguments.get("type", "STANDARD")
    arn = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}:stateMachine:{name}"
    description = _version_description(arguments)
    logging = logs.check_configuration(backend, arguments.get("loggingConfiguration"))
    tracing = arguments.get("tracingConfiguration") or {"enabled": False}
    check_definition(definition, machine_type)
    check_role(backend, role, definition, logging["level"] != "OFF")
    given = tags.check(arguments.get("tags", []))
    with backend.lock:
        machine = backend.machines.get(arn)
        if machine is None:
            now, encryption = clock.now(), arguments.get("encryptionConfiguration") or {"type": "AWS_OWNED_KEY"}
            revision = Revision(definition, role, logging, tracing, encryption, updated=now)
            machine = backend.machines[arn] = Machine(arn, name, machine_type, now, revision)
            backend.tags[arn] = given
        old, same = machine.revision, (definition, machine_type, logging, tracing)
        # The service asks for the same name, definition, type, logging and tracing; roles and tags may differ.
        if (old.definition, machine.type, old.logging, old.tracing) != same:
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
        if new != machine.revision:
            machine.revision = replace(new, updated=clock.now(), id=str(uuid.uuid4()))
        version = machine.publish(description) if arguments.get("publish") else None
    return {**machine.revision.describe(), "stateMachineVersionArn": version and version.arn}


def describe_state_machine(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    machine, version, _ = backend.target(arguments["stateMachineArn"])
    found, description = (version, version.description) if version else (machine, None)
    own = {"stateMachineArn": found.arn, "creationDate": found.created, "description": description}
    return {**machine.describe(), **own, **found.revision.describe()}


def list_state_machines(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    return pages.listed("stateMachines", "machines", sorted(backend.machines.items()), arguments)


def delete_state_machine(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """AWS deletes once every execution has ended at its next transition; here that is at once."""
    arn = parse_arn(arguments["stateMachineArn"], "stateMachine").arn
    with backend.lock:
        machine = backend.machines.pop(arn, None)
        backend.tags.pop(arn, None)
    if machine is not None:
        backend.end_executions_of(machine)
    return {}


def _version_description(arguments: dict[str, Any]) -> str | None:
    description: str | None = arguments.get("versionDescription")
    if description and not arguments.get("publish"):
        raise invalid("Version description can only be set when publish is true")
    return description
