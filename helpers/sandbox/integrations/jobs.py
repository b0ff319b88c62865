"""Jobs that a task starts and may wait for: Athena's queries, and stand-ins for those of Batch, ECS and Glue.

A stand-in is no job: it takes the time and comes to the end that the Lab sets for its state, and is cancelled with
its execution. The Lab may also set what takes the place of a whole task.
"""

import collections
import dataclasses
import uuid
from collections.abc import Callable
from typing import Any

from helpers.engine import Answer, Call, TaskFailed
from helpers.engine.failures import PERMISSIONS, TASK_FAILED
from helpers.engine.text import text_of
from helpers.errors import InvalidSetting
from helpers.sandbox import process
from helpers.sandbox.actions import needs_of
from helpers.sandbox.identities import Identity, refusal
from helpers.sandbox.integrations import services
from helpers.sandbox.integrations.resources import Integration, Service
from helpers.sandbox.integrations.shapes import pascal

__all__ = ["KINDS", "Job", "Query", "jobs", "reset", "stand_in", "standing_in"]

LONGEST = 366 * 86_400  # seconds; a Standard execution runs for a year at most


@dataclasses.dataclass(frozen=True)
class StandIn:
    """What the Lab sets for a state: its answer, after so many seconds; or its error."""

    answer: Any = None
    seconds: float = 1.0
    error: str | None = None
    cause: str = ""

    def outcome(self) -> Answer | TaskFailed:
        """What the task ends with."""
        if self.error is not None:
            return TaskFailed(self.error, self.cause, self.seconds)
        return Answer({} if self.answer is None else self.answer, self.seconds)


_stand_ins: dict[str, StandIn] = {}
_jobs: "collections.deque[Job]" = collections.deque(maxlen=1_000)


def stand_in(arguments: dict[str, Any]) -> dict[str, Any]:
    """Set what stands in for the task of a state, by the state's name, in all machines."""
    seconds = arguments.get("seconds", 1.0)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST:
        raise InvalidSetting(f"A stand-in cannot take {seconds!r} seconds; give 0 to {LONGEST:,}.")
    _stand_ins[str(arguments["state"])] = StandIn(
        arguments.get("answer"), seconds, arguments.get("error"), arguments.get("cause") or ""
    )
    return {}


def standing_in(state: str) -> StandIn | None:
    """What stands in for a state; None where nothing does."""
    return _stand_ins.get(state)


def jobs(_: dict[str, Any]) -> dict[str, Any]:
    """The stand-in jobs that were started, the first first."""
    return {"jobs": [{"id": job.id, "state": job.state, "service": job.service, "status": job.status} for job in _jobs]}


def reset() -> None:
    """Forget all stand-ins and jobs."""
    _stand_ins.clear()
    _jobs.clear()


@dataclasses.dataclass(frozen=True)
class Kind:
    """The jobs of a service: what looks at one and stops it, where its end is said and why, and what it answers.

    `end` holds a good and a bad end; `started` and `record` give what the service knows of a job, from its id, the
    start of its ARN and what the task asked for.
    """

    look: str
    stop: str
    reason: str
    end: tuple[dict[str, Any], dict[str, Any]]
    started: Callable[[str, str, dict[str, Any]], dict[str, Any]]
    record: Callable[[str, str, dict[str, Any]], dict[str, Any]]


def _task(identity: str, here: str, asked: dict[str, Any]) -> dict[str, Any]:
    cluster = str(asked.get("cluster") or "default").split("/")[-1]
    task, definition = f"{here}task/{cluster}/{identity.replace('-', '')}", str(asked.get("taskDefinition"))
    definition = definition if definition.startswith("arn:") else f"{here}task-definition/{definition}"
    return {"ClusterArn": f"{here}cluster/{cluster}", "TaskArn": task, "TaskDefinitionArn": definition}


def _batch_job(identity: str, here: str, asked: dict[str, Any]) -> dict[str, Any]:
    return {"JobArn": f"{here}job/{identity}", "JobId": identity, "JobName": asked.get("jobName")}


KINDS = {
    "batch": Kind(
        "DescribeJobs",
        "TerminateJob",
        "StatusReason",
        ({"Status": "SUCCEEDED"}, {"Status": "FAILED"}),
        _batch_job,
        lambda identity, here, asked: {
            **_batch_job(identity, here, asked),
            **{
                pascal(name): asked[name]
                for name in ("jobQueue", "jobDefinition", "parameters", "tags")
                if name in asked
            },
        },
    ),
    "ecs": Kind(
        "DescribeTasks",
        "StopTask",
        "StoppedReason",
        ({"Containers": [{"ExitCode": 0}]}, {"Containers": [{"ExitCode": 1}]}),
        lambda *job: {
            "Failures": [],
            "Tasks": [{**_task(*job), "LastStatus": "PROVISIONING", "DesiredStatus": "RUNNING"}],
        },
        lambda *job: {**_task(*job), "LastStatus": "STOPPED", "DesiredStatus": "STOPPED"},
    ),
    "glue": Kind(
        "GetJobRun",
        "BatchStopJobRun",
        "ErrorMessage",
        ({"JobRunState": "SUCCEEDED"}, {"JobRunState": "FAILED"}),
        lambda identity, here, asked: {"JobName": asked.get("JobName"), "JobRunId": f"jr_{identity.replace('-', '')}"},
        lambda identity, here, asked: {
            "Id": f"jr_{identity.replace('-', '')}",
            "JobName": asked.get("JobName"),
            **({"Arguments": asked["Arguments"]} if "Arguments" in asked else {}),
        },
    ),
}


class Job:
    """A stand-in for the job that a task starts. Raises TaskFailed where the task's role may not start it, or look."""

    def __init__(self, call: Call, integration: Integration, identity: Identity) -> None:
        self.service, self.state, self.status = integration.service.name, call.state, "RUNNING"
        self.id, self._kind, self._told = str(uuid.uuid4()), KINDS[self.service], standing_in(call.state) or StandIn()
        self._asked = services.parameters_of(call, self.service, integration.action)
        self._identity, self._region, self._errors = identity, call.execution.identity.region, integration.service
        self._names = {**self._asked, "jobId": self.id, "tasks": [self.id], "task": self.id}
        self._may(integration.action[:1].upper() + integration.action[1:])
        if integration.pattern == "sync":
            self._may(self._kind.look)
        _jobs.append(self)

    @property
    def started(self) -> dict[str, Any]:
        """What the service answers at once."""
        return self._kind.started(self.id, self._here, self._asked)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self._told.seconds

    def end(self) -> dict[str, Any] | TaskFailed:
        """End it as it was told, if it was not cancelled; what a task ends with that waits for it."""
        told, (good, bad) = self._told, self._kind.end
        record = self._kind.record(self.id, self._here, self._asked) | (good if told.error is None else bad)
        if self.status == "RUNNING":
            self.status = "SUCCEEDED" if told.error is None else "FAILED"
        if told.error is not None:
            return TaskFailed(TASK_FAILED, text_of({**record, self._kind.reason: told.cause or told.error}))
        return record | (told.answer if isinstance(told.answer, dict) else {})

    def cancel(self) -> None:
        """Stop it, because nobody waits for it any more, if the role may."""
        try:
            self._may(self._kind.stop)
        except TaskFailed:
            return
        if self.status == "RUNNING":
            self.status = "CANCELLED"

    @property
    def _here(self) -> str:
        return f"arn:aws:{self.service}:{self._region}:{process.ACCOUNT}:"

    def _may(self, operation: str) -> None:
        for need in needs_of(self.service, self._region, process.ACCOUNT, operation, self._names):
            if said := refusal(self._identity, need, self._region):
                details = f"Service: {self._errors.title}; Status Code: 400; Error Code: AccessDeniedException"
                error = f"{self._errors.errors}.{self._errors.unmodelled}"
                raise TaskFailed(error, f"{said} ({details})", also=PERMISSIONS)


@dataclasses.dataclass(frozen=True)
class Query:
    """A query of Athena that a task has started: `started` is what Athena answered."""

    region: str
    service: Service
    started: dict[str, Any]

    def result(self) -> Any:
        """What the query gave; None while it goes on. Raises TaskFailed where it failed."""
        found = services.presented(self._ask("getQueryExecution"), self.service, "getQueryExecution")
        state = found["QueryExecution"]["Status"]["State"]
        if state in ("FAILED", "CANCELLED"):
            raise TaskFailed(TASK_FAILED, text_of(found["QueryExecution"]))
        return found if state == "SUCCEEDED" else None

    def stop(self) -> None:
        """Stop the query, because nobody waits for it any more. Raises TaskFailed where that cannot be."""
        self._ask("stopQueryExecution")

    def _ask(self, action: str) -> dict[str, Any]:
        asked = {"QueryExecutionId": self.started["QueryExecutionId"]}
        return services.ask(self.region, self.service, action, asked)
