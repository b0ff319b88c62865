"""How fast the states of a large store are summed up, and in how much memory. Run as a script, or call `measure()`."""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from helpers import engine, history
from helpers.execution import Execution
from helpers.history import store

EVENTS = 10_000_000
EXECUTIONS = 200  # in a file, as `collect` writes them
ARN = "arn:aws:states:us-east-1:123456789012:execution:orders:part-0-"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
WAIT = {"Type": "Wait", "Seconds": 5, "Next": "Each"}
TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}}
RETRY = [{"ErrorEquals": ["Busy"], "MaxAttempts": 4, "BackoffRate": 1.5}]
DEFINITION = {
    "StartAt": "Pause",
    "States": {
        "Pause": WAIT,
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {
                "StartAt": "Pack",
                "States": {
                    "Pack": {**TASK, "Retry": RETRY, "Next": "Ship"},
                    "Ship": {"Type": "Pass", "End": True},
                },
            },
            "End": True,
        },
    },
}
SUM = """
import resource, sys, time
from helpers.history import fleet
begin = time.perf_counter()
found = fleet.states(sys.argv[1])
took = time.perf_counter() - begin
assert found["count"].sum() > 0 and found["error_rate"].max() > 0 and found["retries"].sum() > 0
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def answered(number: int) -> Any:
    """What tasks of an execution answer: now and then busy, and in one execution of twenty out of stock."""

    def answer(call: Any) -> Any:
        if number % 20 == 7 and call.branch.endswith("[9]"):
            raise engine.TaskFailed("OutOfStock", f"no more of item {number}", 0.2)
        if (number + len(call.branch)) % 5 == 0 and call.attempt == 1:
            raise engine.TaskFailed("Busy", seconds=0.1)
        return engine.Answer({"Payload": "x" * 200}, 0.5 + 0.01 * (number % 90))

    return answer


def make(folder: Path, events: int = EVENTS) -> int:
    """A store of at least so many events, in files as `collect` writes them; returns how many events it holds."""
    batch = []
    began = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(EXECUTIONS):
        run = engine.run(DEFINITION, {"items": list(range(24))}, answered(number), start=began)
        one = Execution(f"{ARN}{number}", f"part-0-{number}", MACHINE, run.status, began, began + timedelta(minutes=1))
        batch.append((one, history.events(run.events, execution=one.arn)))
    store.add(folder, batch)
    size = sum(len(frame) for _, frame in batch)
    for path in list(folder.rglob("*.parquet")):
        table = pq.read_table(path, partitioning=None)
        at = table.column_names.index("execution")
        for part in range(1, -(-events // size)):
            names = pc.replace_substring(table["execution"], "part-0-", f"part-{part}-")
            pq.write_table(table.set_column(at, "execution", names), path.with_stem(f"{path.stem}-{part}"))
    return size * -(-events // size)


def measure() -> list[dict[str, Any]]:
    """Seconds and MB to sum up 10 million events, in a process of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        events = make(Path(folder))
        ran = subprocess.run([sys.executable, "-c", SUM, folder], capture_output=True, text=True, check=True)
    took, megabytes = map(float, ran.stdout.split())
    what = f"the states of a store of {events / 1e6:.0f} million events summed up"
    return [
        {"figure": f"{what}, s", "measured": took, "bound": "<= 60"},
        {"figure": f"{what}, MB of the process", "measured": megabytes, "bound": "<= 1,000"},
    ]


def main() -> None:
    """Print a line a figure."""
    for row in measure():
        print(f"{row['figure']:<80} {row['measured']:>8.1f}  ({row['bound']})", flush=True)


if __name__ == "__main__":
    main()
