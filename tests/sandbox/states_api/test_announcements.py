"""EventBridge is told of an execution's status."""

import json
import time
import uuid
from typing import Any

import helpers
from tests.sandbox.states_api.conftest import FAIL, Machines


def test_a_rule_takes_the_changes_of_status(states: Any, machine: Machines, until: Any, lab: helpers.Lab) -> None:
    events, sqs = lab.client("events"), lab.client("sqs")
    name = f"status-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    arn = machine(FAIL)
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [arn]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    execution = states.start_execution(stateMachineArn=arn, input='{"a":1}')["executionArn"]
    until(execution)
    told: dict[str, Any] = {}
    deadline = time.monotonic() + 20
    while len(told) < 2:
        assert time.monotonic() < deadline
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            told[event["detail"]["status"]] = event
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)
    assert set(told) == {"RUNNING", "FAILED"}
    assert told["FAILED"]["detail-type"] == "Step Functions Execution Status Change"
    assert told["FAILED"]["resources"] == [execution]
    detail = told["FAILED"]["detail"]
    assert (detail["executionArn"], detail["input"], detail["error"]) == (execution, '{"a":1}', "Oops")
    assert detail["startDate"] <= detail["stopDate"]
    assert told["RUNNING"]["detail"]["stopDate"] is None
