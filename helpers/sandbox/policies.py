"""What IAM's policies allow: a request held against the policies of who makes it and of what it is for.

Knows no service and asks nobody. Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements
reference".
"""

import datetime
import functools
import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["Policies", "Principal", "Request", "denial", "grants", "parsed"]

Context = Mapping[str, Sequence[str]]
_VARIABLE = re.compile(r"\$\{([^},]+)(?:, *'([^']*)')?\}")
_LITERAL = {"*", "?", "$"}  # what ${*}, ${?} and ${$} stand for


class Principal(NamedTuple):
    """Who asks: the ARN of a user, or of a session with that of its role; or a service."""

    arn: str
    role: str | None = None
    service: str | None = None


class Request(NamedTuple):
    """One action on one resource. `context` holds the values of condition keys by their names in small letters."""

    action: str
    resource: str
    context: Context = MappingProxyType({})


class Policies(NamedTuple):
    """The policies that count for a request, parsed; None is a boundary or a session's limit that was never set."""

    identity: Sequence["Policy"] = ()
    resource: Sequence["Policy"] = ()
    boundary: Sequence["Policy"] | None = None
    session: Sequence["Policy"] | None = None


class _Pattern:
    """A value with * and ?, and in newer policies with ${variables}."""

    def __init__(self, text: str, variables: bool, ignore_case: bool = False, wild: bool = True) -> None:
        self._flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
        self._expression = _expression if wild else re.escape
        # Texts, and between each two of them the name of a variable and its default.
        self._parts: list[Any] = _VARIABLE.split(text) if variables else [text]
        self.fixed = self._compiled({}) if _LITERAL.issuperset(self._parts[1::3]) else None

    def matches(self, value: str, context: Context) -> bool:
        pattern = self.fixed or self._compiled(context)
        return pattern is not None and pattern.fullmatch(value) is not None

    def _compiled(self, context: Context) -> re.Pattern[str] | None:
        """None where a variable has no value: nothing matches then."""
        found = self._expression(self._parts[0])
        for name, default, text in zip(*(self._parts[start::3] for start in (1, 2, 3)), strict=True):
            values = [name] if name in _LITERAL else context.get(name.lower()) or ()
            value = values[0] if len(values) == 1 else default
            if value is None:
                return None
            found += re.escape(value) + self._expression(text)
        return re.compile(found, self._flags)


def _expression(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _moment(text: str) -> float:
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    moment = datetime.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _within(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


def _comparing(read: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: holds(read(value), read(wanted))


_ORDER = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
# Comparisons of a request's value with a policy's, which raise ValueError for what cannot be compared.
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    **{f"Numeric{name}": _comparing(float, holds) for name, holds in _ORDER.items()},
    **{f"Date{name}": _comparing(_moment, holds) for name, holds in _ORDER.items()},
    "Bool": _comparing(str.lower, _ORDER["Equals"]),
    "BinaryEquals": _comparing(str, _ORDER["Equals"]),
    "IpAddress": _within,
}
_TEXTS = {"StringEquals": (False, False), "StringEqualsIgnoreCase": (True, False), "StringLike": (False, True)}
_ARNS = {"ArnEquals", "ArnLike"}  # two names of one thing
_NEGATED = {
    **{name.replace("String", "StringNot"): name for name in _TEXTS},
    **{name.replace("Arn", "ArnNot"): name for name in _ARNS},
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


class _Condition:
    """One operator with one key and its values."""

    def __init__(self, operator: str, key: str, values: Any, variables: bool) -> None:
        self._quantifier, _, name = operator.rpartition(":")
        self._optional = name.endswith("IfExists")
        name = name.removesuffix("IfExists")
        self._key, self._null = key.lower(), name == "Null"
        self._negated = name in _NEGATED
        name = _NEGATED.get(name, name)
        texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in _many(values)]
        self._wanted = [test for test in (_test(name, text, variables) for text in texts) if test]
        self._absent = {text.lower() == "true" for text in texts}
        self._known = self._null or name in _COMPARISONS or name in _TEXTS or name in _ARNS

    def holds(self, context: Context) -> bool:
        values = context.get(self._key)
        if not self._known:
            return False
        if self._null:
            return (not values) in self._absent
        if self._quantifier == "ForAllValues":
            return all(self._holds_for(value, context) for value in values or ())
        if not values:
            return self._optional or (self._negated and not self._quantifier)
        found = (self._holds_for(value, context) for value in values)
        return all(found) if self._negated and not self._quantifier else any(found)

    def _holds_for(self, value: str, context: Context) -> bool:
        return any(test(value, context) for test in self._wanted) != self._negated


def _test(name: str, text: str, variables: bool) -> Callable[[str, Context], bool] | None:
    if name in _TEXTS:
        ignore_case, wild = _TEXTS[name]
        return _Pattern(text, variables, ignore_case, wild).matches
    if name in _ARNS:
        # Each of the six parts is matched by itself.
        patterns = [_Pattern(part, variables) for part in _arn_parts(text)]
        return lambda value, context: (
            len(patterns) == len(parts := _arn_parts(value)) == 6
            and all(pattern.matches(part, context) for pattern, part in zip(patterns, parts, strict=True))
        )
    compare = _COMPARISONS.get(name)

    def compares(value: str, _: Context) -> bool:
        try:
            return compare is not None and compare(value, text)
        except ValueError:
            return False

    return compares


def _arn_parts(text: str) -> list[str]:
    # A colon inside of a variable parts nothing.
    return re.split(r":(?![^{]*\})", text, maxsplit=5)


class _Statement:
    def __init__(self, body: Mapping[str, Any], variables: bool) -> None:
        self.effect = body.get("Effect")
        self.principals = body.get("Principal", body.get("NotPrincipal"))
        self.all_but = "NotPrincipal" in body
        self._not_action, self._not_resource = "NotAction" in body, "NotResource" in body
        actions, resources = (_many(body.get(f"Not{name}", body.get(name, []))) for name in ("Action", "Resource"))
        self._action = re.compile("|".join(_expression(action) for action in actions) or r"(?!)", re.IGNORECASE)
        # A role's trust policy names no resource: it is about that role.
        found = [_Pattern(one, variables) for one in (resources or ["*"] * (self.principals is not None))]
        self._varying = [one for one in found if one.fixed is None]
        fixed = [f"(?:{one.fixed.pattern})" for one in found if one.fixed is not None]
        self._resource = re.compile("|".join(fixed) or r"(?!)", re.DOTALL)
        self._conditions = [
            _Condition(operator, key, values, variables)
            for operator, keys in body.get("Condition", {}).items()
            for key, values in keys.items()
        ]

    def _is_about(self, request: Request) -> bool:
        if self._resource.fullmatch(request.resource) is not None:
            return True
        return bool(self._varying) and any(one.matches(request.resource, request.context) for one in self._varying)

    def applies(self, request: Request) -> bool:
        context = request.context
        return (
            (self._action.fullmatch(request.action) is not None) != self._not_action
            and self._is_about(request) != self._not_resource
            and (not self._conditions or all(condition.holds(context) for condition in self._conditions))
        )


class Policy(NamedTuple):
    """A policy, its patterns compiled, by what its statements say."""

    allow: tuple[_Statement, ...] = ()
    deny: tuple[_Statement, ...] = ()


@functools.lru_cache(2_048)
def parsed(document: str) -> Policy:
    """A policy document; one that cannot be read says nothing."""
    try:
        body = json.loads(document)
        variables = body.get("Version") == "2012-10-17"
        found = [_Statement(one, variables) for one in _many(body.get("Statement", []))]
        return Policy(*(tuple(one for one in found if one.effect == effect) for effect in ("Allow", "Deny")))
    except (ValueError, TypeError, AttributeError, re.error):
        return Policy()


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def denial(request: Request, who: Principal, policies: Policies, needs_resource: bool = False) -> str | None:
    """Why a request is denied, in AWS's words, to be said after what is denied; None where it is allowed.

    `needs_resource` is for what the resource's own policy has to allow, as that of a role does AssumeRole.
    """
    limits = {"session policy": policies.session, "permissions boundary": policies.boundary}
    kinds = {"an identity-based policy": policies.identity, **{f"a {kind}": of for kind, of in limits.items()}}
    for kind, found in kinds.items():
        for policy in found or ():
            for one in policy.deny:
                if one.applies(request):
                    return f"with an explicit deny in {kind}"
    if any(_named(one, who) and one.applies(request) for policy in policies.resource for one in policy.deny):
        return "with an explicit deny in a resource-based policy"
    named = grants(request, who, policies.resource)
    # A user or a session that the resource's policy names is allowed, whatever the other kinds leave unsaid.
    if named == "itself":
        return None
    allowed = named == "role" or (
        any(one.applies(request) for policy in policies.identity for one in policy.allow)
        and (named == "account" or not needs_resource)
    )
    if not allowed:
        kind = "resource-based" if needs_resource and not named else "identity-based"
        return f"because no {kind} policy allows the {request.action} action"
    for kind, limit in limits.items():
        if limit is not None and not any(one.applies(request) for policy in limit for one in policy.allow):
            return f"because no {kind} allows the {request.action} action"
    return None


def grants(request: Request, who: Principal, resource: Sequence[Policy]) -> str | None:
    """As what the resource's policies allow a request: "itself", its "role", its "account", or None."""
    found = {_named(one, who) for policy in resource for one in policy.allow if one.applies(request)}
    return next((kind for kind in ("itself", "role", "account") if kind in found), None)


def _named(statement: _Statement, who: Principal) -> str | None:
    """As what the Principal of a statement names somebody."""
    given = {"AWS": "*", "Service": "*"} if statement.principals == "*" else statement.principals
    if not isinstance(given, Mapping):
        return None
    if who.service:
        found = "itself" if {who.service, "*"} & {str(one) for one in _many(given.get("Service", []))} else None
    else:
        names, account = {str(one) for one in _many(given.get("AWS", []))}, who.arn.split(":")[4]
        found = (
            "itself"
            if who.arn in names or ("*" in names and not who.role)
            else "role"
            if who.role in names or "*" in names
            else "account"
            if names & {account, f"arn:{who.arn.split(':')[1]}:iam::{account}:root"}
            else None
        )
    if statement.all_but:
        return None if found else "role" if who.role else "itself"
    return found
