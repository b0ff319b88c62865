"""GetExecutionHistory: an execution's events as the service sends them, in pages."""

from __future__ import annotations

import json
from typing import Any

from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.names import parse_arn

__all__ = ["get_execution_history"]

_DATA = ("input", "inputDetails", "output", "outputDetails", "parameters", "assignedVariables")
# A page is at most so long, in characters; what does not fit comes on the next one.
LONGEST_PAGE = 4_000_000
# The text of an event up to this length is kept in its place; a longer one would be many times what events share.
KEPT = 2_000
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def get_execution_history(backend: Any, arguments: dict[str, Any]) -> bytes:
    arn = parse_arn(arguments["executionArn"], "execution").arn
    events = backend.execution(arn).run.events
    backwards = bool(arguments.get("reverseOrder"))
    with_data = arguments.get("includeExecutionData", True)
    listing = f"history {arn} {backwards} {with_data}"
    # A token holds the number of the event that its page begins with: events are only ever added behind the last.
    at = pages.position(listing, arguments, int)
    count = len(events)
    if at is None:
        at = count - 1 if backwards else 0
    step = -1 if backwards else 1
    chosen: list[str] = []
    length = 0
    for _ in range(pages.page_size(arguments)):
        if not 0 <= at < count:
            break
        text = _text(events, at, with_data)
        length += len(text)
        if chosen and length > LONGEST_PAGE:
            break
        chosen.append(text)
        at += step
    more = 0 <= at < count
    token = f',"nextToken":"{pages.token(listing, at)}"' if more else ""
    return f'{{"events":[{",".join(chosen)}]{token}}}'.encode(errors="replace")


def _text(events: list[Any], at: int, with_data: bool) -> str:
    event = events[at]
    if isinstance(event, str):
        if with_data:
            return event
        event = json.loads(event)
    else:
        event = {**event, "timestamp": int(event["timestamp"].timestamp() * 1000 + 0.5) / 1000}
    if not with_data:
        for key, details in event.items():
            if isinstance(details, dict):
                event[key] = {name: value for name, value in details.items() if name not in _DATA}
        return _encode(event)
    text = _encode(event)
    if len(text) < KEPT:
        events[at] = text
    return text
