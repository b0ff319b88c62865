"""Histories of the kinds that the recordings lack, recorded on the sandbox, rehearse to themselves."""

import json
from typing import Any

import pytest

import helpers
from helpers import deploy, execution
from helpers.rehearsal import rehearse
from tests.engine.driving import machine, passing, task

ASLEEP = {"Type": "Wait", "Seconds": 600, "End": True}


class Place:
    """Runs machines on the sandbox, each to its end."""

    def __init__(self, lab: helpers.Lab) -> None:
        self.lab, self.states = lab, lab.client("stepfunctions")

    def started(self, name: str, definition: Any, given: Any = None) -> str:
        arn = deploy.state_machine(f"rehearsed-{name}", definition, lab=self.lab)
        return execution.start(arn, given or {}, lab=self.lab)

    def ended(self, run: str) -> list[dict[str, Any]]:
        with self.lab.fast_forward():
            execution.wait(run, progress=False, lab=self.lab)
        return execution.events(run, lab=self.lab)


@pytest.fixture(scope="module")
def place(lab: helpers.Lab) -> Place:
    return Place(lab)


def unchanged(events: list[dict[str, Any]], definition: Any) -> None:
    """Rehearsed, a history is as it was: types, links and payloads."""
    rehearsal = rehearse(events, definition)
    assert rehearsal.parted is None

    def said(history: Any) -> Any:
        kept = [{key: value for key, value in event.items() if key != "timestamp"} for event in history]
        return json.loads(json.dumps(kept, default=str))

    assert said(rehearsal._raw) == said(events)


def test_an_activity_and_a_stop(place):
    activity = place.states.create_activity(name=place.lab.name("rehearsed"))["activityArn"]
    definition = machine(Ask=task(activity, HeartbeatSeconds=60, Next="Sleep"), Sleep=ASLEEP)
    run = place.started("activity", definition)
    work = place.states.get_activity_task(activityArn=activity, workerName="worker")
    place.states.send_task_heartbeat(taskToken=work["taskToken"])
    place.states.send_task_success(taskToken=work["taskToken"], output='{"done": true}')
    while not any(event["type"] == "WaitStateEntered" for event in execution.events(run, lab=place.lab)):
        pass
    place.states.stop_execution(executionArn=run, error="Enough", cause="by hand")
    unchanged(execution.events(run, lab=place.lab), definition)
    place.states.delete_activity(activityArn=activity)


def test_a_nested_execution_and_a_token(place):
    child = deploy.state_machine("rehearsed-child", machine(passing(Result={"x": 1})), lab=place.lab)
    queue = place.lab.client("sqs").create_queue(QueueName=place.lab.name("rehearsed"))["QueueUrl"]
    parameters = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token", "at.$": "$$.State.EnteredTime"}}
    definition = machine(
        Child=task("arn:aws:states:::states:startExecution.sync:2", Parameters={"StateMachineArn": child}, Next="Ask"),
        Ask=task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", Parameters=parameters, Next="Id"),
        Id=passing(Parameters={"id.$": "States.UUID()", "run.$": "$$.Execution.Id"}),
    )
    run = place.started("token", definition)
    messages: list[Any] = []
    while not messages:
        messages = place.lab.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", [])
    token = json.loads(messages[0]["Body"])["token"]
    place.states.send_task_success(taskToken=token, output="7")
    unchanged(place.ended(run), definition)


def test_what_timed_out_and_was_redriven(place):
    definition = {**machine(First=passing(Next="Sleep"), Sleep={**ASLEEP, "Seconds": 15}), "TimeoutSeconds": 10}
    run = place.started("redriven", definition)
    events = place.ended(run)
    assert events[-1]["type"] == "ExecutionTimedOut"
    unchanged(events, definition)
    place.states.redrive_execution(executionArn=run)
    events = place.ended(run)
    assert any(event["type"] == "ExecutionRedriven" for event in events)
    unchanged(events, definition)


def test_a_parallel_and_a_map_that_wait_side_by_side(place):
    wait = {"Type": "Wait", "Seconds": 3, "End": True}
    definition = machine(
        Both={"Type": "Parallel", "Branches": [machine(L=wait), machine(R={**wait, "Seconds": 5})], "Next": "Each"},
        Each={
            "Type": "Map",
            "MaxConcurrency": 2,
            "ItemsPath": "$[*][*]",
            "ItemProcessor": machine(W={"Type": "Wait", "SecondsPath": "$", "End": True}),
            "End": True,
        },
    )
    definition["States"]["Both"]["ResultSelector"] = {"seconds": [1, 3, 2]}
    definition["States"]["Each"]["ItemsPath"] = "$.seconds"
    unchanged(place.ended(place.started("side-by-side", definition)), definition)
