"""Task states: Retry and Catch, time-outs and heartbeats, activities, `.sync`, and what their events say."""

import itertools
import json

import botocore.session
import pytest

from helpers import engine
from tests.engine.driving import ACTIVITY, ARN, SYNC, TOKEN, Driven, details, machine, passing, seconds, task, types

BOOM = engine.TaskFailed("Boom", "because")
RETRY = {"ErrorEquals": ["Boom"], "IntervalSeconds": 2, "MaxAttempts": 5, "BackoffRate": 3}


def attempts(run):
    """When each attempt was scheduled."""
    return [when for when, kind in zip(seconds(run), types(run), strict=True) if kind == "LambdaFunctionScheduled"]


# ---- Retry


def test_the_delay_grows_to_its_bound():
    run = engine.run(machine(task(Retry=[{**RETRY, "MaxDelaySeconds": 10}])), tasks={"A": BOOM})
    assert attempts(run) == [0, 2, 8, 18, 28, 38]
    assert (run.status, run.error, run.cause) == ("FAILED", "Boom", "because")


def test_defaults_of_a_retrier():
    assert attempts(engine.run(machine(task(Retry=[{"ErrorEquals": ["Boom"]}])), tasks={"A": BOOM})) == [0, 1, 3, 7]


def test_full_jitter_comes_from_the_seed():
    definition = machine(task(Retry=[{**RETRY, "JitterStrategy": "FULL"}]))
    one, again, other = (attempts(engine.run(definition, tasks={"A": BOOM}, seed=seed)) for seed in (1, 1, 2))
    assert one == again != other
    delays = [second - first for first, second in itertools.pairwise(one)]
    assert all(0 <= delay <= 2 * 3**number for number, delay in enumerate(delays))


def test_each_retrier_counts_its_own_attempts():
    retry = [{"ErrorEquals": [name], "MaxAttempts": 2, "IntervalSeconds": 1, "BackoffRate": 1} for name in "XY"]
    answers = [engine.TaskFailed(name) for name in "XYXYX"]
    run = engine.run(machine(task(Retry=retry)), tasks={"A": answers})
    assert (len(attempts(run)), run.error) == (5, "X")


def test_no_attempts_are_no_retry():
    retry = [{"ErrorEquals": ["Boom"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]
    assert len(attempts(engine.run(machine(task(Retry=retry)), tasks={"A": BOOM}))) == 1


@pytest.mark.parametrize(
    ("names", "error", "matched"),
    [
        (["States.ALL"], "Anything", True),
        (["States.TaskFailed"], "Anything", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.Timeout", True),
        (["Other"], "Anything", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
    ],
)
def test_which_error_is_caught_by_which_name(names, error, matched):
    definition = machine(A=task(Catch=[{"ErrorEquals": names, "Next": "B"}]), B=passing())
    run = engine.run(definition, tasks={"A": engine.TaskFailed(error)})
    assert (run.status == "SUCCEEDED") is matched


def test_the_retry_count_is_in_the_context_object():
    definition = machine(task(Parameters={"n.$": "$$.State.RetryCount"}, Retry=[{**RETRY, "MaxAttempts": 2}]))
    seen = []

    def answer(call):
        seen.append((call.attempt, call.parameters["n"]))
        raise BOOM

    engine.run(definition, tasks=answer)
    assert seen == [(1, 0), (2, 1), (3, 2)]


# ---- Catch


def test_a_catch_may_lead_back_to_its_own_state():
    definition = machine(task(Catch=[{"ErrorEquals": ["Boom"], "Next": "A", "ResultPath": "$.error"}]))
    run = engine.run(definition, {"n": 1}, {"A": [BOOM, BOOM, {"done": True}]})
    assert (run.status, run.output) == ("SUCCEEDED", {"done": True})
    assert types(run).count("TaskStateEntered") == types(run).count("TaskStateExited") == 3
    entered = details(run, "TaskStateEntered")[1]
    assert json.loads(entered["input"]) == {"n": 1, "error": {"Error": "Boom", "Cause": "because"}}


@pytest.mark.parametrize(
    ("path", "output"),
    [
        ({"ResultPath": None}, {"n": 1}),
        ({"ResultPath": "$.a.b"}, {"n": 1, "a": {"b": {"Error": "Boom", "Cause": "because"}}}),
        ({}, {"Error": "Boom", "Cause": "because"}),
    ],
)
def test_where_a_catch_puts_the_error(path, output):
    definition = machine(A=task(Catch=[{"ErrorEquals": ["Boom"], "Next": "B", **path}]), B=passing())
    assert engine.run(definition, {"n": 1}, {"A": BOOM}).output == output


def test_the_first_catch_that_fits_is_taken_and_may_assign():
    catch = [
        {"ErrorEquals": ["Other"], "Next": "B"},
        {"ErrorEquals": ["Boom"], "Next": "C", "Assign": {"said.$": "$.Cause"}},
        {"ErrorEquals": ["States.ALL"], "Next": "B"},
    ]
    definition = machine(A=task(Catch=catch), B=passing(), C=passing(Parameters={"said.$": "$said"}))
    definition["States"]["B"] = {"Type": "Fail"}
    assert engine.run(definition, tasks={"A": BOOM}).output == {"said": "because"}


def test_what_a_catch_in_jsonata_sees():
    catch = [
        {
            "ErrorEquals": ["Boom"],
            "Next": "B",
            "Output": {"why": "{% $states.errorOutput.Cause %}", "n": "{% $states.input.n %}"},
            "Assign": {"name": "{% $states.errorOutput.Error %}"},
        }
    ]
    definition = machine(A=task(Catch=catch), B=passing(Output="{% $merge([$states.input, {'name': $name}]) %}"))
    run = engine.run({**definition, "QueryLanguage": "JSONata"}, {"n": 1}, {"A": BOOM})
    assert run.output == {"why": "because", "n": 1, "name": "Boom"}


# ---- time-outs and heartbeats


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({"TimeoutSeconds": 7}, "JSONPath"),
        ({"TimeoutSecondsPath": "$.t"}, "JSONPath"),
        ({"TimeoutSeconds": "{% $states.input.t %}"}, "JSONata"),
    ],
)
def test_a_task_times_out(fields, language):
    run = engine.run({**machine(task(**fields)), "QueryLanguage": language}, {"t": 7}, {"A": engine.NEVER})
    assert types(run)[-2:] == ["LambdaFunctionTimedOut", "ExecutionFailed"]
    assert details(run, "LambdaFunctionScheduled")[0]["timeoutInSeconds"] == 7
    assert (seconds(run)[-1], run.error, run.status) == (7, "States.Timeout", "FAILED")


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({"HeartbeatSeconds": 3}, "JSONPath"),
        ({"HeartbeatSecondsPath": "$.t"}, "JSONPath"),
        ({"HeartbeatSeconds": "{% $states.input.t %}"}, "JSONata"),
    ],
)
def test_a_heartbeat_is_missed_and_goes_by_both_names(fields, language):
    for name in ("States.Timeout", "States.HeartbeatTimeout"):
        catch = [{"ErrorEquals": [name], "Next": "B"}]
        body = machine(A=task(TOKEN, **fields, Catch=catch), B=passing())
        driven = Driven({**body, "QueryLanguage": language}, {"t": 3})
        driven.calls[0].submit({})
        driven.wait(2)
        driven.calls[0].heartbeat()
        driven.wait(2)
        assert driven.execution.status == "RUNNING"
        driven.wait(2)
        assert json.loads(driven.execution.output) == {"Error": "States.Timeout", "Cause": ""}
        assert details(driven, "TaskTimedOut")[0]["error"] == "States.Timeout"


def test_a_time_out_outlives_no_attempt():
    definition = machine(task(TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]))
    run = engine.run(definition, tasks={"A": [engine.NEVER, engine.Answer(1, seconds=4)]})
    assert (run.output, seconds(run)[-1]) == (1, 5 + 1 + 4)


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", None])
def test_a_time_out_that_is_no_positive_integer_fails(value):
    run = engine.run(machine(task(TimeoutSecondsPath="$.t")), {"t": value}, {"A": 1})
    assert (run.status, run.error) == ("FAILED", "States.Runtime")
    assert "LambdaFunctionScheduled" not in types(run)
    assert "TimeoutSeconds" in run.cause


def test_an_answer_at_the_last_moment_counts():
    run = engine.run(machine(task(TimeoutSeconds=5)), tasks={"A": engine.Answer("late", seconds=5)})
    assert (run.output, seconds(run)[-1]) == ("late", 5)
    assert "LambdaFunctionTimedOut" not in types(run)


# ---- kinds of tasks


def test_an_activity_waits_for_a_worker():
    driven = Driven(machine(task(ACTIVITY, HeartbeatSeconds=10, TimeoutSeconds=60)), {"n": 1})
    (call,) = driven.calls
    assert (call.resource, call.parameters, call.kind) == (ACTIVITY, {"n": 1}, "task")
    driven.wait(20)  # no heartbeat is due before a worker has it
    call.start("worker 7")
    driven.settle()
    call.succeed_by_token('{"m":2}')
    driven.settle()
    assert types(driven)[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert details(driven, "ActivityStarted")[0] == {"workerName": "worker 7"}
    assert json.loads(driven.execution.output) == {"m": 2}


def test_an_activity_that_nobody_takes_times_out():
    run = engine.run(machine(task(ACTIVITY, TimeoutSeconds=9)), tasks=lambda call: engine.Answer(1, 100, started=50))
    assert types(run)[-2:] == ["ActivityTimedOut", "ExecutionFailed"]
    assert "ActivityStarted" not in types(run)


def test_sync_is_one_call_answered_with_the_end():
    answer = engine.Answer({"Output": {"n": 1}}, seconds=30, submitted={"ExecutionArn": "x"}, started=1)
    run = engine.run(machine(task(SYNC, Parameters={"StateMachineArn": "m"})), tasks={"A": answer})
    kinds = ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert types(run)[2:6] == kinds
    assert seconds(run)[2:6] == [0, 1, 1, 30]
    assert json.loads(details(run, "TaskSubmitted")[0]["output"]) == {"ExecutionArn": "x"}
    assert {one["resource"] for kind in kinds for one in details(run, kind)} == {"startExecution.sync:2"}


def test_how_each_kind_names_its_events():
    (function,), (service,) = (
        details(engine.run(machine(task(resource)), {"n": 1}, {"A": 1}), f"{kind}Scheduled")
        for resource, kind in ((ARN, "LambdaFunction"), ("arn:aws:states:::aws-sdk:sqs:sendMessage", "Task"))
    )
    assert function == {"resource": ARN, "input": '{"n":1}', "inputDetails": {"truncated": False}}
    assert service == {
        "resourceType": "aws-sdk:sqs",
        "resource": "sendMessage",
        "region": "us-east-1",
        "parameters": '{"n":1}',
    }


def test_credentials_are_written_and_given_to_the_handler():
    driven = Driven(machine(task(Credentials={"RoleArn.$": "$.role"})), {"role": "arn:aws:iam::1:role/r"})
    assert driven.calls[0].credentials == {"RoleArn": "arn:aws:iam::1:role/r"}
    assert details(driven, "LambdaFunctionScheduled")[0]["taskCredentials"] == {"roleArn": "arn:aws:iam::1:role/r"}


def test_parameters_selector_and_paths():
    definition = machine(
        task(
            InputPath="$.in",
            Parameters={"x.$": "$.a", "name.$": "$$.State.Name"},
            ResultSelector={"twice.$": "$.y"},
            ResultPath="$.out",
            OutputPath="$.out",
        )
    )
    run = engine.run(definition, {"in": {"a": 1}}, lambda call: {"y": call.parameters})
    assert run.output == {"twice": {"x": 1, "name": "A"}}


def test_a_failed_result_selector_is_not_caught():
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "A"}]
    run = engine.run(machine(task(ResultSelector={"x.$": "$.none"}, Catch=catch)), tasks={"A": {}})
    assert (run.status, run.error) == ("FAILED", "States.Runtime")
    assert types(run)[-2:] == ["LambdaFunctionSucceeded", "ExecutionFailed"]


def test_a_call_is_closed_when_its_attempt_ends():
    closed = []
    driven = Driven(machine(task(TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}])))
    driven.calls[0].on_abandoned = lambda: closed.append("abandoned")
    driven.wait(7)
    assert closed == ["abandoned"]
    driven.calls[0].succeed("too late")
    driven.calls[1].succeed("in time")
    driven.settle()
    assert driven.execution.output == '"in time"'


@pytest.mark.parametrize("resource", [ARN, ACTIVITY, TOKEN])
def test_an_event_says_only_what_aws_s_events_can_say(resource):
    known = botocore.session.get_session().get_service_model("stepfunctions").shape_for("HistoryEvent").members
    role = {"RoleArn": "arn:aws:iam::123456789012:role/other"}
    fields = {"TimeoutSeconds": 9, "HeartbeatSeconds": 3, "Credentials": role}
    for answer in (1, engine.TaskFailed("E"), engine.NEVER):
        for event in engine.run(machine(task(resource, **fields)), tasks={"A": answer}).events:
            for name, value in event.items():
                assert not isinstance(value, dict) or value.keys() <= known[name].members.keys()
