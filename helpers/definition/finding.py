"""What a reader of definitions finds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HARMFUL", "MALFORMED", "Problem"]

HARMFUL = {
    "endless-loop": "a loop in which no state can change what its Choices look at (`.variables`)",
    "unbounded-polling": "a loop that neither counts nor has a TimeoutSeconds above it",
    "no-timeout": "a task that can hang",
    "retry-misses-throttling": "a Lambda task whose Retry leaves throttling out",
    "unreachable": "a state that StartAt does not lead to",
    "no-way-out": "states from which no end can be reached",
    "history-limit": "a loop, or a Retry, that would write 25,000 events within its time",
    "payload-growth": "a loop that carries more at each turn",
}
"""The kinds of what hurts people, though AWS takes it, and what each means."""

MALFORMED = (
    "not-an-object",
    "too-deep",
    "missing-start",
    "dangling-start",
    "missing-states",
    "dangling-next",
    "duplicate-name",
    "bad-name",
    "bad-state",
    "unknown-type",
    "next-and-end",
    "missing-next",
    "missing-choices",
    "missing-resource",
    "missing-inside",
    "missing-time",
    "not-json",
    "bad-field",
)
"""The kinds of what AWS refuses."""


@dataclass(frozen=True)
class Problem:
    """A finding: its kind (a slug such as `endless-loop`), the states it concerns, one sentence about it.

    `variables` are the places in the data that an `endless-loop` or a `payload-growth` is about.
    """

    kind: str
    states: tuple[str, ...]
    message: str
    variables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in HARMFUL and self.kind not in MALFORMED:
            raise ValueError(f"{self.kind} is no kind of problem: enter it in helpers.definition.finding.")

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"
