"""Distributed Maps: items from S3, batches, what child executions see, results in S3."""

import json
import uuid
from typing import Any

import pytest

from tests.sandbox.conftest import Machines, details, jsonata, states

PASS = {"Type": "Pass", "End": True}


def run_of(**more: Any) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **states(I=PASS)}, "End": True} | more


@pytest.fixture(scope="module")
def bucket(machines: Machines) -> str:
    name = f"interpreter-{uuid.uuid4().hex[:8]}"
    machines.lab.client("s3").create_bucket(Bucket=name)
    return name


def output(machines: Machines, definition: dict[str, Any], data: Any = None) -> Any:
    last = machines.run(definition, data)[-1]
    assert last["type"] == "ExecutionSucceeded", details(last)
    return json.loads(details(last)["output"])


def test_batches_by_number(machines: Machines) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"k.$": "$.z", "c": 1}}
    selector = {"v.$": "$$.Map.Item.Value"}
    found = output(
        machines,
        states(M=run_of(ItemsPath="$.l", ItemSelector=selector, ItemBatcher=batcher)),
        {"l": [1, 2, 3], "z": 9},
    )
    common = {"BatchInput": {"k": 9, "c": 1}}
    assert found == [{**common, "Items": [{"v": 1}, {"v": 2}]}, {**common, "Items": [{"v": 3}]}]


def test_batches_by_size_in_jsonata(machines: Machines) -> None:
    batcher = {"MaxInputBytesPerBatch": "{% $states.input.most %}"}
    definition = jsonata(M=run_of(Items="{% $states.input.l %}", ItemBatcher=batcher))
    most = len('{"Items":["aa","bb"]}')
    found = output(machines, definition, {"l": ["aa", "bb", "cc"], "most": most})
    assert found == [{"Items": ["aa", "bb"]}, {"Items": ["cc"]}]


def test_a_child_execution_has_a_name_of_its_own(machines: Machines) -> None:
    seen = {"Type": "Pass", "Parameters": {"e.$": "$$.Execution", "m.$": "$$.StateMachine"}, "End": True}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    each = run_of(ItemProcessor={"ProcessorConfig": config, **states(I=seen)}, Label="Mine")
    found = output(machines, states(M=each), [1, 2])
    assert found[0]["e"]["Id"] != found[1]["e"]["Id"]
    for number, child in enumerate(found):
        assert child["e"]["Input"] == number + 1
        assert child["e"]["Id"].endswith(f"/Mine:{child['e']['Name']}")
        assert child["m"]["Name"].endswith("/Mine")


def test_a_child_execution_sees_no_variables_from_outside(machines: Machines) -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    sees = states(I={"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": True})
    each = run_of(ItemsPath="$", ItemSelector={"v.$": "$v"}, ItemProcessor={"ProcessorConfig": config, **sees})
    start = {"Type": "Pass", "Assign": {"v": 1}, "Next": "M"}
    assert machines.run(states(A=start, M=each), [1])[-1]["type"] == "ExecutionFailed"
    each["ItemProcessor"] |= states(I=PASS)
    assert output(machines, states(A=start, M=each), [1]) == [{"v": 1}]


def test_results_are_flattened(machines: Machines) -> None:
    writer = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
    assert output(machines, states(M=run_of(ResultWriter=writer)), [[1, 2], [3]]) == [1, 2, 3]
