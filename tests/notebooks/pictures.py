"""Make the pictures of the README from executions really run, on a sandbox of their own.

python -m tests.notebooks.pictures
"""

import os
import pathlib
import shutil
import sys
import tempfile

from helpers import deploy, diagram, execution, history

PICTURES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "pictures"


def main() -> int:
    """Make all of them; returns 0."""
    folder = tempfile.mkdtemp(prefix="pictures-")
    os.environ.update(LAB_SANDBOX_DIR=folder, LAB_TARGET="sandbox", LAB_PREFIX="lab-")
    import helpers
    from helpers import sandbox

    lab = helpers.connect()
    PICTURES.mkdir(exist_ok=True)
    try:
        start_job = deploy.function("start_job", lab=lab)
        lab.history_limit(500)
        for name, machine in {
            "busy-wait": deploy.deploy("busy_wait", lab=lab),
            "trap": deploy.deploy("busy_wait", "trap", FunctionArn=start_job, lab=lab),
            "cure": deploy.deploy("recheck", "cure", lab=lab),
        }.items():
            with lab.fast_forward():
                run = execution.start(machine.arn, {"seconds": 10}, lab=lab)
                execution.wait(run, progress=False, lab=lab)
            visits = history.visits(history.events(execution.events(run, lab=lab)))
            drawn = diagram.draw(machine.definition, visits=None if name == "busy-wait" else visits)
            if name == "busy-wait":
                drawn = drawn.recoloured(dict(zip(visits["state"], visits["status"], strict=True)))
            (PICTURES / f"{name}.png").write_bytes(drawn.png())
            print(f"{name}: {drawn.sentence()}")
    finally:
        sandbox.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
