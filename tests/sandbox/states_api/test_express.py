"""Express executions, and what any machine writes into CloudWatch Logs."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import helpers
from tests.sandbox.states_api.conftest import FAIL, PASS, SLEEP, Machines, refused

CAUGHT = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "no-such-function"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}],
            "End": True,
        },
        "Done": {"Type": "Succeed"},
    },
}


class Group:
    """A log group, read as a person reads it: every record of every stream, in order of time."""

    def __init__(self, lab: helpers.Lab) -> None:
        self._logs = lab.client("logs")
        self.name = f"/states/{uuid.uuid4().hex[:8]}"
        self._logs.create_log_group(logGroupName=self.name)
        self.arn = f"arn:aws:logs:{lab.region}:{lab.account}:log-group:{self.name}:*"

    def configuration(self, level: str, data: bool = True) -> dict[str, Any]:
        destination = {"cloudWatchLogsLogGroup": {"logGroupArn": self.arn}}
        return {"level": level, "includeExecutionData": data, "destinations": [destination]}

    def records(self, ending: str) -> list[dict[str, Any]]:
        """The records, once one of type `ending` is among them."""
        deadline = time.monotonic() + 20
        while True:
            events = self._logs.filter_log_events(logGroupName=self.name)["events"]
            found = sorted((json.loads(event["message"]) for event in events), key=lambda record: int(record["id"]))
            if any(record["type"] == ending for record in found):
                return found
            assert time.monotonic() < deadline, [record["type"] for record in found]
            time.sleep(0.01)

    def delete(self) -> None:
        self._logs.delete_log_group(logGroupName=self.name)


@pytest.fixture
def group(lab: helpers.Lab) -> Iterator[Group]:
    made = Group(lab)
    yield made
    made.delete()


def test_a_sync_execution_answers_with_its_output(states: Any, machine: Machines) -> None:
    arn = machine(PASS, type="EXPRESS")
    found = states.start_sync_execution(stateMachineArn=arn, name="now", input='{"a": 1}')
    assert (found["status"], json.loads(found["output"]), found["name"]) == ("SUCCEEDED", {"a": 1}, "now")
    assert found["stateMachineArn"] == arn
    assert found["executionArn"].startswith(arn.replace(":stateMachine:", ":express:") + ":now:")
    assert found["startDate"] <= found["stopDate"]
    assert found["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100}


def test_a_sync_execution_answers_with_its_failure(states: Any, machine: Machines) -> None:
    found = states.start_sync_execution(stateMachineArn=machine(FAIL, type="EXPRESS"))
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Oops", "It broke.")
    assert "output" not in found


def test_five_minutes_is_the_longest(states: Any, machine: Machines, lab: helpers.Lab) -> None:
    arn = machine(SLEEP, type="EXPRESS")
    with lab.fast_forward():
        found = states.start_sync_execution(stateMachineArn=arn)
    assert found["status"] == "TIMED_OUT"
    assert (found["stopDate"] - found["startDate"]).total_seconds() == pytest.approx(300, abs=1)


def test_a_standard_machine_does_not_run_synchronously(states: Any, machine: Machines) -> None:
    found = refused(states.start_sync_execution, stateMachineArn=machine())
    assert found == (
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    )


def test_an_express_execution_has_no_history_api(states: Any, machine: Machines) -> None:
    arn = machine(PASS, type="EXPRESS")
    one, two = (states.start_execution(stateMachineArn=arn, name="same")["executionArn"] for _ in range(2))
    assert one != two
    for operation in ("describe_execution", "get_execution_history", "stop_execution", "redrive_execution"):
        found = refused(getattr(states, operation), executionArn=one)
        assert found == ("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    assert refused(states.list_executions, stateMachineArn=arn)[0] == "StateMachineTypeNotSupported"


def test_every_event_of_an_express_execution_is_logged(
    states: Any, machine: Machines, group: Group, lab: helpers.Lab
) -> None:
    arn = machine(PASS, type="EXPRESS", loggingConfiguration=group.configuration("ALL"))
    execution = states.start_execution(stateMachineArn=arn, input='{"a":1}')["executionArn"]
    records = group.records("ExecutionSucceeded")
    assert [record["type"] for record in records] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    always = {"id", "type", "details", "previous_event_id", "event_timestamp", "execution_arn", "redrive_count"}
    assert set(records[1]) == always
    assert records[1]["redrive_count"] == "0"
    assert records[1]["details"] == {"name": "Go", "input": '{"a":1}', "inputDetails": {"truncated": False}}
    assert (records[1]["id"], records[1]["previous_event_id"]) == ("2", "0")
    assert {record["execution_arn"] for record in records} == {execution}
    assert all(abs(int(record["event_timestamp"]) / 1000 - lab.now().timestamp()) < 86_400 for record in records)


@pytest.mark.parametrize(
    ("level", "expected"),
    [("ERROR", {"LambdaFunctionFailed", "TaskFailed"}), ("FATAL", set())],
)
def test_levels_choose_what_is_logged(
    states: Any, machine: Machines, group: Group, level: str, expected: set[str]
) -> None:
    logging = group.configuration(level)
    found = states.start_sync_execution(stateMachineArn=machine(CAUGHT, type="EXPRESS", loggingConfiguration=logging))
    assert found["status"] == "SUCCEEDED"
    states.start_sync_execution(stateMachineArn=machine(FAIL, type="EXPRESS", loggingConfiguration=logging))
    types = {record["type"] for record in group.records("ExecutionFailed")}
    assert types - {"FailStateEntered"} == (expected & types) | {"ExecutionFailed"}
    assert bool(types & expected) == bool(expected)


def test_a_standard_machine_logs_without_data_and_keeps_its_history(
    states: Any, machine: Machines, group: Group, until: Any
) -> None:
    arn = machine(PASS, loggingConfiguration=group.configuration("ALL", data=False))
    execution = states.start_execution(stateMachineArn=arn, input='{"secret":1}')["executionArn"]
    until(execution)
    records = group.records("ExecutionSucceeded")
    assert len(records) == 4
    assert "secret" not in str(records)
    assert "secret" in str(states.get_execution_history(executionArn=execution)["events"])


def test_a_level_needs_a_log_group_that_is_there(states: Any, role: str, group: Group) -> None:
    missing = group.configuration("ALL")
    missing["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"] = group.arn.replace(group.name, "/none")
    for configuration in ({"level": "ALL"}, missing):
        code, message = refused(
            states.create_state_machine,
            name="logged",
            definition=json.dumps(PASS),
            roleArn=role,
            loggingConfiguration=configuration,
        )
        assert code == "InvalidLoggingConfiguration"
        assert message.startswith("Invalid Logging Configuration: ")
