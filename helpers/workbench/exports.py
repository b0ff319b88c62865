"""What is written beside the notebook: the frame, the picture, the history, the report."""

import io
import json
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.diagram import Diagram
from helpers.errors import InvalidSetting
from helpers.history.event_types import FIELDS, details_key, fields
from helpers.workbench.report import report, without_payloads
from helpers.workbench.view import ExecutionView

__all__ = ["FORMS", "rebuilt", "save"]

INDEX = re.compile(r"\[(\d+)\]$")
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE)
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
LONGEST_NAME = 100  # bytes, of the 143 to 255 that file systems take


def save(view: ExecutionView, form: str, *, passed: int | None = None, redacted: bool = False) -> Path:
    """Write one of `FORMS` into the working folder, under a name that no file has yet, and return its path.

    `passed` is how many events the picture shows as passed; `redacted` leaves out inputs, outputs and causes.
    Raises InvalidSetting for another form, and DrawingFailed for a picture where no drawing program runs.
    """
    if form not in FORMS:
        raise InvalidSetting(f"There is no form {form!r}; there are: {', '.join(FORMS)}.")
    ending, make = FORMS[form]
    content = make(without_payloads(view) if redacted else view, passed)
    return _written(file_name(view.name), ending, content)


def file_name(name: str) -> str:
    """A name that any file system takes for a file, whatever ending follows it.

    >>> file_name("run: 1/2"), file_name("con"), file_name("../..")
    ('run-1-2', 'execution-con', 'execution')
    """
    safe = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFKC", name)).encode()[:LONGEST_NAME].decode(errors="ignore")
    safe = safe.strip("-.") or "execution"
    return f"execution-{safe}" if RESERVED.match(safe) else safe


def _written(stem: str, ending: str, content: bytes) -> Path:
    """Write a new file; a name that is taken, be it by a link that leads nowhere, gets a number."""
    path, number = Path(f"{stem}{ending}"), 1
    while True:
        try:
            with path.open("xb") as file:
                file.write(content)
            return path
        except FileExistsError:
            number += 1
            path = Path(f"{stem}-{number}{ending}")


def _csv(view: ExecutionView, _: int | None) -> bytes:
    frame = view.events.copy()
    for column in [name for name in frame if frame[name].dtype == "str"]:
        frame[column] = frame[column].map(_harmless, na_action="ignore")
    return str(frame.to_csv(index=False)).encode("utf-8", "replace")


def _harmless(cell: str) -> str:
    """A text that a spreadsheet takes for a text: behind an apostrophe where it would be a formula."""
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def _parquet(view: ExecutionView, _: int | None) -> bytes:
    written = io.BytesIO()
    frame = view.events.copy()
    frame.attrs = {}
    frame.to_parquet(written, index=False)
    return written.getvalue()


def _svg(view: ExecutionView, passed: int | None) -> bytes:
    return _picture(view, passed).svg().encode()


def _png(view: ExecutionView, passed: int | None) -> bytes:
    return _picture(view, passed).png(dpi=144)


def _picture(view: ExecutionView, passed: int | None) -> Diagram:
    return view.coloured(view.picture, len(view.events) if passed is None else passed)


def _history(view: ExecutionView, _: int | None) -> bytes:
    """The history as AWS's CLI exports it, with the execution's ARN and its definition beside the events."""
    export: dict[str, Any] = {"name": view.name}
    if view.arn is not None:
        export["executionArn"] = view.arn
    if view.definition is not None:
        export["definition"] = view.definition
    try:
        export["events"] = view.raw if view.raw is not None else rebuilt(view.events)
        written = json.dumps(export, indent=1, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):  # what no JSON can hold is not in the frame either
        export["events"] = rebuilt(view.events)
        written = json.dumps(export, indent=1, ensure_ascii=False, default=_plain)
    return written.encode("utf-8", "backslashreplace")  # half of a surrogate pair: as JSON writes it


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def rebuilt(events: pd.DataFrame) -> list[dict[str, Any]]:
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
    details |= json.loads(known.get("details", "{}"))
    if details:
        event[details_key(known["type"])] = details
    return event


def _report(view: ExecutionView, _: int | None) -> bytes:
    return report(view).encode("utf-8", "replace")


FORMS: dict[str, tuple[str, Callable[[ExecutionView, int | None], bytes]]] = {
    "CSV": (".csv", _csv),
    "Parquet": (".parquet", _parquet),
    "SVG": (".svg", _svg),
    "PNG": (".png", _png),
    "History": (".json", _history),
    "HTML report": (".html", _report),
}
"""The ending and the maker of each form that `save` writes."""
