"""A JSONPath or a JSONata expression, tried on a payload."""

import json
import random
import re

from helpers.engine.failures import StateFailed
from helpers.engine.paths import NoSuchPath, selected
from helpers.engine.scope import Scope

__all__ = ["query"]

PATH = re.compile(r"\$(?:$|[.\[])")
INPUT = "$states.input"


def query(payload: str, asked: str) -> str:
    """What an expression finds in a JSON text, as JSON set out on lines, or why it finds nothing, in a sentence.

    What begins as `$.` or `$[` is a JSONPath, anything else JSONata, in `{% %}` or not: in it the payload is what it
    begins from, and `$states.input`.
    """
    scope = Scope(lambda: random.Random(0), dict)
    try:
        scope.data = json.loads(payload)
    except (ValueError, RecursionError):
        return "This payload is no JSON."
    code = re.sub(r"^\{%(.*)%\}$", r"\1", asked.strip(), flags=re.DOTALL).strip()
    try:
        if PATH.match(code):
            found = selected(code)(scope)
        else:
            # Here, because the language is slow to load.
            from helpers.definition.jsonata_text import syntax_error
            from helpers.engine.jsonata import UNDEFINED, QueryFailed, value_of

            if reason := syntax_error(code):
                return f"That is no JSONata: {reason}"
            try:
                found = value_of(f"[{INPUT}].({code})", {"states": {"input": scope.data}}, scope)
            except QueryFailed as error:
                return f"The expression {error}"
            if found is UNDEFINED:
                return "It finds nothing."
    except NoSuchPath:
        return "It finds nothing."
    except ValueError as error:
        return f"That is no JSONPath: {error}"
    except StateFailed as error:
        return str(error.cause)
    return json.dumps(found, indent=2, ensure_ascii=False)
