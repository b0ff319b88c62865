"""Text for pictures: made harmless, shortened, broken into lines, and its width estimated."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["lines", "width"]

BREAKS = re.compile(r"(?<=[\s_.:/-])|(?<=[a-z0-9])(?=[A-Z])")


def lines(text: str, longest: int) -> list[str]:
    """The text in lines of about `longest` characters, broken between words where possible; no character is lost."""
    made = [""]
    for word in BREAKS.split(text):
        if made[-1] and len(made[-1]) + len(word) > longest:
            made.append("")
        made[-1] += word
        while len(made[-1]) > longest + 6:
            made[-1:] = [made[-1][:longest], made[-1][longest:]]
    return [line for line in made if line] or [" "]


def width(text: str, size: float) -> float:
    """A generous estimate in points, for fonts that the drawing program has no figures of."""
    ems = 0.0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            ems += 1.05
        elif character.isupper() or character in "mwMW@%&":
            ems += 0.74
        elif character in "iljtf.,:;|'!()[] ":
            ems += 0.34
        else:
            ems += 0.58
    return ems * size
