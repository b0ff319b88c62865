"""JSONata expressions as functions, and what is said of one that fails.

The language itself is in `helpers.engine.jsonata`, which is imported with the first expression: it is slow to load.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from helpers.engine.failures import QUERY_EVALUATION, StateFailed
from helpers.engine.paths import Evaluated
from helpers.engine.scope import Scope
from helpers.engine.text import text_of

if TYPE_CHECKING:
    from helpers.engine.jsonata import Expression

__all__ = ["expression", "problem", "typed", "unexpected"]

_WITH_CONTEXT = re.compile(r"\$states(?!\s*\.\s*(?:input|result|errorOutput)\b)")
_CODED = re.compile(r"[A-Z]\d{4}: ")
_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def problem(text: str) -> str | None:
    """What AWS says of an expression that it would not create a machine with; None where nothing is wrong."""
    try:
        _parsed(_inside(text))
    except ValueError as error:
        return str(error)
    return None


def expression(text: str, field: str) -> Evaluated:
    """An expression, written in `{% %}`, as a function of the scope.

    `field` is its place in the state, such as `Output/a[0]`. ValueError, in AWS's words, where it is none. The function
    raises States.QueryEvaluationError, located at the field.
    """
    code = _inside(text)
    parsed = _parsed(code)
    with_context = _WITH_CONTEXT.search(code) is not None

    from helpers.engine.jsonata import UNDEFINED, QueryFailed, UnsupportedResult

    def evaluated(scope: Scope) -> Any:
        bindings = dict(scope.variables)
        if scope.states is not None:
            bindings["states"] = {**scope.states, "context": scope.context()} if with_context else scope.states
        try:
            value = parsed.value(bindings, scope)
        except QueryFailed as error:
            separator = "." if _CODED.match(str(error)) else ":"
            raise _failed(code, field, f"threw an error during evaluation{separator} {error}") from None
        except UnsupportedResult:
            raise _failed(code, field, "returned an unsupported result type.") from None
        if value is UNDEFINED:
            raise _failed(code, field, "returned nothing (undefined).")
        return value

    return evaluated


def typed(text: str, field: str, kind: str) -> Evaluated:
    """As `expression`, for a field that takes a `number`, `string`, `boolean`, `array` or `object` only."""
    evaluate = expression(text, field)

    def evaluated(scope: Scope) -> Any:
        value = evaluate(scope)
        if _KINDS.get(type(value)) != kind:
            raise unexpected(text, field, kind, value)
        return value

    return evaluated


def unexpected(text: str, field: str, kind: str, value: Any) -> StateFailed:
    """The failure of an expression that gave another type than its field takes."""
    said = (
        f"returned an unexpected result type. Expected '{kind}', but was '{_KINDS.get(type(value))}' for value: "
        f"{text_of(value)}"
    )
    return _failed(_inside(text), field, said)


def _inside(text: str) -> str:
    return text[2:-2].strip()


def _failed(code: str, field: str, said: str) -> StateFailed:
    where = f" specified for the field '{field}'" if field else ""
    return StateFailed(QUERY_EVALUATION, f"The JSONata expression '{code}'{where} {said}", field or None)


def _parsed(code: str) -> Expression:
    from helpers.engine.jsonata import parsed

    return parsed(code)
