"""From an HTTP request to an operation and back: AWS JSON 1.0, held against botocore's model of the service."""

import datetime
import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from botocore import xform_name
from botocore.model import Shape

from helpers.sandbox.integrations.clients import service_model
from helpers.sandbox.integrations.shapes import fits
from helpers.sandbox.refusal import Answer, in_json
from helpers.sandbox.states_api import definitions, executions, history, machines, tags, test_state, tokens
from helpers.sandbox.states_api.backend import backend_of
from helpers.sandbox.states_api.states_error import StatesError, invalid

__all__ = ["answer", "operation"]

Operation = Callable[[Any, dict[str, Any]], dict[str, Any] | bytes]
MODULES = definitions, executions, history, machines, tags, test_state, tokens


def operation(name: str) -> Operation | None:
    """An operation of the service, which is the function of that name, as boto3 has it, in one of the modules.

    It takes the backend and the members of a request, which fit the service's model, and returns what is known of its
    subject, of which the members that the model has are sent, unless they are None; or it raises StatesError. What they
    mean is in AWS's API reference. None where the service has no such operation.
    """
    if name not in service_model("stepfunctions").operation_names:
        return None
    found: Operation = next(one for module in MODULES if (one := getattr(module, xform_name(name), None)))
    return found


def answer(target: str, body: bytes, account: str, region: str) -> Answer:
    """The answer to a request: `target` is its X-Amz-Target, `body` its JSON text."""
    try:
        content = _answer(target.rpartition(".")[2], body, account, region)
    except StatesError as error:
        return in_json(400, error.code, error.message)
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-RequestId", str(uuid.uuid4()))]
    return Answer(200, headers, content)


def _answer(name: str, body: bytes, account: str, region: str) -> bytes:
    asked = operation(name)
    if asked is None:
        raise StatesError("UnknownOperationException", f"Step Functions has no operation {name!r}.")
    try:
        arguments = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise StatesError("SerializationException", "The request's body is not JSON.") from None
    model = service_model("stepfunctions").operation_model(name)
    if found := list(_violations(model.input_shape, arguments, "")):
        errors = "error" if len(found) == 1 else "errors"
        raise invalid(f"{len(found)} validation {errors} detected: {'; '.join(found)}")
    given = asked(backend_of(account, region), arguments)
    if isinstance(given, bytes):
        return given
    return json.dumps(_sent(given, model.output_shape), separators=(",", ":")).encode()


def _sent(value: Any, shape: Any) -> Any:
    """An answer as the service sends it: the members that its model knows and that have a value."""
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000) / 1000
    if shape.type_name == "structure":
        given = ((name, value.get(name), member) for name, member in shape.members.items())
        return {name: _sent(found, member) for name, found, member in given if found is not None}
    return [_sent(item, shape.member) for item in value] if shape.type_name == "list" else value


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What the service would say of each value that its model forbids."""
    if not fits(value, shape):
        raise StatesError("SerializationException", f"{path or 'The request'} must be a {shape.type_name}.")
    shown = "***Sensitive Data Redacted***" if shape.metadata.get("sensitive") else value
    yield from (
        f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {rule}"
        for rule in _broken_rules(shape, value)
    )
    if shape.type_name == "structure":
        for key, member in shape.members.items():
            inner = f"{path}.{key}" if path else key
            if value.get(key) is not None:
                yield from _violations(member, value[key], inner)
            elif key in shape.required_members:
                yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{number}.member")


def _broken_rules(shape: Shape, value: Any) -> Iterator[str]:
    rules = shape.metadata
    sized = shape.type_name in ("string", "list", "map")
    size, what = (len(value), "have length") if sized else (value, "have value")
    if "min" in rules and size < rules["min"]:
        yield f"{what} greater than or equal to {rules['min']}"
    if "max" in rules and size > rules["max"]:
        yield f"{what} less than or equal to {rules['max']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"satisfy enum value set: [{', '.join(rules['enum'])}]"
    if "pattern" in rules and not re.search(rules["pattern"], value):
        yield f"satisfy regular expression pattern: {rules['pattern']}"
