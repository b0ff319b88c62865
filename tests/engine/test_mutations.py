"""Definitions that somebody's hand slipped in: each is refused in our words, or runs to an end as AWS would have it."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import engine
from helpers.errors import DefinitionInvalid, NoProgress
from tests.definition.mutations import MUTATIONS, SOUND, mutated
from tests.engine.driving import ACTIVITY, SYNC, TOKEN, machine, passing, task

READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key.$": "$.key"}}
DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
RETRY = [{"ErrorEquals": ["Boom"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2, "MaxDelaySeconds": 3}]
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Z", "ResultPath": "$.error"}]
RICH = [
    machine(
        A=task(
            TimeoutSecondsPath="$.n",
            HeartbeatSeconds=3,
            Retry=RETRY,
            Catch=CATCH,
            Parameters={"a.$": "States.Format('{}-{}', $.n, $$.State.Name)", "b": [1, {"c.$": "$.items[?(@ > 1)]"}]},
            ResultSelector={"x.$": "$"},
            ResultPath="$.r",
            Next="B",
        ),
        B=task(TOKEN, TimeoutSeconds=9, ResultPath=None, Next="C"),
        C=task(SYNC, InputPath="$.r", ResultPath="$.s", OutputPath="$", Next="D", Catch=CATCH),
        D={
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThanPath": "$.m", "Next": "E"}],
            "Default": "Z",
        },
        E=task(ACTIVITY, Next="Z", Catch=CATCH),
        Z={"Type": "Wait", "SecondsPath": "$.n", "End": True},
    ),
    machine(
        A=passing(Assign={"v.$": "$.n", "w": {"x.$": "States.ArrayLength($.items)"}}, Next="P"),
        P={
            "Type": "Parallel",
            "Branches": [machine(L=task(Catch=[])), machine(R=passing(Parameters={"v.$": "$v"}))],
            "ResultSelector": {"first.$": "$[0]"},
            "ResultPath": "$.p",
            "Retry": RETRY,
            "Catch": CATCH,
            "Next": "M",
        },
        M={
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrencyPath": "$.n",
            "ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"},
            "ItemProcessor": machine(I=task(Retry=RETRY)),
            "Catch": CATCH,
            "Next": "Z",
        },
        Z={"Type": "Fail", "ErrorPath": "$.key", "CausePath": "States.JsonToString($)"},
    ),
    machine(
        A={
            "Type": "Map",
            "ItemReader": {**READER, "ReaderConfig": {"InputType": "JSON", "MaxItemsPath": "$.n"}},
            "ItemBatcher": {
                "MaxItemsPerBatch": 2,
                "MaxInputBytesPerBatchPath": "$.bytes",
                "BatchInput": {"k.$": "$.key"},
            },
            "ItemProcessor": {**machine(I=task()), **DISTRIBUTED},
            "ResultWriter": {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}},
            "ToleratedFailurePercentagePath": "$.n",
            "MaxConcurrency": 2,
            "Label": "L",
            "Catch": CATCH,
            "Next": "Z",
        },
        Z=passing(),
    ),
    {
        **machine(
            A=task(
                Arguments={"a": "{% $states.input.n * 2 %}", "b": ["{% $now() %}", "{% $states.context.State %}"]},
                TimeoutSeconds="{% $states.input.n %}",
                Output={"r": "{% $states.result %}", "n": "{% $states.input.n %}"},
                Assign={"v": "{% $states.result.x %}", "w": "{% $uuid() %}"},
                Retry=RETRY,
                Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z", "Output": "{% $states.errorOutput %}"}],
                Next="M",
            ),
            M={
                "Type": "Map",
                "Items": "{% [1..3] %}",
                "MaxConcurrency": "{% $states.input.n %}",
                "ItemProcessor": machine(I=passing(Output="{% $map([$states.input], function($x){$x + 1}) %}")),
                "Next": "D",
            },
            D={
                "Type": "Choice",
                "Choices": [{"Condition": "{% $count($states.input) > 2 %}", "Next": "Z", "Output": "{% $v %}"}],
                "Default": "Z",
            },
            Z={"Type": "Wait", "Seconds": "{% $random() * 9 %}", "End": True},
        ),
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": 100,
    },
]
DATA = {"n": 3, "m": 1, "items": [1, 2, 3], "key": "k", "bytes": 1_000, "nil": None, "text": "2025-01-01T00:00:00Z"}
# What a person writes who knows the language, in a place where it may not fit.
LIKELY = st.sampled_from(
    [
        *(
            "$",
            "$$",
            "$.n",
            "$.items",
            "$.items[0]",
            "$.items[*]",
            "$..n",
            "$.none",
            "$.text",
            "$v",
            "$.nil",
            "$.items[1:]",
        ),
        *("States.UUID()", "States.Array($.n, 1)", "States.MathAdd($.text, 1)", "States.ArrayRange(1, 9, 0)"),
        *("{% $states.input %}", "{% $states.input.n %}", "{% $none %}", "{% $states.result[0] %}", "{% [1..5] %}"),
        *("{% function($x){$x} %}", "{% /a/ %}", "{% 1/0 %}", "{% 'x' %}", "{% null %}", "{% -1 %}", "{% 1.5 %}"),
        *("A", "Z", "Boom", "States.ALL", "JSONata", "JSONPath", "2025-01-01T00:00:00Z", "arn:aws:states:::sqs:x"),
        *(0, 1, -1, 2.5, 10**6, 10**30, 1e300, True, False, None, "", [], {}, [1, 2], {"a.$": "$.n"}, {"a": "{% 1 %}"}),
        *("Next", "End", "ResultPath", "InputPath", "Assign", "Output", "Items", "Seconds", "Timestamp", "Default"),
    ]
)


def answer(call):
    """Whatever a task may say, by the number of its attempt."""
    if call.kind == "read":
        return [1, {"a": 2}, None]
    if call.attempt == 2:
        raise engine.TaskFailed("Boom", "because", seconds=1)
    return [engine.NEVER, {"x": [1]}, 7][(call.visit + call.attempt) % 3]


@pytest.mark.slow
@settings(max_examples=MUTATIONS, deadline=None, database=None, derandomize=MUTATIONS < 1_000)
@given(
    mutated([*RICH, *SOUND], LIKELY),
    st.sampled_from([DATA, {}, [1, 2], None, "text"]),
    st.sampled_from(["STANDARD", "EXPRESS"]),
)
def test_a_mutated_definition_is_refused_or_runs(definition, data, kind):
    begin = time.process_time()
    try:
        run = engine.run(definition, data, answer, limit=500, type=kind)
    except (DefinitionInvalid, NoProgress):
        pass
    else:
        assert run.status in ("SUCCEEDED", "FAILED", "TIMED_OUT", "RUNNING")
        json.dumps(run.events, default=str, allow_nan=False)
        assert all(event["previousEventId"] < event["id"] for event in run.events)
    assert time.process_time() - begin < 30, "it took too long"


def test_those_that_are_rich_run_as_they_stand():
    for definition in (*RICH, *SOUND):
        assert engine.run(definition, DATA, answer, limit=500).status in ("SUCCEEDED", "FAILED", "RUNNING", "TIMED_OUT")
