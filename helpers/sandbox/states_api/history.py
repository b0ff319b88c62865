"""GetExecutionHistory: an execution's events as the service sends them, in pages."""

from __future__ import annotations

import functools
import json
import threading
import zlib
from datetime import datetime
from json.encoder import encode_basestring
from typing import Any

from helpers import engine
from helpers.sandbox.states_api import pages

__all__ = ["get_execution_history", "put_away", "take_out", "without_data"]

_DATA = ("input", "inputDetails", "output", "outputDetails", "parameters", "assignedVariables")
# A page is at most so long, in characters; what does not fit comes on the next one.
LONGEST_PAGE = 4_000_000
KEPT = 1_000  # characters of a payload up to which its event's text is kept in its place
PACKED = 50_000  # bytes of a history up to which it is packed: payloads that many events share are not
WHOLE = {"truncated": False}
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def get_execution_history(backend: Any, arguments: dict[str, Any]) -> bytes:
    arn = arguments["executionArn"]
    events = take_out(backend.execution(arn).run)
    backwards = bool(arguments.get("reverseOrder"))
    with_data = arguments.get("includeExecutionData", True)
    listing = f"history {arn} {backwards} {with_data}"
    # A token holds the number of the event that its page begins with: events are only ever added behind the last.
    at = pages.position(listing, arguments, int)
    places = range(len(events))
    if at is not None:
        places = places[: at + 1] if backwards else places[at:]
    if backwards:
        places = places[::-1]
    chosen: list[str] = []
    length = 0
    for place in places[: pages.page_size(arguments)]:
        text = _text(events, place, with_data)
        length += len(text)
        if chosen and length > LONGEST_PAGE:
            break
        chosen.append(text)
    rest = places[len(chosen) :]
    token = f',"nextToken":"{pages.token(listing, rest[0])}"' if rest else ""
    return f'{{"events":[{",".join(chosen)}]{token}}}'.encode(errors="replace")


def put_away(run: engine.Execution) -> None:
    """Keep the events of an ended execution so that they take little memory, or many of them no time to be read.

    Few are packed as compressed text, which takes a sixth of their memory.
    """
    events: Any = run.events
    if run.status == "RUNNING" or isinstance(events, bytes):  # redriven since, or put away already
        return
    if len(events) >= pages.LARGEST:
        threading.Thread(target=_write, args=(events,), name="history", daemon=True).start()
    elif events and run.size < PACKED:
        text = "\n".join(event if isinstance(event, str) else _written(event) for event in events)
        run.events = zlib.compress(text.encode(errors="surrogatepass"), level=1)  # type: ignore[assignment]


def take_out(run: engine.Execution) -> list[Any]:
    """The events of an execution that has been put away, or has not: as data, or each as JSON."""
    events: Any = run.events
    if isinstance(events, bytes):
        events = zlib.decompress(events).decode(errors="surrogatepass").split("\n")
    return events  # type: ignore[no-any-return]


def _write(events: list[Any]) -> None:
    for at, event in enumerate(events):
        if isinstance(event, dict) and not _is_long(event):
            events[at] = _written(event)


def _text(events: list[Any], at: int, with_data: bool) -> str:
    event = events[at]
    if isinstance(event, str):
        return event if with_data else _encode({key: without_data(value) for key, value in json.loads(event).items()})
    if not with_data:
        return _written({key: without_data(value) for key, value in event.items()})
    text = _written(event)
    if not _is_long(event):
        events[at] = text
    return text


def _is_long(event: dict[str, Any]) -> bool:
    """Whether an event's payload is so long that its text would take many times what events share."""
    details = list(event.values())[-1]
    return isinstance(details, dict) and any(isinstance(one, str) and len(one) > KEPT for one in details.values())


def without_data(value: Any) -> Any:
    """Details without an execution's data."""
    return {name: item for name, item in value.items() if name not in _DATA} if isinstance(value, dict) else value


def _written(event: dict[str, Any]) -> str:
    """An event as JSON, put together by hand: an encoder would take twice as long over so many."""
    head = f'"type":"{event["type"]}","id":{event["id"]},"previousEventId":{event["previousEventId"]}'
    found = f'{{"timestamp":{_seconds(event["timestamp"])},{head}'
    for name, details in event.items():
        if isinstance(details, dict):
            inner = ",".join([f'"{key}":{_value(value)}' for key, value in details.items()])
            found += f',"{name}":{{{inner}}}'
    return found + "}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    return '{"truncated":false}' if value == WHOLE else _encode(value)


@functools.lru_cache(1_000)
def _seconds(moment: datetime) -> float:
    return int(moment.timestamp() * 1000 + 0.5) / 1000
