"""What a definition is refused for, and in which words; what AWS took is taken."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from helpers import engine
from helpers.definition import names
from helpers.definition.fields import OBJECTS, Field
from helpers.definition.validation import Finding, check, errors, warnings
from helpers.errors import DefinitionInvalid
from tests.definition.machines import INVOKE, SAMPLES, choice, equals, machine, task, wait
from tests.definition.mutations import MUTATIONS, SOUND, mutated

RECORDED = pathlib.Path(
    os.environ.get("RECORDED_HISTORIES", pathlib.Path(__file__).parents[3] / "shared/aws-recorded/scenarios.json")
)
DONE: dict[str, Any] = {"Type": "Succeed"}
PASS: dict[str, Any] = {"Type": "Pass", "End": True}
INNER = machine("In", {"In": PASS})
MAP = {"Type": "Map", "ItemProcessor": INNER, "End": True}
JSONATA = {"QueryLanguage": "JSONata"}


def alone(state: object, **fields: Any) -> dict[str, Any]:
    return machine("A", {"A": state}, **fields)


def said(definition: object, machine_type: str = "STANDARD") -> list[str]:
    return [str(found) for found in errors(definition, machine_type)]


@pytest.mark.skipif(not RECORDED.exists(), reason=f"needs the recorded histories at {RECORDED}")
def test_what_aws_took_is_taken():
    scenarios = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert {one["name"]: said(one["definition"]) for one in scenarios if errors(one["definition"])} == {}


@pytest.mark.parametrize("definition", SOUND, ids=[*SAMPLES, *names()])
def test_sound_machines_are_taken(definition):
    assert said(definition) == []
    check(definition)


READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key.$": "$.key"}}
DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
TAKEN: dict[str, dict[str, Any]] = {
    "a name that ends like a path's in data taken as it is": {**PASS, "Result": {"y": 1, "y.$": 2}},
    "and in JSONata": {**PASS, **JSONATA, "Output": {"y": 1, "y.$": 2}},
    "an empty ReaderConfig": {**MAP, "ItemReader": {**READER, "ReaderConfig": {}}},
    "flattened Parquet": {
        **MAP,
        "ItemReader": {**READER, "ReaderConfig": {"InputType": "PARQUET", "Transformation": "LOAD_AND_FLATTEN"}},
    },
    "a manifest": {
        **MAP,
        "ItemReader": {**READER, "ReaderConfig": {"InputType": "MANIFEST", "ManifestType": "ATHENA_DATA"}},
    },
    "everything of a distributed Map": {
        **MAP,
        "ItemProcessor": {**INNER, "ProcessorConfig": DISTRIBUTED},
        "ItemReader": {
            **READER,
            "ReaderConfig": {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["a"],
                "MaxItems": 100_000_000,
            },
        },
        "ItemBatcher": {"MaxItemsPerBatch": 0, "MaxInputBytesPerBatchPath": "$.most", "BatchInput": {"a.$": "$.a"}},
        "ResultWriter": {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSONL"}},
        "ToleratedFailurePercentage": 12.5,
        "Label": "Each",
    },
    "a Map that tolerates nothing, as many at once as can be": {
        **MAP,
        **{"MaxConcurrency": 0, "ToleratedFailureCount": 0, "ToleratedFailurePercentage": 0},
    },
    "a JSONata Map with JSONPath inside": {
        **MAP,
        **JSONATA,
        "Items": [1, 2],
        "ItemProcessor": machine("In", {"In": {**PASS, "QueryLanguage": "JSONPath", "Parameters": {"a.$": "$"}}}),
    },
    "a selector that JSONata computes": {
        **MAP,
        **JSONATA,
        "ItemSelector": "{% {'item': $states.context.Map.Item.Value} %}",
    },
    "retries of an interval of nothing, and none": {
        **task(Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 0, "MaxAttempts": 0}], Catch=[])
    },
    "a Fail that computes": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}', $.c)"},
    "paths to nothing": {**PASS, "InputPath": None, "OutputPath": None, "ResultPath": None},
    "paths into context and variables": {**PASS, "InputPath": "$$.Execution.Input", "OutputPath": "$kept.a"},
    "comments where AWS takes them": task(
        Comment="a",
        Retry=[{"ErrorEquals": ["E"], "Comment": "b"}],
        Catch=[{"ErrorEquals": ["E"], "Comment": "c", "Next": "A"}],
    ),
    "a comment that looks like an expression": {**PASS, **JSONATA, "Comment": "{% later"},
    "numbers that JSONata computes": {"Type": "Wait", **JSONATA, "Seconds": "{% $states.input.n * 2 %}", "End": True},
    "a time with an offset": {"Type": "Wait", "Timestamp": "2026-01-02T03:04:05.678+01:00", "End": True},
    "a role for the task": {**task(), "Credentials": {"RoleArn.$": "$.role"}},
    "an End that is none": {"Type": "Pass", "End": False, "Next": "B"},
    "placeholders in a Resource": {**task(), "Resource": "${FunctionArn}"},
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_aws_documents_is_taken(name):
    states = {"A": TAKEN[name], **({"B": DONE} if TAKEN[name].get("Next") == "B" else {})}
    assert said(machine("A", states)) == []


@pytest.mark.parametrize("condition", [True, False, "{% false %}"])
def test_a_condition_may_be_written_out(condition):
    rule = {"Condition": condition, "Next": "B"}
    definition = machine("A", {"A": choice([rule], "C"), "B": DONE, "C": DONE}, **JSONATA)
    assert said(definition) == []
    states = [event["stateEnteredEventDetails"]["name"] for event in engine.run(definition).events[1:-2:2]]
    assert states == ["A", "B" if condition is True else "C"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"Type": "Wait", "Secnds": 2, "Seconds": 2, "End": True},
        "SCHEMA_VALIDATION_FAILED: Field 'Secnds' is not supported at /States/A. Did you mean \"Seconds\"?",
    ),
    ({**PASS, "Catch": []}, "Field 'Catch' is not supported at /States/A. It is a field of Task, Parallel, Map."),
    ({**PASS, "TimeoutSeconds": 1}, "Field 'TimeoutSeconds' is not supported at /States/A. It is a field of Task."),
    (
        {"Type": "Waits"},
        '[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map] at /States/A/Type. Did you mean "Wait"?',
    ),
    ({"Type": "Wait", "Seconds": "2", "End": True}, "Expected value of type Integer at /States/A/Seconds"),
    ({"Type": "Wait", "Seconds": True, "End": True}, "Expected value of type Integer at /States/A/Seconds"),
    ({"Type": "Wait", "Seconds": -1, "End": True}, "Minimum value is 0 at /States/A/Seconds"),
    ({"Type": "Wait", "Seconds": 10**9, "End": True}, "Maximum value is 99999999 at /States/A/Seconds"),
    (
        {"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-01T00:00:00Z", "End": True},
        "only be one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp] at /States/A",
    ),
    (
        {"Type": "Wait", "End": True},
        "This object should have only one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp]",
    ),
    (
        {"Type": "Wait", "Timestamp": "tomorrow", "End": True},
        "String does not match RFC3339 timestamp at /States/A/Timestamp",
    ),
    ({"Type": "Wait", "Timestamp": "2026-13-01T00:00:00Z", "End": True}, "String does not match RFC3339 timestamp"),
    (
        {"Type": "Pass"},
        "This object should have only one of the following fields: [Next, End] at /States/A. It has none",
    ),
    ({**PASS, "Next": "A"}, "There should only be one of the following fields: [Next, End] at /States/A"),
    ({**PASS, "Output": 1}, "but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A"),
    ({**PASS, **JSONATA, "Result": 1}, "but field 'Result' is only supported for the 'JSONPath' QueryLanguage"),
    (
        {**PASS, **JSONATA, "Output": {"v": "{% 1 + %}"}},
        "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /Sta",
    ),
    (
        {**MAP, "ItemReader": {**READER, "ReaderConfig": {"InputType": "JSON", "MaxItems": 100_000_001}}},
        "Maximum value is 100000000 at /States/A/ItemReader/ReaderConfig/MaxItems",
    ),
    (
        {"Type": "Fail", **JSONATA, "Error": "{% 1 + %}"},
        "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Error",
    ),
    (
        {**MAP, "ItemProcessor": {**INNER, **JSONATA}},
        "Field 'QueryLanguage' is not supported at /States/A/ItemProcessor",
    ),
    (
        {"Type": "Parallel", "Branches": [{**INNER, **JSONATA}], "End": True},
        "Field 'QueryLanguage' is not supported at /States/A/Branches[0]",
    ),
    (
        {**PASS, **JSONATA, "Output": {"v": "{% $.phone %}"}},
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$' at the top level is not supported. at /States/A/Output/v",
    ),
    (
        {**PASS, **JSONATA, "Output": {"v": "{% [$$.phone] %}"}},
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported. at /States/A/Output/v",
    ),
    (
        {**PASS, **JSONATA, "Output": "{% 1 + %}"},
        "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Output",
    ),
    (
        {**PASS, **JSONATA, "Output": {"v": "{% phone.home %}"}},
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/A/Output/v",
    ),
    (
        {**PASS, **JSONATA, "Output": ["{% 1 "]},
        "JSONata string must start with {% and end with %} at /States/A/Output[0]",
    ),
    (
        {**PASS, "QueryLanguage": "SQL"},
        "Value should be one of the following: [JSONPath, JSONata] at /States/A/QueryLan",
    ),
    (
        {**PASS, "Parameters": {"x": [{"y.$": "z"}]}},
        "The value for the field 'y.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Param",
    ),
    (
        {**PASS, "Parameters": {"x": [{"y.$": "$.z", "y": 1}]}},
        "The fields 'y' and 'y.$' are one, which has two values at /States/A/Parameters/x[0]. Remove one of them.",
    ),
    ({**PASS, "Assign": {"y": 1, "y.$": "$.z"}}, "The fields 'y' and 'y.$' are one, which has two values at /States/A"),
    ({**PASS, "InputPath": "a"}, "Value must be a valid JSONPath at /States/A/InputPath. 'a' is no path: a path b"),
    ({**PASS, "ResultPath": "$.a[*]"}, "Value is not a Reference Path at /States/A/ResultPath"),
    (
        {**MAP, "MaxConcurrencyPath": "$$.a"},
        "Value is not a Reference Path at /States/A/MaxConcurrencyPath. A Map takes",
    ),
    ({**PASS, "ResultPath": "$$.a"}, "Value is not a Reference Path at /States/A/ResultPath. A result is put into"),
    ({**PASS, "ResultPath": "$.a."}, "Value is not a Reference Path at /States/A/ResultPath. '$.a.' is no path: a"),
    ({**PASS, "Parameters": {"x.$": "States.Foo($.a)"}}, "at /States/A/Parameters. 'States.Foo($.a)' is no intrinsic"),
    ({"Type": "Fail", "CausePath": "States.Format('"}, "Value must be a valid JSONPath or intrinsic function at /Stat"),
    (
        {**PASS, "Assign": {"states": 1}},
        "RESERVED_VARIABLE_NAME: Cannot assign to reserved variable '$states'. at /Sta",
    ),
    ({**PASS, "Assign": {"_a": 1}}, "INVALID_VARIABLE_NAME: Invalid variable name '_a'"),
    ({**PASS, **JSONATA, "Output": "{% $a ?? 1 %}"}, "INVALID_JSONATA_EXPRESSION: "),
    ({**PASS, **JSONATA, "Output": "{% $a ?: 1 %}"}, "INVALID_JSONATA_EXPRESSION: "),
    *[
        ({**MAP, "Label": label}, "INVALID_LABEL_NAME: A Label has 1 to 40 characters, without white space and")
        for label in ("", "a" * 41, "a b", "a:b", "a?", "a{")
    ],
    (
        {**MAP, "ItemReader": {**READER, "ReaderConfig": {"ManifestType": "S3_INVENTORY", "InputType": "CSV"}}},
        "Field 'InputType' is not supported at /States/A/ItemReader/ReaderConfig",
    ),
    (
        {**MAP, "ItemReader": {**READER, "ReaderConfig": {"Transformation": "LOAD_AND_FLATTEN"}}},
        "These fields are required: [InputType] at /States/A/ItemReader/ReaderConfig",
    ),
    ({**PASS, "Assign": {"a-b.$": "$"}}, "INVALID_VARIABLE_NAME: Invalid variable name 'a-b'"),
    (task(Resource="f"), "The resource provided f is not recognized. The value is not a valid resource ARN"),
    (
        task(TimeoutSeconds=1, TimeoutSecondsPath="$.t"),
        "one of the following fields: [TimeoutSeconds, TimeoutSecondsPath]",
    ),
    (task(Credentials={}), "The field 'RoleArn' is required but was missing at /States/A/Credentials"),
    (task(Retry=[{}]), "These fields are required: [ErrorEquals] at /States/A/Retry[0]"),
    (task(Retry=[{"ErrorEquals": []}]), "Value cannot be empty at /States/A/Retry[0]/ErrorEquals"),
    (task(Retry=[{"ErrorEquals": [1]}]), "Expected value of type String at /States/A/Retry[0]/ErrorEquals[0]"),
    (task(Retry=[{"ErrorEquals": ["E"], "BackoffRate": 0.5}]), "Minimum value is 1 at /States/A/Retry[0]/BackoffRate"),
    (task(Retry=[{"ErrorEquals": ["E"], "MaxAttemps": 1}]), 'at /States/A/Retry[0]. Did you mean "MaxAttempts"?'),
    (task(Catch=[{"ErrorEquals": ["E"]}]), "These fields are required: [Next] at /States/A/Catch[0]"),
    (
        task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]),
        "States.ALL must appear alone and at end of list at /States/A/Retry[0]/ErrorEquals",
    ),
    (
        task(Catch=[{"ErrorEquals": ["E", "States.ALL"], "Next": "A"}]),
        "States.ALL must appear alone and at end of list",
    ),
    (choice([]), "Value cannot be empty at /States/A/Choices"),
    (choice([{"Variable": "$.a", "IsNull": True}]), "These fields are required: [Next] at /States/A/Choices[0]"),
    (
        choice([{"Variable": "$.a", "StringEqual": "b", "Next": "A"}]),
        "Field 'StringEqual' is not supported at /States/A/Choices[0]. Did you mean \"StringEquals\"?",
    ),
    (
        choice([{"Variable": "$.a", "StringEquals": "b", "IsNull": True, "Next": "A"}]),
        "There should only be one of the following fields: [StringEquals, IsNull] at /States/A/Choices[0]",
    ),
    (choice([{"Variable": "$.a", "Next": "A"}]), "A rule with a 'Variable' needs a comparison"),
    (
        choice([{"Not": {**equals("$.a", "b", "A")}, "Next": "A"}]),
        "Field 'Next' is not supported at /States/A/Choices[0]/Not",
    ),
    (
        choice([{"Variable": "$.a", "NumericEquals": "1", "Next": "A"}]),
        "Expected value of type Number at /States/A/Choices",
    ),
    (choice([{"Condition": "{% true %}", "Next": "A"}]), "field 'Condition' is only supported for the 'JSONata'"),
    (
        {**choice([{"Condition": "yes", "Next": "A"}]), **JSONATA},
        "Expected value of type Boolean at /States/A/Choices[0]/Condition",
    ),
    ({"Type": "Parallel", "Branches": [], "End": True}, "Value cannot be empty at /States/A/Branches"),
    ({"Type": "Parallel", "Branches": [1], "End": True}, "Expected value of type Object at /States/A/Branches[0]"),
    ({"Type": "Parallel", "Branches": [{}], "End": True}, "required: [States, StartAt] at /States/A/Branches[0]"),
    ({**MAP, "Iterator": INNER}, "one of the following fields: [ItemProcessor, Iterator] at /States/A"),
    (
        {**MAP, "Parameters": {}, "ItemSelector": {}},
        "one of the following fields: [ItemSelector, Parameters] at /States",
    ),
    (
        {**MAP, "ItemProcessor": {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}},
        "These fields are required: [ExecutionType] at /States/A/ItemProcessor/ProcessorConfig",
    ),
    (
        {**MAP, "ItemProcessor": machine("In", {"In": {"Type": "Pass", "Next": "Gone"}})},
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: Gone at /States/A/ItemProcessor/States/In/Next",
    ),
    ({**MAP, "Label": "l" * 41}, "INVALID_LABEL_NAME: "),
    (
        {**MAP, "ItemReader": {**READER, "ReaderConfig": {"InputType": "CSV"}}},
        "These fields are required: [CSVHeaderLocation] at /States/A/ItemReader/ReaderConfig",
    ),
    (
        {"Type": "Fail", "ErrorPath": "States.ArrayGetItem($.a, 0)", "CausePath": "States.MathAdd(1, 2)"},
        "Value must be a valid JSONPath or intrinsic function at /States/A/CausePath. Of functions it takes those",
    ),
    (
        {"Type": "Fail", "Error": "E", "ErrorPath": "$.e"},
        "one of the following fields: [Error, ErrorPath] at /States/A",
    ),
    ({"Type": "Fail", "End": True}, "Field 'End' is not supported at /States/A"),
    (7, "Expected value of type Object at /States/A"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("state", "words"), REFUSED, ids=[words[-60:] for _, words in REFUSED])
def test_what_is_wrong_with_a_state(state, words):
    found = errors(alone(state))
    assert any(words in str(one) for one in found), [*map(str, found)]
    assert all(one.state in ("A", "In") for one in found)


MACHINES: list[tuple[object, str]] = [
    (None, "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object"),
    ("{}", "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object"),
    ({}, "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"),
    ({"StartAt": "A", "States": {}}, "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States"),
    (machine("A", {"A": PASS}, Versoin="1.0"), "Field 'Versoin' is not supported at /. Did you mean \"Version\"?"),
    (machine("A", {"A": PASS}, Version="2"), "Value should be one of the following: [1.0] at /Version"),
    (machine("A", {"A": PASS, "B": DONE}), 'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B'),
    (machine("A", {"A": wait("A")}), "MISSING_END_STATE: Workflow has no terminal state"),
    (machine("A", {"A": wait("A"), "B": wait("A")}), "MISSING_END_STATE: Workflow has no terminal state"),
    (alone({**PASS, "QueryLanguage": "jsonata", "Output": 1}), "one of the following: [JSONPath, JSONata]"),
    (machine("A", {"A": {**MAP, "ItemProcessor": machine("A", {"A": PASS})}}), "DUPLICATE_STATE_NAME: Duplicate State"),
    (machine("A" * 81, {"A" * 81: PASS}), "INVALID_STATE_NAME: State name is longer than 80 characters: AAA"),
    (
        alone({**PASS, "QueryLanguage": "JSONPath"}, **JSONATA),
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata'",
    ),
]


@pytest.mark.parametrize(("definition", "words"), MACHINES, ids=[words[-50:] for _, words in MACHINES])
def test_what_is_wrong_with_a_machine(definition, words):
    (found,) = said(definition)
    assert words in found


@pytest.mark.parametrize(("count", "more"), [(8, ""), (9, ", ...")])
def test_a_way_to_no_state_is_said_beside_that_there_is_no_end(count, more):
    target, end = said(machine("B0", {f"B{n}": {"Type": "Pass", "Next": f"B{n + 1}"} for n in range(count)}))
    assert f"There is no state 'B{count}'; there are: B0, B1, B2, B3, B4, B5, B6, B7{more}." in target
    assert end == "MISSING_END_STATE: Workflow has no terminal state"


def test_a_start_at_no_state_reaches_none():
    start, unreached = said(machine("a", {"A": PASS}))
    assert "MISSING_TRANSITION_TARGET: Missing 'Next' target: a at /StartAt. Did you mean \"A\"?" in start
    assert 'MISSING_TRANSITION_TARGET: State "A" is not reachable. at /States/A' in unreached


@pytest.mark.parametrize("ending", [".sync", ".sync:2", ".waitForTaskToken"])
def test_express_machines_wait_for_nothing(ending):
    definition = alone({**task(), "Resource": f"arn:aws:states:::states:startExecution{ending}"})
    assert said(definition) == []
    assert said(definition, "EXPRESS") == [
        f"SCHEMA_VALIDATION_FAILED: Express state machine does not support '{ending}' service integration "
        "at /States/A/Resource"
    ]


def test_express_machines_have_no_distributed_map():
    definition = alone({**MAP, "ItemProcessor": {**INNER, "ProcessorConfig": DISTRIBUTED}})
    assert said(definition) == []
    (found,) = said(definition, "EXPRESS")
    assert "Express state machine does not support a Map in DISTRIBUTED mode at /States/A/ItemProcessor" in found


def test_one_readable_error():
    with pytest.raises(DefinitionInvalid) as raised:
        check(alone({"Type": "Wait", "Secnds": 2, "Nxet": "B"}))
    assert str(raised.value) == ("State 'A': Field 'Secnds' is not supported. Did you mean \"Seconds\"? (and 3 more)")
    with pytest.raises(DefinitionInvalid, match=r"^Choices\[0\]\.Next of state 'A': Missing 'Next' target: Dome\. Did"):
        check(machine("A", {"A": choice([equals("$.a", "b", "Dome")], "Done"), "Done": DONE}))


def test_warnings_of_paths_that_are_not_read():
    """The words are those of the API reference's example."""
    body = {**PASS, "Parameters": {"a": "$.b", "d.$": "$.d"}, "Result": {"c.$": "$.f"}}
    found = [*warnings(alone(body)), *warnings(alone({"Type": "Fail", "Error": "$.e", "Cause": "$$.State.Name"}))]
    assert {one.severity for one in found} == {"WARNING"}
    assert [(one.code, one.location, one.message) for one in found] == [
        (
            "NO_DOLLAR",
            "/States/A/Parameters",
            "The value of 'a' looks like a JSONPath. Instead of 'a', use 'a.$' to evaluate it as a JSONPath at "
            "runtime.",
        ),
        (
            "PASS_RESULT_IS_STATIC",
            "/States/A/Result",
            "The value of 'c.$' will not evaluate as a JSONPath or Intrinsic Function at runtime. Instead of 'Result', "
            "use 'Parameters' to evaluate it as a JSONPath or Intrinsic Function at runtime.",
        ),
        *[
            (
                "NO_PATH",
                f"/States/A/{name}",
                f"The value of '{name}' looks like a JSONPath. Instead of '{name}', use '{name}Path' to evaluate it as "
                "a JSONPath at runtime.",
            )
            for name in ("Error", "Cause")
        ],
    ]


@pytest.mark.parametrize("value", ["$5", "$", "a $.b", "States", 1, "{% $.x %}"])
def test_what_looks_like_no_path_is_not_warned_of(value):
    found = list(warnings(alone({**PASS, "Parameters": {"a": value}, "Comment": "$.x"})))
    assert [one.code for one in found] == (["NO_DOLLAR"] if value == "$" else [])


ASSIGNS = {"Type": "Pass", "Assign": {"x": 1}}
FAN = {"Type": "Parallel", "Branches": [machine("B", {"B": {**ASSIGNS, "End": True}})], "End": True}
ONE = {"StartAt": "A", **JSONATA}
NESTED = {**FAN, "Branches": [machine("Q", {"Q": FAN})]}
CHOOSING = {"Type": "Choice", "Choices": [{"Condition": True, "Next": "A"}], "Default": "P"}
CATCHING = {**task(), "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"x": 1}, "Next": "P"}]}
OUTER = [
    ({"A": {**ASSIGNS, "Next": "P"}, "P": FAN}, True),
    ({"A": {**ASSIGNS, "Next": "P"}, "P": NESTED}, True),
    ({"C": CHOOSING, "A": {**ASSIGNS, "Next": "P"}, "P": FAN}, True),
    ({"C": {**CHOOSING, "Choices": [{"Condition": True, "Assign": {"x": 1}, "Next": "P"}]}, "P": FAN}, True),
    ({"T": CATCHING, "P": FAN}, True),
    ({"P": {**FAN, "End": False, "Next": "A"}, "A": {**ASSIGNS, "Next": "C"}, "C": {**CHOOSING, "Choices": []}}, True),
    ({"P": {**FAN, "End": False, "Next": "A"}, "A": {**ASSIGNS, "End": True}}, False),
    ({"P": {**FAN, "Assign": {"x": 1}}}, False),
    ({"C": {**CHOOSING, "Assign": {"y": 1}}, "A": {**ASSIGNS, "End": True}, "P": FAN}, False),
    ({"A": {**ASSIGNS, "Assign": {"y": 1, "y.$": "$.y"}, "Next": "P"}, "P": FAN}, False),
    (
        {"T": {**task(), "Assign": {"x": 1}, "Next": "Z", "Catch": [{**CATCHING["Catch"][0], "Assign": {}}]}, "P": FAN},
        False,
    ),
]


@pytest.mark.parametrize(("states", "refused"), OUTER)
def test_an_inner_scope_assigns_no_variable_that_is_assigned_on_the_way_to_it(states, refused):
    found = errors({**ONE, "StartAt": next(iter(states)), "States": {**states, "Z": DONE}})
    assert [one.state for one in found if one.code == "DUPLICATE_VARIABLE_NAME"] == (["B"] if refused else [])


READS = [
    ("{% $states.result %}", {"Output", "Assign"}),
    ("{% $count([$states.result.x]) %}", {"Output", "Assign"}),
    ("{% $states.`result`[0] %}", {"Output", "Assign"}),
    ("{% $map([1], function($v) { $states.result }) %}", {"Output", "Assign"}),
    ("{% $states.errorOutput.Cause %}", {"Catch"}),
    (
        "{% [$states.input, $states.context, $states, '$states.result', ($states).foo] %}",
        {"Output", "Assign", "Catch", "Arguments"},
    ),
    ("{% $states.foo %}", set()),
]


@pytest.mark.parametrize(("code", "fields"), READS)
def test_states_has_a_result_and_an_error_only_where_there_is_one(code, fields):
    catch = {"ErrorEquals": ["States.ALL"], "Next": "Z"}
    for field in ("Output", "Assign", "Arguments", "Catch"):
        more = {"Catch": [{**catch, "Output": code}]} if field == "Catch" else {field: {"v": code}}
        found = said({**machine("A", {"A": {**task(), "Arguments": {}, "End": True, **more}, "Z": DONE}), **JSONATA})
        assert [one for one in found if "does not exist." in one] == ([] if field in fields else found[:1]), field
    assert bool(said(alone({**PASS, "Output": code}, **JSONATA))) is ("Arguments" not in fields)


# An object of each kind as it should be, and where it stands: what the table says is tried one field at a time.
ARN = "arn:aws:states:::s3:getObject"
PLAIN: dict[str, dict[str, Any]] = {
    "Task": {"Type": "Task", "Resource": INVOKE, "End": True},
    "Wait": {"Type": "Wait", "Seconds": 1, "End": True},
    "Pass": PASS,
    "Succeed": DONE,
    "Fail": {"Type": "Fail"},
    "Choice": {"Type": "Choice", "Choices": [], "Default": "Z"},
    "Parallel": {"Type": "Parallel", "Branches": [INNER], "End": True},
    "Map": MAP,
    "Machine": {"StartAt": "A", "States": {"A": PASS}},
    "Branch": INNER,
    "Processor": INNER,
    "Retry": {"ErrorEquals": ["E"]},
    "Catch": {"ErrorEquals": ["E"], "Next": "Z"},
    "Rule": {"Next": "Z"},
    "ItemReader": {"Resource": ARN},
}


def place(of: str, body: dict[str, Any]) -> dict[str, Any]:
    """A machine in which an object of the table stands where it belongs, in state A."""
    if of == "Machine":
        return body
    around = {
        "Branch": lambda: {**PLAIN["Parallel"], "Branches": [body]},
        "Processor": lambda: {**MAP, "ItemProcessor": body},
        "ProcessorConfig": lambda: {**MAP, "ItemProcessor": {**INNER, "ProcessorConfig": body}},
        "Retry": lambda: task(Retry=[body]),
        "Catch": lambda: task(Catch=[body]),
        "Rule": lambda: choice([body], "Z"),
        "Inner rule": lambda: choice([{"And": [body], "Next": "Z"}], "Z"),
        "Credentials": lambda: task(Credentials=body),
        "ReaderConfig": lambda: {**MAP, "ItemReader": {"Resource": ARN, "ReaderConfig": body}},
        "WriterConfig": lambda: {**MAP, "ResultWriter": {"WriterConfig": body}},
        "ItemReader": lambda: {**MAP, "ItemReader": body},
        "ItemBatcher": lambda: {**MAP, "ItemBatcher": body},
        "ResultWriter": lambda: {**MAP, "ResultWriter": body},
    }
    return machine("A", {"A": around[of]() if of in around else body, "Z": DONE})


TEXTS = {"text", "word", "timestamp", "resource", "state", "path", "reference", "place", "computed"}
SIX: list[Any] = [None, True, 7.5, "~", [[]], {"~": 0}]


def wrong(field: Field) -> Iterator[Any]:
    """Values of each JSON type that a field does not hold."""
    right = {
        "integer": (),
        "number": (float,),
        "boolean": (bool,),
        **dict.fromkeys(TEXTS, (str,)),
        **dict.fromkeys(("template", "variables"), (dict,)),
        "items": (list, dict),
    }
    for value in SIX:
        if not isinstance(value, right.get(field.kind, ())) and not (value is None and field.null):
            yield value
    if field.kind in TEXTS - {"text"}:
        yield "~"  # no word, timestamp, ARN, name of a state, or path


EACH = [
    (of, name, language)
    for of, known in OBJECTS.items()
    for name, field in known.fields.items()
    for language in ("JSONPath", "JSONata")
    if field.kind not in ("literal", "value") and (of, language) != ("Inner rule", "JSONata")
]


@pytest.mark.parametrize(("of", "name", "language"), EACH, ids=["-".join(each) for each in EACH])
def test_each_wrong_type_in_each_field_is_found(of, name, language):
    field = OBJECTS[of].fields[name]
    assert list(wrong(field))
    for value in wrong(field):
        definition = copy.deepcopy(place(of, {**PLAIN.get(of, {}), name: value}))
        if name != "QueryLanguage":
            definition["QueryLanguage"] = language
        found = errors(definition)
        owner = None if of == "Machine" else "A"
        where = [one for one in found if one.state in (owner, "In", "~")]
        assert any(name.split(".")[0] in one.location + one.message for one in where), (value, [*map(str, found)])
        with pytest.raises(DefinitionInvalid):
            check(definition)


@pytest.mark.parametrize("of", OBJECTS)
def test_each_field_written_wrong_is_answered_with_the_right_one(of):
    for name in OBJECTS[of].fields:
        typo = name[0] + name[2:] if len(name) > 3 else name.lower()
        found = said(place(of, {**PLAIN.get(of, {}), typo: 1}))
        answer = [one for one in found if f"Field '{typo}' is not supported" in one]
        # A rule has 40 fields that differ in a letter or two.
        right = "" if "rule" in of.lower() else name
        assert any(f'Did you mean "{right}' in one for one in answer), found


# ---- what is no JSON, or too much of it


def nested(levels: int) -> dict[str, Any]:
    inner = machine("P", {"P": PASS})
    for n in range(levels):
        inner = machine(f"M{n}", {f"M{n}": {**MAP, "ItemProcessor": inner}})
    return inner


def cyclic() -> dict[str, Any]:
    definition = alone({**MAP})
    definition["States"]["A"]["ItemProcessor"] = definition
    return definition


def doubling(levels: int) -> dict[str, Any]:
    """A small thing in memory that would be 2 ** levels machines on paper."""
    inner: Any = INNER
    for _ in range(levels):
        inner = machine("P", {"P": {"Type": "Parallel", "Branches": [inner, inner], "End": True}})
    return inner


def row(count: int, field: str = "Next") -> dict[str, Any]:
    states = {f"S{n}": {"Type": "Pass", field: f"S{n + 1}"} for n in range(count)}
    return machine("S0", {**states, f"S{count}": DONE})


ODD: dict[str, tuple[Any, str]] = {
    "deep": (nested(10_000), "TOO_DEEPLY_NESTED: The definition is nested deeper than 200 levels"),
    "a deep value": (alone({**PASS, "Result": nested(70)}), "TOO_DEEPLY_NESTED: "),
    "cyclic": (cyclic(), "TOO_DEEPLY_NESTED: The definition is nested deeper than 200 levels"),
    "doubling": (doubling(45), "INVALID_JSON_DESCRIPTION: The definition is longer than 1,048,576 characters"),
    "long": (alone({**PASS, "Comment": "c" * 1_100_000}), "INVALID_JSON_DESCRIPTION: The definition is longer"),
    "a number as a name": (alone({**PASS, 1: 2}), "INVALID_JSON_DESCRIPTION: A name that is no text is not JSON at /S"),
    "NaN": (alone({"Type": "Wait", "Seconds": float("nan"), "End": True}), "nan is not JSON at /States/A/Seconds"),
    "infinite": (alone({"Type": "Wait", "Seconds": float("inf"), "End": True}), "inf is not JSON at /States/A/Seconds"),
    "a tuple": (alone(task(Catch=({},))), "INVALID_JSON_DESCRIPTION: A tuple is not JSON at /States/A/Catch"),
    "a set": ({"StartAt"}, "INVALID_JSON_DESCRIPTION: A set is not JSON"),
    "a class": (Finding, "INVALID_JSON_DESCRIPTION: A type is not JSON"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_json_gets_one_finding(name):
    definition, words = ODD[name]
    (found,) = said(definition)
    assert words in found


def test_wide_machines_are_read_to_their_end():
    assert said(row(10_000)) == []
    assert len(said(row(10_000, "Nxet"))) >= 20_000
    rules = [equals("$.x", f"{n}", "Z") for n in range(5_000)]
    assert said(machine("A", {"A": choice(rules, "Z"), "Z": DONE})) == []
    assert said(nested(60)) == []


@pytest.mark.slow
@settings(max_examples=MUTATIONS, deadline=None, database=None, derandomize=MUTATIONS < 1_000)
@given(mutated())
def test_mutated_definitions_get_findings(definition):
    found = errors(definition)
    for one in found:
        assert one.code.isupper()
        assert one.message
        assert not re.search(r"\b(line|column) \d|mismatched|extraneous|Traceback|NoneType", one.sentence), one
    if found:
        with pytest.raises(DefinitionInvalid):
            check(definition)
    else:
        check(definition)
        json.dumps(definition, allow_nan=False)


def test_reading_a_definition_needs_little():
    heavy = ["moto", "boto3", "botocore", "flask", "pandas", "networkx", "numpy", "jsonata"]
    code = (
        "import sys, helpers.definition.validation as v; "
        "v.check({'StartAt': 'A', 'States': {'A': {'Type': 'Succeed'}}}); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
