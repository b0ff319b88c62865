"""The names and values that Step Functions gives to what a service takes and answers, by botocore's model of it."""

import datetime
import re
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.response import StreamingBody
from botocore.utils import parse_timestamp

from helpers.engine.text import text_of, time_text

__all__ = ["fits", "from_service", "json_bytes", "misfit", "pascal", "sdk_metadata", "to_service"]

_NUMBERS: dict[str, type] = {"integer": int, "long": int, "float": float, "double": float}
# What JSON has for the types of a model, and what it is called; a text for all others.
_KINDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(_NUMBERS, (int | float, "a number")),
    **dict.fromkeys(("map", "structure"), (dict, "an object")),
    "list": (list, "an array"),
    "boolean": (bool, "a boolean"),
}
# The headers that an answer's SdkHttpMetadata holds.
_HEADERS = (
    *("Connection", "Content-Length", "Content-Type", "Date", "X-Amz-Executed-Version", "X-Amzn-Trace-Id"),
    *("x-amzn-Remapped-Content-Length", "x-amzn-RequestId"),
)


def pascal(name: str) -> str:
    """A name as the Java SDK would have it: `DBInstanceARN` is `DbInstanceArn`, `CloudWatch Logs` `CloudWatchLogs`."""
    words = re.split(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[^\s_-])(?=[A-Z][a-z])|[\s_-]+", name)
    return "".join(word[:1].upper() + word[1:].lower() for word in words)


def to_service(value: Any, shape: Shape, problems: list[str], field: str = "") -> Any:
    """A task's parameter as the service's client takes it: members found whatever their case, texts for data.

    What does not fit is said in `problems`.
    """
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return value if shape.is_document_type else _members(value, shape, problems)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_service(item, shape.member, problems, field) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_service(item, shape.value, problems, field) for key, item in value.items()}
    try:
        return _text(value) if isinstance(shape, StringShape) else _atom(value, shape.type_name)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # what botocore says of impossible times, too
        problems.append(f"The value of the field '{field}' has an invalid format")
        return None


def _members(value: dict[str, Any], shape: StructureShape, problems: list[str]) -> dict[str, Any]:
    names = {name.lower(): name for name in shape.members}
    found = {}
    for key, item in value.items():
        name = names.get(key.lower())
        if name is None:
            problems.append(f'The field "{key}" is not supported by Step Functions')
        elif item is not None:
            found[name] = to_service(item, shape.members[name], problems, key)
    missing = [name for name in shape.required_members if name not in found]
    problems += [f"The field '{pascal(name)}' is required but was missing" for name in missing]
    return found


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else text_of(value)
    text.encode()  # half a pair of surrogates is no text
    return text


def json_bytes(text: str) -> bytes:
    """A JSON text in UTF-8; half a pair of surrogates, which UTF-8 has not, is written as JSON's escape."""
    return text.encode(errors="backslashreplace")


def _atom(value: Any, type_name: str) -> Any:
    if type_name == "blob":
        return json_bytes(text_of(value))
    if type_name == "boolean" and (isinstance(value, bool) or value in ("true", "false")):
        return value in (True, "true")
    if type_name == "timestamp" and isinstance(value, str | int | float):
        return parse_timestamp(value)
    if type_name in _NUMBERS and isinstance(value, str | int | float) and not isinstance(value, bool):
        number = _NUMBERS[type_name](value)
        if isinstance(number, float) or abs(number) < 2**63:
            return number
    raise TypeError(type_name)


def from_service(value: Any, shape: Shape, is_sdk: bool) -> Any:
    """A service's answer as AWS hands it on: members in Pascal case, streams and bytes as text, times as text.

    Integrations of AWS's own keep the capitals of names and give times as milliseconds since 1970; that of the SDK
    has the names of the Java SDK and times as text.
    """
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime.datetime):
        return time_text(value) if is_sdk else round(value.timestamp() * 1000)
    if isinstance(shape, StructureShape) and isinstance(value, dict) and not shape.is_document_type:
        return {
            _shown(key, is_sdk): from_service(item, shape.members[key], is_sdk)
            for key, item in value.items()
            if key in shape.members and item is not None
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [from_service(item, shape.member, is_sdk) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: from_service(item, shape.value, is_sdk) for key, item in value.items()}
    return value


def _shown(name: str, is_sdk: bool) -> str:
    return pascal(name) if is_sdk else name[:1].upper() + name[1:]


def fits(value: Any, shape: Shape) -> bool:
    """Whether a value is of the type that JSON has for a model's."""
    kind, _ = _KINDS.get(shape.type_name, (str, ""))
    return isinstance(value, kind) and isinstance(value, bool) == (kind is bool)


def misfit(value: Any, shape: Shape, is_sdk: bool, whole: bool, field: str = "") -> str | None:
    """Why a value cannot be what `from_service` gives, in AWS's words; None where it can, also with fields unknown.

    Where it has to be `whole`, all that the service always answers must be there.
    """
    kind, said = _KINDS.get(shape.type_name, (str, "a string"))
    if not fits(value, shape):
        return f"Field '{field}' must be {said}"
    if isinstance(shape, StructureShape):
        members = {_shown(name, is_sdk): member for name, member in shape.members.items()}
        for name in (_shown(name, is_sdk) for name in shape.required_members if whole):
            if name not in value:
                return f"Required field '{name}' is missing"
        parts = [(value[name], members[name], name) for name in value if name in members]
    elif isinstance(shape, ListShape | MapShape):
        inner = shape.member if isinstance(shape, ListShape) else shape.value
        parts = [(item, inner, field) for item in (value.values() if isinstance(value, dict) else value)]
    else:
        size, measure, less = (len(value), "length", "smaller") if kind is str else (value, "value", "less")
        if value not in (getattr(shape, "enum", None) or (value,)):
            return f"Field '{field}' is not an expected value"
        if size < shape.metadata.get("min", size):
            return f"Field '{field}' is {less} than the minimum {measure}"
        return f"Field '{field}' exceeds the maximum {measure}" if size > shape.metadata.get("max", size) else None
    found = (misfit(item, member, is_sdk, whole, name) for item, member, name in parts)
    return next((one for one in found if one), None)


def sdk_metadata(response: dict[str, Any]) -> dict[str, Any]:
    """What integrations of AWS's own add to an answer: how it came."""
    metadata = response["ResponseMetadata"]
    given = {name.lower(): value for name, value in metadata.get("HTTPHeaders", {}).items()}
    headers = {name: given[name.lower()] for name in _HEADERS if name.lower() in given}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata.get("HTTPStatusCode"),
        },
        "SdkResponseMetadata": {"RequestId": metadata.get("RequestId")},
    }
