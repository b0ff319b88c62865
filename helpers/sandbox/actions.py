"""What a call must be allowed: the actions, and the resource of each, that IAM asks about; the table is `actions.json`.

The table's source: Service Authorization Reference, "Actions, resources, and condition keys" of each service; for what
else has to be allowed (PassRole, tags) the dependent actions there and the services' own guides. In it, by service:
under `resources` rows of a pattern for the operation and the resources' ARNs made of the request's members, of which
the first row counts that has one; under `passed` to whom roles are handed on, and in which members; under `tagging`
the action by which tags are given to what is new.
"""

import contextlib
import functools
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

from helpers.definition.services import iam_action

__all__ = ["Need", "call_of", "needs_of"]

Parameters = Mapping[str, Any]

_TABLE = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_MEMBER = re.compile(r"\{([@\w.]+)(\[\])?((?:\.\w+)*)(/?)(?:\|([^}]*))?\}")
_MAKING = re.compile(r"Create\w+|PutRule")
_QUALIFIED = re.compile(r"(arn:[^:]+:states:[^:]*:[^:]*:stateMachine:[^:]+):(.+)")


class Need(NamedTuple):
    """An action on a resource, with the values of condition keys that only this call has."""

    action: str
    resource: str
    context: Mapping[str, list[str]] = MappingProxyType({})


def call_of(service: str, environ: dict[str, Any], body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation that a request asks for, and its members as far as they can be read."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rsplit(".", 1)[-1], _data(body)
    if named := re.fullmatch(r"/service/\w+/operation/(\w+)", environ["PATH_INFO"]):
        return named[1], {}
    request, name = Request(environ.copy()), "Unknown"
    with contextlib.suppress(Exception):  # whatever moto does not know is no action that a policy could name
        operation, path = get_service_router(service).match(request)
        name, protocol = operation.name, determine_request_protocol(get_service_model(service), request.content_type)
        sent: Any = {"body": body, "headers": request.headers, "values": request.values, "url_params": path}
        return name, PROTOCOL_PARSERS[protocol](operation).parse(sent)
    return name, {}


def _data(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def needs_of(service: str, region: str, account: str, operation: str, parameters: Parameters) -> list[Need]:
    """All that a call must be allowed, the action that it is called by first."""
    service = service.removesuffix("-runtime")
    action = iam_action(f"{service}:{operation}")
    bus = str(parameters.get("EventBusName") or "default").split("/")[-1]
    task = str(parameters.get("taskDefinition", ""))
    known = {
        **parameters,
        "@region": region,
        "@account": account,
        "@bus": "" if bus == "default" else f"{bus}/",
        "@task": task if ":" in task.split("/")[-1] else f"{task}:1",  # without a revision the latest is run
    }
    start = f"arn:aws:{service}:{region}:{account}:"
    found = ([one for text in row for one in _arns(start, text, known)] for row in _rows(service, operation))
    resources = next(filter(None, found), None)
    if resources is None:
        others = [] if service in _TABLE["resources"] else map(str, parameters.values())
        resources = [one for one in others if one.startswith("arn:")][:1] or ["*"]
    tags = _tags(parameters)
    needs = [_need(action, resource, parameters, tags) for resource in dict.fromkeys(resources)]
    whom, *roles = _TABLE["passed"].get(service, [""])
    passed = {"iam:passedtoservice": [f"{whom}.amazonaws.com"]}
    needs += [Need("iam:PassRole", role, passed) for text in roles for role in _arns("", text, known) if role]
    tagging = _TABLE["tagging"].get(f"{service}:{operation}", _TABLE["tagging"].get(service))
    if tags and tagging and _MAKING.fullmatch(operation):
        needs.append(Need(f"{service}:{tagging}", needs[0].resource, tags))
    if parameters.get("CopySource") and service == "s3":
        source = unquote(parameters["CopySource"]).lstrip("/").split("?")[0]
        needs.append(Need("s3:GetObject", f"arn:aws:s3:::{source}"))
    return needs


@functools.lru_cache(2_048)
def _rows(service: str, operation: str) -> list[list[str]]:
    rows = _TABLE["resources"].get(service, ())
    return [templates for pattern, *templates in rows if re.fullmatch(pattern, operation)]


@functools.lru_cache(2_048)
def _parts(template: str) -> list[Any]:
    """A template's texts, and between each two of them the five parts of a member's name."""
    return _MEMBER.split(template)


def _arns(start: str, template: str, known: Parameters) -> Iterator[str]:
    """The ARNs that a row's template makes of the members of a request: none where one of these is not there."""
    texts = _parts(template)
    if any(texts[at + 4] is None and texts[at].split(".")[0] not in known for at in range(1, len(texts), 6)):
        return
    choices = [list(_values(known, *texts[at : at + 5])) for at in range(1, len(texts), 6)]
    for values in itertools.product(*choices):
        made = "".join(itertools.chain.from_iterable(itertools.zip_longest(texts[::6], values, fillvalue="")))
        if made == "*":
            yield made
        else:
            # A member may be an ARN by itself.
            made = made if made.startswith("arn:") else start + made
            yield made[max(made.rfind("arn:"), 0) :]


def _values(known: Parameters, name: str, many: str, rest: str, last: str, default: str | None) -> Iterator[str]:
    found: Any = known
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    for one in found or [None] if many else [found]:
        for step in rest.split(".")[1:]:
            one = one.get(step) if isinstance(one, Mapping) else None
        one = default if one is None else one
        if isinstance(one, str):
            yield one.rstrip("/").split("/")[-1] if last else one


def _need(action: str, resource: str, parameters: Parameters, tags: Mapping[str, list[str]]) -> Need:
    context = dict(tags)
    # A version or an alias is started, and looked at, as the machine that it is of.
    if action.startswith("states:") and (found := _QUALIFIED.fullmatch(resource)):
        resource, context["states:statemachinequalifier"] = found[1], [found[2]]
    if action == "s3:ListBucket":
        context["s3:prefix"] = [str(parameters.get("Prefix", ""))]
    return Need(action, resource, context)


def _tags(parameters: Parameters) -> dict[str, list[str]]:
    """The condition keys of the tags that a request gives."""
    given = parameters.get("tags") or parameters.get("Tags") or {}
    if isinstance(given, list):
        small = [{str(key).lower(): value for key, value in one.items()} for one in given if isinstance(one, dict)]
        given = {one.get("key"): one.get("value") for one in small}
    requested = {f"aws:requesttag/{str(key).lower()}": [str(value)] for key, value in given.items()}
    return {**requested, "aws:tagkeys": [str(key) for key in given]} if given else {}
