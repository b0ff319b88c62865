"""Templates: data with paths, functions or expressions in it, compiled to functions of the scope.

What is constant in a template is the same object each time: data is never changed, so it is never copied.
"""

from __future__ import annotations

from typing import Any

from helpers.definition.syntax import is_jsonata
from helpers.engine import expressions, intrinsics, paths
from helpers.engine.paths import Evaluated

__all__ = ["of", "sampled"]


def sampled(text: str, field: str) -> Evaluated:
    """What a field gives that takes a path (into the data, the context, a variable) or an intrinsic function."""
    if text.lstrip().startswith("States."):
        return intrinsics.function(text)
    return paths.path(text, field)


def of(body: dict[str, Any], field: str, jsonata: bool, where: str = "") -> Evaluated | None:
    """The template in a field of an object, None where it has none; `where` is the object's place in its state."""
    if field not in body:
        return None
    value = body[field]
    return (_jsonata(value, where + field) if jsonata else _jsonpath(value, field)) or (lambda scope: value)


def _jsonpath(value: Any, field: str) -> Evaluated | None:
    """A template in which a field that ends in `.$` holds a path or an intrinsic function; None for a constant."""
    if isinstance(value, dict):
        parts: dict[str, Evaluated | None] = {}
        constants: dict[str, Any] = {}
        for key, item in value.items():
            if key.endswith(".$"):
                parts[key[:-2]] = sampled(item, key)
            else:
                parts[key], constants[key] = _jsonpath(item, field), item
        return _object(parts, constants)
    if isinstance(value, list):
        return _array([_jsonpath(item, field) for item in value], value)
    return None


def _jsonata(value: Any, field: str) -> Evaluated | None:
    """A template in which any text in `{% %}` is an expression; None for a constant."""
    if is_jsonata(value):
        return expressions.expression(value, field)
    if isinstance(value, dict):
        return _object({key: _jsonata(item, f"{field}/{key}") for key, item in value.items()}, value)
    if isinstance(value, list):
        return _array([_jsonata(item, f"{field}[{index}]") for index, item in enumerate(value)], value)
    return None


def _object(parts: dict[str, Evaluated | None], constants: dict[str, Any]) -> Evaluated | None:
    if not any(parts.values()):
        return None
    items = [(key, part, constants.get(key)) for key, part in parts.items()]
    return lambda scope: {key: part(scope) if part else constant for key, part, constant in items}


def _array(parts: list[Evaluated | None], constants: list[Any]) -> Evaluated | None:
    if not any(parts):
        return None
    items = list(zip(parts, constants, strict=True))
    return lambda scope: [part(scope) if part else constant for part, constant in items]
