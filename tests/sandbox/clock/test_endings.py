"""How executions end: at once, once, and as AWS says so."""

import time
from collections.abc import Callable

import psutil
import pytest

import helpers
from helpers import sandbox
from tests.sandbox.clock.conftest import Runner, at, loop, machine, types, wait

TOKEN = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "", "MessageBody": {"Token.$": "$$.Task.Token"}},
    "End": True,
}


@pytest.fixture
def token(lab: helpers.Lab) -> dict[str, object]:
    """A task that waits for somebody to return its token, which is sent to a queue."""
    url = lab.client("sqs").create_queue(QueueName="clock-tokens")["QueueUrl"]
    return TOKEN | {"Parameters": {"QueueUrl": url, "MessageBody": {"Token.$": "$$.Task.Token"}}}


def stopped_at_once(runner: Runner, arn: str, reached: str) -> None:
    runner.until(arn, reached)
    told = runner.sfn.stop_execution(executionArn=arn, error="Enough", cause="We have seen it.")
    described = runner.sfn.describe_execution(executionArn=arn)
    events = runner.events(arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Enough", "We have seen it.")
    assert described["stopDate"] == told["stopDate"] == events[-1]["timestamp"]
    assert events[-1]["type"] == "ExecutionAborted"
    assert events[-1]["executionAbortedEventDetails"] == {"error": "Enough", "cause": "We have seen it."}
    assert events[-1]["previousEventId"] == 0


def test_stop_ends_a_wait(runner: Runner) -> None:
    stopped_at_once(runner, runner.start(machine(Wait=wait(3600))), "WaitStateEntered")


def test_stop_ends_every_branch(runner: Runner) -> None:
    branches = [machine(One=wait(3600)), machine(Two=wait(3600))]
    arn = runner.start(machine(Both={"Type": "Parallel", "Branches": branches, "End": True}))
    runner.until(arn, "WaitStateEntered")
    stopped_at_once(runner, arn, "WaitStateEntered")


def test_stop_ends_a_back_off(runner: Runner, function: Callable[[str], str]) -> None:
    failing = function("def handler(event, context):\n    raise ValueError('no')\n")
    retry = {"ErrorEquals": ["ValueError"], "IntervalSeconds": 3600}
    arn = runner.start(machine(Try={"Type": "Task", "Resource": failing, "Retry": [retry], "End": True}))
    stopped_at_once(runner, arn, "LambdaFunctionFailed")


def test_stop_ends_a_running_task(runner: Runner, function: Callable[[str], str]) -> None:
    slow = function("import time\ndef handler(event, context):\n    time.sleep(2.5)\n")
    arn = runner.start(machine(Work={"Type": "Task", "Resource": slow, "End": True}))
    stopped_at_once(runner, arn, "LambdaFunctionScheduled")


def test_stop_ends_the_wait_for_a_token(runner: Runner, token: dict[str, object]) -> None:
    stopped_at_once(runner, runner.start(machine(Ask=token)), "TaskSubmitted")


def test_stop_ends_an_iteration(runner: Runner) -> None:
    definition = machine(
        Each={"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": machine(W=wait(3600)), "End": True}
    )
    stopped_at_once(runner, runner.start(definition, items=[1, 2]), "WaitStateEntered")


def test_nothing_of_a_stopped_execution_lingers(runner: Runner) -> None:
    running = sandbox.status()
    assert running is not None
    server = psutil.Process(running.pid)
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": machine(Wait=wait(3600)), "End": True}
    branches = [machine(Each=each), machine(Beside=wait(3600))]
    definition = machine(Both={"Type": "Parallel", "Branches": branches, "End": True}) | {"TimeoutSeconds": 7200}
    before = server.num_threads()
    arns = [runner.start(definition, items=[1, 2, 3, 4]) for _ in range(5)]
    for arn in arns:
        while types(runner.events(arn)).count("WaitStateEntered") < 5:
            pass
    assert server.num_threads() <= before + 4, "a wait costs a thread"
    for arn in arns:
        runner.sfn.stop_execution(executionArn=arn)
    deadline = time.monotonic() + 30
    while server.num_threads() > before + 4:
        assert time.monotonic() < deadline, "threads of stopped executions are still there"


@pytest.mark.usefixtures("fast")
def test_a_machines_time_out_fires_at_its_stamped_time(runner: Runner) -> None:
    arn = runner.start(machine(**loop(40)) | {"TimeoutSeconds": 100})
    described = runner.end(arn)
    events = runner.events(arn)
    assert described["status"] == "TIMED_OUT"
    assert "error" not in described
    assert at(events, "ExecutionTimedOut") == [pytest.approx(100, rel=0.02)]
    assert described["stopDate"] == events[-1]["timestamp"]
    assert at(events, "WaitStateExited") == [pytest.approx(40, rel=0.02), pytest.approx(80, rel=0.02)]


def test_a_machines_time_out_does_not_wait_for_its_task(runner: Runner, function: Callable[[str], str]) -> None:
    slow = function("import time\ndef handler(event, context):\n    time.sleep(4)\n")
    arn = runner.start(machine(Work={"Type": "Task", "Resource": slow, "End": True}) | {"TimeoutSeconds": 1})
    assert runner.end(arn)["status"] == "TIMED_OUT"
    assert at(runner.events(arn), "ExecutionTimedOut") == [pytest.approx(2, abs=1)]


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("seconds", [{"TimeoutSeconds": 50}, {"TimeoutSecondsPath": "$.seconds"}])
def test_a_tasks_time_out_fires_at_its_stamped_time(
    runner: Runner, token: dict[str, object], seconds: dict[str, object]
) -> None:
    events = runner.run(machine(Ask=token | seconds), seconds=50)
    assert types(events)[-2:] == ["TaskTimedOut", "ExecutionFailed"]
    assert at(events, "TaskTimedOut")[0] - at(events, "TaskStateEntered")[0] == pytest.approx(50, rel=0.02)
    assert events[-1]["executionFailedEventDetails"]["error"] == "States.Timeout"


@pytest.mark.usefixtures("fast")
def test_a_missing_heartbeat_ends_a_task_at_its_stamped_time(runner: Runner, token: dict[str, object]) -> None:
    events = runner.run(machine(Ask=token | {"TimeoutSeconds": 500, "HeartbeatSeconds": 20}))
    assert types(events)[-2:] == ["TaskTimedOut", "ExecutionFailed"]
    assert at(events, "TaskTimedOut")[0] - at(events, "TaskSubmitted")[0] == pytest.approx(20, rel=0.02)


@pytest.mark.usefixtures("fast")
def test_a_task_without_a_time_out_is_waited_for(runner: Runner, lab: helpers.Lab, token: dict[str, object]) -> None:
    arn = runner.start(machine(Ask=token))
    submitted = runner.until(arn, "TaskSubmitted")[-1]["timestamp"]
    runner.run(machine(Wait=wait(1000)))
    assert (lab.now() - submitted).total_seconds() == pytest.approx(1000, abs=20)
    assert runner.sfn.describe_execution(executionArn=arn)["status"] == "RUNNING"


def test_a_full_history_ends_an_execution(runner: Runner, lab: helpers.Lab) -> None:
    assert lab.history_limit(50) == 50
    with lab.fast_forward():
        events = runner.run(machine(**loop(2)))
    assert len(events) == 50
    assert events[-1]["previousEventId"] == 49
    assert events[-1]["executionFailedEventDetails"] == {
        "error": "States.Runtime",
        "cause": "The execution reached the maximum number of history events (50).",
    }


@pytest.mark.usefixtures("fast")
def test_an_execution_may_succeed_with_its_last_event(runner: Runner, lab: helpers.Lab) -> None:
    definition = machine(Wait=wait(1))
    lab.history_limit(len(runner.run(definition)))
    assert types(runner.run(definition))[-1] == "ExecutionSucceeded"


@pytest.mark.parametrize("state", ["Parallel", "Map"])
@pytest.mark.usefixtures("fast")
def test_a_full_history_ends_every_branch(runner: Runner, lab: helpers.Lab, state: str) -> None:
    lab.history_limit(60)
    loop = machine(Loop=wait(5, Next="Loop"))
    work = {"Branches": [loop, machine(Other=wait(7, Next="Other"))]}
    if state == "Map":
        work = {"ItemsPath": "$.items", "ItemProcessor": loop}
    arn = runner.start(machine(All={"Type": state, "End": True} | work), items=[1, 2, 3])
    assert runner.end(arn)["error"] == "States.Runtime"
    assert len(runner.events(arn)) == 60
    assert types(runner.events(arn))[-1] == "ExecutionFailed"


def test_a_limit_that_aws_does_not_have_is_refused(lab: helpers.Lab) -> None:
    for events in (1, 25_001, -3):
        with pytest.raises(helpers.errors.InvalidSetting, match="25,000"):
            lab.history_limit(events)
