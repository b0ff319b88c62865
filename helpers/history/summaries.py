"""One execution in a few lines: how it stands, where the time went, what it cost, what failed first."""

import html
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from helpers.errors import NotAHistory
from helpers.history.accounts import attempts, visits
from helpers.history.event_types import EventType, Kind, read
from helpers.verbatim import verbatim

__all__ = ["Summary", "summary"]

_EVENTS_LIMIT = 25_000
_DOLLARS_A_TRANSITION = 0.025 / 1_000
_DOLLARS_A_REQUEST = 1.00 / 1_000_000
_DOLLARS_A_GB_SECOND = 0.00001667
_LEAST_GB = 64 / 1024
_STATUSES = {
    Kind.EXECUTION_SUCCEEDED: "SUCCEEDED",
    Kind.EXECUTION_FAILED: "FAILED",
    Kind.EXECUTION_TIMED_OUT: "TIMED_OUT",
    Kind.EXECUTION_ABORTED: "ABORTED",
}
_FAILURES = {Kind.TRY_FAILED, Kind.TRY_TIMED_OUT, Kind.EVALUATION_FAILED, Kind.RUN_FAILED} | _STATUSES.keys()


@dataclass(frozen=True)
class Summary:
    """What `summary` finds. `as_dict()` gives the same as plain values; in a notebook it shows as a small table."""

    execution: str | None
    status: str
    """AWS's execution status; RUNNING also where the history ends before the execution does."""
    started: pd.Timestamp | None
    ended: pd.Timestamp | None
    duration: pd.Timedelta | None
    """From ExecutionStarted to the end or, while running, to the last event (or `now`)."""
    working: pd.Timedelta
    waiting: pd.Timedelta
    backing_off: pd.Timedelta
    transitions: int
    dollars: float
    events: int
    events_limit: int | None
    """25,000; None for an Express execution, which has no such limit."""
    full_at: pd.Timestamp | None
    """While running: when the events will be used up at the present rate."""
    first_failure: str | None
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The same as a dictionary."""
        return asdict(self)

    def _lines(self) -> list[tuple[str, str]]:
        of = f" of {self.events_limit:,}" if self.events_limit else ""
        if self.full_at is not None:
            of += f"; full at {self.full_at:%Y-%m-%d %H:%M:%S} UTC at the present rate"
        lines = [
            ("Execution", self.execution or "(the history does not name it)"),
            ("Status", self.status),
            ("Started", "unknown" if self.started is None else f"{self.started:%Y-%m-%d %H:%M:%S} UTC"),
            ("Duration", "unknown" if self.duration is None else _told(self.duration)),
            ("Working", _told(self.working)),
            ("Waiting", _told(self.waiting)),
            ("Backing off", _told(self.backing_off)),
            ("Transitions", f"{self.transitions:,}"),
            ("Cost", f"${self.dollars:.6f}"),
            ("Events", f"{self.events:,}{of}"),
            ("First failure", self.first_failure or "none"),
        ]
        return lines + [("Note", note) for note in self.notes]

    def __repr__(self) -> str:
        return "\n".join(f"{name:<14}{value}" for name, value in self._lines())

    def _repr_html_(self) -> str:
        cell = "style='text-align:left'"
        rows = "".join(
            f"<tr><th {cell}>{html.escape(name)}</th><td {cell}>{html.escape(value)}</td></tr>"
            for name, value in self._lines()
        )
        return verbatim(f"<table>{rows}</table>")


def summary(events: pd.DataFrame, *, now: datetime | None = None) -> Summary:
    """Sum up an events table of one execution.

    `now` (an aware datetime) is the present, for a running execution; left out, the stamp of its last event.

    - `working`: clock time in which at least one try of a task was under way, from its scheduling to its end (so it
      includes the waiting for a job, an activity or a task token); `waiting`: in which at least one Wait state was;
      `backing_off`: in which at least one task waited for its next try. In parallel branches these times overlap.
    - `transitions`: states entered, and each retry of a task, Map or Parallel.
    - `dollars`: for Standard $0.025 per 1,000 transitions, the price of us-east-1, eu-west-1 and most regions,
      without the monthly free ones; for Express $1.00 per million requests and $0.00001667 per GB-second, in steps of
      100 ms, taking the least memory of 64 MB, so at least this much. The child executions of a distributed Map and
      what the tasks themselves cost are not in it. Source: the AWS Step Functions pricing page, November 2026.
    - `events_limit`: the quota of 25,000 events of a Standard execution (developer guide, service quotas).
    - `full_at`: from the rate of the last 1,000 events.

    Raises NotAHistory for a table without events, or of several executions: choose one first.
    """
    labels = events["execution"].unique()
    if len(labels) != 1:
        found = f"{len(labels):,} executions" if len(labels) else "no event"
        raise NotAHistory(
            f"A summary is of one execution, and this table holds {found}; "
            "choose one, as in events[events['execution'] == arn]."
        )
    execution = labels[0] if isinstance(labels[0], str) else None
    express = execution is not None and ":express:" in execution
    types = [read(name) for name in events["type"]]
    kinds = [reading.kind for reading in types]
    ends = [kind for kind in kinds if kind >= Kind.EXECUTION_STARTED and kind is not Kind.UNKNOWN]
    status = _STATUSES.get(ends[-1], "RUNNING") if ends else "RUNNING"
    stamps = events["timestamp"]
    started = _known(stamps[[kind is Kind.EXECUTION_STARTED for kind in kinds]].min())
    last = _known(stamps.max())
    present = _known(pd.Timestamp(now).tz_convert("UTC")) if now is not None and status == "RUNNING" else last
    entered, tries = visits(events), attempts(events)
    duration = present - started if started is not None and present is not None else None
    transitions = _transitions(types, tries, events)
    return Summary(
        execution=execution,
        status=status,
        started=started,
        ended=last if status != "RUNNING" else None,
        duration=duration,
        working=_covered(zip(tries["scheduled"], tries["ended"], tries["status"], strict=True), present),
        waiting=_covered(_of_type(entered, "Wait"), present),
        backing_off=_covered(_backoffs(entered, tries, present), present),
        transitions=transitions,
        dollars=_express_dollars(duration) if express else transitions * _DOLLARS_A_TRANSITION,
        events=len(events),
        events_limit=None if express else _EVENTS_LIMIT,
        full_at=_full_at(stamps, present) if status == "RUNNING" and not express else None,
        first_failure=_first_failure(events, kinds, entered),
        notes=list(events.attrs.get("notes", [])),
    )


def _transitions(types: list[EventType], tries: pd.DataFrame, events: pd.DataFrame) -> int:
    entered = sum(reading.kind is Kind.ENTERED for reading in types)
    retried = int((tries["attempt"] > 1).sum())
    starts = events.loc[[reading.kind is Kind.CONTAINER_STARTED for reading in types], ["branch", "state", "visit"]]
    return entered + retried + len(starts) - len(starts.drop_duplicates())


def _of_type(entered: pd.DataFrame, state_type: str) -> Iterable[tuple[Any, Any, Any]]:
    own = entered[entered["type"] == state_type]
    return zip(own["entered"], own["exited"], own["status"], strict=True)


def _backoffs(entered: pd.DataFrame, tries: pd.DataFrame, present: pd.Timestamp | None) -> list[tuple[Any, Any, Any]]:
    spans = [
        (scheduled - backoff, scheduled, "succeeded")
        for scheduled, backoff in zip(tries["scheduled"], tries["backoff"], strict=True)
        if not pd.isna(backoff) and backoff > pd.Timedelta(0)
    ]
    key = ["branch", "state", "visit"]
    running = entered.loc[(entered["type"] == "Task") & (entered["status"] == "running"), key]
    latest = tries.drop_duplicates(key, keep="last").merge(running, on=key)
    failed = latest[latest["status"].isin(["failed", "timed_out"])]
    return spans + [(ended, present, "running") for ended in failed["ended"]]


def _covered(spans: Iterable[tuple[Any, Any, Any]], present: pd.Timestamp | None) -> pd.Timedelta:
    """The clock time that spans cover together; open ones reach to the present, those of unknown end cover nothing."""
    open_ = {"running", "waiting"}
    known: list[tuple[Any, Any]] = [
        (begin, present if pd.isna(end) and status in open_ else end) for begin, end, status in spans
    ]
    total, reach = pd.Timedelta(0), pd.Timestamp.min.tz_localize("UTC")
    for begin, end in sorted(span for span in known if not (pd.isna(span[0]) or pd.isna(span[1]))):
        total += max(end - max(begin, reach), pd.Timedelta(0))
        reach = max(end, reach)
    return total


def _express_dollars(duration: pd.Timedelta | None) -> float:
    seconds = math.ceil(duration.total_seconds() * 10) / 10 if duration is not None else 0.0
    return _DOLLARS_A_REQUEST + seconds * _LEAST_GB * _DOLLARS_A_GB_SECOND


def _full_at(stamps: "pd.Series[Any]", present: pd.Timestamp | None) -> pd.Timestamp | None:
    recent = stamps.iloc[-1_000:]
    if present is None or len(recent) < 2 or pd.isna(recent.iloc[0]) or present <= recent.iloc[0]:
        return None
    pace = (present - recent.iloc[0]) / (len(recent) - 1)
    try:
        full: pd.Timestamp = present + pace * (_EVENTS_LIMIT - len(stamps))
    except (OverflowError, pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta):
        return None
    return full


def _first_failure(events: pd.DataFrame, kinds: list[Kind], entered: pd.DataFrame) -> str | None:
    types = events["type"].tolist()
    for row, kind in enumerate(kinds):
        if types[row] != "FailStateEntered" and (kind not in _FAILURES or kind is Kind.EXECUTION_SUCCEEDED):
            continue
        event = events.iloc[row]
        after = "" if pd.isna(event["elapsed"]) else f" after {_told(event['elapsed'])}"
        state, outcome = event["state"], ""
        error, cause = event["error"], event["cause"]
        if isinstance(state, str):
            same = entered[(entered["state"] == state) & (entered["visit"] == event["visit"])]
            visit = same[same["branch"].eq(event["branch"])]
            if len(visit):
                fate = visit.iloc[0]
                if types[row] == "FailStateEntered":
                    error, cause = fate["error"], fate["cause"]
                outcome = {"succeeded": " A later try succeeded.", "caught": " It was caught."}.get(fate["status"], "")
        elif kind is Kind.EXECUTION_FAILED and (entered["status"] == "failed").any():
            state = entered.loc[entered["status"] == "failed", "state"].iloc[-1]
        who = f"'{state}'" if isinstance(state, str) else "The execution"
        did = {
            Kind.TRY_TIMED_OUT: "timed out",
            Kind.EXECUTION_TIMED_OUT: "ran out of time",
            Kind.EXECUTION_ABORTED: "was stopped",
        }.get(kind, "failed")
        named = f" with {error}" if isinstance(error, str) else ""
        told = _cause_in_short(cause)
        return f"{who} {did}{after}{named}{': ' + told if told else ''}".rstrip(".") + "." + outcome
    return None


def _cause_in_short(cause: Any) -> str:
    """The message of a cause, on one line; a Lambda function's is JSON with its message inside."""
    if not isinstance(cause, str):
        return ""
    try:
        inner = json.loads(cause)
    except ValueError:
        inner = None
    if isinstance(inner, dict):
        cause = next((str(inner[key]) for key in ("errorMessage", "Cause", "message") if inner.get(key)), cause)
    line = " ".join(cause.split())
    return line if len(line) <= 200 else line[:199] + "…"


def _told(span: pd.Timedelta) -> str:
    """A span in the two largest units that matter.

    >>> _told(pd.Timedelta(seconds=65.25)), _told(pd.Timedelta(milliseconds=12)), _told(pd.Timedelta(days=3.5))
    ('1 min 5.2 s', '12 ms', '3 d 12 h')
    """
    seconds = span.total_seconds()
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    minutes, rest = divmod(seconds, 60)
    if minutes < 1:
        return f"{seconds:.1f} s"
    if minutes < 60:
        return f"{minutes:.0f} min {rest:.1f} s"
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def _known(stamp: Any) -> pd.Timestamp | None:
    return None if pd.isna(stamp) else stamp
