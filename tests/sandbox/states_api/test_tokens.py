"""Activities and task tokens: work that is done elsewhere."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

import helpers
from helpers.sandbox.states_api import tokens
from helpers.sandbox.states_api.backend import StatesBackend
from tests.sandbox.states_api.conftest import Machines, refused, types

WAITING = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"MessageBody.$": "$$.Task.Token"},
    "End": True,
}
DONE = ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")


@pytest.fixture
def queue(lab: helpers.Lab) -> Iterator[Any]:
    """A queue that tells the next token put into it."""
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName=f"tokens-{uuid.uuid4().hex[:8]}")["QueueUrl"]

    class Queue:
        def task(self, **fields: Any) -> dict[str, Any]:
            parameters = {**WAITING["Parameters"], "QueueUrl": url}  # type: ignore[dict-item]
            return {"StartAt": "Ask", "States": {"Ask": {**WAITING, "Parameters": parameters, **fields}}}

        def token(self) -> str:
            deadline = time.monotonic() + 20
            while not (messages := sqs.receive_message(QueueUrl=url).get("Messages")):
                assert time.monotonic() < deadline
            body: str = messages[0]["Body"]
            return body

    yield Queue()
    sqs.delete_queue(QueueUrl=url)


def test_success_gives_the_task_its_output(states: Any, machine: Machines, queue: Any, until: Any) -> None:
    arn = states.start_execution(stateMachineArn=machine(queue.task()))["executionArn"]
    token = queue.token()
    assert refused(states.send_task_success, taskToken=token, output="{")[0] == "InvalidOutput"
    states.send_task_heartbeat(taskToken=token)
    states.send_task_success(taskToken=token, output='{"a":1}')
    found = until(arn)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"a": 1})
    for again in (
        lambda: refused(states.send_task_success, taskToken=token, output="1"),
        lambda: refused(states.send_task_failure, taskToken=token),
        lambda: refused(states.send_task_heartbeat, taskToken=token),
    ):
        assert again() == DONE


def test_failure_gives_the_task_its_error_and_cause(states: Any, machine: Machines, queue: Any, until: Any) -> None:
    arn = states.start_execution(stateMachineArn=machine(queue.task()))["executionArn"]
    states.send_task_failure(taskToken=queue.token(), error="Worn", cause="It was old.")
    found = until(arn)
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Worn", "It was old.")


def test_a_missing_heartbeat_ends_the_task_and_closes_its_token(
    states: Any, machine: Machines, queue: Any, until: Any, lab: helpers.Lab
) -> None:
    arn = states.start_execution(stateMachineArn=machine(queue.task(HeartbeatSeconds=30)))["executionArn"]
    token = queue.token()
    with lab.fast_forward():
        found = until(arn)
    assert found["status"] == "FAILED"
    assert "TaskTimedOut" in types(states, arn)
    assert refused(states.send_task_success, taskToken=token, output="1") == DONE


def test_the_token_of_a_stopped_execution_is_closed(states: Any, machine: Machines, queue: Any) -> None:
    arn = states.start_execution(stateMachineArn=machine(queue.task()))["executionArn"]
    token = queue.token()
    states.stop_execution(executionArn=arn)
    assert refused(states.send_task_success, taskToken=token, output="1") == DONE


def test_a_token_of_nobody_is_invalid(states: Any) -> None:
    for operation, more in (("success", {"output": "1"}), ("failure", {}), ("heartbeat", {})):
        found = refused(getattr(states, f"send_task_{operation}"), taskToken="rubbish", **more)
        assert found == ("InvalidToken", "Invalid Token: 'Invalid token'")


@pytest.fixture
def activity(states: Any) -> Iterator[str]:
    arn: str = states.create_activity(name=f"a-{uuid.uuid4().hex[:8]}")["activityArn"]
    yield arn
    states.delete_activity(activityArn=arn)


def working(activity: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": activity, "End": True, **fields}}}


def test_an_activity_is_done_by_a_worker(states: Any, machine: Machines, activity: str, until: Any) -> None:
    arn = states.start_execution(stateMachineArn=machine(working(activity)), input='{"a":1}')["executionArn"]
    task = states.get_activity_task(activityArn=activity, workerName="worker 7")
    assert json.loads(task["input"]) == {"a": 1}
    states.send_task_success(taskToken=task["taskToken"], output='{"b":2}')
    found = until(arn)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"b": 2})
    events = states.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in events][2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert events[2]["activityScheduledEventDetails"]["resource"] == activity
    assert events[3]["activityStartedEventDetails"] == {"workerName": "worker 7"}


def test_a_worker_that_waits_gets_the_task_when_it_comes(states: Any, machine: Machines, activity: str) -> None:
    got: list[dict[str, Any]] = []
    worker = threading.Thread(target=lambda: got.append(states.get_activity_task(activityArn=activity)))
    worker.start()
    arn = states.start_execution(stateMachineArn=machine(working(activity)))["executionArn"]
    worker.join(20)
    states.send_task_failure(taskToken=got[0]["taskToken"], error="Tired")
    assert "ActivityStarted" in types(states, arn)


def test_a_task_that_nobody_waits_for_any_more_is_passed_over(
    states: Any, machine: Machines, activity: str, until: Any
) -> None:
    arn = machine(working(activity))
    stopped = states.start_execution(stateMachineArn=arn, input='"old"')["executionArn"]
    deadline = time.monotonic() + 20
    while "ActivityScheduled" not in types(states, stopped):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    states.stop_execution(executionArn=stopped)
    states.start_execution(stateMachineArn=arn, input='"new"')
    assert states.get_activity_task(activityArn=activity)["input"] == '"new"'


@pytest.mark.parametrize("how", ["deleted", "reset"])
def test_the_poll_of_an_activity_that_is_gone_ends(how: str) -> None:
    """Else its worker would miss for a minute what the next activity of that name has to do."""
    backend = StatesBackend("us-east-1", "123456789012")
    asked = {"activityArn": tokens.create_activity(backend, {"name": "gone"})["activityArn"]}
    polls = threading.Event()

    class Watched(SimpleQueue[Any]):
        def get(self, *given: Any, **named: Any) -> Any:
            polls.set()
            return super().get(*given, **named)

    backend.activities[asked["activityArn"]].tasks = Watched()
    found: list[dict[str, Any]] = []
    worker = threading.Thread(target=lambda: found.append(tokens.get_activity_task(backend, asked)), daemon=True)
    worker.start()
    assert polls.wait(20)
    backend.reset() if how == "reset" else tokens.delete_activity(backend, asked)
    tokens.create_activity(backend, {"name": "gone"})
    worker.join(20)
    assert found == [{}]


def test_an_activity_times_out_without_a_worker(
    states: Any, machine: Machines, activity: str, until: Any, lab: helpers.Lab
) -> None:
    definition = working(activity, TimeoutSeconds=60)
    arn = states.start_execution(stateMachineArn=machine(definition))["executionArn"]
    with lab.fast_forward():
        found = until(arn)
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    assert types(states, arn)[2:] == ["ActivityScheduled", "ActivityTimedOut", "ExecutionFailed"]


def test_activities_are_made_once_listed_and_deleted(states: Any, activity: str) -> None:
    name = activity.rpartition(":")[2]
    assert states.create_activity(name=name)["activityArn"] == activity
    assert states.describe_activity(activityArn=activity)["name"] == name
    assert activity in [one["activityArn"] for one in states.list_activities()["activities"]]
    states.tag_resource(resourceArn=activity, tags=[{"key": "a", "value": "1"}])
    assert states.list_tags_for_resource(resourceArn=activity)["tags"] == [{"key": "a", "value": "1"}]
    states.delete_activity(activityArn=activity)
    for operation in ("describe_activity", "get_activity_task"):
        found = refused(getattr(states, operation), activityArn=activity)
        assert found == ("ActivityDoesNotExist", f"Activity Does Not Exist: '{activity}'")
