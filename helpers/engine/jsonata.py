"""JSONata, evaluated as on AWS, of which version 2.0.6 is the reference: no clock, no chance, no state of its own.

Only what has expressions imports this module; the library takes a while to load.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jsonata import Jsonata, jexception
from jsonata.functions import Functions
from jsonata.utils import Utils

from helpers.definition import expressions
from helpers.engine.intrinsics import HASHES
from helpers.engine.scope import Scope, drawn_uuid
from helpers.engine.text import data_of

__all__ = ["MOST_STEPS", "UNDEFINED", "QueryFailed", "value_of"]

# Where an expression is stopped that has no end, after a second or two, or that takes all memory; AWS says nothing of
# its own bounds. A step is one part of an expression evaluated, or the copying of so many characters or items.
MOST_STEPS = 1_000_000
COPIED = 10_000
MOST_LENGTH = 1_000_000  # characters or items; a payload holds fewer
UNDEFINED = object()

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The library's catalogue calls every function "Object"; the reference implementation, and AWS, call it "function".
MESSAGES = {code: text.replace("Object", "function") for code, text in jexception.JException.error_codes.items()}
SUBTYPES = {"n": "numbers", "s": "strings", "b": "booleans", "o": "objects", "a": "arrays"}


class QueryFailed(Exception):
    """An expression could not be evaluated; its text follows, in AWS's cause, on the expression and its field."""

    def __init__(self, said: str) -> None:
        separator = "." if re.match(r"[A-Z]\d{4}: ", said) else ":"
        super().__init__(f"threw an error during evaluation{separator} {said}")


class UnsupportedResult(QueryFailed):
    """An expression gave a function or a regular expression."""

    def __init__(self) -> None:
        Exception.__init__(self, "returned an unsupported result type.")


def value_of(code: str, bindings: Mapping[str, Any], scope: Scope) -> Any:
    """What a well-written expression (without its `{% %}`) gives: JSON data, UNDEFINED, or QueryFailed.

    `bindings` are by name without their `$`; the scope gives the time and the source of chance.
    """
    evaluation = Evaluation(scope)
    frame = Frame(FUNCTIONS)
    # The library's functions find the evaluation they run in through the thread.
    Jsonata.CURRENT.jsonata = evaluation
    try:
        if "|" in code:  # a transform changes what its pattern finds, in a copy or not
            bindings = copy.deepcopy(dict(bindings))
        frame.bindings = {name: Utils.NULL_VALUE if value is None else value for name, value in bindings.items()}
        result = evaluation.eval(expressions.parsed(code), None, frame)
        return UNDEFINED if result is None else plain(result)
    except QueryFailed:
        raise
    except jexception.JException as error:
        raise QueryFailed(_message(error)) from None
    except RecursionError:
        raise QueryFailed("D1011: Stack overflow. Check for non-terminating recursive function.") from None
    except Exception as error:  # the library lets errors of Python's through
        raise QueryFailed(_conversion(str(error))) from None
    finally:
        del Jsonata.CURRENT.jsonata


class Frame(Jsonata.Frame):
    """The names known in a part of an expression. The library's would rename its functions for all expressions."""

    def bind(self, name: str, val: Any) -> None:
        self.bindings[name] = val

    def lookup(self, name: str) -> Any:
        if name.startswith("__evaluate"):
            return None  # what the library would call at each step
        frame: Any = self
        while frame is not None:
            if name in frame.bindings:
                return frame.bindings[name]
            frame = frame.parent
        return None


class Evaluation(Jsonata):
    """One evaluation, with all that changes in it; the syntax trees that threads share are only read.

    Numbers beyond a double's range are what JavaScript makes of them, which is null in JSON.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope, self.steps = scope, 0
        self.parser = Jsonata.get_parser()
        self.timestamp = (scope.now - EPOCH) // timedelta(milliseconds=1)
        self.input = self.environment = None

    def create_frame(self, enclosing_environment: Any = None) -> Frame:
        return Frame(enclosing_environment)

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002  the library's name
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise QueryFailed(f"The expression did not end within {MOST_STEPS:,} steps")
        result = self._eval(expr, input, environment)
        if isinstance(result, str | list) and len(result) > COPIED:
            self.steps += len(result) // COPIED
            if len(result) > MOST_LENGTH:
                raise QueryFailed(f"The expression made a value longer than {MOST_LENGTH:,} characters or items")
        return result

    def apply_inner(self, proc: Any, args: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        if not self.is_function_like(proc):  # the library would print it, too
            raise jexception.JException("T1006", 0)
        return super().apply_inner(proc, args, input, environment)

    def evaluate_group_expression(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002
        # The library puts an item into an empty list, whosever it is.
        return super().evaluate_group_expression(expr, [] if input == [] else input, environment)

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
        return value if type(value) is list and all(map(_is, items, value)) else items
    if isinstance(value, dict):
        fields = {key: plain(item) for key, item in value.items()}
        return value if type(value) is dict and all(map(_is, fields.values(), value.values())) else fields
    raise UnsupportedResult


def _is(one: Any, other: Any) -> bool:
    return one is other


def _message(error: jexception.JException) -> str:
    if error.error in ("D3137", "D3141"):
        return f"{error.error}: {error.current}"
    template = MESSAGES.get(error.error)
    if template is None:
        return str(error)
    inserts = iter([error.current, error.expected, error.extra])

    def insert(_: re.Match[str]) -> str:
        value = next(inserts, None)
        if error.error == "T0412":
            value = SUBTYPES.get(str(value), value)
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


def _number(value: Any, place: str, function: str) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return math.trunc(value)
    raise QueryFailed(f"The {place} argument of the {function} function must be a number.")


def _scope() -> Scope:
    found: Scope = Jsonata.CURRENT.jsonata.scope
    return found


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _partition(array: Any, size: Any = None) -> Any:
    if array is None or size is None:
        return None
    step = _number(size, "second", "partition")
    if step < 1:
        raise QueryFailed("The second argument of the partition function must be a positive number.")
    items = _listed(array)
    return [items[start : start + step] for start in range(0, len(items), step)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    if first is None or last is None or step is None:
        return None
    given = zip((first, last, step), ("first", "second", "third"), strict=True)
    start, end, by = (_number(value, place, "range") for value, place in given)
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
        return _scope().chance().random()
    state, drawn = (_number(seed, "first", "random") ^ 0x5DEECE66D) & ((1 << 48) - 1), 0
    for bits in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        drawn = (drawn << bits) + (state >> (48 - bits))
    return drawn / (1 << 53)


def _uuid() -> str:
    return drawn_uuid(_scope().chance())


def _shuffle(array: Any = None) -> Any:
    if array is None:
        return None
    items = _listed(array)
    _scope().chance().shuffle(items)
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
    return 0 if array is None else len(array) if isinstance(array, list) else 1


def _distinct(array: Any = None) -> Any:
    if not isinstance(array, list) or len(array) <= 1:
        return array
    found: dict[str, Any] = {}
    for item in array:
        found.setdefault(json.dumps(plain(item), sort_keys=True), item)
    items = list(found.values())
    return Utils.create_sequence_from_iter(items) if Utils.is_sequence(array) else items


def _pad(text: Any = None, width: Any = None, mark: Any = None) -> Any:
    if isinstance(width, int | float) and abs(width) > MOST_LENGTH:
        raise QueryFailed(f"The pad function would give more than {MOST_LENGTH:,} characters.")
    return Functions.pad(text, width, mark)


class Function(Jsonata.JLambda):
    """A function of ours, called with no more arguments than it takes."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.name, self.most = name, len(inspect.signature(function).parameters)

    def call(self, input: Any, args: Any) -> Any:  # noqa: A002
        if len(args) > self.most:
            said = f'Argument {self.most + 1} of function "{self.name}" does not match function signature'
            raise QueryFailed(f"T0410: {said}")
        return super().call(input, args)


# What Step Functions adds; what the library's own does otherwise than the reference (null counts, the only item of a
# list stays in it), draws from a source of chance of its own or takes any memory. $eval is not among AWS's functions.
FUNCTIONS = Frame(Jsonata.static_frame)
for _given in (_partition, _range, _hash, _random, _uuid, _shuffle, _parse, _count, _distinct, _pad):
    FUNCTIONS.bind(_given.__name__[1:], Function(_given.__name__[1:], _given))
FUNCTIONS.bind("eval", None)
