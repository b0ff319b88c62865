"""Paths as functions: what a path selects, where a result is placed, and what is said of a path that leads nowhere."""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from helpers.definition import syntax
from helpers.definition.syntax import Descent, Every, Fields, Filter, Literal, Path, Several, Slice, Step, Test
from helpers.engine.failures import RESULT_PATH_MATCH, RUNTIME, StateFailed
from helpers.engine.scope import Scope
from helpers.engine.text import text_of

__all__ = ["Evaluated", "NoSuchPath", "failing", "filtered", "path", "placed", "selected"]

Evaluated = Callable[[Scope], Any]
Selection = Callable[[Any], Any]

MOST_VALUES = 1_000_000  # that a path may select; more fit into no payload


class NoSuchPath(Exception):
    """A definite path leads nowhere in the data that it was tried on; `past` an array's end, perhaps."""

    def __init__(self, path: Path, data: Any, past: bool = False) -> None:
        super().__init__(path.text)
        self.path, self.data, self.past = path, data, past


@lru_cache(maxsize=4096)
def selected(text: str) -> Evaluated:
    """What a path selects, as a function of the scope.

    A definite path gives one value and raises NoSuchPath where there is none; any other gives the list of all values.
    ValueError where `text` is no path.
    """
    found = syntax.path(text)
    select = _selection(found)
    if found.root == "$":
        plain = not found.steps and found.aggregate is None
        return (lambda scope: scope.data) if plain else lambda scope: select(scope.data)
    if found.root == "$$":
        return _of_context(found, select)
    name = found.root

    def of_variable(scope: Scope) -> Any:
        if name not in scope.variables:
            raise NoSuchPath(found, scope.data)
        return select(scope.variables[name])

    return of_variable


def failing(text: str, failure: Callable[[NoSuchPath], StateFailed | None]) -> Evaluated:
    """A path that fails its state where it leads nowhere, or gives null there where that is no failure.

    Nothing, not even all, is taken of data that is null: awslabs/states-language, issue 29.
    """
    select, of_data = selected(text), syntax.path(text).root == "$"

    def evaluated(scope: Scope) -> Any:
        if of_data and scope.data is None:
            raise StateFailed(RUNTIME, "Unable to apply Path transformation to null or empty input.")
        try:
            return select(scope)
        except NoSuchPath as error:
            if failed := failure(error):
                raise failed from None
            return None

    return evaluated


def path(text: str, field: str) -> Evaluated:
    """A path in a template's field: null past the end of an array, States.Runtime where it leads nowhere else."""
    return failing(text, lambda error: None if error.past else _not_found(text, field, error.data))


def filtered(text: str | None, field: str) -> Evaluated:
    """A path of a state's own field, such as InputPath; None stands for an empty object."""
    if text is None:
        return lambda scope: {}

    def failure(error: NoSuchPath) -> StateFailed:
        if error.path.root == "$$":
            return _not_found(text, field, error.data)
        return StateFailed(RUNTIME, f"Invalid path '{text}' : {_nowhere(error.path, error.data)}")

    return failing(text, failure)


def placed(text: str | None) -> Callable[[Any, Any], Any]:
    """A ResultPath, as a function of the data and a result: new data, which shares with the old all but the way there.

    None leaves the data as it is.
    """
    if text is None:
        return lambda data, value: data
    steps = syntax.path(text).steps
    if not steps:
        return lambda data, value: value

    def place(data: Any, value: Any) -> Any:
        outer: list[tuple[Any, Any]] = []
        there = data
        for step in steps:
            places = range(len(there)) if isinstance(there, list) else ()
            if not (isinstance(there, dict) if isinstance(step, str) else step in places):
                cause = f'Unable to apply step "{step}" to input {text_of(there)}'
                raise StateFailed(RESULT_PATH_MATCH, cause)
            outer.append((there, step))
            there = there.get(step, {}) if isinstance(there, dict) else there[step]
        for holder, step in reversed(outer):
            copied: Any = dict(holder) if isinstance(holder, dict) else list(holder)
            copied[step] = value
            value = copied
        return value

    return place


def _not_found(text: str, field: str, data: Any) -> StateFailed:
    where = f"specified for the field '{field}' could not be found in the input '{text_of(data)}'"
    return StateFailed(RUNTIME, f"The JSONPath '{text}' {where}")


def _of_context(found: Path, select: Selection) -> Evaluated:
    if found.steps not in ((), ("Execution",)):
        return lambda scope: select(scope.context())

    # AWS leaves RedriveCount out of the whole object where a state that can be retried samples it, say its histories.
    def whole(scope: Scope) -> Any:
        context = scope.context()
        if "RetryCount" in context.get("State", ()):
            execution = {name: value for name, value in context["Execution"].items() if name != "RedriveCount"}
            context = {**context, "Execution": execution}
        return select(context)

    return whole


def _selection(found: Path) -> Selection:
    """What a path's steps select in a value, wherever that came from."""
    if found.definite:
        return _definite(found)
    if found.aggregate:
        return _aggregated(found, found.aggregate)
    merges, misplaced, ways = found.merges, found.misplaced, [_way(step) for step in found.steps]

    def select(data: Any) -> Any:
        if misplaced:
            raise StateFailed(RUNTIME, f"Invalid path '{found.text}' : {misplaced}")
        values = [data]
        for way in ways:
            ahead = itertools.chain.from_iterable(way(value, data) for value in values)
            values = list(itertools.islice(ahead, MOST_VALUES + 1))
            if len(values) > MOST_VALUES:
                raise StateFailed(RUNTIME, f"The path '{found.text}' selects more than {MOST_VALUES:,} values.")
        if merges and not values:
            raise NoSuchPath(found, data)
        return values[0] if merges else values

    return select


def _definite(found: Path) -> Selection:
    steps: list[tuple[Any, Any]] = [(step, list if isinstance(step, int) else dict) for step in found.steps]

    def select(data: Any) -> Any:
        value: Any = data
        try:
            for step, kind in steps:
                if not isinstance(value, kind):
                    raise NoSuchPath(found, data)
                value = value[step]
        except (KeyError, IndexError) as error:
            raise NoSuchPath(found, data, past=isinstance(error, IndexError)) from None
        return value

    return select


def _aggregated(found: Path, aggregate: str) -> Selection:
    select = _selection(Path(found.text, found.root, found.steps))

    def evaluated(data: Any) -> Any:
        value = select(data)
        try:
            if aggregate == "length":
                return len(value)
            if isinstance(value, list) and all(map(_is_number, value)):
                result = AGGREGATES[aggregate](value)
                if math.isfinite(result):
                    return result
        except (TypeError, ValueError, ArithmeticError):  # of a number's length, of no numbers, of too large ones
            pass
        wanted = "an array" if aggregate == "length" else "an array of numbers"
        raise StateFailed(RUNTIME, f"Invalid path '{found.text}' : {aggregate}() takes {wanted}")

    return evaluated


AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "avg": lambda numbers: sum(numbers) / len(numbers),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Way = Callable[[Any, Any], Iterable[Any]]


def _way(step: Step) -> Way:
    """All values that a step leads to from one, which is within the data given second."""
    match step:
        case str():
            return lambda value, data: (value[step],) if isinstance(value, dict) and step in value else ()
        case int():
            return lambda value, data: value[step:][:1] if isinstance(value, list) and step >= -len(value) else ()
        case Every():
            return lambda value, data: _within(value)
        case Several(steps):
            ways = [_way(each) for each in steps]
            return lambda value, data: (one for way in ways for one in way(value, data))
        case Fields(names):
            return lambda value, data: [{n: value[n] for n in names if n in value}] if isinstance(value, dict) else []
        case Slice(start, stop, by):
            return lambda value, data: value[start:stop:by] if isinstance(value, list) else ()
        case Descent(inner):
            way = _way(inner)
            return lambda value, data: (one for each in _descendants(value) for one in way(each, data))
        case Filter(test):
            passes = _passes(test)
            return lambda value, data: (item for item in _filtered(value) if passes(item, data))


def _within(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _filtered(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,) if isinstance(value, dict) else ()


def _descendants(value: Any) -> Iterator[Any]:
    """A value and all within it, each before what it holds."""
    ahead = [value]
    while ahead:
        found = ahead.pop()
        yield found
        ahead.extend(reversed(list(_within(found))))


def _passes(test: Test) -> Callable[[Any, Any], bool]:
    """A filter's condition, as a function of the item and of the data that the path began with."""
    if test.operator in ("&&", "||", "!"):
        tests = [_passes(one) for one in test.operands if isinstance(one, Test)]
        if test.operator == "!":
            return lambda item, data: not tests[0](item, data)
        joined = all if test.operator == "&&" else any
        return lambda item, data: joined(one(item, data) for one in tests)
    operands = [_operand(one) for one in test.operands if not isinstance(one, Test)]
    if test.operator == "exists":
        return lambda item, data: operands[0](item, data) is not ABSENT
    left, right = operands
    compare = COMPARISONS[test.operator]
    return lambda item, data: compare(left(item, data), right(item, data))


ABSENT = object()


def _operand(operand: Path | Literal) -> Callable[[Any, Any], Any]:
    if isinstance(operand, Literal):
        return lambda item, data: operand.value
    select = _selection(operand)

    def evaluated(item: Any, data: Any) -> Any:
        try:
            return select(item if operand.root == "@" else data)
        except (NoSuchPath, StateFailed):
            return ABSENT

    return evaluated


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) is isinstance(right, bool)


def _in(value: Any, values: Any) -> bool:
    return isinstance(values, list) and any(_same(value, one) for one in values)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        alike = (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))
        return alike and test(left, right)

    return compare


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "=~": lambda text, pattern: (
        isinstance(text, str) and isinstance(pattern, re.Pattern) and bool(pattern.fullmatch(text))
    ),
    "in": _in,
    "nin": lambda value, values: isinstance(values, list) and not _in(value, values),
}


def _nowhere(found: Path, data: Any) -> str:
    """What AWS's JSONPath library says of a definite path that leads nowhere."""
    steps, value = found.steps, data
    for at, step in enumerate(steps):
        if not isinstance(step, int) and not isinstance(value, dict):
            return f"Missing property in path {found.written(at)}"
        if isinstance(step, str) and step not in value:
            if at + 1 < len(steps):
                return f"Missing property in path {found.written(at + 1)}"
            break
        if isinstance(step, int) and (not isinstance(value, list) or not -len(value) <= step < len(value)):
            break
        value = value[step]
    return f"No results for path: {found.written()}"
