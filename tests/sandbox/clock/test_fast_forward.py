"""Fast-forward: who may turn it on, how fast it goes, and when it goes back."""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from helpers import sandbox
from tests.sandbox.clock.conftest import Runner, at, loop, machine, types, wait


@pytest.fixture
def say(lab: helpers.Lab) -> Iterator[Callable[..., dict[str, Any]]]:
    """Says `fast_forward` to the sandbox under names of its own, all taken back at the end."""
    leases: set[str] = set()

    def say(lease: str, on: bool = True, **wish: Any) -> dict[str, Any]:
        leases.add(lease)
        return sandbox.call("fast_forward", on=on, lease=lease, **wish)

    yield say
    for lease in leases:
        say(lease, on=False)


def test_the_slowest_of_overlapping_wishes_counts(say: Callable[..., dict[str, Any]]) -> None:
    clock = say("one")
    assert (clock["fast_forwarding"], clock["rate"]) == (True, None)
    assert say("two", rate=100)["rate"] == 100
    assert say("three", rate=20)["rate"] == 20
    assert say("three", on=False)["rate"] == 100
    assert say("two", on=False)["rate"] is None
    assert say("one", on=False)["fast_forwarding"] is False


def test_an_unrenewed_wish_lapses(say: Callable[..., dict[str, Any]], runner: Runner) -> None:
    say("dead", seconds=0.05)
    while sandbox.call("clock")["fast_forwarding"]:
        pass
    events = runner.run(machine(Wait=wait(1)))
    assert at(events, "WaitStateExited")[0] < 2


def test_a_lapsed_wish_slows_nothing_down(say: Callable[..., dict[str, Any]], runner: Runner) -> None:
    say("slow", rate=1, seconds=0.3)
    say("fast")
    assert at(runner.run(machine(Wait=wait(500))), "WaitStateExited") == [pytest.approx(500, rel=0.02)]


def test_the_clock_never_goes_back_while_anything_runs(
    say: Callable[..., dict[str, Any]], runner: Runner, lab: helpers.Lab
) -> None:
    endless = {**ask(lab, f"clock-{secrets.token_hex(4)}"), "TimeoutSeconds": 99_999_999}
    runner.until(runner.start(machine(Ask=endless)), "TaskSubmitted")
    readings = [lab.now()]
    for rate in (None, 1000, None, 50, 1):
        say("one", rate=rate)
        runner.start(machine(Wait=wait(20, Next="Loop"), Loop=wait(30)))
        readings += [lab.now() for _ in range(20)]
        say("one", on=False)
        readings += [lab.now() for _ in range(5)]
    assert readings == sorted(readings)


def test_a_rate_is_kept(say: Callable[..., dict[str, Any]], runner: Runner) -> None:
    read = sandbox.call("clock")
    before, real = read["now"], read["now"] - read["offset"]
    say("one", rate=200)
    events = runner.run(machine(Wait=wait(100, Next="Again"), Again=wait(50)))
    read = sandbox.call("clock")
    assert at(events, "WaitStateExited") == [pytest.approx(100, rel=0.02), pytest.approx(150, rel=0.02)]
    assert read["now"] - before <= 200 * (read["now"] - read["offset"] - real)
    assert read["now"] - read["offset"] - real >= 150 / 200


def test_work_goes_at_its_own_pace_at_any_rate(
    say: Callable[..., dict[str, Any]], runner: Runner, function: Callable[[str], str]
) -> None:
    slow = function("import time\ndef handler(event, context):\n    time.sleep(0.3)\n")
    definition = machine(Work={"Type": "Task", "Resource": slow, "End": True})
    runner.run(definition)  # the first one also starts Python
    say("one", rate=10_000)
    events = runner.run(definition)
    assert 0.3 <= at(events, "LambdaFunctionSucceeded")[0] - at(events, "LambdaFunctionScheduled")[0] < 5


@pytest.mark.parametrize(
    "wish", [{"rate": 0}, {"rate": 0.5}, {"rate": "fast"}, {"rate": float("nan")}, {"seconds": -1}, {"seconds": 0}]
)
def test_a_wish_that_makes_no_sense_is_refused(lab: helpers.Lab, wish: dict[str, Any]) -> None:
    with pytest.raises(helpers.errors.InvalidSetting):
        sandbox.call("fast_forward", on=True, lease="senseless", **wish)
    assert sandbox.call("clock")["fast_forwarding"] is False


def ask(lab: helpers.Lab, queue: str, **more: Any) -> dict[str, Any]:
    url = lab.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": {"Token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 3600,
        **(more or {"End": True}),
    }


def token_from(lab: helpers.Lab, queue: str) -> str:
    sqs = lab.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    while not (messages := sqs.receive_message(QueueUrl=url).get("Messages")):
        pass
    return str(json.loads(messages[0]["Body"])["Token"])


def test_a_token_out_is_jumped_over_unless_it_is_held(runner: Runner, lab: helpers.Lab) -> None:
    queue = f"clock-{secrets.token_hex(4)}"
    definition = machine(Ask=ask(lab, queue, Next="After"), After=wait(500))
    with lab.fast_forward(hold_tokens=True):
        arn = runner.start(definition)
        token = token_from(lab, queue)
        other = runner.start(machine(Wait=wait(1000)))
        runner.until(other, "WaitStateEntered")
        runner.sfn.send_task_heartbeat(taskToken=token)
        assert runner.sfn.describe_execution(executionArn=other)["status"] == "RUNNING"
        runner.sfn.send_task_success(taskToken=token, output="{}")
        assert runner.end(arn)["status"] == "SUCCEEDED"
        assert runner.end(other)["status"] == "SUCCEEDED"
        assert at(runner.events(arn), "TaskSucceeded")[0] < 60
    with lab.fast_forward():
        events = runner.run(definition)
    assert at(events, "TaskTimedOut") == [pytest.approx(3600, rel=0.02)]


def test_many_executions_at_once_end_at_their_times(runner: Runner, lab: helpers.Lab) -> None:
    with lab.fast_forward():
        definition = machine(A=wait(10, Next="B"), B=wait(20, Next="C"), C=wait(30))
        arns = [runner.start(definition) for _ in range(20)]
        for arn in arns:
            assert runner.end(arn)["status"] == "SUCCEEDED"
    for arn in arns:
        events = runner.events(arn)
        assert types(events)[-1] == "ExecutionSucceeded"
        entered, exited = at(events, "WaitStateEntered"), at(events, "WaitStateExited")
        spans = [end - start for start, end in zip(entered, exited, strict=True)]
        assert spans == [pytest.approx(seconds, abs=0.5) for seconds in (10, 20, 30)]


def test_no_time_is_skipped_between_a_start_and_its_first_state(runner: Runner, lab: helpers.Lab) -> None:
    """Whatever is under way beside it."""
    once = runner.sfn.create_state_machine(
        name=f"clock-once-{secrets.token_hex(4)}",
        definition=json.dumps(machine(Pass={"Type": "Pass", "End": True})),
        roleArn=runner.role,
    )["stateMachineArn"]
    with lab.fast_forward():
        for _ in range(5):
            beside = runner.start(machine(**loop(60)))
            arns = [runner.sfn.start_execution(stateMachineArn=once)["executionArn"] for _ in range(20)]
            entered = [at(runner.events(arn), "PassStateEntered") for arn in arns if runner.end(arn)]
            assert [0] <= min(entered) <= max(entered) < [30]
            runner.sfn.stop_execution(executionArn=beside)
