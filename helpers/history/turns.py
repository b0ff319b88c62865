"""The turns of the loops that an execution went through: what was asked, what the answer was, how long it took."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from helpers.history.frames import texts
from helpers.history.visit import attempts, visits

__all__ = ["polls"]

_FIELDS = ("execution", "branch", "loop", "turn", "kind", "asked", "began", "ended", "waited", "status", "answer")


def polls(events: pd.DataFrame) -> pd.DataFrame:
    """Gather an events table into one row a turn of a loop.

    A loop is either states entered again and again in one branch (`kind` is `loop`), its head being the first of them
    to be entered, or a task that its Retry tries again (`kind` is `retry`) outside any such loop, each try a turn. What
    runs inside a Map or Parallel of the loop belongs to the turn, but is not looked at for the answer.

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
    waited        timedelta64[us]     of that, the time in Wait states; of a retry, the back-off before the try
    elapsed       timedelta64[us]     from ExecutionStarted to the end of the turn
    status        str                 of the visit, or try, that gave the answer
    answer        str                 its output (JSON text); for a failure the name of the error
    ============= =================== =====================================================================
    """
    rows: list[tuple[Any, ...]] = []
    branches: dict[tuple[Any, Any], list[Any]] = {}
    for visit in visits(events).itertuples(index=False):
        branches.setdefault(_label((visit.execution, visit.branch)), []).append(visit)
    for own in branches.values():
        rows += _turns(own)
    looped = {_label((row[0], row[1], row[5])) for row in rows}
    rows += _retries(events, looped)
    columns = dict(zip(_FIELDS, map(list, zip(*rows, strict=True)), strict=True)) if rows else {f: [] for f in _FIELDS}
    frame = pd.DataFrame(
        {name: texts(columns[name]) for name in ("execution", "branch", "loop", "kind")}
        | {"turn": np.array(columns["turn"], "int64"), "asked": texts(columns["asked"])}
        | {"began": pd.Series(columns["began"], dtype="datetime64[us, UTC]")}
    )
    ended = pd.Series(columns["ended"], dtype="datetime64[us, UTC]")
    started = events.loc[events["type"] == "ExecutionStarted"].drop_duplicates("execution")
    starts = {_label(label): stamp for label, stamp in zip(started["execution"], started["timestamp"], strict=True)}
    since = pd.Series([starts.get(_label(each), pd.NaT) for each in columns["execution"]], dtype="datetime64[us, UTC]")
    frame["duration"] = ended - frame["began"]
    frame["waited"] = pd.Series(columns["waited"], dtype="timedelta64[us]")
    frame["elapsed"] = ended - since
    frame["status"] = texts(columns["status"])
    frame["answer"] = texts(columns["answer"])
    return frame


def _turns(own: list[Any]) -> Iterator[tuple[Any, ...]]:
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


def _turn(own: list[Any], turn: int) -> tuple[Any, ...]:
    first, last = own[0], own[-1]
    asked = next((visit for visit in reversed(own) if visit.type == "Task"), last)
    waits = (visit.duration for visit in own if visit.type == "Wait" and not pd.isna(visit.duration))
    waited = sum(waits, pd.Timedelta(0))
    answer = _answer(asked.error, asked.output)
    where = (first.execution, first.branch, first.state, turn, "loop")
    return (*where, asked.state, first.entered, last.exited, waited, asked.status, answer)


def _retries(events: pd.DataFrame, looped: set[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    tries = attempts(events)
    key = ["execution", "branch", "state", "visit"]
    retried = tries[tries.groupby(key, dropna=False)["attempt"].transform("size") > 1] if len(tries) else tries
    answers = events[events["type"].isin(["TaskSucceeded", "LambdaFunctionSucceeded", "ActivitySucceeded"])]
    outputs = {_label(own[:4]): own[4] for own in answers[[*key, "output"]].itertuples(index=False, name=None)}
    for each in retried.itertuples(index=False):
        state, where = each.state, (each.execution, each.branch)
        if _label((*where, state)) in looped:
            continue
        answer = outputs.get(_label((*where, state, each.visit))) if each.status == "succeeded" else None
        kind = "redrive" if each.redrive else "retry"
        turn = (*where, state, each.attempt, kind, state, each.scheduled, each.ended, each.backoff, each.status)
        yield (*turn, _answer(each.error, answer))


def _answer(*texts: Any) -> str | None:
    return next((text for text in texts if isinstance(text, str)), None)


def _label(value: Any) -> Any:
    """A missing text as None, so that it equals another one."""
    if isinstance(value, tuple):
        return tuple(map(_label, value))
    return None if pd.isna(value) else value
