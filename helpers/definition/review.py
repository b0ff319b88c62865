"""Reading a definition for what hurts people, without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from helpers.definition.finding import Problem
from helpers.definition.loops import loop_problems, retry_problems
from helpers.definition.task_problems import task_problems
from helpers.definition.validation import errors
from helpers.definition.walk import Scope, edges, scopes, states

__all__ = ["problems"]


def problems(definition: object) -> list[Problem]:
    """The findings about a definition, or about anything else that is JSON; an empty list where there is nothing.

    Each has `.kind`, `.states` (a tuple of names) and `.message` (one sentence). The kinds:

    - `endless-loop`: a loop in which no state can change what its Choices look at (`.variables`);
    - `unbounded-polling`: a loop that neither counts nor has a TimeoutSeconds above it;
    - `no-timeout`: a task that can hang;
    - `retry-misses-throttling`: a Lambda task whose Retry leaves throttling out;
    - `unreachable`: a state that StartAt does not lead to;
    - `no-way-out`: states from which no end can be reached;
    - `history-limit`: a loop, or a Retry, that would write 25,000 events within its time;
    - `payload-growth`: a loop that carries more at each turn;
    - for what is malformed: `not-an-object`, `too-deep`, `missing-start`, `dangling-start`, `missing-states`,
      `dangling-next`, `duplicate-name`, `bad-name`, `bad-state`, `unknown-type`, `next-and-end`, `missing-next`,
      `missing-choices`, `missing-resource`, `missing-inside`, `missing-time`, `not-json`, and `bad-field` for any
      other field that is not known there, or holds what it cannot hold.

    >>> from helpers.definition import load
    >>> [(found.kind, found.states) for found in problems(load("busy_wait"))]
    [('endless-loop', ('WaitforInvocation', 'CheckInvocationsStatus'))]
    """
    try:
        found = [
            Problem(one.kind, () if one.state is None else (one.state,), one.sentence)
            for one in errors(definition, unfilled=True)
            if one.kind != "no-way-out"
        ]
        if isinstance(definition, dict):
            for scope in scopes(definition):
                found += scope_problems(scope, definition)
            for state in states(definition):
                found += [*task_problems(state, definition), *retry_problems(state, definition)]
    except RecursionError:
        return [Problem("too-deep", (), "The definition is nested too deeply to be read.")]
    return list(dict.fromkeys(found))


def scope_problems(scope: Scope, definition: dict[str, Any]) -> Iterator[Problem]:
    """The findings about a scope's ways."""
    import networkx as nx

    found = scope.states
    if scope.start not in found:
        return
    ways = nx.DiGraph()
    ways.add_nodes_from(found)
    ways.add_edges_from((s.name, e.target) for s in found.values() for e in edges(s) if e.target in found)
    reached = {scope.start} | nx.descendants(ways, scope.start)
    ends = [name for name in found if found[name].ends or not ways.out_degree(name)]
    leading = set(ends).union(*(nx.ancestors(ways, name) for name in ends))
    stuck = tuple(name for name in found if name in reached and name not in leading)
    if stuck:
        message = f"From {', '.join(stuck)} no way leads to an end; let a Choice, or a Next, go to one."
        yield Problem("no-way-out", stuck, message)
    yield from loop_problems(scope, definition)
