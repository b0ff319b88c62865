"""A plan laid out once as SVG, with slots for what a status changes.

The drawing program draws in stand-in colours. Cutting its SVG at those leaves text that never changes and slots in
between, so that recolouring joins a list of strings and asks no program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape

from helpers.diagram.palette import PANEL, Look
from helpers.verbatim import clean

__all__ = ["STAND_IN", "Layout", "fillings"]

DASHES = ' stroke-dasharray="5,2"'
TITLE = "<title></title>"


def dressed(shown: Look) -> tuple[str, ...]:
    """What a look changes in a drawing: the sign, fill, tint, border, text, dashes."""
    return (
        f'fill="{shown.ink}">{shown.sign}<',
        f'fill="{shown.fill}"',
        f'fill="{shown.tint}"',
        f'stroke="{shown.border}"',
        f'fill="{shown.text}"',
        DASHES if shown.dashed else "",
    )


# Colours that appear nowhere else in a drawing. A name cannot forge a slot: its quotes are escaped.
STAND_IN = Look("#fefdf1", "#fefdf2", "#fefdf3", "✔", "", dashed=True)
SLOTS = dressed(STAND_IN)
# What a page's style fills, so that a state takes another look without another SVG.
VARIABLES = (
    'fill="var(--text)" class="sign"> <',
    'fill="var(--fill)"',
    'fill="var(--tint)"',
    'stroke="var(--border)"',
    'fill="var(--text)"',
    ' stroke-dasharray="var(--dashes)"',
)
LIVING = {**dict(zip(SLOTS, VARIABLES, strict=True)), TITLE: ""}
SLOT = re.compile("|".join(map(re.escape, LIVING)))
GROUP = re.compile(r'<g id="(\w+)" class="(node|cluster|edge)">\s*<title>[^<]*</title>')
BACKGROUND = re.compile(rf'<polygon fill="{PANEL}" stroke="(?:none|transparent)" points="([^"]*)"/>')
FONTS = "Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif"


class Layout:
    """A laid-out picture that takes looks and titles in well under a millisecond."""

    def __init__(
        self, svg: str, names: Mapping[str, str], hovers: Mapping[str, Sequence[str]], titles: Mapping[str, str]
    ) -> None:
        """Cut an SVG in stand-in colours.

        `names` are the states' by id, `hovers` further lines of a state's title by name, `titles` the edges' by id.
        """
        drawn = tidy(svg)
        self._pieces: list[str] = []
        self._slots: dict[str, list[tuple[int, str]]] = {}
        self._titles: dict[str, tuple[str, str]] = {}
        cuts = [*GROUP.finditer(drawn)]
        ends = [cut.start() for cut in cuts[1:]] + [len(drawn)]
        self._pieces.append(drawn[: cuts[0].start()] if cuts else drawn)
        for cut, end in zip(cuts, ends, strict=True):
            id_, rest = cut[1], drawn[cut.end() : end]
            if id_ in names:
                name = escape(clean(names[id_]))
                self._titles[id_] = name, "".join(f"&#10;{escape(clean(line))}" for line in hovers.get(names[id_], []))
                self._add(f'<g id="{id_}" class="{cut[2]}" data-state="{name}">{TITLE}{rest}', id_)
            else:
                named = f"<title>{escape(clean(titles[id_]))}</title>" if titles.get(id_) else ""
                self._pieces.append(f'<g id="{id_}" class="{cut[2]}">{named}{rest}')

    def _add(self, text: str, id_: str) -> None:
        place = 0
        slots = self._slots.setdefault(id_, [])
        for slot in SLOT.finditer(text):
            self._pieces += [text[place : slot.start()], ""]
            slots.append((len(self._pieces) - 1, slot[0]))
            place = slot.end()
        self._pieces.append(text[place:])

    def svg(self, looks: Callable[[str], tuple[Look, str]], description: str) -> str:
        """The SVG with each state's look and status in words by its id, and a description of the whole."""

        def filled(id_: str) -> Mapping[str, str]:
            shown, words = looks(id_)
            name, hover = self._titles[id_]
            return {**fillings(shown), TITLE: f"<title>{name}{words}{hover}</title>"}

        return self._filled(filled, f"<desc>{escape(clean(description))}</desc>")

    def living(self) -> str:
        """The SVG whose states take their colours from variables of a style: --fill, --border and so on."""
        return self._filled(lambda _: LIVING, "")

    def _filled(self, fill: Callable[[str], Mapping[str, str]], described: str) -> str:
        pieces = self._pieces.copy()
        for id_, slots in self._slots.items():
            filled = fill(id_)
            for position, slot in slots:
                pieces[position] = filled[slot]
        head, rest = pieces[0].split(">", 1)
        pieces[0] = f"{head}>{described}{rest}"
        return "".join(pieces)


@lru_cache(maxsize=1024)
def fillings(shown: Look) -> dict[str, str]:
    """What a look puts into each slot."""
    return dict(zip(SLOTS, dressed(shown), strict=True))


def tidy(svg: str) -> str:
    """A program's SVG made fit to stand in a page: no prolog, no comments, a rounded panel, usual fonts."""
    drawn = re.sub(r"<!--.*?-->\n?", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    drawn = drawn.replace("&#45;", "-")
    drawn = re.sub('font-family="Helvetica[^"]*"', f'font-family="{FONTS}"', drawn)
    drawn = re.sub(r"<title>machine</title>\n?", "", drawn)
    drawn = drawn.replace("<svg ", '<svg role="img" ', 1)
    return BACKGROUND.sub(panel, drawn, count=1)


def panel(found: re.Match[str]) -> str:
    corners = [tuple(map(float, point.split(","))) for point in found[1].split()]
    left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
    right, bottom = (max(corner[axis] for corner in corners) for axis in (0, 1))
    return f'<rect x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" rx="10" fill="{PANEL}"/>'
