"""A plan laid out once as SVG, with slots for what a status changes.

The drawing program draws in stand-in colours. Cutting its SVG at those leaves text that never changes and slots in
between, so that recolouring joins a list of strings and asks no program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from helpers.diagram.palette import PANEL, Look
from helpers.diagram.text import clean, escape

__all__ = ["STAND_IN", "Layout"]

# Colours that appear nowhere else in a drawing. A name cannot forge a slot: its quotes are escaped.
STAND_IN = Look("#fefdf1", "#fefdf2", "#fefdf3", "√", "", dashed=True)
SLOTS: dict[str, Callable[[Look], str]] = {
    f'fill="{STAND_IN.border}">{STAND_IN.sign}<': lambda look: f'fill="{look.ink}">{look.sign}<',
    f'fill="{STAND_IN.fill}"': lambda look: f'fill="{look.fill}"',
    f'fill="{STAND_IN.tint}"': lambda look: f'fill="{look.tint}"',
    f'stroke="{STAND_IN.border}"': lambda look: f'stroke="{look.border}"',
    f'fill="{STAND_IN.text}"': lambda look: f'fill="{look.text}"',
    ' stroke-dasharray="5,2"': lambda look: ' stroke-dasharray="5,2"' if look.dashed else "",
}
TITLE = "<title></title>"
SLOT = re.compile("|".join(map(re.escape, [*SLOTS, TITLE])))
GROUP = re.compile(r'<g id="(\w+)" class="(node|cluster|edge)">\s*<title>[^<]*</title>')
BACKGROUND = re.compile(rf'<polygon fill="{PANEL}" stroke="(?:none|transparent)" points="([^"]*)"/>')
FONTS = "Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif"


class Layout:
    """A laid-out picture that takes looks and titles in well under a millisecond."""

    def __init__(self, svg: str, names: Mapping[str, str], titles: Mapping[str, str]) -> None:
        """Cut an SVG in stand-in colours; `names` are the states' by id, `titles` the edges' by id."""
        drawn = tidy(svg)
        self._pieces: list[str] = []
        self._slots: list[tuple[int, str, str]] = []
        cuts = [*GROUP.finditer(drawn)]
        ends = [cut.start() for cut in cuts[1:]] + [len(drawn)]
        self._pieces.append(drawn[: cuts[0].start()] if cuts else drawn)
        for cut, end in zip(cuts, ends, strict=True):
            id_, rest = cut[1], drawn[cut.end() : end]
            if id_ in names:
                name = escape(clean(names[id_]))
                self._add(f'<g id="{id_}" class="{cut[2]}" data-state="{name}">{TITLE}{rest}', id_)
            else:
                self._pieces.append(f'<g id="{id_}" class="{cut[2]}">{title(titles.get(id_, ""))}{rest}')

    def _add(self, text: str, id_: str) -> None:
        place = 0
        for slot in SLOT.finditer(text):
            self._pieces += [text[place : slot.start()], ""]
            self._slots.append((len(self._pieces) - 1, id_, slot[0]))
            place = slot.end()
        self._pieces.append(text[place:])

    def svg(self, looks: Callable[[str], Look], titles: Callable[[str], str], description: str) -> str:
        """The SVG with each state's look and title by its id, and a description of the whole."""
        pieces = self._pieces.copy()
        for position, id_, slot in self._slots:
            pieces[position] = title(titles(id_)) if slot == TITLE else SLOTS[slot](looks(id_))
        head, rest = pieces[0].split(">", 1)
        pieces[0] = f"{head}><desc>{escape(clean(description))}</desc>{rest}"
        return "".join(pieces)


def title(text: str) -> str:
    """A `<title>` of one or several lines, nothing for no text."""
    shown = "&#10;".join(escape(clean(line)) for line in text.split("\n"))
    return f"<title>{shown}</title>" if text else ""


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
