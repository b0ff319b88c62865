"""Where histories come from: boto3's events, exports, files, and the log records of Express executions."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa

from helpers.errors import NotAHistory
from helpers.history.event_types import details_key

__all__ = ["UNNAMED", "Source", "Trace", "count", "parsed", "read", "stamps", "text", "whole"]

Source = str | PathLike[str] | Mapping[str, Any] | Iterable[Mapping[str, Any]]
"""A list of events, a response or export holding `events`, a path to one, or Express log records."""

UNNAMED = "an execution"
"""What an execution is called whose source has no name, such as a list of events."""
_EXPECTED = (
    "We read a list of events as boto3 returns them, a GetExecutionHistory response or export holding 'events', "
    "a path to a file of either, or the log records of Express executions."
)
_DEEPEST = 20
_LARGEST = 2**63
_DIGITS = re.compile(r"\s*-?\d+(\.\d+)?\s*")
_MORE_PAGES = "This is not all of the history: it comes with a nextToken, so there are more pages to fetch."
# Seconds since 1970 stay below this until the year 5138; milliseconds passed it in 1973.
_SECONDS_END = 100_000_000_000
_FIRST, _LAST = np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31T23:59:59.999999", "us")
_STAMP = pa.timestamp("us", "UTC")


@dataclass
class Trace:
    """The events of one execution, each once, in order of id, in the shape of GetExecutionHistory.

    `notes` says in sentences what is wrong with them or missing.
    """

    execution: str
    events: list[Mapping[str, Any]]
    notes: list[str] = field(default_factory=list)


def read(source: Source, execution: str | None = None) -> list[Trace]:
    """Read a source into one trace an execution, in the order in which the executions appear.

    `execution` names the execution (its ARN, for one) where the source itself does not; without it, it is the name that
    the source has, or that of its file. Raises NotAHistory, whose sentence says what was found instead.
    """
    name, own = "what was given", UNNAMED
    notes: list[str] = []
    if isinstance(source, str | PathLike):
        name, own = str(source), Path(source).name.removesuffix(".json") or UNNAMED
        source = _load(Path(source), notes)
    if isinstance(source, Mapping):
        labels = (execution, source.get("executionArn"), source.get("execution_arn"), source.get("name"), own)
        own = next(label for label in labels if isinstance(label, str) and label)
        if "nextToken" not in source and _are_plain(source.get("events")):
            source = source["events"]
    if _are_plain(source):
        trace = _ordered(execution or own, source, name)
        trace.notes[:0] = notes
        return [trace]
    by_execution: dict[str, list[Mapping[str, Any]]] = {}
    for owner, event in _records(source, name, notes):
        by_execution.setdefault(owner if isinstance(owner, str) and owner else execution or own, []).append(event)
    if not by_execution:
        by_execution[execution or own] = []
        notes.append("There are no events in this history.")
    traces = [_ordered(owner, events, name) for owner, events in by_execution.items()]
    traces[0].notes[:0] = notes
    return traces


def _are_plain(source: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    """Whether this is a list of nothing but events in the shape of GetExecutionHistory, as nearly always."""
    return (
        bool(source)
        and source.__class__ is list
        and all(item.__class__ is dict and "type" in item and "event_timestamp" not in item for item in source)
    )


def _load(path: Path, notes: list[str]) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotAHistory(f"There is no file {path}; give the path to an exported execution history.") from None
    except (OSError, ValueError) as error:
        raise NotAHistory(f"The file {path} cannot be read as text ({error}); give an exported history.") from error
    try:
        return json.loads(text)
    except RecursionError:
        raise NotAHistory(f"The file {path} is nested too deeply to be a history; export the history again.") from None
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError):
            raise NotAHistory(f"The file {path} holds a number that is too long; export the history again.") from None
        at = f"line {error.lineno}, column {error.colno}"
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
            return [{"message": line} for line in lines]
        whole = _whole_events(text)
        if whole:
            notes.append(
                f"The file is cut off at {at}; we read the {count(len(whole), 'event', 'events')} that are whole."
            )
            return whole
        raise NotAHistory(
            f"The file {path} is no JSON that we can read: it breaks at {at} ({error.msg}); export the history again."
        ) from None


def _whole_events(text: str) -> list[Any]:
    """The events before the place where a file's JSON breaks off."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = text.find("[") + 1
    while at:
        start = text.find("{", at)
        if start < 0 or text[at:start].strip(", \t\r\n"):
            break
        try:
            event, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        found.append(event)
    return found if all("type" in event or "message" in event for event in found) else []


def parsed(text: Any) -> Any:
    """What a JSON text holds; None for one that is broken, or nested or long beyond reading."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def _records(source: Any, name: str, notes: list[str], depth: int = 0) -> Iterable[tuple[Any, Mapping[str, Any]]]:
    """Each event with the ARN of its execution where the source names it."""
    if depth > _DEEPEST:
        raise NotAHistory(f"We found no history in {name}: its lists lie too deep in each other. {_EXPECTED}")
    if isinstance(source, Mapping):
        for key in ("events", "results"):
            if isinstance(source.get(key), Sequence) and not isinstance(source[key], str):
                yield from _records(source[key], name, notes, depth + 1)
                if source.get("nextToken"):
                    notes.append(_MORE_PAGES)
                return
        if not ("type" in source or "message" in source or "@message" in source):
            keys = ", ".join(sorted(map(str, source))[:5]) or "nothing"
            raise NotAHistory(f"We found no history in {name}: it holds {keys}. {_EXPECTED}")
        source = [source]
    if isinstance(source, str | bytes) or not isinstance(source, Iterable):
        raise NotAHistory(f"We found no history in {name}: it is {_kind_of(source)}. {_EXPECTED}")
    strange = 0
    seen = 0
    for item in source:
        seen += 1
        if isinstance(item, Mapping):
            if "type" in item:
                yield (item.get("execution_arn"), _from_log(item)) if "event_timestamp" in item else (None, item)
                continue
            if "events" in item or "results" in item:
                if _MORE_PAGES in notes:
                    notes.remove(_MORE_PAGES)  # this is the next page
                yield from _records(item, name, notes, depth + 1)
                continue
        record = _log_record(item)
        if record is None:
            strange += 1
        else:
            yield record.get("execution_arn"), _from_log(record)
    if seen and strange == seen:
        raise NotAHistory(f"We found no history in {name}: none of its {seen} items is an event. {_EXPECTED}")
    if strange:
        notes.append(f"{count(strange, 'item is', 'items are')} no event of an execution and left out.")


def _log_record(item: Any) -> dict[str, Any] | None:
    """The record inside what CloudWatch Logs answers: a log event, or a row of a Logs Insights query."""
    if isinstance(item, list):
        cells = [cell for cell in item if isinstance(cell, Mapping) and isinstance(cell.get("field"), str)]
        item = {cell["field"]: cell.get("value") for cell in cells}
    message = (item.get("message") or item.get("@message")) if isinstance(item, Mapping) else item
    if isinstance(message, str):
        message = parsed(message)
    return message if isinstance(message, dict) and "type" in message and "id" in message else None


def _from_log(record: Mapping[str, Any]) -> dict[str, Any]:
    """A log record in the shape that GetExecutionHistory gives an event."""
    event: dict[str, Any] = {
        "id": record.get("id"),
        "previousEventId": record.get("previous_event_id", record.get("previousEventId")),
        "type": record["type"],
        "timestamp": record.get("event_timestamp", record.get("timestamp")),
    }
    details = record.get("details")
    if isinstance(details, Mapping):
        event[details_key(text(record["type"]))] = details
    else:
        event.update({key: value for key, value in record.items() if str(key).endswith("EventDetails")})
    return event


def _ordered(execution: str, events: list[Mapping[str, Any]], name: str) -> Trace:
    """Put events in order of id, each once, and say what was not so."""
    notes: list[str] = []
    ids: list[Any] = [event.get("id") for event in events]
    if not {int}.issuperset(map(type, ids)):
        ids = list(map(whole, ids))
        events = [{**event, "id": id_} for event, id_ in zip(events, ids, strict=True)]
    if ids == list(range(1, len(ids) + 1)):
        return Trace(execution, events)
    position = next((at for at, id_ in enumerate(ids) if whole(id_) is None), None)
    if position is not None:
        raise NotAHistory(
            f"Event {position + 1} in {name} has no 'id' that is a whole number, so the events have no order; "
            "export the history again."
        )
    rising = all(a < b for a, b in pairwise(ids))
    if not rising:
        falling = all(a > b for a, b in pairwise(ids))
        unique: dict[int, Mapping[str, Any]] = {}
        differing = 0
        for event in events:
            first = unique.setdefault(event["id"], event)
            differing += first is not event and first.get("type") != event.get("type")
        if not falling and sorted(unique) != list(unique):
            notes.append("The events were out of order; we put them in order of id.")
        if len(unique) < len(ids):
            notes.append(f"{count(len(ids) - len(unique), 'event was', 'events were')} there twice; we kept the first.")
        if differing:
            notes.append(
                f"{count(differing, 'id belongs', 'ids belong')} to two different events: "
                "are two executions mixed in this source?"
            )
        events = [unique[number] for number in sorted(unique)]
    return Trace(execution, events, notes)


def whole(value: Any) -> int | None:
    """A whole number that a column of them can hold, also where it is written as text; None for anything else."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    exact = isinstance(value, str) or (number == value and not isinstance(value, bool))
    return number if exact and -_LARGEST <= number < _LARGEST else None


def text(value: Any) -> str:
    """A value as text that a column can hold: itself, or its JSON; half of a surrogate pair as its code."""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError):
            return "(a value beyond reading)"
    return str(value).encode("utf-8", "backslashreplace").decode()


def stamps(values: list[Any]) -> tuple["np.ndarray[Any, np.dtype[np.datetime64]]", list[str]]:
    """Turn time stamps into UTC microseconds (datetime64[us], NaT where unreadable), with notes on what was not so.

    A stamp is a datetime, seconds or milliseconds since 1970 (number or digits), or ISO 8601 text. One without
    a zone is taken as UTC, as AWS gives them, and a note says so.
    """
    notes: list[str] = []
    if all(value.__class__ is datetime and value.tzinfo is not None for value in values):
        return np.rint(np.array([value.timestamp() for value in values]) * 1e6).astype("datetime64[us]"), notes
    if all(value.__class__ is str and value[4:5] == "-" for value in values):
        try:
            moments = _microseconds(pa.array(values, pa.string()).cast(_STAMP))
            if not values or (moments.min() >= _FIRST and moments.max() <= _LAST):
                return moments, notes
        except pa.ArrowInvalid:
            pass
        # One of them has no zone, is no stamp, or lies outside of all calendars: we read them one by one.
    without_zone = unreadable = 0
    found: list[datetime | None] = []
    for value in values:
        moment, zoned = _moment(value)
        without_zone += moment is not None and not zoned
        unreadable += moment is None
        found.append(moment)
    if without_zone:
        notes.append(
            f"{count(without_zone, 'time stamp has', 'time stamps have')} no zone; we took them as UTC, "
            "so times may be off by your zone's offset."
        )
    if unreadable:
        notes.append(
            f"{count(unreadable, 'time stamp', 'time stamps')} could not be read; "
            "times and durations that depend on them are missing."
        )
    return _microseconds(pa.array(found, _STAMP)), notes


def _microseconds(column: pa.Array) -> "np.ndarray[Any, np.dtype[np.datetime64]]":
    result: np.ndarray[Any, np.dtype[np.datetime64]] = column.to_numpy(zero_copy_only=False).astype("datetime64[us]")
    return result


def _moment(value: Any) -> tuple[datetime | None, bool]:
    """A stamp as an aware datetime (None where unreadable), and whether it said its zone."""
    try:
        if isinstance(value, str):
            value = float(value) if _DIGITS.fullmatch(value) else datetime.fromisoformat(value.strip())
        if isinstance(value, datetime):
            return (value.astimezone(UTC), True) if value.tzinfo else (value.replace(tzinfo=UTC), False)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _SECONDS_END else value, UTC), True
    except (ValueError, OverflowError, OSError):
        pass
    return None, False


def _kind_of(value: Any) -> str:
    return "empty" if value is None else f"of type {type(value).__name__}"


def count(number: int, one: str, many: str) -> str:
    """A number with its noun: `1 event`, `2,000 events`."""
    return f"{number:,} {one if number == 1 else many}"
