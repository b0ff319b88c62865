"""A plan in DOT, Graphviz's language.

Everything from a definition or a history is text to us: it is escaped for DOT's HTML-like labels, and node ids are
made here, never taken from a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from html import escape

import graphviz

from helpers.diagram.figures import Figures
from helpers.diagram.palette import EDGES, INK, NOT_TAKEN, PANEL, QUIET, TAKEN, Look
from helpers.diagram.plan import Box, Line, Node, Plan
from helpers.verbatim import clean, shorten

__all__ = ["FONT", "LINES", "dot"]

FONT = "Helvetica"
SHAPES = {
    "Task": {"shape": "box"},
    "Pass": {"shape": "box", "style": "filled"},
    "Choice": {"shape": "diamond", "margin": "0.02,0.02"},
    "Wait": {"shape": "ellipse", "margin": "0.04,0.03"},
    "Succeed": {"shape": "box", "peripheries": "2"},
    "Fail": {"shape": "octagon", "margin": "0.14,0.06"},
    "Parallel": {"shape": "box3d"},
    "Map": {"shape": "box3d"},
}
MARKS = {
    "start": {"shape": "circle", "width": "0.2", "style": "filled", "fillcolor": INK, "color": INK},
    "end": {"shape": "doublecircle", "width": "0.14", "style": "filled", "fillcolor": INK, "color": INK},
    "in": {"shape": "circle", "width": "0.1", "style": "filled", "fillcolor": QUIET, "color": QUIET},
    "out": {"shape": "circle", "width": "0.1", "style": "filled", "fillcolor": PANEL, "color": QUIET},
}
LINES = {
    "next": {"penwidth": "1.4"},
    "choice": {"penwidth": "1.4"},
    "default": {"style": "dashed"},
    "catch": {"style": "dashed", "arrowhead": "empty"},
    "retry": {"style": "dotted", "penwidth": "1.4", "arrowhead": "vee", "constraint": "false"},
}
NAME_SIZE, DETAIL_SIZE, LABEL_SIZE, SIGN_SIZE = 12.0, 9.0, 9.5, 14.0
LONGEST_NAME = {False: 26, True: 17}  # a diamond is twice as wide as its text
LONGEST_DETAIL, LONGEST_LABEL = 30, 30
SPACER = '<<table border="0" cellpadding="0"><tr><td width="36"> </td></tr></table>>'
GAP = "&#160;"
BREAKS = re.compile(r"(?<=[\s_.:/-])|(?<=[a-z0-9])(?=[A-Z])")


def dot(drawn: Plan, looks: Callable[[str], Look], noted: Figures) -> str:
    """The plan in DOT; `looks` gives the look by id, `noted` further small lines and the way taken."""
    graph = graphviz.Digraph("machine")
    graph.attr(bgcolor=PANEL, pad="0.3", nodesep="0.45", ranksep="0.45", fontname=FONT)
    graph.attr("node", fontname=FONT, fontsize=str(NAME_SIZE), style="filled", penwidth="1.3", height="0.1")
    graph.attr("edge", fontname=FONT, fontsize=str(LABEL_SIZE), fontcolor=INK, arrowsize="0.75")
    fill(graph, drawn.outermost, looks, noted.notes)
    for number, line in enumerate(drawn.lines):
        draw_line(graph, f"e{number}", line, None if noted.taken is None else line.passage in noted.taken)
    return str(graph.source)


def fill(graph: graphviz.Digraph, box: Box, looks: Callable[[str], Look], notes: Mapping[str, Sequence[str]]) -> None:
    """Put a box's nodes and inner boxes into a graph or a cluster."""
    for node in sorted(box.nodes, key=lambda node: not node.mark):
        draw_node(graph, node, looks(node.id), notes.get(node.name, []))
    for inner in box.boxes:
        with graph.subgraph(name=f"cluster_{inner.id}") as cluster:
            if inner.type:
                shown = looks(inner.id)
                style = "rounded,filled,dashed" if shown.dashed else "rounded,filled"
                cluster.attr(label=label(inner, shown, notes.get(inner.name, [])), style=style)
                cluster.attr(
                    id=inner.id, labeljust="r", fillcolor=shown.tint, color=shown.border, penwidth="1.3", margin="14"
                )
            else:
                cluster.attr(label="", style="rounded,filled", fillcolor="#ffffff", color="#cbd2d9", margin="12")
                cluster.attr(id=inner.id, penwidth="1")
            fill(cluster, inner, looks, notes)


def draw_node(graph: graphviz.Digraph, node: Node, shown: Look, notes: Sequence[str]) -> None:
    if node.mark:
        graph.node(node.id, label="", id=node.id, **MARKS[node.mark])
        return
    shape = dict(SHAPES.get(node.type, {"shape": "box"}))
    style = shape.pop("style", "rounded,filled" if shape["shape"] == "box" else "filled")
    if shown.dashed:
        style += ",dashed"
    text = label(node, shown, notes)
    if shape["shape"] == "diamond":
        written = rows(node, shown, notes)
        wide, high = max(wide for _, wide, _ in written), sum(size * 1.2 + 3 for _, _, size in written)
        # Of all diamonds around a text the usual one is the smallest, but so flat that it is wider than all else.
        shape |= {"fixedsize": "true", "width": f"{wide * 1.66 / 72:.2f}", "height": f"{high * 2.5 / 72:.2f}"}
    graph.node(node.id, label=text, id=node.id, style=style, fillcolor=shown.fill, color=shown.border, **shape)


def draw_line(graph: graphviz.Digraph, id_: str, line: Line, taken: bool | None) -> None:
    colour = EDGES[line.kind] if taken is None else TAKEN if taken else NOT_TAKEN
    look = {**LINES[line.kind], **({"penwidth": "1.8"} if taken else {}), "id": id_}
    if line.back:
        look |= {"weight": "0"}
    if not line.label and line.twin:
        look["label"] = SPACER
    if line.label:
        shown = shorten(clean(line.label), 3 * LONGEST_LABEL)
        rows = "<br/>".join(html(text) for text in lines(shown, LONGEST_LABEL))
        look["label"] = f'<<table border="0" cellpadding="5"><tr><td>{rows}</td></tr></table>>'
    graph.edge(line.source, line.target, color=colour, **look)


def label(node: Node | Box, shown: Look, notes: Sequence[str]) -> str:
    """An HTML-like label: the sign and the name, small lines below."""
    written = rows(node, shown, notes)
    cells = [f'<td width="{wide:.0f}">{text}</td>' for text, wide, _ in written]
    if isinstance(node, Box):
        # As much room again on the left, so that the edge that enters in the middle runs beside the text.
        cells[0] = f'<td rowspan="{len(cells)}" width="{max(wide for _, wide, _ in written):.0f}"></td>{cells[0]}'
    made = "".join(f"<tr>{cell}</tr>" for cell in cells)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{made}</table>>'


def rows(node: Node | Box, shown: Look, notes: Sequence[str]) -> list[tuple[str, float, float]]:
    """The lines of a label, each as markup, with its width and the size of its type in points.

    Spaces as wide as the sign stand on the other side, so that the name is in the middle with and without a sign.
    """
    named = lines(clean(node.name), LONGEST_NAME[node.type == "Choice"])
    small = [shorten(clean(text), LONGEST_DETAIL) for text in [node.detail, *notes] if text]
    made = []
    for position, text in enumerate(named):
        bold = f"<b>{html(text)}</b>"
        if position == 0:
            sign = font(f"<b>{shown.sign}</b>", NAME_SIZE, shown.ink)
            bold = f"{sign}{font(f'{GAP}{bold}{GAP}{GAP}', NAME_SIZE, shown.text)}"
        else:
            bold = font(bold, NAME_SIZE, shown.text)
        made.append((bold, width(text, NAME_SIZE) * 1.06 + 2 * SIGN_SIZE, NAME_SIZE))
    return made + [(font(html(text), DETAIL_SIZE, shown.text), width(text, DETAIL_SIZE), DETAIL_SIZE) for text in small]


def font(text: str, size: float, colour: str) -> str:
    return f'<font point-size="{size:g}" color="{colour}">{text}</font>'


def html(text: str) -> str:
    """Text for an HTML-like label, in which DOT takes a backslash and a letter for something else."""
    return escape(text).replace("\\", "\\\\")


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
