"""What is written beside the notebook: the frame, the picture, the history, the report."""

import io
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.diagram import Diagram
from helpers.errors import InvalidSetting
from helpers.explorer.report import report, without_payloads
from helpers.explorer.subject import Subject
from helpers.history.event_types import FIELDS, details_key, fields

__all__ = ["FORMS", "save"]

INDEX = re.compile(r"\[(\d+)\]$")


def save(subject: Subject, form: str, *, passed: int | None = None, redacted: bool = False) -> Path:
    """Write one of `FORMS` into the working folder, under a name that no file has yet, and return its path.

    `passed` is how many events the picture shows as passed; `redacted` leaves out inputs, outputs and causes.
    Raises InvalidSetting for another form, and DrawingFailed for a picture where no drawing program runs.
    """
    if form not in FORMS:
        raise InvalidSetting(f"There is no form {form!r}; there are: {', '.join(FORMS)}.")
    ending, make = FORMS[form]
    content = make(without_payloads(subject) if redacted else subject, passed)
    path = _unused(re.sub(r"[^\w.-]+", "-", subject.name).strip("-.")[:80] or "execution", ending)
    path.write_bytes(content)
    return path


def _unused(stem: str, ending: str) -> Path:
    path, number = Path(f"{stem}{ending}"), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{ending}")
    return path


def _csv(subject: Subject, _: int | None) -> bytes:
    return str(subject.events.to_csv(index=False)).encode("utf-8", "replace")


def _parquet(subject: Subject, _: int | None) -> bytes:
    written = io.BytesIO()
    frame = subject.events.copy()
    frame.attrs = {}
    frame.to_parquet(written, index=False)
    return written.getvalue()


def _svg(subject: Subject, passed: int | None) -> bytes:
    return _picture(subject, passed).svg().encode()


def _png(subject: Subject, passed: int | None) -> bytes:
    return _picture(subject, passed).png(dpi=144)


def _picture(subject: Subject, passed: int | None) -> Diagram:
    return subject.coloured(subject.picture, len(subject.events) if passed is None else passed)


def _history(subject: Subject, _: int | None) -> bytes:
    """The history as AWS's CLI exports it, with the execution's ARN and its definition beside the events."""
    told: dict[str, Any] = {"name": subject.name}
    if subject.arn is not None:
        told["executionArn"] = subject.arn
    if subject.definition is not None:
        told["definition"] = subject.definition
    told["events"] = subject.raw if subject.raw is not None else _rebuilt(subject.events)
    return json.dumps(told, indent=1, ensure_ascii=False, default=_plain).encode("utf-8", "replace")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _rebuilt(events: pd.DataFrame) -> list[dict[str, Any]]:
    """Events in the shape of GetExecutionHistory from a frame, which holds all that the frame is made from."""
    return [_event(row) for row in events.to_dict("records")]


def _event(row: Any) -> dict[str, Any]:
    known = {column: value for column, value in row.items() if not pd.isna(value)}
    event = {"id": known["id"], "type": known["type"]}
    if "previous_id" in known:
        event["previousEventId"] = known["previous_id"]
    if "timestamp" in known:
        event["timestamp"] = known["timestamp"].isoformat()
    known["name"] = known.get("state")
    index = INDEX.search(known.get("branch", ""))
    known["index"] = int(index[1]) if index else None
    known["truncated"] = {"truncated": True} if known.get("truncated") else None
    details = {field: known[FIELDS[field]] for field in fields(known["type"]) if known.get(FIELDS[field]) is not None}
    if details:
        event[details_key(known["type"])] = details
    return event


def _report(subject: Subject, _: int | None) -> bytes:
    return report(subject).encode("utf-8", "replace")


FORMS: dict[str, tuple[str, Callable[[Subject, int | None], bytes]]] = {
    "CSV": (".csv", _csv),
    "Parquet": (".parquet", _parquet),
    "SVG": (".svg", _svg),
    "PNG": (".png", _png),
    "History": (".json", _history),
    "HTML report": (".html", _report),
}
"""The ending and the maker of each form that `save` writes."""
