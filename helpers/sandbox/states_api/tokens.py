"""Tasks that wait for somebody outside: activities, whose workers ask for them, and task tokens, which answer them."""

import contextlib
import datetime
import queue
import time
import uuid
import weakref
from functools import partial
from typing import Any

from helpers import engine
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import pages, tags
from helpers.sandbox.states_api.backend import StatesBackend, backend_of
from helpers.sandbox.states_api.names import check_name, parse_arn
from helpers.sandbox.states_api.states_error import StatesError

__all__ = ["Activity", "calls", "enqueue"]

# How long GetActivityTask waits for a task (API reference), and how often it looks whether its activity is still there.
POLL_SECONDS, LOOK_SECONDS = 60.0, 1.0
# By the tokens that were handed out; what ends is forgotten.
calls: weakref.WeakValueDictionary[str, engine.Call] = weakref.WeakValueDictionary()


class Activity:
    """An activity and the tasks that no worker has taken yet."""

    def __init__(self, arn: str, name: str, encryption: dict[str, Any]) -> None:
        self.arn, self.name, self.encryption = arn, name, encryption
        self.created: datetime.datetime = clock.now()
        self.tasks: queue.SimpleQueue[engine.Call] = queue.SimpleQueue()

    def describe(self) -> dict[str, Any]:
        """The members of DescribeActivity's answer."""
        return {
            "activityArn": self.arn,
            "name": self.name,
            "creationDate": self.created,
            "encryptionConfiguration": self.encryption,
        }


def create_activity(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
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
    return activity.describe()


def describe_activity(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    return _activity(backend, arguments["activityArn"]).describe()


def list_activities(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    return pages.listed("activities", "activities", list(backend.activities.items()), arguments)


def delete_activity(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    arn = parse_arn(arguments["activityArn"], "activity").arn
    with backend.lock:
        backend.activities.pop(arn, None)
        backend.tags.pop(arn, None)
    return {}


def get_activity_task(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    activity = _activity(backend, arguments["activityArn"])
    # A worker's poll is not the sandbox's waiting: its end is in real time, to which the clock does not go ahead.
    deadline = time.monotonic() + POLL_SECONDS
    # From one that is deleted meanwhile nothing comes any more: the next poll finds the new one of its name.
    while (left := deadline - time.monotonic()) > 0 and backend.activities.get(activity.arn) is activity:
        with contextlib.suppress(queue.Empty):
            call = activity.tasks.get(timeout=min(left, LOOK_SECONDS))
            if clock.call(partial(_take, call, arguments.get("workerName"))):
                return {"taskToken": call.token, "input": call.text}
    return {}


def _take(call: engine.Call, worker: str | None) -> bool:
    """Whether the task still waits for a worker; if so, it has one now."""
    if call.open:
        call.start(worker)
    return call.open


def enqueue(call: engine.Call) -> None:
    """Put a task into its activity's queue; the task fails where there is no such activity."""
    parts = call.resource.split(":")
    try:
        _activity(backend_of(parts[4], parts[3]), call.resource).tasks.put(call)
    except StatesError as error:
        call.fail(error.code, error.message)


def _activity(backend: StatesBackend, arn: str) -> Activity:
    parse_arn(arn, "activity")
    activity = backend.activities.get(arn)
    if activity is None:
        raise StatesError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    return activity


def send_task_success(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    output = arguments["output"]
    try:
        engine.data_of(output)
    except ValueError as error:
        raise StatesError("InvalidOutput", f"Invalid Output: '{error}'") from None
    clock.call(lambda: _open(arguments["taskToken"]).succeed_by_token(output))
    return {}


def send_task_failure(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    clock.call(lambda: _open(arguments["taskToken"]).fail_by_token(arguments.get("error"), arguments.get("cause")))
    return {}


def send_task_heartbeat(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    clock.call(lambda: _open(arguments["taskToken"]).heartbeat())
    return {}


def _is_out() -> bool:
    """Whether somebody outside can still answer a task."""
    outside = (one for one in calls.values() if ":activity:" in one.resource or one.resource.endswith("TaskToken"))
    return any(one.open for one in outside)


clock.token_is_out = _is_out


def _open(token: str) -> engine.Call:
    """The call behind a token, which still waits: not answered, not timed out, not stopped."""
    call = calls.get(token)
    if call is not None and call.open and not call.answered:
        return call
    try:
        uuid.UUID(token)
    except ValueError:
        raise StatesError("InvalidToken", "Invalid Token: 'Invalid token'") from None
    raise StatesError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
