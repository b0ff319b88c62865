"""Make the stored histories of `notebooks/samples/`: run on a sandbox of their own, and exported as AWS's CLI exports.

    python -m tests.notebooks.samples
"""

import contextlib
import json
import os
import pathlib
import shutil
import sys
import tempfile

from helpers import Lab, deploy, execution

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
    folder = tempfile.mkdtemp(prefix="samples-")
    os.environ.update(LAB_SANDBOX_DIR=folder, LAB_TARGET="sandbox", LAB_PREFIX="lab-")
    import helpers
    from helpers import sandbox

    lab = helpers.connect()
    SAMPLES.mkdir(exist_ok=True)
    try:
        for make in (endless_loop, retries, failed_map, what_happened):
            with contextlib.ExitStack() as stack:
                stack.enter_context(lab.fast_forward())
                stack.callback(lab.history_limit, None)
                arn = make(lab)
                execution.wait(arn, progress=False, lab=lab)
            told = {"events": execution.events(arn, lab=lab)}
            described = lab.client("stepfunctions").describe_state_machine_for_execution(executionArn=arn)
            name = make.__name__.replace("_", "-")
            (SAMPLES / f"{name}.json").write_text(_text(told), encoding="utf-8")
            definition = json.loads(described["definition"])
            (SAMPLES / f"{name}.asl.json").write_text(json.dumps(definition, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: {len(told['events'])} events, {(SAMPLES / f'{name}.json').stat().st_size / 1024:.0f} KB")
    finally:
        sandbox.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _text(told: object) -> str:
    return json.dumps(told, indent=1, default=lambda stamp: stamp.isoformat()) + "\n"


if __name__ == "__main__":
    sys.exit(main())
