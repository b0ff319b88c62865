"""What a failing state says: error, cause and where."""

from typing import Any

import pytest

from tests.sandbox.conftest import Machines, details, jsonata, states

PASS = {"Type": "Pass", "End": True}
RUNTIME, QUERY = "States.Runtime", "States.QueryEvaluationError"

FAILURES: dict[str, tuple[dict[str, Any], Any, str, str]] = {
    "a leaf that is not there": (
        states(S=PASS | {"OutputPath": "$.a"}),
        {},
        RUNTIME,
        "Invalid path '$.a' : No results for path: $['a']",
    ),
    "an object that is not there": (
        states(S=PASS | {"InputPath": "$.a.b"}),
        {},
        RUNTIME,
        "Invalid path '$.a.b' : Missing property in path $['a']",
    ),
    "a parameter's path": (
        states(S=PASS | {"Parameters": {"x.$": "$.a"}}),
        {"b": "é"},
        RUNTIME,
        "The JSONPath '$.a' specified for the field 'x.$' could not be found in the input '{\"b\":\"é\"}'",
    ),
    "a task's parameter's path": (
        states(
            S={
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
                "Parameters": {"Prefix.$": "$.a"},
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "E"}],
                "End": True,
            },
            E=PASS,
        ),
        {},
        RUNTIME,
        "The JSONPath '$.a' specified for the field 'Prefix.$' could not be found in the input '{}'",
    ),
    "a compared value that is not there": (
        states(S={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "E"}]}, E=PASS),
        {},
        RUNTIME,
        "Invalid path '$.a': The choice state's condition path references an invalid value.",
    ),
    "no choice": (
        states(S={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "E"}]}, E=PASS),
        {"a": 1},
        RUNTIME,
        "Failed to transition out of the state. The state does not point to a next state.",
    ),
    "undefined": (
        jsonata(S=PASS | {"Output": {"a": ["{% $states.input.x %}"]}}),
        {},
        QUERY,
        "The JSONata expression '$states.input.x' specified for the field 'Output/a[0]' returned nothing (undefined).",
    ),
    "a thrown error": (
        jsonata(S=PASS | {"Assign": {"a": "{% $abs('x') %}"}}),
        {},
        QUERY,
        "The JSONata expression '$abs('x')' specified for the field 'Assign/a' threw an error during evaluation. "
        'T0410: Argument 1 of function "abs" does not match function signature',
    ),
    "a function": (
        jsonata(S=PASS | {"Output": "{% function($x){$x} %}"}),
        {},
        QUERY,
        "The JSONata expression 'function($x){$x}' specified for the field 'Output' returned an unsupported "
        "result type.",
    ),
    "a condition that is no truth value": (
        jsonata(S={"Type": "Choice", "Choices": [{"Condition": "{% 'a' %}", "Next": "E"}]}, E=PASS),
        {},
        QUERY,
        "The JSONata expression ''a'' specified for the field 'Choices[0]/Condition' returned an unexpected result "
        "type. Expected 'boolean', but was 'string' for value: \"a\"",
    ),
    "seconds that are no number": (
        jsonata(S={"Type": "Wait", "Seconds": "{% null %}", "End": True}),
        {},
        QUERY,
        "The JSONata expression 'null' specified for the field 'Seconds' returned an unexpected result type. "
        "Expected 'number', but was 'null' for value: null",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_error_and_cause(machines: Machines, name: str) -> None:
    definition, data, error, cause = FAILURES[name]
    events = machines.run(definition, data)
    where = "An error occurred while executing the state 'S' (entered at the event id #2). "
    assert events[-1]["type"] == "ExecutionFailed"
    assert details(events[-1]) == {"error": error, "cause": where + cause}
    if error == QUERY:
        assert events[-2]["type"] == "EvaluationFailed"
        said = {key: details(events[-2])[key] for key in ("error", "cause", "state")}
        assert said == {"error": error, "cause": where + cause, "state": "S"}


def test_a_failure_inside_is_located_once(machines: Machines) -> None:
    inner = states(A=PASS | {"OutputPath": "$.a"})
    parallel = {"Type": "Parallel", "Branches": [inner], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "E"}]}
    events = machines.run(states(P=parallel | {"Next": "E"}, E=PASS))
    assert [event["type"] for event in events][-2:] == ["PassStateEntered", "ExecutionFailed"]
    assert details(events[-1])["cause"].count("An error occurred while executing") == 1


@pytest.mark.parametrize(
    ("caught", "error", "expected"),
    [
        ("States.ALL", "Mine", True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.DataLimitExceeded", True),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
        ("States.TaskFailed", "Mine", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.Runtime", "States.Runtime", False),
    ],
)
def test_what_catches_what(machines: Machines, caught: str, error: str, expected: bool) -> None:
    branch = states(F={"Type": "Fail", "Error": error})
    parallel = {
        "Type": "Parallel",
        "Branches": [branch],
        "Catch": [{"ErrorEquals": [caught], "Next": "E"}],
        "Next": "E",
    }
    events = machines.run(states(P=parallel, E=PASS))
    assert (events[-1]["type"] == "ExecutionSucceeded") is expected


def test_a_payload_of_the_limit_passes_and_one_byte_more_does_not(machines: Machines) -> None:
    # The output is a text: its quotes count.
    text = "x" * (262_144 - 2)
    assert machines.run(states(S=PASS), text)[-1]["type"] == "ExecutionSucceeded"
    grow = PASS | {"Parameters": {"a.$": "States.Format('{}{}', $, $)"}}
    events = machines.run(states(S=grow), "x" * 140_000)
    assert details(events[-1])["error"] == "States.DataLimitExceeded"
    assert "The state/task 'S' returned a result with a size exceeding" in details(events[-1])["cause"]


def test_a_result_without_a_place(machines: Machines) -> None:
    events = machines.run(states(S=PASS | {"Result": 1, "ResultPath": "$.a.b"}), {"a": 5})
    assert details(events[-1])["error"] == "States.ResultPathMatchFailure"


def test_failures_leave_no_kilobytes_in_the_log(machines: Machines) -> None:
    from helpers.sandbox import process

    log = process.folder() / "sandbox.log"
    before = log.stat().st_size
    for _ in range(5):
        machines.run(states(S={"Type": "Fail", "Error": "Mine"}))
    assert log.stat().st_size - before < 5_000
