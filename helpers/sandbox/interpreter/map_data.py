"""What a distributed Map reads from S3, how it batches it, and what it writes there.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.eval.environment import Environment

from helpers.sandbox.interpreter import clients
from helpers.sandbox.interpreter.data import text_of
from helpers.sandbox.interpreter.jsonata import evaluate
from helpers.sandbox.interpreter.jsonpath import select

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_READER_FIELDS = ("CSVDelimiter", "ItemsPointer")
# What an array and its separators add to the size of a batch's items.
_ENDS, _COMMA = 2, 1


class Unreadable(Exception):
    """An object in S3 holds no items."""


def set_apart(definition: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """A definition without the fields of Map states that moto's grammar has not, and these by the state's name."""
    if not re.search(r'"(ItemBatcher|WriterConfig|CSVDelimiter|ItemsPointer|JSONL|EXPRESS)"', definition):
        return definition, {}
    found: dict[str, dict[str, Any]] = {}
    whole = json.loads(definition)
    for name, state in _maps(whole):
        fields: dict[str, Any] = {}
        config = (state.get("ItemProcessor") or state.get("Iterator") or {}).get("ProcessorConfig", {})
        if config.get("ExecutionType") == "EXPRESS":
            del config["ExecutionType"]
        if "ItemBatcher" in state:
            fields["ItemBatcher"] = state.pop("ItemBatcher")
        reader = state.get("ItemReader", {}).get("ReaderConfig", {})
        fields["ReaderConfig"] = {key: reader.pop(key) for key in _READER_FIELDS if key in reader}
        if reader.get("InputType") == "JSONL":
            fields["ReaderConfig"]["InputType"] = "JSONL"
            reader["InputType"] = "JSON"
        writer = state.get("ResultWriter", {})
        if "WriterConfig" in writer:
            fields["WriterConfig"] = writer.pop("WriterConfig")
            if not writer:
                del state["ResultWriter"]
        found[name] = fields
    return json.dumps(whole, ensure_ascii=False), found


def _maps(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    states = node.get("States") if isinstance(node, dict) else None
    for name, state in states.items() if isinstance(states, dict) else ():
        if not isinstance(state, dict):
            continue
        if state.get("Type") == "Map":
            yield name, state
        for inner in (state.get("ItemProcessor"), state.get("Iterator"), *(state.get("Branches") or ())):
            yield from _maps(inner)


def fields_of(state: StateMap) -> dict[str, Any]:
    """The fields of a Map that were set apart."""
    found: dict[str, Any] = getattr(state, "apart", {})
    return found


def items_in(text: str, config: dict[str, Any], apart: dict[str, Any]) -> list[Any]:
    """The items in the text of an object, by a ReaderConfig and what was set apart of it; Unreadable."""
    most = config["MaxItemsValue"]
    if apart.get("InputType") == "JSONL":
        return [json.loads(line) for line in text.splitlines() if line.strip()][:most]
    if config["InputType"].endswith("CSV"):
        return _rows(text, config, _DELIMITERS[apart.get("CSVDelimiter", "COMMA")])[:most]
    try:
        found = json.loads(text)
        for step in apart.get("ItemsPointer", "").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
    except (ValueError, LookupError, TypeError) as error:
        raise Unreadable("The object holds no JSON, or nothing where ItemsPointer leads.") from error
    if not isinstance(found, list):
        raise Unreadable("Attempting to map over non-iterable node.")
    return found[:most]


def listed(found: dict[str, Any]) -> dict[str, Any]:
    """An object of a listing as an item."""
    item: dict[str, Any] = {name: found[name] for name in ("Key", "Size", "StorageClass") if name in found}
    return {"Etag": found["ETag"], **item, "LastModified": int(found["LastModified"].timestamp())}


def _rows(text: str, config: dict[str, Any], delimiter: str) -> list[Any]:
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    headers = config["CSVHeaders"] if config["CSVHeaderLocation"] == "GIVEN" else next(rows, [])
    if len(set(headers)) < len(headers):
        raise Unreadable("CSV headers cannot contain duplicates.")
    order = sorted(range(len(headers)), key=lambda at: (headers[at].isalpha(), headers[at]))
    return [{headers[at]: row[at] if at < len(row) else "" for at in order} for row in rows]


def template(value: Any, env: Environment, field: str, is_jsonpath: bool) -> Any:
    """The data that a payload template gives on the input of a Map."""
    if isinstance(value, list):
        return [template(item, env, f"{field}[{at}]", is_jsonpath) for at, item in enumerate(value)]
    if isinstance(value, dict):
        found = {}
        for key, item in value.items():
            if is_jsonpath and key.endswith(".$"):
                found[key[:-2]] = _at(item, env)
            else:
                found[key] = template(item, env, f"{field}/{key}", is_jsonpath)
        return found
    if not is_jsonpath and isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        return evaluate(env, value[2:-2].strip(), field)
    return value


def _at(path: str, env: Environment) -> Any:
    if path.startswith("$$"):
        return select(path[1:], env.states.context_object.context_object_data)
    return select(path, env.states.get_input())


def batches(items: list[Any], batcher: dict[str, Any], env: Environment, is_jsonpath: bool) -> list[dict[str, Any]]:
    """The inputs of the child executions: `Items`, as many as fit, and `BatchInput`."""
    limits = []
    for name in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
        given = template(batcher.get(name), env, f"ItemBatcher/{name}", is_jsonpath)
        limits.append(_at(batcher[f"{name}Path"], env) if f"{name}Path" in batcher else given)
    most_items, most_bytes = (limit or float("inf") for limit in limits)
    common = {}
    if "BatchInput" in batcher:
        common["BatchInput"] = template(batcher["BatchInput"], env, "ItemBatcher/BatchInput", is_jsonpath)
    empty = len(text_of({**common, "Items": []}).encode()) - _ENDS
    found: list[list[Any]] = []
    size = 0
    for item in items:
        more = len(text_of(item).encode()) + _COMMA
        if not found or len(found[-1]) >= most_items or size + more > most_bytes:
            found.append([])
            size = empty + _ENDS - _COMMA
        found[-1].append(item)
        size += more
    return [{**common, "Items": batch} for batch in found]


def result(child: dict[str, Any], transformation: str) -> list[Any]:
    """What the results hold for a child execution: nothing but its output, or all that is known of it."""
    if transformation == "NONE" or child["Status"] != "SUCCEEDED":
        return [child]
    output = json.loads(child["Output"])
    return output if transformation == "FLATTEN" and isinstance(output, list) else [output]


def write(children: list[dict[str, Any]], run: str, place: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Write the results of a Map Run and their manifest into S3; returns what the Map gives instead of the results."""
    bucket, prefix = place["Bucket"], place.get("Prefix", "")
    folder = (f"{prefix.rstrip('/')}/" if prefix else "") + run.rsplit(":", 1)[-1]
    lines = config.get("OutputType", "JSON") == "JSONL"
    client = clients.client_for(run.split(":")[3], "s3")
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, listed in files.items():
        of_status = [child for child in children if child["Status"] == status]
        if not of_status:
            continue
        found = [entry for child in of_status for entry in result(child, config.get("Transformation", "NONE"))]
        body = ("\n".join(map(text_of, found)) if lines else text_of(found)).encode()
        key = f"{folder}/{status}_0.{'jsonl' if lines else 'json'}"
        client.put_object(Bucket=bucket, Key=key, Body=body)
        listed.append({"Key": key, "Size": len(body)})
    manifest = {"DestinationBucket": bucket, "MapRunArn": run, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    client.put_object(Bucket=bucket, Key=key, Body=text_of(manifest).encode())
    return {"MapRunArn": run, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}
