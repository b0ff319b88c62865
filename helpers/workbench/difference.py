"""What a state changed: its output held against its input, place by place."""

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from helpers.verbatim import shorten

__all__ = ["difference"]

MOST = 60
DEEPEST = 40
LONGEST = 200
NOTHING = object()


def difference(given: str, made: str) -> list[tuple[str, str]] | None:
    """Where two JSON texts differ, as lines with a sign before each: `+` only in the second, `-` only in the first.

    At most 60 lines, then one that says how many more. None where one of the texts is no JSON.
    """
    try:
        lines = list(_compared("$", json.loads(given), json.loads(made), 0))
    except (ValueError, RecursionError):
        return None
    if len(lines) > MOST:
        lines = [*lines[:MOST], (" ", f"and {len(lines) - MOST:,} more")]
    return lines


def _compared(place: str, one: Any, other: Any, depth: int) -> Iterator[tuple[str, str]]:
    if type(one) is type(other) and one == other:
        return
    inner: list[tuple[str, Any, Any]] = []
    if depth < DEEPEST and isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            step = f".{key}" if key.isidentifier() else f"[{json.dumps(key, ensure_ascii=False)}]"
            inner.append((step, one.get(key, NOTHING), other.get(key, NOTHING)))
    elif depth < DEEPEST and isinstance(one, list) and isinstance(other, list):
        pairs = zip_longest(one, other, fillvalue=NOTHING)
        inner = [(f"[{number}]", *pair) for number, pair in enumerate(pairs)]
    else:
        for sign, value in (("-", one), ("+", other)):
            if value is not NOTHING:
                yield sign, f"{place}: {shorten(json.dumps(value, ensure_ascii=False), LONGEST)}"
    for step, before, after in inner:
        yield from _compared(place + step, before, after, depth + 1)
