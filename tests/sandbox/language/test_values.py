"""What paths, intrinsic functions and JSONata expressions give."""

import json
import re
from typing import Any

from tests.sandbox.conftest import Machines, details, jsonata, states

DATA = {
    "l": [1, 2, 3, 4, 5],
    "one": [5],
    "o": {"a": 1, "b": [{"c": 2}, {"c": 3}]},
    "n": None,
    "name": "Foo",
    'q"\\x': "quoted",
    "twice": [1, {"a": 1}, 1, {"a": 1}],
    "text": '{"a": 1}',
}


def outputs(machines: Machines, definition: dict[str, Any]) -> Any:
    last = machines.run(definition, DATA)[-1]
    assert last["type"] == "ExecutionSucceeded", details(last)
    return json.loads(details(last)["output"])


PATHS = {
    "$.o.b[1].c": 3,
    "$.l[-1]": 5,
    "$['o']['a']": 1,
    "$['q\"\\x']": "quoted",
    "$.l[1:3]": [2, 3],
    "$.o.b[*].c": [2, 3],
    "$..c": [2, 3],
    "$.o.b[?(@.c == 2)]": [{"c": 2}],
    "$.absent[*]": [],
    "$.n": None,
    "$$.State.Name": "S",
    "$$.Execution.RedriveCount": 0,
    "States.Format('{} is {}', $.name, $.o)": "Foo is {a=1, b=[{c=2}, {c=3}]}",
    "States.Format('It\\'s \\{{}\\}', null)": "It's {null}",
    "States.Array(1.5, null, 'a\\\\b', States.MathAdd(1, 2))": [1.5, None, "a\\b", 3],
    "States.ArrayUnique($.twice)": [1, {"a": 1}],
    "States.ArrayPartition($.l, 2)": [[1, 2], [3, 4], [5]],
    "States.MathAdd($.l[0], -1)": 0,
    "States.StringToJson($.text)": {"a": 1},
    "States.StringToJson(States.Format('\\{\"a\":{}\\}', 1))": {"a": 1},
    "States.ArrayRange(3, 1, -1)": [3, 2, 1],
    "States.ArrayContains($.twice, true)": False,
    "States.MathRandom(4, 5)": 4,
    "States.MathAdd(-1.5, 2.5)": 2,
    "States.Base64Decode(States.Base64Encode('é'))": "é",
    "$.l.length()": 5,
}


def test_paths_and_intrinsic_functions(machines: Machines) -> None:
    parameters = {f"k{number}.$": path for number, path in enumerate(PATHS)}
    found = outputs(machines, states(S={"Type": "Pass", "Parameters": parameters, "End": True}))
    assert dict(zip(PATHS, found.values(), strict=True)) == PATHS


JSONATA = {
    "$states.input.o.b.c": [2, 3],
    "$states.input.one": [5],
    "$states.input.n": None,
    "$sum($states.input.l) / 2": 7.5,
    "10 / 2": 5,
    "[1..3]": [1, 2, 3],
    "{'a': $states.input.absent}": {},
    "$states.context.State.Name": "S",
    "$partition($states.input.l, 2)": [[1, 2], [3, 4], [5]],
    "$range(0, 10, 5)": [0, 5, 10],
    "$range(3, 1, -1)": [3, 2, 1],
    "$hash('x', 'MD5')": "9dd4e461268c8034f5c8564e155c67a6",
    "$parse($states.input.text).a": 1,
    "$random(7) = $random(7)": True,
    "$random(42)": 0.7275636800328681,
    "$length($uuid())": 36,
    "1 / 0": "Infinity",
    "$count(null)": 1,
    "$distinct([1, 1])": [1],
    "$range(-1.7, 2, 1)": [-1, 0, 1, 2],
    "$states.input ~> |o|{'b': 0}| ~> $lookup('o')": {"a": 1, "b": 0},
}


def test_jsonata(machines: Machines) -> None:
    output = {f"k{number}": "{% " + expression + " %}" for number, expression in enumerate(JSONATA)}
    found = outputs(machines, jsonata(S={"Type": "Pass", "Output": output, "End": True}))
    assert dict(zip(JSONATA, found.values(), strict=True)) == JSONATA


def test_variables_keep_their_quotes(machines: Machines) -> None:
    definition = jsonata(
        A={"Type": "Pass", "Assign": {"var": 'a "b" \\'}, "Next": "B"},
        B={"Type": "Pass", "Output": "{% $var %}", "End": True},
    )
    events = machines.run(definition)
    exited = next(details(event) for event in events if event["type"] == "PassStateExited")
    assert json.loads(exited["assignedVariables"]["var"]) == 'a "b" \\'
    assert json.loads(details(events[-1])["output"]) == 'a "b" \\'


def test_variables_in_paths(machines: Machines) -> None:
    definition = states(
        A={"Type": "Pass", "Assign": {"var": {"x": [{"y": 1}, {"y": 2}]}}, "Next": "B"},
        B={
            "Type": "Pass",
            "Parameters": {"a.$": "$var.x[1].y", "b.$": "$var.x[*].y", "c.$": "States.Format('{}', $var.x[0].y)"},
            "End": True,
        },
    )
    assert outputs(machines, definition) == {"a": 2, "b": [1, 2], "c": "1"}


def test_a_function_that_fails_is_named(machines: Machines) -> None:
    definition = states(S={"Type": "Pass", "Parameters": {"a.$": "States.ArrayGetItem($.l, 9)"}, "End": True})
    said = details(machines.run(definition, DATA)[-1])
    assert said["error"] == "States.IntrinsicFailure"
    assert "The function 'States.ArrayGetItem($.l, 9)' had the following error: " in said["cause"]


def test_times_and_texts_are_written_as_on_aws(machines: Machines) -> None:
    definition = states(S={"Type": "Pass", "Parameters": {"é.$": "$$.Execution.StartTime"}, "End": True})
    text = details(machines.run(definition)[-1])["output"]
    assert re.fullmatch(r'\{"é":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}', text)
