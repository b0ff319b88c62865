"""What a running execution is doing now: the open visits, their age, and what happens next."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from helpers.live import backoff, due_at
from helpers.statuses import FAILED_VISIT, OPEN_VISIT, RUNNING
from helpers.workbench.markup import seconds, text
from helpers.workbench.view import ExecutionView, place_of

__all__ = ["open_visits"]

MOST = 5


def open_visits(view: ExecutionView) -> list[str]:
    """A line of HTML for each open visit of a running execution: its state, its age and what comes next."""
    if view.status not in RUNNING or view.lab is None:
        return []
    now = pd.Timestamp(view.lab.now())
    opened = view.visits[view.visits["status"].isin(OPEN_VISIT)]
    inner = opened[~opened["type"].isin(["Map", "Parallel"])]
    shown = inner if len(inner) else opened
    lines = [_line(view, visit, view.bodies.get(visit["state"], {}), now) for _, visit in shown.tail(MOST).iterrows()]
    if len(shown) > MOST:
        lines.append(f"and {len(shown) - MOST:,} more open visits")
    answered = view.events[view.events["type"].isin(["TaskSucceeded", "LambdaFunctionSucceeded"])]
    if len(answered) and isinstance(output := answered["output"].iloc[-1], str):
        state = text(answered["state"].iloc[-1], 80)
        lines.append(f"last answer, of <b>{state}</b>: <code>{text(_short(output), 200)}</code>")
    return lines


def _line(view: ExecutionView, visit: "pd.Series[Any]", body: Mapping[str, Any], now: pd.Timestamp) -> str:
    verb = {"Wait": "waits", "Choice": "chooses"}.get(visit["type"], "runs")
    where = f" in {text(visit['branch'], 100)}" if place_of(visit)[0] else ""
    age = seconds((now - visit["entered"]).floor("ms")) if not pd.isna(visit["entered"]) else "an unknown time"
    doing = f"<b>{text(visit['state'], 100)}</b>{where} {verb}, for {age} now"
    following = _following(view, visit, body, now)
    return f"{doing}; {following}" if following else doing


def _following(view: ExecutionView, visit: "pd.Series[Any]", body: Mapping[str, Any], now: pd.Timestamp) -> str:
    """The end of the wait, the next retry or the time-out, where the definition says."""
    if visit["type"] == "Wait":
        ends = due_at(body, visit["entered"], visit["input"])
        return f"until {_moment(view, pd.Timestamp(ends), now)}" if ends is not None else ""
    places = view.attempt_places.get(place_of(visit))
    if not places:
        return ""
    last = view.attempts.iloc[places[-1]]
    if last["status"] in FAILED_VISIT:
        pause = backoff(body, last["error"], int(last["attempt"]))
        ended = f"attempt {last['attempt']} ended with {text(last['error'], 80)}"
        if pause is None:
            return ended
        at = last["ended"] + timedelta(seconds=pause.seconds)
        return f"{ended}, the next one {'at the latest ' * pause.at_most}{_moment(view, at, now)}"
    limit = body.get("TimeoutSeconds")
    number = f"attempt {last['attempt']}"
    if isinstance(limit, int | float) and not pd.isna(last["scheduled"]):
        return f"{number} times out {_moment(view, last['scheduled'] + timedelta(seconds=limit), now)}"
    return f"{number}, without a time-out" if body and "TimeoutSecondsPath" not in body and limit is None else number


def _moment(view: ExecutionView, at: pd.Timestamp, now: pd.Timestamp) -> str:
    left = (at - now).total_seconds()
    distance = f"in {left:,.0f} s" if left >= 0 else f"{-left:,.0f} s ago"
    return f"{view.moment(at, '%H:%M:%S')} ({distance})"


def _short(output: str) -> str:
    """The answer's payload, without what AWS says about the call."""
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        return output
    if not isinstance(answer, dict) or "Payload" not in answer:
        return output
    return json.dumps(answer["Payload"], ensure_ascii=False)
