"""What paths select, where results are placed, and what is said where neither can be."""

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import compiled, paths
from helpers.engine.failures import StateFailed
from helpers.errors import DefinitionInvalid
from tests.engine.conftest import CONTEXT, DATA, failure, scope_of
from tests.engine.driving import machine, passing

INPUT = {
    "l": [1, 2, 3, 4, 5],
    "o": {"a": 1, "b": [{"c": 2, "t": "x"}, {"c": 3, "t": "yy"}, {"t": None}]},
    "n": None,
    "é": {"x y": 1},
    "empty": [],
    "two": 2,
}
SELECTED = {
    "$": INPUT,
    "$.n": None,
    "$.l[-1]": 5,
    "$.é['x y']": 1,
    "$.l[1:3]": [2, 3],
    "$.l[::2]": [1, 3, 5],
    "$.l[-2:]": [4, 5],
    "$.l[0,4,9]": [1, 5],
    "$.l[9:]": [],
    "$.o['a','z']": {"a": 1},
    "$['n', 'two']": {"n": None, "two": 2},
    "$.o.b[*]['c','t']": [{"c": 2, "t": "x"}, {"c": 3, "t": "yy"}, {"t": None}],
    "$.o.b[*].c": [2, 3],
    "$.o.*": [1, INPUT["o"]["b"]],
    "$..c": [2, 3],
    "$.o..[0]": [{"c": 2, "t": "x"}],
    "$.absent[*]": [],
    "$.n[*]": [],
    "$.n..a": [],
    "$.o.b[?(@.c == 2)].t": ["x"],
    "$.o.b[?(@.c == $.two)].t": ["x"],
    "$.o.b[?(2 == @.c)].t": ["x"],
    "$.o.b[?(@.c != 2)].t": ["yy", None],
    "$.o.b[?(@.c > 2 && @.t == 'yy')].c": [3],
    "$.o.b[?(@.c < 3 || @.t == null)].t": ["x", None],
    "$.o.b[?(@.c <= 2)].c": [2],
    "$.o.b[?(@.c >= '2')].c": [],
    "$.o.b[?(!@.c)].t": [None],
    "$.o.b[?(@.c)].c": [2, 3],
    "$.o.b[?(@.t =~ /Y+/i)].c": [3],
    "$.o.b[?(@.t in ['x', 'z'])].c": [2],
    "$.o.b[?(@.c nin [2])].t": ["yy", None],
    "$.o.b[?(@.t.length() == 2)].c": [3],
    "$.o.b[?(@.c in 1)]": [],
    "$.o[?(@.a == 1)].a": [1],
    "$.l.length()": 5,
    "$.o.length()": 2,
    "$.l.min()": 1,
    "$.l[*].max()": 5,
    "$.l.sum()": 15,
    "$.l.avg()": 3.0,
    "$$.State.Name": "S",
    "$$.Execution.Input.s": "text",
    "$v.x[1]": 2,
    "$v.x[*]": [1, 2],
}
VARIABLES = {"v": {"x": [1, 2]}}


@pytest.mark.parametrize("path", SELECTED)
def test_selected(path: str) -> None:
    found = paths.filtered(path, "InputPath")(scope_of(INPUT, variables=VARIABLES))
    assert found == SELECTED[path]
    assert type(found) is type(SELECTED[path])


def test_what_is_selected_is_the_data_itself() -> None:
    assert paths.selected("$.o.b")(scope_of(INPUT)) is INPUT["o"]["b"]


NOWHERE = {
    "$.x": "No results for path: $['x']",
    "$.x.y": "Missing property in path $['x']",
    "$.n.x": "Missing property in path $['n']",
    "$.l.x": "Missing property in path $['l']",
    "$.l[9]": "No results for path: $['l'][9]",
    "$.o[0]": "No results for path: $['o'][0]",
    "$.l[-6]": "No results for path: $['l'][-6]",
    "$.x.y.length()": "Missing property in path $['x']",
}


@pytest.mark.parametrize("path", NOWHERE)
def test_a_filter_that_leads_nowhere(path: str) -> None:
    failed = failure(paths.filtered(path, "InputPath"), scope_of(INPUT))
    assert (failed.error, failed.cause) == ("States.Runtime", f"Invalid path '{path}' : {NOWHERE[path]}")


@pytest.mark.parametrize("path", ["$.x", "$v.x", "$w"])
def test_a_template_path_that_leads_nowhere(path: str) -> None:
    failed = failure(paths.path(path, "a.$"), scope_of({"é": 1}, variables={"v": {}}))
    said = f"The JSONPath '{path}' specified for the field 'a.$' could not be found in the input "
    assert (failed.error, failed.cause) == ("States.Runtime", said + ("'{}'" if path == "$v.x" else """'{"é":1}'"""))


def test_several_names_stand_at_the_end_of_a_path() -> None:
    """As users saw it in AWS's console (gist.github.com/deric4, "StateMachine Language JSONPath Gotchas")."""
    failed = failure(paths.filtered("$.o['a', 'b'].c", "InputPath"), scope_of(INPUT))
    said = "Invalid path '$.o['a', 'b'].c' : Multi properties can only be used as path leafs: $['o']['a', 'b']"
    assert (failed.error, failed.cause) == ("States.Runtime", said)
    assert failure(paths.filtered("$.l['a','b']", "InputPath"), scope_of(INPUT)).error == "States.Runtime"


@pytest.mark.parametrize("path", ["$", "$.a", "$[0]", "$..a"])
def test_nothing_is_taken_of_null(path: str) -> None:
    """AWS says so of a Choice (awslabs/states-language, issue 29) and of Parameters (Stack Overflow)."""
    for evaluate in (
        paths.path(path, "a.$"),
        paths.filtered(path, "InputPath"),
        paths.failing(path, lambda error: None),
    ):
        failed = failure(evaluate, scope_of(None))
        said = "Unable to apply Path transformation to null or empty input."
        assert (failed.error, failed.cause) == ("States.Runtime", said)
    assert paths.path("$$.State.Name", "a.$")(scope_of(None)) == "S"
    assert paths.path("$v", "a.$")(scope_of(None, variables={"v": None})) is None
    assert paths.path("$.n", "a.$")(scope_of({"n": None})) is None


@pytest.mark.parametrize("path", ["$.l[9]", "$.l[9].a", "$v[0]"])
def test_an_index_past_the_end_of_its_array_is_null_in_a_template(path: str) -> None:
    assert paths.path(path, "a.$")(scope_of(INPUT, variables={"v": []})) is None
    with pytest.raises(paths.NoSuchPath):
        paths.selected(path)(scope_of(INPUT, variables={"v": []}))


@pytest.mark.parametrize("path", ["$.o[0]", "$.l.x", "$.l[0].x.y"])
def test_no_other_index_is_null(path: str) -> None:
    assert failure(paths.path(path, "a.$"), scope_of(INPUT)).error == "States.Runtime"


def test_a_context_path_that_leads_nowhere_is_said_alike_everywhere() -> None:
    for evaluate in (paths.path("$$.Map.Item", "InputPath"), paths.filtered("$$.Map.Item", "InputPath")):
        said = "The JSONPath '$$.Map.Item' specified for the field 'InputPath' could not be found in the input '{\"Exec"
        assert str(failure(evaluate, scope_of()).cause).startswith(said)


def test_the_whole_context_of_a_state_that_can_be_retried_has_no_count_of_redrives() -> None:
    scope = scope_of()
    assert "RedriveCount" not in paths.selected("$$.Execution")(scope)
    assert "RedriveCount" not in paths.selected("$$")(scope)["Execution"]
    assert paths.selected("$$.Execution.RedriveCount")(scope) == 0
    assert CONTEXT["Execution"]["RedriveCount"] == 0


@pytest.mark.parametrize("path", ["$.two.length()", "$.empty.min()", "$.empty.avg()", "$.o.b.sum()", "$.huge.sum()"])
def test_a_function_of_a_path_that_has_no_result(path: str) -> None:
    failed = failure(paths.filtered(path, "InputPath"), scope_of({**INPUT, "huge": [1e308, 1e308]}))
    assert failed.error == "States.Runtime"
    assert str(failed.cause).startswith(f"Invalid path '{path}' : ")


def test_a_path_selects_no_more_than_fits() -> None:
    data: Any = 1
    for _ in range(2_000):
        data = [data]
    failed = failure(paths.selected("$..*..*"), scope_of(data))
    assert str(failed.cause).endswith("selects more than 1,000,000 values.")


def test_nested_deeply() -> None:
    data: Any = 1
    for _ in range(10_000):
        data = {"a": data}
    assert paths.selected("$..a")(scope_of(data))[-1] == 1
    assert paths.selected("$" + ".a" * 10_000)(scope_of(data)) == 1
    assert paths.placed("$" + ".a" * 10_000)(data, 2) is not data


PLACED = {
    None: {"a": {"b": 1}, "l": [1, 2]},
    "$": "new",
    "$.x": {"a": {"b": 1}, "l": [1, 2], "x": "new"},
    "$.a": {"a": "new", "l": [1, 2]},
    "$.a.b": {"a": {"b": "new"}, "l": [1, 2]},
    "$.x.y['z']": {"a": {"b": 1}, "l": [1, 2], "x": {"y": {"z": "new"}}},
    "$.l[1]": {"a": {"b": 1}, "l": [1, "new"]},
}


@pytest.mark.parametrize("path", PLACED)
def test_placed(path: str | None) -> None:
    data: Any = {"a": {"b": 1}, "l": [1, 2]}
    before = copy.deepcopy(data)
    found = paths.placed(path)(data, "new")
    assert found == PLACED[path]
    assert data == before
    if path == "$.a.b":
        assert found["l"] is data["l"], "what is not on the way is shared"


NO_PLACE = {
    "$.a.b.c": ("c", "1"),
    "$.l.x": ("x", "[1,2]"),
    "$.l[2]": ("2", "[1,2]"),
    "$.l[-1]": ("-1", "[1,2]"),
    "$.a[0]": ("0", '{"b":1}'),
    "$.n.x": ("x", "null"),
}


@pytest.mark.parametrize("path", NO_PLACE)
def test_a_result_without_a_place(path: str) -> None:
    failed = failure(paths.placed(path), {"a": {"b": 1}, "l": [1, 2], "n": None}, "new")
    step, there = NO_PLACE[path]
    assert failed.error == "States.ResultPathMatchFailure"
    assert failed.cause == f'Unable to apply step "{step}" to input {there}'


@pytest.mark.parametrize("path", ["$.l[*]", "$..a", "$$.State", "$v", "$.l.length()", "x"])
def test_what_is_no_place_for_a_result(path: str) -> None:
    with pytest.raises(DefinitionInvalid, match="Value is not a Reference Path"):
        compiled(machine(passing(ResultPath=path)))


STEPS = st.lists(st.sampled_from([".a", ".b", "['c']", "[0]", "[-1]", "[*]", "..a", "[0:1]", "[?(@.a)]"]), max_size=4)


@settings(deadline=None)
@given(STEPS, DATA, DATA)
def test_data_is_never_changed(steps: list[str], data: Any, value: Any) -> None:
    path, before = "$" + "".join(steps), copy.deepcopy(data)
    for evaluate in (lambda: paths.path(path, "a.$")(scope_of(data)), lambda: paths.placed(path)(data, value)):
        with contextlib.suppress(ValueError, StateFailed):
            evaluate()
        assert data == before
