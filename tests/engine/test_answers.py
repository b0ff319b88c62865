"""What answers a task: values, `Answer`, NEVER, TaskFailed, lists, functions; and what a call says of itself."""

import gc
import inspect

import pytest

from helpers import engine, history
from helpers.errors import AnswerInvalid, TaskUnanswered
from tests.engine.driving import START, Driven, at, machine, passing, seconds, task, types

LOOP = machine(
    A=task(Next="B", Retry=[{"ErrorEquals": ["Again"], "IntervalSeconds": 1}]),
    B={"Type": "Choice", "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "C"}], "Default": "A"},
    C=passing(),
)


def test_the_names_that_a_user_needs():
    failed = engine.TaskFailed("Busy", "All are.", 2.5)
    assert (failed.error, failed.cause, failed.seconds) == ("Busy", "All are.", 2.5)
    assert (engine.TaskFailed("Busy").cause, engine.TaskFailed("Busy").seconds) == ("", 0.0)
    assert list(inspect.signature(engine.Answer).parameters) == ["value", "seconds", "submitted", "started"]
    assert list(inspect.signature(engine.run).parameters) == [
        "definition",
        "input",
        "tasks",
        "start",
        "seed",
        "limit",
        "type",
    ]


def test_a_list_is_consumed_one_per_call_visits_and_retries_alike():
    answers = [engine.TaskFailed("Again"), {"done": False}, {"done": False}, {"done": True}]
    run = engine.run(LOOP, tasks={"A": answers})
    assert (run.status, types(run).count("LambdaFunctionScheduled")) == ("SUCCEEDED", 4)


def test_the_last_of_a_list_is_repeated():
    run = engine.run(LOOP, tasks={"A": [{"done": False}]}, limit=100)
    assert types(run).count("LambdaFunctionSucceeded") > 10


def test_to_answer_with_a_list():
    assert engine.run(machine(task()), tasks={"A": engine.Answer([1, 2])}).output == [1, 2]


def test_answers_take_their_time():
    answer = engine.Answer(1, seconds=5, started=2)
    run = engine.run(machine(task()), tasks={"A": answer})
    assert seconds(run)[2:5] == [0, 2, 5]
    assert seconds(engine.run(machine(task()), tasks={"A": engine.TaskFailed("E", "c", 4)}))[-1] == 4


def test_an_answer_that_nobody_waits_for_any_more_is_no_deadline():
    driven = Driven(machine(task(TimeoutSeconds=5)))
    driven.calls[0].answer(engine.Answer(1, seconds=86_400, started=9))
    assert types(driven.wait(5))[-1] == "ExecutionFailed"
    assert driven.scheduler.deadline() is None


def test_never_is_an_execution_that_runs():
    run = engine.run(machine(task()), tasks={"A": engine.NEVER})
    assert (run.status, run.output, run.error) == ("RUNNING", None, None)


@pytest.mark.parametrize("tasks", [None, {}, {"Other": 1}, {"A": []}])
def test_a_task_without_an_answer_is_named(tasks):
    with pytest.raises(TaskUnanswered, match="'A'"):
        engine.run(machine(task()), tasks=tasks)


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), {"a": b"x"}, engine.Answer(object())])
def test_an_answer_that_is_no_json_is_refused(value):
    with pytest.raises(AnswerInvalid, match="The answer of 'A' is no JSON"):
        engine.run(machine(task()), tasks={"A": value})
    cyclic = []
    cyclic.append(cyclic)
    with pytest.raises(AnswerInvalid):
        engine.run(machine(task()), tasks={"A": engine.Answer(cyclic)})


@pytest.mark.parametrize("times", [{"seconds": -1}, {"started": -1}, {"seconds": float("nan")}, {"seconds": 1e99}])
def test_an_answer_at_no_time_is_refused(times):
    with pytest.raises(AnswerInvalid, match="seconds"):
        engine.run(machine(task()), tasks={"A": engine.Answer(1, **times)})


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_a_failure_at_no_time_is_refused(seconds):
    with pytest.raises(AnswerInvalid, match="seconds"):
        engine.run(machine(task()), tasks={"A": engine.TaskFailed("E", seconds=seconds)})


@pytest.mark.parametrize("where", ["top", "Parallel", "Map", "distributed Map"])
def test_what_a_handler_raises_reaches_the_caller(where):
    inner = machine(I=task())
    state = {
        "top": task(),
        "Parallel": {"Type": "Parallel", "Branches": [inner], "End": True},
        "Map": {"Type": "Map", "ItemProcessor": inner, "End": True},
        "distributed Map": {
            "Type": "Map",
            "ItemProcessor": {**inner, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
            "End": True,
        },
    }[where]
    state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]

    def answer(call):
        raise ZeroDivisionError(call.state)

    with pytest.raises(ZeroDivisionError):
        engine.run(machine(A=state, Z=passing()), [1], answer)


def test_what_an_answer_holds_may_change_afterwards():
    answer = {"n": [1]}
    driven = Driven(machine(task()))
    driven.calls[0].succeed(answer)
    answer["n"].append(2)
    driven.settle()
    assert driven.execution.output == '{"n":[1]}'


# ---- a call's own words are those of the history's tables


NESTED = machine(
    A=task(Next="P", Retry=[{"ErrorEquals": ["Again"], "IntervalSeconds": 1}]),
    P={
        "Type": "Parallel",
        "Branches": [
            machine(L=task(Retry=[{"ErrorEquals": ["Again"], "IntervalSeconds": 2}])),
            machine(
                M={
                    "Type": "Map",
                    "ItemProcessor": machine(
                        I=task(Next="D"),
                        D={
                            "Type": "Choice",
                            "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "E"}],
                            "Default": "I",
                        },
                        E=passing(),
                    ),
                    "End": True,
                }
            ),
        ],
        "Next": "B",
    },
    B={"Type": "Choice", "Choices": [{"Variable": "$[0].done", "BooleanEquals": True, "Next": "C"}], "Default": "P2"},
    P2=passing(Result=[1, 2], Next="A"),
    C=passing(),
)


def test_state_branch_visit_and_attempt_are_those_of_the_attempts_table():
    calls = []

    def answer(call):
        calls.append((call.state, call.branch, call.visit, call.attempt, call.time))
        if call.state == "A":
            if call.attempt == 1:
                raise engine.TaskFailed("Again", seconds=1)
            return [1, 2]
        if call.state == "L":
            if call.attempt < 3:
                raise engine.TaskFailed("Again", seconds=1)
            return {"done": call.branch.startswith("P#2")}
        return engine.Answer({"done": call.visit == 2}, seconds=3)

    run = engine.run(NESTED, [1, 2], answer)
    assert run.status == "SUCCEEDED", run.cause
    table = history.attempts(history.events(run.events))
    rows = [tuple(row) for row in table[["state", "branch", "visit", "attempt"]].itertuples(index=False)]
    assert sorted(call[:4] for call in calls) == sorted(rows)
    scheduled = {
        row[:4]: row[4] for row in table[["state", "branch", "visit", "attempt", "scheduled"]].itertuples(index=False)
    }
    assert all(scheduled[call[:4]] == call[4] for call in calls)
    entered = history.visits(history.events(run.events))
    assert {("M", "P#2:M", 1), ("I", "P#2:M/M#1[1]", 2)} <= {
        *entered[["state", "branch", "visit"]].itertuples(index=False, name=None)
    }


def test_parameters_resource_and_time_of_a_call():
    driven = Driven(machine(W={"Type": "Wait", "Seconds": 5, "Next": "A"}, A=task(Parameters={"v.$": "$.n"})), {"n": 1})
    driven.wait(5)
    (call,) = driven.calls
    assert (call.parameters, call.resource, call.time) == ({"v": 1}, task()["Resource"], at(5))
    assert call.time.tzinfo is START.tzinfo


# ---- nothing but the engine


def test_the_engine_reads_no_clock_and_no_chance_of_its_own(monkeypatch):
    import os
    import random
    import time
    import uuid

    def refuse(*_, **__):
        raise AssertionError("not from here")

    for module, name in ((time, "time"), (time, "sleep"), (random, "random"), (uuid, "uuid4"), (uuid, "uuid1")):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(os, "urandom", refuse)
    output = "{% [$now(), $millis(), $random(), $uuid(), $shuffle([1,2,3])] %}"
    definition = {**machine(passing(Output=output)), "QueryLanguage": "JSONata"}
    assert engine.run(definition).status == "SUCCEEDED"
    old = machine(passing(Parameters={"a.$": "States.UUID()", "b.$": "States.MathRandom(1, 100)"}))
    assert engine.run(old).status == "SUCCEEDED"
    assert (
        engine.run(
            machine(task(Retry=[{"ErrorEquals": ["E"], "JitterStrategy": "FULL"}])),
            tasks={"A": [engine.TaskFailed("E"), 1]},
        ).output
        == 1
    )


def test_the_examples_of_its_documentation_hold():
    import doctest

    from helpers.engine import simulation

    assert doctest.testmod(simulation) == doctest.TestResults(failed=0, attempted=2)


def test_the_events_of_a_run_that_waits_for_ever_stay_as_they_are():
    events = engine.run(machine(task()), tasks={"A": engine.NEVER}).events
    gc.collect()
    assert types(events)[-1] == "LambdaFunctionStarted"
