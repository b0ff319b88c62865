"""Fast-forward: who may turn it on, and when it goes back."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from helpers import sandbox
from tests.sandbox.clock.conftest import Runner, at, machine, types, wait


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


def test_it_is_on_as_long_as_anybody_wishes(say: Callable[..., dict[str, Any]]) -> None:
    assert say("one")["fast_forwarding"] is True
    assert say("two")["fast_forwarding"] is True
    assert say("one", on=False)["fast_forwarding"] is True
    assert say("two", on=False)["fast_forwarding"] is False


def test_an_unrenewed_wish_lapses(say: Callable[..., dict[str, Any]], runner: Runner) -> None:
    say("dead", seconds=0.05)
    while sandbox.call("clock")["fast_forwarding"]:
        pass
    events = runner.run(machine(Wait=wait(1)))
    assert at(events, "WaitStateExited")[0] < 2


def test_the_clock_never_goes_back_while_anything_runs(
    say: Callable[..., dict[str, Any]], runner: Runner, lab: helpers.Lab
) -> None:
    endless = {**ask(lab, f"clock-{secrets.token_hex(4)}"), "TimeoutSeconds": 99_999_999}
    runner.until(runner.start(machine(Ask=endless)), "TaskSubmitted")
    readings = [lab.now()]
    for _ in range(5):
        say("one")
        runner.start(machine(Wait=wait(20, Next="Loop"), Loop=wait(30)))
        readings += [lab.now() for _ in range(20)]
        say("one", on=False)
        readings += [lab.now() for _ in range(5)]
    assert readings == sorted(readings)


def test_work_goes_at_its_own_pace(
    say: Callable[..., dict[str, Any]], runner: Runner, function: Callable[[str], str]
) -> None:
    slow = function("import time\ndef handler(event, context):\n    time.sleep(0.3)\n")
    definition = machine(Work={"Type": "Task", "Resource": slow, "End": True})
    runner.run(definition)  # the first one also starts Python
    say("one")
    events = runner.run(definition)
    assert 0.3 <= at(events, "LambdaFunctionSucceeded")[0] - at(events, "LambdaFunctionScheduled")[0] < 5


def ask(lab: helpers.Lab, queue: str) -> dict[str, Any]:
    url = lab.client("sqs").create_queue(QueueName=queue)["QueueUrl"]
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": {"Token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 3600,
        "End": True,
    }


def test_a_token_out_is_jumped_over(runner: Runner, lab: helpers.Lab) -> None:
    queue = f"clock-{secrets.token_hex(4)}"
    with lab.fast_forward():
        events = runner.run(machine(Ask=ask(lab, queue)))
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
