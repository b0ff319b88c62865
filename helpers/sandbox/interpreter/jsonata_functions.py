"""The functions that Step Functions adds to JSONata, and those of the library that differ from JSONata 2.0.6.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from jsonata import Jsonata, jexception
from jsonata.utils import Utils

_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class QueryError(Exception):
    """A JSONata expression could not be evaluated; its text is what AWS appends to the cause."""


class UnsupportedResult(Exception):
    """A JSONata expression gave a function or a regular expression."""


def plain(value: Any) -> Any:
    """A JSONata result as JSON data: null and what is no finite number as None, whole numbers as int."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, list):
        return [plain(value[index]) for index in range(len(value))]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    raise UnsupportedResult


def _partition(array: Any, size: Any = None) -> Any:
    if array is None or size is None:
        return None
    array = list(array) if isinstance(array, list) else [array]
    if isinstance(size, bool) or not isinstance(size, int | float) or size < 1:
        raise QueryError("The second argument of the partition function must be a positive number.")
    step = math.trunc(size)
    return [array[start : start + step] for start in range(0, len(array), step)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    if first is None or last is None or step is None:
        return None
    start, end, by = (math.trunc(number) for number in (first, last, step))
    if by == 0:
        raise QueryError("The third argument of the range function cannot be zero.")
    return list(range(start, end + (1 if by > 0 else -1), by))


def _hash(value: Any = None, algorithm: Any = None) -> str | None:
    if value is None or algorithm is None:
        return None
    if algorithm not in _HASHES:
        raise QueryError(f"Hash algorithm must be one of {', '.join(_HASHES)}. Got: {json.dumps(algorithm)}")
    text = value if isinstance(value, str) else json.dumps(plain(value), separators=(",", ":"))
    return hashlib.new(_HASHES[algorithm], text.encode()).hexdigest()


def _random(seed: Any = None) -> float:
    """The first double of Java's generator, which AWS's is: 48 bits, two draws of 26 and 27."""
    if seed is None:
        return random.random()
    state, drawn = (math.trunc(seed) ^ 0x5DEECE66D) & ((1 << 48) - 1), 0
    for bits in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        drawn = (drawn << bits) + (state >> (48 - bits))
    return drawn / (1 << 53)


def _uuid() -> str:
    return str(uuid.uuid4())


def _parse(text: Any = None) -> Any:
    if text is None:
        return None
    if not isinstance(text, str):
        raise QueryError("The argument of the parse function must be a string.")
    try:
        return _with_nulls(json.loads(text))
    except ValueError as error:
        raise QueryError(f"The argument of the parse function is no JSON: {error}") from error


def _with_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    return Utils.NULL_VALUE if value is None else value


def _count(array: Any = None) -> int:
    if array is None:
        return 0
    return len(array) if isinstance(array, list) else 1


def _distinct(array: Any = None) -> Any:
    if not isinstance(array, list) or len(array) <= 1:
        return array
    found = Utils.create_sequence() if Utils.is_sequence(array) else []
    for item in array:
        if item not in found:
            found.append(item)
    return found


# $eval is not among AWS's functions.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": _uuid,
    "parse": _parse,
    # The library counts null as nothing, and takes the only item out of a list it was given.
    "count": _count,
    "distinct": _distinct,
}


class Expression(Jsonata):
    """A parsed expression. Numbers beyond a double's range are what JavaScript makes of them, which is null in JSON."""

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: str | None) -> Any:
        try:
            return super().evaluate_numeric_expression(lhs, rhs, op)
        except ZeroDivisionError:
            return math.nan if lhs == 0 else math.copysign(math.inf, lhs)
        except jexception.JException as error:
            if error.error != "D1001" or not all(map(math.isfinite, (lhs, rhs))):
                raise
            return error.current
        except ValueError:
            return math.nan
