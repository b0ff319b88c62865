"""Parallel and inline Map: what runs beside what, what a failure ends, and what is written of it."""

import pytest

from helpers import engine
from tests.engine.driving import Driven, details, machine, passing, seconds, task, types

BOOM = engine.TaskFailed("Boom", "because", seconds=1)


def parallel(*branches, **fields):
    return {"Type": "Parallel", "Branches": list(branches), **({} if "Next" in fields else {"End": True}), **fields}


def each(*, item=None, **fields):
    inner = machine(I=item or task())
    return {"Type": "Map", "ItemProcessor": inner, **({} if "Next" in fields else {"End": True}), **fields}


def tail(run, kind):
    """What follows on the last event of a type, and on which each follows: 0 is that event, 1 the next."""
    last = max(event["id"] for event in run.events if event["type"] == kind)
    return [(event["type"], event["previousEventId"] - last) for event in run.events[last:]]


# ---- Parallel


def test_branches_run_side_by_side_and_their_results_are_in_order():
    definition = machine(parallel(machine(L=task()), machine(R=task())))
    run = engine.run(definition, {"n": 1}, {"L": engine.Answer("slow", 10), "R": engine.Answer("quick", 3)})
    assert run.output == ["slow", "quick"]
    assert seconds(run)[-1] == 10


def test_a_failed_branch_ends_the_others():
    definition = machine(parallel(machine(L=task()), machine(R={"Type": "Wait", "Seconds": 60, "End": True})))
    run = engine.run(definition, tasks={"L": BOOM})
    assert tail(run, "LambdaFunctionFailed") == [
        ("TaskStateAborted", 0),
        ("WaitStateAborted", 0),
        ("ParallelStateFailed", 0),
        ("ExecutionFailed", 3),
    ]
    assert (seconds(run)[-1], run.error, run.cause) == (1, "Boom", "because")


NOWHERE = passing(Parameters={"a.$": "$.none"})


def test_a_runtime_error_in_a_branch_ends_the_execution_and_nothing_is_written_of_the_others():
    slow = machine(W={"Type": "Wait", "Seconds": 60, "End": True})
    all_errors = {"ErrorEquals": ["States.ALL"]}
    first = machine(A={"Type": "Wait", "Seconds": 1, "Next": "B"}, B=NOWHERE)
    state = parallel(first, slow, Retry=[all_errors], Catch=[{**all_errors, "Next": "E"}])
    run = engine.run(machine(P=parallel(machine(I=state, E=passing()))))
    assert tail(run, "PassStateEntered") == [("ExecutionFailed", 0)]
    assert (seconds(run)[-1], run.error) == (1, "States.Runtime")


def test_what_fails_after_the_branches_have_succeeded_is_linked_to_that():
    run = engine.run(machine(parallel(machine(L=passing()), ResultSelector={"a.$": "$.none"})))
    assert tail(run, "PassStateExited") == [("ParallelStateSucceeded", 0), ("ExecutionFailed", 1)]


def test_what_leaves_a_parallel_is_linked_to_what_its_last_branch_wrote():
    run = engine.run(machine(parallel(machine(L=passing()))))
    assert tail(run, "PassStateExited") == [
        ("ParallelStateSucceeded", 0),
        ("ParallelStateExited", 0),
        ("ExecutionSucceeded", 2),
    ]


def test_parameters_selector_and_result_path_of_a_parallel():
    state = parallel(
        machine(L=passing()),
        Parameters={"v.$": "$.n"},
        ResultSelector={"first.$": "$[0].v"},
        ResultPath="$.r",
    )
    assert engine.run(machine(state), {"n": 1}).output == {"n": 1, "r": {"first": 1}}


def test_a_parallel_is_caught_and_retried_as_a_whole():
    state = parallel(
        machine(L=task()),
        machine(R=task()),
        Retry=[{"ErrorEquals": ["Boom"], "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": ["Boom"], "Next": "Z", "ResultPath": "$.error"}],
    )
    run = engine.run(machine(A=state, Z=passing()), {"n": 1}, {"L": 1, "R": BOOM})
    assert run.output == {"n": 1, "error": {"Error": "Boom", "Cause": "because"}}
    assert types(run).count("ParallelStateStarted") == 2
    assert types(run).count("ParallelStateFailed") == 1
    assert types(run).count("LambdaFunctionScheduled") == 4


def test_calls_of_an_aborted_branch_are_closed():
    driven = Driven(machine(parallel(machine(L=task()), machine(R=task()))))
    left, right = driven.calls
    left.fail("Boom")
    driven.settle()
    assert (left.open, right.open) == (False, False)
    assert "TaskStateAborted" in types(driven)


# ---- Map


def test_a_map_answers_in_the_order_of_its_items_however_they_end():
    run = engine.run(machine(each()), [3, 1, 2], lambda call: engine.Answer(call.parameters * 10, call.parameters))
    assert (run.output, seconds(run)[-1]) == ([30, 10, 20], 3)


@pytest.mark.parametrize(("most", "end"), [(0, 5), (1, 15), (2, 10), (3, 5)])
def test_so_many_iterations_run_at_once(most, end):
    run = engine.run(machine(each(MaxConcurrency=most)), [1, 2, 3], lambda call: engine.Answer(1, 5))
    assert seconds(run)[-1] == end


def test_an_inline_map_runs_forty_at_most():
    run = engine.run(machine(each()), list(range(100)), lambda call: engine.Answer(1, 5))
    assert (seconds(run)[-1], len(run.output)) == (15, 100)


@pytest.mark.parametrize(("value", "error"), [(-1, "States.Runtime"), (1.5, "States.Runtime"), ("2", "States.Runtime")])
def test_a_concurrency_that_is_no_number_of_iterations(value, error):
    run = engine.run(machine(each(MaxConcurrencyPath="$.n", ItemsPath="$.items")), {"n": value, "items": [1]}, {"I": 1})
    assert (run.status, run.error) == ("FAILED", error)
    definition = {**machine(each(MaxConcurrency="{% $states.input %}", Items=[1])), "QueryLanguage": "JSONata"}
    assert engine.run(definition, value, {"I": 1}).error == "States.QueryEvaluationError"


def test_items_selector_and_index():
    selector = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "of.$": "$.name"}
    state = each(item=passing(), ItemsPath="$.items", ItemSelector=selector)
    run = engine.run(machine(state), {"name": "x", "items": ["a", "b"]})
    assert run.output == [{"i": 0, "v": "a", "of": "x"}, {"i": 1, "v": "b", "of": "x"}]


def test_items_in_jsonata():
    state = each(item=passing(Output="{% $states.input * 2 %}"), Items="{% $states.input.items %}")
    run = engine.run({**machine(state), "QueryLanguage": "JSONata"}, {"items": [1, 2]})
    assert run.output == [2, 4]


def test_no_items_are_no_iterations():
    run = engine.run(machine(each()), [])
    assert run.output == []
    assert types(run)[2:5] == ["MapStateStarted", "MapStateSucceeded", "MapStateExited"]


def test_items_that_are_no_list_fail():
    run = engine.run(machine(each()), {"n": 1})
    assert (run.error, 'Reference path "$" must point to array.' in run.cause) == ("States.Runtime", True)


def test_a_failed_iteration_ends_the_others():
    def answer(call):
        if call.parameters == 2:
            raise BOOM
        return engine.Answer(1, 10)

    run = engine.run(machine(each()), [1, 2, 3], answer)
    assert (run.status, run.error, seconds(run)[-1]) == ("FAILED", "Boom", 1)
    assert [one["index"] for one in details(run, "MapIterationAborted")] == [0, 2]
    assert [one["index"] for one in details(run, "MapIterationFailed")] == [1]


def test_what_is_cut_short_is_linked_to_the_iteration_that_failed():
    route = {"Type": "Choice", "Choices": [{"Variable": "$", "IsString": True, "Next": "Boom"}], "Default": "W"}
    inner = machine(R=route, Boom={"Type": "Fail", "Error": "E"}, W={"Type": "Wait", "Seconds": 60, "End": True})
    run = engine.run(machine({"Type": "Map", "ItemProcessor": inner, "End": True}), [1, 2, "x"])
    assert tail(run, "FailStateEntered") == [
        ("MapIterationAborted", 0),
        ("WaitStateAborted", 0),
        ("MapIterationAborted", 0),
        ("WaitStateAborted", 0),
        ("MapIterationFailed", 0),
        ("MapStateFailed", 0),
        ("ExecutionFailed", 6),
    ]
    assert [found["index"] for found in details(run, "MapIterationAborted")] == [0, 1]


def test_a_runtime_error_in_an_iteration_is_said_of_no_iteration():
    run = engine.run(machine(each(item=NOWHERE, MaxConcurrency=1)), [1, 2])
    assert tail(run, "PassStateEntered") == [("ExecutionFailed", 0)]


def test_an_item_is_selected_before_its_iteration_starts():
    state = each(Items=[1], ItemSelector={"a": "{% $states.input.none %}"}, QueryLanguage="JSONata")
    run = engine.run(machine(state))
    assert tail(run, "MapStateStarted") == [("EvaluationFailed", 0), ("MapStateFailed", 1), ("ExecutionFailed", 2)]


def test_a_map_in_a_map_names_its_branches():
    seen = []

    def answer(call):
        seen.append((call.branch, call.visit))
        return call.parameters

    outer = each()
    outer["ItemProcessor"] = machine(M=each())
    run = engine.run(machine(outer), [[1], [2, 3]], answer)
    assert run.output == [[1], [2, 3]]
    assert sorted(seen) == [("A#1[0]/M#1[0]", 1), ("A#1[1]/M#1[0]", 1), ("A#1[1]/M#1[1]", 1)]


# ---- stop


@pytest.mark.parametrize(
    ("definition", "answers", "tail"),
    [
        (machine({"Type": "Wait", "Seconds": 60, "End": True}), {}, ["WaitStateEntered", "ExecutionAborted"]),
        (
            machine(task(Retry=[{"ErrorEquals": ["Boom"], "IntervalSeconds": 60}])),
            {"A": "fail"},
            ["LambdaFunctionFailed", "ExecutionAborted"],
        ),
        (machine(each()), {}, ["LambdaFunctionScheduled", "ExecutionAborted"]),
        (
            machine(parallel(machine(L={"Type": "Wait", "Seconds": 60, "End": True}))),
            {},
            ["WaitStateEntered", "ExecutionAborted"],
        ),
    ],
    ids=["in a wait", "in a back-off", "in a Map", "in a Parallel"],
)
def test_a_stop_ends_everything_where_it_stands(definition, answers, tail):
    driven = Driven(definition, [1, 2])
    if answers:
        driven.calls[0].fail("Boom")
    driven.wait(5).stop("Why", "because")
    assert types(driven)[-2:] == tail
    assert (driven.events[-1]["previousEventId"], driven.execution.status) == (0, "ABORTED")
    assert driven.events[-1]["executionAbortedEventDetails"] == {"error": "Why", "cause": "because"}
    written = len(driven.events)
    for call in driven.calls:
        assert not call.open
        call.succeed(1)
    driven.wait(1000)
    assert len(driven.events) == written


def test_an_execution_may_be_stopped_before_it_goes():
    driven = Driven(machine(passing()), begun_only=True)
    driven.stop()
    driven.execution.go()
    driven.settle()
    assert types(driven) == ["ExecutionStarted", "ExecutionAborted"]


def test_a_stop_comes_once():
    driven = Driven(machine(passing()))
    driven.stop()
    assert driven.execution.status == "SUCCEEDED"


# ---- the machine's own time


@pytest.mark.parametrize(("fields", "type", "end"), [({"TimeoutSeconds": 7}, "STANDARD", 7), ({}, "EXPRESS", 300)])
def test_a_machine_times_out_wherever_it_is(fields, type, end):  # noqa: A002
    definition = {**machine(each(item={"Type": "Wait", "Seconds": 1000, "End": True})), **fields}
    run = engine.run(definition, [1, 2], type=type)
    assert (run.status, run.error, seconds(run)[-1]) == ("TIMED_OUT", "States.Timeout", end)
    assert (types(run)[-1], run.events[-1]["previousEventId"]) == ("ExecutionTimedOut", 0)


def nested(levels, innermost):
    inner = machine(I=innermost)
    for level in range(levels):
        kind = {"Type": "Parallel", "Branches": [inner]} if level % 2 else {"Type": "Map", "ItemProcessor": inner}
        items = {} if level % 2 else {"ItemsPath": "$$.Execution.Input"}
        inner = machine(**{f"S{level}": {**kind, **items, "End": True}})
    return inner


@pytest.mark.parametrize("answer", [1, BOOM, None])
def test_the_deepest_machine_that_is_taken_runs_fails_and_stops(answer):
    driven = Driven(nested(54, task()), [1])
    (call,) = driven.calls
    if answer is None:
        driven.stop()
    else:
        call.answer(answer)
    driven.wait(1)
    assert driven.execution.status == {1: "SUCCEEDED", BOOM: "FAILED", None: "ABORTED"}[answer]
    assert types(driven).count("MapStateFailed") == (27 if answer is BOOM else 0)


def test_the_widest_machine_that_is_taken_runs():
    row = {f"S{n}": passing(Next=f"S{n + 1}") for n in range(10_000)}
    assert engine.run(machine(**row, S10000=passing()), 7).output == 7
