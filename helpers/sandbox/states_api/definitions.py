"""What the service says of a definition: the diagnostics of ValidateStateMachineDefinition and InvalidDefinition."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import ASLParserException
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from helpers import definition as asl
from helpers.sandbox.interpreter.definitions import program
from helpers.sandbox.interpreter.intrinsics import function as intrinsic_function
from helpers.sandbox.interpreter.mending import replace
from helpers.sandbox.states_api.errors import StatesError, not_in_sandbox
from helpers.sandbox.states_api.expressions import expression_errors
from helpers.sandbox.states_api.fields import field_errors
from helpers.sandbox.states_api.json_text import parse

__all__ = ["Diagnostic", "check_definition", "check_state", "diagnose", "mend", "validate_state_machine_definition"]

_SHAPES = {
    "missing-states": "These fields are required: [States]",
    "missing-start": "These fields are required: [StartAt]",
    "unknown-type": (
        "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"
    ),
    "missing-choices": "These fields are required: [Choices]",
    "missing-resource": "These fields are required: [Resource]",
    "missing-next": "These fields are required: [Next or End]",
    "next-and-end": "The fields 'Next' and 'End' exclude each other",
}
_TEMPLATES = {"Assign", "ItemSelector", "Parameters", "ResultSelector"}
_EXPRESS_REFUSES = (".sync", ".sync:2", ".waitForTaskToken")
DEEPEST = 200  # levels of a definition; a limit of the sandbox's own, which walks through it
TOO_DEEP = f"The definition is nested deeper than {DEEPEST} levels"
DEFAULT_DIAGNOSTICS = 100  # API reference, ValidateStateMachineDefinition, parameter maxResults


@dataclass(frozen=True)
class Diagnostic:
    """One finding: the service's code for it, its words, and where in the definition (`/States/Name/Field`)."""

    code: str
    message: str
    location: str = ""
    severity: str = "ERROR"

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")


def check_definition(text: str, machine_type: str) -> None:
    """Raise InvalidDefinition, in the service's words, for a definition with errors."""
    if errors := [found for found in diagnose(text, machine_type) if found.severity == "ERROR"]:
        raise _invalid(errors)


def _invalid(found: list[Diagnostic]) -> StatesError:
    return StatesError("InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(map(str, found))}'")


def check_state(text: str, name: str) -> dict[str, Any]:
    """The state that `text` is the definition of, alone; InvalidDefinition."""
    try:
        body = _parse(text)
    except ValueError as error:
        raise _invalid([Diagnostic("INVALID_JSON_DESCRIPTION", str(error))]) from None
    if not isinstance(body, dict):
        raise _invalid([Diagnostic("SCHEMA_VALIDATION_FAILED", "A state must be an object")])
    alone = {"StartAt": name, "States": {name: body}}
    found = [*_shape_errors(alone), *_resource_errors(alone), *_path_errors(alone), *_expression_errors(alone)]
    if found := found or list(_grammar_errors(json.dumps(alone))):
        raise _invalid(found)
    return body


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


def diagnose(text: str, machine_type: str) -> Iterator[Diagnostic]:
    """Everything the service would object to; the language's own grammar is only asked where the shape is right."""
    try:
        definition = _parse(text)
    except ValueError as error:
        yield Diagnostic("INVALID_JSON_DESCRIPTION", str(error))
        return
    if not isinstance(definition, dict):
        yield Diagnostic("SCHEMA_VALIDATION_FAILED", "Definition must be an object")
        return
    found = [
        *_shape_errors(definition),
        *_transition_errors(definition),
        *_name_errors(definition),
        *_resource_errors(definition),
        *_field_errors(definition),
        *_path_errors(definition),
        *_expression_errors(definition),
        *(_express_errors(definition) if machine_type == "EXPRESS" else ()),
    ]
    yield from found or _grammar_errors(text)
    yield from _warnings(definition)


def _parse(text: str) -> Any:
    """The data of a JSON text; ValueError for any other text, and for one too deep to be walked through."""
    definition = parse(text)
    level = [definition]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return definition
    raise ValueError(TOO_DEEP)


def _location(scope: asl.Scope, *fields: str) -> str:
    """The path of a scope, or of a field in it, in the service's notation."""
    parts: list[str] = []
    while scope.owner:
        parts[:0] = ["States", scope.owner.name, scope.field]
        scope = scope.owner.scope
    return "".join(f"/{part}" for part in (*parts, *fields))


def _shape_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for scope in asl.scopes(definition):
        if not scope.states:
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", _SHAPES["missing-states"], _location(scope))
        if scope.start is None:
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", _SHAPES["missing-start"], _location(scope))
    places = {state.name: _location(state.scope, "States", state.name) for state in asl.states(definition)}
    for problem in asl.problems(definition):
        if problem.kind in _SHAPES and problem.states and problem.states[0] in places:
            field = "/Type" if problem.kind == "unknown-type" else ""
            location = places[problem.states[0]] + field
            if not problem.kind.startswith(("missing-states", "missing-start")):
                yield Diagnostic("SCHEMA_VALIDATION_FAILED", _SHAPES[problem.kind], location)


def _transition_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for scope in asl.scopes(definition):
        states = scope.states
        if scope.start is not None and states and scope.start not in states:
            place = _location(scope, "StartAt")
            yield Diagnostic("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {scope.start}", place)
            continue
        for state in states.values():
            for edge in asl.edges(state):
                if edge.target not in states:
                    place = _location(scope, "States", state.name, edge.field.replace(".", "/"))
                    yield Diagnostic("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {edge.target}", place)
        for name in _unreachable(scope):
            place = _location(scope, "States", name)
            yield Diagnostic("MISSING_TRANSITION_TARGET", f'State "{name}" is not reachable.', place)


def _unreachable(scope: asl.Scope) -> list[str]:
    states = scope.states
    waiting, reached = [scope.start], set()
    while waiting:
        name = waiting.pop()
        if name in states and name not in reached:
            reached.add(name)
            waiting.extend(edge.target for edge in asl.edges(states[name]))
    return [name for name in states if name not in reached] if scope.start in states else []


def _name_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for name, count in Counter(state.name for state in asl.states(definition)).items():
        if count > 1:
            yield Diagnostic("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}")
        if len(name) > 80:
            yield Diagnostic("INVALID_STATE_NAME", f"State name is longer than 80 characters: {name}")


def _resources(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The resource of every Task, and where it stands."""
    for state in asl.states(definition):
        resource = state.body.get("Resource")
        if state.type == "Task" and isinstance(resource, str):
            yield resource, _location(state.scope, "States", state.name, "Resource")


def _resource_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for resource, place in _resources(definition):
        if resource.endswith(":states:::http:invoke"):
            yield Diagnostic("INVALID_RESOURCE", not_in_sandbox("An HTTP Task").message, place)
        elif not resource.startswith("arn:"):
            message = (
                f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the "
                "resource is not available in this region."
            )
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", message, place)


def _express_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for resource, place in _resources(definition):
        pattern = next((ending for ending in _EXPRESS_REFUSES if resource.endswith(ending)), None)
        if pattern:
            message = f"Express state machine does not support '{pattern}' service integration"
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", message, place)
        elif ":activity:" in resource:
            message = "Express state machine does not support Activity ARN"
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", message, place)


def _path_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for state in asl.states(definition):
        if state.language == "JSONPath":
            for field in _TEMPLATES & state.body.keys():
                place = _location(state.scope, "States", state.name, field)
                for key in _bad_paths(state.body[field]):
                    message = (
                        f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
                    )
                    yield Diagnostic("SCHEMA_VALIDATION_FAILED", message, place)


def _field_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for state in asl.states(definition):
        for message in field_errors(state, definition.get("QueryLanguage", "JSONPath")):
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", message, _location(state.scope, "States", state.name))


def _expression_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    for state in asl.states(definition):
        for code, message, field in expression_errors(state):
            yield Diagnostic(code, message, _location(state.scope, "States", state.name, field))


def _bad_paths(template: object) -> Iterator[str]:
    """The keys of a payload template that end in `.$` and hold no path."""
    if isinstance(template, dict):
        for key, value in template.items():
            if not key.endswith(".$"):
                yield from _bad_paths(value)
            elif not _is_path(value):
                yield key
    elif isinstance(template, list):
        for value in template:
            yield from _bad_paths(value)


def _is_path(value: object) -> bool:
    if not isinstance(value, str) or not value.startswith("States."):
        return isinstance(value, str) and value.startswith("$")
    try:
        intrinsic_function(value)
    except Exception:  # the components of the function raise what they like
        return False
    return True


def _grammar_errors(text: str) -> Iterator[Diagnostic]:
    try:
        program(text)
    except ASLParserException as error:
        for line in error.errors:
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", line)
    except Exception as error:  # the parser raises whatever its components raise
        yield Diagnostic("SCHEMA_VALIDATION_FAILED", str(error) or type(error).__name__)


def _warnings(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    """The service's warnings about paths where none is read. Source: API reference, the diagnostic's list of codes."""
    for state in asl.states(definition):
        place = _location(state.scope, "States", state.name)
        if state.language == "JSONPath" and state.type == "Pass" and _holds_path(state.body.get("Result")):
            message = "Result is static: a path in it is not replaced"
            yield Diagnostic("PASS_RESULT_IS_STATIC", message, f"{place}/Result", "WARNING")
        parameters = state.body.get("Parameters")
        if state.language == "JSONPath" and isinstance(parameters, dict):
            for key, value in parameters.items():
                if isinstance(value, str) and value.startswith(("$.", "$$.")) and not key.endswith(".$"):
                    message = f"The value of {key!r} looks like a path, but the field's name does not end in '.$'"
                    yield Diagnostic("NO_DOLLAR", message, f"{place}/Parameters/{key}", "WARNING")


def _holds_path(value: object) -> bool:
    if isinstance(value, dict):
        return any(key.endswith(".$") or _holds_path(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_path(inner) for inner in value)


def _begin(self: Preprocessor) -> None:
    self._query_language_per_scope = []


def mend() -> None:
    """Let definitions be read side by side."""
    # Each reader knows its own query language; moto's readers keep theirs in one list.
    replace(Preprocessor, "__init__", _begin)
