"""What keeps a definition from being a state machine, in AWS's words where those are known."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from helpers.definition import syntax
from helpers.definition.fields import LONGEST_LABEL, OBJECTS, OPERATORS, TYPES, Field, Object
from helpers.definition.jsonata_text import free_names, states_fields, syntax_error
from helpers.definition.spoken_rules import expression
from helpers.definition.walk import Scope, State, edges, scopes, states
from helpers.errors import DefinitionInvalid
from helpers.limits import DEFINITION_LENGTH, NAME_LENGTH

__all__ = ["DEEPEST", "PLACEHOLDER", "Finding", "check", "errors", "warnings"]

DEEPEST = 200  # levels of a definition: a limit of our own, so that whoever walks through one comes to an end
PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_]+)\}")

SCHEMA = "SCHEMA_VALIDATION_FAILED"
TARGET = "MISSING_TRANSITION_TARGET"
# What `problems` calls a finding about a field that is missing, empty or of the wrong type.
MISSING = {
    "StartAt": "missing-start",
    "States": "missing-states",
    "Next": "missing-next",
    "Choices": "missing-choices",
    "Resource": "missing-resource",
    "Branches": "missing-inside",
    "ItemProcessor": "missing-inside",
    "Iterator": "missing-inside",
    "SecondsPath": "missing-time",
    "Type": "unknown-type",
}
WAITING = (".sync", ".sync:2", ".waitForTaskToken")
SAMPLED = "a JSONPath or Intrinsic Function"
PATH = re.compile(r"\$\$?[.\[]|\$$")
UNFIT_FOR_A_LABEL = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")
# The functions that ErrorPath and CausePath take ("Fail").
GIVING_TEXTS = ("Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID")
RESULTING = ("Task", "Parallel", "Map")  # states whose Assign and Output know a result
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Finding:
    """One finding: AWS's code for it, its words, and where in the definition (`/States/Name/Field`).

    `state` is the name of the state it concerns, None for the machine itself; `hint` what to do about it, in our own
    words; `kind` what `problems` calls it.
    """

    code: str
    message: str
    location: str = ""
    severity: str = "ERROR"
    state: str | None = None
    kind: str = "bad-field"
    hint: str = ""

    @property
    def sentence(self) -> str:
        """The finding as a reader wants it: whose it is, what is wrong, what to do."""
        owner = f"state {self.state!r}" if self.state is not None else "the machine"
        inside = self.location.rpartition(f"/States/{self.state}")[2].strip("/").replace("/", ".")
        subject = f"{inside} of {owner}: " if inside else f"{owner[0].upper()}{owner[1:]}: " if self.location else ""
        return f"{subject}{self.message.rstrip('.')}. {self.hint}".strip()

    def __str__(self) -> str:
        """The finding as AWS prints it, and after that what to do."""
        said = f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")
        return f"{said}. {self.hint}" if self.hint else said


def errors(
    definition: object,
    type: str = "STANDARD",  # noqa: A002
    *,
    unfilled: bool = False,
    text: str | None = None,
) -> list[Finding]:
    """Everything that keeps `definition` from being a state machine of a type (`STANDARD` or `EXPRESS`).

    An empty list where it can be created. What is no JSON, or too deep or too long to be walked through, gets one
    finding alone. A Resource may hold placeholders `${Name}`; with `unfilled` every field may. `text` is the JSON that
    the definition was read from, where it is at hand: that spares a look at its form.
    """
    # Data cannot be too deep or too long whose text has not so many brackets and characters.
    is_short = text is not None and len(text) <= DEFINITION_LENGTH and text.count("{") + text.count("[") <= DEEPEST
    unreadable = None if is_short else form(definition)
    if unreadable is not None:
        return [unreadable]
    if not isinstance(definition, dict):
        return [Finding(SCHEMA, "Definition must be a valid JSON object", kind="not-an-object")]
    return Reading(definition, type, unfilled).read()


def check(definition: object, type: str = "STANDARD", text: str | None = None) -> None:  # noqa: A002
    """Raise DefinitionInvalid, with the first error and how many there are more, for what is no state machine."""
    found = errors(definition, type, text=text)
    if found:
        more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
        raise DefinitionInvalid(found[0].sentence + more)


def warnings(definition: object) -> Iterator[Finding]:
    """AWS's warnings about paths where none is read. Source: API reference, the diagnostic's list of codes."""
    for state in states(definition) if form(definition) is None else ():
        if state.language != "JSONPath" or state.type not in TYPES:
            continue
        known = OBJECTS[state.type].fields
        for field, value in state.body.items():
            found: list[tuple[str, ...]] = []
            if field in known and known[field].kind in ("template", "variables"):
                found = [
                    ("NO_DOLLAR", key, f"looks like {what}", key, f"{key}.$", what) for key, what in sampled(value)
                ]
            elif field == "Result":
                static = [key for key, _ in pairs(value) if key.endswith(".$")]
                wrong, code = f"will not evaluate as {SAMPLED} at runtime", "PASS_RESULT_IS_STATIC"
                found = [(code, key, wrong, "Result", "Parameters", SAMPLED) for key in static]
            elif f"{field}Path" in known:
                looks = sampled({field: value})
                found = [("NO_PATH", field, f"looks like {what}", field, f"{field}Path", what) for _, what in looks]
            place = f"{location(state.scope, 'States', state.name)}/{field}"
            for code, key, wrong, instead, better, what in found:
                use = f"Instead of '{instead}', use '{better}' to evaluate it as {what} at runtime."
                yield Finding(code, f"The value of '{key}' {wrong}. {use}", place, "WARNING", state.name)


def form(definition: object) -> Finding | None:
    """What keeps a value from being a JSON text that can be walked through; None where nothing does.

    Levels and length are counted as if each object that stands in several places were written there.
    """
    waiting: list[tuple[object, str, int]] = [(definition, "", 0)]
    length = 0
    while waiting:
        value, location, level = waiting.pop()
        if isinstance(value, dict | list) and level == DEEPEST:
            said = f"The definition is nested deeper than {DEEPEST} levels"
            return Finding("TOO_DEEPLY_NESTED", said, kind="too-deep")
        if isinstance(value, str):
            length += len(value) + 2
        elif isinstance(value, dict):
            for name in value:
                if not isinstance(name, str):
                    return not_json("A name that is no text is not JSON", f"{location}/{name}")
                length += len(name) + 4
            waiting += [(item, f"{location}/{name}", level + 1) for name, item in value.items()]
        elif isinstance(value, list):
            length += len(value) + 2
            waiting += [(item, f"{location}[{n}]", level + 1) for n, item in enumerate(value)]
        elif value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            length += 1
        else:
            return not_json(
                f"{value if isinstance(value, float) else f'A {type(value).__name__}'} is not JSON", location
            )
        if length > DEFINITION_LENGTH:
            return not_json(f"The definition is longer than {DEFINITION_LENGTH:,} characters")
    return None


def not_json(message: str, location: str = "") -> Finding:
    return Finding("INVALID_JSON_DESCRIPTION", message, location, kind="not-json")


class Where:
    """A place in a definition, the state that it is in, and the query language that holds there (empty: either)."""

    __slots__ = ("_outer", "_step", "language", "state")

    def __init__(self, outer: Where | None, step: str, state: str | None, language: str) -> None:
        self._outer, self._step, self.state, self.language = outer, step, state, language

    @property
    def location(self) -> str:
        steps: list[str] = []
        place: Where | None = self
        while place is not None:
            steps.append(place._step)
            place = place._outer
        return "".join(reversed(steps)) or "/"

    def at(self, step: str) -> Where:
        return Where(self, step, self.state, self.language)


class Reading:
    """One definition being read, with what is found on the way."""

    def __init__(self, definition: dict[str, Any], machine_type: str, unfilled: bool) -> None:
        self.definition, self.machine_type, self.unfilled = definition, machine_type, unfilled
        self.found: list[Finding] = []
        self.names: set[str] = set()
        self.labels: set[str] = set()
        self.type = ""  # of the state that is read
        self.ends = False  # whether the machine can
        # A bit for each variable; those assigned on the way into each scope, by the id of its body, and into this one.
        self.bits: dict[str, int] = {}
        self.outer: dict[int, int] = {}
        self.taken = 0

    def read(self) -> list[Finding]:
        for scope in scopes(self.definition):
            if scope.owner is None:
                self.ends = any(state.ends for state in scope.states.values())
            where = Where(None, location(scope), scope.owner.name if scope.owner else None, scope.language)
            self.taken = self.outer.get(id(scope.body), 0)
            self.hold(scope.body, machine(scope), where)
            found = scope.body.get("States")
            for name, body in found.items() if isinstance(found, dict) else ():
                self.state(name, body, scope, where)
            self.transitions(scope, where)
        if not self.ends and all(one.code == TARGET for one in self.found):
            self.found.append(Finding("MISSING_END_STATE", "Workflow has no terminal state", kind="no-way-out"))
        return self.found

    def refuse(self, where: Where, message: str, *, code: str = SCHEMA, **more: str) -> None:
        self.found.append(Finding(code, message, where.location, state=where.state, **more))

    def state(self, name: str, body: object, scope: Scope, outside: Where) -> None:
        found = scope.states.get(name)
        where = Where(outside, f"/States/{name}", name, found.language if found else scope.language)
        if name in self.names:
            self.refuse(where, f"Duplicate State name: {name}", code="DUPLICATE_STATE_NAME", kind="duplicate-name")
        self.names.add(name)
        if not 0 < len(name) <= NAME_LENGTH or CONTROL.search(name):
            is_long = len(name) > NAME_LENGTH
            wrong = "is longer than 80 characters" if is_long else "is empty or holds control characters"
            self.refuse(where, f"State name {wrong}: {name}", code="INVALID_STATE_NAME", kind="bad-name")
        if found is None or not isinstance(body, dict):
            self.refuse(where, "Expected value of type Object", kind="bad-state")
            return
        of = body.get("Type")
        if not isinstance(of, str) or of not in TYPES:
            message = f"The field 'Type' should have one of these values: [{', '.join(TYPES)}]"
            self.refuse(where.at("/Type"), message, kind="unknown-type", hint=nearest(of, TYPES))
            return
        if self.definition.get("QueryLanguage") == "JSONata" and body.get("QueryLanguage") == "JSONPath":
            message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            self.refuse(where, message)
            where.language = ""
        self.type = of
        self.hold(body, of, where)
        for field in ("Retry", "Catch"):
            if field in body:
                self.handlers(body[field], where.at(f"/{field}"))
        if self.machine_type == "EXPRESS":
            self.express(found, where)
        label = body.get("Label")
        if isinstance(label, str):
            self.label(label, where.at("/Label"))

    def hold(self, body: dict[str, Any], of: str, where: Where) -> None:
        """Hold an object against its entry in the table."""
        known = OBJECTS[of]
        for name, value in body.items():
            field = known.fields.get(name)
            if field is None:
                self.refuse(where, f"Field '{name}' is not supported", hint=advice(name, of))
            elif field.language and not speaks(field, where.language):
                self.refuse(
                    where,
                    f"The QueryLanguage is set to '{where.language}', "
                    f"but field '{name}' is only supported for the '{field.language}' QueryLanguage",
                )
            else:
                self.value(value, field, name, where)
        self.together(body, known, where)
        if of in ("Rule", "Inner rule"):
            self.comparison(body, where)

    def together(self, body: dict[str, Any], known: Object, where: Where) -> None:
        """Which fields must be there, which exclude each other."""
        missing = [name for name in known.required if name not in body]
        if missing:
            self.missing(missing, where)
        for group in known.one_of:
            # "End": false is as good as no End.
            present = [name for name in group if name in body and not (name == "End" and body[name] is False)]
            if len(present) == 1:
                continue
            names = [name for name in group if speaks(known.fields[name], where.language)]
            if present:
                self.refuse(where, only_one(group), kind="next-and-end" if "End" in group else "bad-field")
            elif "RoleArn" in names:
                self.refuse(where, "The field 'RoleArn' is required but was missing")
            elif len(names) == 1:
                self.missing(names, where)
            else:
                message = f"This object should have only one of the following fields: [{', '.join(names)}]"
                kind = MISSING.get(group[0], "bad-field")
                self.refuse(where, message, kind=kind, hint="It has none of them.")
        for group in known.at_most:
            present = [name for name in group if name in body]
            if len(present) > 1:
                self.refuse(where, only_one(group))
        for name, value, other in known.requires:
            if body.get(name) == value and other not in body:
                self.missing([other], where)
        for name, value, other in known.forbids:
            if body.get(name) == value and other in body:
                hint = f"It does not go with a {name} of {value}."
                self.refuse(where, f"Field '{other}' is not supported", hint=hint)

    def missing(self, names: list[str], where: Where) -> None:
        kind = MISSING.get(names[-1], "bad-field")
        self.refuse(where, f"These fields are required: [{', '.join(names)}]", kind=kind)

    def comparison(self, rule: dict[str, Any], where: Where) -> None:
        operators = [name for name in rule if name in OPERATORS]
        if "Variable" in rule and not operators:
            self.refuse(where, "A rule with a 'Variable' needs a comparison, such as 'StringEquals'")
        elif len(operators) > 1 or (operators and "Variable" not in rule and {"And", "Or", "Not"} & rule.keys()):
            heads = [name for name in ("And", "Or", "Not") if name in rule]
            self.refuse(where, only_one([*heads, *operators]))

    def value(self, value: Any, field: Field, name: str, outside: Where) -> None:
        """Hold the value of an object's field against what the field holds."""
        if isinstance(value, str):
            if self.unfilled and PLACEHOLDER.search(value):
                return
            if field.expression and outside.language != "JSONPath" and value.startswith("{%"):
                self.expression(value, outside.at(f"/{name}"))
                return
        kind, expected = field.kind, PYTHON.get(field.kind, object)
        fits = isinstance(value, expected) and not (kind in NUMBERS and isinstance(value, bool))
        if (fits and (kind in ANY or (kind == "word" and value in field.words))) or (value is None and field.null):
            return
        where, wrong = outside.at(f"/{name}"), MISSING.get(name, "bad-field")
        if not fits:
            self.refuse(where, f"Expected value of type {NAMED.get(expected, 'Number')}", kind=wrong)
        elif kind in ("objects", "texts", "states") and not value and not field.empty:
            self.refuse(where, "Value cannot be empty", kind=wrong)
        elif kind in NUMBERS:
            self.number(value, field, where)
        elif isinstance(value, str):
            self.text(value, field, where)
        elif kind == "variables":
            self.variables(value, where)
            self.template(value, where)
        elif kind in ("template", "value", "items"):
            self.template(value, where)
        elif kind == "texts":
            for n, item in enumerate(value):
                if not isinstance(item, str):
                    self.refuse(where.at(f"[{n}]"), "Expected value of type String")
        elif field.of:
            inner = [("", value)] if isinstance(value, dict) else [(f"[{n}]", item) for n, item in enumerate(value)]
            for step, item in inner:
                if not isinstance(item, dict):
                    self.refuse(where.at(step), "Expected value of type Object", kind=wrong)
                elif "States" not in OBJECTS[field.of].fields:  # a scope is read when its turn comes
                    self.hold(item, field.of, where.at(step))

    def number(self, value: float, field: Field, where: Where) -> None:
        if field.least is not None and value < field.least:
            self.refuse(where, f"Minimum value is {field.least}")
        if field.most is not None and value > field.most:
            self.refuse(where, f"Maximum value is {field.most}")

    def text(self, value: str, field: Field, where: Where) -> None:
        if field.kind == "word" and value not in field.words:
            hint = nearest(value, field.words)
            self.refuse(where, f"Value should be one of the following: [{', '.join(field.words)}]", hint=hint)
        elif field.kind == "timestamp" and not is_timestamp(value):
            self.refuse(where, "String does not match RFC3339 timestamp")
        elif field.kind == "resource" and not value.startswith("arn:") and not PLACEHOLDER.search(value):
            message = (
                f"The resource provided {value} is not recognized. The value is not a valid resource ARN, or the "
                "resource is not available in this region."
            )
            self.refuse(where, message)
        elif field.kind in PATHS:
            self.path(value, field, where)
        elif field.kind == "value" and where.language != "JSONPath":
            self.expression(value, where)

    def path(self, value: str, field: Field, where: Where) -> None:
        if field.kind == "computed" and value.startswith("States."):
            message, reason = "Value must be a valid JSONPath or intrinsic function", template_error(value)
            if reason is None and syntax.intrinsic(value).name not in GIVING_TEXTS:
                reason = f"Of functions it takes those that give a text: {', '.join(GIVING_TEXTS)}."
        elif field.kind == "path":
            message, reason = "Value must be a valid JSONPath", refusal(syntax.path, value)
        else:
            message, reason = "Value is not a Reference Path", refusal(syntax.path, value)
            if reason is None and not syntax.path(value).definite:
                reason = "It can lead to several places; a path to one has no '*', '..', ':', ',' or filter."
            elif reason is None and field.kind == "place" and syntax.path(value).root != "$":
                reason = "A result is put into the data, at '$' or below."
            elif reason is None and field.kind == "amount" and syntax.path(value).root == "$$":
                reason = "A Map takes its numbers from its input or from a variable, not from the context object."
        if reason:
            self.refuse(where, message, hint=reason)

    def expression(self, text: str, where: Where) -> None:
        """Hold a text of JSONata against the language; a text without `{% %}` stands for itself."""
        inside = expression(text) if len(text) > 3 else None
        if inside is None:
            if text.startswith("{%"):
                self.refuse(where, "JSONata string must start with {% and end with %}")
        elif problem := syntax_error(inside):
            self.refuse(where, problem, code="INVALID_JSONATA_EXPRESSION")
        else:
            for name in free_names(inside):
                place = "" if name == "$$" else " at the top level"
                message = f"Reference to '{name}'{place} is not supported."
                hint = f'Did you mean "$states.input.{name}"?' if name[0] != "$" else ""
                self.refuse(where, message, code="UNSUPPORTED_JSONATA_EXPRESSION", hint=hint)
            field = where.location.rpartition(f"/States/{where.state}/")[2]
            has_result = field.startswith(("Assign", "Output")) and self.type in RESULTING
            more = "errorOutput" if field.startswith("Catch") else "result" if has_result else "input"
            for name in states_fields(inside):
                if name not in ("input", "context", more):
                    message = f"Field '$states.{name}' does not exist."
                    self.refuse(where, message, code="UNSUPPORTED_JSONATA_EXPRESSION")

    def template(self, value: object, where: Where) -> None:
        """Hold the paths and expressions inside a value against the language."""
        waiting = [("", "", value)]
        while waiting:
            step, key, item = waiting.pop()
            if key.endswith(".$") and where.language != "JSONata":
                if reason := template_error(item):
                    wanted = "a valid JSONPath or a valid intrinsic function call"
                    self.refuse(where, f"The value for the field '{key}' must be {wanted}", hint=reason)
            elif isinstance(item, dict):
                for name in item if where.language != "JSONata" else ():
                    if f"{name}.$" in item:  # States Language, "Payload Template"
                        said = f"The fields '{name}' and '{name}.$' are one, which has two values"
                        self.refuse(where.at(step), said, hint="Remove one of them.")
                waiting += reversed([(f"{step}/{name}", name, inner) for name, inner in item.items()])
            elif isinstance(item, list):
                waiting += reversed([(f"{step}[{n}]", "", inner) for n, inner in enumerate(item)])
            elif isinstance(item, str) and where.language == "JSONata":
                self.expression(item, where.at(step))

    def bit(self, name: str) -> int:
        """A variable's own bit."""
        return self.bits.setdefault(name.removesuffix(".$"), 1 << len(self.bits))

    def variables(self, assigned: Mapping[str, object], where: Where) -> None:
        for key in assigned:
            name = key.removesuffix(".$")
            if name == "states":
                message = "Cannot assign to reserved variable '$states'."
                self.refuse(where, message, code="RESERVED_VARIABLE_NAME")
            elif not name.isidentifier() or name.startswith("_"):
                message = f"Invalid variable name '{name}': the variable name contains invalid characters."
                self.refuse(where, message, code="INVALID_VARIABLE_NAME")
            elif len(name) > NAME_LENGTH:
                message = f"Invalid variable name '{name}': it is longer than {NAME_LENGTH} characters."
                self.refuse(where, message, code="INVALID_VARIABLE_NAME")
            elif self.bit(name) & self.taken:
                hint = "A state before this Parallel or Map assigns it, too."
                self.refuse(where, f"Duplicate variable name: {name}", code="DUPLICATE_VARIABLE_NAME", hint=hint)

    def handlers(self, rules: Any, where: Where) -> None:
        """States.ALL stands alone, and last."""
        for n, rule in enumerate(rules) if isinstance(rules, list) else ():
            names = rule.get("ErrorEquals") if isinstance(rule, dict) else None
            if isinstance(names, list) and "States.ALL" in names and (len(names) > 1 or n < len(rules) - 1):
                message = "States.ALL must appear alone and at end of list"
                self.refuse(where.at(f"[{n}]/ErrorEquals"), message)

    def express(self, state: State, where: Where) -> None:
        resource = state.body.get("Resource")
        if state.distributed:
            place = where.at("/ItemProcessor/ProcessorConfig/Mode")
            self.refuse(place, "Express state machine does not support a Map in DISTRIBUTED mode")
        if state.type != "Task" or not isinstance(resource, str):
            return
        pattern = next((ending for ending in WAITING if resource.endswith(ending)), None)
        if pattern:
            message = f"Express state machine does not support '{pattern}' service integration"
            self.refuse(where.at("/Resource"), message)
        elif ":activity:" in resource:
            self.refuse(where.at("/Resource"), "Express state machine does not support Activity ARN")

    def label(self, label: str, where: Where) -> None:
        if label in self.labels:
            self.refuse(where, f"Duplicate Label name: {label}", code="DUPLICATE_LABEL_NAME")
        elif not 0 < len(label) <= LONGEST_LABEL or UNFIT_FOR_A_LABEL.search(label):
            message = f"A Label has 1 to {LONGEST_LABEL} characters, without white space and special characters"
            self.refuse(where, message, code="INVALID_LABEL_NAME")
        self.labels.add(label)

    def transitions(self, scope: Scope, where: Where) -> None:
        """Every way leads to a state, and to every state leads a way."""
        found, there = scope.states, scope.body.get("States")
        if scope.start is None or not isinstance(there, dict) or not there:
            return
        reached = {scope.start: self.taken} if scope.start in there else {}  # and the variables assigned on the way
        if not reached:
            self.target(scope.start, where.at("/StartAt"), "dangling-start", there)
        leads: dict[str, list[tuple[str, int]]] = {}
        for state in found.values():
            leaving = leads[state.name] = []
            for edge in edges(state):
                assigned = edge.holder.get("Assign")
                leaving.append((edge.target, sum(set(map(self.bit, assigned))) if isinstance(assigned, dict) else 0))
                if edge.target not in there:
                    place = Where(where, f"/States/{state.name}/{edge.field.replace('.', '/')}", state.name, "")
                    self.target(edge.target, place, "dangling-next", there)
        waiting = list(reached)
        while waiting:
            name = waiting.pop()
            for target, assigned in leads.get(name, ()):
                known = reached.get(target, -1)
                if known < 0 or (assigned | reached[name]) & ~known:
                    reached[target] = max(known, 0) | assigned | reached[name]
                    waiting.append(target)
        for state in found.values():
            self.outer |= {id(inner.body): reached.get(state.name, 0) for inner in state.inner}
        advice = "Remove it, or let a state go there."
        for name in found:
            if name not in reached and (self.ends or scope.owner):  # a machine without end is said to be just that
                place = Where(where, f"/States/{name}", name, "")
                self.refuse(place, f'State "{name}" is not reachable.', code=TARGET, kind="unreachable", hint=advice)

    def target(self, name: str, where: Where, kind: str, there: Mapping[str, object]) -> None:
        known = ", ".join([*there][:8]) + (", ..." if len(there) > 8 else "")
        # In a large machine a look at every name for every missing one would take too long.
        near = nearest(name, there) if len(there) <= 100 else ""
        hint = f"{near} There is no state {name!r}; there are: {known}.".strip()
        self.refuse(where, f"Missing 'Next' target: {name}", code=TARGET, kind=kind, hint=hint)


NUMBERS = ("integer", "number")
PATHS = ("path", "reference", "place", "amount", "computed")
ANY = ("text", "boolean", "state", "literal")  # kinds whose every value is right
PYTHON: dict[str, Any] = {
    **dict.fromkeys(("text", "word", "timestamp", "resource", "state", *PATHS), str),
    "integer": int,
    "number": int | float,
    "boolean": bool,
    **dict.fromkeys(("template", "variables", "object", "states"), dict),
    **dict.fromkeys(("objects", "texts"), list),
    "items": list | dict,
}
NAMED = {str: "String", int: "Integer", bool: "Boolean", dict: "Object", list: "Array", list | dict: "Array"}


def speaks(field: Field, query_language: str) -> bool:
    return not field.language or not query_language or field.language == query_language


def machine(scope: Scope) -> str:
    """The table's name for a scope."""
    return "Machine" if scope.owner is None else "Branch" if scope.owner.type == "Parallel" else "Processor"


def location(scope: Scope, *fields: str) -> str:
    """The path of a scope, or of a field in it, in AWS's notation."""
    parts: list[str] = []
    while scope.owner:
        parts[:0] = ["States", scope.owner.name, scope.field]
        scope = scope.owner.scope
    return "".join(f"/{part}" for part in (*parts, *fields))


def only_one(names: Iterable[str]) -> str:
    return f"There should only be one of the following fields: [{', '.join(names)}]"


def nearest(name: object, known: Iterable[str]) -> str:
    """`Did you mean "Seconds"?`, empty where nothing is near."""
    if not isinstance(name, str) or len(name) > NAME_LENGTH:
        return ""
    lower = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), lower, n=1)
    return f'Did you mean "{lower[near[0]]}"?' if near else ""


def advice(name: str, of: str) -> str:
    """What to do about a field that an object does not know."""
    owners = [kind for kind in TYPES if name in OBJECTS[kind].fields] if of in TYPES else []
    return f"It is a field of {', '.join(owners)}." if owners else nearest(name, OBJECTS[of].fields)


def pairs(value: object) -> Iterator[tuple[str, object]]:
    """Every name of every object inside a value, with what stands there."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item.items()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def sampled(value: object) -> Iterator[tuple[str, str]]:
    """The names inside a value at which stands what looks like a path or a function, and which; those read are not."""
    for key, item in pairs(value):
        if isinstance(item, str) and not key.endswith(".$") and (PATH.match(item) or item.startswith("States.")):
            yield key, "a JSONPath" if item[0] == "$" else "an Intrinsic Function"


def is_timestamp(text: str) -> bool:
    found = TIMESTAMP.fullmatch(text)
    try:
        return found is not None and bool(datetime.fromisoformat(found[1]))
    except ValueError:
        return False


def template_error(value: object) -> str | None:
    """What is wrong with the value of a template's field that ends in `.$`; None where nothing is."""
    if not isinstance(value, str):
        return "A path is a text."
    return refusal(syntax.intrinsic if value.startswith("States.") else syntax.path, value)


def refusal(reader: Callable[[str], object], text: str) -> str | None:
    """Why a text cannot be read; None where it can."""
    try:
        reader(text)
    except ValueError as error:
        return str(error)
    return None
