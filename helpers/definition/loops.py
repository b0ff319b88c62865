"""Findings about loops: those that never end, go on too long, fill the history or the payload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from helpers.definition.dataflow import (
    Location,
    Read,
    Source,
    assignments,
    can_change,
    counts,
    located,
    overlap,
    read,
    shown,
    sources,
    template_sources,
)
from helpers.definition.decided import verdict
from helpers.definition.finding import Problem
from helpers.definition.walk import Scope, State, edges, objects
from helpers.limits import EXECUTION_SECONDS, HISTORY_EVENTS
from helpers.quantities import rough_duration

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Loop", "events_of", "loop_problems", "loops", "retry_problems"]

# What an execution has written before its loop begins: its start and the first task.
EVENTS_BEFORE = 6
EVENTS_A_RETRY = 3
MOST_LOOPS = 300
MOST_SECONDS = 10**12


@dataclass(frozen=True)
class Loop:
    """A way round: its states in order, and the edges of the scope that it lies in."""

    states: list[State]
    ways: nx.DiGraph
    knot: set[str]
    start: str | None
    reads: dict[str, list[Read]]

    def __str__(self) -> str:
        return " -> ".join([*self.names, self.names[0]])

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.states)

    def leaving(self, state: State) -> list[str]:
        """Where a state of the loop can go that is not the next state of the loop."""
        names = self.names
        successor = names[(names.index(state.name) + 1) % len(names)]
        return [target for target in self.ways.successors(state.name) if target != successor]

    @cached_property
    def choices(self) -> list[State]:
        """The Choices that decide whether the loop goes on."""
        return [state for state in self.states if state.type == "Choice" and self.leaving(state)]

    @property
    def orders(self) -> Iterator[list[State]]:
        """Its states in the order of a turn, from each one at which it is entered."""
        for n, name in enumerate(self.names):
            if name == self.start or not set(self.names).issuperset(self.ways.predecessors(name)):
                yield self.states[n:] + self.states[:n]

    @cached_property
    def looked_at(self) -> list[Read]:
        """What those Choices look at, each once."""
        return list(dict.fromkeys(found for choice in self.choices for found in self.reads[choice.name]))

    @cached_property
    def counted(self) -> list[Read]:
        """What of that counts the loop's turns."""
        return [
            found
            for found in self.looked_at
            if found.location is not None
            and (
                counts(found.location, self.states)
                or (found.numeric and any(carries(state, found.location) for state in self.states))
            )
        ]

    @property
    def ends_by_outcome(self) -> bool:
        """Whether a task's success or failure alone can end the loop."""
        working = (state for state in self.states if state.type in ("Task", "Parallel", "Map"))
        meant = any(set(self.leaving(choice)) - self.knot for choice in self.choices)
        return not meant and any(self.leaving(state) for state in working)

    @property
    def seconds(self) -> float | None:
        """How long a turn waits, None where the text does not say."""
        waits = [state.body.get("Seconds") for state in self.states if state.type == "Wait"]
        known = [0.0 if wait == 0 else number(wait) for wait in waits]
        return None if None in known else sum(second for second in known if second is not None)

    @property
    def events(self) -> int:
        """How many events a turn writes."""
        return sum(events_of(state) for state in self.states)

    @property
    def turns(self) -> int:
        """After how many turns the history is full."""
        return (HISTORY_EVENTS - 1 - EVENTS_BEFORE) // max(self.events, 1)


def loops(scope: Scope) -> list[Loop]:
    """The loops of a scope that its start leads to; of very many, the first."""
    # Imported here because it takes longer than all else of this package, which the sandbox's start would pay.
    import networkx as nx

    found = scope.states
    ways = nx.DiGraph()
    ways.add_nodes_from(found)
    for state in found.values():
        ways.add_edges_from((state.name, e.target) for e in edges(state) if e.kind != "retry" and e.target in found)
    if scope.start not in ways:
        return []
    reached = ways.subgraph({scope.start} | nx.descendants(ways, scope.start)).copy()
    reads = {name: read(found[name]) for name in reached if found[name].type == "Choice"}
    knots = {name: knot for knot in nx.strongly_connected_components(reached) for name in knot}
    cycles = islice(nx.simple_cycles(reached), MOST_LOOPS)
    order = {name: position for position, name in enumerate(found)}
    made = []
    for cycle in cycles:
        first = min(range(len(cycle)), key=lambda position: order[cycle[position]])
        names = cycle[first:] + cycle[:first]
        made.append(Loop([found[name] for name in names], reached, knots[names[0]], scope.start, reads))
    return sorted(made, key=lambda loop: (len(loop.names), [order[name] for name in loop.names]))


def events_of(state: State) -> int:
    """How many events one passing of a state without error writes into its execution's history.

    The items of a Map are counted once; those of a distributed Map write into histories of their own.
    """
    resource = state.body.get("Resource")
    if state.type == "Task":
        submitted = isinstance(resource, str) and (".sync" in resource or resource.endswith(".waitForTaskToken"))
        return 6 if submitted else 5
    if state.type in ("Parallel", "Map"):
        inside = 0
        if not state.distributed:
            inside = sum(events_of(inner) for scope in state.inner for inner in scope.states.values())
        return 4 + inside + (2 if state.type == "Map" else 0)
    return 1 if state.type == "Fail" else 2


def loop_problems(scope: Scope, definition: dict[str, Any]) -> Iterator[Problem]:
    """The findings about a scope's loops; of loops that hold one another, the shortest is reported."""
    limit = number(definition.get("TimeoutSeconds"))
    reported: dict[str, list[set[str]]] = {}
    for loop in loops(scope):
        frozen = endless(loop)
        found = [frozen] if frozen else [*unbounded(loop, limit)]
        for problem in [*found, *fills_history(loop, limit)]:
            if not any(shorter <= set(problem.states) for shorter in reported.setdefault(problem.kind, [])):
                reported[problem.kind].append(set(problem.states))
                yield problem
        for problem in grows(loop):
            if set(problem.states) not in reported.setdefault(str(problem.variables), []):
                reported[str(problem.variables)].append(set(problem.states))
                yield problem


def endless(loop: Loop) -> Problem | None:
    """The finding that nothing in a loop can change what its Choices look at."""
    if not loop.looked_at or loop.ends_by_outcome:
        return None
    constants: dict[Location, list[object]] = {}
    for place in {found.location for found in loop.looked_at}:
        if place is None or can_change(place, loop.states, constants.setdefault(place, [])):
            return None
        if any(read != place for source in sources(place, loop.states) for read in source.reads) and late(place, loop):
            return None
    if any(constants.values()) and not all(goes_on(loop, choice, constants) for choice in loop.choices):
        return None
    variables = tuple(dict.fromkeys(found.text for found in loop.looked_at))
    named = " and ".join(variables)
    pace = loop.seconds
    soon = f", {rough_duration(loop.turns * pace)} at its pace" if pace else ""
    choosing = " and ".join(choice.name for choice in loop.choices)
    message = (
        f"The loop {loop} never ends once it is entered for a second turn: {choosing} looks at {named}, and no state "
        f"of the loop can change that. Its history is full after about {loop.turns:,} turns{soon}; ask again within "
        f"the loop, and let the answer reach {named}."
    )
    return Problem("endless-loop", loop.names, message, variables)


def late(place: Location, loop: Loop) -> bool:
    """Whether a Choice looks at a place, from where the loop is entered, before what each turn copies is there."""
    return any(
        can_change(place, order, [], asked)
        for order in loop.orders
        for asked, state in enumerate(order)
        if state in loop.choices and any(found.location == place for found in loop.reads[state.name])
    )


def goes_on(loop: Loop, choice: State, constants: dict[Location, list[object]]) -> bool:
    """Whether a Choice surely stays in the loop, given what each turn writes literally."""
    for _, rule in objects(choice.body.get("Choices")):
        held = verdict(rule, choice, constants)
        if held is None or (held and rule.get("Next") in loop.leaving(choice)):
            return False
        if held:
            return True
    return choice.body.get("Default") not in loop.leaving(choice)


def unbounded(loop: Loop, limit: float | None) -> Iterator[Problem]:
    """The finding that neither a count nor a time bounds a loop."""
    if limit is not None or loop.counted or any(found.location is None for found in loop.looked_at):
        return
    if all(state.type != "Wait" for state in loop.states) and any(carries(state) for state in loop.states):
        # Such a task is given what it said the turn before: it may count, or turn pages.
        return
    if not loop.choices and not any(loop.leaving(state) for state in loop.states):
        return
    pace = loop.seconds
    soon = f", after {rough_duration(loop.turns * pace)}" if pace else ""
    yield Problem(
        "unbounded-polling",
        loop.names,
        f"The loop {loop} counts no turns and the machine has no TimeoutSeconds: "
        f"while the answer stays out it goes on until the history is full at about {loop.turns:,} turns{soon}; "
        "count the turns, or set TimeoutSeconds.",
    )


def carries(state: State, place: Location = ("$",)) -> bool:
    """Whether a task writes to a place and is given what was there before."""
    body = state.body
    if state.type not in ("Task", "Map", "Parallel"):
        return False
    if state.language == "JSONata":
        if not overlap(place, ("$",)):
            return False
        sources = template_sources(body["Arguments"], (), "JSONata") if "Arguments" in body else []
        put: Location = ("$",)
    else:
        path = body.get("ResultPath", "$")
        if not isinstance(path, str) or not overlap(place, located(path)):
            return False
        put = located(path)
        sources = template_sources(body["Parameters"], (), "JSONPath") if "Parameters" in body else []
    given = [place for source in sources for place in source.reads]
    if not ("Arguments" in body or "Parameters" in body):
        given = [located(body["InputPath"]) if isinstance(body.get("InputPath"), str) else ("$",)]
    target = max(put, place, key=len)
    if put == ("$",) and place == ("$",):
        return bool(given)
    return any(overlap(one, target) for one in given)


def fills_history(loop: Loop, limit: float | None) -> Iterator[Problem]:
    """The finding that a loop would fill the history before its time, or its count, is over."""
    pace = loop.seconds
    counted = [found.number for found in loop.counted if found.number is not None]
    in_time = limit is not None and pace is not None and loop.turns * pace <= limit
    if counted:
        filled = min(counted) > loop.turns and (limit is None or in_time)
        bound = f"count of {min(counted):,.0f}"
    else:
        # A loop without a Wait is as quick as its tasks, and may be one over a list's items.
        filled = in_time and bool(pace) and not loop.counted
        bound = "TimeoutSeconds"
    if filled:
        after = f", after {rough_duration(loop.turns * pace)}" if pace else ""
        yield Problem(
            "history-limit",
            loop.names,
            f"The loop {loop} writes {loop.events} events a turn and would reach the {HISTORY_EVENTS:,} events that a "
            f"history holds at about {loop.turns:,} turns{after}, before its {bound} ends it; wait longer each turn, "
            "or bound it earlier.",
        )


def grows(loop: Loop) -> Iterator[Problem]:
    """The findings that a turn adds to what it carries."""
    for state in loop.states:
        for place, source in assignments(state):
            if adds(place, source):
                name = shown(place)
                yield Problem(
                    "payload-growth",
                    (state.name,),
                    f"Each turn of the loop {loop} makes {name} in {state.name} "
                    "larger, until a payload is over 262,144 bytes; keep only what the next turn needs.",
                    (name,),
                )


def adds(place: Location, source: Source) -> bool:
    """Whether a value written to a place holds what was there, and more."""
    if source.kind == "copy":
        return any(len(one) < len(place) and overlap(one, place) for one in source.reads)
    return source.appends and any(overlap(one, place) for one in source.reads)


def retry_problems(state: State, definition: dict[str, Any]) -> Iterator[Problem]:
    """The finding that a Retry used for polling would fill the history."""
    limit = number(definition.get("TimeoutSeconds")) or float(EXECUTION_SECONDS)
    needed = (HISTORY_EVENTS - 1 - EVENTS_BEFORE) // EVENTS_A_RETRY
    for _, retrier in objects(state.body.get("Retry")):
        attempts = number(retrier.get("MaxAttempts", 3))
        if attempts is None or attempts < needed:
            continue
        waited = backoff(retrier, needed, limit)
        if waited <= limit:
            yield Problem(
                "history-limit",
                (state.name,),
                f"Retry of {state.name} allows {attempts:,.0f} attempts of {EVENTS_A_RETRY} events each: the "
                f"{HISTORY_EVENTS:,} events that a history holds are reached at about {needed:,} attempts, after "
                f"{rough_duration(waited)}; wait longer between attempts, or allow fewer.",
            )


def backoff(retrier: dict[str, Any], attempts: int, limit: float) -> float:
    """How many seconds a retrier waits over a number of attempts, counted no further than `limit`."""
    # Defaults: "Retrying after error", Step Functions developer guide.
    wait = number(retrier.get("IntervalSeconds", 1)) or 1.0
    rate = number(retrier.get("BackoffRate", 2.0)) or 2.0
    longest = number(retrier.get("MaxDelaySeconds")) or float(EXECUTION_SECONDS)
    total = 0.0
    for _ in range(attempts):
        total += min(wait, longest)
        wait = min(wait * rate, longest)
        if total > limit:
            break
    return total


def number(value: object) -> float | None:
    """A positive JSON number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    return float(min(value, MOST_SECONDS))
