"""What a state reads of its data and what it does to it, as far as the text says: JSONPath, JSONata and Assign.

A location is a tuple: `("$", "job", "status")` in the document that goes from state to state, `("$polls",)` a
variable. Where the text does not say, we say that a value comes from outside, rather than raise a false alarm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Any, Literal

from helpers.definition import syntax
from helpers.definition.spoken_rules import expression
from helpers.definition.walk import State, objects

__all__ = [
    "Location",
    "Read",
    "Source",
    "assignments",
    "can_change",
    "counts",
    "located",
    "overlap",
    "read",
    "shown",
    "sources",
    "template_sources",
    "written",
]

Location = tuple[str, ...]
Kind = Literal["outside", "literal", "copy", "computed"]
DOCUMENT: Location = ("$",)
DEEPEST = 20  # steps of a location: more than anybody writes
# Fields of the context object that are another at each entering of a state.
VARYING_CONTEXT = ("State", "Task")

JSONPATH = re.compile(r"\$\$?[A-Za-z_0-9]*(?:\.[^.\[\]()'\",\s]+|\[[^\]]*\])*")
RANDOM_INTRINSICS = re.compile(r"States\.(UUID|MathRandom)\s*\(")
RANDOM_JSONATA = re.compile(r"\$(now|millis|random|uuid)\s*\(")
JSONATA_TEXT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|/\*.*?\*/", re.DOTALL)
JSONATA_NAME = re.compile(r"\$([A-Za-z_][A-Za-z_0-9]*)((?:\s*\.\s*(?:[A-Za-z_][A-Za-z_0-9]*|`[^`]*`))*)(\s*\(|\s*:=)?")
JSONATA_BOUND = re.compile(r"\$([A-Za-z_][A-Za-z_0-9]*)\s*:=|(?:function|λ)\s*\(([^)]*)\)")
APPENDING_INTRINSICS = re.compile(r"States\.(Array|Format|JsonToString|Base64Encode)\s*\(")
APPENDING_JSONATA = re.compile(r"\$(append|string|join)\s*\(|&|(?<!\()\[[^\[\]]*,[^\[\]]*\]")


@dataclass(frozen=True)
class Source:
    """Where a value comes from: from outside, written there literally, a copy of a location, or computed from some.

    `value` is what is written literally, None where that is nothing, UNKNOWN where an expression says it.
    """

    kind: Kind
    reads: tuple[Location, ...] = ()
    appends: bool = False
    value: object = None


UNKNOWN: Any = object()
OUTSIDE = Source("outside")
LITERAL = Source("literal")


@dataclass(frozen=True)
class Read:
    """A place that a Choice looks at, as it is written there, and the number it is compared with, if any.

    `location` is None for what is another each time, such as the time of entering.
    """

    location: Location | None
    text: str
    number: float | None = None
    numeric: bool = False


def overlap(one: Location, other: Location) -> bool:
    """Whether one location lies within the other."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def shown(location: Location) -> str:
    """A location as JSONPath writes it."""
    return ".".join(location)


def located(path: str) -> Location:
    """A JSONPath as a location, up to the first step that names no single field: a slice, a filter, a wildcard."""
    return followed(path)[0]


@lru_cache(maxsize=4096)
def followed(path: str) -> tuple[Location, bool]:
    """A JSONPath's location, and whether that is all of the path."""
    try:
        read = syntax.path(path)
    except ValueError:
        return DOCUMENT, False
    named = [str(step) for step in takewhile(lambda step: isinstance(step, str | int), read.steps)]
    root = read.root if read.root in ("$", "$$") else f"${read.root}"
    return (root, *named), read.definite


def jsonpath_source(text: object) -> Source:
    """The source of a field whose key ends in `.$`."""
    if not isinstance(text, str):
        return LITERAL
    if text.startswith("States."):
        reads = tuple(located(found) for found in JSONPATH.findall(re.sub(r"'(?:\\.|[^'\\])*'", "", text)))
        random = RANDOM_INTRINSICS.search(text) is not None or any(varies(place) for place in reads)
        kind: Kind = "outside" if random else "computed" if reads else "literal"
        return Source(kind, reads, APPENDING_INTRINSICS.search(text) is not None, UNKNOWN)
    place, whole = followed(text)
    if varies(place):
        return OUTSIDE
    return Source("copy" if whole else "computed", (place,))


def varies(place: Location) -> bool:
    return place[0] == "$$" and (len(place) == 1 or place[1] in VARYING_CONTEXT)


def jsonata_reads(text: str) -> tuple[list[tuple[Location, str]], bool]:
    """What an expression reads, each place with its text, and whether anything in it is another each time."""
    code = JSONATA_TEXT.sub('""', text)
    bound = {name for one, many in JSONATA_BOUND.findall(code) for name in (one, *re.findall(r"\$(\w+)", many)) if name}
    varying = RANDOM_JSONATA.search(code) is not None
    reads = []
    for found in JSONATA_NAME.finditer(code):
        name, after = found[1], found[3]
        steps = [step.strip().strip("`") for step in found[2].split(".")[1:]]
        if after or name in bound:
            continue
        if name != "states":
            reads.append(((f"${name}", *steps), f"${name}{found[2]}"))
        elif steps[:1] == ["input"]:
            reads.append((("$", *steps[1:]), f"$states{found[2]}"))
        elif steps[:1] == ["context"]:
            varying = varying or len(steps) == 1 or steps[1] in VARYING_CONTEXT
        else:
            varying = True
    return reads, varying


def jsonata_source(text: str) -> Source:
    reads, varying = jsonata_reads(text)
    places = tuple(place for place, _ in reads)
    if not varying and len(reads) == 1 and re.sub(r"\s", "", reads[0][1]) == re.sub(r"\s", "", text):
        return Source("copy", places)
    kind: Kind = "outside" if varying else "computed" if reads else "literal"
    return Source(kind, places, APPENDING_JSONATA.search(text) is not None, UNKNOWN)


def template_sources(template: object, rest: Location, language: str) -> list[Source]:
    """The sources of what a template (Parameters, Output, a value in Assign) holds at `rest` below itself."""
    value = template
    while rest and isinstance(value, dict):
        key, rest = rest[0], rest[1:]
        if language == "JSONPath" and f"{key}.$" in value:
            return [below(jsonpath_source(value[f"{key}.$"]), rest)]
        value = value.get(key)
    sources = [below(source, rest) for _, source in leaves(value, language)]
    return sources or [Source("literal", value=None if rest else value)]


def leaves(template: object, language: str) -> Iterator[tuple[Location, Source]]:
    """Each expression of a template, with its place below the template."""
    waiting: list[tuple[Location, object]] = [((), template)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                if language == "JSONPath" and key.endswith(".$"):
                    yield (*place, key[:-2]), jsonpath_source(inner)
                else:
                    waiting.append(((*place, key), inner))
        elif isinstance(value, list):
            waiting.extend(((*place, str(n)), inner) for n, inner in enumerate(value))
        elif language == "JSONata" and (code := expression(value)) is not None:
            yield place, jsonata_source(code)


def below(source: Source, rest: Location) -> Source:
    """The source of a part of a value."""
    if source.kind == "copy":
        return Source("copy", tuple(place + rest for place in source.reads))
    return source


def within(path: object, place: Location) -> Location | None:
    """The location that `place` had before an InputPath or OutputPath; None where the path leaves nothing."""
    if path is None:
        return None
    if not isinstance(path, str):
        return place
    return located(path) + place[1:]


def written(state: State, place: Location, successor: str) -> list[Source]:
    """The sources of a location's value after a state, on the ways to a successor.

    A value that the state leaves alone is a copy of itself.
    """
    sources: list[Source] = []
    body, kind = state.body, state.type
    if body.get("Next") == successor and kind != "Choice":
        sources += after(state, place)
    if kind == "Choice":
        for _, rule in objects(body.get("Choices")):
            if rule.get("Next") == successor:
                sources += passed(state, rule, place)
        if body.get("Default") == successor:
            sources += passed(state, body, place)
    for _, catcher in objects(body.get("Catch")):
        if catcher.get("Next") == successor:
            sources += caught(state, catcher, place)
    return sources


def after(state: State, place: Location) -> list[Source]:
    """The sources after a state that is left by its Next."""
    body = state.body
    if place[0] != "$":
        return variable(state, body, place)
    if state.type == "Wait":
        return passed(state, body, place)
    if state.language == "JSONata":
        if "Output" in body:
            return template_sources(body["Output"], place[1:], "JSONata")
        return [Source("copy", (place,)) if state.type == "Pass" else OUTSIDE]
    whole = within(body.get("OutputPath", "$"), place)
    if whole is None:
        return [LITERAL]
    path = body.get("ResultPath", "$")
    if not isinstance(path, str):
        return [Source("copy", (whole,))]
    put = located(path)
    if not overlap(whole, put):
        return [Source("copy", (whole,))]
    return result(state, whole[len(put) :])


def result(state: State, rest: Location) -> list[Source]:
    """The sources of a part of a state's result, in JSONPath."""
    body = state.body
    if state.type != "Pass":
        return [OUTSIDE]
    if "Result" in body:
        return template_sources(body["Result"], rest, "none")
    if "Parameters" in body:
        return [under(source, body) for source in template_sources(body["Parameters"], rest, "JSONPath")]
    return [under(Source("copy", (DOCUMENT + rest,)), body)]


def under(source: Source, body: dict[str, Any]) -> Source:
    """A source read from a state's effective input, as one read from its raw input."""
    path = body.get("InputPath", "$")
    if source.kind == "literal":
        return source
    reads = [within(path, place) if place[0] == "$" else place for place in source.reads]
    known = tuple(place for place in reads if place is not None)
    return Source(source.kind, known, source.appends) if known or source.kind == "outside" else LITERAL


def passed(state: State, body: dict[str, Any], place: Location) -> list[Source]:
    """The sources after a state, or a rule of a Choice, that passes its input on."""
    if place[0] != "$":
        return variable(state, body, place)
    if state.language == "JSONata":
        if "Output" in body:
            return template_sources(body["Output"], place[1:], "JSONata")
        return [Source("copy", (place,))]
    before = within(state.body.get("OutputPath", "$"), place)
    if before is None:
        return [LITERAL]
    return [under(Source("copy", (before,)), state.body)]


def caught(state: State, catcher: dict[str, Any], place: Location) -> list[Source]:
    """The sources after a state that is left by a catcher."""
    if place[0] != "$":
        return variable(state, catcher, place)
    if state.language == "JSONata":
        return template_sources(catcher["Output"], place[1:], "JSONata") if "Output" in catcher else [OUTSIDE]
    path = catcher.get("ResultPath", "$")
    return [OUTSIDE if isinstance(path, str) and overlap(located(path), place) else Source("copy", (place,))]


def variable(state: State, body: dict[str, Any], place: Location) -> list[Source]:
    """The sources of a variable after an Assign, which in JSONPath reads the result of a state that has one."""
    assign = body.get("Assign")
    name = place[0][1:]
    if not isinstance(assign, dict) or not (name in assign or f"{name}.$" in assign):
        return [Source("copy", (place,))]
    sources = template_sources(assign, (name, *place[1:]), state.language)
    if state.language == "JSONata":
        return sources
    reads_result = state.type in ("Task", "Map", "Parallel") or (state.type == "Pass" and "Result" in state.body)
    return [
        OUTSIDE if reads_result and any(read[0] == "$" for read in source.reads) else under(source, state.body)
        for source in sources
    ]


def can_change(place: Location, loop: list[State], constants: list[object], asked: int | None = None) -> bool:
    """Whether any turn of a loop, its states in order, may bring another value to a location.

    What a turn writes there literally is the same each time: it changes nothing and is put into `constants`. With
    `asked`, the number of the state that looks at it in a loop entered at its first state, what is copied there only
    behind that look is a change: it is another at the second one.
    """
    return changes(place, list(turns(loop)), len(loop) if asked is None else asked, (), set(), constants)


def sources(place: Location, loop: list[State]) -> list[Source]:
    """The sources of a location's value after each state of a loop."""
    return [source for state, successor in turns(loop) for source in written(state, place, successor)]


def counts(place: Location, loop: list[State]) -> bool:
    """Whether a turn of a loop computes a location's value from that value, as a counter does, or takes it from one."""
    return any(
        source.kind == "computed" and any(overlap(read, counter) for read in source.reads)
        for counter in {place, *(read for source in sources(place, loop) for read in source.reads)}
        for source in sources(counter, loop)
    )


def turns(loop: list[State]) -> Iterator[tuple[State, str]]:
    """The states of a loop, each with the name of the next."""
    return zip(loop, [state.name for state in [*loop[1:], loop[0]]], strict=True)


def changes(
    place: Location,
    steps: list[tuple[State, str]],
    before: int,
    above: tuple[Location, ...],
    known: set[Location],
    constants: list[object],
) -> bool:
    chain = (*above, place)
    known.add(place)
    for number, (state, successor) in enumerate(steps):
        for source in written(state, place, successor):
            if source.kind == "outside" or (number >= before and any(read != place for read in source.reads)):
                return True
            if source.kind == "literal":
                constants.append(source.value)
            if source.kind == "computed" and any(overlap(read, seen) for read in source.reads for seen in chain):
                return True
            for place_read in source.reads:
                if place_read in known:
                    continue
                # A part of itself copied onto itself nests or unwraps at each turn, as does what lies ever deeper.
                nests = len(place_read) > DEEPEST or any(overlap(place_read, seen) for seen in chain)
                if nests or changes(place_read, steps, number, chain, known, constants):
                    return True
    return False


def read(choice: State) -> list[Read]:
    """Everything that a Choice looks at."""
    found: list[Read] = []
    waiting: list[object] = [rule for _, rule in objects(choice.body.get("Choices"))]
    while waiting:
        rule = waiting.pop(0)
        if not isinstance(rule, dict):
            continue
        if (code := expression(rule.get("Condition"))) is not None:
            found += condition_reads(code)
        for word in ("And", "Or"):
            if isinstance(rule.get(word), list):
                waiting.extend(rule[word])
        waiting.append(rule.get("Not"))
        if isinstance(rule.get("Variable"), str):
            found += comparison_reads(rule, choice.body)
    return found


def comparison_reads(rule: dict[str, Any], body: dict[str, Any]) -> Iterable[Read]:
    numbers = [value for key, value in rule.items() if key.startswith("Numeric") and not key.endswith("Path")]
    number = next(
        (float(min(n, 1e15)) for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)), None
    )
    numeric = any(key.startswith("Numeric") for key in rule)
    paths = [rule["Variable"], *(v for k, v in rule.items() if k.endswith("Path") and isinstance(v, str))]
    for path in paths:
        place = located(path)
        if varies(place):
            yield Read(None, path)
        elif place[0] == "$":
            before = within(body.get("InputPath", "$"), place)
            if before is not None:
                yield Read(before, path, number, numeric)
        elif place[0] != "$$":
            yield Read(place, path, number, numeric)


def condition_reads(code: str) -> Iterable[Read]:
    reads, varying = jsonata_reads(code)
    if varying:
        yield Read(None, code)
    numeric = re.search(r"[<>]", JSONATA_TEXT.sub('""', code)) is not None
    number = re.search(r"[<>]=?\s*(\d+(?:\.\d+)?)", code)
    for place, text in reads:
        yield Read(place, text, float(number[1]) if number else None, numeric)


def assignments(state: State) -> Iterator[tuple[Location, Source]]:
    """Each expression that a state writes somewhere, with the location that it is written to."""
    body = state.body
    for holder in [body, *(o for field in ("Choices", "Catch") for _, o in objects(body.get(field)))]:
        for place, source in leaves(holder.get("Assign"), state.language):
            if place:
                yield (f"${place[0]}", *place[1:]), source
        if state.language == "JSONata":
            for place, source in leaves(holder.get("Output"), "JSONata"):
                yield DOCUMENT + place, source
    path = body.get("ResultPath", "$")
    if state.language == "JSONata" or state.type != "Pass" or "Result" in body or not isinstance(path, str):
        return
    put = located(path)
    if "Parameters" in body:
        for place, source in leaves(body["Parameters"], "JSONPath"):
            yield put + place, under(source, body)
    else:
        yield put, under(Source("copy", (DOCUMENT,)), body)
