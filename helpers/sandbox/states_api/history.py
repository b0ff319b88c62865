"""An execution's events, and GetExecutionHistory."""

import datetime
import json
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from helpers.sandbox.states_api import pages
from helpers.sandbox.states_api.names import parse_arn
from helpers.sandbox.states_api.progress import places_of

__all__ = ["LAST", "Events", "get_execution_history"]

LAST = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
_encoder = json.JSONEncoder(separators=(",", ":"), default=str)
_DATA = ("input", "inputDetails", "output", "outputDetails", "parameters")


class Events(EventManager):
    """The events of an execution, up to its end or, where it is redriven, to the end of the redrive.

    Its last event ends an execution, here and nowhere else, so that the history, the status and the stop date always
    agree. Events that are read are kept as JSON text, and an ended execution keeps nothing else, so a page costs no
    more than joining its texts.
    """

    def __init__(
        self, ended: Callable[[str, dict[str, Any], datetime.datetime], None], log: Any = None, earlier: Any = None
    ) -> None:
        """`ended` is told status, details and time of the last event; `log` is sent every event; `earlier` goes on."""
        super().__init__(cloud_watch_logging_session=log)
        self._ended = ended
        self._texts: list[str] = earlier.texts() if earlier else []
        self._written = 0  # how many of moto's events are among the texts
        self._reentered: dict[str, list[int]] = {}
        # The places of branches and iterations (see `progress`), for the state that the program at the top is in.
        self.places: dict[Any, Any] | None = places_of(earlier) if earlier else {}
        self.top: Any = None
        self._event_id_gen._next_id = len(self._texts) + 1

    def __len__(self) -> int:
        return len(self._texts) + len(self._history_event_list) - self._written

    def reenter(self, state: str, event_id: int) -> None:
        """Do not write again that `state` was entered, as that event says: a redrive goes on inside it."""
        self._reentered.setdefault(state, []).append(event_id)

    def add_event(  # type: ignore[override]
        self, context: Any, event_type: Any, event_details: Any = None, **options: Any
    ) -> int:
        if self._reentered and event_type.endswith("StateEntered"):
            earlier = self._reentered.get(event_details["stateEnteredEventDetails"]["name"])
            if earlier:
                return earlier.pop()
        if self.places and context is self.top and event_type.endswith("StateExited"):
            self.places.clear()
        return int(super().add_event(context, event_type, event_details, **options))

    def _publish_history_event(  # type: ignore[override]
        self, event_type: Any, timestamp: Any, event_details: Any, **ids: Any
    ) -> None:
        super()._publish_history_event(event_type=event_type, timestamp=timestamp, event_details=event_details, **ids)
        if event_type in LAST:
            details = next(iter((event_details or {}).values()), None) or {}
            self._ended(LAST[event_type], details, datetime.datetime.fromisoformat(timestamp))

    def compact(self) -> None:
        """Keep the texts alone. The events themselves are needed only while an execution writes them."""
        with self._mutex:
            self._write_texts()
            self._history_event_list.clear()
            self._written = 0

    def forget(self) -> None:
        """Keep nothing: an Express execution's events live in its logs only."""
        with self._mutex:
            self._texts.clear()
            self._history_event_list.clear()
            self._written = 0

    def entering(self, event_id: int) -> dict[str, Any]:
        """The details of an event that entered a state."""
        details: dict[str, Any] = json.loads(self.texts()[event_id - 1])["stateEnteredEventDetails"]
        return details

    def texts(self) -> list[str]:
        """Every event so far, as the JSON text that the service sends."""
        with self._mutex:
            self._write_texts()
            return self._texts

    def _write_texts(self) -> None:
        self._texts += map(_text, self._history_event_list[self._written :])
        self._written = len(self._history_event_list)


def _text(event: Any) -> str:
    stamp = datetime.datetime.fromisoformat(event["timestamp"]).timestamp()
    return _encoder.encode(_present(event) | {"timestamp": round(stamp, 3)})


def _present(value: dict[str, Any]) -> dict[str, Any]:
    return {k: _present(v) if isinstance(v, dict) else v for k, v in value.items() if v is not None}


def _without_data(text: str) -> str:
    event = json.loads(text)
    for key, details in event.items():
        if isinstance(details, dict):
            event[key] = {name: value for name, value in details.items() if name not in _DATA}
    return json.dumps(event, separators=(",", ":"))


def get_execution_history(backend: Any, arguments: dict[str, Any]) -> bytes:
    arn = parse_arn(arguments["executionArn"], "execution").arn
    texts = backend.execution(arn).events.texts()
    backwards = bool(arguments.get("reverseOrder"))
    with_data = arguments.get("includeExecutionData", True)
    listing = f"history {arn} {backwards} {with_data}"
    # A token holds the number of the event that its page begins with: events are only ever added behind the last.
    first = pages.position(listing, arguments, int)
    size = pages.page_size(arguments)
    if backwards:
        start = len(texts) if first is None else first
        chosen, following = texts[max(start - size, 0) : start][::-1], start - size
        more = following > 0
    else:
        start = first or 0
        chosen, following = texts[start : start + size], start + size
        more = following < len(texts)
    if not with_data:
        chosen = [_without_data(text) for text in chosen]
    token = f',"nextToken":"{pages.token(listing, following)}"' if more else ""
    return f'{{"events":[{",".join(chosen)}]{token}}}'.encode()
