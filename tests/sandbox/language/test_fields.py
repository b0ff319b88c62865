"""What states say of fields whose value is not what the field takes."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Machines, details, jsonata, states

DATA = {"no": True, "minus": -1, "text": "x", "hour": "2016-03-14T01:59:00.5+01:00"}
TASK = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "End": True}
WAIT = {"Type": "Wait", "End": True}

FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "a number of seconds that is a boolean": (
        {**WAIT, "SecondsPath": "$.no"},
        "The SecondsPath parameter cannot be parsed as a long value: $.no == true",
    ),
    "a time that is not there": (
        {**WAIT, "TimestampPath": "$.absent"},
        "The TimestampPath parameter does not reference an input value: $.absent",
    ),
    "a time that is a number": (
        {**WAIT, "TimestampPath": "$.minus"},
        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
        "$.minus == -1",
    ),
    "an error that is a number": (
        {"Type": "Fail", "ErrorPath": "$.minus"},
        'The ErrorPath field refers to value "-1" which is not a valid string: $.minus',
    ),
    "a time-out that is a text": (
        {**TASK, "TimeoutSecondsPath": "$.text"},
        'The TimeoutSecondsPath field refers to value "x" which is not a valid integer: $.text',
    ),
    "a heartbeat that is not there": (
        {**TASK, "HeartbeatSecondsPath": "$.absent.seconds"},
        "Invalid path '$.absent.seconds' : Missing property in path $['absent']",
    ),
    "a variable from nowhere": (
        {"Type": "Pass", "Assign": {"a": {"b.$": "$.absent"}}, "End": True},
        "The JSONPath '$.absent' specified for the field 'b.$' could not be found in the input",
    ),
    "an argument from nowhere": (
        {"Type": "Pass", "Parameters": {"a.$": "States.Format('{}', $.absent)"}, "End": True},
        "The function 'States.Format('{}', $.absent)' had the following error: "
        "The JsonPath argument for the field '$.absent' could not be found in the input",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_fields_in_jsonpath(machines: Machines, name: str) -> None:
    state, cause = FAILURES[name]
    said = details(machines.run(states(S=state), DATA)[-1])
    assert said["error"] == "States.Runtime"
    assert said["cause"].startswith("An error occurred while executing the state 'S' (entered at the event id #2). ")
    assert cause in said["cause"]


@pytest.mark.parametrize(
    "state",
    [{**TASK, "TimeoutSeconds": "{% -1 %}"}, {**WAIT, "Timestamp": "{% 1 %}"}, {**WAIT, "Seconds": "{% '1' %}"}],
    ids=["TimeoutSeconds", "Timestamp", "Seconds"],
)
def test_fields_in_jsonata(machines: Machines, state: dict[str, Any]) -> None:
    events = machines.run(jsonata(S=state), DATA)
    assert [event["type"] for event in events][2:] == ["EvaluationFailed", "ExecutionFailed"]
    assert details(events[-1])["error"] == "States.QueryEvaluationError"


def test_a_wait_until_a_time_with_an_offset(machines: Machines) -> None:
    assert machines.run(states(W={**WAIT, "TimestampPath": "$.hour"}), DATA)[-1]["type"] == "ExecutionSucceeded"


REFUSED = {
    "{% 1 + %}": "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/P/Output/v",
    "{% phone.home %}": (
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/P/Output/v"
    ),
}


@pytest.mark.parametrize("expression", REFUSED)
def test_expressions_are_read_when_a_machine_is_created(machines: Machines, expression: str) -> None:
    with pytest.raises(ClientError) as caught:
        machines.create(jsonata(P={"Type": "Pass", "Output": {"v": expression}, "End": True}))
    assert REFUSED[expression] in caught.value.response["Error"]["Message"]


UNSUPPORTED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "P"}]}, "Field 'Catch' is not supported at /States/P"),
    ({}, {"TimeoutSeconds": 1}, "Field 'TimeoutSeconds' is not supported at /States/P"),
    (
        {},
        {"Output": 1},
        "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage",
    ),
    (
        {"QueryLanguage": "JSONata"},
        {"QueryLanguage": "JSONPath"},
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
    ),
]


@pytest.mark.parametrize(("machine", "fields", "said"), UNSUPPORTED)
def test_fields_that_a_state_has_not(
    machines: Machines, machine: dict[str, Any], fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError) as caught:
        machines.create({**machine, **states(P={"Type": "Pass", "End": True, **fields})})
    assert said in caught.value.response["Error"]["Message"]
