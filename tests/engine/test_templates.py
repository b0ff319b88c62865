"""Templates: what they give of a scope, and what is constant in them."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import compiled, run, templates
from helpers.engine.failures import StateFailed
from helpers.errors import DefinitionInvalid
from tests.engine.conftest import DATA, failure, scope_of
from tests.engine.driving import machine, passing


def jsonpath(value: Any, field: str) -> Any:
    return templates.of({field: value}, field, False)


def jsonata(value: Any, field: str) -> Any:
    return templates.of({field: value}, field, True)


def test_jsonpath() -> None:
    template = {
        "plain": "$.a",
        "path.$": "$.a",
        "context.$": "$$.State.Name",
        "variable.$": "$v.x",
        "function.$": "States.Format('{}!', $.a)",
        "inner": {"list": [1, {"b.$": "$.l[*]"}], "constant": {"c": [None]}},
    }
    found = jsonpath(template, "Parameters")(scope_of({"a": "b", "l": [1, 2]}, variables={"v": {"x": 3}}))
    assert found == {
        "plain": "$.a",
        "path": "b",
        "context": "S",
        "variable": 3,
        "function": "b!",
        "inner": {"list": [1, {"b": [1, 2]}], "constant": {"c": [None]}},
    }
    assert list(found) == ["plain", "path", "context", "variable", "function", "inner"]
    assert found["inner"]["constant"] is template["inner"]["constant"]


def test_jsonata() -> None:
    template = {"a": "{% $states.input.x %}", "b": ["{% $v %}", {"c": "{% 1 %}"}, [2]], "c.$": "$.x", "d": "{%"}
    found = jsonata(template, "Output")(scope_of(states={"input": {"x": [1]}}, variables={"v": None}))
    assert found == {"a": [1], "b": [None, {"c": 1}, [2]], "c.$": "$.x", "d": "{%"}
    assert jsonata("{% 1 + 1 %}", "Output")(scope_of()) == 2


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"a": [{"b": "$.c"}]}])
def test_a_constant_template_is_given_as_it_is(value: Any) -> None:
    for language in (jsonpath, jsonata):
        assert language(value, "Output")(scope_of()) is value


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("{% $x %}", "Output"),
        ({"a": {"b": ["{% 1 %}", "{% $x %}"]}}, "Output/a/b[1]"),
        ([[{"c": "{% $x %}"}]], "Output[0][0]/c"),
    ],
)
def test_a_failing_expression_is_located(template: Any, place: str) -> None:
    failed = failure(jsonata(template, "Output"), scope_of())
    assert failed.location == place
    assert f"specified for the field '{place}' returned nothing" in str(failed.cause)


def test_a_failing_path_names_its_field() -> None:
    failed = failure(jsonpath({"a": [{"b.$": "$.x"}]}, "Parameters"), scope_of({}))
    assert failed.cause == "The JSONPath '$.x' specified for the field 'b.$' could not be found in the input '{}'"


@pytest.mark.parametrize("value", [1, None, {}, "x", "$.", "States.Foo()", "States.Array("])
def test_what_a_template_cannot_hold(value: Any) -> None:
    with pytest.raises(DefinitionInvalid, match="must be a valid JSONPath or a valid intrinsic function"):
        compiled(machine(passing(Parameters={"a": {"b.$": value}})))


@pytest.mark.parametrize(("language", "part"), [("JSONPath", {"b.$": "$.x"}), ("JSONata", "{% 1 %}")])
def test_the_deepest_template_that_is_taken_can_be_evaluated(language: str, part: Any) -> None:
    def deep(levels: int) -> dict[str, Any]:
        value = part
        for _ in range(levels):
            value = {"a": [value]}
        field = "Parameters" if language == "JSONPath" else "Output"
        return {**machine(passing(**{field: value})), "QueryLanguage": language}

    with pytest.raises(DefinitionInvalid, match="nested deeper than"):
        compiled(deep(100))
    assert run(deep(97), {"x": 1}).status == "SUCCEEDED"


NAMES = st.sampled_from(["a", "b", "c.$", "d.$"])
PATHS = st.sampled_from(["$", "$.a", "$.b", "$..a", "$[0]", "$$.State", "$v", "States.Array($, $.a)", "States.UUID()"])
TEMPLATES = st.recursive(
    DATA,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(
            lambda names, values, paths: {
                name: paths if name.endswith(".$") else value for name, value in zip(names, values, strict=False)
            },
            st.lists(NAMES, max_size=4, unique=True),
            st.lists(inner, min_size=4, max_size=4),
            PATHS,
        )
    ),
    max_leaves=10,
)


@settings(deadline=None, max_examples=100)
@given(TEMPLATES, DATA)
def test_nothing_is_ever_changed(template: Any, data: Any) -> None:
    scope = scope_of(data, variables={"v": data})
    before = copy.deepcopy((template, data))
    evaluate = jsonpath(template, "Parameters")
    try:
        found = evaluate(scope)
    except StateFailed:
        pass
    else:
        assert len(found) == len(template) if isinstance(template, list) else True
    assert (template, data) == before
