"""The variables that states read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from helpers.definition.walk import states

__all__ = ["read"]

# A name behind one $; JSONata's functions, which are called, and $states are no variables.
VARIABLE = re.compile(r"(?<![$\w])\$(?!states\b)([A-Za-z_]\w*)(?!\w|\s*\()")


def read(definition: dict[str, Any]) -> dict[str, list[str]]:
    """The names of the variables that each state reads, in order of appearance, by the state's; of those that do."""
    found = {state.name: list(dict.fromkeys(_read(state.body, state.language))) for state in states(definition)}
    return {name: variables for name, variables in found.items() if variables}


def _read(value: object, language: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("States", "Comment"):  # inner states read their own
                yield from _read(inner, language)
    elif isinstance(value, list):
        for inner in value:
            yield from _read(inner, language)
    elif isinstance(value, str) and value.startswith(("{%",) if language == "JSONata" else ("$", "States.")):
        yield from VARIABLE.findall(value)
