"""The turns of the loops that an execution went through: what was asked, what the answer was, how long it took."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from helpers.history.frames import table
from helpers.history.sources import Source
from helpers.history.visit import attempts, visits

__all__ = ["polls"]

_DTYPES = {
    **dict.fromkeys(("execution", "branch", "loop", "kind"), "str"),
    "turn": "int64",
    "asked": "str",
    "began": "datetime64[us, UTC]",
    "duration": "timedelta64[us]",
    "waited": "timedelta64[us]",
    "elapsed": "timedelta64[us]",
    "status": "str",
    "answer": "str",
}
_Turn = tuple[Any, ...]
"""The columns but for `elapsed`, with the stamp at which the turn ended in place of `duration`."""


def polls(events: Source | pd.DataFrame) -> pd.DataFrame:
    """Gather an events table into one row per turn of a loop.

    `events` is what `helpers.history.events` returns or takes.

    A loop is either states entered again and again in one branch (`kind` is `loop`), its head being the first of them
    to be entered, or a task that its Retry runs again (`kind` is `retry`) outside any such loop, each attempt a turn.
    What runs inside a Map or Parallel of the loop belongs to the turn, but is not looked at for the answer.

    ============= =================== =====================================================================
    column        dtype               meaning
    ============= =================== =====================================================================
    execution     str                 as in the events
    branch        str                 as in the events
    loop          str                 the state at the loop's head, or the retried task
    kind          str                 loop, retry, or redrive for an attempt with which a redrive took the task up again
    turn          int64               1, 2, ...
    asked         str                 the state that gave the answer: the turn's last Task, or its last state if none
    began         datetime64[us, UTC] when the turn began
    duration      timedelta64[us]     how long it took, missing while it goes on
    waited        timedelta64[us]     of that, the time in Wait states; of a retry, the back-off before the attempt
    elapsed       timedelta64[us]     from ExecutionStarted to the end of the turn
    status        str                 of the visit, or attempt, that gave the answer
    answer        str                 its output (JSON text); for a failure the name of the error
    ============= =================== =====================================================================
    """
    events = table(events)
    entered, tried = (_plain(frame) for frame in (visits(events), attempts(events)))
    branches: dict[tuple[Any, Any], list[Any]] = {}
    for visit in entered.itertuples(index=False):
        branches.setdefault((visit.execution, visit.branch), []).append(visit)
    rows = [turn for own in branches.values() for turn in _turns(own)]
    rows += _retries(events, tried, looped={(row[0], row[1], row[5]) for row in rows})
    frame = pd.DataFrame(rows, columns=[column for column in _DTYPES if column != "elapsed"])
    began, ended = (pd.Series(frame[column], dtype="datetime64[us, UTC]") for column in ("began", "duration"))
    started = (events["timestamp"] - events["elapsed"]).groupby(events["execution"]).first()
    frame = frame.assign(duration=ended - began, elapsed=ended - started.reindex(frame["execution"]).array)
    return frame[list(_DTYPES)].astype(_DTYPES)


def _turns(own: list[Any]) -> Iterator[_Turn]:
    """The turns of the loops of one branch, given its visits in order of entry."""
    states = [visit.state for visit in own]
    last = {state: position for position, state in enumerate(states)}
    position = 0
    while position < len(states):
        head = states[position]
        if last[head] == position:
            position += 1
            continue
        heads = [at for at in range(position, last[head] + 1) if states[at] == head]
        body = set(states[position : last[head]])
        end = last[head] + 1
        while end < len(states) and states[end] in body:
            end += 1
        for turn, (first, after) in enumerate(zip(heads, [*heads[1:], end], strict=True), 1):
            yield _turn(own[first:after], turn)
        position = end


def _turn(own: list[Any], turn: int) -> _Turn:
    first, last = own[0], own[-1]
    asked = next((visit for visit in reversed(own) if visit.type == "Task"), last)
    waits = (visit.duration for visit in own if visit.type == "Wait" and visit.duration is not None)
    waited = sum(waits, pd.Timedelta(0))
    where = (first.execution, first.branch, first.state, "loop", turn)
    return (*where, asked.state, first.entered, last.exited, waited, asked.status, asked.error or asked.output)


def _retries(events: pd.DataFrame, tried: pd.DataFrame, looped: set[tuple[Any, ...]]) -> Iterator[_Turn]:
    key = ["execution", "branch", "state", "visit"]
    retried = tried[tried.groupby(key, dropna=False)["attempt"].transform("size") > 1] if len(tried) else tried
    answers = events[events["type"].isin(["TaskSucceeded", "LambdaFunctionSucceeded", "ActivitySucceeded"])]
    outputs = {own[:4]: own[4] for own in _plain(answers[[*key, "output"]]).itertuples(index=False, name=None)}
    for each in retried.itertuples(index=False):
        where = (each.execution, each.branch, each.state)
        if where not in looped:
            answer = outputs.get((*where, each.visit)) if each.status == "succeeded" else None
            turn = ("redrive" if each.redrive else "retry", each.attempt, each.state, each.scheduled, each.ended)
            yield (*where, *turn, each.backoff, each.status, each.error or answer)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with None for all that is missing, so that one missing value equals another."""
    return frame.astype(object).where(frame.notna(), None)
