"""The events that an execution writes, their order and their links."""

from typing import Any

import pytest

from tests.sandbox.conftest import Machines, details, jsonata, links, states

PASS = {"Type": "Pass", "End": True}
FAIL = {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}
LONG = {"Type": "Wait", "Seconds": 60, "End": True}


def each(processor: dict[str, Any], mode: str = "INLINE", **more: Any) -> dict[str, Any]:
    config = {"Mode": mode} | ({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {"ProcessorConfig": config, **processor},
        "End": True,
    } | more


HISTORIES: dict[str, tuple[dict[str, Any], Any, list[str]]] = {
    "a Parallel that succeeds": (
        states(P={"Type": "Parallel", "Branches": [states(A=PASS)], "Next": "E"}, E=PASS),
        {},
        [
            "ExecutionStarted 0",
            "ParallelStateEntered 0",
            "ParallelStateStarted 2",
            "PassStateEntered 3",
            "PassStateExited 4",
            "ParallelStateSucceeded 5",
            "ParallelStateExited 5",
            "PassStateEntered 7",
            "PassStateExited 8",
            "ExecutionSucceeded 9",
        ],
    ),
    "an iteration that fails aborts the others": (
        states(
            M=each(
                states(
                    C={
                        "Type": "Choice",
                        "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "W"}],
                        "Default": "Soon",
                    },
                    W=LONG,
                    Soon={"Type": "Wait", "Seconds": 1, "Next": "F"},
                    F=FAIL,
                )
            )
        ),
        {"items": [0, 1]},
        [
            "ExecutionStarted 0",
            "MapStateEntered 0",
            "MapStateStarted 2",
            "MapIterationStarted 3",
            "ChoiceStateEntered 4",
            "ChoiceStateExited 5",
            "MapIterationStarted 3",
            "ChoiceStateEntered 7",
            "ChoiceStateExited 8",
            "WaitStateEntered 6",
            "WaitStateEntered 9",
            "WaitStateExited 11",
            "FailStateEntered 12",
            "MapIterationAborted 13",
            "WaitStateAborted 13",
            "MapIterationFailed 13",
            "MapStateFailed 13",
            "ExecutionFailed 17",
        ],
    ),
    "a Map Run within tolerance": (
        states(M=each(states(F=FAIL), "DISTRIBUTED", ToleratedFailurePercentage=100)),
        {"items": [0]},
        [
            "ExecutionStarted 0",
            "MapStateEntered 0",
            "MapStateStarted 2",
            "MapRunStarted 3",
            "MapRunSucceeded 4",
            "MapStateSucceeded 5",
            "MapStateExited 5",
            "ExecutionSucceeded 7",
        ],
    ),
    "a Map Run beyond tolerance": (
        states(M=each(states(F=FAIL), "DISTRIBUTED")),
        {"items": [0]},
        [
            "ExecutionStarted 0",
            "MapStateEntered 0",
            "MapStateStarted 2",
            "MapRunStarted 3",
            "MapRunFailed 4",
            "MapStateFailed 5",
            "ExecutionFailed 6",
        ],
    ),
    "a Parallel tried again": (
        states(
            P={
                "Type": "Parallel",
                "Branches": [states(F=FAIL)],
                "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 1, "MaxAttempts": 1}],
                "End": True,
            }
        ),
        {},
        [
            "ExecutionStarted 0",
            "ParallelStateEntered 0",
            "ParallelStateStarted 2",
            "FailStateEntered 3",
            "ParallelStateStarted 4",
            "FailStateEntered 5",
            "ParallelStateFailed 6",
            "ExecutionFailed 7",
        ],
    ),
    "items that cannot be evaluated": (
        jsonata(
            A={"Type": "Pass", "Next": "M"},
            M={
                "Type": "Map",
                "Items": "{% 1 %}",
                "ItemProcessor": states(B=PASS),
                "End": True,
            },
        ),
        {},
        [
            "ExecutionStarted 0",
            "PassStateEntered 0",
            "PassStateExited 2",
            "MapStateEntered 3",
            "EvaluationFailed 3",
            "MapStateFailed 5",
            "ExecutionFailed 6",
        ],
    ),
    "arguments that fail are caught": (
        jsonata(
            T={
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
                "Arguments": {"Prefix": "{% $states.input.absent %}"},
                "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "E"}],
                "End": True,
            },
            E=PASS,
        ),
        {},
        [
            "ExecutionStarted 0",
            "TaskStateEntered 0",
            "EvaluationFailed 0",
            "TaskStateExited 3",
            "PassStateEntered 4",
            "PassStateExited 5",
            "ExecutionSucceeded 6",
        ],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_events_and_links(machines: Machines, name: str) -> None:
    definition, data, expected = HISTORIES[name]
    assert links(machines.run(definition, data)) == expected


def test_a_branch_that_fails_aborts_the_others(machines: Machines) -> None:
    failing = states(A={"Type": "Wait", "Seconds": 1, "Next": "F"}, F=FAIL)
    parallel = {
        "Type": "Parallel",
        "Branches": [failing, states(B=LONG), states(M=each(states(W=LONG)))],
        "Catch": [{"ErrorEquals": ["Broken"], "Next": "E"}],
        "Next": "E",
    }
    events = machines.run(states(P=parallel, E=PASS), {"items": [0]})
    found = [event["type"] for event in events]
    after = found[found.index("FailStateEntered") + 1 :]
    assert after[:6] == [
        "WaitStateAborted",
        "MapIterationAborted",
        "WaitStateAborted",
        "MapStateAborted",
        "ParallelStateFailed",
        "ParallelStateExited",
    ]
    aborted = next(event for event in events if event["type"] == "MapIterationAborted")
    assert details(aborted) == {"name": "M", "index": 0}


def test_a_thousand_items_one_after_another(machines: Machines) -> None:
    map_state = each(states(A=PASS), MaxConcurrency=1)
    events = machines.run(states(M=map_state), {"items": list(range(1100))})
    assert events[-1]["type"] == "ExecutionSucceeded"


def test_a_run_of_runs_links_past_its_end(machines: Machines) -> None:
    inner = each(states(A=PASS), "DISTRIBUTED", ItemsPath="$")
    events = machines.run(states(M=each(states(N=inner), "DISTRIBUTED")), {"items": [[1], [2]]})
    started = next(event["id"] for event in events if event["type"] == "MapRunStarted")
    exited = next(event for event in events if event["type"] == "MapStateExited")
    assert exited["previousEventId"] == started


def test_a_timed_out_task_writes_nothing_more(machines: Machines) -> None:
    function = machines.function(
        "import time\n\n\ndef handler(event, context):\n    time.sleep(1.5)\n    return event\n"
    )
    task = {
        "Type": "Task",
        "Resource": function,
        "TimeoutSeconds": 1,
        "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "W"}],
        "End": True,
    }
    events = machines.run(states(T=task, W={"Type": "Wait", "Seconds": 2, "End": True}))
    assert [event["type"] for event in events][2:] == [
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionTimedOut",
        "TaskStateExited",
        "WaitStateEntered",
        "WaitStateExited",
        "ExecutionSucceeded",
    ]


def test_items_that_cannot_be_read(machines: Machines) -> None:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "interpreter-absent", "Key": "items.json"},
    }
    events = machines.run(states(M=each(states(A=PASS), "DISTRIBUTED") | {"ItemReader": reader}))
    assert [event["type"] for event in events][3:] == [
        "MapRunStarted",
        "MapRunFailed",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    assert details(events[-1])["error"] == "States.ItemReaderFailed"
