"""What a distributed Map reads from S3, and what it writes there.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

import csv
import gzip
import io
import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from helpers.engine import Call, TaskFailed
from helpers.engine.map_runs import transformed
from helpers.engine.text import data_of, text_of
from helpers.sandbox.integrations import clients, service_call
from helpers.sandbox.integrations.integration import Service
from helpers.sandbox.integrations.shapes import json_bytes, to_service

__all__ = ["items", "items_in", "write"]

S3 = Service("s3", "S3", "S3")
READER, WRITER = "States.ItemReaderFailed", "States.ResultWriterFailed"
DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
# Which children each of the files that are written is about.
FILES = {"FAILED": ("FAILED", "TIMED_OUT", "ABORTED"), "PENDING": ("PENDING",), "SUCCEEDED": ("SUCCEEDED",)}


def items(call: Call) -> Any:
    """The items that an ItemReader gives: a list, where the object holds one. Raises TaskFailed."""
    client, action = clients.client_for(call.execution.identity.region, "s3"), call.resource.rsplit(":", 1)[-1]
    place, config = _parameters(call, action), call.config
    kind = config.get("InputType", "JSON")
    manifest = config.get("ManifestType") or ("S3_INVENTORY" if kind == "MANIFEST" else None)

    def content(bucket: str, key: str) -> bytes:
        return _unpacked(key, client.get_object(Bucket=bucket, Key=key)["Body"].read())

    try:
        if action == "listObjectsV2":
            pages = client.get_paginator("list_objects_v2").paginate(**place)
            listed = [found for page in pages for found in page.get("Contents", ())]
            if config.get("Transformation") != "LOAD_AND_FLATTEN":
                return [_listed(found) for found in listed]
            bodies = (content(place["Bucket"], found["Key"]) for found in listed if not found["Key"].endswith("/"))
            return [item for body in bodies for item in _items(body, config)]
        body = _unpacked(place["Key"], client.get_object(**place)["Body"].read())
        if manifest == "ATHENA_DATA":
            urls = (line.removeprefix("s3://").split("/", 1) for line in body.decode().split())
            return [item for url in urls for item in _items(content(*url), config)]
        if manifest == "S3_INVENTORY":
            found = data_of(body.decode())
            names = [name.strip() for name in found["fileSchema"].split(",")]
            bucket = found["destinationBucket"].removeprefix("arn:aws:s3:::")
            given = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": names}
            return [item for one in found["files"] for item in _items(content(bucket, one["key"]), given)]
        return _items(body, config)
    except (ClientError, BotoCoreError) as error:
        raise TaskFailed(READER, service_call.failure(error, S3, is_sdk=True).cause) from error
    except (ValueError, LookupError, TypeError, AttributeError, OSError, csv.Error) as error:
        raise TaskFailed(READER, f"The object is no {manifest or kind} in UTF-8 that can be read.") from error


def _unpacked(key: str, body: bytes) -> bytes:
    if key.endswith((".zst", ".zstd")):
        import pyarrow

        return bytes(pyarrow.input_stream(io.BytesIO(body), compression="zstd").read())
    return gzip.decompress(body) if key.endswith(".gz") else body


def _items(body: bytes, config: dict[str, Any]) -> Any:
    if config.get("InputType") != "PARQUET":
        return items_in(body.decode("utf-8-sig"), config)
    import pyarrow.parquet  # takes long to load, and is seldom needed

    rows = pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
    return data_of(json.dumps(rows, default=str))


def _parameters(call: Call, action: str) -> dict[str, Any]:
    if action not in ("getObject", "listObjectsV2"):
        raise TaskFailed(READER, f"The sandbox reads no items with {call.resource}.")
    problems: list[str] = []
    shape = clients.operation("s3", action).input_shape
    found = to_service(call.parameters, shape, problems) if shape else {}
    if problems:
        raise TaskFailed(READER, "; ".join(problems))
    return found


def items_in(text: str, config: dict[str, Any]) -> Any:
    """The items in an object's text, by the ReaderConfig. Raises TaskFailed."""
    kind = config.get("InputType", "JSON")
    if kind == "CSV":
        return _rows(text, config)
    if kind not in ("JSON", "JSONL"):
        raise TaskFailed(READER, f"Items in the form {kind} are not in the sandbox; use an AWS account for them.")
    try:
        if kind == "JSONL":
            return [data_of(line) for line in text.splitlines() if line.strip()]
        found = data_of(text)
    except ValueError as error:
        raise TaskFailed(READER, f"The object cannot be read: {error}") from error
    pointer = config.get("ItemsPointer", "")
    try:
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name) if name.isdecimal() else name] if isinstance(found, list) else found[name]
    except (LookupError, TypeError) as error:
        raise TaskFailed(READER, f"The object holds nothing where ItemsPointer leads ({pointer}).") from error
    return found


def _rows(text: str, config: dict[str, Any]) -> list[Any]:
    delimiter = DELIMITERS[config.get("CSVDelimiter", "COMMA")]
    rows = (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, escapechar="\\") if row)
    given = config.get("CSVHeaderLocation") == "GIVEN"
    headers: list[str] = config.get("CSVHeaders", []) if given else next(rows, [])
    if len(set(headers)) < len(headers):
        raise TaskFailed(READER, "CSV headers cannot contain duplicates.")
    # The order of names in AWS's recorded items.
    order = sorted(range(len(headers)), key=lambda at: (headers[at].isalpha(), headers[at]))
    return [{headers[at]: row[at] if at < len(row) else "" for at in order} for row in rows]


def _listed(found: dict[str, Any]) -> dict[str, Any]:
    """An object of a listing as an item."""
    item: dict[str, Any] = {name: found[name] for name in ("Key", "Size", "StorageClass") if name in found}
    return {"Etag": found["ETag"], **item, "LastModified": int(found["LastModified"].timestamp())}


def write(call: Call) -> dict[str, Any]:
    """Write a Map Run's results and their manifest; what the Map gives in their place. Raises TaskFailed."""
    place, config, run = call.parameters, call.config, call.map_run.arn
    bucket = place.get("Bucket") if isinstance(place, dict) else None
    if not isinstance(bucket, str) or not isinstance(place.get("Prefix", ""), str):
        raise TaskFailed(WRITER, "ResultWriter needs the name of a Bucket, and as its Prefix a text.")
    prefix = place.get("Prefix", "").rstrip("/")
    folder = (f"{prefix}/" if prefix else "") + run.rsplit(":", 1)[-1]
    is_lines, form = config.get("OutputType", "JSON") == "JSONL", config.get("Transformation", "NONE")
    written: dict[str, list[dict[str, Any]]] = {}
    client = clients.client_for(call.execution.identity.region, "s3")
    try:
        for name, statuses in FILES.items():
            written[name] = []
            children = [child for child in call.results if child["Status"] in statuses]
            if children:
                found = [entry for child in children for entry in transformed(child, form)]
                body = json_bytes("\n".join(map(text_of, found)) if is_lines else text_of(found))
                key = f"{folder}/{name}_0.{'jsonl' if is_lines else 'json'}"
                client.put_object(Bucket=bucket, Key=key, Body=body)
                written[name].append({"Key": key, "Size": len(body)})
        manifest = text_of({"DestinationBucket": bucket, "MapRunArn": run, "ResultFiles": written})
        client.put_object(Bucket=bucket, Key=f"{folder}/manifest.json", Body=json_bytes(manifest))
    except (ClientError, BotoCoreError) as error:
        raise TaskFailed(WRITER, service_call.failure(error, S3, is_sdk=True).cause) from error
    return {"MapRunArn": run, "ResultWriterDetails": {"Bucket": bucket, "Key": f"{folder}/manifest.json"}}
