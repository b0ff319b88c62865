"""What a task starts and may wait for: queries, executions, and stand-ins for the jobs of Batch, ECS and Glue.

A stand-in is no job: it takes the time and comes to the end that the Lab sets for its state, and is cancelled with
its execution. The Lab may also set what takes the place of a whole task.
"""

import collections
import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from helpers.engine import Answer, Call, TaskFailed
from helpers.engine.failures import PERMISSIONS, TASK_FAILED
from helpers.engine.text import data_of, text_of
from helpers.errors import InvalidSetting
from helpers.sandbox import process
from helpers.sandbox.actions import needs_of
from helpers.sandbox.clock import clock
from helpers.sandbox.identities import Identity, refusal
from helpers.sandbox.integrations import service_call
from helpers.sandbox.integrations.integration import Integration

__all__ = ["WAITED_FOR", "Job", "Started", "ended", "is_job", "jobs", "reset", "stand_in", "stand_ins", "waiting"]

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


stand_ins: dict[str, StandIn] = {}  # by the state's name
_jobs: "collections.deque[Job]" = collections.deque(maxlen=1_000)


def stand_in(arguments: dict[str, Any]) -> dict[str, Any]:
    """Set what stands in for the task of a state, by the state's name, in all machines."""
    seconds = arguments.get("seconds", 1.0)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST:
        raise InvalidSetting(f"A stand-in cannot take {seconds!r} seconds; give 0 to {LONGEST:,}.")
    answer, error, cause = (arguments.get(name) for name in ("answer", "error", "cause"))
    stand_ins[str(arguments["state"])] = StandIn(answer, seconds, error, cause or "")
    return {}


def jobs(_: dict[str, Any]) -> dict[str, Any]:
    """The stand-in jobs that were started, the first first."""
    members = ("id", "state", "service", "status")
    return {"jobs": [{member: getattr(job, member) for member in members} for job in list(_jobs)]}


def reset() -> None:
    """Forget all stand-ins and jobs."""
    stand_ins.clear()
    _jobs.clear()


class Kind(NamedTuple):
    """The jobs of a service: what looks at one and stops it, where it is said why one failed, and what it answers.

    In the answers at its start and at its end stand, in braces, members of what the task asked for, the job's `id`
    and the start of its ARN, `here`.
    """

    look: str
    stop: str
    reason: str
    started: dict[str, Any]
    ended: dict[str, Any]
    good: dict[str, Any]
    bad: dict[str, Any]


_BATCH = {"JobArn": "{here}job/{id}", "JobId": "{id}", "JobName": "{jobName}"}
_TASK = {
    "ClusterArn": "{here}cluster/{cluster}",
    "TaskArn": "{here}task/{cluster}/{id}",
    "TaskDefinitionArn": "{here}task-definition/{taskDefinition}",
}
KINDS = {
    "batch": Kind(
        *("DescribeJobs", "TerminateJob", "StatusReason"),
        _BATCH,
        {**_BATCH, "JobQueue": "{jobQueue}", "JobDefinition": "{jobDefinition}"},
        {"Status": "SUCCEEDED"},
        {"Status": "FAILED"},
    ),
    "ecs": Kind(
        *("DescribeTasks", "StopTask", "StoppedReason"),
        {"Failures": [], "Tasks": [{**_TASK, "LastStatus": "PROVISIONING"}]},
        {**_TASK, "LastStatus": "STOPPED"},
        {"Containers": [{"ExitCode": 0}]},
        {"Containers": [{"ExitCode": 1}]},
    ),
    "glue": Kind(
        *("GetJobRun", "BatchStopJobRun", "ErrorMessage"),
        {"JobName": "{JobName}", "JobRunId": "jr_{id}"},
        {"Id": "jr_{id}", "JobName": "{JobName}"},
        {"JobRunState": "SUCCEEDED"},
        {"JobRunState": "FAILED"},
    ),
}


# What else `.sync` waits for, by the service: the member of requests that names it, what looks at it and what stops it.
WAITED_FOR = {
    "athena": ("QueryExecutionId", "getQueryExecution", "stopQueryExecution"),
    "stepfunctions": ("executionArn", "describeExecution", "stopExecution"),
}
# By the id of what tasks wait for, which may be several: what looks at it again for each.
waiting: dict[str, dict[Call, Callable[[], Any]]] = {}


def ended(identity: str) -> None:
    """Let the tasks that wait for a query, an execution or a job know of its end."""
    for look in list(waiting.pop(identity, {}).values()):
        look()


def is_job(integration: Integration | None) -> bool:
    """Whether what a task asks for is a job that has a stand-in of its own."""
    return integration is not None and not integration.is_sdk and integration.service.name in KINDS


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    text = value.format_map(names) if isinstance(value, str) else value
    # What the task asked for may be an ARN by itself.
    return text[text.rindex("arn:") :] if isinstance(text, str) and text.startswith("arn:") else text


class Started:
    """A query of Athena or an execution that a task has started, and waits for: `answer` is what the service said."""

    def __init__(self, call: Call, integration: Integration, answer: dict[str, Any]) -> None:
        self._parent = call.execution.identity
        self._member, look, stop = WAITED_FOR[integration.service.name]
        self._look, self._stop = (dataclasses.replace(integration, action=action) for action in (look, stop))
        self.id: str = answer[self._member[0].upper() + self._member[1:]]

    def outcome(self) -> Any:
        """What the task ends with; None while it goes on. Raises TaskFailed."""
        found = service_call.presented(self._ask(self._look), self._look)
        record = found.get("QueryExecution", found)
        status = record["Status"]
        status = status["State"] if isinstance(status, dict) else status
        if status in ("QUEUED", "RUNNING"):
            return None
        if status != "SUCCEEDED":
            raise TaskFailed(TASK_FAILED, text_of(record))
        if self._look.pattern == "sync:2":
            found |= {data: data_of(found[data]) for data in ("Input", "Output")}
        return found

    def stop(self) -> None:
        """Stop it, because nobody waits for it any more. Raises TaskFailed."""
        said = f"The Task state in AWS Step Functions execution [{self._parent.arn}] which was managing this resource"
        self._ask(self._stop, **({"cause": f"{said} was aborted"} if self._stop.action == "stopExecution" else {}))

    def _ask(self, integration: Integration, **more: Any) -> dict[str, Any]:
        return service_call.ask(self._parent.region, integration, {self._member: self.id, **more})


class Job:
    """A stand-in for the job that a task starts. Raises TaskFailed where the task's role may not start it, or look."""

    def __init__(self, call: Call, integration: Integration, identity: Identity) -> None:
        self.service, self.state, self.status = integration.service.name, call.state, "RUNNING"
        self.id, self._kind = uuid.uuid4().hex, KINDS[self.service]
        self._stand_in = stand_ins.get(call.state, StandIn())
        self._identity, self._region, self._errors = identity, call.execution.identity.region, integration.service
        here = f"arn:aws:{self.service}:{self._region}:{process.ACCOUNT}:"
        asked = {"cluster": "default", **service_call.parameters_of(call, integration)}
        asked["cluster"] = str(asked["cluster"]).split("/")[-1]
        known = {"id": self.id, "here": here, "jobId": self.id, "tasks": [self.id], "task": self.id}
        self._names: dict[str, Any] = collections.defaultdict(str, asked | known)
        self._may(integration.action[:1].upper() + integration.action[1:])
        if integration.pattern == "sync":
            self._may(self._kind.look)
        _jobs.append(self)
        self._call_off = clock.after(self._stand_in.seconds, self._end)

    @property
    def started(self) -> Any:
        """What the service answers at once."""
        return _filled(self._kind.started, self._names)

    def _end(self) -> None:
        self.status = "SUCCEEDED" if self._stand_in.error is None else "FAILED"
        ended(self.id)

    def outcome(self) -> dict[str, Any] | None:
        """What a task ends with that waits for it; None while it goes on. Raises TaskFailed."""
        stand_in, failed = self._stand_in, self.status == "FAILED"
        if self.status == "RUNNING":
            return None
        record = _filled(self._kind.ended, self._names) | (self._kind.bad if failed else self._kind.good)
        if failed:
            raise TaskFailed(TASK_FAILED, text_of({**record, self._kind.reason: stand_in.cause or stand_in.error}))
        return dict(record | (stand_in.answer if isinstance(stand_in.answer, dict) else {}))

    def stop(self) -> None:
        """Cancel it, because nobody waits for it any more. Raises TaskFailed where the role may not."""
        self._may(self._kind.stop)
        if self.status == "RUNNING":
            self.status = "CANCELLED"
            self._call_off()

    def _may(self, operation: str) -> None:
        for need in needs_of(self.service, self._region, process.ACCOUNT, operation, self._names):
            if said := refusal(self._identity, need, self._region):
                details = f"Service: {self._errors.title}; Status Code: 400; Error Code: AccessDeniedException"
                raise TaskFailed(self._errors.unmodelled, f"{said} ({details})", also=PERMISSIONS)
