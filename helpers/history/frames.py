"""The events of executions as one table: one row per event, with the state, branch and visit that it belongs to."""

import contextlib
import functools
import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from types import NoneType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.errors import NotAHistory
from helpers.history.chains import Places, follow
from helpers.history.event_types import KNOWN, Group, Kind, details_key, read
from helpers.history.sources import Source, Trace, stamps, text, whole
from helpers.history.sources import read as read_source
from helpers.quantities import count

__all__ = ["events", "in_seconds", "missing_ids", "table", "texts", "uncollected"]

_NO_DETAILS: Mapping[str, Any] = {}
_NO_NAME, _NO_TYPE = "(no name)", "(no type)"
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
_FIELDS = {
    "state": "name",
    "name": "name",
    "index": "index",
    "resource": "resource",
    "resourceType": "resource_type",
    "error": "error",
    "cause": "cause",
    "parameters": "input",
    "input": "input",
    "inputDetails": "truncated",
    "output": "output",
    "outputDetails": "truncated",
}
"""The fields of events' details that become columns, and which."""


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Have the collector of cyclic garbage off meanwhile.

    A long history makes very many objects at once and no garbage; looking through them all again and again took a
    fifth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@uncollected()
def events(source: Source, *, execution: str | None = None) -> pd.DataFrame:
    """Read one or more execution histories into a table of events.

    `source` is a list of events as boto3 returns them, a GetExecutionHistory response (or several, as a paginator
    gives them), a console or CLI export holding `events`, or the log records of Express executions: the records
    themselves, their JSON texts, or what CloudWatch Logs answers to FilterLogEvents, GetLogEvents or a Logs Insights
    query for `@message`; or the path of a file of any of these, as JSON, JSON Lines, the CSV of Logs Insights or what
    `aws logs tail` prints, in UTF-8 or UTF-16, gzipped or not; or a folder, or a list of paths. Time stamps are
    datetimes, seconds or milliseconds since 1970, or ISO 8601 text. `execution` names the execution where the source
    does not (histories of Standard executions don't hold their ARN).

    Returns one row per event, in order of id, execution after execution:

    ============= =================== =====================================================================
    column        dtype               meaning
    ============= =================== =====================================================================
    execution     str                 ARN of the execution; where the source does not name one, the name that the
                                      source or its file has; never missing
    id            int64               1, 2, 3 ... in each execution
    previous_id   Int64               the event that led to this one, 0 for none
    timestamp     datetime64[us, UTC] when it happened
    elapsed       timedelta64[us]     since ExecutionStarted, missing where that event is
    type          str                 AWS's HistoryEventType
    state         str                 the state it belongs to, missing for Execution*
    branch        str                 empty at the top; below, `/`-joined `Map#visit[index]` and
                                      `Parallel#visit:first state of the branch`; missing where unknown
    visit         Int64               1, 2, ... for each entering of that state in that branch
    resource      str                 as AWS gives it: `invoke`, or the ARN of a function or activity
    resource_type str                 as AWS gives it: `lambda`, `athena` ..., missing for an ARN
    error         str                 name of the error
    cause         str                 what explains the error, text
    input         str                 JSON text as it came: a state's input, a task's input or parameters
    output        str                 JSON text as it came
    truncated     bool                AWS says that it cut off the input or output
    details       str                 what else the event says, as a JSON object: assigned variables, time-outs,
                                      `roleArn`, `mapRunArn`, `redriveCount` ...; missing for nothing else
    ============= =================== =====================================================================

    MapIteration* belong to their Map, but bear that iteration's branch. `attrs["notes"]` is a list of sentences on
    what is missing or doubtful in the source (a page that is not there, events out of order, stamps without a zone,
    types that we don't know, names that are no texts ...), empty when all is well; where a thing cannot be known, its
    cells are missing.

    Raises NotAHistory when there is no history in the source, and ExecutionNamed, which is one, when it only names
    executions.

    >>> frame = events([{"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 1767225600},
    ...                 {"id": 2, "previousEventId": 0, "type": "WaitStateEntered", "timestamp": 1767225601,
    ...                  "stateEnteredEventDetails": {"name": "Pause"}}])
    >>> frame[["id", "state", "visit", "elapsed"]].to_dict("records")[1]
    {'id': 2, 'state': 'Pause', 'visit': 1, 'elapsed': Timedelta('0 days 00:00:01')}
    """
    # Paths and payloads are full of dollar signs, between two of which a notebook would set a formula.
    pd.set_option("display.html.use_mathjax", False)
    traces = read_source(source, execution)
    several = len(traces) > 1
    notes: list[str] = []
    frames = []
    for trace in traces:
        frame, doubts = _frame(trace)
        frames.append(frame)
        notes += [f"{trace.execution}: {doubt}" if several else doubt for doubt in doubts]
    result = pd.concat(frames, ignore_index=True) if several else frames[0]
    result.attrs["notes"] = notes
    return result


def table(source: Source | pd.DataFrame) -> pd.DataFrame:
    """The table of events itself, or that of anything that `events` takes.

    Raises NotAHistory where there is no history in the source, and for a frame that lacks a column of `events`.
    """
    if not isinstance(source, pd.DataFrame):
        return events(source)
    # A frame that was stored before there were details is as good as one whose events have none.
    source = source if "details" in source else source.assign(details=texts([None] * len(source)))
    lacking = [column for column in _columns() if column not in source.columns]
    if lacking:
        raise NotAHistory(
            f"This frame has no column {', '.join(map(repr, lacking[:4]))}, so it is not one of events: give what "
            "history.events returns, with all its columns."
        )
    return source


@functools.cache
def _columns() -> list[str]:
    return events([]).columns.tolist()


def in_seconds(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy of `frame` for reading, whose durations (timedelta64) are seconds (float64) to the millisecond."""
    durations = frame.select_dtypes("timedelta")
    return frame.assign(**{str(name): durations[name].dt.total_seconds().round(3) for name in durations})


def _frame(trace: Trace) -> tuple[pd.DataFrame, list[str]]:
    history = trace.events
    size = len(history)
    strange: Counter[str] = Counter()
    types = [name or _NO_TYPE for name in _names([event.get("type") for event in history], "types", strange)]
    ids = [event["id"] for event in history]
    previous = _numbers([event.get("previousEventId") for event in history], "ids of the event before", strange)
    details = _details(history, types)
    names = _names(details["name"], "names", strange)
    naming = {name: read(name).kind for name in set(types) if read(name).kind in (Kind.ENTERED, Kind.EXITED)}
    for row, (name, type_name) in enumerate(zip(names, types, strict=True)):
        if not name and type_name in naming:
            names[row] = _NO_NAME if naming[type_name] is Kind.ENTERED else None
            strange["names"] += 1
    indexes = _numbers(details["index"], "indexes", strange)
    places = follow(types, ids, previous, names, indexes)
    visits = np.array(places.visits, "int64")
    moments, stamp_notes = stamps([event.get("timestamp") for event in history])
    started = moments[types.index("ExecutionStarted")] if "ExecutionStarted" in types else np.datetime64("NaT", "us")
    frame = pd.DataFrame(
        {
            "execution": texts([trace.execution]).take(np.zeros(size, "int64")),
            "id": np.array(ids, "int64"),
            "previous_id": _whole(previous),
            "timestamp": pd.DatetimeIndex(moments).tz_localize("UTC"),
            "elapsed": moments - started,
            "type": texts(types),
            "state": texts(places.names).take(visits, allow_fill=True),
            "branch": texts(places.branches).take(np.array(places.scopes, "int64")),
            "visit": _whole(places.numbers).take(visits, allow_fill=True),
            "resource": texts(details["resource"]),
            "resource_type": texts(details["resource_type"]),
            "error": texts(details["error"]),
            "cause": texts(details["cause"]),
            "input": texts(details["input"]),
            "output": texts(details["output"]),
            "truncated": np.array(details["truncated"], "bool"),
            "details": texts(details["details"]),
        },
        copy=False,
    )
    return frame, trace.notes + stamp_notes + _doubts(types, ids, places, strange)


def _names(values: list[Any], what: str, strange: "Counter[str]") -> list[str | None]:
    """Values that events are distinguished by, as texts; `strange` counts those that were none."""
    try:
        distinct = set(values)
        if {str, NoneType}.issuperset(map(type, distinct)):
            "".join(filter(None, distinct)).encode()
            return values
    except (TypeError, UnicodeEncodeError):
        pass  # a list or a dict; or half of a surrogate pair, which JSON can hold
    strange[what] += sum(value is not None and text(value) != value for value in values)
    return [None if value is None else text(value) for value in values]


def _numbers(values: list[Any], what: str, strange: "Counter[str]") -> list[int | None]:
    """Values that must be whole numbers; `strange` counts those that are none, which become missing."""
    if {int, NoneType}.issuperset(map(type, values)):
        with contextlib.suppress(OverflowError):
            pa.array(values, pa.int64())
            return values
    numbers = [value if value is None else whole(value) for value in values]
    strange[what] += sum(number is None and value is not None for number, value in zip(numbers, values, strict=True))
    return numbers


def _details(history: list[Mapping[str, Any]], types: list[str]) -> dict[str, list[Any]]:
    """The fields of the events' own details that become columns, and in `details` the JSON of all others."""
    columns: dict[str, list[Any]] = {column: [None] * len(history) for column in set(_FIELDS.values())}
    own = {field: columns[column] for field, column in _FIELDS.items()}
    others = columns["details"] = [None] * len(history)
    keys = {name: details_key(name) for name in set(types)}
    # A loop brings the same ones again. (Of texts alone: True and 1 would be one key.)
    written = functools.cache(lambda texts: text(dict(texts)))
    for row, (event, type_name) in enumerate(zip(history, types, strict=True)):
        details = event.get(keys[type_name])
        if details.__class__ is not dict:
            details = _unusual(details, event)
        rest = []
        for field, value in details.items():
            if (column := own.get(field)) is not None:
                column[row] = value
            else:
                rest.append((field, value))
        if rest:
            all_texts = all(value.__class__ is str for _, value in rest)
            others[row] = written(tuple(rest)) if all_texts else text(dict(rest))
    columns["truncated"] = [
        each is not None and isinstance(each, dict) and each.get("truncated") is True for each in columns["truncated"]
    ]
    return columns


def _unusual(details: Any, event: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """The details of an event that has none, or has them under a name of its own, or as something else."""
    if details is None:
        details = next((value for key, value in event.items() if str(key).endswith("EventDetails")), None)
    return details if isinstance(details, Mapping) else _NO_DETAILS if details is None else {"details": details}


def _doubts(types: list[str], ids: list[int], places: Places, strange: "Counter[str]") -> list[str]:
    notes = []
    if number := sum(strange.values()):
        found = ", ".join(f"{what}: {times:,}" for what, times in strange.items() if times)
        notes.append(
            f"{count(number, 'value is', 'values are')} not what AWS writes there ({found}); "
            "we show what is no text as JSON, and leave out what is no number."
        )
    gaps = missing_ids(ids)
    if gaps:
        shown = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in gaps[:3])
        more = f" and {count(len(gaps) - 3, 'more gap', 'more gaps')}" if len(gaps) > 3 else ""
        notes.append(
            f"Events are missing (ids {shown}{more}): a page was not fetched, or the log leaves events out. "
            "What happened there, and how long visits took that reach into it, cannot be known; "
            "visits are numbered as if nothing were missing."
        )
    if places.lost:
        notes.append(
            f"{count(places.lost, 'event follows', 'events follow')} from one that is not here, "
            "which leaves the state unknown."
        )
    unknown = sorted(type_name for type_name in set(types) if type_name not in KNOWN)
    if unknown:
        notes.append(
            f"We don't know {count(len(unknown), 'type of event', 'types of event')} here ({', '.join(unknown[:5])}): "
            "such events are shown, but say nothing about their state."
        )
    about_all = {type_name for type_name in set(types) if read(type_name).group is Group.EXECUTION}
    last = next((type_name for type_name in reversed(types) if type_name in about_all), None)
    if ids and (last is None or read(last).kind in (Kind.EXECUTION_STARTED, Kind.EXECUTION_REDRIVEN)):
        notes.append("The execution's end is not here: it is still running, or the history was cut off.")
    return notes


def missing_ids(ids: Sequence[int]) -> list[tuple[int, int]]:
    """The gaps in rising ids that should begin with 1, as (first, last) pairs.

    >>> missing_ids([3, 4, 6])
    [(1, 2), (5, 5)]
    """
    if not ids or (ids[0] == 1 and ids[-1] == len(ids)):
        return []
    return [(a + 1, b - 1) for a, b in pairwise([0, *ids]) if b - a > 1]


def texts(values: list[Any]) -> "pd.api.extensions.ExtensionArray":
    """A column of dtype str; None becomes missing, and what is no text becomes its JSON."""
    try:
        column = pa.array(values, pa.large_string())
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        column = pa.array([None if value is None else text(value) for value in values], pa.large_string())
    return pd.arrays.ArrowStringArray(column, dtype=_TEXT)  # type: ignore[call-arg]  # the stubs lack it


def _whole(values: Sequence[int | None]) -> "pd.arrays.IntegerArray":
    column = pa.array(values, pa.int64())
    unknown = column.is_null().to_numpy(zero_copy_only=False)
    return pd.arrays.IntegerArray(column.fill_null(0).to_numpy(), unknown, copy=True)
