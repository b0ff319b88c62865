"""What a state changed: its output held against its input, place by place."""

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["difference"]

MOST = 60
DEEPEST = 40
LONGEST = 200


def difference(given: str, made: str) -> list[tuple[str, str]] | None:
    """Where two JSON texts differ, as lines with a sign before each: `+` only in the second, `-` only in the first.

    At most 60 lines, then one that says how many more. None where one of the texts is no JSON.
    """
    try:
        one, other = json.loads(given), json.loads(made)
        lines = list(_compared("$", one, other, 0))
    except (ValueError, RecursionError):
        return None
    if len(lines) > MOST:
        lines = [*lines[:MOST], (" ", f"and {len(lines) - MOST:,} more")]
    return lines


def _compared(place: str, one: Any, other: Any, depth: int) -> Iterator[tuple[str, str]]:
    if type(one) is type(other) and one == other:
        return
    if depth < DEEPEST and isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            inner = f"{place}.{key}" if key.isidentifier() else f"{place}[{json.dumps(key, ensure_ascii=False)}]"
            if key not in other:
                yield "-", f"{inner}: {_short(one[key])}"
            elif key not in one:
                yield "+", f"{inner}: {_short(other[key])}"
            else:
                yield from _compared(inner, one[key], other[key], depth + 1)
    elif depth < DEEPEST and isinstance(one, list) and isinstance(other, list):
        for number in range(max(len(one), len(other))):
            inner = f"{place}[{number}]"
            if number >= len(other):
                yield "-", f"{inner}: {_short(one[number])}"
            elif number >= len(one):
                yield "+", f"{inner}: {_short(other[number])}"
            else:
                yield from _compared(inner, one[number], other[number], depth + 1)
    else:
        yield "-", f"{place}: {_short(one)}"
        yield "+", f"{place}: {_short(other)}"


def _short(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= LONGEST else written[: LONGEST - 1] + "…"
