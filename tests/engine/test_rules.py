"""What the rules of a Choice take for a match."""

import itertools
from typing import Any

import pytest

from helpers.definition.fields import COMPARISONS
from helpers.engine import compiled, rules, run
from helpers.errors import DefinitionInvalid
from tests.engine.conftest import failure, scope_of
from tests.engine.driving import machine, passing

DATA = {
    "n": 1,
    "one": 1.0,
    "s": "a*b",
    "z": None,
    "b": True,
    "time": "2020-01-01T00:00:00Z",
    "later": "2020-01-01T00:00:00.5Z",
    "same": "2020-01-01T02:00:00+02:00",
    "day": "2020-01-01",
    "l": [1],
}


def holds(rule: dict[str, Any], data: Any = DATA) -> bool:
    found = rules.rule(rule, 0)(scope_of(data, variables={"two": 2}))
    assert isinstance(found, bool)
    return found


KINDS = {
    "Numeric": [1, 1.5, 2],
    "String": ["a", "ab", "b"],
    "Timestamp": ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00.001+01:00", "2021-01-01T00:00:00Z"],
    "Boolean": [False, True],
}
SYMBOLS = {"Equals": "==", "LessThan": "<", "LessThanEquals": "<=", "GreaterThan": ">", "GreaterThanEquals": ">="}


ORDERED = [*itertools.product(["Numeric", "String", "Timestamp"], SYMBOLS), ("Boolean", "Equals")]


@pytest.mark.parametrize(("kind", "symbol"), ORDERED)
def test_values_are_compared_by_their_order(kind: str, symbol: str) -> None:
    values = KINDS[kind]
    for (first, left), (second, right) in itertools.product(enumerate(values), repeat=2):
        wanted = {"==": first == second, "<": first < second, "<=": first <= second}
        wanted |= {">": first > second, ">=": first >= second}
        data = {"left": left, "right": right}
        assert holds({"Variable": "$.left", f"{kind}{symbol}": right}, data) is wanted[SYMBOLS[symbol]]
        assert holds({"Variable": "$.left", f"{kind}{symbol}Path": "$.right"}, data) is wanted[SYMBOLS[symbol]]


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_other_types_never_match(kind: str) -> None:
    others = [None, [], {}, *(values[0] for other, values in KINDS.items() if other != kind)]
    if kind == "String":
        others.remove(KINDS["Timestamp"][0])
    for other in others:
        for symbol in SYMBOLS if kind != "Boolean" else ["Equals"]:
            assert not holds({"Variable": "$.a", f"{kind}{symbol}": KINDS[kind][0]}, {"a": other})
            assert not holds({"Variable": "$.a", f"{kind}{symbol}Path": "$.b"}, {"a": KINDS[kind][0], "b": other})


@pytest.mark.parametrize("rule", [{"IsString": True}, {"IsNull": True}, {"StringEquals": "a"}])
def test_null_as_the_whole_input_is_compared_with_nothing(rule: dict[str, Any]) -> None:
    """awslabs/states-language, issue 29: AWS calls it intended."""
    failed = failure(rules.rule({"Variable": "$", **rule}, 0), scope_of(None))
    said = "Unable to apply Path transformation to null or empty input."
    assert (failed.error, failed.cause) == ("States.Runtime", said)


IS = {
    "IsBoolean": {"b"},
    "IsNull": {"z"},
    "IsNumeric": {"n", "one"},
    "IsPresent": set(DATA),
    "IsString": {"s", "time", "later", "same", "day"},
    "IsTimestamp": {"time", "later", "same"},
}


@pytest.mark.parametrize("name", IS)
def test_types(name: str) -> None:
    for wanted in (True, False):
        found = {key for key in DATA if holds({"Variable": f"$.{key}", name: wanted})}
        assert found == (IS[name] if wanted else set(DATA) - IS[name])


@pytest.mark.parametrize(
    ("text", "pattern", "wanted"),
    [
        ("a*b", "a\\*b", True),
        ("a*b", "*\\**", True),
        ("a*b", "a\\*", False),
        ("axxb", "a*b", True),
        ("ab", "a*b", True),
        ("aba", "a*b", False),
        ("a", "a*a", False),
        ("a\nb", "a*b", True),
        ("a\\b", "a\\\\b", True),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
        ("", "*", True),
        ("", "", True),
        ("log-2020.txt", "log-*.txt", True),
        ("abcbd", "a*b*d", True),
        ("abd", "a*b*b*d", False),
        ("a\\", "a\\", True),
    ],
)
def test_patterns(text: str, pattern: str, wanted: bool) -> None:
    assert holds({"Variable": "$", "StringMatches": pattern}, text) is wanted
    assert not holds({"Variable": "$", "StringMatches": pattern}, 1)


def test_a_pattern_of_many_stars_ends() -> None:
    assert not holds({"Variable": "$", "StringMatches": "*a" * 40 + "b"}, "a" * 100_000)


def test_every_comparison_is_known() -> None:
    named = [name for name in COMPARISONS if name[0].isupper() and name not in ("Variable", "And", "Or", "Not", "Next")]
    for name in named:
        wanted: Any = (
            "$.n" if name.endswith("Path") else {"S": "a", "N": 1, "B": True, "I": True}.get(name[0], DATA["time"])
        )
        assert holds({"Variable": "$.n", name: wanted}) in (True, False)


JOINED = [
    ({"And": [{"Variable": "$.absent", "IsPresent": False}, {"Variable": "$.b", "BooleanEquals": True}]}, True),
    ({"And": [{"Variable": "$.absent", "IsPresent": True}, {"Variable": "$.absent", "NumericEquals": 1}]}, False),
    ({"Or": [{"Variable": "$.n", "NumericEquals": 2}, {"Not": {"Variable": "$.z", "IsNull": False}}]}, True),
    ({"Or": [{"Variable": "$.n", "NumericEquals": 1}, {"Variable": "$.absent", "IsNull": True}]}, True),
    ({"Not": {"Variable": "$.n", "NumericGreaterThanPath": "$two"}}, True),
    ({"Variable": "$two", "NumericEqualsPath": "$.one"}, False),
    ({"Variable": "$.s", "StringEqualsPath": "$$.Execution.Input.s"}, False),
    ({"Variable": "$$.State.Name", "StringEquals": "S"}, True),
    ({"Variable": "$$.Map.Item", "IsPresent": True}, False),
    ({"Variable": "$nothing", "IsPresent": False}, True),
    ({"Variable": "$.l.length()", "NumericEquals": 1}, True),
    ({"Variable": "$.l[?(@ == 2)]", "IsPresent": True}, True),
]


@pytest.mark.parametrize(("rule", "wanted"), JOINED)
def test_joined_rules_and_places(rule: dict[str, Any], wanted: bool) -> None:
    assert holds(rule) is wanted


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"Variable": "$.absent", "StringEquals": "a"}, "$.absent"),
        ({"Variable": "$.absent", "IsNull": True}, "$.absent"),
        ({"Variable": "$$.Map", "IsString": True}, "$$.Map"),
        ({"Variable": "$.s", "StringEqualsPath": "$.absent"}, "$.absent"),
        ({"Variable": "$x.y", "StringMatches": "*"}, "$x.y"),
    ],
)
def test_what_is_not_there_cannot_be_compared(rule: dict[str, Any], path: str) -> None:
    failed = failure(rules.rule(rule, 0), scope_of(DATA))
    assert failed.error == "States.Runtime"
    said = "The choice state's condition path references an invalid value."
    assert failed.cause == f"Invalid path '{path}': {said}"


def test_conditions() -> None:
    scope = scope_of(states={"input": {"n": 1}})
    assert rules.rule({"Condition": "{% $states.input.n = 1 %}"}, 0)(scope) is True
    assert rules.rule({"Condition": False}, 0)(scope) is False
    failed = failure(rules.rule({"Condition": "{% $states.input.n %}"}, 3), scope)
    assert (failed.error, failed.location) == ("States.QueryEvaluationError", "Choices[3]/Condition")
    assert failed.cause == (
        "The JSONata expression '$states.input.n' specified for the field 'Choices[3]/Condition' returned an "
        "unexpected result type. Expected 'boolean', but was 'number' for value: 1"
    )


def deep(levels: int) -> dict[str, Any]:
    rule: dict[str, Any] = {"Variable": "$.n", "IsNull": False}
    for _ in range(levels):
        rule = {"Not": rule}
    return rule


NO_RULES: dict[str, tuple[dict[str, Any], str]] = {
    "no comparison": ({"Variable": "$.a"}, "JSONPath"),
    "no variable": ({"StringEquals": "a"}, "JSONPath"),
    "no time": ({"Variable": "$.a", "TimestampEquals": "today"}, "JSONPath"),
    "no path": ({"Variable": "a", "StringEquals": "a"}, "JSONPath"),
    "nested deeply": (deep(10_000), "JSONPath"),
    "no expression": ({"Condition": "true"}, "JSONata"),
    "no condition": ({}, "JSONata"),
}


@pytest.mark.parametrize("name", NO_RULES)
def test_what_is_no_rule(name: str) -> None:
    rule, language = NO_RULES[name]
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "A"}]}
    with pytest.raises(DefinitionInvalid):
        compiled({**machine(choice), "QueryLanguage": language})


def test_the_deepest_rule_that_is_taken_holds() -> None:
    choice = {"Type": "Choice", "Choices": [{**deep(190), "Next": "B"}]}
    assert run(machine(A=choice, B=passing()), {"n": 1}).status == "SUCCEEDED"
