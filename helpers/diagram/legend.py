"""The legend of a diagram: each colour with its sign and its meaning, each kind of edge."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import graphviz

from helpers.diagram.dot import FONT, LINES
from helpers.diagram.layout import tidy
from helpers.diagram.palette import EDGES, INK, PANEL, PASSIVE, STATUSES, UNREACHED
from helpers.diagram.picture import DPI, Forms, made
from helpers.diagram.program import drawn

__all__ = ["Legend"]

KINDS = {
    "next": "transition; with its rule after a Choice",
    "default": "Default: otherwise",
    "catch": "Catch: after an error",
    "retry": "Retry: tried again",
}


class Legend:
    """A picture of what the colours, signs and edges of a diagram mean."""

    @property
    def source(self) -> str:
        """The legend in DOT."""
        looks = [*STATUSES.values(), PASSIVE, UNREACHED]
        rows = "".join(
            f'<tr><td width="44" height="22" border="1" style="{"dashed" if look.dashed else "rounded"}" '
            f'bgcolor="{look.fill}" color="{look.border}"><font color="{look.ink}"><b>{look.sign}</b></font></td>'
            f'<td align="left">{escape(look.words)}</td></tr>'
            for look in looks
        )
        graph = graphviz.Digraph("machine")
        graph.attr(rankdir="LR", bgcolor=PANEL, pad="0.25", nodesep="0.12", ranksep="0.6", fontname=FONT)
        graph.attr("node", shape="plaintext", fontname=FONT, fontsize="11", fontcolor=INK, height="0.34", margin="0.02")
        graph.attr("edge", fontname=FONT, fontsize="11", arrowsize="0.75")
        graph.node("states", f'<<table border="0" cellborder="0" cellspacing="5" cellpadding="2">{rows}</table>>')
        for kind, words in KINDS.items():
            graph.node(f"{kind}_from", " ", width="0.02")
            graph.node(f"{kind}_to", f'<<table border="0"><tr><td width="190" align="left">{words}</td></tr></table>>')
            graph.edge("states", f"{kind}_from", style="invis")
            graph.edge(f"{kind}_from", f"{kind}_to", color=EDGES[kind], **{**LINES[kind], "constraint": "true"})
        return str(graph.source)

    def svg(self) -> str:
        """The legend as an SVG element; raises `DrawingFailed` where no drawing program runs."""
        return tidy(drawn(self.source, "svg").decode())

    def png(self, dpi: int = DPI) -> bytes:
        """The legend as a PNG; raises `DrawingFailed` where no drawing program runs."""
        return drawn(self.source, "png", dpi=dpi)

    def sentence(self) -> str:
        """The legend in words."""
        colours = "; ".join(f"{look.sign} {look.words}" for look in [*STATUSES.values(), PASSIVE])
        return f"Signs of the states: {colours}; dashed: not reached."

    def _repr_mimebundle_(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> dict[str, Any]:
        """What a notebook may show: SVG, PNG and a sentence."""
        forms: Forms = {"image/svg+xml": self.svg, "image/png": self.png, "text/plain": self.sentence}
        return made(forms, include, exclude)

    def __repr__(self) -> str:
        return self.sentence()
