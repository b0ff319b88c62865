"""JSONata: expressions as AWS evaluates them, of which version 2.0.6 is the reference.

Only what has expressions imports this module; the library takes a while to load.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import copy
import functools
import hashlib
import inspect
import json
import math
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from jsonata import Jsonata, jexception
from jsonata.functions import Functions
from jsonata.utils import Utils

from helpers.engine.intrinsics import HASHES
from helpers.engine.scope import Scope
from helpers.engine.text import data_of

__all__ = ["MOST_STEPS", "UNDEFINED", "Expression", "QueryFailed", "UnsupportedResult", "parsed"]

# An expression without end is stopped after so many steps, some seconds; AWS says nothing of its own bound.
MOST_STEPS = 2_000_000
# So long may a text or an array grow on the way; a payload's limit is 262,144 bytes.
MOST_LENGTH = 10_000_000
UNDEFINED = object()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The library's catalogue calls every function "Object"; the reference implementation, and AWS, call it "function".
_MESSAGES = {code: text.replace("Object", "function") for code, text in jexception.JException.error_codes.items()}
_SUBTYPES = {"n": "numbers", "s": "strings", "b": "booleans", "o": "objects", "a": "arrays"}
_OVERFLOW = "D1011: Stack overflow. Check for non-terminating recursive function."


class QueryFailed(Exception):
    """An expression could not be evaluated; its text is what AWS appends to the cause."""


class UnsupportedResult(Exception):
    """An expression gave a function or a regular expression."""


@functools.lru_cache(maxsize=4096)
def parsed(code: str) -> Expression:
    """An expression (without its `{% %}`), read once. ValueError, in AWS's words, where it is none."""
    try:
        found = Expression(code)
    except jexception.JException as error:
        said = re.sub(r"^[A-Z]\d{4}: ", "", _message(error))
        raise ValueError(f"INVALID_JSONATA_EXPRESSION: {said}") from None
    except RecursionError:
        raise ValueError("INVALID_JSONATA_EXPRESSION: The expression is nested too deeply") from None
    except Exception:  # the library's parser stumbles over some texts
        raise ValueError("INVALID_JSONATA_EXPRESSION: The expression cannot be read") from None
    for name in _names(found.ast):
        said = f"Reference to '{name}' at the top level is not supported."
        raise ValueError(f"UNSUPPORTED_JSONATA_EXPRESSION: {said}")
    return found


class Expression(Jsonata):
    """A parsed expression. It is only read: each evaluation has a copy of its own, whatever thread it runs in.

    Numbers beyond a double's range are what JavaScript makes of them, which is null in JSON.
    """

    def value(self, bindings: Mapping[str, Any], scope: Scope) -> Any:
        """JSON data or UNDEFINED; `bindings` by name without their `$`. QueryFailed or UnsupportedResult otherwise."""
        run = copy.copy(self)
        run.parser, run.scope, run.steps = Jsonata.get_parser(), scope, 0
        run.timestamp = (scope.now - _EPOCH) // (_EPOCH.resolution * 1000)
        frame = run.create_frame(_FRAME)
        for name, value in bindings.items():
            frame.bind(name, Utils.NULL_VALUE if value is None else value)
        # The library's functions find the expression they run in through the thread.
        Jsonata.CURRENT.jsonata = run
        try:
            result = run.eval(run.ast, None, frame)
            return UNDEFINED if result is None else plain(result)
        except (QueryFailed, UnsupportedResult):
            raise
        except jexception.JException as error:
            raise QueryFailed(_message(error)) from None
        except RecursionError:
            raise QueryFailed(_OVERFLOW) from None
        except Exception as error:  # the library lets errors of Python's through
            raise QueryFailed(_conversion(str(error))) from None
        finally:
            del Jsonata.CURRENT.jsonata

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002  the library's name
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise QueryFailed(f"The expression did not end within {MOST_STEPS:,} steps")
        result = super().eval(expr, input, environment)
        if isinstance(result, str | list) and len(result) > MOST_LENGTH:
            raise QueryFailed(f"The expression made a value longer than {MOST_LENGTH:,} characters or items")
        return result

    def apply_inner(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        if not self.is_function_like(proc):  # the library would print it, too
            raise jexception.JException("T1006", 0)
        return super().apply_inner(proc, args, input, environment)

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


def plain(value: Any) -> Any:
    """A result as JSON data: null and what is no finite number as None, whole numbers as int.

    What is such data already is returned as it is.
    """
    if isinstance(value, str | bool | int):
        return value
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, list):
        items = [plain(value[index]) for index in range(len(value))]
        same = type(value) is list and all(map(_is, items, value))
        return value if same else items
    if isinstance(value, dict):
        fields = {key: plain(item) for key, item in value.items()}
        same = type(value) is dict and all(map(_is, fields.values(), value.values()))
        return value if same else fields
    raise UnsupportedResult


def _is(one: Any, other: Any) -> bool:
    return one is other


def _message(error: jexception.JException) -> str:
    if error.error in ("D3137", "D3141"):
        return f"{error.error}: {error.current}"
    template = _MESSAGES.get(error.error)
    if template is None:
        return str(error)
    inserts = iter([error.current, error.expected, error.extra])

    def insert(_: re.Match[str]) -> str:
        value = next(inserts, None)
        if error.error == "T0412":
            value = _SUBTYPES.get(str(value), value)
        try:
            return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)
        except UnsupportedResult:
            return "{}"

    return f"{error.error}: " + re.sub(r"\{\{\w+\}\}", insert, template)


def _conversion(said: str) -> str:
    """What is said where the library lets an error of Python's through; JSONata's own words where we know them."""
    if found := re.match(r"could not convert string to float: '(.*)'", said):
        return f'D3030: Unable to cast value to a number: "{found[1]}"'
    if found := re.match(r"Invalid isoformat string: '(.*)'", said):
        text = "The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given"
        return f'D3110: {text} "{found[1]}"'
    return "A function or an operator was given a value that it does not take"


def _names(node: Any) -> Iterator[str]:
    """The names that an expression looks up in a context item, which it has not on Step Functions."""
    if node is None:
        return
    if node.type == "name":
        yield node.value
    elif node.type == "path":
        yield from _names(node.steps[0])
    elif node.type not in ("transform", "regex"):
        pairs = [part for pair in getattr(node, "lhs_object", None) or [] for part in pair]
        fields = ("lhs", "rhs", "expression", "condition", "then", "_else", "body")
        lists = () if node.type == "lambda" else ("expressions", "arguments")
        inner = [getattr(node, field, None) for field in fields]
        for part in (*inner, *(part for name in lists for part in getattr(node, name, None) or []), *pairs):
            yield from _names(part)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _scope() -> Scope:
    found: Scope = Jsonata.CURRENT.jsonata.scope
    return found


def _partition(array: Any, size: Any = None) -> Any:
    if array is None or size is None:
        return None
    array = list(array) if isinstance(array, list) else [array]
    if not _is_number(size) or size < 1:
        raise QueryFailed("The second argument of the partition function must be a positive number.")
    step = math.trunc(size)
    return [array[start : start + step] for start in range(0, len(array), step)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    if first is None or last is None or step is None:
        return None
    for place, number in (("first", first), ("second", last), ("third", step)):
        if not _is_number(number):
            raise QueryFailed(f"The {place} argument of the range function must be a number.")
    start, end, by = (math.trunc(number) for number in (first, last, step))
    if by == 0:
        raise QueryFailed("The third argument of the range function cannot be zero.")
    found = range(start, end + (1 if by > 0 else -1), by)
    if start + by * MOST_LENGTH in found:
        raise QueryFailed(f"The range function would give more than {MOST_LENGTH:,} items.")
    return Utils.create_sequence_from_iter(found)


def _hash(value: Any = None, algorithm: Any = None) -> str | None:
    if value is None or algorithm is None:
        return None
    if not isinstance(algorithm, str) or algorithm not in HASHES:
        raise QueryFailed(f"Hash algorithm must be one of {', '.join(HASHES)}. Got: {json.dumps(plain(algorithm))}")
    text = value if isinstance(value, str) else json.dumps(plain(value), separators=(",", ":"))
    return hashlib.new(HASHES[algorithm], text.encode(errors="replace"), usedforsecurity=False).hexdigest()


def _random(seed: Any = None) -> float:
    """The first double of Java's generator, which AWS's is: 48 bits, two draws of 26 and 27."""
    if seed is None:
        return _scope().random.random()
    if not _is_number(seed):
        raise QueryFailed("The argument of the random function must be a number.")
    state, drawn = (math.trunc(seed) ^ 0x5DEECE66D) & ((1 << 48) - 1), 0
    for bits in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        drawn = (drawn << bits) + (state >> (48 - bits))
    return drawn / (1 << 53)


def _uuid() -> str:
    return str(uuid.UUID(int=_scope().random.getrandbits(128), version=4))


def _shuffle(array: Any = None) -> Any:
    if array is None:
        return None
    items = list(array) if isinstance(array, list) else [array]
    _scope().random.shuffle(items)
    return items


def _parse(text: Any = None) -> Any:
    if text is None:
        return None
    if not isinstance(text, str):
        raise QueryFailed("The argument of the parse function must be a string.")
    try:
        found = data_of(text)
    except ValueError as error:
        raise QueryFailed(f"The argument of the parse function: {error}") from None
    return Utils.NULL_VALUE if found is None else found


def _count(array: Any = None) -> int:
    if array is None:
        return 0
    return len(array) if isinstance(array, list) else 1


def _distinct(array: Any = None) -> Any:
    if not isinstance(array, list) or len(array) <= 1:
        return array
    found = Utils.create_sequence() if Utils.is_sequence(array) else []
    for item in array:
        if not any(Utils.is_deep_equal(item, one) for one in found):
            found.append(item)
    return found


def _pad(text: Any = None, width: Any = None, mark: Any = None) -> Any:
    if isinstance(width, int | float) and abs(width) > MOST_LENGTH:
        raise QueryFailed(f"The pad function would give more than {MOST_LENGTH:,} characters.")
    return Functions.pad(text, width, mark)


class _Function(Jsonata.JLambda):
    """A function of ours, called with no more arguments than it takes."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.name, self.most = name, len(inspect.signature(function).parameters)

    def call(self, input: Any, args: Any) -> Any:  # noqa: A002
        if len(args) > self.most:
            raise QueryFailed(
                f'T0410: Argument {self.most + 1} of function "{self.name}" does not match function signature'
            )
        return super().call(input, args)


# The functions that Step Functions adds, and those of the library's that differ from the reference, draw from a source
# of chance of their own, or take any amount of memory. $eval is not among AWS's functions.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": _uuid,
    "shuffle": _shuffle,
    "parse": _parse,
    "count": _count,
    "distinct": _distinct,
    "pad": _pad,
}
_FRAME = Jsonata.Frame(Jsonata.static_frame)
for _name, _given in _FUNCTIONS.items():
    _FRAME.bind(_name, _Function(_name, _given))
_FRAME.bind("eval", None)
