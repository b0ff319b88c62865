"""What a way of waiting costs: polls, events, transitions, dollars and delay, by simulation before anything runs.

A machine runs on the engine, in virtual time, on answers that come from planned jobs; the ways are the machines of
`definitions/`, with pauses and limits that fit.
"""

import functools
import html
import json
import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from helpers import definition as definitions
from helpers import engine, limits, quantities
from helpers.engine.machine import written
from helpers.errors import PlanRefused
from helpers.rehearsal.example import MadeUp, filled, made_up
from helpers.verbatim import verbatim

if TYPE_CHECKING:
    from helpers.chart import Chart

__all__ = ["PATTERNS", "Pattern", "Suggestion", "chart", "compare_patterns", "fitted", "simulate", "suggest"]

T = TypeVar("T")
Seconds = float | timedelta
Jobs = Seconds | Iterable[Seconds] | Callable[[random.Random], float]

LONGEST_PAUSE = 60  # seconds, in the bounded machines
LONGEST_BACK_OFF = 20  # seconds, in retry_polling
SHARE = 0.2  # of its time that a job may take longer or shorter than it was said to
MOST_RETRIES = 8_000  # what a history has room for, at three events each
RUNS = 200  # of what is promised
COMPARED = 10  # runs of each way that is compared
SAME = 1e-6  # seconds; moments that lie no further apart are one
STARTS = "sfn:startSyncExecution"  # of an Express child


@dataclass(frozen=True)
class Pattern:
    """A way of waiting: a machine of `definitions/`.

    `polling` says whether anybody polls, and so whether functions start the job and ask how it is getting on.
    """

    name: str
    description: str
    polling: bool = True


PATTERNS = {
    pattern.name: pattern
    for pattern in (
        Pattern("recheck", "a loop of Wait, Task and Choice that asks again each turn"),
        Pattern("wait_first", "one long Wait for most of the job's time, and then the loop that asks again"),
        Pattern("bounded", "the same loop, counted, with a pause that doubles"),
        Pattern("counted", "the bounded loop in JSONata, its count kept in a variable"),
        Pattern("retry_polling", "no loop: the function raises NotReady and the Retry asks again"),
        Pattern("standard_parent", "a Standard machine that pauses, with an Express child that asks"),
        Pattern("athena_sync", "one state with .sync: Step Functions does the polling", False),
        Pattern("callback", "a task token: the worker calls back", False),
    )
}


@dataclass(frozen=True)
class Waiting:
    """How a machine waits: the task that `asks`, what it gets until the job is done, and `done` answers for all.

    `pending` is None where nobody asks: then the answer of the task itself comes when the job is done.
    """

    asks: str | None
    pending: Any
    made: MadeUp
    body: Mapping[str, Any]


def simulate(
    definition: Mapping[str, Any],
    jobs: Jobs,
    *,
    call: float = 0.1,
    price: float = 0.0,
    runs: int = RUNS,
    seed: int = 0,
) -> pd.DataFrame:
    """Run a machine that waits for a job, once a job, and calculate what each run costs.

    Any machine will do that polls, by a loop or by a Retry, or that has one task that ends when the job does. The job
    begins as the first task is asked. The task that is asked again and again is found by trying: it gets an answer that
    makes the machine ask again until the job is done, and then, as all other tasks do, one that leads to a good end.

    Parameters
    ----------
    definition
        The machine; its placeholders need no values.
    jobs
        The jobs' seconds: a number or timedelta, several of them, such as the `duration` column of collected visits, or
        a function of a `random.Random`, which gives the seconds of as many jobs as there are `runs`.
    call
        Seconds that one call of a function takes.
    price
        Dollars that the service takes each time it is asked.
    runs, seed
        How many jobs a function gives, and what chance they and the machine's jitter come from.

    Returns
    -------
    A row a run: `duration` (the job's, s), `polls`, `events`, `transitions`, `calls` (of functions; all int64),
    `dollars` (of Step Functions, Lambda and the service), `delay` (s from the job's end until it is noticed; NaN for
    `.sync`, whose own is documented nowhere, and where it never is), `took` (s), `status` (AWS's word), `error` (str,
    missing where there is none).

    Raises PlanRefused for figures that are absurd or no numbers, and DefinitionInvalid.
    """
    call = _call(call)
    price = _number("The price of a call", price, 0.0, 1e6, "dollars")
    if not isinstance(seed, Integral):
        raise PlanRefused(f"The seed must be a whole number, not {seed!r:.40}; the same one gives the same runs.")
    waiting = _waiting(written(definition))
    rows = []
    for at, job in enumerate(_jobs(jobs, runs, seed)):
        ran = _run(waiting, job, call, price, seed + at)
        took = (ran.run.events[-1]["timestamp"] - ran.run.events[0]["timestamp"]).total_seconds()
        rows.append({**ran.figures(job), "took": took, "status": ran.run.status, "error": ran.run.error})
    return pd.DataFrame(rows).astype({"error": "str"})


@dataclass(frozen=True)
class Simulated:
    """A run of a machine that waits for a job, in virtual time.

    `asked` says when each task was asked, in which state and for what, `parts` how many events and transitions came
    before the first of these, and from each to the next.
    """

    waiting: Waiting
    call: float
    price: float
    run: engine.Run
    asked: list[tuple[float, str, str]]
    parts: list[list[int]]

    @property
    def polls(self) -> list[int]:
        """Which of the calls asked for the job."""
        return [at for at, (_, state, _) in enumerate(self.asked) if state == self.waiting.asks]

    def figures(self, duration: float) -> dict[str, Any]:
        """What it came to, where the job took so long."""
        waiting, call, polls = self.waiting, self.call, self.polls
        children = sum(STARTS in resource for *_, resource in self.asked)
        functions = children + sum(":lambda:" in resource for *_, resource in self.asked)  # a child asks one
        transitions = sum(steps for _, steps in self.parts)
        billed = math.ceil(call * limits.EXPRESS_STEPS_A_SECOND) / limits.EXPRESS_STEPS_A_SECOND
        dollars = transitions * limits.TRANSITION + self.price * len(polls)
        dollars += functions * (limits.INVOCATION + call * limits.LAMBDA_LEAST_GB * limits.LAMBDA_GB_SECOND)
        dollars += children * (limits.EXPRESS_REQUEST + billed * limits.EXPRESS_LEAST_GB * limits.EXPRESS_GB_SECOND)
        delay = math.nan
        sync = waiting.pending is None and ".sync" in str(waiting.body.get("Resource"))
        if polls and not sync and self.run.status == "SUCCEEDED":
            late = self.asked[polls[-1]][0] - self.asked[0][0] - duration
            if waiting.pending is None:
                late = max(late, 0)
            if late >= -SAME:
                delay = round(late + call, 6)
        return {
            "duration": duration,
            "polls": 0 if waiting.pending is None else len(polls),
            "events": sum(events for events, _ in self.parts),
            "transitions": transitions,
            "calls": functions,
            "dollars": dollars,
            "delay": delay,
        }

    def shorter(self, duration: float) -> "Simulated | None":
        """How a shorter job would have been waited for: alike, but without the polls after the one that finds it done.

        None where this run came to no good end, and so does not say how that one would have ended.
        """
        done = self.asked[0][0] + duration - SAME
        found = next((at + 1 for at in self.polls if self.asked[at][0] >= done), None)
        if found is None:
            return self
        if self.run.status != "SUCCEEDED":
            return None
        last = self.polls[-1] + 1
        return replace(self, asked=self.asked[:found] + self.asked[last:], parts=self.parts[:found] + self.parts[last:])


def _run(waiting: Waiting, duration: float, call: float, price: float = 0.0, seed: int = 0) -> Simulated:
    asked: list[tuple[float, str, str]] = []

    def answer(asking: engine.Call) -> Any:
        if asking.kind != "task":
            return waiting.made.tasks(asking)
        now = asking.time.timestamp()
        asked.append((now, asking.state, asking.resource))
        left = max(asked[0][0] + duration - now, 0)
        good = waiting.made.answers.get(asking.state, {})
        if asking.state != waiting.asks:
            return engine.Answer(good, call)
        if waiting.pending is None:
            _keep_alive(asking, waiting.body.get("HeartbeatSeconds"))
            return engine.Answer(good, left + call)
        if left <= SAME:
            return engine.Answer(good, call)
        if isinstance(waiting.pending, engine.TaskFailed):
            return engine.TaskFailed(waiting.pending.error, waiting.pending.cause, call)
        return engine.Answer(waiting.pending, call)

    run = engine.run(waiting.made.definition, waiting.made.input, answer, seed=seed)
    parts = [[0, 0]]
    for kind in (event["type"] for event in run.events):
        attempt = kind.endswith("Scheduled")
        if attempt:
            parts.append([0, 0])
        parts[-1][0] += 1
        # Each attempt of a task is a transition, the first with the entering of its state.
        parts[-1][1] += attempt or (kind.endswith("StateEntered") and kind != "TaskStateEntered")
    return Simulated(waiting, call, price, run, asked, parts)


def _keep_alive(call: engine.Call, beat: float | None) -> None:
    """The heartbeats that a worker sends while it works."""
    if beat and call.open:
        call.heartbeat()
        call.execution.scheduler.after(beat / 2, lambda: _keep_alive(call, beat))


@functools.lru_cache(maxsize=256)
def _waiting(text: str) -> Waiting:
    """How a machine waits; one that differs in its numbers only waits as the one before it did."""
    like = _LIKE.get(shape := re.sub(r"\d+", "0", text))
    if like and like.pending is not None:
        made = MadeUp(filled(text), like.made.input, like.made.answers)
        if made.run.status == "SUCCEEDED" and _asks_again(made, str(like.asks), like.pending):
            return Waiting(like.asks, like.pending, made, like.body)
    found = _LIKE[shape] = _found(text)
    return found


_LIKE: dict[str, Waiting] = {}


def _found(text: str) -> Waiting:
    made = made_up(text)
    bodies = {state.name: state.body for state in definitions.states(made.definition) if state.type == "Task"}
    called = list(dict.fromkeys(name for name in _asked(made, made.answers)[0] if name in bodies))
    for name in reversed(called):
        for pending in _pending(bodies[name], made.answers.get(name)):
            if _asks_again(made, name, pending):
                return Waiting(name, pending, made, bodies[name])
    for kind in (r"\.sync|waitForTaskToken", ":activity:", ""):
        for name in reversed(called):
            if re.search(kind, bodies[name]["Resource"]):
                return Waiting(name, None, made, bodies[name])
    return Waiting(None, None, made, {})


def _asks_again(made: MadeUp, name: str, pending: Any) -> bool:
    """Whether a machine asks a task again that gives this answer, and not because it makes the machine fail."""
    asked, run = _asked(made, {**made.answers, name: pending})
    fails = any(event["type"] == "EvaluationFailed" for event in run.events)
    return asked.count(name) > 1 and not fails


def _asked(made: MadeUp, answers: Mapping[str, Any]) -> tuple[list[str], engine.Run]:
    """The tasks that a machine asks, in order, on these answers, in a few hundred events and any time; and the run."""
    asked: list[str] = []

    def answer(call: engine.Call) -> Any:
        asked.append(call.state)
        return answers.get(call.state, {}) if call.kind == "task" else made.tasks(call)

    endless = {**made.definition, "TimeoutSeconds": limits.EXECUTION_SECONDS}
    return asked, engine.run(endless, made.input, answer, limit=200)


def _pending(body: Mapping[str, Any], good: Any) -> Iterator[Any]:
    """Answers that may make a machine ask again."""
    for retrier in body.get("Retry", []):
        for error in retrier["ErrorEquals"]:
            if "." not in error:  # else it is a service's, or the language's own
                yield engine.TaskFailed(error, "not yet")
    yield from _others(good)


def _others(value: Any) -> Iterator[Any]:
    """A value with one leaf after the other changed to what may mean: not yet."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: other} for other in _others(inner))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in _others(inner))
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, str):
        if value.startswith("{"):  # a child's output
            yield from map(json.dumps, _others(json.loads(value)))
        else:
            yield from ("running", "RUNNING")
    elif isinstance(value, int | float):
        yield from (value - 1, value + 1)


def _jobs(jobs: Jobs, runs: int, seed: int = 0) -> list[float]:
    if callable(jobs):
        chance, number = random.Random(seed), int(_number("The number of runs", runs, 1, 1e6, "runs"))
        return [_number("The job's duration", jobs(chance)) for _ in range(number)]
    if isinstance(jobs, str) or not isinstance(jobs, Iterable):
        return [_number("The job's duration", jobs)]
    return [_number("The job's duration", job) for job in _listed("durations to plan for", jobs)]


def _number(
    name: str, value: object, least: float = 0.0, most: float = limits.EXECUTION_SECONDS, unit: str = "seconds"
) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if not isinstance(value, Real) or isinstance(value, bool) or value != value:
        raise PlanRefused(f"{name} must be a number, not {value!r:.40}; give it in {unit}.")
    if not least <= value <= most:  # type: ignore[operator]  # any real number can be compared with a float
        raise PlanRefused(f"{name} must lie between {least:,g} and {most:,.0f} {unit}, and this is not: {value!r:.40}.")
    return float(value)


def _call(seconds: object) -> float:
    return _number("The call's time", seconds, 0.0, 900.0)


def _pause(interval: object) -> int:
    seconds = _number("The interval", interval, 1)
    if seconds % 1:
        raise PlanRefused(f"The interval must be whole seconds, in which a Wait counts, and not {seconds:g}.")
    return int(seconds)


def _listed(what: str, values: Iterable[T]) -> list[T]:
    listed = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else []
    if not listed:
        raise PlanRefused(f"The {what} must be a list with something in it, not {values!r:.40}.")
    return listed


def _pattern(name: str) -> Pattern:
    if not isinstance(name, str) or name not in PATTERNS:
        raise PlanRefused(f"There is no way of waiting named {name!r:.40}; there are: {', '.join(PATTERNS)}.")
    return PATTERNS[name]


def spread(duration: float, runs: int) -> list[float]:
    """Jobs of which some take a fifth longer, and some a fifth shorter."""
    return [duration * (1 - SHARE + 2 * SHARE * (at + 0.5) / runs) for at in range(runs)]


def certain(machine: Mapping[str, Any], jobs: list[float], call: float) -> pd.DataFrame:
    """What `simulate` says of each job, from the longest to the shortest, where a machine leaves nothing to chance.

    Then one run says what shorter jobs come to.
    """
    waiting, ran, rows = _waiting(written(machine)), None, []
    for job in sorted(jobs, reverse=True):
        ran = (ran and ran.shorter(job)) or _run(waiting, job, call)
        rows.append({**ran.figures(job), "status": ran.run.status, "error": ran.run.error})
    return pd.DataFrame(rows).astype({"error": "str"})


def _figures(runs: pd.DataFrame) -> dict[str, Any]:
    """What runs come to on average, in 95 of 100, and at worst."""
    return {
        **runs[["duration", "polls", "transitions", "events", "dollars", "calls"]].mean(),
        "mean_delay": runs["delay"].mean(),
        "p95_delay": runs["delay"].quantile(0.95),
        "worst_delay": runs["delay"].max(),
        "ended_well": runs["status"].eq("SUCCEEDED").mean(),
        "within_limit": bool(runs["events"].max() < limits.HISTORY_EVENTS),
    }


def compare_patterns(
    jobs: Jobs,
    *,
    intervals: Iterable[float] = (2, 10, 60),
    patterns: Iterable[str] = tuple(PATTERNS),
    call: float = 0.1,
) -> pd.DataFrame:
    """Every pattern with every interval: one row each, of simulated runs.

    `jobs` is as `simulate` takes it; of a number, jobs that take up to a fifth longer or shorter. `intervals` are the
    seconds of the (first) pause. The machines' limits are set for the longest job.

    Columns: `pattern` (str), `interval` (s; NaN where nobody polls), `duration` (s), `polls`, `transitions`, `events`,
    `dollars`, `calls` (of functions), each the mean of the runs; `mean_delay`, `p95_delay` and `worst_delay` (s until
    the end is noticed: on average, in 95 of 100 runs, at worst; NaN for `.sync`), `ended_well` (share of the runs),
    `within_limit` (whether no history came to AWS's 25,000 events).

    Raises PlanRefused as `simulate` does, and where there is no interval or no pattern to compare.
    """
    call = _call(call)
    durations = _jobs(jobs, COMPARED)
    durations = spread(durations[0], COMPARED) if isinstance(jobs, Real | timedelta) else durations
    pauses = [_pause(interval) for interval in _listed("intervals to compare", intervals)]
    rows = []
    for name in _listed("patterns to compare", patterns):
        way = _pattern(name)
        for interval in pauses if way.polling else pauses[:1]:
            machine = fitted(name, interval=interval, duration=max(durations), call=call)
            figures = _figures(certain(machine, durations, call))
            rows.append({"pattern": name, "interval": float(interval) if way.polling else math.nan, **figures})
    return pd.DataFrame(rows)


def chart(table: pd.DataFrame) -> "Chart":
    """Dollars against the delay on average, one point per row of `compare_patterns`, labelled with its interval.

    From each point a line leads to the delay that 95 of 100 runs keep. A row whose delay is not known has no point, and
    the legend says so.
    """
    from helpers.chart import Chart

    figure = Chart(8, 4.5)
    axes = figure.subplots()
    table = table.assign(dollars=1000 * table["dollars"])
    for marker, (name, rows) in zip("osD^vPX*", table.groupby("pattern", sort=False), strict=False):
        label = f"{name} (delay not known)" if rows["mean_delay"].isna().all() else str(name)
        (points,) = axes.plot(rows["mean_delay"], rows["dollars"], marker, label=label)
        axes.hlines(rows["dollars"], rows["mean_delay"], rows["p95_delay"], color=points.get_color(), alpha=0.5)
        for row in rows[rows["mean_delay"].notna() & rows["interval"].notna()].itertuples():
            place = (row.mean_delay, row.dollars)
            axes.annotate(f"{row.interval:g} s", place, (0, 6), textcoords="offset points", ha="center", fontsize=8)
        refused = rows[rows["ended_well"] < 1]
        axes.plot(refused["mean_delay"], refused["dollars"], "x", color="black", markersize=12)
    axes.set(yscale="log", ylabel="dollars per 1,000 jobs")
    axes.set_xlabel("delay until noticed (s): on average, and in 95 of 100 runs")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:.2g}")
    axes.set_title("What waiting costs (x: not all runs end well)")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


@dataclass(frozen=True)
class Suggestion:
    """Which way of waiting, with which interval (s; None where nobody polls), and why, in a sentence.

    `definition` is the machine, ready to deploy but for its placeholders, its pause, limits and time-outs set;
    `figures` is its row of `compare_patterns`, of 200 jobs that take up to a fifth longer or shorter.
    """

    pattern: str
    interval: float | None
    reason: str
    figures: pd.Series
    definition: dict[str, Any]

    def __repr__(self) -> str:
        return self.reason

    def _repr_html_(self) -> str:
        return verbatim(f"<p>{html.escape(self.reason)}</p>")


def fitted(
    pattern: str, *, interval: float, duration: float, call: float, longest: float | None = None
) -> dict[str, Any]:
    """The machine of a pattern with its pause set, and its limits wide enough for a job of `duration` and more.

    `interval` is the (first) pause in whole seconds, `longest` that to which it grows where it grows, `duration` the
    longest job's seconds, `call` those of one call. Jitter is taken away: it may use up all attempts before the job's
    time. Raises PlanRefused for an unknown pattern and absurd figures.
    """
    polling, pause = _pattern(pattern).polling, _pause(interval)
    duration, call = _number("The job's duration", duration), _call(call)
    longest = None if longest is None else _number("The longest pause", longest)
    machine = definitions.load("recheck" if pattern == "wait_first" else pattern)
    states = machine["States"]
    room = math.ceil(2 * duration) + 60  # in seconds; a time-out is for the day when the job hangs
    if polling:
        machine["TimeoutSeconds"] = max(machine.get("TimeoutSeconds", 0), room + pause + math.ceil(4 * call))
    for state in states.values():
        if state["Type"] == "Task":
            long = math.ceil(2 * call) + 1 if polling else room
            state["TimeoutSeconds"] = max(state["TimeoutSeconds"], long)
    most = LONGEST_BACK_OFF if pattern == "retry_polling" else LONGEST_PAUSE
    most = max(pause, int(min(longest or most, most)))
    if pattern in ("recheck", "standard_parent", "wait_first"):
        states["Pause"]["Seconds"] = pause
    if pattern == "wait_first":
        # A job may take a fifth less than the shortest of those that may take a fifth more than this one.
        known = int(duration * (1 - SHARE) / (1 + SHARE))
        states["StartJob"]["Next"] = "LongPause"
        states["LongPause"] = {"Type": "Wait", "Seconds": max(known - pause, 0), "Next": "Pause"}
    elif pattern == "bounded":
        states["FirstPause"]["Result"] |= {"pause": pause, "limit": _polls(pause, 2, most, room)}
        states["IsLongEnough"]["Choices"][0]["NumericGreaterThan"] = states["LongestPause"]["Result"] = most
    elif pattern == "counted":
        limit = _polls(pause, 2, most, room)
        states["StartJob"]["Assign"]["pause"] = pause
        states["AskJob"]["Assign"]["pause"] = f"{{% $min([$pause * 2, {most}]) %}}"
        states["IsDone"]["Choices"][-1]["Condition"] = f"{{% $polls >= {limit} %}}"
    elif pattern == "retry_polling":
        backing_off = {"IntervalSeconds": pause, "MaxDelaySeconds": most, "JitterStrategy": "NONE"}
        retries = min(_polls(pause, 1.5, most, room), MOST_RETRIES)
        states["AskJob"]["Retry"][0] |= {**backing_off, "MaxAttempts": retries}
    return machine


def _polls(pause: float, rate: float, most: float, room: float) -> int:
    """How many polls it takes, with pauses that grow by a rate, to fill a time."""
    count, passed = 0, 0.0
    while pause < most:
        count, passed, pause = count + 1, passed + pause, min(pause * rate, most)
    return count + math.ceil(max(room - passed, 0) / most) + 1


def suggest(
    duration: Seconds,
    *,
    within: float | None = None,
    sync: bool = False,
    calls_back: bool = False,
    call: float = 0.1,
) -> Suggestion:
    """The cheapest way to notice a job's end in time, also where the job takes a fifth longer or shorter.

    `duration` is the job's seconds; `within` the seconds in which its end must be noticed (a tenth of the
    duration unless given, at least a second and two calls); `sync` says that the service has a `.sync` integration,
    `calls_back` that the job can be made to call back with a task token. What is suggested has been simulated: of 200
    runs with jobs up to a fifth longer or shorter all end well, and 95 of 100 are noticed in time.

    Raises PlanRefused for absurd figures, for a job that one execution of at most a year may not outlive, and where no
    way of polling notices the end in time within AWS's 25,000 events.
    """
    seconds = _number("The job's duration", duration)
    call = _call(call)
    shortest = 1 + 2 * call  # of pauses, and the calls before and after it
    tolerated = _number("The tolerated delay", max(shortest, seconds / 10) if within is None else within, 0.2)
    longest = (1 + SHARE) * seconds
    if longest + (0 if sync or calls_back else tolerated) > limits.EXECUTION_SECONDS:
        raise PlanRefused(
            "One execution may last a year at most, and waiting for this job may take longer; wait in several."
        )
    jobs = spread(seconds, RUNS)
    if sync or calls_back:
        pattern, reason = SPOKEN["sync" if sync else "calls_back"]
        machine = fitted(pattern, interval=1, duration=longest, call=call)
        figures = {"pattern": pattern, "interval": math.nan, **_figures(certain(machine, jobs, call))}
        return Suggestion(pattern, None, reason, pd.Series(figures), machine)
    # A Wait counts in whole seconds; the call that finds the job done takes its time, too. A pause that is longer than
    # the job spares nothing.
    pause = max(math.floor(min(tolerated - 2 * call, math.ceil(longest))), 1)
    kept = []
    for name, way in PATTERNS.items():
        if not way.polling:
            continue
        grows = name in ("bounded", "counted", "retry_polling")
        interval = min(pause, 2) if grows else pause
        machine = fitted(name, interval=interval, duration=longest, call=call, longest=pause)
        runs = certain(machine, [longest, *jobs], call)
        figures = _figures(runs[1:])
        if runs["status"].eq("SUCCEEDED").all() and figures["p95_delay"] <= tolerated + SAME:
            kept.append((name, float(interval), machine, figures))
    if not kept:
        raise PlanRefused(
            f"No polling notices the end of a {seconds:,.10g} s job within {tolerated:,.10g} s and in 25,000 events; "
            "allow a longer delay, let the job call back, or poll in executions that follow one another."
        )
    name, pauses, machine, figures = min(kept, key=lambda way: way[3]["dollars"])
    in_time = figures["worst_delay"] <= tolerated + SAME
    latest = "the latest was noticed" if in_time else "95 of 100 were noticed in time, the latest"
    polls = quantities.count(round(figures["polls"]), "poll", "polls")
    reason = (
        f"Use {name} with a pause of {pauses:g} s: {PATTERNS[name].description}; of the ways that notice the end "
        f"within {tolerated:g} s it is the cheapest, with about {polls} for "
        f"{quantities.dollars(figures['dollars'])}; in simulated runs with jobs up to a fifth longer or shorter all "
        f"ended well, and {latest} after {figures['worst_delay']:.1f} s."
    )
    best = pd.Series({"pattern": name, "interval": pauses, **figures})
    return Suggestion(name, pauses, reason, best, machine)


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
