"""What is drawn, before it has colours: states, edges and the boxes of Parallel and Map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from helpers.definition import Scope, State, edges, scopes
from helpers.definition.spoken_rules import expression

__all__ = ["Box", "Line", "Node", "Plan", "plan"]


@dataclass(frozen=True)
class Node:
    """A state, or (with `mark`) one of the small marks where a scope starts or ends."""

    id: str
    name: str
    type: str
    detail: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Line:
    """An edge between two nodes by their ids."""

    source: str
    target: str
    kind: str
    label: str = ""
    title: str = ""
    names: tuple[str, str] = ("", "")
    back: bool = False
    twin: bool = False

    @property
    def passage(self) -> tuple[str, str, str]:
        """The edge as a passage of `figures`: the names, and `catch` or `retry` where it is one."""
        return (*self.names, self.kind if self.kind in ("catch", "retry") else "")


@dataclass
class Box:
    """A Parallel or a Map: its own state and what is inside, a box for each branch of a Parallel."""

    id: str
    name: str
    type: str
    detail: str = ""
    nodes: list[Node] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def __iter__(self) -> Iterator[Box]:
        yield self
        for box in self.boxes:
            yield from box


@dataclass
class Plan:
    """All of a picture: the outermost box holds the machine."""

    outermost: Box
    lines: list[Line]
    start: str = ""
    guessed: bool = False

    @property
    def states(self) -> dict[str, list[str]]:
        """The ids under which each state is drawn, by its name."""
        found: dict[str, list[str]] = {}
        for box in self.outermost:
            for id_, name in [(box.id, box.name)] * bool(box.type) + [(n.id, n.name) for n in box.nodes if not n.mark]:
                found.setdefault(name, []).append(id_)
        return found

    @property
    def types(self) -> dict[str, str]:
        """The States Language's type by id."""
        nodes = {node.id: node.type for box in self.outermost for node in box.nodes}
        return nodes | {box.id: box.type for box in self.outermost}


def plan(definition: object) -> Plan:
    """The plan of a definition; one that is not correct is drawn as far as it goes."""
    drawn = Plan(Box("top", "", ""), [])
    boxes: dict[State, Box] = {}
    for number, scope in enumerate(scopes(definition)):
        box = drawn.outermost
        if scope.owner is not None:
            box = boxes[scope.owner]
            if scope.owner.type == "Parallel":
                box.boxes.append(Box(f"{box.id}_{number}", "", ""))
                box = box.boxes[-1]
        add(drawn, box, scope, number, boxes)
    return drawn


def add(drawn: Plan, box: Box, scope: Scope, number: int, boxes: dict[State, Box]) -> None:
    """Put a scope's states into a box and its edges into the plan."""
    enters: dict[str, str] = {}
    leaves: dict[str, str] = {}
    for position, state in enumerate(scope.states.values()):
        id_ = f"s{number}_{position}"
        enters[state.name] = leaves[state.name] = id_
        if state.inner:
            inner = Box(id_, state.name, state.type, detail(state))
            inner.nodes += [Node(f"{id_}_in", "", "", mark="in"), Node(f"{id_}_out", "", "", mark="out")]
            enters[state.name], leaves[state.name] = (node.id for node in inner.nodes)
            box.boxes.append(inner)
            boxes[state] = inner
        else:
            box.nodes.append(Node(id_, state.name, state.type, detail(state)))
    if scope.owner is None:
        first, last = "start", "finish"
        drawn.start = scope.start or ""
        box.nodes.append(Node(first, "", "", mark="start"))
        if any(state.ends for state in scope.states.values()):
            box.nodes.append(Node(last, "", "", mark="end"))
    else:
        first, last = (node.id for node in boxes[scope.owner].nodes[:2])
    if scope.start in enters:
        names = ("", scope.start or "")
        drawn.lines.append(Line(first, enters[scope.start], "next", title=f"starts at {scope.start}", names=names))
    back = returning(scope)
    for state in scope.states.values():
        for edge in edges(state):
            if edge.kind == "retry":
                continue
            if edge.target not in enters:
                box.nodes.append(Node(f"m{number}_{len(box.nodes)}", edge.target, "", "not in the definition"))
                enters[edge.target] = box.nodes[-1].id
            title = f"{state.name} → {edge.target} ({edge.field})"
            label = first_of(edge.label) if edge.kind == "catch" else edge.label
            names = (state.name, edge.target)
            twin = names[::-1] in back
            ends = (leaves[state.name], enters[edge.target])
            drawn.lines.append(Line(*ends, edge.kind, label, title, names, names in back, twin))
        if tried := retries(state):
            title = f"{state.name} is tried again on {', '.join(e.label for e in edges(state) if e.kind == 'retry')}"
            drawn.lines.append(
                Line(leaves[state.name], enters[state.name], "retry", tried, title, (state.name, state.name))
            )
        if state.ends:
            title = f"{state.name} ends"
            drawn.lines.append(Line(leaves[state.name], last, "next", title=title, names=(state.name, "")))


def returning(scope: Scope) -> set[tuple[str, str]]:
    """The pairs of a scope's states whose edge goes back to one that led here."""
    import networkx as nx  # here, because it takes longer to import than to draw

    pairs = [(state.name, edge.target) for state in scope.states.values() for edge in edges(state)]
    ways = nx.DiGraph(pairs)
    if scope.start not in ways:
        return set()
    above: set[str] = set()
    back = set()
    for source, target, kind in nx.dfs_labeled_edges(ways, scope.start):
        if kind == "forward":
            above.add(target)
        elif kind == "reverse":
            above.discard(target)
        elif target in above:
            back.add((source, target))
    return back


def first_of(errors: str) -> str:
    """The first error of a list, with the number of further ones."""
    first, *others = errors.split(", ")
    return f"{first} +{len(others)}" if others else first


def retries(state: State) -> str:
    """How often a state is tried again, empty where it is not."""
    retriers = state.body.get("Retry")
    if not isinstance(retriers, list):
        return ""
    # MaxAttempts is 3 where a retrier does not say (States Language, "Retrying after error").
    allowed = [r.get("MaxAttempts", 3) for r in retriers if isinstance(r, dict)]
    shown = dict.fromkeys(str(number) for number in allowed if number != 0)
    return f"retry, up to {'/'.join(shown)}" if shown else ""


def detail(state: State) -> str:
    """A few words on what a state does."""
    body = state.body
    if state.type == "Task":
        return "Task · " + called(body.get("Resource"))
    if state.type == "Wait":
        return "Wait · " + waited(body)
    if state.type == "Map":
        return "Map, distributed" if state.distributed else "Map"
    if state.type == "Fail":
        error = body.get("Error", body.get("ErrorPath"))
        return f"Fail · {error}" if isinstance(error, str) else "Fail"
    return state.type or "no Type"


def called(resource: object) -> str:
    """What a Task calls: `lambda:invoke`, or the last part of a plain ARN."""
    if not isinstance(resource, str):
        return "no Resource"
    integration = resource.split(":states:::")
    return integration[1] if len(integration) == 2 else resource.split(":function:")[-1].split(":activity:")[-1]


def waited(body: dict[str, Any]) -> str:
    """How long a Wait waits."""
    if "Seconds" in body:
        seconds = body["Seconds"]
        inside = expression(seconds)
        return f"{seconds} s" if inside is None else f"{inside} s"
    for key, word in (("SecondsPath", "{} s"), ("Timestamp", "until {}"), ("TimestampPath", "until {}")):
        if key in body:
            return word.format(expression(body[key]) or body[key])
    return "no time given"
