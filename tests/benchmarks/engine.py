"""How fast machines run in process, and how little the engine needs. Run it as a script, or call `measure()`."""

import gc
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import pandas as pd
import psutil

from helpers import engine
from helpers.definition import load
from tests.benchmarks.history import best

EVENTS = 25_000
MACHINES = 1_500
CODE = "import time; begin = time.process_time(); import helpers.engine; print(time.process_time() - begin); input()"


def answer(call: engine.Call) -> Any:
    """What the article's function says, and never that it is done."""
    return {"ExecutedVersion": "$LATEST", "Payload": {"status": "running"}, "StatusCode": 200}


def article() -> list[dict[str, Any]]:
    """The article's loop, run to the limit of its history."""
    return engine.run(load("busy_wait"), {"status": "running"}, answer).events


def five(number: int) -> dict[str, Any]:
    """A machine of five states, with a text of its own."""
    retry = [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2}]
    return {
        "Comment": f"The machine {number}",
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "f", "Payload.$": "$"},
                "ResultSelector": {"status.$": "$.Payload.status"},
                "Retry": retry,
                "Next": "Pause",
            },
            "Pause": {"Type": "Wait", "Seconds": 2, "Next": "IsDone"},
            "IsDone": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.status", "StringEquals": "success", "Next": "Note"}],
                "Default": "Pause",
            },
            "Note": {"Type": "Pass", "Result": {"done": True}, "ResultPath": "$.note", "Next": "End"},
            "End": {"Type": "Succeed"},
        },
    }


def carrying(size: int) -> tuple[float, int]:
    """The bytes that a loop needs which carries a payload of so many characters unchanged, and its events."""
    loop = {
        "StartAt": "Pause",
        "States": {
            "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Again"},
            "Again": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "End"}],
                "Default": "Pause",
            },
            "End": {"Type": "Succeed"},
        },
    }
    data = {"done": False, "text": "x" * size}
    gc.collect()
    tracemalloc.start()
    run = engine.run(loop, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, len(run.events)


def thousand(rounds: int = 5) -> float:
    """Seconds of 1,000 executions of five-state machines, each of a definition not seen before."""
    answers = {"Ask": {"Payload": {"status": "success"}, "StatusCode": 200}}
    times, number = [], 0
    for _ in range(rounds):
        machines = [five(number + index) for index in range(MACHINES)]
        number += MACHINES
        gc.collect()
        begin = time.process_time()
        for machine in machines:
            engine.run(machine, tasks=answers)
        times.append(time.process_time() - begin)
    return min(times) / MACHINES * 1_000


def imported() -> tuple[float, float]:
    """Seconds that importing the engine takes in a fresh interpreter, and the megabytes of that interpreter."""
    took, most = [], []
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-uc", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout
            took.append(float(process.stdout.readline()))
            most.append(psutil.Process(process.pid).memory_info().rss / 1e6)
            process.communicate(b"\n")
    return min(took), min(most)


def measure() -> list[dict[str, Any]]:
    """Times in processor seconds, the first against pandas.json_normalize of the same events; memory in MB."""
    events = article()
    assert len(events) == EVENTS
    plain, ran = best(lambda: pd.json_normalize(events), article)
    seconds, megabytes = imported()
    peak, written = carrying(100_000)
    assert written == EVENTS
    rows: list[tuple[str, float, float | None, str]] = [
        (
            f"the article's loop run to {EVENTS:,} events, s (baseline: json_normalize of them)",
            ran,
            plain,
            "ratio <= 1.0",
        ),
        (
            "1,000 executions of five states, each of a new definition, s (baseline: json_normalize of those events)",
            thousand(),
            plain,
            # 3,500 executions a second, on the computer where the baseline took 0.088 s
            "ratio <= 3.25",
        ),
        ("import of the engine, s", seconds, None, "<= 0.1"),
        ("an interpreter with the engine, MB", megabytes, None, "<= 25"),
        (f"{EVENTS:,} events that carry 100 KB unchanged, MB", peak / 1e6, None, "<= 50"),
    ]
    return [
        {"figure": f, "measured": m, "baseline": b, "ratio": m / b if b else None, "bound": bound}
        for f, m, b, bound in rows
    ]


def main() -> None:
    """Print a line a figure."""
    for row in measure():
        ratio = "" if row["ratio"] is None else f"ratio {row['ratio']:.2f}"
        print(f"{row['figure']:<90} {row['measured']:>10.3f} {ratio:<12} ({row['bound']})", flush=True)


if __name__ == "__main__":
    main()
