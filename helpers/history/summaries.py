"""One execution in a few lines: how it stands, what ended it, where the time went, what it cost."""

import html
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from helpers import limits
from helpers.errors import NotAHistory
from helpers.history.event_types import ENDS, EventType, Group, Kind, read
from helpers.history.frames import table
from helpers.history.sources import Source, parsed
from helpers.history.visit import Ending, attempts, ending, visits
from helpers.quantities import count, dollars, duration
from helpers.statuses import FAILED_VISIT, OPEN_VISIT
from helpers.verbatim import clean, verbatim

__all__ = ["Summary", "in_words", "summary"]

_LONGEST_CAUSE = 200
_FEWEST_EVENTS = 10  # that show a rate
_DEEPEST_CAUSE = 8
_STATE_NAMED = re.compile(r"^An error occurred while executing the state '.*?' \(entered at the event id #\d+\)\. ")
_FIELD = re.compile(r'"(errorMessage|errorType|ExecutionArn|Name|Status|Error|Cause)"\s*:\s*("(?:[^"\\]|\\.)*")')
_MESSAGES = ("errorMessage", "Cause", "message", "Message", "ErrorMessage", "StatusReason", "StoppedReason")
"""Where the causes that are JSON say why: of a Lambda function, a nested execution, an AWS SDK, a Glue or Batch job."""
_FAILURES = {Kind.ATTEMPT_FAILED, Kind.ATTEMPT_TIMED_OUT, Kind.EVALUATION_FAILED, Kind.RUN_FAILED} | ENDS.keys()


@dataclass(frozen=True)
class Summary:
    """What `summary` finds. `as_dict()` gives the same as plain values; in a notebook it shows as a small table."""

    execution: str
    status: str
    """AWS's execution status; RUNNING also where the history ends before the execution does."""
    failure: str | None
    """What ended it, in a sentence; None while it runs and after a good end."""
    failed_state: str | None
    """The state that ended it: that failed, or that it was in when its time was over."""
    error: str | None
    cause: str | None
    """In words: of a Lambda function's JSON the message, of a nested execution's how that one ended."""
    failed_at: int | None
    """The id of the event at which that shows."""
    earlier: str | None
    """The first failure in a sentence, where another one ended the execution or none did."""
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
    """While running: when the events will be used up at the present rate; None where a few events show no rate."""
    first_failure: str | None
    redrives: int
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The same as a dictionary."""
        return asdict(self)

    def _lines(self) -> list[tuple[str, str]]:
        of = f" of {self.events_limit:,}" if self.events_limit else ""
        if self.full_at is not None:
            of += f"; full at {self.full_at:%Y-%m-%d %H:%M:%S} UTC at the present rate"
        lines = [
            ("Execution", self.execution),
            ("Status", self.status + self._redriven()),
            ("Failure", self.failure or "none"),
            *([("Earlier", self.earlier)] if self.earlier else []),
            ("Started", "unknown" if self.started is None else f"{self.started:%Y-%m-%d %H:%M:%S} UTC"),
            ("Duration", "unknown" if self.duration is None else duration(self.duration)),
            ("Working", duration(self.working)),
            ("Waiting", duration(self.waiting)),
            ("Backing off", duration(self.backing_off)),
            ("Transitions", f"{self.transitions:,}"),
            ("Cost", dollars(self.dollars)),
            ("Events", f"{self.events:,}{of}"),
        ]
        return [(name, clean(value)) for name, value in lines + [("Note", note) for note in self.notes]]

    def _redriven(self) -> str:
        return f" ({count(self.redrives, 'redrive', 'redrives')})" if self.redrives else ""

    def __repr__(self) -> str:
        return "\n".join(f"{name:<14}{value}" for name, value in self._lines())

    def _repr_html_(self) -> str:
        cell = "style='text-align:left'"
        rows = "".join(
            f"<tr><th {cell}>{html.escape(name)}</th><td {cell}>{html.escape(value)}</td></tr>"
            for name, value in self._lines()
        )
        return verbatim(f"<table>{rows}</table>")


def summary(events: Source | pd.DataFrame, *, now: datetime | None = None) -> Any:
    """Sum up an events table: a `Summary` of one execution; of several a frame, one row each, with its fields.

    `events` is what `helpers.history.events` returns or takes.

    `now` (an aware datetime) is the present, for a running execution; left out, the stamp of its last event.

    - `working`: clock time in which at least one attempt of a task was under way, from its scheduling to its end (so it
      includes the waiting for a job, an activity or a task token); `waiting`: in which at least one Wait state was;
      `backing_off`: in which at least one task waited for its next attempt. In parallel branches these times overlap.
    - `transitions`: states entered, and each retry or redrive of a task, Map or Parallel.
    - `dollars`: for Standard $0.025 per 1,000 transitions, the price of us-east-1, eu-west-1 and most regions,
      without the monthly free ones; for Express $1.00 per million requests and $0.00001667 per GB-second, in steps of
      100 ms, taking the least memory of 64 MB, so at least this much. The child executions of a distributed Map and
      what the tasks themselves cost are not in it. Source: the AWS Step Functions pricing page, November 2026.
    - `events_limit`: the quota of 25,000 events of a Standard execution (developer guide, service quotas).
    - `full_at`: from the rate of the last 1,000 events; None where that is beyond the year that an execution may last.

    - `failure`, `failed_state`, `error`, `cause`: what the last Execution* event says, and the state that its chain of
      `previous_id` leads to. Of a machine's own time-out the state that it was in, and States.Timeout; of several side
      by side the one entered last. StopExecution fails no state.

    Raises NotAHistory for a table without events.
    """
    events = table(events)
    if not len(events):
        raise NotAHistory("There is no event in this table, so there is nothing to sum up; give that of an execution.")
    executions = events.groupby("execution", sort=False, dropna=False)
    found = [_summed(own.sort_values("id", ignore_index=True), now) for _, own in executions]
    return found[0] if len(found) == 1 else pd.DataFrame([one.as_dict() for one in found])


def _summed(events: pd.DataFrame, now: datetime | None) -> Summary:
    execution = str(events["execution"].iloc[0])
    express = ":express:" in execution
    types = [read(name) for name in events["type"]]
    kinds = [reading.kind for reading in types]
    last_said = next((reading.kind for reading in reversed(types) if reading.group is Group.EXECUTION), None)
    status = "RUNNING" if last_said is None else ENDS.get(last_said, "RUNNING")
    stamps = events["timestamp"]
    started = _known(stamps[[kind is Kind.EXECUTION_STARTED for kind in kinds]].min())
    last = _known(stamps.max())
    present = last
    if now is not None and status == "RUNNING":
        # Our clock may be behind AWS's.
        present = max(filter(None, (last, pd.Timestamp(now).tz_convert("UTC"))))
    entered, tried = visits(events), attempts(events)
    waits = entered[entered["type"] == "Wait"]
    duration = present - started if started is not None and present is not None else None
    transitions = _transitions(types, tried, events)
    first, first_failure = _first_failure(events, kinds, entered)
    ended = ending(events)
    return Summary(
        execution=execution,
        status=status,
        **_failure(events, kinds, ended),
        earlier=first_failure if ended is None or first not in (ended.row, ended.shown) else None,
        started=started,
        ended=last if status != "RUNNING" else None,
        duration=duration,
        working=_covered(zip(tried["scheduled"], tried["ended"], tried["status"], strict=True), present),
        waiting=_covered(zip(waits["entered"], waits["exited"], waits["status"], strict=True), present),
        backing_off=_covered(_backoffs(entered, tried, present), present),
        transitions=transitions,
        dollars=_express_dollars(duration) if express else transitions * limits.TRANSITION,
        events=len(events),
        events_limit=None if express else limits.HISTORY_EVENTS,
        full_at=_full_at(stamps, present) if status == "RUNNING" and not express else None,
        first_failure=first_failure,
        redrives=kinds.count(Kind.EXECUTION_REDRIVEN),
        notes=list(events.attrs.get("notes", [])),
    )


def _transitions(types: list[EventType], tried: pd.DataFrame, events: pd.DataFrame) -> int:
    entered = sum(reading.kind is Kind.ENTERED for reading in types)
    retried = int((tried["attempt"] > 1).sum())
    starts = events.loc[[reading.kind is Kind.CONTAINER_STARTED for reading in types], ["branch", "state", "visit"]]
    return entered + retried + int(starts.duplicated().sum())


def _backoffs(entered: pd.DataFrame, tried: pd.DataFrame, present: pd.Timestamp | None) -> list[tuple[Any, Any, Any]]:
    spans = [
        (scheduled - backoff, scheduled, "succeeded")
        for scheduled, backoff in zip(tried["scheduled"], tried["backoff"], strict=True)
        if not pd.isna(backoff) and backoff > pd.Timedelta(0)
    ]
    key = ["branch", "state", "visit"]
    running = entered.loc[(entered["type"] == "Task") & (entered["status"] == "running"), key]
    if running.empty:
        return spans
    latest = tried.drop_duplicates(key, keep="last").merge(running, on=key)
    failed = latest[latest["status"].isin(FAILED_VISIT)]
    return spans + [(ended, present, "running") for ended in failed["ended"]]


def _covered(spans: Iterable[tuple[Any, Any, Any]], present: pd.Timestamp | None) -> pd.Timedelta:
    """The clock time that spans cover together; open ones reach to the present, those of unknown end cover nothing."""
    known: Iterable[Any] = (
        (begin, present if pd.isna(end) and status in OPEN_VISIT else end) for begin, end, status in spans
    )
    total, reach = pd.Timedelta(0), pd.Timestamp.min.tz_localize("UTC")
    for begin, end in sorted(span for span in known if not (pd.isna(span[0]) or pd.isna(span[1]))):
        total += max(end - max(begin, reach), pd.Timedelta(0))
        reach = max(end, reach)
    return total


def _express_dollars(duration: pd.Timedelta | None) -> float:
    steps = limits.EXPRESS_STEPS_A_SECOND
    seconds = math.ceil(duration.total_seconds() * steps) / steps if duration is not None else 0.0
    return limits.EXPRESS_REQUEST + seconds * limits.EXPRESS_LEAST_GB * limits.EXPRESS_GB_SECOND


def _full_at(stamps: "pd.Series[Any]", present: pd.Timestamp | None) -> pd.Timestamp | None:
    recent = stamps.iloc[-1_000:]
    if present is None or len(recent) < _FEWEST_EVENTS or pd.isna(recent.iloc[0]) or present <= recent.iloc[0]:
        return None
    pace, left = (present - recent.iloc[0]) / (len(recent) - 1), limits.HISTORY_EVENTS - len(stamps)
    return present + pace * left if pace.total_seconds() * left < limits.EXECUTION_SECONDS else None


def _failure(events: pd.DataFrame, kinds: list[Kind], ended: Ending | None) -> dict[str, Any]:
    """The fields of a Summary on what ended the execution."""
    if ended is None:
        return dict.fromkeys(("failure", "failed_state", "error", "cause", "failed_at"))
    event, shown, kind = events.iloc[ended.row], events.iloc[ended.shown], kinds[ended.row]
    state = None if ended.state is None else events.iloc[ended.state]
    error, cause = (_text(event[column]) or _text(shown[column]) for column in ("error", "cause"))
    if kind is Kind.EXECUTION_TIMED_OUT:
        error = error or "States.Timeout"
    how = kinds[ended.shown] if kinds[ended.shown] is Kind.ATTEMPT_TIMED_OUT else kind
    return {
        "failure": _sentence(how, state, event["elapsed"], error, cause),
        "failed_state": None if state is None or kind is Kind.EXECUTION_ABORTED else state["state"],
        "error": error,
        "cause": None if cause is None else in_words(cause),
        "failed_at": int(shown["id"]),
    }


def _first_failure(events: pd.DataFrame, kinds: list[Kind], entered: pd.DataFrame) -> tuple[int | None, str | None]:
    """The row of the first failure, and the failure in a sentence that says what became of it."""
    types = events["type"].tolist()
    for row, kind in enumerate(kinds):
        if types[row] != "FailStateEntered" and (kind not in _FAILURES or kind is Kind.EXECUTION_SUCCEEDED):
            continue
        event = events.iloc[row]
        error, cause, outcome = _text(event["error"]), _text(event["cause"]), ""
        state = event if _text(event["state"]) else None
        if state is not None:
            fate = entered[_of_visit(entered, event)]
            if len(fate):
                if types[row] == "FailStateEntered":
                    error, cause = _text(fate["error"].iloc[0]), _text(fate["cause"].iloc[0])
                outcome = _outcome(events, kinds, row, fate["status"].iloc[0])
        return row, _sentence(kind, state, event["elapsed"], error, cause) + outcome
    return None, None


def _outcome(events: pd.DataFrame, kinds: list[Kind], row: int, status: Any) -> str:
    """What became of the failure in a row, given its visit's status."""
    if status == "caught":
        return " It was caught."
    own = _of_visit(events, events.iloc[row]).to_numpy("bool", na_value=False)
    for later in range(row + 1, len(kinds)):
        if kinds[later] is Kind.EXECUTION_REDRIVEN:
            return " A redrive succeeded." if status == "succeeded" else " A redrive took it up again."
        if kinds[later] is Kind.ATTEMPT_SCHEDULED and own[later]:
            break
    return " A later attempt succeeded." if status == "succeeded" else ""


def _of_visit(frame: pd.DataFrame, event: "pd.Series[Any]") -> "pd.Series[bool]":
    """Which rows of a table are of the visit that an event belongs to."""
    same = frame["state"].eq(event["state"]) & frame["visit"].eq(event["visit"]).fillna(False)
    return same & (frame["branch"].isna() if pd.isna(event["branch"]) else frame["branch"].eq(event["branch"]))


_DID = {
    Kind.ATTEMPT_TIMED_OUT: "timed out",
    Kind.EXECUTION_TIMED_OUT: "ran out of time",
    Kind.EXECUTION_ABORTED: "was stopped",
}


def _sentence(kind: Kind, state: Any, elapsed: Any, error: str | None, cause: str | None) -> str:
    """Who failed where, when and why. `state` is a row of its visit, None for none."""
    inside = "" if state is None or not _text(state["branch"]) else f" in {state['branch']}"
    named = "" if state is None else f"'{state['state']}'{inside}"
    if kind in (Kind.EXECUTION_TIMED_OUT, Kind.EXECUTION_ABORTED):
        sentence = f"The execution {_DID[kind]}{' in ' + named if named else ''}"
    else:
        sentence = f"{named or 'The execution'} {_DID.get(kind, 'failed')}"
    sentence += "" if pd.isna(elapsed) else f" after {duration(elapsed)}"
    sentence += f" with {error}" if error else ""
    why = " ".join(_STATE_NAMED.sub("", in_words(cause or "")).split())
    if len(why) > _LONGEST_CAUSE:
        return f"{sentence}: {why[: _LONGEST_CAUSE - 1]}…"
    return (f"{sentence}: {why}" if why else sentence).rstrip(".") + "."


def in_words(cause: str, depth: int = 0) -> str:
    """A cause that is JSON as a sentence: a function's message, how a nested execution ended; any other as it is.

    >>> in_words('{"errorMessage": "no paper", "errorType": "E"}')
    'no paper'
    >>> in_words('{"ExecutionArn": "a:b", "Name": "night", "Status": "FAILED", "Error": "E", "Cause": "no paper"}')
    "the execution 'night' ended FAILED with E: no paper"
    """
    inner = parsed(cause)
    if inner is None and cause.startswith("{"):
        # AWS cuts long causes off, such as that of a nested execution with a large input.
        inner = {name: parsed(value) for name, value in _FIELD.findall(cause)} or None
    if not isinstance(inner, dict) or depth > _DEEPEST_CAUSE:
        return cause
    message: Any = next((inner[key] for key in _MESSAGES if isinstance(inner.get(key), str) and inner[key]), None)
    why = in_words(message, depth + 1) if isinstance(message, str) else ""
    if isinstance(arn := inner.get("ExecutionArn"), str):
        name, status = inner.get("Name") or arn.split(":")[-1], inner.get("Status") or "FAILED"
        error = f" with {inner['Error']}" if inner.get("Error") else ""
        return f"the execution '{name}' ended {status}{error}{': ' + why if why else ''}"
    named = inner.get("errorType") or inner.get("Error")
    return why or (named if isinstance(named, str) else "; ".join(f"{k}: {v}" for k, v in inner.items()))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _known(stamp: Any) -> pd.Timestamp | None:
    return None if pd.isna(stamp) else stamp
