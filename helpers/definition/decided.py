"""Whether a Choice rule holds, where what it looks at is written literally in the definition."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.definition.dataflow import UNKNOWN, Location, comparison_reads, condition_reads
from helpers.definition.spoken_rules import expression
from helpers.definition.walk import State

__all__ = ["verdict"]

EQUALS = ("StringEquals", "NumericEquals", "BooleanEquals")
JSONATA_EQUALS = re.compile(r"\$[\w.]+\s*=\s*(?:'([^'\\]*)'|(\"[^\"\\]*\"|-?\d+(?:\.\d+)?|true|false))")


def verdict(rule: object, choice: State, constants: Mapping[Location, Sequence[object]]) -> bool | None:
    """Whether a rule of a Choice holds, None where the text does not say.

    `constants` are the values that are written to each location; only equality with the one value of a location is
    understood, alone and within And, Or and Not.
    """
    if not isinstance(rule, dict):
        return None
    if isinstance(rule.get("And"), list):
        parts = [verdict(part, choice, constants) for part in rule["And"]]
        return False if False in parts else None if None in parts else True
    if isinstance(rule.get("Or"), list):
        parts = [verdict(part, choice, constants) for part in rule["Or"]]
        return True if True in parts else None if None in parts else False
    if "Not" in rule:
        inner = verdict(rule["Not"], choice, constants)
        return None if inner is None else not inner
    return equality(rule, choice, constants)


def equality(rule: dict[str, Any], choice: State, constants: Mapping[Location, Sequence[object]]) -> bool | None:
    code = expression(rule.get("Condition"))
    if code is not None:
        found = JSONATA_EQUALS.fullmatch(code)
        if found is None:
            return None
        wanted = found[1] if found[2] is None else json.loads(found[2])
        reads = list(condition_reads(code))
    else:
        operators = [key for key in rule if key in EQUALS]
        if len(operators) != 1 or not isinstance(rule.get("Variable"), str):
            return None
        wanted = rule[operators[0]]
        reads = list(comparison_reads(rule, choice.body))
    values = constants.get(reads[0].location or (), ()) if len(reads) == 1 else ()
    if len(values) != 1 or values[0] is UNKNOWN:
        return None
    return type(values[0]) is type(wanted) and values[0] == wanted
