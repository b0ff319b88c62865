"""Waits on the sandbox's clock: exact where it goes ahead, and as long as real time where it does not."""

import datetime
import json
from collections.abc import Callable

import pytest

import helpers
from tests.sandbox.clock.conftest import Runner, at, machine, types, wait


def about(seconds: float) -> object:
    """Within the 2 % that a wait may be off, and no less than what a busy computer needs between two events."""
    return pytest.approx(seconds, rel=0.02, abs=0.5)


@pytest.mark.usefixtures("fast")
def test_an_hour_passes_at_once_and_stays_an_hour(runner: Runner) -> None:
    arn = runner.start(machine(Wait=wait(3600, Next="After"), After={"Type": "Pass", "End": True}))
    described = runner.end(arn)
    events = runner.events(arn)
    assert at(events, "WaitStateExited")[0] - at(events, "WaitStateEntered")[0] == about(3600)
    assert (described["stopDate"] - described["startDate"]).total_seconds() == about(3600)
    assert described["stopDate"] == events[-1]["timestamp"]


@pytest.mark.usefixtures("fast")
def test_two_seconds_are_two_seconds(runner: Runner) -> None:
    definition = machine(Wait=wait(2, Next="Again"), Again=wait(2))
    events = runner.run(definition)
    for entered, exited in zip(at(events, "WaitStateEntered"), at(events, "WaitStateExited"), strict=True):
        assert 2 <= round(exited - entered, 3) < 2.5  # a busy computer adds some


def test_without_fast_forward_a_wait_lasts_its_time(runner: Runner, lab: helpers.Lab) -> None:
    before = lab.now()
    events = runner.run(machine(Wait=wait(1)))
    lasted = at(events, "WaitStateExited")[0] - at(events, "WaitStateEntered")[0]
    assert 1 <= round(lasted, 3) < 1.5  # stamps are whole milliseconds, differences of floats are not
    assert lab.now() - before < datetime.timedelta(seconds=10)


@pytest.mark.usefixtures("fast")
def test_branches_wait_side_by_side(runner: Runner) -> None:
    branches = [
        machine(**{f"first{seconds}": wait(seconds, Next=f"then{seconds}"), f"then{seconds}": wait(10)})
        for seconds in (30, 7, 15)
    ]
    events = runner.run(machine(All={"Type": "Parallel", "Branches": branches, "End": True}))
    order = [event["stateExitedEventDetails"]["name"] for event in events if event["type"] == "WaitStateExited"]
    assert order == ["first7", "first15", "then7", "then15", "first30", "then30"]
    assert at(events, "ParallelStateExited")[0] == about(40)


@pytest.mark.usefixtures("fast")
def test_executions_wait_side_by_side(runner: Runner, lab: helpers.Lab) -> None:
    before = lab.now()
    arns = [runner.start(machine(Wait=wait(seconds))) for seconds in (600, 60, 300, 1200)]
    for arn, seconds in zip(arns, (600, 60, 300, 1200), strict=True):
        runner.end(arn)
        assert at(runner.events(arn), "WaitStateExited")[0] == about(seconds)
    assert lab.now() - before < datetime.timedelta(seconds=600 + 60 + 300 + 1200 + 10)


@pytest.mark.usefixtures("fast")
def test_a_timestamp_is_waited_for_to_its_second(runner: Runner, lab: helpers.Lab) -> None:
    until = (lab.now() + datetime.timedelta(hours=5)).replace(microsecond=0)
    definition = machine(Wait={"Type": "Wait", "TimestampPath": "$.until", "End": True})
    events = runner.run(definition, until=f"{until:%Y-%m-%dT%H:%M:%SZ}")
    exited = next(event["timestamp"] for event in events if event["type"] == "WaitStateExited")
    assert datetime.timedelta(0) <= exited - until < datetime.timedelta(seconds=1)


@pytest.mark.usefixtures("fast")
def test_back_off_takes_its_stamped_time(runner: Runner, function: Callable[[str], str]) -> None:
    failing = function("def handler(event, context):\n    raise ValueError('no')\n")
    retry = {"ErrorEquals": ["ValueError"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 3}
    events = runner.run(machine(Try={"Type": "Task", "Resource": failing, "Retry": [retry], "End": True}))
    failed, scheduled = at(events, "LambdaFunctionFailed"), at(events, "LambdaFunctionScheduled")
    assert [later - earlier for earlier, later in zip(failed, scheduled[1:], strict=False)] == [
        about(10),
        about(20),
        about(40),
    ]


@pytest.mark.usefixtures("fast")
def test_a_function_takes_as_long_as_it_takes(runner: Runner, function: Callable[[str], str]) -> None:
    slow = function("import time\ndef handler(event, context):\n    time.sleep(0.3)\n")
    branch = machine(Work={"Type": "Task", "Resource": slow, "End": True})
    runner.run(branch)  # the first one also starts Python
    both = {"Type": "Parallel", "Branches": [branch, machine(Meanwhile=wait(1000))], "End": True}
    events = runner.run(machine(Both=both))
    took = at(events, "LambdaFunctionSucceeded")[0] - at(events, "LambdaFunctionScheduled")[0]
    assert 0.3 <= took < 5
    assert at(events, "WaitStateExited")[0] == about(1000)


@pytest.mark.usefixtures("fast")
def test_a_handler_reads_the_sandboxs_clock(runner: Runner, function: Callable[[str], str]) -> None:
    telling = function("import time\ndef handler(event, context):\n    return time.time()\n")
    events = runner.run(
        machine(Wait=wait(86_400, Next="Tell"), Tell={"Type": "Task", "Resource": telling, "End": True})
    )
    done = next(event for event in events if event["type"] == "LambdaFunctionSucceeded")
    told = float(json.loads(done["lambdaFunctionSucceededEventDetails"]["output"]))
    assert done["timestamp"].timestamp() - told == pytest.approx(0, abs=5)


@pytest.mark.usefixtures("fast")
def test_a_nested_execution_is_waited_for(runner: Runner, lab: helpers.Lab, role: str) -> None:
    child = runner.sfn.create_state_machine(
        name="clock-child", definition=json.dumps(machine(Wait=wait(1000))), roleArn=role
    )["stateMachineArn"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child},
        "End": True,
    }
    events = runner.run(machine(Nested=task))
    assert types(events)[-1] == "ExecutionSucceeded"
    assert at(events, "TaskSucceeded")[0] - at(events, "TaskSubmitted")[0] == about(1000)


@pytest.mark.usefixtures("fast")
def test_an_express_execution_that_is_waited_for_goes_ahead(runner: Runner, role: str) -> None:
    child = runner.sfn.create_state_machine(
        name="clock-express", definition=json.dumps(machine(Wait=wait(200))), roleArn=role, type="EXPRESS"
    )["stateMachineArn"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:startSyncExecution",
        "Parameters": {"StateMachineArn": child},
        "End": True,
    }
    arn = runner.start(machine(Nested=task) | {"TimeoutSeconds": 250})
    assert runner.end(arn)["status"] == "SUCCEEDED"
    events = runner.events(arn)
    assert at(events, "TaskSucceeded")[0] - at(events, "TaskStarted")[0] == about(200)


@pytest.mark.usefixtures("fast")
def test_other_services_stamp_with_the_clock(runner: Runner, lab: helpers.Lab) -> None:
    runner.run(machine(Wait=wait(86_400)))
    s3, now = lab.client("s3"), lab.now()
    s3.create_bucket(Bucket="clock-stamps")
    s3.put_object(Bucket="clock-stamps", Key="stamped", Body=b"")
    stamps = [
        s3.head_object(Bucket="clock-stamps", Key="stamped")["LastModified"],
        s3.list_objects_v2(Bucket="clock-stamps")["Contents"][0]["LastModified"],
        s3.list_buckets()["Buckets"][-1]["CreationDate"],
        lab.client("sts").get_session_token()["Credentials"]["Expiration"] - datetime.timedelta(hours=12),
    ]
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="/clock")
    created = logs.describe_log_groups(logGroupNamePrefix="/clock")["logGroups"][0]["creationTime"] / 1000
    stamps.append(datetime.datetime.fromtimestamp(created, datetime.UTC))
    s3.delete_object(Bucket="clock-stamps", Key="stamped")
    s3.delete_bucket(Bucket="clock-stamps")
    logs.delete_log_group(logGroupName="/clock")
    for stamp in stamps:
        assert abs(stamp - now) < datetime.timedelta(minutes=5)
