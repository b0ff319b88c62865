"""A Choice rule as a person would read it aloud."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["condition", "expression"]

SYMBOLS = {
    "Equals": "==",
    "LessThanEquals": "<=",
    "GreaterThanEquals": ">=",
    "LessThan": "<",
    "GreaterThan": ">",
}
COMPARISON = re.compile(rf"(?:String|Numeric|Boolean|Timestamp)({'|'.join(SYMBOLS)})(Path)?")
KINDS = {
    "IsBoolean": "a boolean",
    "IsNull": "null",
    "IsNumeric": "a number",
    "IsPresent": "present",
    "IsString": "a string",
    "IsTimestamp": "a timestamp",
}
DEEPEST = 40


def expression(value: object) -> str | None:
    """The inside of a JSONata string `{% ... %}`, None for any other value."""
    if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        return value[2:-2].strip()
    return None


def condition(rule: dict[str, Any]) -> str:
    """The condition of a Choice rule in one line, JSONPath or JSONata.

    >>> condition({"Variable": "$.status", "StringEquals": "success"})
    '$.status == "success"'
    >>> condition({"Not": {"Variable": "$.n", "IsPresent": True}})
    'not ($.n is present)'
    """
    return spoken(rule, 0)


def spoken(rule: object, depth: int) -> str:
    if not isinstance(rule, dict) or depth > DEEPEST:
        return "..."
    if "Condition" in rule:
        inside = expression(rule["Condition"])
        return " ".join(inside.split()) if inside is not None else literal(rule["Condition"])
    for word, joint in (("And", " and "), ("Or", " or ")):
        if isinstance(rule.get(word), list):
            parts = [(part, spoken(part, depth + 1)) for part in rule[word]]
            nested = len(parts) > 1
            return joint.join(f"({text})" if nested and compound(part) else text for part, text in parts)
    if "Not" in rule:
        return f"not ({spoken(rule['Not'], depth + 1)})"
    return compared(rule)


def compound(rule: object) -> bool:
    return isinstance(rule, dict) and ("And" in rule or "Or" in rule)


def compared(rule: dict[str, Any]) -> str:
    variable = rule.get("Variable")
    left = variable if isinstance(variable, str) else "..."
    for operator, value in rule.items():
        if operator in KINDS:
            return f"{left} is {'' if value is True else 'not '}{KINDS[operator]}"
        if operator == "StringMatches":
            return f"{left} matches {literal(value)}"
        if found := COMPARISON.fullmatch(operator):
            right = str(value) if found[2] else literal(value)
            return f"{left} {SYMBOLS[found[1]]} {right}"
    return left


def literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
