"""Starting, describing, listing and stopping executions."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.states_api.conftest import FAIL, PASS, SLEEP, Machines, refused, types

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_an_execution_without_a_name_gets_one(states: Any, machine: Machines) -> None:
    arn = machine()
    started = [states.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(2)]
    assert len(set(started)) == 2
    assert all(re.fullmatch(UUID, one.rpartition(":")[2]) for one in started)


def test_the_description_of_a_success(states: Any, machine: Machines, until: Any) -> None:
    arn = machine()
    started = states.start_execution(stateMachineArn=arn, name="one", input='{"a":  1}')
    found = until(started["executionArn"])
    assert found["status"] == "SUCCEEDED"
    assert found["name"] == "one"
    assert found["stateMachineArn"] == arn
    assert found["input"] == '{"a":  1}'
    assert json.loads(found["output"]) == {"a": 1}
    assert found["inputDetails"] == found["outputDetails"] == {"included": True}
    assert found["startDate"] == started["startDate"] <= found["stopDate"]
    assert found["redriveCount"] == 0
    assert found["redriveStatus"] == "NOT_REDRIVABLE"
    assert found["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    assert not {"error", "cause", "redriveDate"} & found.keys()


def test_half_of_a_surrogate_pair_goes_through_an_execution(states: Any, machine: Machines, until: Any) -> None:
    """JSON can hold it, though UTF-8 cannot."""
    started = states.start_execution(stateMachineArn=machine(), input='"\ud800"')
    assert json.loads(until(started["executionArn"])["output"]) == "\ud800"


def test_the_description_of_a_failure(states: Any, machine: Machines, until: Any) -> None:
    found = until(states.start_execution(stateMachineArn=machine(FAIL))["executionArn"])
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Oops", "It broke.")
    assert found["redriveStatus"] == "REDRIVABLE"
    assert not {"output", "outputDetails", "redriveStatusReason"} & found.keys()


def test_a_time_out_has_a_stop_date(states: Any, machine: Machines, until: Any) -> None:
    found = until(states.start_execution(stateMachineArn=machine(SLEEP | {"TimeoutSeconds": 1}))["executionArn"])
    assert found["status"] == "TIMED_OUT"
    assert 1 <= (found["stopDate"] - found["startDate"]).total_seconds() < 1.5


def test_metadata_only_leaves_the_data_out(states: Any, machine: Machines, until: Any) -> None:
    arn = states.start_execution(stateMachineArn=machine(), input='"secret"')["executionArn"]
    until(arn)
    found = states.describe_execution(executionArn=arn, includedData="METADATA_ONLY")
    assert not {"input", "output"} & found.keys()
    assert found["inputDetails"] == {"included": False}


def test_stopping_says_error_and_cause_and_is_there_at_once(states: Any, machine: Machines) -> None:
    arn = states.start_execution(stateMachineArn=machine(SLEEP))["executionArn"]
    stopped = states.stop_execution(executionArn=arn, error="Enough", cause="We have seen it.")
    found = states.describe_execution(executionArn=arn)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "We have seen it.")
    assert found["stopDate"] == stopped["stopDate"]
    assert found["redriveStatus"] == "REDRIVABLE"
    last = states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"][0]
    assert last["executionAbortedEventDetails"] == {"error": "Enough", "cause": "We have seen it."}
    again = states.stop_execution(executionArn=arn, error="Other")
    assert again["stopDate"] == stopped["stopDate"]


def test_stopping_in_a_back_off_does_not_wait_for_its_end(states: Any, machine: Machines) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "no-such-function"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600}],
        "End": True,
    }
    arn = states.start_execution(stateMachineArn=machine({"StartAt": "Ask", "States": {"Ask": task}}))["executionArn"]
    deadline = time.monotonic() + 20
    while "TaskFailed" not in types(states, arn):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    states.stop_execution(executionArn=arn)
    assert states.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert types(states, arn)[-2:] == ["TaskFailed", "ExecutionAborted"]


def test_the_same_name_and_input_is_the_same_execution_while_it_runs(states: Any, machine: Machines) -> None:
    arn = machine(SLEEP)
    first = states.start_execution(stateMachineArn=arn, name="same", input='{"a": 1}')
    again = states.start_execution(stateMachineArn=arn, name="same", input='{"a":1}')
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    other = refused(states.start_execution, stateMachineArn=arn, name="same", input='{"a": 2}')
    assert other == ("ExecutionAlreadyExists", f"Execution Already Exists: '{first['executionArn']}'")
    states.stop_execution(executionArn=first["executionArn"])
    assert refused(states.start_execution, stateMachineArn=arn, name="same", input='{"a": 1}') == other


def test_a_hundred_executions_at_once_all_succeed(states: Any, machine: Machines, until: Any) -> None:
    five = {f"S{n}": {"Type": "Pass", **({"Next": f"S{n + 1}"} if n < 4 else {"End": True})} for n in range(5)}
    arn = machine({"StartAt": "S0", "States": five})
    with ThreadPoolExecutor(20) as pool:
        started = list(pool.map(lambda _: states.start_execution(stateMachineArn=arn)["executionArn"], range(100)))
    assert {until(execution)["status"] for execution in started} == {"SUCCEEDED"}
    assert len(states.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")["executions"]) == 100


def test_lists_begin_with_the_newest_and_go_on_by_token(states: Any, machine: Machines) -> None:
    arn = machine()
    names = [f"e{number}" for number in range(7)]
    for name in names:
        states.start_execution(stateMachineArn=arn, name=name)
    first = states.list_executions(stateMachineArn=arn, maxResults=3)
    states.start_execution(stateMachineArn=arn, name="late")
    rest = states.list_executions(stateMachineArn=arn, nextToken=first["nextToken"])
    assert [one["name"] for one in first["executions"] + rest["executions"]] == names[::-1]
    assert "nextToken" not in rest
    assert refused(states.list_executions, stateMachineArn=arn, nextToken="rubbish")[0] == "InvalidToken"


def test_what_ended_is_listed_by_its_end_and_what_runs_by_its_start(states: Any, machine: Machines) -> None:
    """As the API reference's page of ListExecutions says."""
    arn = machine(SLEEP)
    for name in ("long", "short", "redriven", "running"):
        states.start_execution(stateMachineArn=arn, name=name)
        time.sleep(0.01)

    def of(name: str) -> str:
        return f"{arn.replace(':stateMachine:', ':execution:')}:{name}"

    states.stop_execution(executionArn=of("redriven"))
    for name in ("short", "long"):
        states.stop_execution(executionArn=of(name))
        time.sleep(0.01)
    states.redrive_execution(executionArn=of("redriven"))
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=arn, PaginationConfig={"PageSize": 1})
    assert [one["name"] for page in pages for one in page["executions"]] == ["redriven", "long", "short", "running"]


def test_lists_filter_by_status_and_redrive(states: Any, machine: Machines, until: Any) -> None:
    arn = machine(SLEEP)
    _, stopped, redriven = (
        states.start_execution(stateMachineArn=arn, name=name)["executionArn"]
        for name in ("running", "stopped", "redriven")
    )
    states.stop_execution(executionArn=stopped)
    states.stop_execution(executionArn=redriven)
    states.redrive_execution(executionArn=redriven)

    def names(**filters: str) -> list[str]:
        return [one["name"] for one in states.list_executions(stateMachineArn=arn, **filters)["executions"]]

    assert names(statusFilter="ABORTED") == ["stopped"]
    assert names(statusFilter="RUNNING") == ["redriven", "running"]
    assert names(redriveFilter="REDRIVEN") == ["redriven"]
    assert names(redriveFilter="NOT_REDRIVEN", statusFilter="RUNNING") == ["running"]
    assert refused(states.list_executions, stateMachineArn=arn, statusFilter="BUSY")[0] == "ValidationException"
    # "If you provide a stateMachineArn and a PENDING_REDRIVE statusFilter ...": API reference, ListExecutions.
    pending = refused(states.list_executions, stateMachineArn=arn, statusFilter="PENDING_REDRIVE")
    assert pending[0] == "ValidationException"


def test_a_list_wants_a_machine_or_a_map_run(states: Any) -> None:
    assert refused(states.list_executions)[0] == "ValidationException"


def test_an_execution_keeps_the_machine_as_it_was(states: Any, machine: Machines) -> None:
    arn = machine(SLEEP)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    before = states.describe_state_machine_for_execution(executionArn=execution)
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(PASS))
    after = states.describe_state_machine_for_execution(executionArn=execution)
    assert json.loads(after["definition"]) == SLEEP
    assert after["updateDate"] == before["updateDate"]
    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"]) == PASS


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"name": "a b"}, "InvalidName", "Invalid Name: 'a b'"),
        ({"input": "{"}, "InvalidExecutionInput", "Invalid State Machine Execution Input: '"),
        ({"input": "NaN"}, "InvalidExecutionInput", "Invalid State Machine Execution Input: '"),
        ({"input": "[" * 100_000}, "InvalidExecutionInput", "Invalid State Machine Execution Input: '"),
        ({"name": "n" * 81}, "ValidationException", "Member must have length less than or equal to 80"),
    ],
)
def test_what_an_execution_cannot_be_started_with(
    states: Any, machine: Machines, arguments: dict[str, str], code: str, message: str
) -> None:
    arn = machine()
    found = refused(states.start_execution, stateMachineArn=arn, **arguments)
    assert found[0] == code
    assert message in found[1]
    assert states.list_executions(stateMachineArn=arn)["executions"] == []


def test_an_input_too_long_in_bytes_is_refused(states: Any, machine: Machines) -> None:
    text = json.dumps("é" * 140_000, ensure_ascii=False)
    assert refused(states.start_execution, stateMachineArn=machine(), input=text)[0] == "InvalidExecutionInput"


ARN = "arn:aws:states:us-east-1:123456789012"


@pytest.mark.parametrize(
    ("operation", "arguments", "code", "message"),
    [
        ("start_execution", {"stateMachineArn": "abc"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: abc'"),
        (
            "start_execution",
            {"stateMachineArn": f"{ARN}:execution:a:b"},
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: execution'",
        ),
        (
            "start_execution",
            {"stateMachineArn": f"{ARN}:stateMachine:none"},
            "StateMachineDoesNotExist",
            f"State Machine Does Not Exist: '{ARN}:stateMachine:none'",
        ),
        (
            "list_executions",
            {"stateMachineArn": f"{ARN}:stateMachine:none"},
            "StateMachineDoesNotExist",
            f"State Machine Does Not Exist: '{ARN}:stateMachine:none'",
        ),
        *(
            (
                operation,
                {"executionArn": f"{ARN}:execution:none:none"},
                "ExecutionDoesNotExist",
                f"Execution Does Not Exist: '{ARN}:execution:none:none'",
            )
            for operation in (
                "describe_execution",
                "get_execution_history",
                "stop_execution",
                "redrive_execution",
                "describe_state_machine_for_execution",
                "list_map_runs",
            )
        ),
    ],
)
def test_what_is_not_there(states: Any, operation: str, arguments: dict[str, str], code: str, message: str) -> None:
    found = refused(getattr(states, operation), **arguments)
    assert found[0] == code
    assert found[1].startswith(message)


def test_a_deleted_machine_takes_its_executions_along(states: Any, machine: Machines) -> None:
    arn = machine(SLEEP)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    states.delete_state_machine(stateMachineArn=arn)
    assert refused(states.describe_execution, executionArn=execution)[0] == "ExecutionDoesNotExist"
    assert refused(states.start_execution, stateMachineArn=arn)[0] == "StateMachineDoesNotExist"
