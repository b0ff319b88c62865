"""What distributed Maps read from S3, and what they write there."""

import gzip
import io
import json
import uuid
from typing import Any

import pyarrow.parquet
import pytest

from tests.sandbox.conftest import Machines, details, states

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


CSV = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
OBJECTS: list[tuple[str, dict[str, Any], Any]] = [
    ('{"a": 1}\n{"a": 2}\n', {"InputType": "JSONL"}, [{"a": 1}, {"a": 2}]),
    ('{"x": {"y": [1, 2, 3]}}', {"InputType": "JSON", "ItemsPointer": "/x/y", "MaxItems": 2}, [1, 2]),
    (
        "a;b\n1;2\n3\n",
        {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter": "SEMICOLON"},
        [{"a": "1", "b": "2"}, {"a": "3", "b": ""}],
    ),
    ('p,q\nC:\\\\x,"a\\"b"\n1\\,2,\\n\n', CSV, [{"p": "C:\\x", "q": 'a"b'}, {"p": "1,2", "q": "n"}]),
    ('{"a": 1}', {"InputType": "JSON"}, [{"Key": "a", "Value": 1}]),
    ("1,2\n", {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["b", "a"]}, [{"a": "2", "b": "1"}]),
]


@pytest.mark.parametrize(
    ("body", "config", "items"), OBJECTS, ids=["JSONL", "JSON", "CSV", "escapes", "pairs", "headers"]
)
def test_items_from_an_object(machines: Machines, bucket: str, body: str, config: dict[str, Any], items: Any) -> None:
    machines.lab.client("s3").put_object(Bucket=bucket, Key="items", Body=body.encode())
    place = {"Bucket": bucket, "Key": "items"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config, "Parameters": place}
    assert output(machines, states(M=run_of(ItemReader=reader))) == items


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("n.jsonl.gz", gzip.compress(b"1\n2", mtime=0)),
        ("n.jsonl.zstd", bytes(pyarrow.Codec("zstd").compress(b"1\n2", asbytes=True))),
    ],
)
def test_items_from_a_compressed_object(machines: Machines, bucket: str, key: str, body: bytes) -> None:
    machines.lab.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSONL"}}
    place = {"Bucket": bucket, "Key": key}
    assert output(machines, states(M=run_of(ItemReader={**reader, "Parameters": place}))) == [1, 2]


def test_items_of_a_listing(machines: Machines, bucket: str) -> None:
    machines.lab.client("s3").put_object(Bucket=bucket, Key="listed/one", Body=b"1")
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": bucket, "Prefix": "listed/"}}
    [found] = output(machines, states(M=run_of(ItemReader=reader)))
    assert found.keys() == {"Etag", "Key", "LastModified", "Size", "StorageClass"}
    assert (found["Key"], found["Size"]) == ("listed/one", 1)


UNREADABLE: list[tuple[bytes, dict[str, Any], str]] = [
    (b'{"x": 1}', {"InputType": "JSON", "ItemsPointer": "/y"}, "nothing where ItemsPointer leads (/y)"),
    (b'"x"', {"InputType": "JSON"}, "non-iterable"),
    (b'{"x": 1}\n{', {"InputType": "JSONL"}, "no JSON"),
    (b"[NaN]", {"InputType": "JSON"}, "NaN"),
    (b"[" * 100_000, {"InputType": "JSON"}, "nested too deeply"),
    (b"\xff\xfe[]", {"InputType": "JSON"}, "UTF-8"),
    (b"a,a\n1,2\n", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "duplicates"),
    (b'a\n"' + b"x" * 200_000, {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, "no CSV"),
]


@pytest.mark.parametrize(("body", "config", "said"), UNREADABLE)
def test_what_holds_no_items(machines: Machines, bucket: str, body: bytes, config: dict[str, Any], said: str) -> None:
    machines.lab.client("s3").put_object(Bucket=bucket, Key="unreadable", Body=body)
    place = {"Bucket": bucket, "Key": "unreadable"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config, "Parameters": place}
    failed = details(machines.run(states(M=run_of(ItemReader=reader)))[-1])
    assert failed["error"] == "States.ItemReaderFailed"
    assert said in failed["cause"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"Bucket": "tests-absent", "Key": "a"}, "bucket does not exist (Service: S3, Status Code: 404"),
        ({"Bucket": None, "Key": "absent"}, "key does not exist. (Service: S3, Status Code: 404"),
        ({"Bucket": None}, "The field 'Key' is required but was missing"),
    ],
)
def test_an_object_that_is_not_there(machines: Machines, bucket: str, place: dict[str, Any], said: str) -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {**place, "Bucket": place["Bucket"] or bucket}}
    failed = details(machines.run(states(M=run_of(ItemReader=reader)))[-1])
    assert failed["error"] == "States.ItemReaderFailed"
    assert said in failed["cause"]
    assert ("Extended Request ID: " in failed["cause"]) == ("(Service: S3" in said)


def test_results_that_cannot_be_written(machines: Machines) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "tests-absent"}}
    failed = details(machines.run(states(M=run_of(ResultWriter=writer)), [1])[-1])
    assert failed["error"] == "States.ResultWriterFailed"


def test_results_as_lines(machines: Machines, bucket: str) -> None:
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": bucket},
        "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"},
    }
    found = output(machines, states(M=run_of(ResultWriter=writer)), [{"a": "é"}, 2])["ResultWriterDetails"]
    client = machines.lab.client("s3")
    manifest = json.loads(client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    [file] = manifest["ResultFiles"]["SUCCEEDED"]
    body = client.get_object(Bucket=bucket, Key=file["Key"])["Body"].read()
    assert body.decode().splitlines() == ['{"a":"é"}', "2"]
    assert len(body) == file["Size"]


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


def parquet(rows: list[dict[str, Any]]) -> bytes:
    body = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), body)
    return body.getvalue()


def test_items_from_parquet(machines: Machines, bucket: str) -> None:
    rows = [{"a": 1, "b": "x", "c": None}, {"a": 2, "b": "y", "c": [1.5]}]
    machines.lab.client("s3").put_object(Bucket=bucket, Key="rows.parquet", Body=parquet(rows))
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "PARQUET"},
        "Parameters": {"Bucket": bucket, "Key": "rows.parquet"},
    }
    assert output(machines, states(M=run_of(ItemReader=reader))) == rows


def test_a_listing_is_loaded_and_flattened(machines: Machines, bucket: str) -> None:
    for name, body in (("a", '{"n": 1}\n{"n": 2}'), ("b", '{"n": 3}')):
        machines.lab.client("s3").put_object(Bucket=bucket, Key=f"flat/{name}.jsonl", Body=body.encode())
    reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "ReaderConfig": {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"},
        "Parameters": {"Bucket": bucket, "Prefix": "flat/"},
    }
    assert output(machines, states(M=run_of(ItemReader=reader))) == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize("config", [{"InputType": "MANIFEST"}, {"ManifestType": "S3_INVENTORY"}])
def test_items_of_an_inventory(machines: Machines, bucket: str, config: dict[str, Any]) -> None:
    s3 = machines.lab.client("s3")
    s3.put_object(
        Bucket=bucket, Key="inventory/data.csv.gz", Body=gzip.compress(b'"from","a%201","3"\n"from","b","4"\n')
    )
    manifest = {
        "sourceBucket": "from",
        "destinationBucket": f"arn:aws:s3:::{bucket}",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "inventory/data.csv.gz", "size": 1, "MD5checksum": ""}],
    }
    s3.put_object(Bucket=bucket, Key="inventory/manifest.json", Body=json.dumps(manifest).encode())
    place = {"Bucket": bucket, "Key": "inventory/manifest.json"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": config, "Parameters": place}
    found = output(machines, states(M=run_of(ItemReader=reader)))
    assert found == [{"Bucket": "from", "Key": "a%201", "Size": "3"}, {"Bucket": "from", "Key": "b", "Size": "4"}]


def test_items_of_what_athena_unloaded(machines: Machines, bucket: str) -> None:
    s3 = machines.lab.client("s3")
    for name in ("one", "two"):
        s3.put_object(Bucket=bucket, Key=f"unloaded/{name}", Body=json.dumps({"name": name}).encode())
    lines = "".join(f"s3://{bucket}/unloaded/{name}\n" for name in ("one", "two"))
    s3.put_object(Bucket=bucket, Key="unloaded-manifest.csv", Body=lines.encode())
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"ManifestType": "ATHENA_DATA", "InputType": "JSONL"},
        "Parameters": {"Bucket": bucket, "Key": "unloaded-manifest.csv"},
    }
    assert output(machines, states(M=run_of(ItemReader=reader))) == [{"name": "one"}, {"name": "two"}]
