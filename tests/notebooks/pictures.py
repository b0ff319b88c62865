"""Make the pictures of the README from executions really run, on a sandbox of their own.

python -m tests.notebooks.pictures
"""

import pathlib
import sys

import pandas as pd

from helpers import Lab, connect, deploy, diagram, execution, history
from tests.notebooks.run import clean_sandbox

PICTURES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "pictures"


def main() -> int:
    """Make all of them; returns 0."""
    PICTURES.mkdir(exist_ok=True)
    with clean_sandbox():
        lab = connect()
        lab.history_limit(500)
        start_job = deploy.function("start_job", lab=lab)
        article = deploy.deploy("busy_wait", lab=lab)
        visits = _visits(article, lab)
        statuses = dict(zip(visits["state"], visits["status"], strict=True))
        _write("busy-wait", diagram.draw(article.definition, statuses))
        trap = deploy.deploy("busy_wait", "trap", FunctionArn=start_job, lab=lab)
        _write("trap", diagram.draw(trap.definition, visits=_visits(trap, lab)))
        cure = deploy.deploy("recheck", "cure", lab=lab)
        _write("cure", diagram.draw(cure.definition, visits=_visits(cure, lab)))
    return 0


def _visits(machine: deploy.Deployment, lab: Lab) -> pd.DataFrame:
    """The visits of an execution with a job of ten seconds, run under fast-forward."""
    with lab.fast_forward():
        run = execution.start(machine.arn, {"seconds": 10}, lab=lab)
        execution.wait(run, progress=False, lab=lab)
    return history.visits(history.events(execution.events(run, lab=lab)))


def _write(name: str, drawn: diagram.Diagram) -> None:
    (PICTURES / f"{name}.png").write_bytes(drawn.png())
    print(f"{name}: {drawn.sentence()}")


if __name__ == "__main__":
    sys.exit(main())
