"""Activities: queues of tasks that workers of one's own ask for."""

import datetime
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import ActivityDoesNotExist
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy import StateTaskActivity
from moto.stepfunctions.parser.asl.eval.callback.callback import ActivityCallbackEndpoint, CallbackPoolManager
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.activity import ActivityTask

from helpers.sandbox.clock import clock
from helpers.sandbox.interpreter.mending import replace
from helpers.sandbox.states_api import pages, tags
from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.states_api.names import check_name, parse_arn
from helpers.sandbox.states_api.tokens import is_open

__all__ = ["Activity", "mend"]

POLL_SECONDS = 60.0  # how long GetActivityTask waits for a task; API reference


class Activity:
    """An activity and the tasks that no worker has taken yet; moto's interpreter calls `add_task`."""

    def __init__(self, arn: str, name: str, encryption: dict[str, Any]) -> None:
        self.arn = arn
        self.name = name
        self.encryption = encryption
        self.created: datetime.datetime = clock.now()
        self._tasks: deque[ActivityTask] = deque()
        self._arrived = threading.Event()

    def add_task(self, task: ActivityTask) -> None:
        """Put a task behind the others."""
        self._tasks.append(task)
        self._arrived.set()

    def next_task(self, seconds: float) -> ActivityTask | None:
        """The task that has waited longest, None where none comes within `seconds` of real time.

        A worker's poll is not the sandbox's waiting: the clock must not go ahead to its end.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._arrived.clear()
            try:
                return self._tasks.popleft()
            except IndexError:
                if not self._arrived.wait(max(deadline - time.monotonic(), 0)) and not self._tasks:
                    return None


def create_activity(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    name = check_name(arguments["name"])
    arn = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}:activity:{name}"
    given = tags.check(arguments.get("tags", []))
    with backend.lock:
        activity = backend.activities.get(arn)
        encryption = arguments.get("encryptionConfiguration") or {"type": "AWS_OWNED_KEY"}
        if activity is None:
            activity = backend.activities[arn] = Activity(arn, name, encryption)
            backend.tags[arn] = given
        elif activity.encryption != encryption:
            raise StatesError("ActivityAlreadyExists", f"Activity Already Exists: '{arn}'")
    return {"activityArn": arn, "creationDate": activity.created}


def describe_activity(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    activity = _activity(backend, arguments["activityArn"])
    return {
        "activityArn": activity.arn,
        "name": activity.name,
        "creationDate": activity.created,
        "encryptionConfiguration": activity.encryption,
    }


def list_activities(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    activities = sorted(backend.activities.values(), key=lambda activity: str(activity.name))
    shown, token = pages.page("activities", activities, lambda activity: activity.name, arguments)
    return {
        "activities": [
            {"activityArn": activity.arn, "name": activity.name, "creationDate": activity.created} for activity in shown
        ],
        "nextToken": token,
    }


def delete_activity(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    arn = parse_arn(arguments["activityArn"], "activity").arn
    with backend.lock:
        backend.activities.pop(arn, None)
        backend.tags.pop(arn, None)
    return {}


def get_activity_task(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    activity = _activity(backend, arguments["activityArn"])
    deadline = time.monotonic() + POLL_SECONDS
    while True:
        task = activity.next_task(max(deadline - time.monotonic(), 0))
        if task is None:
            return {"taskToken": None, "input": None}
        endpoint = _endpoint(backend, task.task_token)
        if endpoint is not None:  # else the execution went on without the task
            endpoint.notify_activity_task_start(arguments.get("workerName"))
            return {"taskToken": task.task_token, "input": task.task_input}


def _activity(backend: Any, arn: str) -> Activity:
    parse_arn(arn, "activity")
    activity: Activity | None = backend.activities.get(arn)
    if activity is None:
        raise StatesError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    return activity


def _endpoint(backend: Any, token: str) -> ActivityCallbackEndpoint | None:
    for execution in backend.running():
        pool = execution.callbacks()
        endpoint = pool.get(token) if pool else None
        if isinstance(endpoint, ActivityCallbackEndpoint):
            return endpoint if is_open(endpoint) else None
    return None


def _add_activity_task(
    self: CallbackPoolManager, callback_id: str, activity_arn: str, activity_input: str
) -> ActivityCallbackEndpoint:
    activity: Any = self._activity_store.get(activity_arn)
    if activity is None:
        raise ActivityDoesNotExist(activity_arn)
    endpoint = ActivityCallbackEndpoint(callback_id=callback_id, activity_input=activity_input)
    self._pool[callback_id] = endpoint
    activity.add_task(ActivityTask(task_token=callback_id, task_input=activity_input))
    return endpoint


def _input(original: Callable[[Any, Any], Any], self: StateTaskActivity, env: Any) -> str:
    return to_json_str(original(self, env), separators=(",", ":"))


def _evaluate(original: Callable[[Any, Any], None], self: StateTaskActivity, env: Any) -> None:
    try:
        original(self, env)
    finally:
        task = env.states.context_object.context_object_data.get("Task")
        endpoint = env.callback_pool_manager.get(task["Token"]) if task else None
        if endpoint is not None:
            endpoint.interrupt_all()


def mend() -> None:
    """Let workers meet the tasks of moto's interpreter."""
    # A task's token is good from the moment a worker can have it; moto queues the task first.
    replace(CallbackPoolManager, "add_activity_task", _add_activity_task)
    # A worker gets its input as JSON; moto hands over a text as it is.
    parameters = StateTaskActivity._eval_parameters
    replace(StateTaskActivity, "_eval_parameters", lambda self, env: _input(parameters, self, env))
    # The token of a task that was answered, timed out or stopped is closed; moto leaves an activity's open.
    original = StateTaskActivity._eval_execution
    replace(StateTaskActivity, "_eval_execution", lambda self, env: _evaluate(original, self, env))
