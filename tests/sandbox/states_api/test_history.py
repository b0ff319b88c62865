"""GetExecutionHistory: pages, order and data."""

import json
from typing import Any

import pytest

from tests.sandbox.states_api.conftest import Machines, refused

CHAIN = {
    "StartAt": "S0",
    "States": {f"S{n}": {"Type": "Pass", **({"Next": f"S{n + 1}"} if n < 59 else {"End": True})} for n in range(60)},
}


@pytest.fixture
def ended(states: Any, machine: Machines, until: Any) -> str:
    """An execution with 122 events."""
    arn: str = states.start_execution(stateMachineArn=machine(CHAIN), input='{"secret": 1}')["executionArn"]
    until(arn, "SUCCEEDED")
    return arn


def test_a_page_holds_100_events_unless_asked_for_more(states: Any, ended: str) -> None:
    first = states.get_execution_history(executionArn=ended)
    second = states.get_execution_history(executionArn=ended, nextToken=first["nextToken"])
    assert [event["id"] for event in first["events"] + second["events"]] == list(range(1, 123))
    assert len(first["events"]) == 100
    assert "nextToken" not in second
    assert "nextToken" not in states.get_execution_history(executionArn=ended, maxResults=1000)


def test_the_paginator_reads_every_event_once_in_either_order(states: Any, ended: str) -> None:
    paginator = states.get_paginator("get_execution_history")
    forwards = [
        event["id"]
        for page in paginator.paginate(executionArn=ended, PaginationConfig={"PageSize": 7})
        for event in page["events"]
    ]
    backwards = [
        event["id"]
        for page in paginator.paginate(executionArn=ended, reverseOrder=True, PaginationConfig={"PageSize": 61})
        for event in page["events"]
    ]
    assert forwards == list(range(1, 123))
    assert backwards == forwards[::-1]


def test_a_page_asked_for_while_the_execution_goes_on_leads_to_the_events_written_since(
    states: Any, machine: Machines, until: Any
) -> None:
    body = {"Type": "Wait", "Seconds": 1, "Next": "Go"}
    arn = states.start_execution(
        stateMachineArn=machine({"StartAt": "Sleep", "States": {"Sleep": body, "Go": {"Type": "Pass", "End": True}}})
    )["executionArn"]
    first = states.get_execution_history(executionArn=arn, maxResults=1)
    assert first["events"][0]["type"] == "ExecutionStarted"
    until(arn, "SUCCEEDED")
    token = first.get("nextToken")
    rest = states.get_execution_history(executionArn=arn, **({"nextToken": token} if token else {}))
    assert rest["events"][-1]["type"] == "ExecutionSucceeded"


def test_data_is_left_out_on_request_and_names_are_not(states: Any, ended: str) -> None:
    events = states.get_execution_history(executionArn=ended, includeExecutionData=False)["events"]
    assert "secret" not in str(events)
    assert events[1]["stateEnteredEventDetails"] == {"name": "S0"}


def test_a_token_of_something_else_is_refused(states: Any, ended: str) -> None:
    token = states.get_execution_history(executionArn=ended, maxResults=5)["nextToken"]
    for arguments in ({"nextToken": "rubbish"}, {"nextToken": token, "reverseOrder": True}):
        code, message = refused(states.get_execution_history, executionArn=ended, **arguments)
        assert (code, message) == ("InvalidToken", "Invalid Token: 'Invalid token'")


def test_too_large_a_page_is_refused(states: Any, ended: str) -> None:
    code, message = refused(states.get_execution_history, executionArn=ended, maxResults=1001)
    assert code == "ValidationException"
    assert message == (
        "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 1000"
    )


def test_stamps_agree_between_history_and_description(states: Any, ended: str) -> None:
    description = states.describe_execution(executionArn=ended)
    events = states.get_execution_history(executionArn=ended, maxResults=1000)["events"]
    assert events[0]["timestamp"] == description["startDate"]
    assert events[-1]["timestamp"] == description["stopDate"]


def test_a_page_is_at_most_4_megabytes_and_a_token_leads_to_the_rest(
    states: Any, machine: Machines, until: Any
) -> None:
    arn = states.start_execution(stateMachineArn=machine(CHAIN), input=json.dumps({"x": "y" * 200_000}))["executionArn"]
    until(arn, "SUCCEEDED")
    pages = list(states.get_paginator("get_execution_history").paginate(executionArn=arn, maxResults=1000))
    assert [event["id"] for page in pages for event in page["events"]] == list(range(1, 123))
    assert len(pages) > 5
    for page in pages:
        assert int(page["ResponseMetadata"]["HTTPHeaders"]["content-length"]) <= 4_300_000
