"""Task tokens: when they count, and what whoever holds one can say."""

import json

import pytest

from tests.engine.driving import TOKEN, Driven, details, machine, passing, task, types

WAITING = machine(task(TOKEN, Parameters={"token.$": "$$.Task.Token"}))


def test_the_token_is_in_the_context_object_and_belongs_to_one_attempt():
    driven = Driven(machine(task(TOKEN, Parameters={"token.$": "$$.Task.Token"}, Retry=[{"ErrorEquals": ["Boom"]}])))
    driven.calls[0].fail("Boom")
    driven.wait(1)
    tokens = [call.token for call in driven.calls]
    assert tokens == [call.parameters["token"] for call in driven.calls]
    assert tokens[0] != tokens[1]


def test_a_token_used_before_the_submitting_call_has_returned_is_kept():
    driven = Driven(WAITING)
    (call,) = driven.calls
    call.start()
    assert not call.answered
    call.succeed_by_token('{"n":1}')
    assert call.answered
    driven.settle()
    assert types(driven)[-1] == "TaskStarted"
    call.submit({"MessageId": "x"})
    driven.settle()
    assert types(driven)[3:6] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert json.loads(driven.execution.output) == {"n": 1}


def test_a_token_that_reports_an_error_early_is_kept_too():
    driven = Driven(WAITING)
    (call,) = driven.calls
    call.fail_by_token("Boom", None)
    driven.settle()
    assert driven.execution.status == "RUNNING"
    call.submit({})
    driven.settle()
    assert types(driven)[-3:] == ["TaskSubmitted", "TaskFailed", "ExecutionFailed"]


def test_only_its_first_use_counts():
    driven = Driven(WAITING)
    (call,) = driven.calls
    call.submit({})
    call.succeed_by_token('"first"')
    call.succeed_by_token('"second"')
    call.fail_by_token("Boom", "third")
    driven.settle()
    assert driven.execution.output == '"first"'
    assert types(driven).count("TaskSucceeded") == 1
    assert not call.open


def test_a_token_is_void_once_the_task_has_timed_out():
    driven = Driven(machine(task(TOKEN, TimeoutSeconds=5)))
    driven.calls[0].submit({})
    driven.wait(6)
    driven.calls[0].succeed_by_token("1")
    driven.settle()
    assert (driven.execution.status, driven.execution.error) == ("FAILED", "States.Timeout")


@pytest.mark.parametrize(
    ("given", "caught", "written"),
    [
        ((None, None), {"Error": None, "Cause": None}, {}),
        (("Boom", None), {"Error": "Boom", "Cause": None}, {"error": "Boom"}),
        (("Boom", "why"), {"Error": "Boom", "Cause": "why"}, {"error": "Boom", "cause": "why"}),
    ],
)
def test_what_a_failure_leaves_out_is_null_in_a_catch(given, caught, written):
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
    driven = Driven(machine(A=task(TOKEN, Catch=catch), B=passing()))
    driven.calls[0].submit({})
    driven.calls[0].fail_by_token(*given)
    driven.settle()
    assert json.loads(driven.execution.output) == caught
    (failed,) = details(driven, "TaskFailed")
    assert {name: failed[name] for name in failed if name in ("error", "cause")} == written


def test_a_failure_without_error_ends_the_execution():
    driven = Driven(WAITING)
    driven.calls[0].submit({})
    driven.calls[0].fail_by_token(None, None)
    driven.settle()
    assert (driven.execution.status, driven.execution.error, driven.execution.cause) == ("FAILED", None, None)
    assert driven.events[-1]["executionFailedEventDetails"] == {}


def test_heartbeats_keep_a_task_alive_until_they_stop():
    driven = Driven(machine(task(TOKEN, HeartbeatSeconds=10)))
    driven.calls[0].submit({})
    for _ in range(5):
        driven.wait(9)
        driven.calls[0].heartbeat()
        driven.settle()
    assert driven.execution.status == "RUNNING"
    driven.wait(9)
    assert driven.execution.status == "RUNNING"
    driven.wait(1)
    assert types(driven)[-2:] == ["TaskTimedOut", "ExecutionFailed"]


def test_a_token_ends_a_sync_task_too():
    driven = Driven(machine(task("arn:aws:states:::states:startExecution.sync")))
    driven.calls[0].submit({})
    driven.calls[0].succeed_by_token('"by token"')
    driven.settle()
    assert driven.execution.output == '"by token"'
