"""Loading, filling in and walking definitions."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from helpers.definition import edges, function_source, load, names, parse, placeholders, scopes, states
from helpers.definition.spoken_rules import condition
from helpers.definition.validation import location
from helpers.errors import DefinitionInvalid, UnknownName
from tests.definition.machines import SAMPLES

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def test_article_machine_is_as_the_article_gives_it():
    machine = load("busy_wait", FunctionArn=ARN)
    assert list(machine["States"]) == ["Main", "WaitforInvocation", "CheckInvocationsStatus", "Final"]
    main = machine["States"]["Main"]
    assert main["Parameters"] == {"Payload.$": "$", "FunctionName": f"{ARN}:$LATEST"}
    assert main["OutputPath"] == "$.Payload"
    assert main["Retry"][0]["MaxAttempts"] == 6
    assert machine["States"]["CheckInvocationsStatus"]["Default"] == "WaitforInvocation"
    assert placeholders(machine) == []


def test_article_function_answers_success_whatever_it_is_given():
    scope: dict[str, object] = {}
    exec((function_source("stepfunctionlambda_test") / "lambda_function.py").read_text(), scope)
    for event in ({}, None, [1], "x"):
        assert scope["lambda_handler"](event, None) == {"status": "success", "message": "Hello, World!"}


def test_a_placeholder_without_a_value_stays():
    assert placeholders(load("busy_wait")) == ["FunctionArn"]
    assert load("busy_wait")["States"]["Main"]["Parameters"]["FunctionName"] == "${FunctionArn}:$LATEST"


@pytest.mark.parametrize("name", names())
def test_every_definition_kept_here_loads(name):
    assert load(name)["States"]


def test_values_are_data():
    text = '{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": "${S}", "Comment": "<${T}>", "End": true}}}'
    filled = parse(text, S=3, T='"},\n${S}\\')["States"]["A"]
    assert filled["Seconds"] == 3
    assert filled["Comment"] == '<"},\n${S}\\>'
    assert json.loads(json.dumps(filled)) == filled


def test_by_path_and_from_any_folder(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(SAMPLES["transfer"]()), encoding="utf-8-sig")
    assert load(path) == load(str(path)) == SAMPLES["transfer"]()
    code = "from helpers.definition import load; print(load('busy_wait')['StartAt'])"
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "Main"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"StartAt": "A",\n "States": {"A": {"Type": "Succeed"},}}', "line 2"),
        ("", "line 1, column 1"),
        ('{"States": {"A": {"Type": "Succeed"}}}', "required: [StartAt]"),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Gone"}}}',
            "Next of state 'A': Missing 'Next' target: Gone. There is no state 'Gone'; there are: A.",
        ),
        ('{"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "A": {"Type": "Fail"}}}', "'A' twice"),
        ('{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": NaN, "End": true}}}', "NaN"),
        ("[1, 2]", "no JSON object"),
        ("[" * 200_000, "too deeply"),
    ],
)
def test_a_definition_that_cannot_be_used_names_the_place(tmp_path, text, place):
    path = tmp_path / "bad.asl.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionInvalid) as raised:
        load(path)
    assert place in str(raised.value)
    assert str(raised.value).startswith("bad.asl.json")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "bad.asl.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DefinitionInvalid, match="UTF-8"):
        load(path)


def test_a_placeholder_may_name_a_state():
    text = '{"StartAt": "${First}", "States": {"A": {"Type": "Pass", "Next": "${Then}"}, "B": {"Type": "Succeed"}}}'
    filled = parse(text, First="A", Then="B")
    assert (filled["StartAt"], filled["States"]["A"]["Next"]) == ("A", "B")
    with pytest.raises(DefinitionInvalid, match=r"no state '\$\{Then\}'"):
        parse(text, First="A")


def test_a_definition_that_is_one_already_needs_no_loading():
    with pytest.raises(UnknownName, match="not by a dict: a dict is one already"):
        load(load("busy_wait"))  # type: ignore[arg-type]
    with pytest.raises(DefinitionInvalid, match="not as a dict: a dict is a definition already"):
        parse(load("busy_wait"))  # type: ignore[arg-type]


def test_unknown_names_list_those_there_are():
    with pytest.raises(UnknownName, match=r"'bussy_wait'.*busy_wait"):
        load("bussy_wait")
    for text in ("StartAt: Ask\n" * 1_000, "\0", "~nobody/here"):
        with pytest.raises(UnknownName, match="no definition named"):
            load(text)
    with pytest.raises(UnknownName, match=r"'nothing'.*stepfunctionlambda_test"):
        function_source("nothing")
    with pytest.raises(UnknownName, match="its placeholders: FunctionArn"):
        load("busy_wait", FunctionARN=ARN)
    with pytest.raises(UnknownName):
        function_source(f"..{os.sep}functions")


def test_walk_goes_through_parallel_and_map():
    machine = SAMPLES["parallel_and_map"]()
    assert [state.name for state in states(machine)] == [
        *("Both", "Done", "Broken"),
        *("Old", "New", "One", "Inner"),
    ]
    assert [location(scope) for scope in scopes(machine)] == [
        "",
        "/States/Both/Branches[0]",
        "/States/Both/Branches[1]",
        "/States/Both/Branches[0]/States/Old/Iterator",
        "/States/Both/Branches[1]/States/New/ItemProcessor",
    ]
    both = next(states(machine))
    assert [(edge.kind, edge.target) for edge in edges(both)] == [
        ("next", "Done"),
        ("catch", "Broken"),
        ("retry", "Both"),
    ]
    assert [state.name for state in states(machine) if state.distributed] == ["New"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"Variable": "$.s", "StringEquals": 'a"b'}, '$.s == "a\\"b"'),
        ({"Variable": "$.n", "NumericLessThanEquals": 3}, "$.n <= 3"),
        ({"Variable": "$.n", "NumericGreaterThanPath": "$.m"}, "$.n > $.m"),
        ({"Variable": "$.s", "StringMatches": "a*"}, '$.s matches "a*"'),
        ({"Variable": "$.s", "IsPresent": False}, "$.s is not present"),
        ({"Variable": "$.s", "IsTimestamp": True}, "$.s is a timestamp"),
        ({"Variable": "$.b", "BooleanEquals": True}, "$.b == true"),
        ({"Condition": "{% $states.input.n\n  > 3 %}"}, "$states.input.n > 3"),
        (
            {
                "And": [
                    {"Variable": "$.a", "IsNull": True},
                    {"Or": [{"Variable": "$.b", "IsString": True}, {"Not": {"Variable": "$.c", "IsNumeric": True}}]},
                ]
            },
            "$.a is null and ($.b is a string or not ($.c is a number))",
        ),
    ],
)
def test_a_rule_reads_like_a_sentence(rule, text):
    assert condition(rule) == text
