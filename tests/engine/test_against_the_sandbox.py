"""The engine's data against what the sandbox's interpreter makes of the same, while both stand."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import expressions, paths, rules
from helpers.engine.failures import StateFailed
from helpers.engine.intrinsics import FUNCTIONS
from helpers.sandbox import interpreter
from tests.engine.conftest import DATA, scope_of

# No filters: the sandbox's look within an object, AWS's JSONPath library tries the object itself.
STEPS = [".a", ".b", "['c']", "[0]", "[1]", "[-1]", "[*]", ".*", "[0:2]", "..a"]
PATHS = st.lists(st.sampled_from(STEPS), max_size=4).map(lambda steps: "$" + "".join(steps))


@pytest.fixture(scope="module", autouse=True)
def _mended() -> None:
    interpreter.mend()


@settings(max_examples=300, deadline=None)
@given(PATHS, DATA)
def test_paths(path: str, data: Any) -> None:
    from helpers.sandbox.interpreter.jsonpath import NoSuchJsonPathError, nowhere, select

    try:
        wanted = select(path, data)
    except NoSuchJsonPathError:
        wanted = f"Invalid path '{path}' : {nowhere(path, data)}"
    try:
        found = paths.filtered(path, "InputPath")(scope_of(data))
    except StateFailed as error:
        found = error.cause
    assert found == wanted


KINDS = ["Boolean", "Numeric", "String", "Timestamp"]
TIMES = ["2020-01-01T00:00:00Z", "2020-01-01T02:00:00.5+02:00", "2020-01-01", "2019-12-31T23:59:59.999Z"]
VALUES = DATA | st.sampled_from([*TIMES, "a*b", "aab", "a\\*b", "\\"])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(list(rules.TESTS)), VALUES, VALUES)
def test_comparisons(kind: str, test: str, value: Any, other: Any) -> None:
    from helpers.sandbox.interpreter.choices import is_true

    name = f"{kind}{test}"
    data = {"value": value, "other": other}
    wanted = is_true(name, value, other)
    rule = {"Variable": "$.value", f"{name}Path": "$.other"}
    assert rules.rule(rule, "JSONPath", 0)(scope_of(data)) is wanted
    if rules.KINDS[kind](other) is not None:
        assert rules.rule({"Variable": "$.value", name: other}, "JSONPath", 0)(scope_of(data)) is wanted


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(rules.ONE_VALUE), VALUES, st.booleans(), st.text("ab*\\", max_size=6))
def test_comparisons_with_one_value(name: str, value: Any, wanted: bool, pattern: str) -> None:
    from helpers.sandbox.interpreter.choices import is_true

    for text in (value, "ab*", "a\\b", "aabb"):
        right: Any = pattern if name == "StringMatches" else wanted
        rule = {"Variable": "$", name: right}
        assert rules.rule(rule, "JSONPath", 0)(scope_of(text)) is is_true(name, text, right)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted(FUNCTIONS)), st.data())
def test_intrinsic_functions(name: str, data: st.DataObject) -> None:
    from helpers.definition.syntax import ARGUMENTS
    from helpers.sandbox.interpreter import functions

    theirs = {kind.__name__: function for kind, function in functions.FUNCTIONS.items()}
    if name not in theirs or name == "ArrayUnique":
        return  # the sandbox's ArrayUnique keeps the last of equal items in its place, ours the first
    one = DATA | st.sampled_from(["MD5", "SHA-1", "YQ==", "1,2;3", "{}", False])
    given_ = [data.draw(one) for _ in range(ARGUMENTS[name][0])]

    def result(function: Any) -> Any:
        try:
            return function(*given_)
        except ValueError as error:
            return str(error)

    assert result(FUNCTIONS[name]) == result(theirs[name])


EXPRESSIONS = [
    "$states.input",
    "$states.input.a",
    "$states.input.a.b",
    "$states.input[0]",
    "$states.input.*",
    "$states.input.**.a",
    "$count($states.input)",
    "$sum($states.input)",
    "$string($states.input)",
    "$states.input & 'x'",
    "$states.input + 1",
    "$states.input = 1",
    "$states.input < 2",
    "[$states.input, null]",
    "{'a': $states.input}",
    "$map($states.input, function($v, $i) { $v & $i })",
    "$filter($states.input, function($v) { $v > 0 })",
    "$reduce($states.input, function($a, $b) { $a & $b })",
    "$sort($states.input)",
    "$merge($states.input)",
    "$keys($states.input)",
    "$lookup($states.input, 'a')",
    "$partition($states.input, 2)",
    "$hash($states.input, 'MD5')",
    "$type($states.input)",
    "$exists($states.input.b) ? $states.input.b : 'none'",
    "$states.input ~> |a|{'b': 1}|",
    "$number($states.input)",
    "$append($states.input, 1)",
    "$spread($states.input)",
    "$zip($states.input, [1,2])",
    "$boolean($states.input)",
    "$not($states.input)",
    "$each($states.input, function($v, $k) { $k })",
    "$reverse($states.input)",
    "$round($states.input)",
    "$join($states.input, ',')",
    "$states.input^(a)",
    "$states.input{a: b}",
    "-$states.input",
    "$substring($states.input, 1)",
    "$split($states.input, '')",
    "$formatNumber($states.input, '0.00')",
    "$base64encode($states.input)",
]


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(EXPRESSIONS), DATA)
def test_expressions(code: str, data: Any) -> None:
    from helpers.sandbox.interpreter import jsonata

    try:
        wanted = jsonata.value_of(code, {"states": {"input": data}})
        wanted = "undefined" if wanted is jsonata.UNDEFINED else wanted
    except (jsonata.QueryError, jsonata.UnsupportedResult) as error:
        wanted = str(error)
    try:
        found = expressions.expression("{% " + code + " %}", "Output")(scope_of(states={"input": data}))
    except StateFailed as error:
        found = str(error.cause)
    if found != wanted:
        ours = str(found)
        assert ours.endswith(("unsupported result type.", "a value that it does not take")) or str(
            wanted
        ) in ours.replace("returned nothing (undefined)", "undefined")
