"""What a reader of definitions finds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """A finding: its kind (a slug such as `endless-loop`), the states it concerns, one sentence about it.

    `variables` are the places in the data that an `endless-loop` or a `payload-growth` is about.
    """

    kind: str
    states: tuple[str, ...]
    message: str
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"
