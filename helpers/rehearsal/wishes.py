"""What a machine's text wants of its data: the paths that its states read, and values that lead a Choice somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from helpers.definition.walk import State, objects

__all__ = ["ABSENT", "Wishes", "aliases", "chosen", "fields", "parts", "reads"]

ABSENT = object()
"""The value of a path that must not be there."""
Path = tuple[str | int, ...]
Wishes = dict[Path, Any]

INNER = ("Branches", "Iterator", "ItemProcessor", "Comment", "Retry", "Next", "Resource", "ErrorEquals", "Type")
JSONPATH = re.compile(r"\$\$?[A-Za-z_0-9]*(?:\.\.?[\w-]+|\[[^\]]*\])*")
STEP = re.compile(r"\.([\w-]+)|\[(?:'([^']*)'|\"([^\"]*)\"|([^\]]*))\]")
JSONATA = re.compile(
    r"\$states\.(?:input|result|errorOutput|context\.Execution\.Input|context\.Map\.Item\.Value)((?:\.(?:[\w]+|`[^`]+`)|\[\d+\])+)"
    r"|\$(?!states\b)[A-Za-z_]\w*((?:\.(?:[\w]+|`[^`]+`)|\[\d+\])+)"
)
GIVEN = re.compile(r"^\$\$\.(Execution\.Input|Map\.Item\.Value)")
# A field that wants a value of a kind.
KINDS = {
    "SecondsPath": 1,
    "TimeoutSecondsPath": 60,
    "HeartbeatSecondsPath": 30,
    "MaxConcurrencyPath": 1,
    "TimestampPath": "2025-01-01T00:00:00Z",
    "ToleratedFailureCountPath": 0,
    "ToleratedFailurePercentagePath": 0,
    "MaxItemsPath": 1,
    "MaxItemsPerBatchPath": 1,
}
FUNCTIONS = {
    "MathAdd": 1,
    "MathRandom": 1,
    "ArrayRange": 1,
    "StringToJson": "{}",
    "StringSplit": "a,b",
    "Base64Encode": "example",
    "Base64Decode": "ZXhhbXBsZQ==",
    "Hash": "example",
    "ArrayLength": [1],
    "ArrayContains": [1],
    "ArrayGetItem": [1],
    "ArrayPartition": [1],
    "ArrayUnique": [1],
}
CALL = re.compile(r"States\.(\w+)\(([^()]*)\)")
CONDITION = re.compile(
    r"(?P<path>\$[\w.`\[\]]+)\s*(?P<test>!=|<=|>=|=|<|>|in)\s*(?P<value>'[^']*'|\"[^\"]*\"|-?[\d.]+|true|false|null|\[[^\]]*\])"
)
LEAVES = {"N": "1", "S": "example", "BOOL": True, "L": [], "M": {}}  # of DynamoDB's items


def parts(path: str) -> Path:
    """A JSONPath's steps below its root; what stands for several places is the first of them.

    >>> parts("$.a[0]['b c'][*].d"), parts("$$.Execution.Input.x"), parts("$")
    (('a', 0, 'b c', 0, 'd'), ('x',), ())
    """
    found: list[str | int] = []
    for name, one, other, index in STEP.findall(GIVEN.sub("$", path)):
        key = name or one or other
        found.append(key if key else int(index) if index.isdigit() else 0)
    return tuple(found)


def fields(body: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a state's body with the name of its field, without those of inner states."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name not in INNER:
                yield from fields(value, name)
    elif isinstance(body, list):
        for value in body:
            yield from fields(value, key)
    elif isinstance(body, str):
        yield key, body


def reads(state: State) -> Iterator[tuple[Path, Any]]:
    """The paths that a state reads, with a value where its place implies one, None where any will do."""
    for key, text in fields(state.body):
        if text.startswith("{%"):
            for one, other in JSONATA.findall(text):
                yield parts("$" + (one or other).replace("`", "")), None
        elif key.endswith(".$") or (key.endswith("Path") and key != "ResultPath") or key == "Variable":
            for path in JSONPATH.findall(re.sub(r"'(?:\\.|[^'\\])*'", "''", text) if "States." in text else text):
                if path.startswith("$$") and not GIVEN.match(path):
                    continue
                yield parts(path), [{}] if key == "ItemsPath" else KINDS.get(key)
            for name, arguments in CALL.findall(text):
                for path in JSONPATH.findall(arguments)[
                    : 1 if name.startswith("Array") and name != "ArrayRange" else 9
                ]:
                    yield parts(path), FUNCTIONS.get(name)


def aliases(state: State) -> Iterator[tuple[str, Path]]:
    """The names under which a state passes on what it finds at a path."""
    for field in ("ResultSelector", "Parameters", "ItemSelector", "Output", "Assign", "Arguments"):
        yield from _named(state.body.get(field))


def _named(template: Any) -> Iterator[tuple[str, Path]]:
    if not isinstance(template, dict):
        return
    for key, value in template.items():
        if isinstance(value, str) and key.endswith(".$") and value.startswith("$") and not value.startswith("$$."):
            yield key[:-2], parts(value)
        elif isinstance(value, str) and value.startswith("{%") and (found := JSONATA.search(value)):
            yield key, parts("$" + (found[1] or found[2]).replace("`", ""))
        else:
            yield from _named(value)


def chosen(state: State, target: int | None) -> Wishes:
    """Values for which a Choice takes the rule of this index, or its Default."""
    rules = [rule for _, rule in objects(state.body.get("Choices"))]
    found: Wishes = {}
    for index, rule in enumerate(rules):
        if index == target:
            break
        found |= _held(rule, state.language, False)
    if target is not None and target < len(rules):
        found |= _held(rules[target], state.language, True)
    return found


def _held(rule: dict[str, Any], language: str, holds: bool) -> Wishes:
    """Values for which a rule holds, or does not."""
    if language == "JSONata" or "Condition" in rule:
        return _condition(str(rule.get("Condition")), holds)
    if isinstance(rule.get("Not"), dict):
        return _held(rule["Not"], language, not holds)
    for name in ("And", "Or"):
        if name in rule:
            inner = [one for _, one in objects(rule[name])]
            all_of = (name == "And") == holds
            found: Wishes = {}
            for one in reversed(inner if all_of else inner[:1]):
                found |= _held(one, language, holds)
            return found
    path = parts(str(rule.get("Variable", "$")))
    test, wanted = next(
        ((key, value) for key, value in rule.items() if key not in ("Variable", "Next", "Comment")), ("", 0)
    )
    if test == "IsPresent":
        return {path: None if wanted is holds else ABSENT} if path else {}
    if test.startswith("Is"):
        yes = {"IsNull": None, "IsString": "example", "IsNumeric": 1, "IsBoolean": True}.get(
            test, KINDS["TimestampPath"]
        )
        no: Any = 1 if test in ("IsString", "IsTimestamp", "IsNull", "IsBoolean") else "example"
        return {path: Exactly(yes if wanted is holds else no)}
    if test.endswith("Path"):
        base: Any = 5 if test.startswith("Numeric") else True if test.startswith("Boolean") else "m"
        if test.startswith("Timestamp"):
            base = KINDS["TimestampPath"]
        return {parts(str(wanted)): Exactly(base), path: Exactly(_compared(test.removesuffix("Path"), base, holds))}
    return {path: Exactly(_compared(test, wanted, holds))}


class Exactly:
    """A value that a Choice needs."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _compared(test: str, wanted: Any, holds: bool) -> Any:
    """A value that compares so with the wanted one, or does not."""
    if test == "StringMatches":
        return str(wanted).replace("\\*", "*").replace("*", "x") if holds else "other"
    if test.startswith("Boolean"):
        return wanted if holds else not wanted
    less: Any = ""
    greater: Any = f"{wanted}~"
    if test.startswith("Timestamp"):
        less, greater = "1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
    elif isinstance(wanted, int | float) and not isinstance(wanted, bool):
        less, greater = wanted - 1, wanted + 1
    ways = {"LessThan": (less, wanted), "GreaterThan": (greater, wanted), "GreaterThanEquals": (wanted, less)}
    sign = re.search(r"(Less|Greater)Than(Equals)?$", test)
    yes, no = ways.get(sign[0] if sign else "", (wanted, greater))
    return yes if holds else no


def _condition(text: str, holds: bool) -> Wishes:
    """Values for which a JSONata condition holds, or does not, where it is a simple one."""
    code = text.strip().removeprefix("{%").removesuffix("%}").strip()
    found: Wishes = {}
    for match in CONDITION.finditer(code):
        path = _jsonata_path(match["path"])
        wanted = _literal(match["value"])
        test = {"=": "Equals", "!=": "Equals", "<": "LessThan", "<=": "LessThanEquals", ">": "GreaterThan"}.get(
            match["test"]
        )
        if match["test"] == "in" and isinstance(wanted, list):
            found[path] = Exactly(wanted[0] if holds and wanted else "other")
        else:
            kind = "Boolean" if isinstance(wanted, bool) else "Numeric" if isinstance(wanted, int | float) else "String"
            asked = holds if match["test"] != "!=" else not holds
            found[path] = Exactly(_compared(kind + (test or "GreaterThanEquals"), wanted, asked))
    for path in re.findall(r"\$exists\((\$[\w.`\[\]]+)\)", code):
        negated = f"$not($exists({path}" in code.replace(" ", "")
        found[_jsonata_path(path)] = None if holds is not negated else ABSENT
    if not found and re.fullmatch(r"\$[\w.`]+", code):
        found[_jsonata_path(code)] = Exactly(holds)
    return {path: value for path, value in found.items() if path}


def _jsonata_path(text: str) -> Path:
    inner = re.sub(r"^\$states\.(input|result|errorOutput)", "$", text.replace("`", ""))
    return parts(re.sub(r"^\$(\w+)", r"$.\1", inner))


def _literal(text: str) -> Any:
    if text.startswith("["):
        return [_literal(one.strip()) for one in text[1:-1].split(",") if one.strip()]
    if text[0] in "'\"":
        return text[1:-1]
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    return words[text] if text in words else float(text) if "." in text else int(text)
