"""Where two executions part, and why, in sentences."""

from __future__ import annotations

from typing import Any

from helpers.engine import data_of
from helpers.engine.execution import Frame
from helpers.history.event_types import Kind, read
from helpers.rehearsal.differences import fits, parsed, same
from helpers.rehearsal.record import Line, Step

__all__ = ["AGAIN", "differs", "moved", "paused", "place", "reason"]

OTHER = {
    "input": "other input reaches it",
    "output": "it gives another output",
    "parameters": "it asks with other parameters",
}
AGAIN = frozenset({Kind.ATTEMPT_SCHEDULED, Kind.CONTAINER_STARTED})


def seconds(microseconds: float) -> str:
    """A time in seconds, in words."""
    return f"{microseconds / 1e6:.3f}".rstrip("0").rstrip(".") + " s"


def place(frame: Frame, step: Step | None) -> str:
    """Where it is: the state, its branch, and the recorded event."""
    inside = f" in {frame.branch}" if frame.branch else ""
    return f"{frame.state}{inside}" + (f" (event {step.id} of the history)" if step else "")


def paused(frame: Frame, step: Step, now: int, then: int, waiting: bool, drawn: bool) -> str:
    """Why they part over a wait: another pause, or another back-off before a retry, which may have jitter."""
    did, was = ("pauses for", "paused") if waiting else ("is retried after" + " at most" * drawn, "was after")
    return f"At {place(frame, step)} they part: it {did} {seconds(now)}, and {was} {seconds(then)} in the history."


def moved(what: str, gap: int) -> str:
    """That something happens so many microseconds before, or after, the recorded time."""
    return f"{what} {seconds(abs(gap))} {'earlier' if gap > 0 else 'later'} than in the history"


def differs(kind: str, details: Any, step: Step) -> str | None:
    """How the same event has other content than the recorded one, None where it has not."""
    if not details:
        return None
    known = step.details
    if step.kind is Kind.ATTEMPT_SCHEDULED:
        for field in ("resourceType", "resource"):
            if not fits(str(known.get(field, "")), str(details.get(field, ""))):
                return f"it asks another resource, {details.get(field)} and not {known.get(field)}"
    for field in ("input", "output", "parameters"):
        mine, other = details.get(field), known.get(field)
        if mine is None or other is None or mine == other or _is_cut(known, field):
            continue
        if not same(data_of(mine), parsed(other)):
            if step.type == "ExecutionStarted":
                return "the execution begins with other input"
            return (
                "the execution ends with another output"
                if kind == "ExecutionSucceeded"
                else OTHER["parameters" if step.kind is Kind.ATTEMPT_SCHEDULED else field]
            )
    mine, other = details.get("assignedVariables"), known.get("assignedVariables")
    if (mine or other) and not _is_cut(known, "assignedVariables") and not _alike(mine or {}, other or {}):
        return "it sets other variables"
    if "length" in details and "length" in known and details["length"] != known["length"]:
        return f"it goes through {details['length']} items, and went through {known['length']} in the history"
    if (kind.startswith("Execution") or step.kind is Kind.RUN_FAILED) and details.get("error") != known.get("error"):
        return f"it fails with {details.get('error')}, and failed with {known.get('error')} in the history"
    return None


def _is_cut(known: Any, field: str) -> bool:
    details = known.get("inputDetails" if field == "parameters" else f"{field}Details")
    return isinstance(details, dict) and details.get("truncated") is True


def _alike(mine: dict[str, Any], other: dict[str, Any]) -> bool:
    return mine.keys() == other.keys() and all(same(data_of(mine[name]), parsed(other[name])) for name in mine)


def reason(frame: Frame, line: Line | None, known: set[str | None], kind: str, details: Any, step: Step | None) -> str:
    """Why they part where the rehearsal has one event and the history another, or none.

    `line` is the record of the frame's branch, `known` the names of the states that the history entered.
    """
    last = line.last if line else None
    event, new = read(kind).kind, (details or {}).get("name")
    failed = last is not None and last.kind in (Kind.ATTEMPT_FAILED, Kind.ATTEMPT_TIMED_OUT, Kind.CONTAINER_FAILED)
    error = f" after {last.details.get('error')}" if last is not None and last.details.get("error") else ""
    where = place(frame, step)
    again = step is not None and step.kind in AGAIN
    if event is Kind.ENTERED:
        came = f"After {last.name}" if last is not None and last.kind is Kind.EXITED else "At the beginning"
        chose = last is not None and last.type == "ChoiceStateExited"
        fresh = ", a state that is new" if new not in known else ""
        went = f"the {'choice falls on' if chose else 'way goes to'} {new}{fresh}; {_said(step)}"
        if step and step.kind is Kind.ENTERED and step.name == new:
            now, was = (of.removesuffix("StateEntered") for of in (kind, step.type))
            went = f"{new} is a {now}, and was a {was} in the history"
        return f"{came}{f' in {frame.branch}' if frame.branch else ''} they part: {went}."
    if kind == "ExecutionTimedOut":
        return f"At {where} they part: the execution times out; {_said(step)}."
    if last is not None and last.kind is not Kind.ENTERED and (event in AGAIN) is not again:
        said = f"retried{error}, which it was not" if event in AGAIN else f"not retried{error}, as it was"
        return f"At {where} they part: it is {said} in the history."
    if event is Kind.ATTEMPT_TIMED_OUT:
        return f"At {where} they part: it times out; {_said(step)}."
    if step is not None and step.kind is Kind.ATTEMPT_TIMED_OUT:
        return f"At {where} they part: it timed out in the history, and does not."
    if event is Kind.EXITED and (failed or (last is not None and last.kind is Kind.EVALUATION_FAILED)):
        return f"At {where} they part: it is caught{error}, which it was not in the history."
    if kind == "ExecutionFailed":
        return f"At {where} they part: the execution fails with {(details or {}).get('error')}; {_said(step)}."
    return f"At {where} they part: {kind} follows; {_said(step)}."


def _said(step: Step | None) -> str:
    if step is None:
        return "the history has nothing more there"
    if step.kind is Kind.ENTERED:
        return f"the history went to {step.name}"
    return f"the history has {step.type}"
