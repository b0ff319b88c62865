"""Who may do what: the keys of users and roles made in the sandbox open only what their policies allow."""

import dataclasses
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.credentials import Credentials
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, PermissionResult, create_access_key

from helpers.sandbox import process

__all__ = ["Identity", "known"]

# Where an action has another name in a policy than in the API (AWS's "Service Authorization Reference").
ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
}
ALWAYS = {"sts:GetCallerIdentity"}
FUNCTION = re.compile(r"/functions/([^/?]+)")


@dataclasses.dataclass(frozen=True)
class Identity:
    """A user or an assumed role, its keys and its policies."""

    arn: str
    credentials: Credentials
    policies: list[Any]

    def denial(self, service: str, region: str, environ: dict[str, Any], body: bytes) -> str | None:
        """Why this call is denied, in AWS's words; None where a policy allows it."""
        action = _action(service, environ, body)
        if action in ALWAYS:
            return None
        resource = _resource(service, region, environ["PATH_INFO"], body)
        results = {IAMPolicy(policy).is_action_permitted(action, resource) for policy in self.policies}
        on = f" on resource: {resource}" if resource != "*" else ""
        told = f"User: {self.arn} is not authorized to perform: {action}{on}"
        if PermissionResult.DENIED in results:
            return f"{told} with an explicit deny in an identity-based policy"
        if PermissionResult.PERMITTED in results:
            return None
        return f"{told} because no identity-based policy allows the {action} action"


def known(access_key: str, headers: dict[str, str]) -> Identity | None:
    """The identity that an access key belongs to; None for a key that was never given out here."""
    token = next((value for name, value in headers.items() if name.lower() == "x-amz-security-token"), None)
    named = {"X-Amz-Security-Token": token} if token else {}
    try:
        key = create_access_key(process.ACCOUNT, "aws", access_key, named)
    except (CreateAccessKeyFailure, KeyError):
        return None
    try:
        policies = key.collect_policies()
    except ServiceException:  # the user or role has been deleted since
        policies = []
    return Identity(key.arn, key.create_credentials(), policies)


def _action(service: str, environ: dict[str, Any], body: bytes) -> str:
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        name = target.rsplit(".", 1)[-1]
    elif named := parse_qs(body.decode("utf-8", "replace")).get("Action"):
        name = named[0]
    else:
        try:
            name = get_service_router(service).match(Request(environ.copy()))[0].name
        except Exception:  # whatever no router knows is no action that a policy could name
            name = "Unknown"
    action = f"{service}:{name}"
    return ACTIONS.get(action, action)


def _resource(service: str, region: str, path: str, body: bytes) -> str:
    if service == "lambda" and (found := FUNCTION.search(path)):
        name = unquote(found[1])
        return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{process.ACCOUNT}:function:{name}"
    if service == "s3" and (place := urlsplit(path).path.strip("/")):
        return f"arn:aws:s3:::{place}"
    try:
        values = json.loads(body).values()
    except (ValueError, AttributeError):
        values = [value for values in parse_qs(body.decode("utf-8", "replace")).values() for value in values]
    return next((value for value in values if isinstance(value, str) and value.startswith("arn:")), "*")
