"""What a definition writes as text and means as code: paths and intrinsic functions, read without being evaluated.

Each reader raises ValueError with a reason that a learner can use.
https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard, TypeVar

__all__ = [
    "AGGREGATES",
    "ARGUMENTS",
    "Call",
    "Descent",
    "Every",
    "Filter",
    "Literal",
    "Path",
    "Several",
    "Slice",
    "Step",
    "Test",
    "intrinsic",
    "is_jsonata",
    "path",
]

AGGREGATES = ("length", "min", "max", "sum", "avg")
# The fewest and the most arguments of each intrinsic function; None for any number.
ARGUMENTS: dict[str, tuple[int, int | None]] = {
    "Array": (0, None),
    "ArrayContains": (2, 2),
    "ArrayGetItem": (2, 2),
    "ArrayLength": (1, 1),
    "ArrayPartition": (2, 2),
    "ArrayRange": (3, 3),
    "ArrayUnique": (1, 1),
    "Base64Decode": (1, 1),
    "Base64Encode": (1, 1),
    "Format": (1, None),
    "Hash": (2, 2),
    "JsonMerge": (3, 3),
    "JsonToString": (1, 1),
    "MathAdd": (2, 2),
    "MathRandom": (2, 3),
    "StringSplit": (2, 2),
    "StringToJson": (1, 1),
    "UUID": (0, 0),
}
MOST_NESTED = 50  # brackets in brackets; AWS takes 10 intrinsic functions in each other


@dataclass(frozen=True)
class Every:
    """`[*]` or `.*`: all items or fields."""


@dataclass(frozen=True)
class Slice:
    """`[start:stop:step]`: some of an array's items."""

    start: int | None
    stop: int | None
    step: int | None


@dataclass(frozen=True)
class Several:
    """`['a','b']` or `[0,2]`: the fields or items named."""

    steps: tuple[str | int, ...]


@dataclass(frozen=True)
class Descent:
    """`..`: a step taken from a value and from everything within it."""

    step: Step


@dataclass(frozen=True)
class Filter:
    """`[?(...)]`: the items that pass a test."""

    test: Test


Step = str | int | Every | Slice | Several | Descent | Filter


@dataclass(frozen=True)
class Literal:
    """A value written out. `parts` are what stands around the `{}` of a text in an intrinsic function."""

    value: Any
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Path:
    """A path: from its root (`$`, `$$`, `@` in a filter, or a variable's name without its `$`) along its steps.

    `aggregate` is the function that ends it, such as `length`. A definite path leads to one value.
    """

    text: str
    root: str
    steps: tuple[Step, ...] = ()
    aggregate: str | None = None

    @property
    def definite(self) -> bool:
        return self.aggregate is None and all(isinstance(step, str | int) for step in self.steps)


@dataclass(frozen=True)
class Test:
    """A filter's condition: `&&`, `||`, `!`, `exists` (of a path) or a comparison, with what it is about."""

    __test__ = False  # no test of pytest's

    operator: str
    operands: tuple[Test | Path | Literal, ...]


@dataclass(frozen=True)
class Call:
    """An intrinsic function (its name without `States.`) and its arguments."""

    text: str
    name: str
    arguments: tuple[Call | Path | Literal, ...]


_JSONATA = re.compile(r"\{%(.*)%\}", re.DOTALL)
_ROOT = re.compile(r"\$\$|\$(?:[^\W\d]\w*)?")
_NAME = re.compile(r"""[^.\[\]'"()?*@,\s]+(?!\()""")
_PLAIN_NAME = re.compile(r"[\w-]+(?!\()")  # in a filter, where operators follow
_AGGREGATE = re.compile(rf"\.({'|'.join(AGGREGATES)})\(\)")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_INTEGER = re.compile(r"-?\d{1,18}(?![\w.])", re.ASCII)
_SLICE = re.compile(r"(-?\d{1,18})?\s*:\s*(-?\d{1,18})?\s*(?::\s*(-?\d{1,18})?)?", re.ASCII)
_WORD = re.compile(r"(true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)(?![\w.])", re.ASCII)
_COMPARISON = re.compile(r"==|!=|<=|>=|=~|<|>|(?:in|nin)\b")
_PATTERN = re.compile(r"/((?:[^/\\]|\\.)+)/(i?)")
_FUNCTION = re.compile(r"States\.(\w+)\s*\(")
_PIECE = re.compile(r"\\([{}'\\])|(\{\})|([^\\{]+|.)", re.DOTALL)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}

_Read = TypeVar("_Read")


def is_jsonata(value: object) -> TypeGuard[str]:
    """Whether a field's value is a JSONata expression, `{% ... %}`."""
    return isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}")


@lru_cache(maxsize=4096)
def path(text: str) -> Path:
    """A path as Step Functions takes it: `$.a[0]`, `$$.State.Name`, `$variable.b`, `$.items[?(@.x == 1)]`, `$..c`."""
    return _whole(text, "path", _path)


@lru_cache(maxsize=1024)
def intrinsic(text: str) -> Call:
    """An intrinsic function with its arguments: `States.Format('{} of {}', $.done, States.ArrayLength($.all))`."""
    return _whole(text, "intrinsic function", _call)


def _whole(text: str, what: str, read: Callable[[_Reader], _Read]) -> _Read:
    reader = _Reader(text)
    try:
        found = read(reader)
        if not reader.ended:
            raise ValueError(reader.stuck())
    except ValueError as error:
        raise ValueError(f"'{text}' is no {what}: {error}.") from None
    return found


class _Reader:
    """A text being read from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    @property
    def ended(self) -> bool:
        return self.at == len(self.text)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def skip(self, mark: str) -> bool:
        """Whether `mark` comes next; then it is behind us."""
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def space(self) -> None:
        while not self.ended and self.text[self.at].isspace():
            self.at += 1

    def need(self, mark: str) -> None:
        self.space()
        if not self.skip(mark):
            raise ValueError(f"a {mark} is missing " + (f"before '{self.rest}'" if self.rest else "at its end"))

    def nest(self) -> None:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise ValueError("it is nested too deeply")

    @property
    def rest(self) -> str:
        return self.text[self.at : self.at + 40]

    def stuck(self) -> str:
        return f"it cannot be read from '{self.rest}' on" if self.rest else "it ends too early"


def _path(reader: _Reader, root: str | None = None, name: re.Pattern[str] = _NAME) -> Path:
    start = reader.at
    if root is None:
        found = reader.take(_ROOT)
        if found is None:
            raise ValueError("a path begins with $")
        root = found[0] if found[0] in ("$", "$$") else found[0][1:]
    else:
        reader.at += len(root)
    steps: list[Step] = []
    aggregate: str | None = None
    while aggregate is None:
        if ends := reader.take(_AGGREGATE):
            aggregate = ends[1]
        elif reader.skip(".."):
            steps.append(Descent(_bracket(reader) if reader.skip("[") else _named(reader, name)))
        elif reader.skip("."):
            steps.append(_bracket(reader) if reader.skip("[") else _named(reader, name))
        elif reader.skip("["):
            steps.append(_bracket(reader))
        else:
            break
    return Path(reader.text[start : reader.at], root, tuple(steps), aggregate)


def _named(reader: _Reader, name: re.Pattern[str]) -> Step:
    if reader.skip("*"):
        return Every()
    if found := reader.take(name):
        return found[0]
    raise ValueError("a name is missing after its last dot" if reader.ended else reader.stuck())


def _bracket(reader: _Reader) -> Step:
    reader.space()
    step: Step
    if reader.skip("*"):
        step = Every()
    elif reader.skip("?"):
        reader.need("(")
        step = Filter(_either(reader))
        reader.need(")")
    elif found := reader.take(_SLICE):
        start, stop, by = (None if part is None else int(part) for part in found.groups())
        if by is not None and by <= 0:
            raise ValueError("the step of a slice must be positive")
        step = Slice(start, stop, by)
    else:
        keys = [_key(reader)]
        reader.space()
        while reader.skip(","):
            reader.space()
            keys.append(_key(reader))
            reader.space()
        step = keys[0] if len(keys) == 1 else Several(tuple(keys))
    reader.need("]")
    return step


def _key(reader: _Reader) -> str | int:
    if found := reader.take(_QUOTED):
        return found[2] if found[1] is None else found[1].replace("\\'", "'")
    if number := reader.take(_INTEGER):
        return int(number[0])
    raise ValueError(
        f"in brackets stands a number, a 'name' in quotes, * or ?(a filter), not '{reader.rest}'"
        if reader.rest
        else "a ] is missing at its end"
    )


def _either(reader: _Reader) -> Test:
    return _joined(reader, "||", lambda reader: _joined(reader, "&&", _condition))


def _joined(reader: _Reader, operator: str, part: Callable[[_Reader], Test]) -> Test:
    found = [part(reader)]
    reader.space()
    while reader.skip(operator) or reader.skip(operator[0]):
        found.append(part(reader))
        reader.space()
    return found[0] if len(found) == 1 else Test(operator, tuple(found))


def _condition(reader: _Reader) -> Test:
    reader.nest()
    reader.space()
    if reader.skip("("):
        test = _either(reader)
        reader.need(")")
    elif reader.skip("!"):
        test = Test("!", (_condition(reader),))
    else:
        left = _operand(reader)
        reader.space()
        compared = reader.take(_COMPARISON)
        if compared:
            reader.space()
            test = Test(compared[0], (left, _operand(reader, compared[0])))
        elif isinstance(left, Path):
            test = Test("exists", (left,))
        else:
            raise ValueError(f"a comparison is missing {reader.stuck()[3:]}" if reader.ended else reader.stuck())
    reader.depth -= 1
    return test


def _operand(reader: _Reader, operator: str = "") -> Path | Literal:
    if reader.rest[:1] in ("@", "$"):
        return _path(reader, reader.rest[0], _PLAIN_NAME)
    if operator == "=~":
        return _pattern(reader)
    if operator in ("in", "nin"):
        return _list(reader)
    if text := reader.take(_QUOTED):
        return Literal(re.sub(r"\\(.)", r"\1", text[1] if text[2] is None else text[2]))
    if word := reader.take(_WORD):
        return Literal(_value(word[1]))
    raise ValueError(reader.stuck())


def _pattern(reader: _Reader) -> Literal:
    found = reader.take(_PATTERN)
    if found is None:
        raise ValueError("after =~ stands a /pattern/")
    try:
        return Literal(re.compile(found[1], re.IGNORECASE if found[2] else 0))
    except re.error:
        raise ValueError(f"/{found[1]}/ is no pattern") from None


def _list(reader: _Reader) -> Literal:
    if not reader.skip("["):
        raise ValueError("after in and nin stands a [list]")
    values: list[Any] = []
    while True:
        reader.space()
        if not values and reader.skip("]"):
            break
        item = _operand(reader)
        if not isinstance(item, Literal):
            raise ValueError(f"a list holds no path: '{item.text}'")
        values.append(item.value)
        reader.space()
        if not reader.skip(","):
            reader.need("]")
            break
    return Literal(values)


def _value(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    if len(word) > 300:
        raise ValueError("a number in it is too long")
    value = float(word) if set(word) & set(".eE") else int(word)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {word} is too large")
    return value


def _call(reader: _Reader) -> Call:
    reader.nest()
    reader.space()
    start = reader.at
    found = reader.take(_FUNCTION)
    if found is None:
        raise ValueError("it is written as States.Name(arguments)" if reader.rest else "it ends too early")
    name = found[1]
    if name not in ARGUMENTS:
        raise ValueError(f"there is no States.{name}")
    arguments: list[Call | Path | Literal] = []
    reader.space()
    if not reader.skip(")"):
        arguments.append(_argument(reader))
        reader.space()
        while reader.skip(","):
            arguments.append(_argument(reader))
            reader.space()
        reader.need(")")
    fewest, most = ARGUMENTS[name]
    if not fewest <= len(arguments) <= (len(arguments) if most is None else most):
        wanted = f"at least {fewest}" if most is None else str(fewest) if fewest == most else f"{fewest} to {most}"
        raise ValueError(f"States.{name} takes {wanted} argument{'' if wanted == '1' else 's'}, not {len(arguments)}")
    reader.depth -= 1
    call = Call(reader.text[start : reader.at], name, tuple(arguments))
    if reader.depth == 0:
        reader.space()
    return call


def _argument(reader: _Reader) -> Call | Path | Literal:
    reader.space()
    mark = reader.rest[:1]
    if mark == "$":
        return _path(reader)
    if mark == "'":
        found = reader.take(_QUOTED)
        if found is None:
            raise ValueError(f"the text {reader.rest} has no closing '")
        return _template(found[1])
    if word := reader.take(_WORD):
        return Literal(_value(word[1]))
    if reader.rest.startswith("States."):
        return _call(reader)
    raise ValueError(f"'{reader.rest}' is no argument: a path, a number, a 'text', true, false, null or States.Name()")


def _template(text: str) -> Literal:
    r"""A text in quotes: \', \{, \} and \\ stand for themselves, {} for a place that States.Format fills."""
    parts = [""]
    for escaped, hole, plain in _PIECE.findall(text):
        if hole:
            parts.append("")
        else:
            parts[-1] += escaped or plain
    return Literal("{}".join(parts), tuple(parts))
