"""Who calls: users, and sessions of roles, with their keys and with what their policies deny.

A service that acts as a role, as Step Functions does for an execution and Lambda for a function, has a session of it.
"""

import dataclasses
import functools
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.credentials import Credentials
from moto.backends import get_backend
from moto.iam.models import IAMBackend, Role, User, iam_backends
from moto.sts.models import sts_backends

from helpers.sandbox import policies, process
from helpers.sandbox.actions import Need, needs_of
from helpers.sandbox.clock import clock
from helpers.sandbox.policies import Policies, Policy, Principal

__all__ = [
    "Identity",
    "acting",
    "acting_as",
    "asked_of_users",
    "denial",
    "hold",
    "known",
    "refusal",
    "reset",
    "role_at",
    "session",
    "tags_in",
    "trusts",
]

_by_key: dict[str, "Identity"] = {}
_setting = os.environ.get("LAB_SANDBOX_ROLES", "")
_held = _setting == "on"

acting: ContextVar["Identity | None"] = ContextVar("acting", default=None)
"""As whom what goes on in this thread is done; None for whoever holds the sandbox's own keys, who may do everything."""

tags_in: dict[str, Callable[[str, str], Mapping[str, str]]] = {}
"""By service what gives the tags of one of its resources, from its ARN and region; entered by the service itself."""

_asked: set[tuple[str, str]] = set()
"""What users of the sandbox's IAM have asked to do since the last reset: actions, each on a resource."""
MOST_ASKED = 10_000


@dataclasses.dataclass(frozen=True)
class Identity:
    """A user, or a session of a role; `of_service` says that a service has it, `limit` is its session policy."""

    arn: str
    credentials: Credentials
    role: str | None = None
    user: str | None = None
    limit: str | None = None
    of_service: bool = False

    @property
    def is_free(self) -> bool:
        """Whether nothing is asked about it: roles that services act as are not held to anything yet."""
        return self.of_service and not _held


def asked_of_users(_: dict[str, Any]) -> dict[str, Any]:
    """What users, whoever they are, have asked to do since the last reset, the first `MOST_ASKED` of it."""
    return {"asked": sorted(_asked)}


def reset() -> None:
    """Forget what was asked, and the sessions of roles that are gone."""
    _asked.clear()
    _by_key.clear()
    session.cache_clear()


def hold(_: dict[str, Any]) -> dict[str, Any]:
    """From now on hold what executions and functions do against their roles, unless LAB_SANDBOX_ROLES is off."""
    global _held
    _held = _setting != "off"
    return {"held": _held}


@contextmanager
def acting_as(identity: Identity | None) -> Iterator[None]:
    """While inside, what is done in this thread is done as `identity`."""
    token = acting.set(identity)
    try:
        yield
    finally:
        acting.reset(token)


@functools.cache
def session(role: str, name: str | None = None) -> Identity:
    """The session that a service has of a role, by its ARN: one for each name."""
    shown = name or hashlib.sha256(role.encode()).hexdigest()[:32]
    arn = f"arn:aws:sts::{process.ACCOUNT}:assumed-role/{role.split('/')[-1]}/{shown}"
    keys = Credentials("ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30), secrets.token_hex(32))
    found = _by_key[keys.access_key] = Identity(arn, keys, role=role, of_service=True)
    return found


def known(access_key: str, token: str | None) -> Identity | None:
    """The identity that an access key and its token belong to; None for keys that were never given out here."""
    found = _by_key.get(access_key)
    if found is None:
        found = next((one for one in _with_keys() if one.credentials.access_key == access_key), None)
    return found if found is not None and found.credentials.token == token else None


def _with_keys() -> Iterator[Identity]:
    """Whom STS and IAM have given keys."""
    for one in sts_backends[process.ACCOUNT]["aws"].assumed_roles:
        keys = Credentials(one.access_key_id, one.secret_access_key, one.session_token)
        yield Identity(one.arn, keys, role=one.role_arn, limit=one.policy)
    for user in iam_backends[process.ACCOUNT]["aws"].users.values():
        for key in user.access_keys:
            if key.status == "Active":
                yield Identity(user.arn, Credentials(key.access_key_id, key.secret_access_key), user=user.name)


def role_at(arn: str) -> Role | None:
    """The role of an ARN; None where there is none."""
    roles = iam_backends[process.ACCOUNT]["aws"].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def trusts(role: Role, *services: str) -> bool:
    """Whether a role lets one of these services assume it."""
    request = policies.Request("sts:AssumeRole", role.arn)
    trust = [policies.parsed(role.assume_role_policy_document)]
    return any(policies.grants(request, Principal("", service=one), trust) for one in services)


def denial(identity: Identity, service: str, region: str, operation: str, parameters: Mapping[str, Any]) -> str | None:
    """Why a call is denied, in AWS's words; None where everything that it takes is allowed."""
    if (service, operation) == ("sts", "GetCallerIdentity"):
        return None
    if service == "athena" and (query := parameters.get("QueryExecutionId")):
        from moto.athena.models import athena_backends

        athena: Any = athena_backends[process.ACCOUNT][region]
        parameters = {**parameters, "@workgroup": getattr(athena.query_executions.get(query), "work_group", "primary")}
    needs = needs_of(service, region, process.ACCOUNT, operation, parameters)
    return next((said for need in needs if (said := refusal(identity, need, region))), None)


def refusal(identity: Identity | None, need: Need, region: str) -> str | None:
    """Why somebody is not allowed an action on a resource, in AWS's words; None where they are."""
    if identity is None or identity.is_free:
        return None
    if identity.user and len(_asked) < MOST_ASKED:
        _asked.add((need.action, need.resource))
    iam = iam_backends[process.ACCOUNT]["aws"]
    holder = role_at(identity.role) if identity.role else iam.users.get(identity.user or "")
    request = policies.Request(need.action, need.resource, _Context(identity, holder, need, region))
    found = Policies(
        identity=_policies_of(iam, holder),
        resource=_resource_policies(need.resource, region),
        boundary=_boundary_of(iam, holder),
        session=[policies.parsed(identity.limit)] if identity.limit else None,
    )
    trusted = need.action == "sts:AssumeRole"
    why = policies.denial(request, Principal(identity.arn, identity.role), found, needs_resource=trusted)
    if why is None:
        return None
    said = f"User: {identity.arn} is not authorized to perform: {need.action} on resource: {need.resource}"
    return said if trusted else f"{said} {why}"


def _policies_of(iam: IAMBackend, holder: Role | User | None) -> list[Policy]:
    """What is attached to a role or a user and to the user's groups."""
    if holder is None:
        return []
    holders = [holder, *(group for group in iam.groups.values() if holder in group.users)]
    texts = [text for one in holders for text in one.policies.values()]
    texts += [_text_of(policy) for one in holders for policy in one.managed_policies.values()]
    return [policies.parsed(text) for text in texts]


def _text_of(policy: Any) -> str:
    return next((str(one.document) for one in policy.versions if one.version_id == policy.default_version_id), "")


def _boundary_of(iam: IAMBackend, holder: Role | User | None) -> list[Policy] | None:
    arn = getattr(holder, "permissions_boundary_arn", None)
    if arn is None:
        return None
    boundary = iam.managed_policies.get(arn)
    return [policies.parsed(_text_of(boundary))] if boundary else []


def _resource_policies(arn: str, region: str) -> list[Policy]:
    """The policies of a resource itself: a bucket's, a queue's, a topic's, a function's, and whom a role trusts."""
    service, _, _, resource = [*arn.split(":", 5)[2:], "", "", "", ""][:4]
    text = None
    if service == "s3":
        bucket = _backend("s3", "aws").buckets.get(resource.split("/")[0])
        text = bucket.policy.decode() if bucket and bucket.policy else None
    elif service == "sqs":
        text = getattr(_backend("sqs", region).queues.get(resource), "policy", None)
    elif service == "sns":
        text = getattr(_backend("sns", region).topics.get(arn), "policy", None)
    elif service == "lambda":
        return _of_function(resource, region)
    elif service == "iam":
        text = getattr(role_at(arn), "assume_role_policy_document", None)
    return [policies.parsed(text)] if isinstance(text, str) and text else []


def _backend(service: Any, where: str) -> Any:
    """What moto itself holds of a service in a region or partition, loaded when it is first asked for."""
    return get_backend(service)[process.ACCOUNT][where]


def _of_function(resource: str, region: str) -> list[Policy]:
    from moto.awslambda_simple.models import lambda_simple_backends

    stored = lambda_simple_backends[process.ACCOUNT][region]._lambdas._functions
    function = stored.get(resource.split(":")[1] if ":" in resource else "", {}).get("latest")
    if not function or not function.policy.statements:
        return []
    return [policies.parsed(json.dumps({"Version": "2012-10-17", "Statement": function.policy.statements}))]


class _Context(dict[str, list[str]]):
    """The values of the condition keys of a request, put together when a policy first asks for one."""

    def __init__(self, *request: Any) -> None:
        super().__init__()
        self._request = request

    def get(self, key: str, default: Any = None) -> Any:
        if not self:
            self.update(_context(*self._request))
        return super().get(key, default)


def _context(identity: Identity, holder: Role | User | None, need: Need, region: str) -> dict[str, list[str]]:
    """The values of the condition keys of a request. It came over this computer's loopback, which nobody listens to."""
    now, session = clock.now(), identity.arn.rsplit("/", 1)[-1]
    found = {
        "aws:currenttime": [f"{now:%Y-%m-%dT%H:%M:%SZ}"],
        "aws:epochtime": [str(int(now.timestamp()))],
        "aws:principalaccount": [process.ACCOUNT],
        "aws:principalarn": [identity.role or identity.arn],
        "aws:principaltype": ["AssumedRole" if identity.role else "User"],
        "aws:requestedregion": [region],
        "aws:resourceaccount": [process.ACCOUNT],
        "aws:securetransport": ["true"],
        "aws:sourceip": ["127.0.0.1"],
        **need.context,
    }
    if identity.user:
        found["aws:username"] = [identity.user]
    if holder is not None:
        found["aws:userid"] = [holder.id + (f":{session}" if identity.role else "")]
        for tag in (holder.tags if isinstance(holder, Role) else None) or ():
            found[f"aws:principaltag/{tag['Key'].lower()}"] = [tag["Value"]]
    for key, value in _tags_of(need.resource, region).items():
        found[f"aws:resourcetag/{key.lower()}"] = [value]
    return found


def _tags_of(arn: str, region: str) -> Mapping[str, str]:
    """The tags of a role, or of what belongs to a service that says where its tags are."""
    kept = tags_in.get(arn.split(":")[2]) if arn.startswith("arn:") else None
    if kept:
        return kept(arn, region)
    role = role_at(arn) if ":role/" in arn else None
    return {tag["Key"]: tag["Value"] for tag in (role.tags or ())} if role else {}
