"""Intrinsic functions (States.Format and its fellows): limits and rounding are those of AWS's documentation.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import random
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from helpers.definition import syntax
from helpers.definition.syntax import Call, Literal, Path
from helpers.engine import paths
from helpers.engine.failures import INTRINSIC_FAILURE, RUNTIME, StateFailed
from helpers.engine.paths import Evaluated, NoSuchPath
from helpers.engine.scope import Scope, drawn_uuid
from helpers.engine.text import data_of, text_of

__all__ = ["function"]

Kind = TypeVar("Kind")
MOST_ITEMS = 1_000
MOST_CHARACTERS = 10_000
SMALL = range(-(2**31), 2**31)  # what States.MathAdd takes
HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def function(text: str) -> Evaluated:
    """An intrinsic function written as `text`."""
    evaluate = _call(syntax.intrinsic(text))

    def evaluated(scope: Scope) -> Any:
        try:
            return evaluate(scope)
        except NoSuchPath as error:
            said = (
                f"The JsonPath argument for the field '{error.path.text}' could not be found in the input "
                f"'{text_of(error.data)}'"
            )
            raise StateFailed(RUNTIME, f"The function '{text}' had the following error: {said}") from None
        except ValueError as error:
            raise StateFailed(INTRINSIC_FAILURE, f"The function '{text}' had the following error: {error}") from None
        except RecursionError:
            raise StateFailed(RUNTIME, f"The function '{text}' was given data that is nested too deeply.") from None

    return evaluated


def _call(call: Call) -> Evaluated:
    arguments = [_argument(argument) for argument in call.arguments]
    if call.name == "Format":
        return _format(call.arguments[0], arguments)
    if call.name in OF_CHANCE:
        draw = OF_CHANCE[call.name]
        return lambda scope: draw(scope.chance(), *[argument(scope) for argument in arguments])
    give = FUNCTIONS[call.name]
    return lambda scope: give(*[argument(scope) for argument in arguments])


def _argument(argument: Call | Path | Literal) -> Evaluated:
    if isinstance(argument, Call):
        return _call(argument)
    if isinstance(argument, Path):
        return paths.selected(argument.text)
    value = argument.value
    return lambda scope: value


def _format(template: Call | Path | Literal, arguments: list[Evaluated]) -> Evaluated:
    written, is_open = (template.parts, template.open) if isinstance(template, Literal) else ((), False)

    def evaluated(scope: Scope) -> str:
        first, *values = [argument(scope) for argument in arguments]
        parts = written or _text(first).split("{}")
        if is_open:
            raise ValueError("Invalid template in States.Format: matching '}' not found for '{'.")
        if len(parts) != len(values) + 1:
            raise ValueError(f"The number of arguments do not match the occurrences of {{}} in {first}")
        return "".join(part + text for part, text in zip(parts, [*map(_shown, values), ""], strict=True))

    return evaluated


def _shown(value: Any) -> str:
    """A value as States.Format puts it into a text: AWS writes {a=1, b=[2]}."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_shown(item)}' for name, item in value.items())}}}"
    return text_of(value)


def _refuse(wanted: str, value: Any) -> NoReturn:
    raise ValueError(f"Expected {wanted}, but got: {text_of(value)}")


def _taken(kind: type[Kind], wanted: str) -> Callable[[Any], Kind]:
    return lambda value: value if isinstance(value, kind) else _refuse(wanted, value)


_array, _text, _dict = _taken(list, "an array"), _taken(str, "a string"), _taken(dict, "an object")


def _short(value: Any) -> bytes:
    text = _text(value)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"The input is longer than {MOST_CHARACTERS} characters")
    return text.encode(errors="replace")


def _integer(value: Any) -> int:
    """A number rounded to the nearest integer, halves up."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return math.floor(value + 0.5) if isinstance(value, float) else _refuse("an integer", value)


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, by = _integer(first), _integer(last), _integer(step)
    if by == 0:
        raise ValueError("The increment must not be 0")
    found = range(start, end + (1 if by > 0 else -1), by)
    if found[MOST_ITEMS:]:
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


def _small(value: Any) -> int:
    if (number := _integer(value)) not in SMALL:
        raise ValueError(f"{number} is not from {SMALL[0]} to {SMALL[-1]}")
    return number


def _key(value: Any) -> str:
    """The same text for equal data: 1 and true differ, the order of an object's keys does not count."""
    return json.dumps(value, sort_keys=True)


def _decode(text: Any) -> str:
    try:
        return base64.b64decode(_short(text), validate=True).decode()
    except (UnicodeDecodeError, binascii.Error):
        raise ValueError("The input is no Base64") from None


def _hash(data: Any, algorithm: Any) -> str:
    if not isinstance(algorithm, str) or algorithm not in HASHES:
        raise ValueError(f"The algorithm must be one of {', '.join(HASHES)}, but was: {text_of(algorithm)}")
    return hashlib.new(HASHES[algorithm], _short(data), usedforsecurity=False).hexdigest()


def _merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    merged = {**_dict(first), **_dict(second)}
    if deep is not False:
        raise ValueError("Only the shallow merging mode, false, is supported")
    return merged


def _parsed(value: Any) -> Any:
    text = _text(value)
    try:
        return data_of(text) if text.strip() else None
    except ValueError:
        raise ValueError(f"Invalid JSON: {text}") from None


def _split(text: Any, marks: Any) -> list[str]:
    parts = _text(text)
    for mark in _text(marks)[1:]:
        parts = parts.replace(mark, marks[0])
    return [part for part in parts.split(marks[0]) if part] if marks else list(parts)


def _random(chance: random.Random, first: Any, end: Any, seed: Any = None) -> int:
    start, stop = _integer(first), _integer(end)
    if start >= stop:
        raise ValueError("The start must be less than the end")
    return (chance if seed is None else random.Random(_integer(seed))).randrange(start, stop)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Array": lambda *items: list(items),
    "ArrayContains": lambda array, value: _key(value) in map(_key, _array(array)),
    "ArrayGetItem": _item,
    "ArrayLength": lambda array: len(_array(array)),
    "ArrayPartition": _partition,
    "ArrayRange": _range,
    "ArrayUnique": lambda array: list({_key(item): item for item in _array(array)}.values()),
    "Base64Decode": _decode,
    "Base64Encode": lambda text: base64.b64encode(_short(text)).decode(),
    "Hash": _hash,
    "JsonMerge": _merge,
    "JsonToString": text_of,
    "MathAdd": lambda first, second: _small(first) + _small(second),
    "StringSplit": _split,
    "StringToJson": _parsed,
}
OF_CHANCE: dict[str, Callable[..., Any]] = {"MathRandom": _random, "UUID": drawn_uuid}
