"""A plan in Mermaid's language, for where no drawing program runs; JupyterLab draws it by itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from helpers.diagram.palette import Look
from helpers.diagram.plan import Box, Plan
from helpers.verbatim import clean, shorten

__all__ = ["mermaid"]

SHAPES = {
    "Choice": ("{", "}"),
    "Wait": ("([", "])"),
    "Succeed": ("[[", "]]"),
    "Fail": ("{{", "}}"),
    "Pass": ("[/", "/]"),
}
ARROWS = {"next": "-->", "choice": "-->", "default": "-->", "catch": "-.->", "retry": "-.->"}
LONGEST_LABEL = 60


def mermaid(drawn: Plan, looks: Callable[[str], Look]) -> str:
    """The plan as a Mermaid flowchart, coloured by `looks`."""
    rows = ["flowchart TD", *inside(drawn.outermost, looks, "  ")]
    for line in drawn.lines:
        text = f'|"{quoted(shorten(line.label, LONGEST_LABEL))}"|' if line.label else ""
        rows.append(f"  {line.source} {ARROWS[line.kind]}{text} {line.target}")
    for ids in drawn.states.values():
        for id_ in ids:
            shown = looks(id_)
            dash = ",stroke-dasharray:5 2" if shown.dashed else ""
            rows.append(f"  style {id_} fill:{shown.fill},stroke:{shown.border},color:{shown.text}{dash}")
    return "\n".join(rows) + "\n"


def inside(box: Box, looks: Callable[[str], Look], indent: str) -> list[str]:
    rows = []
    for node in box.nodes:
        if node.mark:
            rows.append(f'{indent}{node.id}(("{" "}"))')
        else:
            left, right = SHAPES.get(node.type, ("(", ")"))
            rows.append(f'{indent}{node.id}{left}"{quoted(f"{looks(node.id).sign} {node.name}".strip())}"{right}')
    for inner in box.boxes:
        text = f"{looks(inner.id).sign} {inner.name}".strip() if inner.type else " "
        rows += [f'{indent}subgraph {inner.id}["{quoted(text)}"]', *inside(inner, looks, indent + "  "), f"{indent}end"]
    return rows


def quoted(text: str) -> str:
    """Text in Mermaid's entities: every sign that is not a letter, a digit or a space."""
    return re.sub(r"[^\w ]", lambda found: f"#{ord(found[0])};", clean(text))
