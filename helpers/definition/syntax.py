"""What a definition writes as text and means as code: paths and intrinsic functions, read without being evaluated.

Each reader raises ValueError with a reason that a learner can use.
https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard, TypeVar

__all__ = [
    "ARGUMENTS",
    "Call",
    "Descent",
    "Every",
    "Fields",
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

# The fewest and the most arguments of each intrinsic function; None for any number.
ARGUMENTS: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(
        ("ArrayLength", "ArrayUnique", "Base64Decode", "Base64Encode", "JsonToString", "StringToJson"), (1, 1)
    ),
    **dict.fromkeys(("ArrayContains", "ArrayGetItem", "ArrayPartition", "Hash", "MathAdd", "StringSplit"), (2, 2)),
    **dict.fromkeys(("ArrayRange", "JsonMerge"), (3, 3)),
    **{"Array": (0, None), "Format": (1, None), "MathRandom": (2, 3), "UUID": (0, 0)},
}
MOST_NESTED = 50  # brackets in brackets of a filter: a limit of our own
MOST_FUNCTIONS = 10  # in one field ("Intrinsic functions")
MOST_SHOWN = 100  # characters of a text, in what is said of it


@dataclass(frozen=True)
class Every:
    """`[*]`, `.*`: all items or fields."""


@dataclass(frozen=True)
class Slice:
    """`[1:5:2]`: some of an array's items."""

    start: int | None
    stop: int | None
    step: int | None


@dataclass(frozen=True)
class Several:
    """`[0,2]`: some items."""

    steps: tuple[str | int, ...]


@dataclass(frozen=True)
class Fields:
    """`['a','b']`: some fields, which make one object."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Descent:
    """`..name`, `..[0]`: a step from a value and from everything within it."""

    step: Step


@dataclass(frozen=True)
class Filter:
    """`[?(@.a == 1)]`: the items that pass a test."""

    test: Test


Step = str | int | Every | Slice | Several | Fields | Descent | Filter


@dataclass(frozen=True)
class Literal:
    """A value written out.

    `parts` are what stands around the `{}` of a text in an intrinsic function; in an `open` one a `{` stands alone.
    """

    value: Any
    parts: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True)
class Path:
    """From a root (`$`, `$$`, `@` in a filter, or a variable's name without its `$`) along steps.

    `aggregate` is the function that ends it, such as `length`. A definite path leads to one value, and one that
    `merges` to one object made of several fields.
    """

    text: str
    root: str
    steps: tuple[Step, ...] = ()
    aggregate: str | None = None

    @property
    def definite(self) -> bool:
        return self.aggregate is None and all(isinstance(step, str | int) for step in self.steps)

    @property
    def merges(self) -> bool:
        return isinstance(self.steps[-1], Fields) and Path("", self.root, self.steps[:-1], self.aggregate).definite

    @property
    def misplaced(self) -> str | None:
        """What AWS's JSONPath library says of a path that goes on behind several fields; None of any other."""
        at = next((at for at, step in enumerate(self.steps[:-1], 1) if isinstance(step, Fields)), 0)
        return f"Multi properties can only be used as path leafs: {self.written(at)}" if at else None

    def written(self, count: int | None = None) -> str:
        """Its first steps, or all, as that library writes them: `$['a'][0]['b', 'c']`."""
        names = [step.names if isinstance(step, Fields) else (step,) for step in self.steps[:count]]
        return "$" + "".join(f"[{', '.join(map(quoted, some))}]" for some in names)


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


def quoted(step: object) -> str:
    return f"'{step}'" if isinstance(step, str) else str(step)


ROOT = re.compile(r"\$\$|\$(?:[^\W\d]\w*)?")
NAME = re.compile(r"""[^.\[\]'"()?*@,\s]++(?!\()""")
PLAIN_NAME = re.compile(r"[\w-]++(?!\()")  # in a filter, where operators follow
AGGREGATE = re.compile(r"\.(length|min|max|sum|avg)\(\)")
QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
INTEGER = re.compile(r"-?\d{1,18}(?![\w.])", re.ASCII)
SLICE = re.compile(r"(-?\d{1,18})?\s*:\s*(-?\d{1,18})?\s*(?::\s*(\d{1,18})?)?", re.ASCII)
WORD = re.compile(r"(?:true|false|null|-?(?:0|[1-9]\d{0,199})(?:\.\d+)?(?:[eE][+-]?\d{1,2})?)(?![\w.])", re.ASCII)
COMPARISON = re.compile(r"==|!=|<=|>=|=~|<|>|(?:in|nin)\b")
PATTERN = re.compile(r"/((?:[^/\\]|\\.)+)/(i?)")
FUNCTION = re.compile(r"States\.(\w+)\s*\(")
PIECE = re.compile(r"\\([{}'\\])|(\{\})|([^\\{]+|\\\"|.)", re.DOTALL)

Parsed = TypeVar("Parsed")


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


def _whole(text: str, what: str, read: Callable[[Reader], Parsed]) -> Parsed:
    reader = Reader(text)
    try:
        found = read(reader)
        if reader.rest:
            raise reader.stuck()
    except ValueError as error:
        shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
        raise ValueError(f"'{shown}' is no {what}: {error}.") from None
    return found


class Reader:
    """A text being read from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.functions = text, 0, 0, 0

    @property
    def rest(self) -> str:
        return self.text[self.at : self.at + 40]

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def skip(self, mark: str) -> bool:
        """Whether `mark` comes next; then it is behind us."""
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found

    def space(self) -> None:
        while self.rest[:1].isspace():
            self.at += 1

    def need(self, mark: str) -> None:
        self.space()
        if not self.skip(mark):
            raise ValueError(f"a {mark} is missing " + (f"before '{self.rest}'" if self.rest else "at its end"))

    def listed(self, end: str, read: Callable[[Reader], Parsed]) -> list[Parsed]:
        """What stands between commas, up to the mark that ends the list."""
        found: list[Parsed] = []
        self.space()
        while not (not found and self.skip(end)):
            self.space()
            found.append(read(self))
            self.space()
            if not self.skip(","):
                self.need(end)
                break
        return found

    def nest(self) -> None:
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise ValueError("it is nested too deeply")

    def stuck(self) -> ValueError:
        return ValueError(f"it cannot be read from '{self.rest}' on" if self.rest else "it ends too early")


def _path(reader: Reader, name: re.Pattern[str] = NAME) -> Path:
    start = reader.at
    if reader.skip("@"):
        root = "@"
    elif found := reader.take(ROOT):
        root = found[0] if found[0] in ("$", "$$") else found[0][1:]
    else:
        raise ValueError("a path begins with $")
    steps: list[Step] = []
    while not (end := reader.take(AGGREGATE)):
        if reader.skip(".."):
            steps.append(Descent(_step(reader, name)))
        elif reader.skip(".") or reader.rest[:1] == "[":
            steps.append(_step(reader, name))
        else:
            break
    return Path(reader.text[start : reader.at], root, tuple(steps), end[1] if end else None)


def _step(reader: Reader, name: re.Pattern[str]) -> Step:
    if reader.skip("["):
        step = _bracket(reader)
        reader.need("]")
        return step
    if reader.skip("*"):
        return Every()
    if found := reader.take(name):
        return found[0]
    raise reader.stuck() if reader.rest else ValueError("a name is missing after its last dot")


def _bracket(reader: Reader) -> Step:
    reader.space()
    if reader.skip("*"):
        return Every()
    if reader.skip("?"):
        reader.need("(")
        test = _either(reader)
        reader.need(")")
        return Filter(test)
    if found := reader.take(SLICE):
        start, stop, by = (None if part is None else int(part) for part in found.groups())
        if by == 0:
            raise ValueError("the step of a slice must be positive")
        return Slice(start, stop, by)
    keys = [_key(reader)]
    reader.space()
    while reader.skip(","):
        reader.space()
        keys.append(_key(reader))
        reader.space()
    if len(keys) == 1:
        return keys[0]
    names = tuple(key for key in keys if isinstance(key, str))
    return Fields(names) if len(names) == len(keys) else Several(tuple(keys))


def _key(reader: Reader) -> str | int:
    if found := reader.take(QUOTED):
        return found[2] if found[1] is None else found[1].replace("\\'", "'")
    if number := reader.take(INTEGER):
        return int(number[0])
    if reader.rest:
        raise ValueError(f"in brackets stands a number, a 'name' in quotes, * or ?(a filter), not '{reader.rest}'")
    raise ValueError("a ] is missing at its end")


def _either(reader: Reader) -> Test:
    return _joined(reader, "||", lambda reader: _joined(reader, "&&", _condition))


def _joined(reader: Reader, operator: str, part: Callable[[Reader], Test]) -> Test:
    found = [part(reader)]
    reader.space()
    while reader.skip(operator) or reader.skip(operator[0]):
        found.append(part(reader))
        reader.space()
    return found[0] if len(found) == 1 else Test(operator, tuple(found))


def _condition(reader: Reader) -> Test:
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
        if compared := reader.take(COMPARISON):
            reader.space()
            test = Test(compared[0], (left, _operand(reader)))
        elif isinstance(left, Path):
            test = Test("exists", (left,))
        else:
            raise reader.stuck()
    reader.depth -= 1
    return test


def _operand(reader: Reader) -> Path | Literal:
    if reader.rest[:1] in ("@", "$"):
        return _path(reader, PLAIN_NAME)
    if found := reader.take(PATTERN):
        try:
            return Literal(re.compile(found[1], re.IGNORECASE if found[2] else 0))
        except re.error:
            raise ValueError(f"/{found[1]}/ is no pattern") from None
    if reader.skip("["):
        return Literal([value.value for value in reader.listed("]", _literal)])
    return _literal(reader)


def _literal(reader: Reader) -> Literal:
    if text := reader.take(QUOTED):
        return Literal(re.sub(r"\\(.)", r"\1", text[1] if text[2] is None else text[2]))
    if word := reader.take(WORD):
        return Literal(json.loads(word[0]))
    raise reader.stuck()


def _call(reader: Reader) -> Call:
    reader.space()
    start = reader.at
    found = reader.take(FUNCTION)
    if found is None:
        raise ValueError("it is written as States.Name(arguments)")
    name = found[1]
    if name not in ARGUMENTS:
        raise ValueError(f"there is no States.{name}")
    reader.functions += 1
    if reader.functions > MOST_FUNCTIONS:
        raise ValueError(f"it holds more than {MOST_FUNCTIONS} functions")
    arguments = reader.listed(")", _argument)
    fewest, most = ARGUMENTS[name]
    if len(arguments) < fewest or (most is not None and len(arguments) > most):
        wanted = f"at least {fewest}" if most is None else str(fewest) if fewest == most else f"{fewest} to {most}"
        raise ValueError(f"States.{name} takes {wanted} argument{'' if wanted == '1' else 's'}, not {len(arguments)}")
    call = Call(reader.text[start : reader.at], name, tuple(arguments))
    reader.space()
    return call


def _argument(reader: Reader) -> Call | Path | Literal:
    if reader.rest[:1] == "$":
        return _path(reader)
    if reader.rest[:1] == "'":
        found = reader.take(QUOTED)
        if found is None:
            raise ValueError(f"the text {reader.rest} has no closing '")
        return _template(found[1])
    if word := reader.take(WORD):
        return Literal(json.loads(word[0]))
    if reader.rest.startswith("States."):
        return _call(reader)
    raise ValueError(f"'{reader.rest}' is no argument: a path, a number, a 'text', true, false, null or States.Name()")


def _template(text: str) -> Literal:
    r"""A text in quotes: \', \{, \} and \\ stand for themselves, {} for a place that States.Format fills."""
    parts, is_open = [""], False
    for escaped, hole, plain in PIECE.findall(text):
        if plain == "\\":  # AWS refuses Hello\n: aws/aws-cdk, issue 27304
            raise ValueError("a \\ stands only before ', {, } and another; a new line is written as JSON does")
        is_open = is_open or plain == "{"
        if hole:
            parts.append("")
        else:
            parts[-1] += escaped or plain
    return Literal("{}".join(parts), tuple(parts), is_open)
