"""Reading a definition for what hurts people, without running anything."""

from __future__ import annotations

from helpers.definition.finding import Problem
from helpers.definition.shape import malformed

__all__ = ["problems"]


def problems(definition: object) -> list[Problem]:
    """The findings about a definition, each with `.kind`, `.states` and `.message`."""
    return list(malformed(definition))
