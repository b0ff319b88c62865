"""A machine's JSON text, read: the definition in it, where its states stand, and what is wrong, line by line."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from helpers.definition import library, review, states, validation
from helpers.errors import DefinitionInvalid
from helpers.quantities import count
from helpers.verbatim import clean, visible

__all__ = ["Note", "Reading", "read"]

STRING = r'"(?:[^"\\]|\\.)*"'
TOKEN = re.compile(rf'({STRING})\s*:|{STRING}|[{{}}\[\]]|[^\s,:{{}}\[\]"]+')
LINE_END = re.compile(r"\r\n?")
LONG = re.compile("[\U00010000-\U0010ffff]")
MOST_NOTES = 100
SIGNS = {"error": "\N{MULTIPLICATION SIGN}", "problem": "!"}


@dataclass(frozen=True)
class Note:
    """One finding: a sentence, its kind (`error`: AWS refuses it; `problem`: it hurts) and its line, from 1.

    A `point` is no finding: it has a number, and says something of the lines up to `last`.
    """

    text: str
    kind: str
    line: int | None = None
    last: int | None = None
    number: int = 0

    @property
    def sign(self) -> str:
        """What stands for it beside the text."""
        return SIGNS.get(self.kind, str(self.number))


@dataclass
class Reading:
    """What a text holds.

    `definition` is its JSON object, None where it is none. `spans` are the states in the order of the text: name, and
    where name and object begin and end, in units of UTF-16, as a browser counts.
    """

    text: str
    definition: dict[str, Any] | None = None
    notes: list[Note] = field(default_factory=list)
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    can_be_drawn: bool = False

    def valid(self) -> dict[str, Any]:
        """The definition, a copy; raises DefinitionInvalid with the first error."""
        wrong = [note for note in self.notes if note.kind == "error"]
        if wrong:
            where = "" if self.definition is None else f"Line {wrong[0].line}: "
            more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
            raise DefinitionInvalid(f"{where}{wrong[0].text}{more}", wrong[0].line)
        return library.decoded(self.text, "The text")

    def sentence(self) -> str:
        """How many states it has, and how much is wrong."""
        if self.definition is None:
            return "The text is no JSON object yet: the picture is the last one that could be drawn."
        kinds = [note.kind for note in self.notes]
        found = [count(kinds.count(kind), kind, f"{kind}s") for kind in ("error", "problem") if kind in kinds]
        return f"{count(len(self.spans), 'state', 'states')}, {' and '.join(found) or 'nothing wrong'}."


def read(text: str, problems: bool = True, points: Mapping[str, str] = MappingProxyType({})) -> Reading:
    """Read a text, whatever it is; `points` are sentences by the location of what they speak of."""
    found = Reading(LINE_END.sub("\n", text))
    try:
        found.definition = library.decoded(found.text, "The text")
    except DefinitionInvalid as error:
        found.notes.append(Note(str(error), "error", error.line))
        return found
    there = {location: (begin, end) for location, begin, end in places(found.text)}
    errors = validation.errors(found.definition, unfilled=True)
    found.notes += [Note(visible(one.sentence), "error", line(found.text, there, one.location)) for one in errors]
    found.can_be_drawn = validation.form(found.definition) is None
    if not found.can_be_drawn:
        return found
    standing = {}
    for state in states(found.definition):
        standing[state.name] = validation.location(state.scope, "States", state.name)
    wide = [one.start() for one in LONG.finditer(found.text)]
    found.spans = sorted(
        [
            (clean(name), begin + bisect_left(wide, begin), end + bisect_left(wide, end))
            for name, location in standing.items()
            for begin, end in ([there[location]] if location in there else [])
        ],
        key=lambda span: span[1],
    )
    if problems:
        said = {one.sentence for one in errors}
        for one in review.problems(found.definition):
            if one.message not in said:
                location = standing.get(one.states[0], "") if one.states else ""
                found.notes.append(Note(visible(one.message), "problem", line(found.text, there, location)))
        found.notes += [
            Note(visible(one.sentence), "problem", line(found.text, there, one.location))
            for one in validation.warnings(found.definition)
        ]
    for number, (location, sentence) in enumerate(points.items(), 1):
        first, (_, end) = line(found.text, there, location), there.get(location, (0, 0))
        last = max(first, found.text.count("\n", 0, end) + 1)
        found.notes.append(Note(visible(sentence), "point", first, last, number))
    if len(found.notes) > MOST_NOTES:
        left = len(found.notes) - MOST_NOTES
        found.notes[MOST_NOTES:] = [Note(f"There are {left:,} more.", found.notes[MOST_NOTES].kind)]
    return found


def places(text: str) -> Iterator[tuple[str, int, int]]:
    """Where each member of an object and each item of a list begins, with its name, and ends in a JSON text.

    The location is written as AWS does, `/States/Ask/Retry[0]`; the whole has an empty one.
    """
    holders: list[list[Any]] = []  # location, beginning, and the number of items so far, -1 for an object
    location, begin = "", 0
    for token in TOKEN.finditer(text):
        word, name = token[0], token[1]
        if name:
            location, begin = f"{holders[-1][0]}/{json.loads(name)}", token.start()
            continue
        if word in "}]":
            location, begin, _ = holders.pop()
        elif holders and holders[-1][2] >= 0:
            location, begin = f"{holders[-1][0]}[{holders[-1][2]}]", token.start()
            holders[-1][2] += 1
        if word in "{[":
            holders.append([location, begin, 0 if word == "[" else -1])
        else:
            yield location, begin, token.end()


def line(text: str, there: dict[str, tuple[int, int]], location: str) -> int:
    """The line of a location, or of the nearest around it that is written."""
    while location not in there and location:
        location = location[: max(location.rfind("/"), location.rfind("["), 0)]
    return text.count("\n", 0, there.get(location, (0, 0))[0]) + 1
