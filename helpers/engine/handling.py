"""Retry and Catch: what becomes of a state that failed; and what the entries of Catch share with those of a Choice."""

from __future__ import annotations

import random
from typing import Any

from helpers.engine import templates
from helpers.engine.paths import placed

__all__ = ["Catcher", "Exit", "Retrier"]

# Defaults of the Amazon States Language, "Errors"; MaxDelaySeconds has none.
INTERVAL_SECONDS, MAX_ATTEMPTS, BACKOFF_RATE = 1, 3, 2.0


class Retrier:
    """One entry of a state's Retry."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.errors: list[str] = body["ErrorEquals"]
        self.attempts: int = body.get("MaxAttempts", MAX_ATTEMPTS)
        self.interval: float = body.get("IntervalSeconds", INTERVAL_SECONDS)
        self.rate: float = body.get("BackoffRate", BACKOFF_RATE)
        self.most: float | None = body.get("MaxDelaySeconds")
        self.full_jitter = body.get("JitterStrategy") == "FULL"

    def longest(self, retries: int) -> float:
        """The seconds before the next attempt after so many retries of this retrier, without jitter."""
        try:
            seconds = self.interval * self.rate**retries
        except OverflowError:
            seconds = float("inf")
        # A year is the longest that a Standard execution runs.
        return min(seconds, self.most if self.most is not None else 366 * 86_400)

    def delay(self, retries: int, chance: random.Random) -> float:
        """Seconds to wait before the next attempt, after so many retries of this retrier."""
        seconds = self.longest(retries)
        return chance.uniform(0, seconds) if self.full_jitter else seconds


class Exit:
    """One way out of a state, written at `where` in it: the next state's name, and what is made of data on the way."""

    def __init__(self, body: dict[str, Any], where: str, jsonata: bool) -> None:
        self.next: str = body["Next"]
        self.assign, self.output = (templates.of(body, field, jsonata, where) for field in ("Assign", "Output"))


class Catcher(Exit):
    """One entry of a state's Catch."""

    def __init__(self, body: dict[str, Any], where: str, jsonata: bool) -> None:
        super().__init__(body, where, jsonata)
        self.errors: list[str] = body["ErrorEquals"]
        self.place = placed(body.get("ResultPath", "$"))
