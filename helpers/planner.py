"""What a way of waiting costs: polls, events, transitions, dollars and delay, reckoned before anything runs.

The ways are the machines of `definitions/`; what each costs per poll is the number of events and
transitions that an execution of that machine shows in its history.

Prices are those of us-east-1 in November 2026, of x86 functions and without what is free each month
(https://aws.amazon.com/step-functions/pricing/ and https://aws.amazon.com/lambda/pricing/); quotas those of the
developer guide in the same month (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from helpers import definition as definitions
from helpers.errors import PlanRefused

if TYPE_CHECKING:
    from helpers.chart import Chart

__all__ = ["PATTERNS", "Pattern", "Suggestion", "chart", "compare_patterns", "fitted", "plan", "suggest"]

T = TypeVar("T")

DOLLARS_PER_TRANSITION = 0.025 / 1000
DOLLARS_PER_EXPRESS_REQUEST = 1.00 / 1_000_000
DOLLARS_PER_EXPRESS_GB_SECOND = 0.00001667
DOLLARS_PER_INVOCATION = 0.20 / 1_000_000
DOLLARS_PER_LAMBDA_GB_SECOND = 0.0000166667
HISTORY_LIMIT = 25_000  # events of a Standard execution
LONGEST_EXECUTION = 365 * 24 * 3600  # seconds, of a Standard execution
MEMORY_GB = 0.125  # the least that a function can have
EXPRESS_MEMORY_GB = 0.0625  # the least that is billed, in steps of 100 ms
LONGEST_PAUSE = 60.0  # seconds, in the bounded machines
LONGEST_BACK_OFF = 20.0  # seconds, in retry_polling
MARGIN = 1.2  # a job may take a fifth longer than it was said to
MOST_RETRIES = 8_000  # what a history has room for, at three events each


@dataclass(frozen=True)
class Pattern:
    """A way of waiting: the machine of that name in `definitions/`, as figures.

    `pauses(interval)` yields the seconds before each poll. `events` and `transitions` are
    (before the first poll, a poll, between two polls, at the end); `detour` says of a pause whether the
    way that follows it leads through one state more, which costs two events and one transition. `polling`
    says whether anybody polls, and so whether functions start the job and ask how it is getting on.
    `express` says whether each poll is an Express execution;
    `delay_known` whether AWS documents how soon the end is noticed.
    """

    name: str
    description: str
    pauses: Callable[[float], Iterator[float]]
    events: tuple[int, int, int, int]
    transitions: tuple[int, int, int, int]
    detour: Callable[[float], bool] = lambda pause: False
    polling: bool = True
    express: bool = False
    delay_known: bool = True


def _steady(interval: float) -> Iterator[float]:
    return repeat(interval)


def _doubling(interval: float) -> Iterator[float]:
    """The pauses of the bounded machines: the first as long as asked, then twice the last, at most 60 s."""
    pause = interval
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE)


def _retries(interval: float) -> Iterator[float]:
    """The back-offs of `retry_polling` without its jitter: none at first, then half as much again, at most 20 s."""
    yield 0.0
    pause = interval
    while True:
        yield min(pause, LONGEST_BACK_OFF)
        pause *= 1.5


def _told(interval: float) -> Iterator[float]:
    """Nobody polls: whoever does the job says when it is done."""
    return iter(())


PATTERNS = {
    pattern.name: pattern
    for pattern in (
        Pattern(
            "recheck",
            "a loop of Wait, Task and Choice that asks again each turn",
            _steady,
            events=(6, 9, 0, 3),
            transitions=(1, 3, 0, 1),
        ),
        Pattern(
            "bounded",
            "the same loop, counted, with a pause that doubles up to a minute",
            _doubling,
            events=(8, 9, 4, 3),
            transitions=(2, 3, 2, 1),
            detour=lambda pause: pause * 2 > LONGEST_PAUSE,
        ),
        Pattern(
            "counted",
            "the bounded loop in JSONata, its count kept in a variable",
            _doubling,
            events=(6, 9, 0, 3),
            transitions=(1, 3, 0, 1),
        ),
        Pattern(
            "retry_polling",
            "no loop: the function raises NotReady and the Retry asks again",
            _retries,
            events=(7, 3, 0, 4),
            transitions=(1, 1, 0, 1),
        ),
        Pattern(
            "standard_parent",
            "a Standard machine that pauses, with an Express child that asks",
            _steady,
            events=(6, 9, 0, 3),
            transitions=(1, 3, 0, 1),
            express=True,
        ),
        Pattern(
            "athena_sync",
            "one state with .sync: Step Functions does the polling",
            _told,
            events=(7, 0, 0, 1),
            transitions=(1, 0, 0, 0),
            polling=False,
            delay_known=False,
        ),
        Pattern(
            "callback",
            "a task token: the worker calls back",
            _told,
            events=(7, 0, 0, 3),
            transitions=(1, 0, 0, 1),
            polling=False,
        ),
    )
}


def _number(name: str, value: object, least: float = 0.0, most: float = LONGEST_EXECUTION) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if not isinstance(value, Real) or isinstance(value, bool) or value != value:
        raise PlanRefused(f"{name} must be a number, not {value!r}; give it in seconds.")
    if not least <= value <= most:  # type: ignore[operator]  # any real number can be compared with a float
        raise PlanRefused(
            f"{name} must lie between {least:,g} and {most:,.0f} seconds, and this is not: {value!r:.40}."
        )
    return float(value)


def _pattern(name: str) -> Pattern:
    if not isinstance(name, str) or name not in PATTERNS:
        raise PlanRefused(f"There is no way of waiting named {name!r}; there are: {', '.join(PATTERNS)}.")
    return PATTERNS[name]


def _listed(what: str, values: Iterable[T]) -> list[T]:
    listed = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else []
    if not listed:
        raise PlanRefused(f"The {what} must be a list with something in it, not {values!r}.")
    return listed


def _durations(duration: float | timedelta | Iterable[float | timedelta]) -> list[float]:
    if isinstance(duration, str) or not isinstance(duration, Iterable):
        return [_number("The job's duration", duration)]
    return [_number("The job's duration", value) for value in _listed("durations to plan for", duration)]


def _polls(pattern: Pattern, duration: float, interval: float, call: float) -> tuple[int, int, float]:
    """How often the job is asked until it is found done, how many detours that takes, and the last gap in seconds."""
    asked, polls, detours = call, 0, 0
    last = math.nan
    for pause in pattern.pauses(interval):
        detours += polls > 0 and pattern.detour(last)
        polls += 1
        asked += pause
        if asked >= duration:
            return polls, detours, pause + call
        if pause == last:  # the pauses grow no more, so the rest is a division
            left = math.ceil((duration - asked) / (pause + call))
            return polls + left, detours + left * pattern.detour(pause), pause + call
        asked += call
        last = pause
    return polls, detours, call


def _figures(pattern: Pattern, duration: float, interval: float, call: float) -> dict[str, float]:
    polls, detours, gap = _polls(pattern, duration, interval, call)
    gap = gap if pattern.delay_known else math.nan
    between = max(polls - 1, 0)

    def total(parts: tuple[int, int, int, int]) -> int:
        return parts[0] + parts[1] * polls + parts[2] * between + parts[3]

    events = total(pattern.events) + 2 * detours
    transitions = total(pattern.transitions) + detours
    invocations = 1 + polls if pattern.polling else 0
    dollars = transitions * DOLLARS_PER_TRANSITION
    dollars += invocations * (DOLLARS_PER_INVOCATION + call * MEMORY_GB * DOLLARS_PER_LAMBDA_GB_SECOND)
    if pattern.express:
        billed = math.ceil(call * 10) / 10
        dollars += polls * (DOLLARS_PER_EXPRESS_REQUEST + billed * EXPRESS_MEMORY_GB * DOLLARS_PER_EXPRESS_GB_SECOND)
    return {
        "duration": duration,
        "polls": polls,
        "transitions": transitions,
        "events": events,
        "dollars": dollars,
        "mean_delay": gap / 2,
        "worst_delay": gap,
        "calls": polls,
        "within_limit": events <= HISTORY_LIMIT,
    }


def plan(
    pattern: str,
    duration: float | timedelta | Iterable[float | timedelta],
    *,
    interval: float = 2.0,
    call: float = 0.1,
) -> pd.Series:
    """What waiting for one job costs.

    `pattern` is a key of `PATTERNS`; `duration` the job's seconds (or a timedelta), or those of many jobs, such as
    the `duration` column of collected visits; `interval` the seconds of the (first) pause; `call` the seconds
    that one call of a function takes. Limits that a machine sets on the number of its polls are taken as
    high enough, jitter as none, and nothing as failing. A worker that calls back is heard after one call's time; how
    soon `.sync` notices the end is not known.

    Returns a Series with `pattern`, `interval`, `duration` (s, the mean), `polls`, `transitions`, `events`,
    `dollars`, `calls` (of the service that does the job) per job, each the mean over the durations;
    `mean_delay` and `worst_delay` (s, NaN for `.sync`) from the job's end until it is noticed, where the end may fall
    anywhere between two polls; and `within_limit`: whether every history keeps to AWS's 25,000 events.

    Raises PlanRefused for an unknown pattern and for figures that are negative, absurd or no numbers.
    """
    way = _pattern(pattern)
    interval = _number("The interval", interval, 0.1)
    call = _number("The call's time", call, 0.0, 900.0)
    jobs = pd.DataFrame([_figures(way, seconds, interval, call) for seconds in _durations(duration)])
    figures: dict[str, object] = {"pattern": pattern, "interval": interval}
    figures |= {str(name): mean for name, mean in jobs.drop(columns="within_limit").mean().items()}
    figures["worst_delay"] = jobs["worst_delay"].max()
    figures["within_limit"] = bool(jobs["within_limit"].all())
    return pd.Series(figures)


def compare_patterns(
    duration: float | timedelta | Iterable[float | timedelta],
    *,
    intervals: Iterable[float] = (2.0, 10.0, 60.0),
    patterns: Iterable[str] = tuple(PATTERNS),
    call: float = 0.1,
) -> pd.DataFrame:
    """Every pattern with every interval: one row each, with the columns of `plan`.

    A pattern in which nobody polls has no interval and gets one row. Raises PlanRefused as `plan` does, and where
    there is no interval or no pattern to compare.
    """
    durations = _durations(duration)
    pauses = _listed("intervals to compare", intervals)
    rows = [
        plan(name, durations, interval=interval, call=call)
        for name in _listed("patterns to compare", patterns)
        for interval in (pauses if _pattern(name).polling else pauses[:1])
    ]
    table = pd.DataFrame(rows).reset_index(drop=True).infer_objects()
    table.loc[[not PATTERNS[name].polling for name in table["pattern"]], "interval"] = math.nan
    return table


def chart(table: pd.DataFrame) -> "Chart":
    """Dollars against worst delay, one point a row of `compare_patterns`, a line through each pattern's intervals.

    A row whose delay is not known has no point, and the legend says so.
    """
    from helpers.chart import Chart

    figure = Chart(8, 4.5)
    axes = figure.subplots()
    for marker, (name, rows) in zip("osD^vPX", table.groupby("pattern", sort=False), strict=False):
        label = f"{name} (delay not known)" if rows["worst_delay"].isna().all() else str(name)
        axes.plot(rows["worst_delay"], rows["dollars"], marker=marker, label=label)
        refused = rows[~rows["within_limit"]]
        axes.plot(refused["worst_delay"], refused["dollars"], "x", color="black", markersize=12)
    axes.set(xscale="log", yscale="log", xlabel="worst delay until noticed (s)", ylabel="dollars per job")
    axes.set_title("What waiting costs (x: more than 25,000 events)")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


@dataclass(frozen=True)
class Suggestion:
    """Which way of waiting, with which interval (s; None where nobody polls), and why, in a sentence.

    `definition` is the machine, ready to deploy but for its placeholders, with room for jobs that take a fifth longer.
    """

    pattern: str
    interval: float | None
    reason: str
    figures: pd.Series
    definition: dict[str, Any]

    def __repr__(self) -> str:
        return self.reason


def fitted(pattern: str, *, interval: float, duration: float, call: float) -> dict[str, Any]:
    """The machine of a pattern with its pause set, and its limits wide enough for a job of `duration` and more.

    `interval` is the (first) pause in whole seconds, `duration` the job's seconds, `call` those of one call. Jitter is
    taken away: it may use up all attempts before the job's time. Raises PlanRefused as `plan` does.
    """
    machine = definitions.load(pattern)
    states = machine["States"]
    room = math.ceil(2 * duration)  # in seconds; a time-out is for the day when the job hangs
    if "TimeoutSeconds" in machine:
        machine["TimeoutSeconds"] = max(machine["TimeoutSeconds"], room)
    for state in states.values():
        if state["Type"] == "Task":
            long = math.ceil(2 * call) if _pattern(pattern).polling else room
            state["TimeoutSeconds"] = max(state["TimeoutSeconds"], long)
    pause = int(interval)
    polls = 2 * math.ceil(plan(pattern, duration, interval=interval, call=0)["polls"])
    if pattern in ("recheck", "standard_parent"):
        states["Pause"]["Seconds"] = pause
    elif pattern == "bounded":
        states["FirstPause"]["Result"] |= {"pause": pause, "limit": polls}
    elif pattern == "counted":
        states["StartJob"]["Assign"]["pause"] = pause
        states["IsDone"]["Choices"][-1]["Condition"] = f"{{% $polls >= {polls} %}}"
    elif pattern == "retry_polling":
        limits = {"IntervalSeconds": pause, "MaxAttempts": min(polls, MOST_RETRIES), "JitterStrategy": "NONE"}
        states["AskJob"]["Retry"][0] |= limits
    return machine


def suggest(
    duration: float | timedelta,
    *,
    within: float | None = None,
    sync: bool = False,
    calls_back: bool = False,
    call: float = 0.1,
) -> Suggestion:
    """The cheapest way to notice a job's end in time, also where the job takes a fifth longer or shorter.

    `duration` is the job's seconds; `within` the seconds in which its end must be noticed (a tenth of the
    duration unless given, at least one second); `sync` says that the service has a `.sync` integration,
    `calls_back` that the job can be made to call back with a task token.

    Raises PlanRefused for absurd figures, for a job that one execution of at most a year may not outlive, and where no
    way of polling notices the end in time within AWS's 25,000 events.
    """
    seconds = _number("The job's duration", duration)
    call = _number("The call's time", call, 0.0, 900.0)
    tolerated = _number("The tolerated delay", max(1.0, seconds / 10) if within is None else within, 0.2)
    longest = MARGIN * seconds
    if longest + tolerated > LONGEST_EXECUTION:
        raise PlanRefused("One execution may last a year at most, and this job may take longer; wait in several.")
    if sync or calls_back:
        pattern, reason = SPOKEN["sync" if sync else "calls_back"]
        machine = fitted(pattern, interval=1, duration=longest, call=call)
        return Suggestion(pattern, None, reason, plan(pattern, seconds, call=call), machine)
    # A Wait counts in whole seconds.
    interval = float(max(math.floor(tolerated - call), 1))
    fitting = []
    for name, way in PATTERNS.items():
        pause = interval if way.pauses is _steady else min(interval, 2.0)
        worst = plan(
            name, longest, interval=pause, call=call
        )  # pauses never shrink, so no shorter job is noticed later
        if way.polling and worst["within_limit"] and worst["worst_delay"] <= tolerated + 1e-6:
            fitting.append(plan(name, seconds, interval=pause, call=call))
    if not fitting:
        raise PlanRefused(
            f"No polling notices the end of a {seconds:,.10g} s job within {tolerated:,.10g} s and in 25,000 events; "
            "allow a longer delay, let the job call back, or poll in executions that follow one another."
        )
    best = min(fitting, key=lambda figures: figures["dollars"])
    way = PATTERNS[best["pattern"]]
    machine = fitted(way.name, interval=best["interval"], duration=longest, call=call)
    reason = (
        f"Use {way.name} with a pause of {best['interval']:g} s: {way.description}; "
        f"of the ways that notice the end within {tolerated:g} s it is the cheapest, "
        f"with about {best['polls']:.0f} polls for ${best['dollars']:.6f}"
    )
    if way.name == "retry_polling":
        most = machine["States"]["AskJob"]["Retry"][0]["MaxAttempts"]
        reason += f"; its definition here has room for up to {most} polls and no jitter"
    return Suggestion(way.name, best["interval"], f"{reason}.", best, machine)


SPOKEN = {
    "sync": (
        "athena_sync",
        "Use .sync: one state and one transition, and Step Functions does the polling.",
    ),
    "calls_back": (
        "callback",
        "Use a task token: the job calls back when it is done, nobody polls, and a heartbeat, which the job must send "
        "at least every minute, shows that it lives.",
    ),
}
