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
from helpers.engine.paths import NoSuchPath
from helpers.engine.scope import Scope
from helpers.engine.text import moment

__all__ = ["rule"]

Holds = Callable[[Scope], bool]

# A value as what a kind of comparison takes, None where it is of another type: that never matches.
KINDS: dict[str, Callable[[Any], Any]] = {
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Numeric": lambda value: value if isinstance(value, int | float) and not isinstance(value, bool) else None,
    "String": lambda value: value if isinstance(value, str) else None,
    "Timestamp": lambda value: moment(value) if isinstance(value, str) else None,
}
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
COMPARISON = re.compile(rf"({'|'.join(KINDS)})({'|'.join(TESTS)})(Path)?")
ONE_VALUE = ("StringMatches", "IsBoolean", "IsNull", "IsNumeric", "IsPresent", "IsString", "IsTimestamp")
PIECE = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)


def rule(body: dict[str, Any], index: int) -> Holds:
    """The entry of a Choice with this index, as a function that says whether it holds."""
    if "Condition" not in body:
        return _rule(body)
    condition: Any = body["Condition"]
    if is_jsonata(condition):
        return expressions.typed(condition, f"Choices[{index}]/Condition", "boolean")
    return lambda scope: condition


def _rule(body: dict[str, Any]) -> Holds:
    if "Not" in body:
        refused = _rule(body["Not"])
        return lambda scope: not refused(scope)
    if "And" in body or "Or" in body:
        inner = [_rule(one) for one in body["And" if "And" in body else "Or"]]
        joined = all if "And" in body else any
        return lambda scope: joined(holds(scope) for holds in inner)
    name = next(name for name in body if name in ONE_VALUE or COMPARISON.fullmatch(name))
    return _comparison(body["Variable"], name, body[name])


def _comparison(variable: str, name: str, wanted: Any) -> Holds:
    if name == "IsPresent":
        found = paths.selected(variable)
        return lambda scope: _is_there(found, scope) is wanted
    select = paths.failing(variable, _invalid)
    if name.endswith("Path"):
        kind, test = _compared(name)
        other = paths.failing(wanted, _invalid)

        def alike(scope: Scope) -> bool:
            left, right = kind(select(scope)), kind(other(scope))
            return left is not None and right is not None and test(left, right)

        return alike
    matches = _match(name, wanted)
    return lambda scope: matches(select(scope))


def _match(name: str, wanted: Any) -> Callable[[Any], bool]:
    """The comparison with a value that the rule holds, as a function of the other."""
    if name == "IsNull":
        return lambda value: (value is None) is wanted
    if name.startswith("Is"):
        of_kind = KINDS[name[2:]]
        return lambda value: (of_kind(value) is not None) is wanted
    if name == "StringMatches":
        return _pattern(wanted)
    kind, test = _compared(name)
    right = kind(wanted)
    return lambda value: (left := kind(value)) is not None and test(left, right)


def _pattern(text: str) -> Callable[[Any], bool]:
    r"""`*` stands for any characters, `\*` for itself, `\\` for a backslash."""
    parts = [""]
    for escaped, star, plain in PIECE.findall(text):
        if star:
            parts.append("")
        else:
            parts[-1] += re.escape(escaped or plain)
    # A part is taken where it comes first: where it comes later, what follows cannot begin sooner.
    middle = "".join(f"(?>.*?{part})" for part in parts[1:-1])
    pattern = re.compile(parts[0] + middle + (f".*{parts[-1]}" if parts[1:] else ""), re.DOTALL)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _compared(name: str) -> tuple[Callable[[Any], Any], Callable[[Any, Any], bool]]:
    found = COMPARISON.fullmatch(name)
    assert found, name
    return KINDS[found[1]], TESTS[found[2]]


def _is_there(select: paths.Evaluated, scope: Scope) -> bool:
    try:
        select(scope)
    except NoSuchPath:
        return False
    return True


def _invalid(error: NoSuchPath) -> StateFailed:
    said = "The choice state's condition path references an invalid value."
    return StateFailed(RUNTIME, f"Invalid path '{error}': {said}")
