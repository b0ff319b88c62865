"""What is known about the event at the slider, its visit and its try."""

import json
from functools import lru_cache
from typing import Any

import pandas as pd

from helpers.workbench.difference import difference
from helpers.workbench.markup import chip, json_text, list_of, seconds, text
from helpers.workbench.view import ExecutionView, place_of

__all__ = ["attempt_at", "detail", "unfolded", "visit_at"]

SHOWN = 6_000
DEEPEST = 4
ENDINGS = ("Failed", "Aborted", "TimedOut", "FailStateEntered")


def detail(view: ExecutionView, row: int) -> str:
    """The event in row `row` (from 0) and the visit that it belongs to, as HTML."""
    event = view.event(row)
    visit = visit_at(view, row)
    attempt = attempt_at(view, row)
    parts = [_heading(event, visit, attempt)]
    error, cause = (_known(event, visit, column) for column in ("error", "cause"))
    if error or cause:
        shown = unfolded(cause) if cause else ""
        parts.append(f'<h4>Error</h4><p class="wrong"><b>{text(error or "no name", 300)}</b></p>')
        parts.append(f"<pre>{text(shown, SHOWN)}</pre>" if shown else "")
    given, made = (_payload(visit, column) for column in ("input", "output"))
    own_input, own_output = (_payload(event, column) for column in ("input", "output"))
    if given and made:
        parts.append(_difference(given, made))
    if given or made:
        parts.append(f'<div class="pair">{_block("Input", given)}{_block("Output", made)}</div>')
    if own_input and own_input != given:
        parts.append(_block("What the event says was sent" if visit is not None else "Input", own_input))
    if own_output and own_output != made:
        parts.append(_block("What the event says was answered" if visit is not None else "Output", own_output))
    if others := _payload(event, "details"):
        parts.append(_block("Also in the event", others))
    if event["truncated"]:
        parts.append('<p class="note">AWS cut this payload off, so what is shown of it is not whole.</p>')
    if not any((given, made, own_input, own_output, error, cause, others)):
        parts.append('<p class="quiet">This event bears no data.</p>')
    return "".join(parts)


def visit_at(view: ExecutionView, row: int) -> "pd.Series[Any] | None":
    """The visit that the event in a row belongs to."""
    places = view.visit_places.get(place_of(view.event(row)))
    return view.visit(places[0]) if places else None


def attempt_at(view: ExecutionView, row: int) -> "pd.Series[Any] | None":
    """The try that the event in a row belongs to: the last one scheduled by then, else the visit's first."""
    event = view.event(row)
    places = view.attempt_places.get(place_of(event))
    if not places:
        return None
    begun = [place for place in places if view.attempt_starts[place] <= event["timestamp"]]
    return view.attempt(begun[-1] if begun else places[0])


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
        lines.append(f"{key}: {shown}" if "\n" not in shown else f"{key}:\n{_indented(shown)}")
    return "\n".join(lines)


def _unfolded(value: Any, depth: int) -> str:
    if isinstance(value, str):
        looks = value.lstrip()[:1] in ("{", "[") and depth < DEEPEST
        return (unfolded(value, depth + 1) if looks else value).rstrip("\n")
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return "\n".join(one.rstrip("\n") for one in value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _indented(shown: str) -> str:
    return "\n".join(f"  {line}" for line in shown.split("\n"))


def _heading(event: Any, visit: Any, attempt: Any) -> str:
    when = f"{event['timestamp']:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC" if not pd.isna(event["timestamp"]) else ""
    facts = [("event", f"{event['id']}"), ("led to by", text(event["previous_id"])), ("at", text(when))]
    if visit is None:
        return f"<p><b>{text(event['type'], 80)}</b></p>{list_of(facts)}"
    place = f' <span class="quiet">in {text(visit["branch"], 120)}</span>' if place_of(visit)[0] else ""
    hindsight = ' <span class="quiet">in the end</span>' if event["timestamp"] < visit["exited"] else ""
    title = f"<p><b>{text(visit['state'], 120)}</b> {chip(visit['status'])}{hindsight}{place}</p>"
    facts += [("type", text(visit["type"])), ("visit", text(visit["visit"]))]
    facts.append(("took", text(seconds(visit["duration"])) or "not over"))
    if attempt is not None:
        facts.append(("attempt", f"{attempt['attempt']} of {visit['attempts']}"))
        if attempt["redrive"]:
            facts.append(("by redrive", str(attempt["redrive"])))
        if not pd.isna(attempt["backoff"]) and attempt["backoff"].total_seconds() > 0:
            facts.append(("after a back-off of", text(seconds(attempt["backoff"]))))
    return title + list_of([fact for fact in facts if fact[1]])


def _difference(given: str, made: str) -> str:
    lines = _differing(given, made)
    if lines is None:
        return ""
    if not lines:
        return '<h4>Changed</h4><p class="quiet">Nothing: the output is the input.</p>'
    kinds = {"+": "plus", "-": "minus"}
    changes = "\n".join(f'<span class="{kinds.get(sign, "")}">{sign} {text(line, 300)}</span>' for sign, line in lines)
    return f"<h4>Changed from input to output</h4><pre>{changes}</pre>"


@lru_cache(maxsize=64)
def _differing(given: str, made: str) -> list[tuple[str, str]] | None:
    return difference(given, made)


@lru_cache(maxsize=64)
def _set_out(payload: str) -> str:
    return json_text(payload)


def _block(title: str, payload: str | None) -> str:
    if payload is None:
        return f'<div><h4>{title}</h4><p class="quiet">none</p></div>'
    return f"<div><h4>{title}</h4><pre>{text(_set_out(payload), SHOWN)}</pre></div>"


def _payload(row: Any, column: str) -> str | None:
    return row[column] if row is not None and isinstance(row[column], str) else None


def _known(event: Any, visit: Any, column: str) -> str | None:
    """What the event itself says, else, where it is a failure's last, its visit."""
    if isinstance(event[column], str) or visit is None or isinstance(event["error"], str):
        return _payload(event, column)
    return _payload(visit, column) if str(event["type"]).endswith(ENDINGS) else None
