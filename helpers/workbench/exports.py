"""What is written beside the notebook: the frame, the picture, the history, the report."""

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
from helpers.history.store import histories
from helpers.workbench.report import report, without_payloads
from helpers.workbench.view import ExecutionView

__all__ = ["FORMS", "save"]

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
    written = frame.to_csv(index=False, lineterminator="\r\n")  # so that a lone \r in a text is quoted too
    return str(written).encode("utf-8", "replace")


def _harmless(cell: str) -> str:
    """A text that a spreadsheet takes for a text: behind an apostrophe where it would be a formula."""
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def _parquet(view: ExecutionView, _: int | None) -> bytes:
    frame = view.events.copy()
    frame.attrs = {}
    return bytes(frame.to_parquet(index=False))


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
        written = _json({**export, "events": _rebuilt(view.events) if view.raw is None else view.raw})
    except (TypeError, ValueError, RecursionError):  # what no JSON can hold is not in the frame either
        written = _json({**export, "events": _rebuilt(view.events)})
    return written.encode("utf-8", "backslashreplace")  # half of a surrogate pair: as JSON writes it


def _rebuilt(events: pd.DataFrame) -> list[Any]:
    return [event for one in histories(events) for event in one["events"]]


def _json(export: dict[str, Any]) -> str:
    return json.dumps(export, indent=1, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


FORMS: dict[str, tuple[str, Callable[[ExecutionView, int | None], bytes]]] = {
    "CSV": (".csv", _csv),
    "Parquet": (".parquet", _parquet),
    "SVG": (".svg", lambda view, passed: _picture(view, passed).svg().encode()),
    "PNG": (".png", lambda view, passed: _picture(view, passed).png(dpi=144)),
    "History": (".json", _history),
    "HTML report": (".html", lambda view, _: report(view).encode("utf-8", "replace")),
}
"""The ending and the maker of each form that `save` writes."""
