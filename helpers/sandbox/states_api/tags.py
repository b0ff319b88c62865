"""The tags of state machines and activities."""

import re
from typing import Any

from helpers.sandbox.states_api.names import parse_arn
from helpers.sandbox.states_api.states_error import StatesError, invalid

__all__ = ["check", "list_tags_for_resource", "tag_resource", "untag_resource"]

MOST = 50  # tags of a resource; developer guide, "Tagging in Step Functions"
ALLOWED = re.compile(r"[\w\s.:/=+@-]*")  # API reference, TagResource


def check(given: list[dict[str, str]], present: dict[str, str] | None = None) -> dict[str, str]:
    """The tags by key, with those already there; TooManyTags beyond 50, ValidationException for what AWS takes not."""
    tags = {**(present or {}), **{tag.get("key", ""): tag.get("value", "") for tag in given}}
    for text in (text for pair in tags.items() for text in pair if not ALLOWED.fullmatch(text)):
        raise invalid(f"Tags may hold letters, digits, white space and _ . : / = + - @ only. Received: '{text}'")
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("Tags whose keys begin with aws: are AWS's own.")
    if len(tags) > MOST:
        raise StatesError("TooManyTags", f"Too many tags: a resource can have at most {MOST}.")
    return tags


def _tags(backend: Any, arn: str) -> dict[str, str]:
    parse_arn(arn, "stateMachine", "activity")
    if arn not in backend.tags:
        raise StatesError("ResourceNotFound", f"Resource not found: '{arn}'")
    found: dict[str, str] = backend.tags[arn]
    return found


def list_tags_for_resource(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    found = _tags(backend, arguments["resourceArn"])
    return {"tags": [{"key": key, "value": value} for key, value in found.items()]}


def tag_resource(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    arn = arguments["resourceArn"]
    backend.tags[arn] = check(arguments["tags"], _tags(backend, arn))
    return {}


def untag_resource(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    found = _tags(backend, arguments["resourceArn"])
    for key in arguments["tagKeys"]:
        found.pop(key, None)
    return {}
