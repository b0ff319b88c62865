"""Execution histories as tables: events, visits of states and attempts of tasks, from any form a history comes in.

Nothing here reaches AWS.
"""

from helpers.history.comparison import compare
from helpers.history.frames import events, in_seconds
from helpers.history.payloads import payload
from helpers.history.sources import Source, sample
from helpers.history.summaries import Summary, in_words, summary
from helpers.history.turns import polls
from helpers.history.visit import attempts, visits

__all__ = [
    "Source",
    "Summary",
    "attempts",
    "compare",
    "events",
    "in_seconds",
    "in_words",
    "payload",
    "polls",
    "sample",
    "summary",
    "visits",
]
