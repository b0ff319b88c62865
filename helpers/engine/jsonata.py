"""JSONata, evaluated as on AWS, of which version 2.0.6 is the reference: no clock, no chance, no state of its own.

Only what has expressions imports this module; the library takes a while to load.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import inspect
import json
import math
import operator
import re
import urllib.parse
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from jsonata import Jsonata, jexception
from jsonata.functions import Functions
from jsonata.signature import Signature
from jsonata.utils import Utils

from helpers.definition import jsonata_text
from helpers.engine.intrinsics import HASHES
from helpers.engine.scheduler import counted
from helpers.engine.scope import Scope, drawn_uuid
from helpers.engine.text import data_of

__all__ = ["MOST_STEPS", "UNDEFINED", "QueryFailed", "value_of"]

# Where an expression is stopped that has no end: AWS does after a second, which here is so many steps. A step is one
# part of an expression evaluated, or the copying of so many characters or items.
MOST_STEPS = 1_000_000
COPIED = 10_000
# AWS's bounds, as others measured them in August 2026: on parts within parts, on bytes of what is made (8 an item, 1 a
# character), on the items of $range.
DEEPEST, MOST_BYTES, LONGEST_RANGE = 100, 6_990_256, 360_145
TOO_DEEP = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
TOO_LARGE = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
UNDEFINED = object()

# What the reference implementation takes as a time, and as a number.
ISO_8601 = re.compile(r"\d{4}(-[01]\d)*(-[0-3]\d)*(T[0-2]\d:[0-5]\d:[0-5]\d)*(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?|0x[\da-fA-F]+", re.ASCII)
SYMBOLS = {str: "s", bool: "b", int: "n", float: "n", type(Utils.NULL_VALUE): "l", type(None): "m"}
NUMBER_OR_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*')


class QueryFailed(Exception):
    """An expression could not be evaluated; its text follows, in AWS's cause, on the expression and its field."""


def threw(said: str) -> QueryFailed:
    """The failure of an expression while it was evaluated."""
    separator = "." if re.match(r"[A-Z]\d{4}: ", said) else ":"
    return QueryFailed(f"threw an error during evaluation{separator} {said}")


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
        result = evaluation.eval(jsonata_text.parsed(code), None, frame)
        return UNDEFINED if result is None else plain(result)
    except QueryFailed:
        raise
    except jexception.JException as error:
        raise threw(jsonata_text.message(error, plain)) from None
    except RecursionError:
        raise threw(TOO_DEEP) from None
    except Exception:  # the library lets errors of Python's through
        raise threw("A function or an operator was given a value that it does not take") from None
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

    Numbers beyond a double's range are what JavaScript makes of them.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope, self.steps, self.depth = scope, 0, 0
        self.parser = Jsonata.get_parser()
        self.timestamp = counted(scope.now) // 1000
        self.input = self.environment = None

    def create_frame(self, enclosing_environment: Any = None) -> Frame:
        return Frame(enclosing_environment)

    def eval(self, expr: Any, input: Any, environment: Any) -> Any:  # noqa: A002  the library's name
        self.steps, self.depth = self.steps + 1, self.depth + 1
        if self.steps > MOST_STEPS:
            raise threw("Expression evaluation timeout: Check for infinite loop")
        if self.depth > DEEPEST:
            raise threw(TOO_DEEP)
        result = self._eval(expr, input, environment)
        self.depth -= 1
        if isinstance(result, str | list) and len(result) > COPIED:
            self.steps += len(result) // COPIED
            if len(result) * (1 if isinstance(result, str) else 8) > MOST_BYTES:
                raise threw(TOO_LARGE)
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
            result = super().evaluate_numeric_expression(lhs, rhs, op)
            return math.fmod(lhs, rhs) if op == "%" and result is not None else result
        except ZeroDivisionError:
            return math.nan if lhs == 0 else math.copysign(math.inf, lhs)
        except jexception.JException as error:
            if error.error != "D1001" or not all(map(math.isfinite, (lhs, rhs))):
                raise
            return error.current
        except ValueError:
            return math.nan


def plain(value: Any) -> Any:
    """A result as JSON data: whole numbers as int, what is no finite number as AWS gives it, which is a text.

    What is such data already is returned as it is.
    """
    if isinstance(value, str | bool | int):
        return value
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, list):
        items = [plain(value[index]) for index in range(len(value))]
        return value if type(value) is list and all(map(operator.is_, items, value)) else items
    if isinstance(value, dict):
        fields = {key: plain(item) for key, item in value.items()}
        return value if type(value) is dict and all(map(operator.is_, fields.values(), value.values())) else fields
    raise QueryFailed("returned an unsupported result type.")


def kind_of(value: Any) -> str:
    """A letter for the kind of a value, as signatures of functions have it."""
    return SYMBOLS.get(type(value)) or ("a" if isinstance(value, list) else "o")


def _scope() -> Scope:
    found: Scope = Jsonata.CURRENT.jsonata.scope
    return found


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _partition(array: Any = None, size: Any = None) -> Any:
    if array is None:
        return None
    if not isinstance(array, list):
        raise threw('T0412: Argument 1 of function "partition" must be an array of undefined')
    if size is None:
        return [array]
    if size < 0:
        raise threw("D3137: Second argument must be zero or greater")
    step = math.trunc(size)
    return [array[start : start + step] for start in range(0, len(array), step)] or None if step else None


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    if first is None or last is None or step is None or not math.trunc(step):
        return None
    start, end, by = map(math.trunc, (first, last, step))
    found = range(start, end + (1 if by > 0 else -1), by)
    if start + by * LONGEST_RANGE in found:
        raise threw(TOO_LARGE)
    return Utils.create_sequence_from_iter(found)


def _hash(text: Any, algorithm: Any = UNDEFINED) -> str | None:
    if text is None or algorithm is UNDEFINED:
        return None
    if algorithm not in HASHES:
        known = "SHA-1, SHA-384, SHA-256, SHA-512, MD5"
        raise threw(f"D3137: Hash algorithm '{algorithm or 'null'}' must be one of {known}")
    return hashlib.new(HASHES[algorithm], text.encode(errors="replace"), usedforsecurity=False).hexdigest()


def _random(seed: Any = None) -> float:
    """The first double of Java's generator, which AWS's is: 48 bits, two draws of 26 and 27."""
    if seed is None:
        return _scope().chance().random()
    state, drawn = (math.trunc(seed) ^ 0x5DEECE66D) & ((1 << 48) - 1), 0
    for bits in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        drawn = (drawn << bits) + (state >> (48 - bits))
    return drawn / (1 << 53)


def _shuffle(array: Any = None) -> Any:
    if array is None:
        return None
    items = _listed(array)
    _scope().chance().shuffle(items)
    return items


def _parse(text: Any = None) -> Any:
    try:
        found = None if text is None else data_of(text)
    except ValueError:
        raise threw("D3137: Invalid JSON") from None
    return Utils.NULL_VALUE if found is None and text is not None else found


def _distinct(array: Any = None) -> Any:
    if not isinstance(array, list) or len(array) <= 1:
        return array
    items = list({json.dumps(plain(item), sort_keys=True): item for item in array}.values())
    return Utils.create_sequence_from_iter(items) if Utils.is_sequence(array) else items


def _sort(array: Any = None, after: Any = None) -> Any:
    """In order, equal items as they came; `after` says whether the one comes behind the other."""
    if array is None:
        return None
    items, ask = _listed(array), functools.partial(Functions.func_apply, after)
    if after is not None:
        return sorted(items, key=functools.cmp_to_key(lambda one, two: bool(ask([one, two])) - bool(ask([two, one]))))
    if len(items) > 1 and set(map(kind_of, items)) not in ({"n"}, {"s"}):
        raise jexception.JException("D3070", 0)
    return sorted(items)


def _pad(text: Any = None, width: Any = None, mark: Any = None) -> Any:
    if width is not None and abs(width) > MOST_BYTES:
        raise threw(TOO_LARGE)
    return Functions.pad(text, width, mark)


def _base64decode(text: Any = None) -> str | None:
    return None if text is None else base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()


def _unquoted(text: Any = None) -> str | None:
    if text is not None and re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise threw(f"D3140: Malformed URL passed to $decodeUrlComponent(): {json.dumps(text)}")
    return None if text is None else urllib.parse.unquote_plus(text)


def _millis(text: Any = None, picture: Any = None) -> Any:
    if text is not None and picture is None and not ISO_8601.fullmatch(text):
        raise jexception.JException("D3110", 0, text)
    return Functions.datetime_to_millis(text, picture)


def _number(value: Any = None) -> Any:
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        raise jexception.JException("D3030", 0, value)
    return Utils.convert_number(Functions.number(value))


def _symbol(signature: Signature, value: Any, known: Callable[[Signature, Any], str] = Signature.get_symbol) -> str:
    return SYMBOLS.get(type(value)) or known(signature, value)  # which takes null for nothing


def _text(value: Any, prettify: bool, write: Callable[[Any, bool], str] = Functions._string) -> str:
    """Data as text, with 15 digits of a number and no exponent from 1e-6 to 1e21, as the reference writes them."""
    if type(value) is int and -1e15 < value < 1e15:
        return str(value)
    return NUMBER_OR_TEXT.sub(_digits, write(value, prettify))


def _digits(found: re.Match[str]) -> str:
    if found[0][0] == '"':
        return found[0]
    number = Decimal(f"{float(found[0]):.15g}")
    return f"{number:f}" if 1e-6 <= abs(number) < 1e21 or not number else str(number).lower()


def _formatted(number: Any = None, picture: Any = None, options: Any = None) -> Any:
    """Rounded half to even, as the number is written; the library rounds the double."""
    if number is not None and not options and re.fullmatch(r"[#,0]+(\.[0#]+)?(;.*)?", picture):
        digits = len(picture.partition(";")[0].partition(".")[2])
        number = float(round(Decimal(repr(number)), digits))
    return None if number is None else Functions.format_number(number, picture, options)


class Function(Jsonata.JLambda):
    """A function of ours. `takes` has the kind of each argument, x for any."""

    def __init__(self, name: str, takes: str, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self.name, self.takes = name, takes
        self.least = sum(one.default is one.empty for one in inspect.signature(function).parameters.values())

    def call(self, input: Any, args: Any) -> Any:  # noqa: A002
        fit = [value is None or taken in ("x", kind_of(value)) for value, taken in zip(args, self.takes, strict=False)]
        if False in fit or not self.least <= len(args) <= len(self.takes):
            raise jexception.JException("T0410", 0, [*fit, False].index(False) + 1, self.name)
        return super().call(input, args)


# What Step Functions adds, and what the library's own does otherwise than AWS: null counts, the only item of a list
# stays in it, equal items stay in their order, chance has one source. What replaces a function that may be called of
# the context item has that one's signature. $eval is no function of AWS's.
FUNCTIONS = Frame(Jsonata.static_frame)
OURS: dict[str, tuple[str, Callable[..., Any]]] = {
    "count": ("x", lambda array=None: 0 if array is None else len(_listed(array))),
    "distinct": ("x", _distinct),
    "hash": ("ss", _hash),
    "parse": ("s", _parse),
    "partition": ("xn", _partition),
    "random": ("n", _random),
    "range": ("nnn", _range),
    "shuffle": ("x", _shuffle),
    "sort": ("xx", _sort),
    "uuid": ("", lambda: drawn_uuid(_scope().chance())),
}
REPLACING: dict[str, Callable[..., Any]] = {
    "base64decode": _base64decode,
    "decodeUrlComponent": _unquoted,
    "formatNumber": _formatted,
    "number": _number,
    "pad": _pad,
    "toMillis": _millis,
}
for _name, (_takes, _given) in OURS.items():
    FUNCTIONS.bind(_name, Function(_name, _takes, _given))
for _name, _given in REPLACING.items():
    _function = Jsonata.JFunction(Jsonata.JLambda(_given), None)
    _function.signature = Jsonata.static_frame.lookup(_name).signature
    FUNCTIONS.bind(_name, _function)
FUNCTIONS.bind("eval", None)
Functions._string = staticmethod(_text)  # of `$string` and `&`; the library writes numbers as Python does
Signature.get_symbol = _symbol  # the library takes null for nothing
