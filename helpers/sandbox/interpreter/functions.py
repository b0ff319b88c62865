"""What each intrinsic function gives, and what it refuses: limits and rounding are those of AWS's documentation.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

import base64
import binascii
import hashlib
import json
import math
import random
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.array import (
    array_contains,
    array_get_item,
    array_length,
    array_partition,
    array_range,
    array_unique,
)
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.encoding_decoding import (
    base_64_decode,
    base_64_encode,
)
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic.string_format import StringFormat
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.hash_calculations import hash_func
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.json_manipulation import (
    json_merge,
    string_to_json,
)
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.math_operations import (
    math_add,
    math_random,
)
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.string_operations import string_split
from moto.stepfunctions.parser.asl.eval.environment import Environment

from helpers.sandbox.interpreter.data import text_of
from helpers.sandbox.interpreter.mending import replace

MOST_ITEMS = 1_000
MOST_CHARACTERS = 10_000
# What an escaped brace of a text is until the {} of a template have been filled.
OPEN, CLOSE = "\ue000", "\ue001"
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"Expected an array, but got: {text_of(value)}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"Expected a string, but got: {text_of(value)}")
    return value


def _short(value: Any) -> str:
    text = _text(value)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"The input is longer than {MOST_CHARACTERS} characters")
    return text


def _integer(value: Any) -> int:
    """A number rounded to the nearest integer, halves up."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"Expected an integer, but got: {text_of(value)}")
    return math.floor(value + 0.5)


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, by = _integer(first), _integer(last), _integer(step)
    if by == 0:
        raise ValueError("The increment must not be 0")
    found = range(start, end + (1 if by > 0 else -1), by)
    if len(found) > MOST_ITEMS:
        raise ValueError(f"The array would hold more than {MOST_ITEMS} items")
    return list(found)


def _partition(array: Any, size: Any) -> list[list[Any]]:
    items, step = _array(array), _integer(size)
    if step <= 0:
        raise ValueError(f"The size of a chunk must be a positive integer, but was: {text_of(size)}")
    return [items[at : at + step] for at in range(0, len(items), step)]


def _item(array: Any, index: Any) -> Any:
    items, at = _array(array), _integer(index)
    if not 0 <= at < len(items):
        raise ValueError(f"The index {at} is not in the array, which has {len(items)} items")
    return items[at]


def _key(value: Any) -> str:
    """The same text for equal data: 1 and true differ, the order of an object's keys does not count."""
    return json.dumps(value, sort_keys=True)


def _contains(array: Any, value: Any) -> bool:
    return _key(value) in map(_key, _array(array))


def _unique(array: Any) -> list[Any]:
    return list({_key(item): item for item in reversed(_array(array))}.values())[::-1]


def _decode(text: Any) -> str:
    try:
        return base64.b64decode(_short(text), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("The input is no Base64") from None


def _hash(data: Any, algorithm: Any) -> str:
    if algorithm not in _HASHES:
        raise ValueError(f"The algorithm must be one of {', '.join(_HASHES)}, but was: {text_of(algorithm)}")
    return hashlib.new(_HASHES[algorithm], _short(data).encode()).hexdigest()


def _merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    for value in (first, second):
        if not isinstance(value, dict):
            raise ValueError(f"Expected an object, but got: {text_of(value)}")
    if deep is not False:
        raise ValueError("Only the shallow merging mode, false, is supported")
    return {**first, **second}


def _parsed(value: Any) -> Any:
    text = _text(value)
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        raise ValueError(f"Invalid JSON: {text}") from None


def _random(first: Any, end: Any, seed: Any = None) -> int:
    start, stop = _integer(first), _integer(end)
    if start >= stop:
        raise ValueError("The start must be less than the end")
    return random.Random(None if seed is None else _integer(seed)).randrange(start, stop)


def _split(text: Any, marks: Any) -> list[str]:
    parts = _text(text)
    for mark in _text(marks)[1:]:
        parts = parts.replace(mark, marks[0])
    return [part for part in parts.split(marks[0]) if part] if marks else list(parts)


def _format(template: Any, *values: Any) -> str:
    parts = _text(template).split("{}")
    if len(parts) != len(values) + 1:
        raise ValueError(f"The number of arguments do not match the occurrences of {{}} in {template}")
    filled = [part + text for part, text in zip(parts, [*map(StringFormat._to_str_repr, values), ""], strict=True)]
    return "".join(filled)


FUNCTIONS: dict[type, Callable[..., Any]] = {
    array_contains.ArrayContains: _contains,
    array_get_item.ArrayGetItem: _item,
    array_length.ArrayLength: lambda array: len(_array(array)),
    array_partition.ArrayPartition: _partition,
    array_range.ArrayRange: _range,
    array_unique.ArrayUnique: _unique,
    base_64_decode.Base64Decode: _decode,
    base_64_encode.Base64Encode: lambda text: base64.b64encode(_short(text).encode()).decode(),
    hash_func.HashFunc: _hash,
    json_merge.JsonMerge: _merge,
    math_add.MathAdd: lambda first, second: _integer(first) + _integer(second),
    math_random.MathRandom: _random,
    string_split.StringSplit: _split,
    string_to_json.StringToJson: _parsed,
    StringFormat: _format,
}


def with_braces(value: Any) -> Any:
    """A value with its escaped braces as braces."""
    if isinstance(value, str):
        return value.replace(OPEN, "{").replace(CLOSE, "}")
    return [with_braces(item) for item in value] if isinstance(value, list) else value


def _evaluated(function: Callable[..., Any]) -> Callable[[Any, Environment], None]:
    def evaluate(self: Any, env: Environment) -> None:
        self.argument_list.eval(env=env)
        given = env.stack.pop()
        env.stack.append(with_braces(function(*(given if function is _format else with_braces(given)))))

    return evaluate


def mend() -> None:
    # AWS counts down, leaves out the end of a random range, compares by value and takes any text for its bytes in
    # UTF-8; moto does otherwise, and names its own classes where a function fails.
    for kind, function in FUNCTIONS.items():
        replace(kind, "_eval_body", _evaluated(function))
