"""A scope to evaluate in."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import strategies as st

from helpers.engine.failures import StateFailed
from helpers.engine.scope import Scope

NOW = datetime(2025, 1, 1, 12, 30, tzinfo=UTC)
CONTEXT = {
    "Execution": {"Id": "arn", "RedriveCount": 0, "Input": {"s": "text"}},
    "State": {"Name": "S", "RetryCount": 0},
}
ATOMS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["", "a", "ab", "x y", "é"])
# Data whose fields have few names, so that paths find them.
DATA = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=20,
)


def scope_of(data: Any = None, *, variables: Any = None, states: Any = None, seed: int = 0) -> Scope:
    chance = random.Random(seed)
    scope = Scope(lambda: chance, lambda: CONTEXT)
    scope.data, scope.variables, scope.states, scope.now = data, variables or {}, states, NOW
    return scope


def failure(evaluate: Callable[..., Any], *arguments: Any) -> StateFailed:
    """How an evaluation fails."""
    with pytest.raises(StateFailed) as caught:
        evaluate(*arguments)
    return caught.value
