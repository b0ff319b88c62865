"""How a JSONata expression is written: what keeps it from being read, and which names it takes from nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

__all__ = ["free_names", "message", "parsed", "states_fields", "syntax_error"]

# The last argument of a function that may do without it: the library would read an operator of a later version.
OPTIONAL = re.compile(r"((?:function|λ)\s*\([^()]{0,300}\)\s*<[^{}]{0,60}\?):(?=[^{}]{0,60}>\s*\{)")
SUBTYPES = {"n": "numbers", "s": "strings", "b": "booleans", "o": "objects", "a": "arrays"}


@lru_cache(maxsize=4096)
def parsed(expression: str) -> Any:
    """The syntax tree of an expression, or a text that says what is wrong with it."""
    from jsonata import jexception  # imported late: it takes 60 ms, and a JSONPath machine has no use for it
    from jsonata.parser import Parser

    parser = Parser()
    for later in ("??", "?:"):  # than the version that AWS has
        del parser.symbol_table[later]
    try:
        return parser.parse(OPTIONAL.sub(r"\1 :", expression) + " ")  # else a comment at the end has none
    except jexception.JException as error:
        return message(error, lambda value: value).partition(": ")[2]
    except RecursionError:
        return "The expression is nested too deeply"
    except Exception as error:  # the library's parser stumbles over some texts
        return f"The expression cannot be read ({error})"


def message(error: Any, plain: Callable[[Any], Any]) -> str:
    """What the library says of an error of its own, behind its code, in the words of the reference implementation.

    AWS says the same. `plain` makes JSON data of a value, or fails.
    """
    # The library's catalogue calls every function "Object".
    texts = {code: text.replace("Object", "function") for code, text in error.error_codes.items()}
    code = next((code for code, text in texts.items() if error.error in (code, text)), None)
    if code is None:
        return str(error)
    known = {"D1002": [error.expected], "D3100": [error.location]}
    inserts = iter(known.get(code, [error.current, error.expected, error.extra]))

    def insert(_: re.Match[str]) -> str:
        value = next(inserts, None)
        try:
            value = plain(SUBTYPES.get(str(value), value) if code == "T0412" else value)
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
        except Exception:  # of a function
            return "{}"

    if code in ("D3137", "D3141"):  # said by the expression, or by us
        return f"{code}: {error.current}"
    return f"{code}: " + re.sub(r"\{\{\w+\}\}", insert, texts[code])


def syntax_error(expression: str) -> str | None:
    """What is wrong with the writing of an expression (without its `{% %}`), in the words of JSONata, or None."""
    found = parsed(expression)
    return found if isinstance(found, str) else None


def free_names(expression: str) -> list[str]:
    """The names that a well-written expression looks up in a context item, which it has not on Step Functions.

    That item itself is `$` or `$$`.
    """
    return list(dict.fromkeys(names(parsed(expression))))


def states_fields(expression: str) -> list[str]:
    """The fields of `$states` that a well-written expression reads by their names."""
    found, waiting, seen = [], [parsed(expression)], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif hasattr(node, "steps") and id(node) not in seen:
            seen.add(id(node))
            if node.type == "path" and (node.steps[0].type, node.steps[0].value) == ("variable", "states"):
                found += [step.value for step in node.steps[1:2] if step.type == "name"]
            waiting += vars(node).values()
    return found


def names(node: Any) -> Iterator[str]:
    if node is None:
        return
    if node.type == "name":
        yield node.value
    elif node.type == "variable" and node.value in ("", "$"):
        yield f"${node.value}"
    elif node.type == "path":
        yield from names(node.steps[0])
    elif node.type not in ("transform", "regex"):
        pairs = [part for pair in getattr(node, "lhs_object", None) or [] for part in pair]
        fields = ("lhs", "rhs", "expression", "condition", "then", "_else", "body")
        lists = () if node.type == "lambda" else ("expressions", "arguments")
        inner = [getattr(node, field, None) for field in fields]
        for part in (*inner, *(part for name in lists for part in getattr(node, name, None) or []), *pairs):
            yield from names(part)
