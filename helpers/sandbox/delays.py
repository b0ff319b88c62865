"""AWS's pace, with LAB_SANDBOX_PACE=aws: what counts only some seconds after it was made, and calls beyond a bucket.

All by the sandbox's own clock, so that fast-forward passes it. The seconds are what one meets on AWS; it promises none
but the minute of a deleted queue ("CreateQueue" in SQS's API reference).
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from helpers.limits import API_BUCKETS
from helpers.sandbox.clock import clock
from helpers.sandbox.refusal import Answer, in_json

__all__ = ["ON", "answer", "reset"]

ON = os.environ.get("LAB_SANDBOX_PACE") == "aws"
# Seconds until a role can be assumed, a function is active, or updated, a line of a log or an item of a list is seen,
# and a deleted queue's name is free.
ASSUMABLE, ACTIVE, UPDATED, LOGGED, LISTED, FREE = 8.0, 4.0, 3.0, 6.0, 2.0, 60.0
NOT_NOW = "The operation cannot be performed at this time."
UNASSUMABLE = {
    "lambda": ("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."),
    "states": (
        "AccessDeniedException",
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the"
        " provided role.",
    ),
}
# Of an answer: under which key its items are, the stamp of each, its unit in seconds, and how late they come.
LISTS = {
    "ListStateMachines": ("stateMachines", "creationDate", 1.0, LISTED),
    "ListExecutions": ("executions", "startDate", 1.0, LISTED),
    "FilterLogEvents": ("events", "timestamp", 0.001, LOGGED),
    "GetLogEvents": ("events", "timestamp", 0.001, LOGGED),
}

_when: dict[tuple[str, str, str], float] = {}
"""When something was last done: the operation's kind, the region, and the name of the role, function or queue."""
_buckets: dict[tuple[str, str], tuple[float, float]] = {}
"""By region and operation the calls that are left, and when they were counted."""


def reset() -> None:
    """Forget what was done, and fill all buckets."""
    _when.clear()
    _buckets.clear()


def answer(service: str, region: str, operation: str, given: Mapping[str, Any], ask: Callable[[], Answer]) -> Answer:
    """What AWS would answer to a call by now; `ask` gives the sandbox's own answer."""
    now = clock.time()
    if service == "states" and not _let(region, operation, now):
        return _refused("ThrottlingException", "Rate exceeded")
    role = str(given.get("Role") or given.get("roleArn") or "").split("/")[-1]
    if service in UNASSUMABLE and role and _recent(("role", "", role), now, ASSUMABLE):
        return _refused(*UNASSUMABLE[service])
    if service == "lambda":
        return _of_lambda(region, operation, str(given.get("FunctionName", "")), now, ask)
    if service == "sqs":
        return _of_sqs(region, operation, given, now, ask)
    answered = ask()
    if answered.status < 300 and (service, operation) == ("iam", "CreateRole"):
        _when["role", "", str(given["RoleName"])] = now
    if answered.status < 300 and service in ("states", "logs") and operation in LISTS:
        key, stamp, unit, late = LISTS[operation]
        return _edited(
            answered,
            lambda found: {**found, key: [one for one in found[key] if not 0 <= now - one[stamp] * unit < late]},
        )
    return answered


def _recent(what: tuple[str, str, str], now: float, seconds: float) -> bool:
    """Whether it was done in the last `seconds`; what a clock that was put back has before it is long past."""
    return 0 <= now - _when.get(what, 0) < seconds


def _let(region: str, operation: str, now: float) -> bool:
    """Take a call out of the account's bucket; whether there was one."""
    if operation not in API_BUCKETS:
        return True
    size, refill = API_BUCKETS[operation][0]
    left, counted = _buckets.get((region, operation), (size, now))
    left = min(size, left + max(now - counted, 0) * refill)
    _buckets[region, operation] = (max(left - 1, left % 1), now)
    return left >= 1


def _of_lambda(region: str, operation: str, named: str, now: float, ask: Callable[[], Answer]) -> Answer:
    name = named.split(":function:")[-1].split(":")[0]
    pending = _recent(("made", region, name), now, ACTIVE)
    updating = _recent(("updated", region, name), now, UPDATED)
    if operation == "Invoke" and pending:
        said = f"{NOT_NOW} The function is currently in the following state: Pending"
        return _refused("ResourceConflictException", said, 409)
    if operation.startswith("UpdateFunction") and (pending or updating):
        return _refused("ResourceConflictException", f"{NOT_NOW} An update is in progress for resource: {name}", 409)
    answered = ask()
    if answered.status >= 300:
        return answered
    if operation == "CreateFunction":
        _when["made", region, name], pending = now, True
    if operation.startswith("UpdateFunction"):
        _when["updated", region, name], updating = now, True
    late = {"State": "Pending", "StateReasonCode": "Creating"} if pending else {}
    late |= {"LastUpdateStatus": "InProgress"} if updating else {}
    if operation == "GetFunction":
        return _edited(answered, lambda found: {**found, "Configuration": {**found["Configuration"], **late}})
    if operation in ("CreateFunction", "GetFunctionConfiguration") or operation.startswith("UpdateFunction"):
        return _edited(answered, lambda found: {**found, **late})
    return answered


def _of_sqs(region: str, operation: str, given: Mapping[str, Any], now: float, ask: Callable[[], Answer]) -> Answer:
    recent = [what for what in _when if _recent(what, now, FREE)]
    deleted = [url for kind, place, url in recent if (kind, place) == ("deleted", region)]
    if operation == "CreateQueue" and given.get("QueueName") in [url.split("/")[-1] for url in deleted]:
        said = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        return _refused("AWS.SimpleQueueService.QueueDeletedRecently", said)
    answered = ask()
    if answered.status < 300 and operation == "DeleteQueue":
        _when["deleted", region, str(given["QueueUrl"])] = now
    if answered.status < 300 and operation == "ListQueues" and deleted:
        return _edited(answered, lambda found: {**found, "QueueUrls": [*found.get("QueueUrls", ()), *deleted]})
    return answered


def _refused(code: str, message: str, status: int = 400) -> Answer:
    refused = in_json(status, code, message)
    refused.headers.extend([("x-amzn-query-error", f"{code};Sender")] if "SimpleQueue" in code else [])
    return refused


def _edited(answered: Answer, edit: Callable[[Any], Any]) -> Answer:
    headers = [(name, value) for name, value in answered.headers if name.lower() != "content-length"]
    return Answer(answered.status, headers, json.dumps(edit(json.loads(answered.body))).encode())
