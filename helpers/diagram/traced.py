"""A plan guessed from visits, where the definition is not at hand."""

from __future__ import annotations

import pandas as pd

from helpers.diagram.figures import around, way
from helpers.diagram.plan import Box, Line, Node, Plan

__all__ = ["traced"]


def traced(visits: pd.DataFrame) -> Plan:
    """The states that were visited, in the Parallel or Map that they were visited in, and the passages between them."""
    drawn = Plan(Box("top", "", ""), [], guessed=True)
    owners = enclosing(visits)
    types = dict(zip(visits["state"].astype(str), visits["type"].fillna("").astype(str), strict=True))
    boxes: dict[str, Box] = {"": drawn.outermost}
    enters: dict[str, str] = {}
    leaves: dict[str, str] = {}
    for number, name in enumerate(types):
        id_ = f"s{number}"
        enters[name] = leaves[name] = id_
        if name in owners.values():
            box = Box(id_, name, types[name], types[name])
            box.nodes += [Node(f"{id_}_in", "", "", mark="in"), Node(f"{id_}_out", "", "", mark="out")]
            enters[name], leaves[name] = (node.id for node in box.nodes)
            boxes[name] = box
    for number, name in enumerate(types):
        home = boxes[owners.get(name, "")]
        if name in boxes:
            home.boxes.append(boxes[name])
        else:
            home.nodes.append(Node(f"s{number}", name, types[name], types[name]))
    drawn.outermost.nodes.append(Node("start", "", "", mark="start"))
    order = {name: number for number, name in enumerate(types)}
    passages = way(visits)
    for source, target, how in sorted(passages, key=lambda p: (order.get(p[0], -1), order.get(p[1], len(order)))):
        owner = owners.get(target or source, "")
        first, last = ("start", "finish") if not owner else (node.id for node in boxes[owner].nodes[:2])
        start = leaves[source] if source else first
        end = enters[target] if target else last
        back = bool(source and target) and order[target] <= order[source]
        twin = (target, source) in {(one, other) for one, other, _ in passages}
        line = Line(start, end, how or "next", how and "caught", f"{source} → {target}", (source, target), back, twin)
        drawn.lines.append(line)
    if any(line.target == "finish" for line in drawn.lines):
        drawn.outermost.nodes.append(Node("finish", "", "", mark="end"))
    return drawn


def enclosing(visits: pd.DataFrame) -> dict[str, str]:
    """The Parallel or Map that each state was visited in, by name, for those within one."""
    openers = {}
    columns = (visits[name] for name in ("state", "branch", "visit", "type"))
    for state, branch, visit, kind in zip(*columns, strict=True):
        if kind in ("Map", "Parallel"):
            openers[f"{branch}/{state}#{visit}" if branch else f"{state}#{visit}"] = str(state)
    found: dict[str, str] = {}
    for state, branch in zip(visits["state"].astype(str), visits["branch"], strict=True):
        owner = next((openers[one] for one in around(branch) if one in openers), state)
        if owner != state:
            found[state] = owner
    return found
