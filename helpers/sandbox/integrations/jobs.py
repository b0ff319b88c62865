"""What a `.sync` task starts and waits for: how it is looked at, when it has ended, how it is stopped."""

import dataclasses
from collections.abc import Callable
from typing import Any

from helpers.engine import TaskFailed
from helpers.engine.text import text_of
from helpers.sandbox.integrations import services
from helpers.sandbox.integrations.resources import Integration, Service

__all__ = ["Job", "job_of"]

Picked = Callable[[dict[str, Any]], Any]


@dataclasses.dataclass(frozen=True)
class Kind:
    """The jobs of one service. `name` gives from what the start answered what the other actions are asked with.

    `record` is what the service knows of the job, `result` what the task gets of that answer.
    """

    look: str
    asked: Picked
    record: Picked
    result: Picked
    succeeded: Picked  # of the record: True, False, or None while the job goes on
    stop: str
    stopped: Picked


def _by(*path: str, good: tuple[str, ...], bad: tuple[str, ...]) -> Picked:
    """Whether the status at this path of a record is a good end, a bad one, or none (None)."""

    def succeeded(record: dict[str, Any]) -> bool | None:
        status: Any = record
        for name in path:
            status = status.get(name) if status else None
        return True if status in good else False if status in bad else None

    return succeeded


def _task_succeeded(task: dict[str, Any]) -> bool | None:
    if task.get("LastStatus") != "STOPPED":
        return None
    return not any(container.get("ExitCode") for container in task.get("Containers", ()))


KINDS = {
    "athena": Kind(
        "getQueryExecution",
        lambda started: {"QueryExecutionId": started["QueryExecutionId"]},
        lambda found: found["QueryExecution"],
        lambda found: found,
        _by("Status", "State", good=("SUCCEEDED",), bad=("FAILED", "CANCELLED")),
        "stopQueryExecution",
        lambda started: {"QueryExecutionId": started["QueryExecutionId"]},
    ),
    "batch": Kind(
        "describeJobs",
        lambda started: {"jobs": [started["JobId"]]},
        lambda found: found["Jobs"][0],
        lambda found: found["Jobs"][0],
        _by("Status", good=("SUCCEEDED",), bad=("FAILED",)),
        "terminateJob",
        lambda started: {"jobId": started["JobId"], "reason": "The execution that waited for it has ended."},
    ),
    "ecs": Kind(
        "describeTasks",
        lambda started: {"cluster": started["Tasks"][0]["ClusterArn"], "tasks": [started["Tasks"][0]["TaskArn"]]},
        lambda found: found["Tasks"][0],
        lambda found: found["Tasks"][0],
        _task_succeeded,
        "stopTask",
        lambda started: {"cluster": started["Tasks"][0]["ClusterArn"], "task": started["Tasks"][0]["TaskArn"]},
    ),
    "glue": Kind(
        "getJobRun",
        lambda started: {"JobName": started["JobName"], "RunId": started["JobRunId"]},
        lambda found: found["JobRun"],
        lambda found: found["JobRun"],
        _by("JobRunState", good=("SUCCEEDED", "STOPPED"), bad=("FAILED", "TIMEOUT", "ERROR")),
        "batchStopJobRun",
        lambda started: {"JobName": started["JobName"], "JobRunIds": [started["JobRunId"]]},
    ),
}


@dataclasses.dataclass(frozen=True)
class Job:
    """One job that a task has started: `started` is what the service answered."""

    region: str
    service: Service
    kind: Kind
    started: dict[str, Any]

    def result(self) -> Any:
        """What the job gave; None while it goes on. Raises TaskFailed where it failed."""
        response = services.ask(self.region, self.service, self.kind.look, self.kind.asked(self.started))
        found = services.presented(response, self.service, self.kind.look)
        record = self.kind.record(found)
        succeeded = self.kind.succeeded(record)
        if succeeded is False:
            raise TaskFailed("States.TaskFailed", text_of(record))
        return self.kind.result(found) if succeeded else None

    def stop(self) -> None:
        """Stop the job, because nobody waits for it any more. Raises TaskFailed where that cannot be."""
        services.ask(self.region, self.service, self.kind.stop, self.kind.stopped(self.started))


def job_of(region: str, integration: Integration, started: dict[str, Any]) -> Job:
    """The job that a `.sync` task has started."""
    return Job(region, integration.service, KINDS[integration.service.name], started)
