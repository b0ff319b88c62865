"""What the service says of a definition: the diagnostics of ValidateStateMachineDefinition and InvalidDefinition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from helpers.definition import states, validation
from helpers.definition.validation import Finding
from helpers.engine import data_of
from helpers.sandbox import integrations
from helpers.sandbox.integrations.jobs import stand_ins
from helpers.sandbox.states_api.states_error import StatesError

__all__ = ["check_definition", "check_state", "validate_state_machine_definition"]

DEFAULT_DIAGNOSTICS = 100  # API reference, ValidateStateMachineDefinition, parameter maxResults


def check_definition(text: str, machine_type: str) -> None:
    """Raise InvalidDefinition, in the service's words, for a definition with errors."""
    _refuse([one for one in diagnose(text, machine_type) if one.severity == "ERROR"])


def check_state(text: str, name: str) -> dict[str, Any]:
    """The state that `text` is the definition of, alone; InvalidDefinition."""
    body: dict[str, Any] = {}
    try:
        body = data_of(text)
        machine = {"StartAt": name, "States": {name: body}}
        found = [*validation.errors(machine), *_resources(machine)]
    except ValueError as error:
        found = [Finding("INVALID_JSON_DESCRIPTION", str(error))]
    # Where it leads to, and so an end, is not there; everything else must be right.
    _refuse([one for one in found if one.code not in ("MISSING_TRANSITION_TARGET", "MISSING_END_STATE")])
    return body


def _refuse(found: list[Finding]) -> None:
    if found:
        raise StatesError("InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(map(str, found))}'")


def validate_state_machine_definition(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    found = list(diagnose(arguments["definition"], arguments.get("type", "STANDARD")))
    failed = any(one.severity == "ERROR" for one in found)
    if arguments.get("severity", "ERROR") == "ERROR":
        found = [one for one in found if one.severity == "ERROR"]
    most = arguments.get("maxResults") or DEFAULT_DIAGNOSTICS
    return {
        "result": "FAIL" if failed else "OK",
        "diagnostics": [
            {"severity": one.severity, "code": one.code, "message": one.message, "location": one.location or None}
            for one in found[:most]
        ],
        "truncated": len(found) > most,
    }


def diagnose(text: str, machine_type: str) -> Iterator[Finding]:
    """Everything the service would object to, and what the sandbox has not."""
    try:
        definition = data_of(text)
    except ValueError as error:
        yield Finding("INVALID_JSON_DESCRIPTION", str(error))
        return
    if definition is None:
        yield Finding("MISSING_DESCRIPTION", "Received a null or empty workflow input")
        return
    found = validation.errors(definition, machine_type)
    yield from found or _resources(definition)
    yield from validation.warnings(definition)


def _resources(definition: Any) -> Iterator[Finding]:
    for state in states(definition):
        resource = state.body.get("Resource")
        if state.type != "Task" or not isinstance(resource, str) or state.name in stand_ins:
            continue
        if problem := integrations.problem_of(resource):
            place = validation.location(state.scope, "States", state.name, "Resource")
            code = "INVALID_RESOURCE" if "not in the sandbox" in problem else "SCHEMA_VALIDATION_FAILED"
            yield Finding(code, problem, place, state=state.name)
