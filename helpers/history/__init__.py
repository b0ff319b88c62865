"""Execution histories as tables: events, visits of states and tries of tasks, from any form a history comes in.

Nothing here reaches AWS (only `python -m helpers.history ARN` does).
"""

import pandas as pd

from helpers.history.accounts import attempts, visits
from helpers.history.frames import events
from helpers.history.loops import polls
from helpers.history.payloads import payload
from helpers.history.reading import in_seconds
from helpers.history.samples import sample
from helpers.history.sources import Source
from helpers.history.summaries import Summary, summary

__all__ = ["Source", "Summary", "attempts", "events", "in_seconds", "payload", "polls", "sample", "summary", "visits"]

# Paths and payloads are full of dollar signs, between two of which a notebook would set a formula.
pd.set_option("display.html.use_mathjax", False)
