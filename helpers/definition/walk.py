"""Walking a definition: its scopes, its states and the edges between them.

Nothing here demands a correct definition. What is not of the expected shape is passed over, so that a half-written
machine can be drawn and its problems named.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from helpers.definition.spoken_rules import condition

__all__ = ["Edge", "EdgeKind", "Scope", "State", "edges", "scopes", "states"]

EdgeKind = Literal["next", "default", "choice", "catch", "retry"]


@dataclass(frozen=True, eq=False)
class Scope:
    """One `States` object: the machine's own, a branch of a Parallel, or the processor of a Map.

    `owner` is the Parallel or Map, None for the machine; `field` says where in it the scope is written.
    """

    body: dict[str, Any]
    owner: State | None
    field: str
    language: str

    @property
    def start(self) -> str | None:
        """The name after StartAt, None where there is none."""
        start = self.body.get("StartAt")
        return start if isinstance(start, str) else None

    @cached_property
    def states(self) -> dict[str, State]:
        """The scope's own states by name, without those of inner scopes."""
        found = self.body.get("States")
        if not isinstance(found, dict):
            return {}
        return {name: State(name, body, self) for name, body in found.items() if isinstance(body, dict)}


@dataclass(frozen=True, eq=False)
class State:
    """A state with its name, its JSON object and the scope that it belongs to."""

    name: str
    body: dict[str, Any]
    scope: Scope

    @property
    def type(self) -> str:
        """The States Language's type (`Task`, `Wait`, ...), empty where none is given."""
        found = self.body.get("Type")
        return found if isinstance(found, str) else ""

    @property
    def language(self) -> str:
        """`JSONPath` or `JSONata`."""
        return language(self.body, self.scope.language)

    @property
    def distributed(self) -> bool:
        """Whether this is a Map whose items run as child executions."""
        processor = self.body.get("ItemProcessor")
        config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        return self.type == "Map" and isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"

    @property
    def ends(self) -> bool:
        """Whether the execution, or the branch, may end here."""
        return self.body.get("End") is True or self.type in ("Succeed", "Fail")

    @property
    def inner(self) -> list[Scope]:
        """The scopes inside: a Parallel's branches, a Map's processor, nothing for other types.

        Their language is the machine's, whatever the state's own is (developer guide, "QueryLanguage field").
        """
        named: list[tuple[str, object]] = []
        if self.type == "Parallel":
            branches = self.body.get("Branches")
            named = [(f"Branches[{n}]", b) for n, b in enumerate(branches if isinstance(branches, list) else [])]
        elif self.type == "Map":
            processors = [field for field in ("ItemProcessor", "Iterator") if field in self.body]
            named = [(field, self.body[field]) for field in processors[:1]]
        return [Scope(body, self, field, self.scope.language) for field, body in named if isinstance(body, dict)]


class Edge(NamedTuple):
    """A way from one state of a scope to another, which a Retry leads back to its own.

    `field` is where the definition says so (`Next`, `Choices[0].Next`, `Catch[1].Next` ...), `holder` the object that
    it stands in there: the state's own, or a rule, a catcher, a retrier.
    """

    source: str
    target: str
    kind: EdgeKind
    field: str
    holder: dict[str, Any]

    @property
    def label(self) -> str:
        """What a reader would write beside it: a Choice rule's condition, the errors of a Catch or a Retry."""
        if self.kind == "choice":
            return condition(self.holder)
        return "otherwise" if self.kind == "default" else ", ".join(errors(self.holder))


def scopes(definition: object) -> Iterator[Scope]:
    """Every scope of a definition, an outer one before those inside it."""
    if not isinstance(definition, dict):
        return
    waiting = deque([Scope(definition, None, "", language(definition, "JSONPath"))])
    while waiting:
        scope = waiting.popleft()
        yield scope
        waiting.extend(inner for state in scope.states.values() for inner in state.inner)


def states(definition: object) -> Iterator[State]:
    """Every state of a definition, through Parallel and Map, an outer one before those inside it."""
    for scope in scopes(definition):
        yield from scope.states.values()


def edges(found: State) -> Iterator[Edge]:
    """The edges that leave a state; targets are taken as they are written: a missing one is an edge too."""
    name, body = found.name, found.body
    if isinstance(body.get("Next"), str):
        yield Edge(name, body["Next"], "next", "Next", body)
    if found.type == "Choice":
        for position, rule in objects(body.get("Choices")):
            if isinstance(rule.get("Next"), str):
                yield Edge(name, rule["Next"], "choice", f"Choices[{position}].Next", rule)
        if isinstance(body.get("Default"), str):
            yield Edge(name, body["Default"], "default", "Default", body)
    for position, catcher in objects(body.get("Catch")):
        if isinstance(catcher.get("Next"), str):
            yield Edge(name, catcher["Next"], "catch", f"Catch[{position}].Next", catcher)
    for position, retrier in objects(body.get("Retry")):
        yield Edge(name, name, "retry", f"Retry[{position}]", retrier)


def objects(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a list with their positions; nothing for what is no list."""
    if isinstance(value, list):
        yield from ((n, item) for n, item in enumerate(value) if isinstance(item, dict))


def errors(rule: dict[str, Any]) -> list[str]:
    """The error names of a retrier or a catcher."""
    named = rule.get("ErrorEquals")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def language(body: dict[str, Any], inherited: str) -> str:
    """The query language that holds for a state or a machine: JSONata where what is written is neither, as on AWS."""
    own = body.get("QueryLanguage", inherited)
    return "JSONPath" if own == "JSONPath" else "JSONata"
