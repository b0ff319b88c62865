r"""The rules of a Choice: comparisons, And, Or and Not, and JSONata's Condition, as functions of the scope.

https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from helpers.definition.syntax import is_jsonata
from helpers.engine import expressions, paths
from helpers.engine.failures import RUNTIME, StateFailed
from helpers.engine.paths import Evaluated, NoSuchPath
from helpers.engine.scope import Scope
from helpers.engine.text import moment

__all__ = ["COMPARISONS", "rule"]

Holds = Callable[[Scope], bool]
_ABSENT = object()


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _time(value: Any) -> Any:
    return moment(value) if isinstance(value, str) else None


_KINDS: dict[str, Callable[[Any], Any]] = {"Boolean": _truth, "Numeric": _number, "String": _text, "Timestamp": _time}
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_IS = ("IsBoolean", "IsNull", "IsNumeric", "IsPresent", "IsString", "IsTimestamp")
# The name of each comparison with a value: what both sides must be, and the test.
_COMPARED = {
    f"{kind}{test}": (_KINDS[kind], _TESTS[test])
    for kind in _KINDS
    for test in (_TESTS if kind != "Boolean" else ("Equals",))
}
COMPARISONS = frozenset({*_IS, "StringMatches", *_COMPARED, *(f"{name}Path" for name in _COMPARED)})
_PIECE = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)


def rule(body: dict[str, Any], language: str, index: int) -> Holds:
    """The entry of a Choice with this index, as a function that says whether it holds.

    `language` is `JSONPath` or `JSONata`. ValueError, in a learner's words, where the entry has no condition or one
    that cannot be read.
    """
    if language == "JSONata":
        return _condition(body.get("Condition"), f"Choices[{index}]/Condition")
    try:
        return _rule(body)
    except RecursionError:
        raise ValueError(f"The rule Choices[{index}] is nested too deeply.") from None


def _condition(condition: object, field: str) -> Holds:
    if isinstance(condition, bool):
        return lambda scope: condition
    if not is_jsonata(condition):
        raise ValueError(f"{field} must be an expression in {{% %}} that gives true or false.")
    return expressions.typed(condition, field, "boolean")


def _rule(body: Any) -> Holds:
    if not isinstance(body, dict):
        raise ValueError(f"A rule is an object, not {body!r:.60}.")
    for name, joined in (("And", all), ("Or", any)):
        if name in body:
            if not isinstance(body[name], list) or not body[name]:
                raise ValueError(f"{name} holds a list of rules.")
            return _joined(joined, [_rule(one) for one in body[name]])
    if "Not" in body:
        held = _rule(body["Not"])
        return lambda scope: not held(scope)
    names = [name for name in body if name in COMPARISONS]
    if len(names) != 1:
        found = f"has {' and '.join(names)}" if names else "has none"
        raise ValueError(f"A rule has one comparison, such as StringEquals; this one {found}.")
    if not isinstance(body.get("Variable"), str):
        raise ValueError("A rule with a comparison has a Variable, the path to what is compared.")
    return _comparison(body["Variable"], names[0], body[names[0]])


def _joined(joined: Callable[[Any], bool], held: list[Holds]) -> Holds:
    return lambda scope: joined(one(scope) for one in held)


def _comparison(variable: str, name: str, wanted: Any) -> Holds:
    select = paths.selected(variable)
    if name.startswith("Is"):
        return _is(variable, select, name, wanted)
    if name.endswith("Path"):
        return _with_path(variable, select, name.removesuffix("Path"), wanted)
    if name == "StringMatches":
        return _with_pattern(variable, select, wanted)
    kind, test = _COMPARED[name]
    right = kind(wanted)
    if right is None:
        raise ValueError(f"{name} compares with {_wanted(name)}, not with {wanted!r:.60}.")

    def holds(scope: Scope) -> bool:
        try:
            left = kind(select(scope))
        except NoSuchPath:
            raise _invalid(variable) from None
        return left is not None and test(left, right)

    return holds


def _wanted(name: str) -> str:
    kinds = {"B": "true or false", "N": "a number", "S": "a text", "T": "a time such as 2025-01-01T00:00:00Z"}
    return kinds[name[0]]


def _is(variable: str, select: Evaluated, name: str, wanted: Any) -> Holds:
    if not isinstance(wanted, bool):
        raise ValueError(f"{name} takes true or false, not {wanted!r:.60}.")
    kind = _KINDS.get(name[2:])

    def holds(scope: Scope) -> bool:
        try:
            value = select(scope)
        except NoSuchPath:
            if name == "IsPresent":
                return not wanted
            raise _invalid(variable) from None
        found = True if name == "IsPresent" else value is None if kind is None else kind(value) is not None
        return found is wanted

    return holds


def _with_path(variable: str, select: Evaluated, name: str, path: Any) -> Holds:
    if not isinstance(path, str):
        raise ValueError(f"{name}Path takes a path, not {path!r:.60}.")
    kind, test = _COMPARED[name]
    other = paths.selected(path)

    def holds(scope: Scope) -> bool:
        try:
            left = kind(select(scope))
        except NoSuchPath:
            raise _invalid(variable) from None
        try:
            right = kind(other(scope))
        except NoSuchPath:
            raise _invalid(path) from None
        return left is not None and right is not None and test(left, right)

    return holds


def _with_pattern(variable: str, select: Evaluated, wanted: Any) -> Holds:
    r"""`*` stands for any characters, `\*` for itself, `\\` for a backslash."""
    if not isinstance(wanted, str):
        raise ValueError(f"StringMatches compares with a text, not with {wanted!r:.60}.")
    found = _PIECE.findall(wanted)
    pattern = re.compile("".join(".*" if star else re.escape(escaped or plain) for escaped, star, plain in found), re.S)

    def holds(scope: Scope) -> bool:
        try:
            value = select(scope)
        except NoSuchPath:
            raise _invalid(variable) from None
        return isinstance(value, str) and pattern.fullmatch(value) is not None

    return holds


def _invalid(path: str) -> StateFailed:
    said = "The choice state's condition path references an invalid value."
    return StateFailed(RUNTIME, f"Invalid path '{path}': {said}")
