"""Execution histories as tables: events, visits of states and tries of tasks, from any form a history comes in."""

from helpers.history.accounts import attempts, visits
from helpers.history.frames import events

__all__ = ["attempts", "events", "visits"]
