"""Distributed Maps: items from S3, batches, what child executions see, results in S3."""

import json
import uuid
from typing import Any

import pytest

from tests.sandbox.interpreter.conftest import Machines, details, jsonata, states

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


OBJECTS: list[tuple[str, dict[str, Any], Any]] = [
    ('{"a": 1}\n{"a": 2}\n', {"InputType": "JSONL"}, [{"a": 1}, {"a": 2}]),
    ('{"x": {"y": [1, 2, 3]}}', {"InputType": "JSON", "ItemsPointer": "/x/y", "MaxItems": 2}, [1, 2]),
    (
        "a;b\n1;2\n3\n",
        {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "SEMICOLON"},
        [{"a": "1", "b": "2"}, {"a": "3", "b": ""}],
    ),
]


@pytest.mark.parametrize(("body", "config", "items"), OBJECTS, ids=["JSONL", "JSON", "CSV"])
def test_items_from_an_object(machines: Machines, bucket: str, body: str, config: dict[str, Any], items: Any) -> None:
    machines.lab.client("s3").put_object(Bucket=bucket, Key="items", Body=body.encode())
    place = {"Bucket": bucket, "Key": "items"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config, "Parameters": place}
    assert output(machines, states(M=run_of(ItemReader=reader))) == items


def test_items_of_a_listing(machines: Machines, bucket: str) -> None:
    machines.lab.client("s3").put_object(Bucket=bucket, Key="listed/one", Body=b"1")
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": bucket, "Prefix": "listed/"}}
    [found] = output(machines, states(M=run_of(ItemReader=reader)))
    assert found.keys() == {"Etag", "Key", "LastModified", "Size", "StorageClass"}
    assert (found["Key"], found["Size"]) == ("listed/one", 1)


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


@pytest.fixture
def results(machines: Machines, bucket: str) -> dict[str, Any]:
    """The manifest of a run over 1, 2 and 3 in which 2 fails, and the files that it names, by status."""
    machine = states(
        C={"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "F"}], "Default": "E"},
        F={"Type": "Fail", "Error": "Broken"},
        E=PASS,
    )
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"}}
    each = run_of(
        ItemProcessor={"ProcessorConfig": config, **machine}, ResultWriter=writer, ToleratedFailurePercentage=50
    )
    found = output(machines, states(M=each), [1, 2, 3])
    client = machines.lab.client("s3")

    def read(key: str) -> Any:
        return json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    manifest = read(found["ResultWriterDetails"]["Key"])
    assert manifest["MapRunArn"] == found["MapRunArn"]
    assert manifest["DestinationBucket"] == bucket
    return {status: [read(file["Key"]) for file in files] for status, files in manifest["ResultFiles"].items()}


def test_results_are_written(results: dict[str, Any]) -> None:
    [succeeded], [failed] = results["SUCCEEDED"], results["FAILED"]
    assert results["PENDING"] == []
    assert [(child["Input"], child["Output"], child["Status"]) for child in succeeded] == [
        ("1", "1", "SUCCEEDED"),
        ("3", "3", "SUCCEEDED"),
    ]
    assert [(child["Input"], child["Error"], child["Status"]) for child in failed] == [("2", "Broken", "FAILED")]


def test_results_are_flattened(machines: Machines) -> None:
    writer = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
    assert output(machines, states(M=run_of(ResultWriter=writer)), [[1, 2], [3]]) == [1, 2, 3]
