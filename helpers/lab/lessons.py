"""What each notebook asks of an account and what is billed for it, as the tests record both in `lessons.json`."""

import functools
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3

from helpers import limits
from helpers.errors import InvalidSetting
from helpers.lab.settings import check, hyphened, settings

__all__ = ["UNITS", "chosen", "costs", "costs_in_words", "names", "policy"]

UNITS = {
    "transitions": limits.TRANSITION,
    "requests": limits.INVOCATION,
    "gb_seconds": limits.LAMBDA_GB_SECOND,
    "express_requests": limits.EXPRESS_REQUEST + limits.EXPRESS_GB_SECOND * limits.EXPRESS_LEAST_GB,
    "queries": 0.0,
    "bytes": limits.ATHENA_BYTE,
}
"""What is billed, and its price in dollars; an Express request is taken to last a second."""
PASSED = {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "states.amazonaws.com"]}}


@functools.cache
def _recorded() -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return recorded


def names() -> list[str]:
    """The notebooks that call AWS, by the start of their names: `00` to `99`, `playground`, `workbench`."""
    return sorted(_recorded()["billed"])


def chosen(text: str) -> list[str]:
    """The notebooks that a text such as `00-07,99` names. Raises InvalidSetting for one that names none."""
    found: list[str] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        those = [name for name in names() if first <= name <= (last or first)]
        if not those:
            raise InvalidSetting(f"{part!r} names no notebook; there are {', '.join(names())}.")
        found += those
    return found


def costs() -> dict[str, float]:
    """By notebook the dollars that its last recorded run would have cost, without what is free each month."""
    return {name: sum(UNITS[unit] * amount for unit, amount in _recorded()["billed"][name].items()) for name in names()}


def costs_in_words() -> str:
    """What all notebooks cost, each run once, and which the most."""
    found = costs()
    most = max(found, key=lambda name: found[name])
    return f"all of them once about ${sum(found.values()):.2f}, {most} the most with ${found[most]:.2f}"


def policy(account: str, region: str, prefix: str, lessons: Iterable[str] | None = None) -> dict[str, Any]:
    """The least policy of IAM with which these notebooks run, by default all.

    What has no resource level, and so cannot be bound to the prefix, stands apart at its end. Where the rules give the
    roles of machines and functions, these may be handed over, and none be made. Checked on the sandbox's evaluator, not
    on AWS. Raises InvalidSetting for an account, a region or a prefix that cannot be.
    """
    for name, value in (("account", account), ("region", region), ("prefix", prefix)):
        check(name, value, name)
    wanted = set(names() if lessons is None else lessons)
    plain, rules = hyphened(prefix), settings()
    given = [role for role in (rules.role, rules.function_role) if role]
    values = {
        "partition": boto3.Session().get_partition_for_region(region),
        "region": region,
        "account": account,
        "workgroup": rules.workgroup or "primary",
        "prefix": prefix,
        "bucket_prefix": plain,
        "database_prefix": plain.replace("-", "_"),
    }
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for action, resources in _recorded()["asked"].items():
        asked = [arn.format(**values) for arn, those in resources.items() if wanted & set(those.split())]
        handed = given if asked and action == "iam:PassRole" else []
        asked = [arn for arn in asked if len(given) < 2 or ":role/" not in arn] + handed
        widest = [arn for arn in asked if not any(fnmatchcase(arn, other) for other in asked if other != arn)]
        if widest:
            by_resources.setdefault(tuple(widest), []).append(action)
    statements: list[dict[str, Any]] = []
    for resources, actions in sorted(by_resources.items(), reverse=True):
        passing = [action for action in actions if action == "iam:PassRole"]
        others = [action for action in actions if action not in passing]
        for those, condition in ((passing, {"Condition": PASSED}), (others, {})):
            if those:
                apart = {"Sid": "NoResourceLevel"} if resources == ("*",) else {}
                allowed = {"Action": those, "Resource": list(resources)}
                statements.append({**apart, "Effect": "Allow", **allowed, **condition})
    return {"Version": "2012-10-17", "Statement": statements}
