"""What the service says of the JSONata expressions in a definition."""

import re
from collections.abc import Iterator
from typing import Any

from helpers import definition as asl
from helpers.sandbox.interpreter.jsonata import free_names, syntax_error

__all__ = ["expression_errors"]

_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
_NESTED = {"Branches", "ItemProcessor", "Iterator"}


def expression_errors(state: asl.State) -> Iterator[tuple[str, str, str]]:
    """The code, the message and the field (`Output/v`) of each expression of a state that the service refuses."""
    for field, value in state.body.items() if state.language == "JSONata" else ():
        for place, expression in _expressions(value, field) if field not in _NESTED else ():
            if problem := syntax_error(expression):
                yield "INVALID_JSONATA_EXPRESSION", problem, place
                continue
            for name in free_names(expression):
                message = f"Reference to '{name}' at the top level is not supported."
                yield "UNSUPPORTED_JSONATA_EXPRESSION", message, place


def _expressions(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if found := _EXPRESSION.fullmatch(value):
            yield place, found[1].strip()
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _expressions(item, f"{place}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _expressions(item, f"{place}[{index}]")
