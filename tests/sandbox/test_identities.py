"""Keys of users and roles made in the sandbox open what their policies allow, and nothing else."""

import json
from contextlib import contextmanager

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from helpers.sandbox import identities
from helpers.sandbox.actions import Need


def policy(effect, action, resource="*"):
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@contextmanager
def user(lab, *policies):
    iam, name = lab.client("iam"), lab.name("test-identity")
    iam.create_user(UserName=name)
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    for number, document in enumerate(policies):
        iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=document)
    try:
        yield {"aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"]}
    finally:
        for number in range(len(policies)):
            iam.delete_user_policy(UserName=name, PolicyName=f"p{number}")
        iam.delete_access_key(UserName=name, AccessKeyId=keys["AccessKeyId"])
        iam.delete_user(UserName=name)


def test_a_user_without_policies_is_denied_in_words_that_name_who_what_and_where(lab):
    with user(lab) as keys, pytest.raises(ClientError) as denied:
        lab.client("lambda", **keys).invoke(FunctionName="anything")
    error = denied.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    for part in (
        f"user/{lab.name('test-identity')}",
        "lambda:InvokeFunction",
        ":function:anything",
        "no identity-based",
    ):
        assert part in error["Message"]


def test_a_policy_opens_what_it_names(lab):
    with user(lab, policy("Allow", "states:List*")) as keys:
        states = lab.client("stepfunctions", **keys)
        assert "activities" in states.list_activities()
        with pytest.raises(ClientError, match="states:CreateActivity"):
            states.create_activity(name="denied")


def test_an_explicit_deny_wins(lab):
    with user(lab, policy("Allow", "*"), policy("Deny", "s3:*")) as keys:
        with pytest.raises(ClientError, match="AccessDenied"):
            lab.client("s3", **keys).list_buckets()
        lab.client("sqs", **keys).list_queues()


def test_everybody_may_ask_who_they_are(lab):
    with user(lab) as keys:
        assert lab.client("sts", **keys).get_caller_identity()["Account"] == lab.account


def test_the_keys_of_a_deleted_user_open_nothing(lab):
    with user(lab, policy("Allow", "*")) as keys:
        pass
    with pytest.raises(ClientError, match="security token"):
        lab.client("stepfunctions", **keys).list_activities()


def test_a_wrong_secret_is_refused(lab):
    with user(lab, policy("Allow", "*")) as keys, pytest.raises(ClientError, match="signature"):
        lab.client("stepfunctions", **{**keys, "aws_secret_access_key": "guess"}).list_activities()


def test_an_assumed_role_has_its_own_policies(lab):
    iam, name = lab.client("iam"), lab.name("test-assumed")
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy("Allow", "states:ListActivities"))
    given = lab.client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    states = lab.client("stepfunctions", **keys)
    assert "activities" in states.list_activities()
    with pytest.raises(ClientError, match="assumed-role"):
        states.list_state_machines()
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)


def test_what_users_ask_is_kept_up_to_a_bound_and_forgotten_by_a_reset(monkeypatch):
    monkeypatch.setattr(identities, "MOST_ASKED", 3)
    user = identities.Identity("arn:aws:iam::123456789012:user/somebody", Credentials("key", "secret"), user="somebody")
    for number in range(9):
        identities.refusal(user, Need("s3:GetObject", f"arn:aws:s3:::bucket/{number}"), "us-east-1")
    assert len(identities.asked_of_users({})["asked"]) == 3
    identities.reset()
    assert identities.asked_of_users({}) == {"asked": []}
