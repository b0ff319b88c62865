"""What the comparisons of a Choice take for a match, and what its rules assign."""

import json
from typing import Any

import pytest

from tests.sandbox.conftest import Machines, details, states

DATA = {
    "n": 1,
    "s": "a*b",
    "z": None,
    "b": True,
    "time": "2020-01-01T00:00:00Z",
    "later": "2020-01-01T00:00:00.5Z",
    "same": "2020-01-01T02:00:00+02:00",
    "day": "2020-01-01",
}
MATCHES = [
    {"Variable": "$.n", "NumericEquals": 1.0},
    {"Variable": "$.s", "StringMatches": "a\\*b"},
    {"Variable": "$.s", "StringMatches": "*\\**"},
    {"Variable": "$.time", "TimestampEqualsPath": "$.same"},
    {"Variable": "$.time", "TimestampLessThan": "2020-01-01T00:00:00.001Z"},
    {"Variable": "$.later", "TimestampGreaterThanPath": "$.time"},
    {"Variable": "$.same", "IsTimestamp": True},
    {"Variable": "$.day", "IsTimestamp": False},
    {"Variable": "$.z", "IsNull": True},
    {"Variable": "$.absent", "IsPresent": False},
    {"Variable": "$.s", "StringEqualsPath": "$$.Execution.Input.s"},
    {"Variable": "$.n", "NumericLessThanPath": "$two"},
    {"Not": {"Variable": "$.n", "NumericGreaterThanPath": "$two"}},
    {"And": [{"Variable": "$.absent", "IsPresent": False}, {"Variable": "$.b", "BooleanEquals": True}]},
]
DIFFERENT = [
    {"Variable": "$.s", "StringMatches": "a\\*"},
    {"Variable": "$.n", "BooleanEquals": True},
    {"Variable": "$.b", "NumericEquals": 1},
    {"Variable": "$.s", "StringLessThanPath": "$.n"},
    {"Variable": "$.day", "TimestampLessThan": "2021-01-01T00:00:00Z"},
    {"Variable": "$.z", "StringEquals": "a"},
]


def chosen(machines: Machines, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the rules that match."""
    found = {f"C{number}": _choice(rule, number, len(rules)) for number, rule in enumerate(rules)}
    end = {
        f"C{len(rules)}": {"Type": "Pass", "Parameters": {f"v{n}.$": f"$v{n}" for n in range(len(rules))}, "End": True}
    }
    start = {"A": {"Type": "Pass", "Assign": {"two": 2}, "Next": "C0"}}
    last = machines.run(states(**start, **found, **end), DATA)[-1]
    assert last["type"] == "ExecutionSucceeded", details(last)
    values = json.loads(details(last)["output"])
    return [rule for number, rule in enumerate(rules) if values[f"v{number}"]]


def _choice(rule: dict[str, Any], number: int, count: int) -> dict[str, Any]:
    following = f"C{number + 1}"
    matched = {**rule, "Next": following, "Assign": {f"v{number}": True}}
    return {"Type": "Choice", "Choices": [matched], "Default": following, "Assign": {f"v{number}": False}}


def test_what_matches(machines: Machines) -> None:
    assert chosen(machines, MATCHES) == MATCHES


def test_what_does_not_match(machines: Machines) -> None:
    assert chosen(machines, DIFFERENT) == []


@pytest.mark.parametrize(
    "rule",
    [{"Variable": "$.absent", "StringEquals": "a"}, {"Variable": "$.s", "StringEqualsPath": "$.absent"}],
    ids=["variable", "value"],
)
def test_what_is_not_there_cannot_be_compared(machines: Machines, rule: dict[str, Any]) -> None:
    definition = states(C={"Type": "Choice", "Choices": [{**rule, "Next": "E"}], "Default": "E"}, E={"Type": "Succeed"})
    said = details(machines.run(definition, DATA)[-1])
    assert said["error"] == "States.Runtime"
    assert "Invalid path '$.absent': The choice state's condition path references an invalid value." in said["cause"]
