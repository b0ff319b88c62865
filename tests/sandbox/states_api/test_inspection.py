"""One state alone: what becomes of it, and what it makes of its data; held against what AWS's TestState answered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from helpers.engine import Answer, Call, TaskFailed, text_of
from helpers.sandbox.clock import clock
from helpers.sandbox.states_api import test_state
from helpers.sandbox.states_api.backend import StatesBackend

PASS = {"StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": True}}}
TASK: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "InputPath": "$.in",
    "Parameters": {"FunctionName": "f", "Payload.$": "$.a"},
    "ResultSelector": {"got.$": "$.Payload"},
    "ResultPath": "$.answer",
    "OutputPath": "$.answer",
    "Retry": [
        {"ErrorEquals": ["Never"], "MaxAttempts": 0},
        {"ErrorEquals": ["Busy"], "IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 2},
    ],
    "Catch": [
        {"ErrorEquals": ["Other"], "Next": "No"},
        {"ErrorEquals": ["States.ALL"], "Next": "Help", "ResultPath": "$.e"},
    ],
    "Next": "On",
}
GIVEN = {"in": {"a": 1}}
BUSY = TaskFailed("Busy", "Come back.")
MAP: dict[str, Any] = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": PASS, "End": True}
DISTRIBUTED: dict[str, Any] = {
    **MAP,
    "ItemProcessor": {**PASS, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
}
READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}


@dataclass
class Found:
    """What TestState answered, its texts as data."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    next_state: str | None
    stages: dict[str, Any]
    error_details: dict[str, int]


def inspect(
    definition: Any,
    given: Any = None,
    *,
    name: str | None = None,
    mock: Any = None,
    handler: Any = Call.start,
    **setting: Any,
) -> Found:
    """One state, or the one of a name in a machine, tested in this process."""
    backend = StatesBackend("us-east-1", "123456789012")
    backend.handler = handler
    arguments = {"definition": text_of(definition), "input": text_of({} if given is None else given), "roleArn": "role"}
    if name:
        arguments["stateName"] = name
    if isinstance(mock, TaskFailed):
        arguments["mock"] = {"errorOutput": {"error": mock.error, "cause": mock.cause}}
    elif mock:
        arguments["mock"] = {"result": text_of(mock.value), "fieldValidationMode": "NONE"}
    for member in ("variables", "context"):
        if member in setting:
            arguments[member] = text_of(setting.pop(member))
    found = test_state.test_state(backend, {**arguments, "inspectionLevel": "DEBUG", "stateConfiguration": setting})
    stages: dict[str, Any] = found["inspectionData"]
    details = stages.pop("errorDetails", {})
    output = None if found["output"] is None else json.loads(found["output"])
    read = {stage: json.loads(value) if isinstance(value, str) else value for stage, value in stages.items()}
    return Found(found["status"], output, *map(found.get, ("error", "cause", "nextState")), read, details)


@pytest.fixture(autouse=True)
def any_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every role may be tested with."""
    monkeypatch.setattr(test_state, "check_role", lambda *_: None)


@pytest.fixture
def fast() -> Iterator[None]:
    clock.fast_forward("inspection")
    yield
    clock.back("inspection")


def ended(found: Found) -> tuple[str, Any, str | None]:
    return found.status, found.output, found.next_state


def failed(found: Found) -> tuple[str, str | None, str | None]:
    return found.status, found.error, found.cause


def test_every_stage_of_a_task() -> None:
    found = inspect(TASK, GIVEN, mock=Answer({"Payload": 2, "x": 3}))
    assert ended(found) == ("SUCCEEDED", {"got": 2}, "On")
    assert found.stages == {
        "input": {"in": {"a": 1}},
        "afterInputPath": {"a": 1},
        "afterParameters": {"FunctionName": "f", "Payload": 1},
        "result": {"Payload": 2, "x": 3},
        "afterResultSelector": {"got": 2},
        "afterResultPath": {"in": {"a": 1}, "answer": {"got": 2}},
    }
    assert found.error_details == {}


def test_stages_that_a_task_leaves_alone_show_the_data_as_it_is() -> None:
    found = inspect({"Type": "Task", "Resource": TASK["Resource"], "End": True}, {"a": 1}, mock=Answer([2]))
    assert found.stages == {
        "input": {"a": 1},
        "afterInputPath": {"a": 1},
        "afterParameters": {"a": 1},
        "result": [2],
        "afterResultSelector": [2],
        "afterResultPath": [2],
    }


def test_stages_end_where_the_state_failed() -> None:
    found = inspect({**TASK, "Parameters": {"x.$": "$.nothing"}, "Catch": []}, GIVEN, mock=Answer(1))
    assert (found.status, found.error) == ("FAILED", "States.Runtime")
    assert set(found.stages) == {"input", "afterInputPath"}
    found = inspect({**TASK, "ResultPath": "$.in.a.b"}, GIVEN, mock=Answer({"Payload": 2}))
    assert "afterResultPath" not in found.stages
    assert found.stages["afterResultSelector"] == {"got": 2}


@pytest.mark.parametrize(
    ("state", "stages"),
    [
        (
            {"Type": "Pass", "InputPath": "$.a", "ResultPath": "$.c", "Parameters": {"x.$": "$.b"}},
            {
                "afterInputPath": {"b": 1},
                "afterParameters": {"x": 1},
                "afterResultSelector": {"x": 1},
                "afterResultPath": {"a": {"b": 1}, "c": {"x": 1}},
            },
        ),
        (
            {"Type": "Pass", "InputPath": "$.a", "ResultPath": "$.c", "Result": 5},
            {"result": 5, "afterResultSelector": 5, "afterResultPath": {"a": {"b": 1}, "c": 5}},
        ),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": 1}, {}),
        ({"Type": "Wait", "Seconds": 3}, {"afterInputPath": {"a": {"b": 1}}}),
    ],
)
def test_states_that_call_nobody(state: dict[str, Any], stages: dict[str, Any]) -> None:
    assert inspect({**state, "End": True}, {"a": {"b": 1}}).stages == {"input": {"a": {"b": 1}}, **stages}


def test_choice_succeed_and_fail() -> None:
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "One"}
    choice = {"Type": "Choice", "Choices": [rule], "Default": "Other"}
    assert ended(inspect(choice, {"n": 1})) == ("SUCCEEDED", {"n": 1}, "One")
    assert ended(inspect(choice, {"n": 2})) == ("SUCCEEDED", {"n": 2}, "Other")
    found = inspect({"Type": "Choice", "Choices": [rule]}, {"n": 2})
    assert (found.status, found.error, found.output) == ("FAILED", "States.Runtime", None)
    assert ended(inspect({"Type": "Succeed", "OutputPath": "$.n"}, {"n": 2})) == ("SUCCEEDED", 2, None)
    found = inspect({"Type": "Fail", "Error": "Oops", "Cause": "It broke."}, {"n": 2})
    assert failed(found) == ("FAILED", "Oops", "It broke.")
    assert found.stages == {"input": {"n": 2}, "afterInputPath": {"n": 2}}


def test_jsonata_with_variables() -> None:
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": TASK["Resource"],
        "Arguments": {"Payload": "{% $k %}"},
        "Assign": {"n": "{% $k + 1 %}"},
        "Output": "{% $states.result.Payload %}",
        "End": True,
    }
    found = inspect(state, mock=Answer({"Payload": "done"}), variables={"k": 4})
    assert ended(found) == ("SUCCEEDED", "done", None)
    assert found.stages == {
        "input": {},
        "afterArguments": {"Payload": 4},
        "result": {"Payload": "done"},
        "variables": {"k": 4, "n": 5},
    }
    assert inspect({**state, "Assign": {}}, mock=BUSY, variables={"k": 4}).stages["variables"] == {"k": 4}
    assert "variables" not in inspect({"Type": "Succeed"}).stages


@pytest.mark.parametrize(("retries", "seconds"), [(0, 3), (1, 4)])
def test_a_retry_is_said_and_not_waited_for(retries: int, seconds: int) -> None:
    found = inspect(TASK, GIVEN, mock=BUSY, retrierRetryCount=retries)
    assert failed(found) == ("RETRIABLE", "Busy", "Come back.")
    assert found.error_details == {"retryIndex": 1, "retryBackoffIntervalSeconds": seconds}
    assert (found.output, found.next_state) == (None, None)
    assert set(found.stages) == {"input", "afterInputPath", "afterParameters"}


def test_an_error_is_caught_when_its_retries_are_used_up() -> None:
    found = inspect(TASK, GIVEN, mock=BUSY, retrierRetryCount=2)
    error = {"Error": "Busy", "Cause": "Come back."}
    assert failed(found) == ("CAUGHT_ERROR", "Busy", "Come back.")
    assert ended(found) == ("CAUGHT_ERROR", {**GIVEN, "e": error}, "Help")
    assert found.error_details == {"catchIndex": 1}
    # As recorded: a state that fails says which Retry was used up.
    found = inspect({**TASK, "Catch": []}, GIVEN, mock=BUSY, retrierRetryCount=2)
    assert (found.status, found.error_details) == ("FAILED", {"retryIndex": 1})
    assert inspect({**TASK, "Catch": []}, GIVEN, mock=TaskFailed("X")).error_details == {}


def test_the_attempt_is_in_the_context_object() -> None:
    state = {**TASK, "InputPath": "$", "Parameters": {"c.$": "$$"}}
    context = inspect(state, mock=Answer({"Payload": 0}), retrierRetryCount=2).stages["afterParameters"]["c"]
    assert context["State"]["RetryCount"] == 2
    # As recorded: of a test there is no redrive.
    execution = inspect({"Type": "Pass", "Parameters": {"e.$": "$$.Execution"}, "End": True}).output["e"]
    assert set(execution) == {"Id", "Input", "StartTime", "Name", "RoleArn"}
    given = {"Execution": {"Input": 7}}
    found = inspect(state, mock=Answer({"Payload": 0}), context=given).stages["afterParameters"]
    assert found == {"c": given}
    assert inspect(state, mock=Answer({"Payload": 0}), context={}).stages["afterParameters"] == {"c": {}}


@pytest.mark.usefixtures("fast")
def test_a_handler_answers_what_has_no_mock() -> None:
    calls: list[Call] = []

    def handler(call: Call) -> None:
        calls.append(call)
        call.answer(Answer({"Payload": "late"}, seconds=200))

    found = inspect(TASK, GIVEN, handler=handler)
    assert found.output == {"got": "late"}
    assert [call.parameters for call in calls] == [{"FunctionName": "f", "Payload": 1}]


@pytest.mark.usefixtures("fast")
def test_a_test_ends_after_300_seconds() -> None:
    closed: list[Any] = []

    def handler(call: Call) -> None:
        call.on_abandoned = lambda: closed.append(call)
        call.start()

    found = inspect(TASK, GIVEN, handler=handler)
    assert failed(found) == ("FAILED", "States.Timeout", None)
    assert len(closed) == 1
    assert inspect({"Type": "Wait", "Seconds": 301, "Next": "On"}).error == "States.Timeout"
    assert inspect({"Type": "Wait", "Seconds": 299, "Next": "On"}).status == "SUCCEEDED"
    retry = [{"ErrorEquals": ["States.Timeout"]}]
    assert inspect({**TASK, "TimeoutSeconds": 9, "Retry": retry}, GIVEN, handler=handler).status == "RETRIABLE"


def test_a_map_with_a_mocked_result() -> None:
    state = {**MAP, "ItemSelector": {"at.$": "$$.Map.Item.Index", "of.$": "$.items"}, "MaxConcurrency": 2}
    found = inspect(state, {"items": [7, 8]}, mock=Answer(["a", "b"]))
    assert ended(found) == ("SUCCEEDED", ["a", "b"], None)
    assert found.stages == {
        "input": {"items": [7, 8]},
        "afterInputPath": {"items": [7, 8]},
        "afterItemsPath": [7, 8],
        "afterItemSelector": [{"at": 0, "of": [7, 8]}, {"at": 1, "of": [7, 8]}],
        "maxConcurrency": 2,
        "afterResultSelector": ["a", "b"],
        "afterResultPath": ["a", "b"],
    }
    found = inspect(MAP, {"items": 1}, mock=Answer([]))
    assert failed(found)[:2] == ("FAILED", "States.Runtime")
    assert set(found.stages) == {"input", "afterInputPath"}
    named = inspect(state, {"items": [7]}, mock=Answer([1]), context={"State": {"Name": "M"}})
    assert named.stages["afterItemSelector"] == [{"at": 0, "of": [7]}]


def test_what_a_distributed_map_reads_and_batches() -> None:
    state = {
        **DISTRIBUTED,
        "ItemReader": {**READER, "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/x", "MaxItems": 3}},
        "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"k": 1}},
    }
    del state["ItemsPath"]
    found = inspect(state, mock=Answer([0]), mapItemReaderData=text_of({"x": [1, 2, 3, 4]}))
    assert found.stages["afterItemsPointer"] == [1, 2, 3]
    common = {"BatchInput": {"k": 1}}
    assert found.stages["afterItemBatcher"] == [{**common, "Items": [1, 2]}, {**common, "Items": [3]}]
    assert "afterItemsPath" not in found.stages
    unread = inspect(state, mock=Answer([0]), mapItemReaderData="{}")
    assert failed(unread)[:2] == ("FAILED", "States.ItemReaderFailed")


@pytest.mark.parametrize(
    ("fields", "failures", "stages", "error"),
    [
        ({}, 2, {}, None),  # as recorded: without a tolerance, none is exceeded
        ({"ToleratedFailureCount": 1}, 1, {"toleratedFailureCount": 1}, None),
        ({"ToleratedFailureCount": 1}, 2, {"toleratedFailureCount": 1}, "States.ExceedToleratedFailureThreshold"),
        ({"ToleratedFailurePercentagePath": "$.p"}, 1, {"toleratedFailurePercentage": 50}, None),
        (
            {"ToleratedFailurePercentagePath": "$.p"},
            2,
            {"toleratedFailurePercentage": 50},
            "States.ExceedToleratedFailureThreshold",
        ),
    ],
)
def test_tolerated_failures(fields: dict[str, Any], failures: int, stages: dict[str, Any], error: str | None) -> None:
    state = {**DISTRIBUTED, **fields, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Help"}]}
    found = inspect(state, {"items": [1, 2, 3], "p": 50}, mock=Answer([1, 2, 3]), mapIterationFailureCount=failures)
    assert found.error == error
    assert found.status == ("CAUGHT_ERROR" if error else "SUCCEEDED")
    assert {name: value for name, value in found.stages.items() if name.startswith("tolerated")} == stages
    assert inspect(state, {"items": [1], "p": 50}, mock=BUSY, mapIterationFailureCount=failures).error == "Busy"


def test_a_parallel_with_mocks() -> None:
    state = {
        "Type": "Parallel",
        "Parameters": {"b.$": "$.a"},
        "Branches": [PASS, {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}],
        "ResultPath": "$.r",
        "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 1}],
        "Next": "On",
    }
    found = inspect(state, {"a": 1}, mock=Answer([1, 2]))
    assert ended(found) == ("SUCCEEDED", {"a": 1, "r": [1, 2]}, "On")
    assert found.stages["afterParameters"] == {"b": 1}
    assert inspect(state, {"a": 1}, mock=BUSY).status == "RETRIABLE"
    assert inspect(state, {"a": 1}, mock=BUSY, retrierRetryCount=1).status == "FAILED"


def test_a_state_of_a_machine() -> None:
    inner = {**PASS, "States": {"Go": {"Type": "Pass", "Output": "{% 1 + 1 %}", "End": True}}}
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "Each",
        "States": {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}},
    }
    assert inspect(machine, name="Go").output == 2
