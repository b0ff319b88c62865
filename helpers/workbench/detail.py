"""What is known about the event at the slider, its visit and its attempt: all of it at a glance, or a part of it."""

import json
from functools import lru_cache
from textwrap import indent
from typing import Any

import pandas as pd

from helpers.statuses import STILL_INSIDE
from helpers.workbench.difference import difference
from helpers.workbench.markup import chip, json_text, list_of, seconds, text
from helpers.workbench.view import ExecutionView, place_of

__all__ = ["TABS", "attempt_at", "detail", "unfolded", "visit_at", "whole"]

TABS = ("Step", "Input", "Output", "Difference", "Definition", "Variables", "Raw event", "Logs")

SHOWN = 6_000
DEEPEST = 4
ENDINGS = ("Failed", "Aborted", "TimedOut", "FailStateEntered")


def detail(view: ExecutionView, row: int, tab: str = "Step", log: str = "") -> str:
    """The event in row `row` (from 0) and the visit that it belongs to, as HTML: one of the `TABS`.

    `log` is what was read of the log there, as HTML.
    """
    event, visit = view.event(row), visit_at(view, row)
    given, made = (_payload(visit, column) for column in ("input", "output"))
    own_input, own_output = (_payload(event, column) for column in ("input", "output"))
    sent = _block("What the event says was sent" if visit is not None else "Input", own_input, "sent")
    answered = _block("What the event says was answered" if visit is not None else "Output", own_output, "answered")
    cut = '<p class="note">AWS cut this payload off, so what is shown of it is not whole.</p>'
    cut *= bool(event["truncated"])
    over = row >= view.visit_events.get(place_of(event), [row])[-1]
    parts = [_heading(view, event, visit, attempt_at(view, row), over)]
    later = "" if over else ", which comes later"
    if tab == "Step":
        error, cause = (_known(event, visit, column) for column in ("error", "cause"))
        if error or cause:
            parts.append(f"<h4>{'Error' if error else 'Cause'}</h4>")
            parts.append(f'<p class="wrong"><b>{text(error, 300)}</b></p>' if error else "")
            parts.append(f'<pre data-payload="cause">{text(unfolded(cause), SHOWN)}</pre>' if cause else "")
        if given and made and over:
            parts.append(_difference(given, made, later))
        if given or made:
            pair = _block("Input", given, "input") + _block(f"Output{later}", made, "output")
            parts.append(f'<div class="pair">{pair}</div>')
        parts += [sent] * bool(own_input and own_input != given) + [answered] * bool(own_output and own_output != made)
        if others := _payload(event, "details"):
            parts.append(_block("Also in the event", others, "details"))
        if not any((given, made, own_input, own_output, error, cause, others)):
            parts.append('<p class="quiet">This event bears no data.</p>')
        parts += [cut, log]
    elif tab in ("Input", "Output"):
        shown, own, more = (given, own_input, sent) if tab == "Input" else (made, own_output, answered)
        if shown or not own:
            parts.append(_block(tab + later * (tab == "Output"), shown, tab.lower()))
        parts += [more] * bool(own and own != shown) + [cut]
    elif tab == "Difference":
        changes = _difference(given, made, later) if given and made else ""
        parts.append(changes or '<p class="quiet">There are no input and output, both JSON, to be compared.</p>')
    elif tab == "Logs":
        parts.append(
            log or '<p class="quiet">Nothing was read: the button <i>Log lines</i> reads what a function logged.</p>'
        )
    else:
        parts.append(_block(tab, whole(view, row, tab.lower()), tab.lower()))
    return "".join(parts)


def whole(view: ExecutionView, row: int, name: str) -> str | None:
    """All of a payload of an event, set out on lines; None where there is none.

    `name` is `input`, `output` (of the visit), `sent`, `answered`, `details`, `cause` (of the event), `definition`,
    `variables` or `raw event`.
    """
    event, visit = view.event(row), visit_at(view, row)
    if name == "cause":
        cause = _known(event, visit, "cause")
        return unfolded(cause) if cause else None
    if name == "definition":
        body = view.bodies.get(event["state"]) if isinstance(event["state"], str) else view.definition
        return json.dumps(body, indent=2, ensure_ascii=False) if body else None
    if name == "variables":
        assigned = _variables(view, row)
        return json.dumps(assigned, indent=2, ensure_ascii=False) if assigned else None
    if name == "raw event":
        known = {column: value for column, value in event.items() if not pd.isna(value)}
        return json.dumps(view.raw_events.get(event["id"], known), indent=2, ensure_ascii=False, default=str)
    column = {"sent": "input", "answered": "output"}.get(name, name)
    if column not in ("input", "output", "details"):
        return None
    found = _payload(visit if name in ("input", "output") else event, column)
    return None if found is None else json_text(found)


def _variables(view: ExecutionView, row: int) -> dict[str, Any]:
    """The variables that were assigned by then where the event is, or around it."""
    here = place_of(view.event(row))[0]
    found: dict[str, Any] = {}
    for at in view.assigning:
        event = view.event(at)
        if at > row or not f"{here}/".startswith(f"{place_of(event)[0]}/".lstrip("/")):
            continue
        for name, value in json.loads(event["details"])["assignedVariables"].items():
            found[name] = _parsed(value)
    return found


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return value


def visit_at(view: ExecutionView, row: int) -> "pd.Series[Any] | None":
    """The visit that the event in a row belongs to."""
    places = view.visit_places.get(place_of(view.event(row)))
    return view.visits.iloc[places[0]] if places else None


def attempt_at(view: ExecutionView, row: int) -> "pd.Series[Any] | None":
    """The attempt that the event in a row belongs to: the last one scheduled by then, else the visit's first."""
    event = view.event(row)
    places = view.attempt_places.get(place_of(event))
    if not places:
        return None
    begun = [place for place in places if view.attempt_starts[place] <= event["timestamp"]]
    return view.attempts.iloc[begun[-1] if begun else places[0]]


def unfolded(cause: str, depth: int = 0) -> str:
    """A cause with the JSON inside it, and inside that, set out on lines; line ends in its texts are line ends."""
    try:
        inner = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    if isinstance(inner, str) and depth < DEEPEST:
        return unfolded(inner, depth + 1)
    if not isinstance(inner, dict):
        return json_text(cause)
    lines = []
    for key, value in inner.items():
        shown = _unfolded(value, depth)
        lines.append(f"{key}: {shown}" if "\n" not in shown else f"{key}:\n{indent(shown, '  ')}")
    return "\n".join(lines)


def _unfolded(value: Any, depth: int) -> str:
    if isinstance(value, str):
        looks = value.lstrip()[:1] in ("{", "[") and depth < DEEPEST
        return (unfolded(value, depth + 1) if looks else value).rstrip("\n")
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return "\n".join(one.rstrip("\n") for one in value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _heading(view: ExecutionView, event: Any, visit: Any, attempt: Any, over: bool) -> str:
    stamp = event["timestamp"]
    when = "" if pd.isna(stamp) else view.moment(stamp, f"%Y-%m-%d %H:%M:%S.{stamp.microsecond // 1000:03}")
    facts = [("event", f"{event['id']}"), ("led to by", text(event["previous_id"])), ("at", text(when))]
    if visit is None:
        return f"<p><b>{text(event['type'], 80)}</b></p>{list_of(facts)}"
    place = f' <span class="quiet">in {text(visit["branch"], 120)}</span>' if place_of(visit)[0] else ""
    status = visit["status"] if over else STILL_INSIDE.get(visit["type"], "running")
    title = f"<p><b>{text(visit['state'], 120)}</b> {chip(status)}{place}</p>"
    facts += [("type", text(visit["type"])), ("visit", text(visit["visit"]))]
    facts.append(("took", text(seconds(visit["duration"])) if over else "not over"))
    if attempt is not None:
        facts.append(("attempt", f"{attempt['attempt']}" + (f" of {visit['attempts']}" if over else "")))
        if attempt["redrive"]:
            facts.append(("by redrive", str(attempt["redrive"])))
        if not pd.isna(attempt["backoff"]) and attempt["backoff"].total_seconds() > 0:
            facts.append(("after a back-off of", text(seconds(attempt["backoff"]))))
    return title + list_of([fact for fact in facts if fact[1]])


def _difference(given: str, made: str, later: str) -> str:
    lines = _differing(given, made)
    if lines is None:
        return ""
    if not lines:
        return f'<h4>Changed{later}</h4><p class="quiet">Nothing: the output is the input.</p>'
    kinds = {"+": "plus", "-": "minus"}
    changes = "\n".join(f'<span class="{kinds.get(sign, "")}">{sign} {text(line, 300)}</span>' for sign, line in lines)
    return f"<h4>Changed from input to output{later}</h4><pre>{changes}</pre>"


@lru_cache(maxsize=64)
def _differing(given: str, made: str) -> list[tuple[str, str]] | None:
    return difference(given, made)


@lru_cache(maxsize=64)
def _set_out(payload: str) -> str:
    return json_text(payload)


def _block(title: str, payload: str | None, name: str) -> str:
    if payload is None:
        return f'<div><h4>{title}</h4><p class="quiet">none</p></div>'
    shown = _set_out(payload)
    cut = " data-cut" * (len(shown) > SHOWN)
    return f'<div><h4>{title}</h4><pre data-payload="{name}"{cut}>{text(shown, SHOWN)}</pre></div>'


def _payload(row: Any, column: str) -> str | None:
    return row[column] if row is not None and isinstance(row[column], str) else None


def _known(event: Any, visit: Any, column: str) -> str | None:
    """What the event itself says, else, where it is a failure's last, its visit."""
    if isinstance(event[column], str) or visit is None or isinstance(event["error"], str):
        return _payload(event, column)
    return _payload(visit, column) if str(event["type"]).endswith(ENDINGS) else None
