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
    return _template(value, where + field, jsonata) or (lambda scope: value)


def _template(value: Any, field: str, jsonata: bool) -> Evaluated | None:
    """A template, None for a constant; in JSONata any text in `{% %}` is an expression.

    In JSONPath a field that ends in `.$` holds a path or an intrinsic function.
    """
    if jsonata and is_jsonata(value):
        return expressions.expression(value, field)
    if isinstance(value, list):
        items = [(_template(item, f"{field}[{index}]", jsonata), item) for index, item in enumerate(value)]
        if not any(part for part, _ in items):
            return None
        return lambda scope: [part(scope) if part else constant for part, constant in items]
    parts: dict[str, tuple[Evaluated | None, Any]] = {}
    for key, item in value.items() if isinstance(value, dict) else ():
        if key.endswith(".$") and not jsonata:
            parts[key[:-2]] = sampled(item, key), None
        else:
            parts[key] = _template(item, f"{field}/{key}", jsonata), item
    if not any(part for part, _ in parts.values()):
        return None
    return lambda scope: {key: part(scope) if part else constant for key, (part, constant) in parts.items()}
