"""Paths and intrinsic functions, as they are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.definition import syntax
from helpers.definition.syntax import Descent, Every, Fields, Filter, Literal, Path, Several, Slice, Test

STEPS = {
    "$": (),
    "$.a.b": ("a", "b"),
    "$['a b'][\"c.d\"]": ("a b", "c.d"),
    "$['it\\'s']": ("it's",),
    "$['q\"\\x']": ('q"\\x',),
    "$.a-b.é:c": ("a-b", "é:c"),
    "$.length": ("length",),
    "$.l[0][-1]": ("l", 0, -1),
    "$[ 0 ]": (0,),
    "$.l[*].x": ("l", Every(), "x"),
    "$.*": (Every(),),
    "$[1:5:2]": (Slice(1, 5, 2),),
    "$[-2:]": (Slice(-2, None, None),),
    "$['a', 'b']": (Fields(("a", "b")),),
    "$[0,2]": (Several((0, 2)),),
    "$..c": (Descent("c"),),
    "$..[0]": (Descent(0),),
    "$..*": (Descent(Every()),),
    "$[?(@.a==1)]": (Filter(Test("==", (Path("@.a", "@", ("a",)), Literal(1)))),),
    "$[?( @.a )]": (Filter(Test("exists", (Path("@.a", "@", ("a",)),))),),
    "$[?(@ in ['x', null])]": (Filter(Test("in", (Path("@", "@"), Literal(["x", None])))),),
}


@pytest.mark.parametrize("text", STEPS)
def test_steps(text: str) -> None:
    found = syntax.path(text)
    assert (found.text, found.root, found.steps, found.aggregate) == (text, "$", STEPS[text], None)
    assert found.definite is all(isinstance(step, str | int) for step in STEPS[text])


@pytest.mark.parametrize(("text", "root"), [("$$.State.Name", "$$"), ("$x.y", "x"), ("$état[0]", "état"), ("$$", "$$")])
def test_roots(text: str, root: str) -> None:
    assert syntax.path(text).root == root


def test_a_path_may_end_in_a_function() -> None:
    found = syntax.path("$.l[*].x.max()")
    assert (found.steps, found.aggregate, found.definite) == (("l", Every(), "x"), "max", False)
    assert not syntax.path("$.l.length()").definite


def test_conditions_bind_as_usual() -> None:
    (step,) = syntax.path("$[?(@.a || @.b && !(@.c == 'x'))]").steps
    assert isinstance(step, Filter)
    assert (step.test.operator, step.test.operands[1].operator) == ("||", "&&")


NO_PATHS = {
    "": "a path begins with $",
    "a.b": "a path begins with $",
    "$.": "a name is missing after its last dot",
    "$.a..": "a name is missing after its last dot",
    "$.a[": "a ] is missing at its end",
    "$.a[1": "a ] is missing at its end",
    "$.a[x]": "in brackets stands a number, a 'name' in quotes, * or ?(a filter), not 'x]'",
    "$.a b": "it cannot be read from ' b' on",
    "$$x": "it cannot be read from 'x' on",
    "$.foo()": "it cannot be read from 'foo()' on",
    "$[0:1:0]": "the step of a slice must be positive",
    "$[?(@.a ==)]": "it cannot be read from ')]' on",
    "$[?(@.a == 1]": "a ) is missing before ']'",
    "$[?(@.a =~ /(/)]": "/(/ is no pattern",
    "$[?" + "(" * 10_000: "it is nested too deeply",
    "$[?(" + "!" * 10_000: "it is nested too deeply",
}


@pytest.mark.parametrize("text", NO_PATHS, ids=lambda text: text[:20])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'.*' is no path: .*\.$") as caught:
        syntax.path(text)
    assert NO_PATHS[text] in str(caught.value)
    assert len(str(caught.value)) < 300


def test_functions_hold_paths_values_and_functions() -> None:
    text = "States.Format('{} \\{\\} it\\'s {}', $.a.length(), States.Array(null, -1.5e1, $$.State, $x))"
    found = syntax.intrinsic(text)
    template, length, array = found.arguments
    assert isinstance(template, Literal)
    assert template.parts == ("", " {} it's ", "")
    assert isinstance(length, Path)
    assert length.aggregate == "length"
    assert isinstance(array, syntax.Call)
    assert array.text == "States.Array(null, -1.5e1, $$.State, $x)"
    assert array.arguments[:2] == (Literal(None), Literal(-15.0))


@pytest.mark.parametrize("name", syntax.ARGUMENTS)
def test_functions_take_so_many_arguments(name: str) -> None:
    fewest, most = syntax.ARGUMENTS[name]
    for count in range(5):
        text = f"States.{name}({', '.join(['1'] * count)})"
        if count < fewest or (most is not None and count > most):
            with pytest.raises(ValueError, match=f"States.{name} takes .* not {count}"):
                syntax.intrinsic(text)
        else:
            assert len(syntax.intrinsic(text).arguments) == count


NO_FUNCTIONS = {
    "": "it is written as States.Name(arguments)",
    "x": "it is written as States.Name(arguments)",
    "States.Foo()": "there is no States.Foo",
    "States.Array(": "is no argument",
    "States.Array(1": "a ) is missing at its end",
    "States.Array(1 2)": "a ) is missing before '2)'",
    "States.Array('a)": "has no closing '",
    "States.Array(name)": "'name)' is no argument: a path, a number, a 'text', true, false, null or States.Name()",
    "States.Format('Hello\\n{}', $.name)": "a \\ stands only before",  # so does AWS: aws/aws-cdk, issue 27304
    "States.UUID() + 1": "it cannot be read from '+ 1' on",
    "States.Array(" * 10_000: "it holds more than 10 functions",
    f"States.Array({', '.join(['States.UUID()'] * 10)})": "it holds more than 10 functions",
}


@pytest.mark.parametrize("text", NO_FUNCTIONS, ids=lambda text: text[:20])
def test_what_is_no_function(text: str) -> None:
    with pytest.raises(ValueError, match="is no intrinsic function: ") as caught:
        syntax.intrinsic(text)
    assert NO_FUNCTIONS[text] in str(caught.value)


PIECES = st.lists(
    st.sampled_from([*"$@.[]()'\"?*,:!&|=<>~/\\ {}-1a", "States.Array(", "$.a", "..", "&&", "in", "null"])
)


@given(PIECES.map("".join))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    for read in (syntax.path, syntax.intrinsic):
        for start in ("", "$", "$[?(", "States.Array("):
            try:
                read(start + text)
            except ValueError as error:
                assert " is no " in str(error)  # noqa: PT017  most texts are refused, some are not


@pytest.mark.parametrize(("value", "wanted"), [("{% 1 %}", True), ("{%%}", True), ("{%}", False), (" {% 1 %}", False)])
def test_jsonata_is_what_stands_in_its_braces(value: str, wanted: bool) -> None:
    assert syntax.is_jsonata(value) is wanted
    assert not syntax.is_jsonata(1)
