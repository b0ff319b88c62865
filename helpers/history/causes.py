"""Failures grouped by what they have in common: the state, the error, and the cause without what differs each time."""

import re

import numpy as np
import pandas as pd

from helpers.history.frames import table
from helpers.history.sources import Source
from helpers.history.summaries import in_words
from helpers.history.visit import visits as visits_of
from helpers.statuses import FAILED_VISIT

__all__ = ["failures", "normalised"]

FAILED_ENDS = ("ExecutionFailed", "ExecutionTimedOut")
COLUMNS = ["state", "error", "cause", "count", "first_seen", "last_seen", "example"]

OPENING = re.compile(r"[\[:]")


def failures(events: Source | pd.DataFrame) -> pd.DataFrame:
    """What went wrong how often in the executions of what `history.events` returns or takes, the most frequent first.

    A failure is a visit that failed or timed out uncaught, by itself or a Map or Parallel around it, and that no retry
    of these got over; of visits that failed because of one another the innermost; or an execution that failed outside
    any state.

    Columns: `state`, `error`, `cause` (str; numbers, ids and stamps in the cause are replaced, so that equal causes
    are equal), `count` (int), `first_seen`, `last_seen` (UTC), `example` (an execution, the latest).
    """
    found = _found_in(table(events))
    found["cause"] = pd.array([normalised(cause) for cause in found["cause"]], dtype="str")
    grouped = found.sort_values(["at", "execution"]).groupby(["state", "error", "cause"], dropna=False, sort=False)
    groups = grouped.agg(
        count=("at", "size"), first_seen=("at", "min"), last_seen=("at", "max"), example=("execution", "last")
    )
    return groups.reset_index().sort_values(["count", "last_seen"], ascending=False, ignore_index=True)[COLUMNS]


REPLACED = [
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b(?=\w*\d)[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"0x[0-9a-f]+", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(\.\d+)?"), "<n>"),
]


def normalised(cause: object) -> str:
    """A cause without what differs each time: of JSON the message alone, numbers and ids marked.

    >>> normalised('{"errorMessage": "order 17 is gone", "requestId": "5c0e0c7a-1d2b-4a3c-9d8e-0f1a2b3c4d5e"}')
    'order <n> is gone'
    """
    if not isinstance(cause, str):
        return ""
    text = in_words(cause)
    for pattern, mark in REPLACED:
        text = pattern.sub(mark, text)
    return " ".join(text.split())


def _found_in(events: pd.DataFrame) -> pd.DataFrame:
    """One row per failure: execution, state, error, cause, and the stamp `at` which it happened."""
    visits = visits_of(events).fillna({"branch": ""})
    visits["path"] = (visits["branch"] + "/" + visits["state"] + "#" + visits["visit"].astype(str)).str.removeprefix(
        "/"
    )
    failed = visits[visits["status"].isin(FAILED_VISIT)]
    # Of visits that failed because of one inside them the innermost counts; none does in what went on after a retry.
    homes = zip(failed["execution"], failed["branch"], strict=True)
    around = {(arn, path) for arn, branch in homes for path in _around(branch)}
    went_on = visits[visits["exited_id"].notna()]
    past = set(zip(went_on["execution"], went_on["path"], strict=True))
    kept = [
        (arn, path) not in around and past.isdisjoint((arn, outer) for outer in _around(branch))
        for arn, branch, path in zip(failed["execution"], failed["branch"], failed["path"], strict=True)
    ]
    inside = failed[np.array(kept, dtype=bool)]
    inside = inside.assign(at=inside["exited"].fillna(inside["entered"]))
    # Of the history limit, of a time-out, or of a definition at odds with its data: no state failed.
    ended = events[events["type"].isin(FAILED_ENDS) & ~events["execution"].isin(inside["execution"])]
    columns = ["execution", "state", "error", "cause", "at"]
    return pd.concat([inside[columns], ended.assign(at=ended["timestamp"])[columns]], ignore_index=True)


def _around(branch: str) -> list[str]:
    """What may be the paths of the Maps and Parallels that a branch lies in."""
    return [branch[: found.start()] for found in OPENING.finditer(branch)]
