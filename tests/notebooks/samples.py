"""Make the stored histories of `notebooks/samples/`: run on a sandbox of their own, and exported as AWS's CLI exports.

python -m tests.notebooks.samples
"""

import json
import pathlib
import sys

from helpers import Lab, connect, deploy, execution
from tests.notebooks.run import clean_sandbox

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "samples"


def endless_loop(lab: Lab) -> str:
    """The article's machine with a function that is never ready, on its way to a history limit of 500 events."""
    function = deploy.function("start_job", lab=lab)
    machine = deploy.deploy("busy_wait", "endless-loop", FunctionArn=function, lab=lab)
    lab.history_limit(500)
    return execution.start(machine.arn, {"seconds": 10}, "endless-loop", lab=lab)


def retries(lab: Lab) -> str:
    """A Retry that does the polling."""
    machine = deploy.deploy("retry_polling", "retries", lab=lab)
    return execution.start(machine.arn, {"seconds": 20}, "retries", lab=lab)


def failed_map(lab: Lab) -> str:
    """A Map in which one of seven orders cannot be packed."""
    machine = deploy.deploy("orders", "failed-map", lab=lab)
    orders = [{"order": number, "do": "raise" if number == 5 else "well"} for number in range(1, 8)]
    return execution.start(machine.arn, {"orders": orders}, "failed-map", lab=lab)


def what_happened(lab: Lab) -> str:
    """A report that was not written: the riddle at the end of the workbench notebook."""
    options = {"misbehave": {"timeout": 30}}
    machine = deploy.deploy("report", "nightly-report", function_options=options, lab=lab)
    told = {"seconds": 8, "stock": {"do": "sleep", "seconds": 4}}
    return execution.start(machine.arn, told, "2026-11-01", lab=lab)


def main() -> int:
    """Make all of them; returns 0."""
    SAMPLES.mkdir(exist_ok=True)
    with clean_sandbox():
        lab = connect()
        for make in (endless_loop, retries, failed_map, what_happened):
            with lab.fast_forward():
                arn = make(lab)
                execution.wait(arn, progress=False, lab=lab)
            lab.history_limit(None)
            described = lab.client("stepfunctions").describe_state_machine_for_execution(executionArn=arn)
            name = make.__name__.replace("_", "-")
            _write(f"{name}.json", {"events": execution.events(arn, lab=lab)})
            _write(f"{name}.asl.json", json.loads(described["definition"]))
    return 0


def _write(name: str, told: object) -> None:
    text = json.dumps(told, indent=1, default=lambda stamp: stamp.isoformat())
    (SAMPLES / name).write_text(f"{text}\n", encoding="utf-8", newline="\n")
    print(f"{name}: {len(text) / 1024:.0f} KB")


if __name__ == "__main__":
    sys.exit(main())
