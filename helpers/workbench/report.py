"""The screen without widgets: a still of it for where none run, and a whole report in one file."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from helpers.errors import LabError
from helpers.verbatim import image, verbatim
from helpers.workbench.detail import detail
from helpers.workbench.markup import STYLE, chip, screened, seconds, text
from helpers.workbench.overview import further, header
from helpers.workbench.table import EventsTable
from helpers.workbench.view import ExecutionView

__all__ = ["report", "still", "without_payloads"]

MOST_VISITS = 2_000
MOST_EVENTS = 5_000
VISITS = ["state", "type", "branch", "visit", "entered", "duration", "status", "attempts", "error"]
EVENTS = ["id", "elapsed", "type", "state", "branch", "error", "cause", "input", "output", "details"]
PAYLOADS = ["input", "output", "cause"]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def without_payloads(view: ExecutionView) -> ExecutionView:
    """The same execution without inputs, outputs and causes, in its pictures and sentences too."""
    events = view.events.copy()
    for column in PAYLOADS:
        events[column] = pd.Series(pd.NA, index=events.index, dtype=events[column].dtype)
    events["details"] = pd.array([_without_variables(details) for details in events["details"]], dtype="str")
    events.attrs = {**view.events.attrs}
    described = view.described and replace(view.described, input=None, output=None, cause=None)
    return replace(view, events=events, raw=None, described=described)


def _without_variables(details: Any) -> Any:
    """An event's other details without the variables that its state assigned, which are data like its output."""
    if not isinstance(details, str) or "assignedVariables" not in details:
        return details
    return json.dumps({name: value for name, value in json.loads(details).items() if name != "assignedVariables"})


def still(view: ExecutionView) -> str:
    """The screen at its first moment, as HTML that needs no script."""
    parts = [header(view)]
    if len(view.events):
        row = view.first - 1
        parts += [
            _drawn(lambda: f"<p>{image(view.coloured(view.picture, view.first).png(), 'The diagram', 480)}</p>"),
            detail(view, row),
            f"<div>{EventsTable(view.events).html(row)}</div>",
            _drawn(lambda: f"<p>{image(view.chart.png(), 'The timeline')}</p>"),
        ]
    return verbatim(STYLE + screened("".join([*parts, further(view)])))


def report(view: ExecutionView) -> str:
    """Everything about the execution as one HTML document, without scripts and without anything to fetch."""
    parts = [header(view)]
    if len(view.events):
        parts += [
            "<h2>Diagram</h2>",
            _drawn(lambda: f'<div class="drawn">{view.picture.svg()}</div>'),
            "<h2>Timeline</h2>",
            _drawn(lambda: f"<p>{image(view.lanes.png(), 'The timeline')}</p>"),
            f"<h2>{_title(view)}</h2>",
            detail(view, view.first - 1),
            "<h2>Visits</h2>",
            _table(view.visits, VISITS, MOST_VISITS, "visits"),
            "<h2>Events</h2>",
            _table(view.events, EVENTS, MOST_EVENTS, "events"),
        ]
    body = screened("".join([*parts, "<h2>Further</h2>", further(view)]), "main")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{text(view.name, 200)}</title>{STYLE}'
        "<style>body{margin:24px auto;max-width:1100px;padding:0 16px}h2{font-size:15px;margin:26px 0 6px}"
        ".sfn-workbench tr.here{position:static}.sfn-workbench .drawn{padding:10px;border-radius:8px}</style></head>"
        f"<body>{body}</body></html>"
    )


def _title(view: ExecutionView) -> str:
    if view.summary.failure:
        return "What ended it"
    return "What went wrong on its way" if view.summary.first_failure else "At its end"


def _drawn(make: Callable[[], str]) -> str:
    """A picture, or why there is none."""
    try:
        return make()
    except LabError as error:
        return f'<p class="note">{text(error)}</p>'


def _table(frame: pd.DataFrame, columns: list[str], most: int, what: str) -> str:
    shown = frame[columns].head(most)
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    rows = "".join(f"<tr>{''.join(map(_cell, columns, values))}</tr>" for values in shown.itertuples(index=False))
    left = len(frame) - len(shown)
    more = f'<p class="quiet">{left:,} more {what} are left out.</p>' if left else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _cell(column: str, value: Any) -> str:
    if column == "status":
        return f"<td>{chip(value) if isinstance(value, str) else ''}</td>"
    if column in ("duration", "elapsed"):
        return f'<td class="number">{seconds(value)}</td>'
    shown = f"{value:%H:%M:%S.%f}"[:-3] if column == "entered" and not pd.isna(value) else value
    whole = (
        f' title="{text(value, 1_000)}"' if column in (*PAYLOADS, "error", "details") and isinstance(value, str) else ""
    )
    return f"<td{whole}>{text(shown, 120)}</td>"
