"""Names, ARNs and inputs of Step Functions, checked as the service checks them."""

import re
from typing import NamedTuple

from helpers.engine.text import data_of, exceeds
from helpers.limits import PAYLOAD_BYTES
from helpers.sandbox.states_api.states_error import StatesError, invalid

__all__ = ["Resource", "check_input", "check_name", "parse_arn", "parse_machine"]

_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]")


class Resource(NamedTuple):
    """What an ARN of the service names; with a version's or an alias's `qualifier`, `unqualified` is the machine's."""

    arn: str
    unqualified: str
    qualifier: str


def check_name(name: str) -> str:
    """The name as it is, or InvalidName. Rules: the API reference's page of StartExecution; 1 to 80 characters."""
    if not name or _FORBIDDEN.search(name):
        raise StatesError("InvalidName", f"Invalid Name: '{name}'")
    return name


def check_input(text: str) -> str:
    """The input as it is; InvalidExecutionInput unless it is JSON and not too long."""
    if exceeds(text):
        message = f"Invalid State Machine Execution Input: 'The input is longer than {PAYLOAD_BYTES} bytes'"
        raise StatesError("InvalidExecutionInput", message)
    try:
        data_of(text)
    except ValueError as error:
        raise StatesError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None
    return text


def parse_arn(arn: str, *kinds: str) -> Resource:
    """The resource that `arn` names, which must be of one of these kinds; InvalidArn otherwise."""
    parts = arn.split(":", 7)
    if parts[0] != "arn":
        raise StatesError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if len(parts) < 7 or parts[2] != "states" or not re.fullmatch(r"\d{12}", parts[4]) or not parts[6]:
        raise StatesError("InvalidArn", f"Invalid Arn: '{arn}'")
    if parts[5] not in kinds:
        raise StatesError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {parts[5]}'")
    qualifier = parts[7] if len(parts) > 7 else ""
    return Resource(arn, arn.removesuffix(f":{qualifier}") if qualifier else arn, qualifier)


def parse_machine(arn: str) -> Resource:
    """The machine that `arn` names; ValidationException for a distributed Map (API reference, StartExecution)."""
    resource = parse_arn(arn, "stateMachine")
    if "/" in resource.unqualified:
        raise invalid(f"The ARN refers to a Distributed Map state of a state machine: '{arn}'")
    return resource
