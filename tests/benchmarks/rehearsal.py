"""How many recorded executions are rehearsed a second. Run it as a script, or call `measure()`."""

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from helpers import engine
from helpers.definition import load
from helpers.rehearsal import check

EXECUTIONS = 4_000
ARN = "arn:aws:lambda:us-east-1:123456789012:function:asked"


def recorded() -> list[dict[str, Any]]:
    """A history of thirteen events: the article's machine, asked and done at once."""
    answer = {"ExecutedVersion": "$LATEST", "Payload": {"status": "success"}, "StatusCode": 200}
    return engine.run(load("busy_wait", FunctionArn=ARN), {}, lambda call: engine.Answer(answer, 0.3)).events


def per_second(histories: list[Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Executions rehearsed a second, by the clock or in processor seconds."""
    definition = load("busy_wait", FunctionArn=ARN)
    begin = clock()
    found = check(definition, histories, progress=False)
    took = clock() - begin
    assert found["parted"].isna().all()
    return len(histories) / took


def measure() -> list[dict[str, Any]]:
    """Executions in a second of one processor, and by the clock on as many as there are against that."""
    events = recorded()
    assert len(events) == 13
    few = [events] * 1_000  # which are done in one process
    alone = max(per_second(few, time.process_time) for _ in range(5))
    one = max(per_second(few) for _ in range(5))
    cores = multiprocessing.cpu_count()
    many = max(per_second([events] * EXECUTIONS) for _ in range(3))
    return [
        {
            "figure": "executions of thirteen events rehearsed a second, one core",
            "measured": alone,
            "bound": ">= 1,000",
        },
        {
            "figure": f"executions of thirteen events rehearsed a second, {cores} cores (baseline: one)",
            "measured": many,
            "baseline": one,
            "ratio": many / one,
            "bound": "ratio >= 1.7" if cores > 1 else "",
        },
    ]


def main() -> None:
    """Print a line a figure."""
    for row in measure():
        ratio = f"ratio {row['ratio']:.2f}" if "ratio" in row else ""
        print(f"{row['figure']:<70} {row['measured']:>10.0f} {ratio:<12} ({row['bound']})", flush=True)


if __name__ == "__main__":
    main()
