"""Sound definitions, and what becomes of them when somebody's hand slips."""

import copy
import os
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from helpers.definition import load, names
from helpers.definition.fields import OBJECTS
from tests.definition.machines import SAMPLES

# CI tries a few; MUTATIONS=20000 in the environment tries that many.
MUTATIONS = int(os.environ.get("MUTATIONS", "500"))
SOUND = [*(make() for make in SAMPLES.values()), *(load(name) for name in names())]
WORDS = sorted(
    {name for known in OBJECTS.values() for name in known.fields} | {"$", "$.a[", "States.Format(", "{% ( %}"}
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(WORDS)
    | st.just(()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a definition: what holds it, and its key or index there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@st.composite
def mutated(draw: st.DrawFn, sound: Any = SOUND, values: Any = ANYTHING) -> Any:
    """A sound definition of which up to three places hold something else, or have another name."""
    definition = copy.deepcopy(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 3))):
        there = list(places(definition))
        if there:
            held, key = there[draw(st.integers(0, 10_000)) % len(there)]
            value = copy.deepcopy(draw(values))
            if draw(st.booleans()) and isinstance(held, dict):
                held[value if isinstance(value, str) else "~"] = held.pop(key)
            else:
                held[key] = value
    return definition
