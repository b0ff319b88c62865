"""The evaluator of policies: held against a plain reference on random policies, and rule by rule."""

import fnmatch
import json
import random
import re
from typing import Any

import pytest

from helpers.sandbox.policies import Policies, Principal, Request, denial, parsed

ROLE = "arn:aws:iam::123456789012:role/worker"
SESSION = Principal("arn:aws:sts::123456789012:assumed-role/worker/one", ROLE)
USER = Principal("arn:aws:iam::123456789012:user/ann")
INVOKE = Request("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:f")
GET = Request("s3:GetObject", "arn:aws:s3:::home/ann/letter", {"aws:username": ["ann"], "aws:sourceip": ["10.1.2.3"]})


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Any:
    return parsed(json.dumps({"Version": version, "Statement": list(statements)}))


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def is_allowed(request: Request, *statements: dict[str, Any], who: Principal = SESSION, **others: Any) -> bool:
    return denial(request, who, Policies([policy(*statements)], **others)) is None


# ----------------------------------------------------------------------------- a reference, as plain as can be

VALUES = ["a", "b", "ab", "*"]
KEYS = ["aws:one", "aws:two"]


def like(pattern: str, text: str, fold: bool = False) -> bool:
    escaped = pattern.replace("[", "[[]")
    return fnmatch.fnmatchcase(text.lower(), escaped.lower()) if fold else fnmatch.fnmatchcase(text, escaped)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def reference_condition(operator: str, wanted: list[str], given: list[str] | None) -> bool:
    many, _, name = operator.rpartition(":")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    if name == "Null":
        return any((given is None) == (one == "true") for one in wanted)
    negated, name = "Not" in name, name.replace("Not", "")

    def one_holds(value: str) -> bool:
        compare = {"StringEquals": lambda w: w == value, "StringLike": lambda w: like(w, value)}[name]
        return any(compare(w) for w in wanted) != negated

    if many == "ForAllValues":
        return not given or all(map(one_holds, given))
    if given is None:
        return optional or (negated and not many)
    if many == "ForAnyValue":
        return any(map(one_holds, given))
    return all(map(one_holds, given)) if negated else any(map(one_holds, given))


def reference_applies(statement: dict[str, Any], request: Request) -> bool:
    for name, value in (("Action", request.action), ("Resource", request.resource)):
        fold = name == "Action"
        if name in statement and not any(like(one, value, fold) for one in as_list(statement[name])):
            return False
        if f"Not{name}" in statement and any(like(one, value, fold) for one in as_list(statement[f"Not{name}"])):
            return False
    return all(
        reference_condition(operator, as_list(wanted), request.context.get(key))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def reference(request: Request, identity: list[Any], boundary: list[Any] | None, session: list[Any] | None) -> bool:
    everything = identity + (boundary or []) + (session or [])
    applying = [one for one in everything if reference_applies(one, request)]
    if any(one["Effect"] == "Deny" for one in applying):
        return False
    return all(
        any(one["Effect"] == "Allow" and reference_applies(one, request) for one in statements)
        for statements in (identity, boundary, session)
        if statements is not None
    )


def random_statement(chance: random.Random) -> dict[str, Any]:
    actions = ["s3:GetObject", "S3:get*", "s3:?etObject", "*", "s3:Put*", "lambda:*"]
    resources = ["arn:aws:s3:::b/*", "*", "arn:aws:s3:::?/k", "arn:aws:s3:::other/*", "arn:aws:s3:::b/k"]
    found: dict[str, Any] = {"Effect": chance.choices(["Allow", "Deny"], [4, 1])[0]}
    for name, choices in (("Action", actions), ("Resource", resources)):
        key = name if chance.random() < 0.8 else f"Not{name}"
        found[key] = chance.sample(choices, chance.randint(1, 2))
    for _ in range(chance.choice([0, 0, 1, 2])):
        name = chance.choice(["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "Null"])
        if name == "Null":
            wanted = [chance.choice(["true", "false"])]
        else:
            name = chance.choice(["", "", "ForAnyValue:", "ForAllValues:"]) + name + chance.choice(["", "", "IfExists"])
            wanted = chance.sample(VALUES, chance.randint(1, 2))
        found.setdefault("Condition", {}).setdefault(name, {})[chance.choice(KEYS)] = wanted
    return found


def random_request(chance: random.Random) -> Request:
    context = {key: chance.sample(["a", "b", "ab"], chance.randint(1, 2)) for key in KEYS if chance.random() < 0.6}
    resource = chance.choice(["arn:aws:s3:::b/k", "arn:aws:s3:::other/k", "arn:aws:s3:::b/K"])
    return Request(chance.choice(["s3:GetObject", "s3:PutObject"]), resource, context)


def test_it_decides_as_the_reference_does_on_random_policies():
    chance, seen = random.Random(20_261), {True: 0, False: 0}
    for _ in range(3_000):
        kinds = [[random_statement(chance) for _ in range(chance.randint(0, 3))] for _ in range(3)]
        identity, boundary, session = kinds[0], *(one if chance.random() < 0.3 else None for one in kinds[1:])
        request = random_request(chance)
        found = Policies(
            [policy(*identity)],
            boundary=None if boundary is None else [policy(*boundary)],
            session=None if session is None else [policy(*session)],
        )
        wanted = reference(request, identity, boundary, session)
        assert (denial(request, SESSION, found) is None) == wanted, (request, kinds)
        seen[wanted] += 1
    assert min(seen.values()) > 200


# ----------------------------------------------------------------------------- rule by rule


def test_without_a_policy_nothing_is_allowed_and_the_words_are_awss():
    assert denial(INVOKE, SESSION, Policies()) == (
        "because no identity-based policy allows the lambda:InvokeFunction action"
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("identity", "with an explicit deny in an identity-based policy"),
        ("resource", "with an explicit deny in a resource-based policy"),
        ("boundary", "with an explicit deny in a permissions boundary"),
        ("session", "with an explicit deny in a session policy"),
    ],
)
def test_a_deny_anywhere_wins_and_says_where(kind, words):
    everything = {"identity": [allow()], "boundary": [allow()], "session": [allow()], "resource": []}
    everything[kind] = [*everything[kind], deny(Principal="*")]
    found = Policies(**{name: [policy(*statements)] for name, statements in everything.items()})
    assert denial(INVOKE, SESSION, found) == words


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"boundary": [policy(allow("s3:*"))]}, "because no permissions boundary allows the"),
        ({"boundary": []}, "because no permissions boundary allows the"),
        ({"session": [policy(allow("s3:*"))]}, "because no session policy allows the"),
    ],
)
def test_a_limit_allows_nothing_by_itself_and_bounds_what_is_allowed(limits, words):
    said = denial(INVOKE, SESSION, Policies([policy(allow())], **limits))
    assert said is not None
    assert said.startswith(words)
    assert denial(INVOKE, SESSION, Policies([], boundary=[policy(allow())])) is not None


@pytest.mark.parametrize(
    ("principal", "who", "boundary", "allowed"),
    [
        ("*", SESSION, None, True),
        ({"AWS": ROLE}, SESSION, None, True),
        ({"AWS": ROLE}, SESSION, [], False),  # what names the role is bounded,
        ({"AWS": SESSION.arn}, SESSION, [], True),  # what names the session is not
        ({"AWS": USER.arn}, USER, [], True),
        ({"AWS": "123456789012"}, SESSION, None, False),  # the account hands the decision on to its own policies
        ({"AWS": "arn:aws:iam::123456789012:root"}, SESSION, None, False),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, SESSION, None, False),
        ({"Service": "states.amazonaws.com"}, SESSION, None, False),
        ({"Service": "states.amazonaws.com"}, Principal("", service="states.amazonaws.com"), None, True),
    ],
)
def test_a_resources_policy_allows_whom_it_names(principal, who, boundary, allowed):
    found = Policies(resource=[policy(allow(Principal=principal))], boundary=boundary)
    assert (denial(INVOKE, who, found) is None) == allowed


def test_not_principal_is_everybody_else():
    found = Policies([policy(allow())], [policy({**deny(), "NotPrincipal": {"AWS": [SESSION.arn, ROLE]}})])
    assert denial(INVOKE, SESSION, found) is None
    assert denial(INVOKE, USER, found) == "with an explicit deny in a resource-based policy"


def test_a_role_is_assumed_only_where_its_own_policy_says_so():
    request = Request("sts:AssumeRole", "arn:aws:iam::123456789012:role/other")
    trust = [policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"}})]
    for identity, resource, allowed in (
        ([allow()], [], False),
        ([], trust, False),
        ([allow()], trust, True),
        ([], [policy(allow(Principal={"AWS": ROLE}))], True),
    ):
        found = Policies([policy(*identity)], resource)
        assert (denial(request, SESSION, found, needs_resource=True) is None) == allowed


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow("s3:getobject"), True),
        (allow("s3:Get?bject"), True),
        (allow("s3:GetObjec?t"), False),
        (allow("s3:*", "arn:aws:s3:::home/${aws:username}/*"), True),
        (allow("s3:*", "arn:aws:s3:::HOME/*"), False),
        (allow("s3:*", "arn:aws:s3:::home/${aws:userid}/*"), False),
        (allow("s3:*", "arn:aws:s3:::home/${aws:userid, 'ann'}/*"), True),
        (allow("s3:*", "arn:aws:s3:::home/${*}/*"), False),
        ({"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::other/*"}, True),
        ({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::home/*"}, False),
    ],
)
def test_wildcards_variables_and_not(statement, allowed):
    assert is_allowed(GET, statement) == allowed


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"StringEqualsIgnoreCase": {"AWS:UserName": "ANN"}}, True),
        ({"StringEquals": {"aws:username": "${aws:username}"}}, True),
        ({"StringEquals": {"aws:username": ["bob", "ann"]}}, True),
        ({"StringNotEquals": {"aws:username": ["bob", "ann"]}}, False),
        ({"StringEquals": {"aws:missing": "x"}}, False),
        ({"StringEqualsIfExists": {"aws:missing": "x"}}, True),
        ({"StringNotEquals": {"aws:missing": "x"}}, True),
        ({"Null": {"aws:missing": "true"}}, True),
        ({"Null": {"aws:username": True}}, False),
        ({"Unheard": {"aws:username": "ann"}}, False),
        ({"StringEquals": {"aws:username": "ann"}, "Bool": {"aws:securetransport": True}}, False),
    ],
)
def test_conditions(condition, allowed):
    assert is_allowed(GET, allow(Condition=condition)) == allowed


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "holds"),
    [
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "ten", False),
        ("NumericNotEquals", "10", "9", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z", True),
        ("DateLessThan", "1767225600", "2026-11-01T00:00:00Z", False),
        ("Bool", "true", "true", True),
        ("BinaryEquals", "YQ==", "YQ==", True),
        ("ArnLike", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", True),
        ("ArnEquals", "arn:aws:*:::bucket", "arn:aws:s3:::bucket", True),
        ("ArnLike", "arn:aws*:bucket", "arn:aws:s3:::bucket", False),  # part by part
        ("ArnNotLike", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", False),
    ],
)
def test_operators(operator, wanted, value, holds):
    request = Request("s3:GetObject", "*", {"aws:key": [value]})
    assert is_allowed(request, allow(Condition={operator: {"aws:Key": wanted}})) == holds


def test_variables_are_only_those_of_the_newer_version():
    statement = allow("s3:*", "arn:aws:s3:::home/${aws:username}/*")
    assert denial(GET, SESSION, Policies([policy(statement, version="2008-10-17")])) is not None


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"Statement": 1}', '{"Statement": {"Effect": "Allow"}}'])
def test_what_is_no_policy_allows_nothing(text):
    said = denial(INVOKE, SESSION, Policies([parsed(text)]))
    assert said is not None
    assert re.match("because no identity-based", said)
