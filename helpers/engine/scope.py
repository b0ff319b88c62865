"""What an expression can see while it is evaluated."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["Scope", "drawn_uuid"]


class Scope:
    """What paths, functions and expressions see. Whoever evaluates fills it in; nothing that it holds is changed.

    `data` is `$`; `context` makes the context object when it is asked for; `variables` are by name, without their `$`;
    `states` is JSONata's `$states` without its context: `input`, and `result` and `errorOutput` where they are allowed;
    `now` is an aware datetime, and `chance` gives the only source of chance.
    """

    __slots__ = ("chance", "context", "data", "now", "states", "variables")

    def __init__(self, chance: Callable[[], random.Random], context: Callable[[], dict[str, Any]]) -> None:
        self.chance, self.context = chance, context
        self.data: Any = None
        self.variables: Mapping[str, Any] = {}
        self.states: dict[str, Any] | None = None
        self.now = datetime(2025, 1, 1, tzinfo=UTC)


def drawn_uuid(chance: random.Random) -> str:
    """A UUID of version 4 from a source of chance."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
