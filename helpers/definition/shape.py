"""Findings about a definition's shape: what keeps it from being a state machine at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from helpers.definition.finding import Problem
from helpers.definition.walk import Scope, State, edges, scopes, states

__all__ = ["malformed", "misnamed"]

TYPES = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
UNLINKED = ("Choice", "Succeed", "Fail")
LONGEST_NAME = 80
REFUSED_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def malformed(definition: object) -> Iterator[Problem]:
    """Every finding about the shape of anything that is JSON."""
    if not isinstance(definition, dict):
        yield Problem("not-an-object", (), "A definition is a JSON object with StartAt and States; this is not one.")
        return
    yield from misnamed(definition)
    yield from doubled(definition)
    for scope in scopes(definition):
        if isinstance(scope.body.get("States"), dict):
            for name, body in scope.body["States"].items():
                if not isinstance(body, dict):
                    yield Problem(
                        "bad-state", (name,), f"{name!r} of {scope.place or 'the machine'} is not a JSON object."
                    )
        for state in scope.states.values():
            yield from misshapen(state)


def misnamed(definition: object) -> Iterator[Problem]:
    """The findings that leave no way to start or to go on: StartAt, States, and targets that are not there."""
    for scope in scopes(definition):
        where = scope.place or "The machine"
        owner = (scope.owner.name,) if scope.owner else ()
        if not scope.states:
            yield Problem("missing-states", owner, f"{where} has no States.")
        if "StartAt" not in scope.body:
            yield Problem("missing-start", owner, f"{where} lacks StartAt, the name of its first state.")
        elif scope.start is None:
            yield Problem("missing-start", owner, f"{where} has a StartAt that is not a state's name.")
        elif scope.states and scope.start not in scope.states:
            yield Problem("dangling-start", owner, f"StartAt of {where} names {scope.start!r}, {absent(scope)}.")
        for state in scope.states.values():
            for edge in edges(state):
                if edge.target not in scope.states:
                    yield Problem(
                        "dangling-next",
                        (state.name,),
                        f"{edge.field} of state {state.name!r} names {edge.target!r}, {absent(scope)}.",
                    )


def absent(scope: Scope) -> str:
    there = list(scope.states)
    shown = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
    return f"a state that is not there; there are: {shown or 'none'}"


def doubled(definition: object) -> Iterator[Problem]:
    for name, count in Counter(state.name for state in states(definition)).items():
        if count > 1:
            yield Problem("duplicate-name", (name,), f"{count} states are named {name!r}; AWS wants each name once.")


def misshapen(state: State) -> Iterator[Problem]:
    name, body = state.name, state.body
    named = (name,)
    if not 0 < len(name) <= LONGEST_NAME or REFUSED_IN_NAMES.search(name):
        yield Problem(
            "bad-name",
            named,
            f"{name!r} is no name for a state: 1 to {LONGEST_NAME} characters, no control characters.",
        )
    if state.type not in TYPES:
        yield Problem("unknown-type", named, f"State {name!r} needs a Type, one of {', '.join(TYPES)}.")
        return
    if state.type not in UNLINKED:
        if isinstance(body.get("Next"), str) and body.get("End") is True:
            yield Problem("next-and-end", named, f"State {name!r} has both Next and End; it needs one of them.")
        elif not isinstance(body.get("Next"), str) and body.get("End") is not True:
            yield Problem("missing-next", named, f"State {name!r} has neither Next nor End.")
    if state.type == "Choice" and not (isinstance(body.get("Choices"), list) and body["Choices"]):
        yield Problem("missing-choices", named, f"Choice {name!r} has no Choices to choose from.")
    if state.type == "Task" and not isinstance(body.get("Resource"), str):
        yield Problem("missing-resource", named, f"Task {name!r} has no Resource to call.")
    if state.type in ("Parallel", "Map") and not state.inner:
        field = "Branches" if state.type == "Parallel" else "ItemProcessor"
        yield Problem("missing-inside", named, f"{state.type} {name!r} has no {field} to run.")
    if state.type == "Wait" and not any(field in body for field in WAITS):
        yield Problem("missing-time", named, f"Wait {name!r} does not say how long: {', '.join(WAITS)}.")


WAITS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
