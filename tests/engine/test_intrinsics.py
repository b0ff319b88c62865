"""What intrinsic functions give and refuse."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.definition.syntax import ARGUMENTS
from helpers.engine import intrinsics
from helpers.engine.failures import StateFailed
from tests.engine.conftest import DATA, failure, scope_of

INPUT = {
    "l": [1, 2, 3, 4, 5],
    "twice": [1, {"a": 1, "b": 2}, True, 1.0, {"b": 2, "a": 1}, 1],
    "o": {"a": 1, "b": [{"c": 2.5}, None, True]},
    "name": "Foo",
    "template": "Hi {}",
    "long": "x" * 10_001,
}
GIVEN: dict[str, Any] = {
    "States.Format('{} is {}', $.name, $.o)": "Foo is {a=1, b=[{c=2.5}, null, true]}",
    "States.Format('It\\'s \\{{}\\}', null)": "It's {null}",
    "States.Format($.template, 'you')": "Hi you",
    "States.Format('{}', '{}')": "{}",
    "States.Format('}\\{')": "}{",
    "States.StringToJson('{\"a\": [1, null]}')": {"a": [1, None]},
    "States.StringToJson('')": None,
    "States.JsonToString($.o)": '{"a":1,"b":[{"c":2.5},null,true]}',
    "States.JsonToString('é')": '"é"',
    "States.Array()": [],
    "States.Array(1.5, null, 'a\\\\b', States.MathAdd(1, 2), $$.State.Name)": [1.5, None, "a\\b", 3, "S"],
    "States.ArrayPartition($.l, 2)": [[1, 2], [3, 4], [5]],
    "States.ArrayPartition($.l, 1.5)": [[1, 2], [3, 4], [5]],
    "States.ArrayContains($.l, 5)": True,
    "States.ArrayContains($.l, '5')": False,
    "States.ArrayContains($.l, true)": False,
    "States.ArrayRange(1, 9, 2)": [1, 3, 5, 7, 9],
    "States.ArrayRange(3, 1, -1)": [3, 2, 1],
    "States.ArrayRange(1, 1000, 1)": list(range(1, 1001)),
    "States.ArrayGetItem($.l, 4)": 5,
    "States.ArrayLength($.l)": 5,
    "States.ArrayUnique($.twice)": [1, {"a": 1, "b": 2}, True, 1.0],
    "States.Base64Encode('é')": "w6k=",
    "States.Base64Decode('w6k=')": "é",
    "States.Hash('x', 'MD5')": "9dd4e461268c8034f5c8564e155c67a6",
    "States.Hash('x', 'SHA-1')": "11f6ad8ec52a2984abaafd7c3b516503785c2072",
    "States.Hash('x', 'SHA-256')": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    "States.JsonMerge($.o, States.StringToJson('{\"a\":2}'), false)": {"a": 2, "b": INPUT["o"]["b"]},
    "States.MathAdd(-1.5, 2.5)": 2,
    "States.MathAdd($.l[0], -1)": 0,
    "States.MathAdd(-2147483648, 2147483647)": -1,
    "States.MathRandom(4, 5)": 4,
    "States.StringSplit('1;2.3;', ';.')": ["1", "2", "3"],
    "States.StringSplit('a--b', '-')": ["a", "b"],
}


@pytest.mark.parametrize("text", GIVEN)
def test_given(text: str) -> None:
    found = intrinsics.function(text)(scope_of(INPUT))
    assert found == GIVEN[text]
    assert type(found) is type(GIVEN[text])


def test_every_function_is_tried() -> None:
    assert {text.split("(")[0].removeprefix("States.") for text in GIVEN} | {"UUID"} == set(ARGUMENTS)


def test_ids_and_numbers_are_drawn_from_the_scope() -> None:
    text = "States.Array(States.UUID(), States.MathRandom(1, 1000000))"
    draw = intrinsics.function(text)
    first, number = draw(scope_of(seed=1))
    assert first[14] == "4"
    assert len(first) == 36
    assert draw(scope_of(seed=1)) == [first, number]
    assert draw(scope_of(seed=2))[0] != first
    scope = scope_of(seed=1)
    assert draw(scope) != draw(scope)
    seeded = intrinsics.function("States.MathRandom(1, 1000000, 7)")
    assert seeded(scope) == seeded(scope) == seeded(scope_of(seed=2))


REFUSED = {
    "States.ArrayGetItem($.l, 9)": "The index 9 is not in the array, which has 5 items",
    "States.ArrayGetItem($.l, -1)": "The index -1 is not in the array, which has 5 items",
    "States.ArrayLength($.o)": 'Expected an array, but got: {"a":1,"b":[{"c":2.5},null,true]}',
    "States.ArrayPartition($.l, 0)": "The size of a chunk must be a positive integer, but was: 0",
    "States.ArrayPartition($.l, true)": "Expected an integer, but got: true",
    "States.ArrayRange(1, 2, 0)": "The increment must not be 0",
    "States.ArrayRange(1, 1001, 1)": "The array would hold more than 1000 items",
    "States.ArrayRange(1, 1e90, 1)": "The array would hold more than 1000 items",
    "States.Base64Encode($.long)": "The input is longer than 10000 characters",
    "States.Base64Decode('?')": "The input is no Base64",
    "States.Base64Decode('/w==')": "The input is no Base64",
    "States.Format('{}')": "The number of arguments do not match the occurrences of {} in {}",
    # as a user saw it on AWS (aws/aws-cdk, issue 29261)
    "States.Format('{ \\}', 1)": "Invalid template in States.Format: matching '}' not found for '{'.",
    "States.Format('{}{a}', 1, 2)": "Invalid template in States.Format: matching '}' not found for '{'.",
    "States.Format(1)": "Expected a string, but got: 1",
    "States.Hash('x', 'CRC')": ('The algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512, but was: "CRC"'),
    "States.JsonMerge($.o, $.l, false)": "Expected an object, but got: [1,2,3,4,5]",
    "States.JsonMerge($.o, $.o, true)": "Only the shallow merging mode, false, is supported",
    "States.MathAdd('1', 1)": 'Expected an integer, but got: "1"',
    "States.MathAdd(2147483647.5, 1)": "2147483648 is not from -2147483648 to 2147483647",
    "States.MathRandom(2, 2)": "The start must be less than the end",
    "States.StringSplit(1, ',')": "Expected a string, but got: 1",
    "States.StringToJson('{')": "Invalid JSON: {",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    failed = failure(intrinsics.function(text), scope_of(INPUT))
    assert failed.error == "States.IntrinsicFailure"
    assert failed.cause == f"The function '{text}' had the following error: {REFUSED[text]}"


@pytest.mark.parametrize(
    ("path", "data"), [("$.x", '{"é":1}'), ("$v.x[9]", '{"x":[]}'), ("$$.State.X", '{"Execution":{"Id"')]
)
def test_an_argument_from_nowhere(path: str, data: str) -> None:
    text = f"States.Format('{{}}', States.Array({path}))"
    failed = failure(intrinsics.function(text), scope_of({"é": 1}, variables={"v": {"x": []}}))
    assert failed.error == "States.Runtime"
    said = f"The function '{text}' had the following error: The JsonPath argument for the field '{path}' could not be "
    assert str(failed.cause).startswith(f"{said}found in the input '{data}")


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(sorted(ARGUMENTS)), st.lists(DATA, max_size=4))
def test_any_arguments_give_a_value_or_a_failure(name: str, values: list[Any]) -> None:
    text = f"States.{name}({', '.join(f'$[{number}]' for number in range(len(values)))})"
    fewest, most = ARGUMENTS[name]
    if len(values) < fewest or (most is not None and len(values) > most):
        return
    try:
        intrinsics.function(text)(scope_of(values))
    except StateFailed as error:
        assert error.error == "States.IntrinsicFailure"  # noqa: PT017  most fail, some do not


@pytest.mark.parametrize("name", ["Format('{}', $)", "JsonToString($)", "ArrayUnique($)", "ArrayContains($, $)"])
def test_data_that_is_nested_too_deeply(name: str) -> None:
    data: Any = []
    for _ in range(100_000):
        data = [data]
    failed = failure(intrinsics.function(f"States.{name}"), scope_of(data))
    assert failed.error == "States.Runtime"
    assert "nested too deeply" in str(failed.cause)
