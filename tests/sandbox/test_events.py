"""Rules of EventBridge reach functions and state machines."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from helpers import deploy, execution


def rule(lab, name, target):
    events = lab.client("events")
    pattern = {"source": ["test.jobs"], "detail-type": [name]}
    events.put_rule(Name=lab.name(name), EventPattern=json.dumps(pattern))
    events.put_targets(Rule=lab.name(name), Targets=[{"Id": "only", **target}])


def announce(lab, name, detail):
    entry = {"Source": "test.jobs", "DetailType": name, "Detail": json.dumps(detail)}
    assert lab.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_an_event_ends_a_task_through_a_function(lab):
    call_back = deploy.function("call_back", lab=lab)
    rule(lab, "JobDone", {"Arn": call_back})
    queue = lab.client("sqs").create_queue(QueueName=lab.name("events-test"))["QueueUrl"]
    machine = deploy.deploy("callback", "events-test", QueueUrl=queue, lab=lab)
    run = execution.start(machine.arn, {"job": 1}, lab=lab)
    message = lab.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]
    announce(lab, "JobDone", {"token": json.loads(message["Body"])["token"], "status": "success"})
    ended = execution.wait(run, timeout=20, progress=False, lab=lab)
    assert ended.result()["answer"] == {"status": "success"}


def test_an_event_starts_an_execution_with_the_text_of_the_target(lab):
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}
    arn = deploy.state_machine("events-started", definition, lab=lab)
    rule(lab, "Start", {"Arn": arn, "Input": '{"told": true}'})
    announce(lab, "Start", {"anything": 1})
    deadline = time.monotonic() + 20
    while not (found := list(execution.executions(arn, lab=lab))):
        assert time.monotonic() < deadline
    [started] = found
    assert execution.wait(started.arn, timeout=20, progress=False, lab=lab).result() == {"told": True}


def test_an_event_that_fits_no_rule_starts_nothing(lab):
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}
    arn = deploy.state_machine("events-not-started", definition, lab=lab)
    rule(lab, "Fits", {"Arn": arn})
    announce(lab, "FitsNot", {})
    assert not list(execution.executions(arn, lab=lab))


def test_a_bus_with_rules_is_not_deleted(lab):
    events, bus = lab.client("events"), lab.name("full-bus")
    events.create_event_bus(Name=bus)
    events.put_rule(Name="only", EventBusName=bus, EventPattern='{"source": ["any"]}')
    with pytest.raises(ClientError, match="EventBus can't be deleted since it has rules"):
        events.delete_event_bus(Name=bus)
    events.delete_rule(Name="only", EventBusName=bus)
    events.delete_event_bus(Name=bus)
    assert bus not in [one["Name"] for one in events.list_event_buses()["EventBuses"]]


def test_an_event_says_whose_it_is(lab):
    sqs, events = lab.client("sqs"), lab.client("events")
    url = sqs.create_queue(QueueName=lab.name("events-account"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=lab.name("account"), EventPattern='{"source": ["test.account"]}')
    events.put_targets(Rule=lab.name("account"), Targets=[{"Id": "only", "Arn": arn}])
    events.put_events(Entries=[{"Source": "test.account", "DetailType": "Any", "Detail": "{}"}])
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    assert json.loads(message["Body"])["account"] == lab.account
