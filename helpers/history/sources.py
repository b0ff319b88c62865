"""Where histories come from: boto3's events, exports, files, and the log records of Express executions."""

import codecs
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from operator import attrgetter
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.definition.library import kept
from helpers.errors import ExecutionNamed, NotAHistory, UnknownName
from helpers.history.event_types import details_key
from helpers.quantities import count

__all__ = [
    "ENDINGS",
    "UNNAMED",
    "File",
    "Source",
    "Trace",
    "count",
    "definition_of",
    "files",
    "load",
    "parsed",
    "read",
    "sample",
    "stamps",
    "text",
    "whole",
]


@dataclass(frozen=True)
class File:
    """A file that was read: what it holds, and what is wrong with it, in sentences."""

    path: Path
    content: Any
    notes: list[str] = field(default_factory=list)


Source = str | PathLike[str] | File | Mapping[str, Any] | Iterable[Mapping[str, Any] | str | PathLike[str]]
"""A list of events, a response or export holding `events`, Express log records, or files and folders of these."""

UNNAMED = "an execution"
"""What an execution is called whose source has no name, such as a list of events."""
ENDINGS = (".json", ".jsonl", ".csv", ".log", ".txt", ".gz")
"""Of the names of files that may hold histories."""
_EXPECTED = (
    "We read a list of events as boto3 returns them, a GetExecutionHistory response or export holding 'events', "
    "a path to a file of either, or the log records of Express executions."
)
_ENDING = re.compile(f"({'|'.join(map(re.escape, ENDINGS))})+$", re.IGNORECASE)
# JSON at the beginning of a line, or behind a stamp, and perhaps a stream's name, as `aws logs tail` writes them.
_LOGGED = re.compile(r"^(?:\d{4}-\d\d-\d\dT\S+[ \t]+(?:[^\s{]\S*\s+)?)?(?=\{)", re.MULTILINE)
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
        if os.path.isdir(source):
            return _together(files(Path(source)), execution, strict=False)
        source = load(Path(source))
    if isinstance(source, File):
        name, own, notes = str(source.path), _ENDING.sub("", source.path.name) or UNNAMED, [*source.notes]
        source = source.content
    elif isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        source = list(source)
        if source and all(map(_is_file, source)):
            return _together(source, execution)
    if isinstance(source, Mapping):
        labels = (execution, source.get("executionArn"), source.get("execution_arn"), source.get("name"), own)
        own = next(label for label in labels if isinstance(label, str) and label)
        if not _has_more(source) and _are_plain(source.get("events")):
            source = source["events"]
    own = execution or own
    found: dict[str, list[Mapping[str, Any]]] = {}
    if _are_plain(source):
        found[own] = source
    else:
        for owner, event in _records(source, name, notes):
            found.setdefault(owner if isinstance(owner, str) and owner else own, []).append(event)
        if not found:
            found[own] = []
            notes.append("There is nothing in it: this history has no events.")
    first, *others = [_ordered(owner, events, name) for owner, events in found.items()]
    return [replace(first, notes=notes + first.notes), *others]


def _is_file(item: Any) -> bool:
    return isinstance(item, PathLike) or (isinstance(item, str) and os.path.isfile(item))


def _has_more(page: Mapping[str, Any]) -> bool:
    """Whether a page is followed by others; the CLI writes NextToken where it stops earlier."""
    return bool(page.get("nextToken") or page.get("NextToken"))


def _are_plain(source: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    """Whether this is a list of nothing but events in the shape of GetExecutionHistory, as nearly always."""
    return (
        bool(source)
        and source.__class__ is list
        and all(item.__class__ is dict and "type" in item and "event_timestamp" not in item for item in source)
    )


def sample(name: str) -> Path:
    """The file of a stored history, such as `endless-loop`; its definition lies beside it as `endless-loop.asl.json`.

    Raises `UnknownName` with the names there are.
    """
    found = {path.stem: path for path in files(kept("notebooks/samples"))}
    if name not in found:
        raise UnknownName(f"There is no sample named {name!r}; there are: {', '.join(sorted(found))}.")
    return found[name]


def files(folder: Path) -> list[Path]:
    """The files below a folder that may hold histories, in order of path, numbers by value: no hidden ones and no
    definitions.
    """
    found = [path for path in folder.rglob("*") if _ENDING.search(path.name) and path.is_file()]
    those = [path for path in found if path.name[0] != "." and not path.name.endswith(".asl.json")]
    return sorted(those, key=lambda path: re.sub(r"\d+", lambda digits: digits[0].zfill(20), str(path)))


def _together(paths: Iterable[Any], execution: str | None, strict: bool = True) -> list[Trace]:
    """The traces of several files; events of one execution may lie in several, by its ARN or as pages in a row.

    Unless `strict`, what holds no history is left out with a note.
    """
    found: dict[Any, Trace] = {}
    left_out: list[str] = []
    for path in paths:
        try:
            traces = read(path, execution)
        except NotAHistory as error:
            if strict:
                raise
            left_out.append(f"{Path(path).name} is left out. {error}")
            continue
        for trace in traces:
            key = trace.execution if trace.execution.startswith("arn:") else (str(path), trace.execution)
            last = next(reversed(found), None)
            if last is not None and _goes_on(found[last], trace):
                key = last
            if (before := found.get(key)) is not None:
                more = [note for note in trace.notes if note == _MORE_PAGES]
                trace = _ordered(before.execution, [*before.events, *trace.events], str(path))
                trace.notes += more
            found[key] = trace
    if not found:
        raise NotAHistory(" ".join(["There is no history in what was given: give exported ones.", *left_out[:1]]))
    first, *others = found.values()
    return [replace(first, notes=left_out + first.notes), *others]


def _goes_on(before: Trace, after: Trace) -> bool:
    """Whether the one is the next page of the other, which has more."""
    pages = _MORE_PAGES in before.notes and before.events and after.events
    return bool(pages) and after.events[0]["id"] == before.events[-1]["id"] + 1


def load(path: Path) -> File:
    """Read a file of JSON, JSON Lines, the lines that `aws logs tail` prints, or the CSV of a Logs Insights query; in
    UTF-8 or UTF-16, perhaps behind gzip.

    Raises NotAHistory for a file that cannot be read so.
    """
    try:
        raw = path.read_bytes()
        raw = _unzipped(raw) if raw[:2] == b"\x1f\x8b" else raw
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = codecs.getincrementaldecoder(encoding)().decode(raw)  # half a letter at the end is no error
    except FileNotFoundError:
        raise NotAHistory(f"There is no file {path}; give the path to an exported execution history.") from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise NotAHistory(f"The file {path} cannot be read as text ({error}); give an exported history.") from error
    if not text.strip():
        raise NotAHistory(f"There is nothing in the file {path}: export the history again.")
    try:
        return File(path, json.loads(text))
    except RecursionError:
        raise NotAHistory(f"The file {path} is nested too deeply to be a history; export the history again.") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        lines, notes = _lines(text)
        if lines:
            return File(path, lines, notes)
        whole = _whole_events(text)
        if whole:
            events = count(len(whole), "event", "events")
            return File(path, whole, [f"The file is cut off at {at}; we read the {events} that are whole."])
        raise NotAHistory(
            f"The file {path} is no JSON that we can read: it breaks at {at} ({error.msg}); export the history as "
            "JSON, by --output json of the AWS CLI."
        ) from None
    except ValueError:
        raise NotAHistory(f"The file {path} holds a number that is too long; export the history again.") from None


def definition_of(file: File) -> Mapping[str, Any] | Path | None:
    """The definition that an exported history holds, or the file of it beside, as `<name>.asl.json`."""
    inside = file.content.get("definition") if isinstance(file.content, Mapping) else None
    if isinstance(inside, Mapping):
        return inside
    beside = file.path.with_name(f"{_ENDING.sub('', file.path.name)}.asl.json")
    # A link beside a history may lead to what is nobody's business here.
    return beside if os.path.isfile(beside) and not os.path.islink(beside) else None


def _unzipped(raw: bytes) -> bytes:
    """What is behind gzip; of a file that is cut off, what is whole."""
    found: list[bytes] = []
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            while part := file.read1():
                found.append(part)
    except EOFError:
        if not found:
            raise
    return b"".join(found)


def _lines(text: str) -> tuple[list[Any], list[str]]:
    """The records of a text that has one after another, and what is wrong with it; none where it is of another form."""
    if "@message" in text.partition("\n")[0] and text.lstrip()[0] not in "[{":
        try:
            messages = pd.read_csv(io.StringIO(text), dtype="str", usecols=["@message"])["@message"]
        except ValueError:  # pandas' own errors are such
            return [], []
        return [{"message": message} for message in messages.dropna()], []
    decoder, found, left_out, at = json.JSONDecoder(), [], 0, 0
    while line := _LOGGED.search(text, at):
        left_out += sum(map(bool, map(str.strip, text[at : line.start()].splitlines())))
        try:
            record, at = decoder.raw_decode(text, line.end())
            found.append(record)
        except (ValueError, RecursionError):
            if not found:
                return [], []  # the beginning of something else that is broken
            at = text.find("\n", line.end()) + 1 or len(text)
            left_out += 1
    left_out += sum(map(bool, map(str.strip, text[at:].splitlines())))
    return found, [f"{count(left_out, 'line is', 'lines are')} no whole record and left out."] if left_out else []


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


def _records(source: Any, name: str, notes: list[str], depth: int = 0) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The events in whatever holds them, each with the ARN of its execution where the source names it.

    `notes` gets what is wrong with those that have been read.
    """
    if depth > _DEEPEST:
        raise NotAHistory(f"We found no history in {name}: its lists lie too deep in each other. {_EXPECTED}")
    if isinstance(source, Mapping):
        for key in ("events", "results"):
            if isinstance(source.get(key), Sequence) and not isinstance(source[key], str):
                yield from _records(source[key], name, notes, depth + 1)
                if _has_more(source):
                    notes.append(_MORE_PAGES)
                return
        if not ("type" in source or "message" in source or "@message" in source):
            _refuse_named(source, name)
            keys = ", ".join(sorted(map(str, source))[:5]) or "nothing"
            raise NotAHistory(f"We found no history in {name}: it holds {keys}. {_EXPECTED}")
        source = [source]
    if isinstance(source, str | bytes) or not isinstance(source, Sequence):
        kind = "empty" if source is None else f"of type {type(source).__name__}"
        raise NotAHistory(f"We found no history in {name}: it is {kind}. {_EXPECTED}")
    unread: list[Any] = []
    for item in source:
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
            unread.append(item)
        else:
            yield record.get("execution_arn"), _from_log(record)
    if unread and len(unread) == len(source):
        _refuse_named(unread, name)
        raise NotAHistory(f"We found no history in {name}: none of its {len(source)} items is an event. {_EXPECTED}")
    if unread:
        notes.append(f"{count(len(unread), 'item is', 'items are')} no event of an execution and left out.")


def _refuse_named(source: Any, name: str) -> None:
    """Raise ExecutionNamed for what names executions and has no event of them.

    Such are the answers to StartExecution, DescribeExecution and ListExecutions, and EventBridge's events.
    """
    listed = source.get("executions", [source]) if isinstance(source, Mapping) else source
    arns = []
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, Mapping):
            detail = item.get("detail", item)
            arn = detail.get("executionArn") if isinstance(detail, Mapping) else None
            arns += [arn] if isinstance(arn, str) and arn.startswith("arn:") else []
    if arns:
        more = f" and {len(arns) - 1} more" if len(arns) > 1 else ""
        raise ExecutionNamed(
            f"There is no event in {name}, but it names the execution {arns[0]}{more}: explore the ARN, or "
            f"`sfn-lab why {arns[0]}`, to fetch its history.",
            arns,
        )


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
    if {datetime}.issuperset(map(type, values)) and all(map(attrgetter("tzinfo"), values)):
        seconds = np.fromiter(map(datetime.timestamp, values), float, len(values))
        return np.rint(seconds * 1e6).astype("datetime64[us]"), notes
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
        if isinstance(value, datetime) and value is not pd.NaT:
            return (value.astimezone(UTC), True) if value.tzinfo else (value.replace(tzinfo=UTC), False)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _SECONDS_END else value, UTC), True
    except (ValueError, OverflowError, OSError):
        pass
    return None, False
