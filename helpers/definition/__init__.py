"""A state machine's definition: loading, filling in, walking, and finding its problems, without running anything."""

from helpers.definition.finding import Problem
from helpers.definition.library import function_source, functions, load, names, parse, placeholders
from helpers.definition.review import problems
from helpers.definition.walk import Edge, Scope, State, edges, scopes, states

__all__ = [
    "Edge",
    "Problem",
    "Scope",
    "State",
    "edges",
    "function_source",
    "functions",
    "load",
    "names",
    "parse",
    "placeholders",
    "problems",
    "scopes",
    "states",
]
