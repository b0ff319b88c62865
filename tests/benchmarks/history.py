"""How fast histories become tables, and how much memory they take. Run it as a script, or call `measure()`."""

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from helpers import history

START = datetime(2026, 1, 1, tzinfo=UTC)
PAYLOAD = '{"status": "RUNNING", "id": "0f1e2d3c", "message": "Hello, World!"}'
EVENTS = 25_000


def loop(size: int) -> list[dict[str, Any]]:
    """The history of a loop that waits, asks and decides, nine events a turn, as boto3 would give it."""
    return [
        {
            "timestamp": START + timedelta(milliseconds=250 * number),
            "type": kind,
            "id": number,
            "previousEventId": 0 if number == 2 else number - 1,
            **({key: details} if key else {}),
        }
        for number, (kind, key, details) in zip(range(1, size + 1), _loop(), strict=False)
    ]


def _loop() -> Iterator[tuple[str, str, dict[str, Any]]]:
    whole = {"truncated": False}
    task = {"resource": "invoke", "resourceType": "lambda"}
    entered, exited = "stateEnteredEventDetails", "stateExitedEventDetails"
    turn = (
        *((f"WaitState{end}", f"state{end}EventDetails") for end in ("Entered", "Exited")),
        ("TaskStateEntered", entered),
        ("TaskScheduled", "taskScheduledEventDetails"),
        ("TaskStarted", "taskStartedEventDetails"),
        ("TaskSucceeded", "taskSucceededEventDetails"),
        ("TaskStateExited", exited),
        *((f"ChoiceState{end}", f"state{end}EventDetails") for end in ("Entered", "Exited")),
    )
    yield "ExecutionStarted", "executionStartedEventDetails", {"input": "{}", "inputDetails": dict(whole)}
    while True:
        for kind, key in turn:
            name = {"name": kind.partition("State")[0] + "ForTheJob"}
            if key == entered:
                yield kind, key, {**name, "input": PAYLOAD, "inputDetails": dict(whole)}
            elif key == exited:
                yield kind, key, {**name, "output": PAYLOAD, "outputDetails": dict(whole)}
            elif kind == "TaskScheduled":
                yield kind, key, {**task, "region": "us-east-1", "parameters": PAYLOAD}
            elif kind == "TaskStarted":
                yield kind, key, dict(task)
            else:
                yield kind, key, {**task, "output": PAYLOAD, "outputDetails": dict(whole)}


def spread(size: int) -> list[dict[str, Any]]:
    """The history of a Map whose iterations, forty at a time, each run one task, their events in turns."""
    lane = (
        ("MapIterationStarted", "mapIterationStartedEventDetails"),
        ("TaskStateEntered", "stateEnteredEventDetails"),
        ("TaskScheduled", "taskScheduledEventDetails"),
        ("TaskStarted", "taskStartedEventDetails"),
        ("TaskSucceeded", "taskSucceededEventDetails"),
        ("TaskStateExited", "stateExitedEventDetails"),
        ("MapIterationSucceeded", "mapIterationSucceededEventDetails"),
    )
    events: list[dict[str, Any]] = []

    def add(kind: str, previous: int, key: str, details: dict[str, Any]) -> None:
        number = len(events) + 1
        stamp = START + timedelta(milliseconds=10 * number)
        events.append({"timestamp": stamp, "type": kind, "id": number, "previousEventId": previous, key: details})

    add("ExecutionStarted", 0, "executionStartedEventDetails", {"input": "{}"})
    add("MapStateEntered", 0, "stateEnteredEventDetails", {"name": "Each", "input": PAYLOAD})
    add("MapStateStarted", 2, "mapStateStartedEventDetails", {"length": size // len(lane)})
    wave = 0
    while len(events) < size:
        for step, (kind, key) in enumerate(lane):
            for index in range(40):
                details: dict[str, Any] = {"resource": "invoke", "resourceType": "lambda"}
                if kind.startswith("MapIteration"):
                    details = {"name": "Each", "index": 40 * wave + index}
                elif kind.startswith("TaskState"):
                    details = {"name": "Work", "input" if kind.endswith("Entered") else "output": PAYLOAD}
                add(kind, len(events) - 39 if step else 3, key, details)
        wave += 1
    return events[:size]


def best(*calls: Callable[[], object], rounds: int = 9) -> list[float]:
    """The least processor time of each call in seconds, over rounds in which they take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, own in zip(calls, times, strict=True):
            gc.collect()
            begin = time.process_time()
            call()
            own.append(time.process_time() - begin)
    return [min(own) for own in times]


def tables(events: list[dict[str, Any]]) -> tuple[pd.DataFrame, ...]:
    """All three tables of a history."""
    frame = history.events(events)
    return frame, history.visits(frame), history.attempts(frame)


def memory(events: list[dict[str, Any]]) -> float:
    """The bytes an event that making the three tables takes at the most, without the payloads.

    Python's own memory at its peak, and the Arrow memory of text columns, which tracemalloc does not see, at its end.
    """
    payloads = sum(
        len(details.get(name, ""))
        for event in events
        for details in event.values()
        if isinstance(details, dict)
        for name in ("input", "output", "parameters", "cause")
    )
    tables(events)
    gc.collect()
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    kept = tables(events)
    peak = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before
    tracemalloc.stop()
    del kept
    return (peak - payloads) / len(events)


def measure(most: int = 1_000_000) -> list[dict[str, Any]]:
    """Times in seconds against pandas.json_normalize of the same list, growth up to `most` events, bytes an event."""
    rows = []
    for name, make in (("a loop", loop), ("a Map", spread)):
        listed = make(EVENTS)
        frame = history.events(listed)
        plain, read, gathered = best(
            lambda listed=listed: pd.json_normalize(listed),  # type: ignore[misc]
            lambda listed=listed: history.events(listed),  # type: ignore[misc]
            lambda frame=frame: (history.visits(frame), history.attempts(frame)),  # type: ignore[misc]
        )
        for figure, took in (("events", read), ("visits and attempts", gathered)):
            rows.append(
                {
                    "figure": f"{figure} of {EVENTS:,} events of {name}, s (baseline: json_normalize)",
                    "measured": took,
                    "baseline": plain,
                    "ratio": took / plain,
                    "bound": "ratio <= 0.5",
                }
            )
    rows.append(
        {
            "figure": f"memory to make all tables of {EVENTS:,} events, besides payloads, bytes an event",
            "measured": memory(loop(EVENTS)),
            "baseline": None,
            "ratio": None,
            "bound": "<= 1,024",
        }
    )
    size, smaller = most // 100, 0.0
    while size <= most:
        listed = loop(size)
        (took,) = best(lambda listed=listed: tables(listed), rounds=5 if size < most else 2)  # type: ignore[misc]
        if smaller:
            rows.append(
                {
                    "figure": f"all tables of {size:,} events, s (baseline: of {size // 10:,})",
                    "measured": took,
                    "baseline": smaller,
                    "ratio": took / smaller,
                    "bound": "ratio <= 13",
                }
            )
        size, smaller = size * 10, took
    return rows


def main() -> None:
    """Print a line a figure."""
    for row in measure():
        ratio = "" if row["ratio"] is None else f"ratio {row['ratio']:.2f}"
        print(f"{row['figure']:<90} {row['measured']:>10.3f} {ratio:<12} ({row['bound']})", flush=True)


if __name__ == "__main__":
    main()
