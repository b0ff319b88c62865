"""How long histories and payloads may get, and what is stopped that has no end."""

import time
from typing import Any

import pytest

from helpers import engine
from helpers.errors import DefinitionInvalid, InvalidInput, InvalidSetting, NoProgress
from tests.engine.driving import Driven, details, machine, passing, task, types

LOOP = machine(
    A={"Type": "Wait", "Seconds": 1, "Next": "B"},
    B={"Type": "Choice", "Choices": [{"Variable": "$", "IsPresent": True, "Next": "A"}], "Default": "C"},
    C=passing(),
)
LONG = "x" * 262_144


def test_a_history_ends_at_25_000_events():
    run = engine.run(LOOP)
    assert (len(run.events), run.status, run.error) == (25_000, "FAILED", "States.Runtime")
    assert run.cause == "The execution reached the maximum number of history events (25000)."
    assert types(run)[-1] == "ExecutionFailed"


def test_the_last_event_may_be_a_success():
    row = {f"P{n}": passing(Next=f"P{n + 1}") for n in range(4)}
    definition = machine(**row, P4=passing())
    assert len(engine.run(definition).events) == 12
    assert engine.run(definition, limit=12).status == "SUCCEEDED"
    run = engine.run(definition, limit=11)
    assert (len(run.events), run.status) == (11, "FAILED")


def test_an_express_execution_has_no_limit_of_events_and_five_minutes():
    slow = {"Type": "Wait", "Seconds": 7, "Next": "B"}
    run = engine.run({**LOOP, "States": {**LOOP["States"], "A": slow}}, type="EXPRESS", limit=100)
    assert (run.status, len(run.events)) == ("TIMED_OUT", 1 + 42 * 4 + 1 + 1)


def test_a_task_s_result_may_be_too_long_and_is_caught():
    catch = [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "B"}]
    for resource in ("arn:aws:lambda:us-east-1:1:function:f", "arn:aws:states:::lambda:invoke"):
        run = engine.run(machine(A=task(resource, Catch=catch), B=passing()), tasks={"A": LONG})
        assert run.output["Error"] == "States.DataLimitExceeded"
        assert run.output["Cause"].endswith("with a size exceeding the maximum number of bytes service limit.")
        assert [kind for kind in types(run) if kind.endswith("Failed")]


def test_an_output_may_be_too_long():
    run = engine.run(machine(passing(ResultPath="$.b", Parameters={"a.$": "$.a"})), {"a": "x" * 140_000})
    assert (run.status, run.error) == ("FAILED", "States.DataLimitExceeded")
    assert run.cause.startswith("The state/task 'A' returned a result")


TWICE = {"a.$": "$.a", "b.$": "$.a"}
INSIDE = machine(B=passing(Parameters={}))


@pytest.mark.parametrize(
    "state",
    [
        task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": "f", "Payload": TWICE}),
        {"Type": "Parallel", "Branches": [INSIDE], "Parameters": TWICE, "End": True},
        {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": INSIDE, "ItemSelector": TWICE, "End": True},
    ],
    ids=lambda state: state["Type"],
)
def test_what_a_task_a_branch_or_an_iteration_is_given_may_be_too_long(state):
    catch = [{"ErrorEquals": ["States.DataLimitExceeded"], "ResultPath": "$.e", "Next": "C"}]
    definition = machine(A={**state, "Catch": catch}, C=passing(InputPath="$.e"))
    run = engine.run(definition, {"a": "x" * 140_000, "items": [1]}, tasks={"A": 1})
    assert run.output["Error"] == "States.DataLimitExceeded"
    assert "was given an input with a size exceeding" in run.output["Cause"]
    assert (types(run).count("TaskScheduled"), types(run).count("PassStateEntered")) == (0, 1)  # that of C


def test_an_output_that_is_too_long_is_retried_and_caught():
    rules = {"ErrorEquals": ["States.DataLimitExceeded"]}
    handled = {"Retry": [{**rules, "MaxAttempts": 1}], "Catch": [{**rules, "ResultPath": "$.e", "Next": "B"}]}
    definition = machine(A=task(ResultPath="$.b", **handled), B=passing(InputPath="$.e"))
    run = engine.run(definition, {"a": "x" * 140_000}, tasks={"A": "x" * 140_000})
    assert run.output["Error"] == "States.DataLimitExceeded"
    assert types(run).count("LambdaFunctionSucceeded") == 2


def test_bytes_are_counted_and_not_characters():
    assert engine.run(machine(task()), tasks={"A": "x" * 262_142}).status == "SUCCEEDED"
    assert engine.run(machine(task()), tasks={"A": "ä" * 131_072}).error == "States.DataLimitExceeded"


@pytest.mark.slow
def test_a_loop_without_time_and_without_limit_is_stopped():
    definition = machine(A=passing(Next="B"), B=LOOP["States"]["B"], C=passing())
    with pytest.raises(NoProgress, match=r"100,000 events without any time passing"):
        engine.run(definition, type="EXPRESS")
    assert engine.run(definition).error == "States.Runtime"
    processor = {**definition, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
    processor["States"] = {
        f"I{name}": {**body, **{k: f"I{body[k]}" for k in ("Next", "Default") if k in body}}
        for name, body in definition["States"].items()
    }
    processor["States"]["IB"]["Choices"] = [{"Variable": "$", "IsPresent": True, "Next": "IA"}]
    processor["StartAt"] = "IA"
    with pytest.raises(NoProgress, match=r"'I[AB]'"):
        engine.run(machine({"Type": "Map", "ItemProcessor": processor, "End": True}), [1])


@pytest.mark.slow
def test_many_children_at_one_time_are_no_lack_of_progress():
    processor = {**machine(I=passing()), "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
    run = engine.run(machine({"Type": "Map", "ItemProcessor": processor, "End": True}), list(range(30_000)))
    assert (run.status, len(run.children)) == ("SUCCEEDED", 30_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "expression",
    [
        "($f := function($x){$f($x)}; $f(1))",
        "($f := function($x){1 + $f($x)}; $f(1))",
        "$map([1..10000], function($a){$map([1..10000], function($b){$a * $b})})",
        "$reduce([1..9999999], function($a, $b){$a & $b})",
        "$join($map([1..9999999], function($a){'x'}))",
    ],
)
def test_an_expression_without_end_is_stopped(expression):
    definition = {**machine(passing(Output=f"{{% {expression} %}}")), "QueryLanguage": "JSONata"}
    engine.run({**machine(passing(Output="{% 1 %}")), "QueryLanguage": "JSONata"})  # the library is loaded
    begin = time.process_time()
    run = engine.run(definition)
    assert run.error == "States.QueryEvaluationError", run.error
    assert "'A' (entered at the event id #2)" in run.cause
    assert time.process_time() - begin < 15


@pytest.mark.slow
def test_a_map_over_many_works():
    definition = machine(passing(Output="{% $count($map([1..200000], function($x){$x * 2})) %}"))
    assert engine.run({**definition, "QueryLanguage": "JSONata"}).output == 200_000


# ---- what is no JSON


@pytest.mark.parametrize(
    "value",
    [{1: 2}, {"a": object()}, [float("nan")], {"a": float("inf")}, {1, 2}, b"x", (lambda n: n)],
    ids=["a number as a key", "an object", "nan", "inf", "a set", "bytes", "a function"],
)
def test_an_input_that_is_no_json(value):
    if value == {1: 2}:
        assert engine.run(machine(passing()), value).output == {"1": 2}
        return
    with pytest.raises(InvalidInput, match="The input is no JSON"):
        engine.run(machine(passing()), value)


def test_an_input_that_contains_itself():
    value = []
    value.append(value)
    with pytest.raises(InvalidInput):
        engine.run(machine(passing()), value)
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(InvalidInput):
        engine.run(machine(passing()), deep)


@pytest.mark.parametrize("definition", ["", "{", "[]", "null", '{"StartAt": NaN}', 7, None, "[" * 100_000])
def test_a_definition_that_is_no_json(definition):
    with pytest.raises(DefinitionInvalid):
        engine.run(definition)


def test_a_definition_that_grows_on_paper():
    inner = machine(P=passing())
    for _ in range(45):
        inner = machine({"Type": "Parallel", "Branches": [inner, inner], "End": True})
    with pytest.raises(DefinitionInvalid, match="longer than 1,048,576 characters"):
        engine.run(inner)


def test_a_definition_as_text_or_as_data_is_the_same():
    import json

    definition = machine(passing(Result={"x": 1}))
    assert engine.run(json.dumps(definition, indent=2)).events == engine.run(definition).events
    assert details(engine.run(definition), "PassStateExited")


def test_an_input_that_is_too_long():
    with pytest.raises(InvalidInput, match="longer than the 262,144 bytes"):
        engine.run(machine(passing()), "x" * 262_143)


def assigning(**states):
    return machine(**states, Z={"Type": "Succeed"})


def test_the_variables_of_one_assign_are_as_long_as_a_payload_at_most():
    half = "x" * 131_070  # with its quotes 128 KiB
    assert engine.run(assigning(A=passing(Assign={"a": half, "b": half}, Next="Z"))).status == "SUCCEEDED"
    run = engine.run(assigning(A=passing(Assign={"a": half, "b": half + "x"}, Next="Z")))
    assert (run.status, run.error) == ("FAILED", "States.DataLimitExceeded")
    assert "assigned variables" in run.cause


def test_all_variables_of_an_execution_are_10_megabytes_at_most():
    row = {f"A{n}": passing(Assign={f"v{n}.$": "$"}, Next=f"A{n + 1}") for n in range(40)}
    again = assigning(**row, A40=passing(Assign={"v0.$": "$"}, Next="Z"))
    assert engine.run(again, LONG[2:]).status == "SUCCEEDED"
    run = engine.run(assigning(**row, A40=passing(Assign={"more": 1}, Next="Z")), LONG[2:])
    assert (run.status, run.error) == ("FAILED", "States.DataLimitExceeded")


def test_variables_that_are_too_long_are_caught_and_not_kept():
    catch = [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "B"}]
    first = task(Catch=catch, Assign={"a": 1, "long.$": "$"}, Next="B")
    shown = passing(Parameters={"a.$": "$a"})
    run = engine.run(machine(S=passing(Assign={"a": 0}, Next="A"), A=first, B=shown), tasks={"A": LONG[2:]})
    assert run.output == {"a": 0}


@pytest.mark.parametrize("given", [{"limit": 1}, {"limit": -1}, {"limit": 0}, {"type": "FAST"}])
def test_what_no_machine_can_be_run_with_is_said(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match="give STANDARD or EXPRESS, and None or at least 2 events"):
        engine.run(LOOP, **given)
    assert engine.run(LOOP, limit=2).status == "FAILED"


def test_what_events_share_counts_once_in_the_size_of_an_execution():
    large, other = "a" * 10_000, "b" * 10_000

    def size(*states: dict[str, Any]) -> int:
        named = {f"S{place}": {**state, "Next": f"S{place + 1}"} for place, state in enumerate(states)}
        named[f"S{len(states)}"] = {"Type": "Succeed"}
        return Driven(machine(**named), {"text": large}).execution.size

    same, changed = {"Type": "Pass"}, {"Type": "Pass", "Result": {"text": other}}
    assert 10_000 < size(same, same, same) < 20_000
    assert 20_000 < size(same, changed, same) < 30_000


@pytest.mark.parametrize("tasks", [5, [1], "A", {1}], ids=repr)
def test_answers_are_a_function_or_by_state(tasks: Any) -> None:
    with pytest.raises(InvalidSetting, match="a function of the call or a dict by state, no "):
        engine.run(LOOP, tasks=tasks)
