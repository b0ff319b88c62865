"""JSONata expressions as functions, and what is said of one that fails.

The language itself is in `helpers.engine.jsonata`, which is imported with the first expression: it is slow to load.
"""

from __future__ import annotations

import re
from typing import Any

from helpers.engine.failures import QUERY_EVALUATION, StateFailed
from helpers.engine.paths import Evaluated
from helpers.engine.scope import Scope
from helpers.engine.text import text_of

__all__ = ["expression", "failed", "typed"]

_WITH_CONTEXT = re.compile(r"\$states(?!\s*\.\s*(?:input|result|errorOutput)\b)")
_KINDS = {bool: "boolean", str: "string", list: "array", dict: "object", int: "number", float: "number"}


def expression(text: str, field: str) -> Evaluated:
    """An expression, written in `{% %}`, as a function of the scope.

    `field` is its place in the state, such as `Output/a[0]`. The function raises States.QueryEvaluationError, located
    there.
    """
    code = _inside(text)
    with_context = _WITH_CONTEXT.search(code) is not None

    from helpers.engine.jsonata import UNDEFINED, QueryFailed, value_of

    def evaluated(scope: Scope) -> Any:
        bindings = dict(scope.variables)
        if scope.states is not None:
            bindings["states"] = {**scope.states, "context": scope.context()} if with_context else scope.states
        try:
            value = value_of(code, bindings, scope)
        except QueryFailed as error:
            raise failed(text, field, str(error)) from None
        if value is UNDEFINED:
            raise failed(text, field, "returned nothing (undefined).")
        return value

    return evaluated


def typed(text: str, field: str, *kinds: str) -> Evaluated:
    """As `expression`, for a field that takes only a `number`, `string`, `boolean`, `array` or `object`."""
    evaluate = expression(text, field)

    def evaluated(scope: Scope) -> Any:
        value = evaluate(scope)
        found = _KINDS.get(type(value), "null")
        if found not in kinds:
            said = f"Expected '{kinds[0]}', but was '{found}' for value: {text_of(value)}"
            raise failed(text, field, f"returned an unexpected result type. {said}")
        return value

    return evaluated


def failed(text: str, field: str, said: str) -> StateFailed:
    """The failure of an expression; `said` goes on behind its field."""
    where = f" specified for the field '{field}'" if field else ""
    return StateFailed(QUERY_EVALUATION, f"The JSONata expression '{_inside(text)}'{where} {said}", field or None)


def _inside(text: str) -> str:
    return text[2:-2].strip()
