"""Child executions of a distributed Map: each with a history of its own, as the API shows them."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import helpers
from tests.sandbox.states_api.conftest import FAIL, PASS, SLEEP, Machines, refused, types
from tests.sandbox.states_api.test_express import Group

PASSED = ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]

Children = dict[str, dict[str, Any]]


def over(processor: dict[str, Any], kind: str = "STANDARD", **more: Any) -> dict[str, Any]:
    """A machine with a distributed Map of this processor over its input."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    each = {"Type": "Map", "Label": "Each", "ItemProcessor": {"ProcessorConfig": config, **processor}, "End": True}
    return {"StartAt": "Every", "States": {"Every": each | more}}


class Runs:
    """Map Runs and their children, as they are listed."""

    def __init__(self, states: Any, machine: Machines) -> None:
        self._states, self._machine = states, machine

    def start(self, definition: dict[str, Any], items: list[Any], **options: Any) -> str:
        """The ARN of an execution just started."""
        found = self._states.start_execution(
            stateMachineArn=self._machine(definition, **options), input=json.dumps(items)
        )
        return str(found["executionArn"])

    def run(self, arn: str) -> str:
        """The ARN of the one Map Run of an execution."""
        [found] = self._states.list_map_runs(executionArn=arn)["mapRuns"]
        return str(found["mapRunArn"])

    def children(self, arn: str) -> Children:
        """The children of an execution's Map Run, as they are described, by their input; of two, the later one."""
        found = {}
        for listed in reversed(self._states.list_executions(mapRunArn=self.run(arn))["executions"]):
            child = self._states.describe_execution(executionArn=listed["executionArn"])
            del child["ResponseMetadata"]
            found[child["input"]] = child
        return found

    def running(self, arn: str, number: int) -> Children:
        """The same, once so many children run."""
        deadline = time.monotonic() + 20
        while True:
            if self._states.list_map_runs(executionArn=arn)["mapRuns"]:
                found = self.children(arn)
                if len(found) == number and {child["status"] for child in found.values()} == {"RUNNING"}:
                    return found
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def runs(states: Any, machine: Machines) -> Runs:
    return Runs(states, machine)


def events(states: Any, arn: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = states.get_execution_history(executionArn=arn)["events"]
    return found


def test_a_child_has_a_history_of_its_own(states: Any, runs: Runs, until: Any) -> None:
    arn = runs.start(over(PASS), ["a", "b"])
    assert until(arn)["status"] == "SUCCEEDED"
    role = events(states, arn)[0]["executionStartedEventDetails"]["roleArn"]
    for text, child in runs.children(arn).items():
        found = events(states, child["executionArn"])
        assert [(event["type"], event["id"], event["previousEventId"]) for event in found] == [
            ("ExecutionStarted", 1, 0),
            ("PassStateEntered", 2, 0),
            ("PassStateExited", 3, 2),
            ("ExecutionSucceeded", 4, 3),
        ]
        started = found[0]["executionStartedEventDetails"]
        assert (started["input"], started["roleArn"]) == (text, role)
        assert found[-1]["executionSucceededEventDetails"]["output"] == text
        assert (found[0]["timestamp"], found[-1]["timestamp"]) == (child["startDate"], child["stopDate"])
    assert types(states, arn) == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


def test_a_child_is_described(states: Any, runs: Runs, until: Any) -> None:
    arn = runs.start(over(PASS), [7])
    parent = until(arn)
    [child] = runs.children(arn).values()
    assert child["stateMachineArn"] == f"{parent['stateMachineArn']}/Each"
    assert child["executionArn"].rsplit(":", 1) == [
        child["stateMachineArn"].replace(":stateMachine:", ":execution:"),
        child["name"],
    ]
    assert child["mapRunArn"] == runs.run(arn)
    assert "mapRunArn" not in parent
    assert (child["status"], child["input"], child["output"]) == ("SUCCEEDED", "7", "7")
    assert (child["redriveCount"], child["redriveStatus"]) == (0, "NOT_REDRIVABLE")
    of = states.describe_state_machine_for_execution(executionArn=child["executionArn"])
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **PASS}
    assert json.loads(of["definition"]) == processor
    assert (of["stateMachineArn"], of["mapRunArn"], of["label"]) == (
        child["stateMachineArn"],
        child["mapRunArn"],
        "Each",
    )
    assert not {"mapRunArn", "label"} & set(states.describe_state_machine_for_execution(executionArn=arn))


def test_a_definition_of_children_says_the_query_language_that_it_inherits(states: Any, runs: Runs, until: Any) -> None:
    arn = runs.start({"QueryLanguage": "JSONata", **over(PASS, Items="{% [1] %}")}, [])
    until(arn)
    [child] = runs.children(arn).values()
    of = states.describe_state_machine_for_execution(executionArn=child["executionArn"])
    assert json.loads(of["definition"])["QueryLanguage"] == "JSONata"


def test_a_child_that_fails_says_why(states: Any, runs: Runs, until: Any) -> None:
    arn = runs.start(over(FAIL), [1])
    assert until(arn)["status"] == "FAILED"
    [child] = runs.children(arn).values()
    assert (child["status"], child["error"], child["cause"]) == ("FAILED", "Oops", "It broke.")
    assert child["redriveStatus"] == "REDRIVABLE"
    last = events(states, child["executionArn"])[-1]
    assert (last["type"], last["previousEventId"]) == ("ExecutionFailed", 2)
    assert last["executionFailedEventDetails"] == {"error": "Oops", "cause": "It broke."}


def test_each_history_has_a_limit_of_its_own(states: Any, runs: Runs, until: Any, lab: helpers.Lab) -> None:
    steps = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(20)}
    long = {"StartAt": "S0", "States": {**steps, "S20": {"Type": "Pass", "End": True}}}
    lab.history_limit(30)
    try:
        arn = runs.start(over(long, ToleratedFailurePercentage=100), [1, 2, 3])
        assert until(arn)["status"] == "SUCCEEDED"
    finally:
        lab.history_limit()
    for child in runs.children(arn).values():
        assert child["status"] == "FAILED"
        assert child["cause"].endswith("The execution reached the maximum number of history events (30).")
        assert len(events(states, child["executionArn"])) == 30


def test_children_are_stamped_on_the_sandboxs_clock(states: Any, runs: Runs, until: Any, lab: helpers.Lab) -> None:
    with lab.fast_forward():
        arn = runs.start(over(SLEEP), list(range(5)))
        until(arn)
    for child in runs.children(arn).values():
        assert (child["stopDate"] - child["startDate"]).total_seconds() == pytest.approx(3600, abs=2)
        assert events(states, child["executionArn"])[-1]["timestamp"] == child["stopDate"]


def test_express_children_are_described_but_have_no_history(
    states: Any, runs: Runs, until: Any, lab: helpers.Lab
) -> None:
    group = Group(lab)
    arn = runs.start(over(PASS, "EXPRESS"), [1], loggingConfiguration=group.configuration("ALL"))
    assert until(arn)["status"] == "SUCCEEDED"
    [child] = runs.children(arn).values()
    assert ":express:" in child["executionArn"]
    assert (child["status"], child["output"], child["mapRunArn"]) == ("SUCCEEDED", "1", runs.run(arn))
    for call in ("get_execution_history", "stop_execution", "describe_state_machine_for_execution"):
        found = refused(getattr(states, call), executionArn=child["executionArn"])
        assert found == ("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    logged = group.records("MapRunSucceeded")
    assert [one["type"] for one in logged if one["execution_arn"] == child["executionArn"]] == PASSED
    group.delete()


def test_express_children_end_after_five_minutes(runs: Runs, until: Any, lab: helpers.Lab) -> None:
    with lab.fast_forward():
        arn = runs.start(over(SLEEP, "EXPRESS"), [1])
        assert until(arn)["error"] == "States.ExceedToleratedFailureThreshold"
    [child] = runs.children(arn).values()
    assert child["status"] == "TIMED_OUT"
    assert (child["stopDate"] - child["startDate"]).total_seconds() == pytest.approx(300, abs=1)


def test_stopping_the_parent_stops_its_children(states: Any, runs: Runs) -> None:
    arn = runs.start(over(SLEEP), [1, 2])
    runs.running(arn, 2)
    states.stop_execution(executionArn=arn)
    for child in runs.children(arn).values():
        assert child["status"] == "ABORTED"
        assert types(states, child["executionArn"]) == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]
    described = states.describe_map_run(mapRunArn=runs.run(arn))
    assert described["status"] == "ABORTED"
    assert (described["executionCounts"]["aborted"], described["executionCounts"]["running"]) == (2, 0)


def test_a_parent_whose_time_is_over_takes_its_children_along(
    states: Any, runs: Runs, until: Any, lab: helpers.Lab
) -> None:
    with lab.fast_forward():
        arn = runs.start({**over(SLEEP), "TimeoutSeconds": 60}, [1])
        assert until(arn)["status"] == "TIMED_OUT"
    [child] = runs.children(arn).values()
    until(child["executionArn"], "ABORTED")


def test_a_failing_branch_stops_the_children_of_another(states: Any, runs: Runs, until: Any, lab: helpers.Lab) -> None:
    soon = {"StartAt": "Soon", "States": {"Soon": {"Type": "Wait", "Seconds": 9, "Next": "Go"}, **FAIL["States"]}}
    both = {"Type": "Parallel", "Branches": [over(SLEEP), soon], "End": True}
    with lab.fast_forward():
        arn = runs.start({"StartAt": "Both", "States": {"Both": both}}, [1])
        assert until(arn)["error"] == "Oops"
    [child] = runs.children(arn).values()
    assert until(child["executionArn"])["status"] == "ABORTED"
    told = types(states, arn)
    assert told[-1] == "ExecutionFailed"
    assert "WaitStateAborted" not in told


def test_a_child_stopped_alone_is_counted_as_aborted(states: Any, runs: Runs, until: Any) -> None:
    soon = {"StartAt": "Soon", "States": {"Soon": {"Type": "Wait", "SecondsPath": "$", "End": True}}}
    arn = runs.start(over(soon), [3600, 1])
    found = runs.running(arn, 2)
    stopped = found["3600"]["executionArn"]
    states.stop_execution(executionArn=stopped, error="Enough", cause="By hand.")
    ended = {"Status": "ABORTED", "Error": "Enough", "Cause": "By hand."}
    assert json.loads(until(arn)["output"]) == [ended, 1]
    last = events(states, stopped)[-1]
    assert (last["type"], last["executionAbortedEventDetails"]) == (
        "ExecutionAborted",
        {"error": "Enough", "cause": "By hand."},
    )
    assert until(found["1"]["executionArn"])["status"] == "SUCCEEDED"
    counts = states.describe_map_run(mapRunArn=runs.run(arn))["executionCounts"]
    assert (counts["aborted"], counts["succeeded"], counts["running"], counts["total"]) == (1, 1, 0, 2)


def test_a_distributed_map_in_a_child_has_children_too(states: Any, runs: Runs, until: Any) -> None:
    inner = json.dumps(over(PASS)).replace("Every", "All").replace("Each", "Inner")
    outer = over(json.loads(inner))
    arn = runs.start(outer, [["x"]])
    assert json.loads(until(arn)["output"]) == [["x"]]
    [child] = runs.children(arn).values()
    [grandchild] = runs.children(child["executionArn"]).values()
    assert grandchild["stateMachineArn"] == f"{child['stateMachineArn']}/Inner"
    assert types(states, grandchild["executionArn"]) == PASSED


def test_a_task_token_of_a_child_is_answered(states: Any, runs: Runs, until: Any) -> None:
    activity = states.create_activity(name=f"children-{uuid.uuid4().hex[:8]}")["activityArn"]
    ask = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": activity, "End": True}}}
    arn = runs.start(over(ask), [1])
    token = states.get_activity_task(activityArn=activity)["taskToken"]
    states.send_task_success(taskToken=token, output="2")
    assert json.loads(until(arn)["output"]) == [2]
    [child] = runs.children(arn).values()
    assert types(states, child["executionArn"])[-3:] == ["ActivitySucceeded", "TaskStateExited", "ExecutionSucceeded"]
    states.delete_activity(activityArn=activity)


@pytest.fixture
def bucket(lab: helpers.Lab) -> Iterator[tuple[str, Callable[[], None]]]:
    """The name of a bucket that is not there, and what makes it."""
    s3, name = lab.client("s3"), f"children-{uuid.uuid4().hex[:12]}"
    yield name, lambda: s3.create_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)


ASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:s3:getBucketLocation",
    "Parameters": {"Bucket.$": "$"},
    "ResultPath": None,
    "End": True,
}
ASKED = {
    "StartAt": "Any",
    "States": {
        "Any": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "none", "Next": "Done"}],
            "Default": "Ask",
        },
        "Ask": ASK,
        "Done": {"Type": "Succeed"},
    },
}


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_redrive_does_the_children_again_that_failed(
    states: Any, runs: Runs, until: Any, bucket: tuple[str, Callable[[], None]], kind: str
) -> None:
    name, make = bucket
    arn = runs.start(over(ASKED, kind), ["none", name])
    assert until(arn)["status"] == "FAILED"
    before = runs.children(arn)
    make()
    states.redrive_execution(executionArn=arn)
    found = until(arn)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", ["none", name])
    told = events(states, arn)
    at = next(number for number, event in enumerate(told) if event["type"] == "ExecutionRedriven")
    assert [event["type"] for event in told[at:]] == [
        "ExecutionRedriven",
        "MapRunRedriven",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    assert told[at + 1]["mapRunRedrivenEventDetails"] == {"mapRunArn": runs.run(arn), "redriveCount": 1}
    described = states.describe_map_run(mapRunArn=runs.run(arn))
    assert (described["status"], described["redriveCount"]) == ("SUCCEEDED", 1)
    counts = described["itemCounts"]
    assert (counts["succeeded"], counts["failed"], counts["running"], counts["total"]) == (2, 0, 0, 2)
    after = runs.children(arn)
    assert after['"none"'] == before['"none"']
    again = after[f'"{name}"']
    if kind == "EXPRESS":
        assert again["executionArn"] != before[f'"{name}"']["executionArn"]
        return
    assert (again["executionArn"], again["status"], again["redriveCount"]) == (
        before[f'"{name}"']["executionArn"],
        "SUCCEEDED",
        1,
    )
    history = events(states, again["executionArn"])
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    assert [event["type"] for event in history][-6:] == [
        "ExecutionRedriven",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_a_stopped_map_run_goes_on_with_what_was_left(states: Any, runs: Runs, until: Any) -> None:
    short = {"StartAt": "Soon", "States": {"Soon": {"Type": "Wait", "Seconds": 1, "End": True}}}
    arn = runs.start(over(short, MaxConcurrency=1), [1, 2])
    [first] = runs.running(arn, 1).values()
    states.stop_execution(executionArn=arn)
    states.redrive_execution(executionArn=arn)
    assert json.loads(until(arn)["output"]) == [1, 2]
    assert types(states, first["executionArn"]) == [
        "ExecutionStarted",
        "WaitStateEntered",
        "ExecutionAborted",
        "ExecutionRedriven",
        "WaitStateExited",
        "ExecutionSucceeded",
    ]
    counts = states.describe_map_run(mapRunArn=runs.run(arn))["executionCounts"]
    assert (counts["succeeded"], counts["aborted"], counts["running"], counts["total"]) == (2, 0, 0, 2)


def test_a_child_is_redriven_with_its_parent_alone(states: Any, runs: Runs, until: Any) -> None:
    arn = runs.start(over(FAIL), [1])
    until(arn)
    [child] = runs.children(arn).values()
    code, message = refused(states.redrive_execution, executionArn=child["executionArn"])
    assert code == "ExecutionNotRedrivable"
    assert arn in message


def test_children_go_with_their_machine(states: Any, runs: Runs, until: Any) -> None:
    arn = runs.start(over(PASS), [1])
    machine = until(arn)["stateMachineArn"]
    run = runs.run(arn)
    [child] = runs.children(arn).values()
    states.delete_state_machine(stateMachineArn=machine)
    for call in (states.describe_execution, states.get_execution_history):
        assert refused(call, executionArn=child["executionArn"])[0] == "ExecutionDoesNotExist"
    assert refused(states.list_executions, mapRunArn=run)[0] == "ResourceNotFound"
