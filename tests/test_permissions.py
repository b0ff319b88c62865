"""What `sfn-lab permissions` prints; that the notebooks run with it is tested where they are run."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import helpers
from helpers import deploy
from helpers.command import main
from helpers.lab import lessons
from helpers.lab.sessions import EndpointSession
from tests.sandbox.test_identities import user

ACCOUNT = ("--account", "111122223333", "--region", "eu-central-1", "--prefix", "Team_7-")


def printed(*options: str) -> dict[str, Any]:
    ran = CliRunner().invoke(main, ["permissions", *ACCOUNT, *options])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def test_all_is_bound_to_the_prefix_but_what_stands_apart() -> None:
    *bound, last = printed()["Statement"]
    assert last["Sid"] == "NoResourceLevel"
    assert "states:ListStateMachines" in last["Action"]
    free = {arn for one in bound for arn in one["Resource"] if not any(name in arn for name in ("eam_7-", "eam-7-"))}
    named = {arn for arn in free if "team_7_" not in arn}
    assert {arn.split(":", 5)[-1] for arn in named} <= {
        "stateMachine:*",  # clean-up asks what acts as a role, whoever made it
        "catalog",
        "database/*",
        "database/default",
        "workgroup/primary",
    }
    assert not [action for one in [*bound, last] for action in one["Action"] if "*" in action]
    (handed,) = (one for one in bound if one["Action"] == ["iam:PassRole"])
    assert handed["Condition"]["StringEquals"]["iam:PassedToService"] == [
        "lambda.amazonaws.com",
        "states.amazonaws.com",
    ]


def test_it_fits_into_a_policy_of_aws() -> None:
    policy = lessons.policy("111122223333", "ap-southeast-2", "sfn-lab-somebody-longer-")
    assert len("".join(json.dumps(policy).split())) <= 6_144  # IAM's quota, which does not count white space


def test_some_lessons_need_less() -> None:
    text = json.dumps(printed("--lessons", "00-07"))
    assert "states:StartExecution" in text
    assert "athena:" not in text
    assert "sqs:DeleteQueue" in json.dumps(printed("--lessons", "00-07,99"))


def test_other_parts_of_aws_have_other_arns() -> None:
    text = json.dumps(lessons.policy("111122223333", "cn-north-1", "me-"))
    assert "arn:aws-cn:states:cn-north-1" in text
    assert "arn:aws:" not in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lessons", "77"], "names no notebook"),
        (["--region", "Frankfurt"], "region cannot be"),
        (["--account", "12"], "account cannot be"),
    ],
)
def test_what_cannot_be_is_said(options: list[str], said: str) -> None:
    ran = CliRunner().invoke(main, ["permissions", *ACCOUNT, *options])
    assert ran.exit_code == 1
    assert said in ran.output


def test_a_region_that_is_not_known_is_doubted_beside_the_policy() -> None:
    ran = CliRunner().invoke(main, ["permissions", *ACCOUNT, "--region", "eu-centrl-1"])
    assert ran.exit_code == 0
    assert "arn:aws:states:eu-centrl-1" in ran.stdout
    assert "did you mean 'eu-central-1'?" in ran.stderr
    assert not CliRunner().invoke(main, ["permissions", *ACCOUNT]).stderr


def test_what_was_made_may_be_changed_too(lab: helpers.Lab, tmp_path: Path) -> None:
    """A second run on an account meets what the first one left, perhaps by an older version."""
    policy = lessons.policy(lab.account, lab.region, "changed-", ["00"])
    with user(lab, json.dumps(policy)) as keys:
        url = lab.client("sts").meta.endpoint_url
        session = EndpointSession(url, region_name=lab.region, **keys)
        learner = helpers.Lab("sandbox", session, lab.account, lab.identity, "changed-")
        machine = deploy.deploy("busy_wait", lab=learner)
        (function,) = machine.functions
        lab.client("lambda").put_function_concurrency(
            FunctionName=machine.functions[function], ReservedConcurrentExecutions=0
        )
        role = f"changed-busy_wait-states-{lab.region}"
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}],
        }
        lab.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
        (tmp_path / "lambda_function.py").write_text("def lambda_handler(event, context):\n    return 1\n")
        deploy.function(function, tmp_path, timeout=5, lab=learner)
        changed = {**machine.definition, "Comment": "changed"}
        deploy.state_machine("busy_wait", changed, lab=learner)
    assert deploy.tear_down(helpers.Lab("sandbox", lab.session, lab.account, "", "changed-")).remaining.empty
