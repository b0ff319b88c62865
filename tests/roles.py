"""Roles for tests that are not about what a role may do."""

import json
from typing import Any

SERVICES = {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]}
TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": SERVICES, "Action": "sts:AssumeRole"}]})
"""Lets machines and functions act as a role."""


def policy(action: str | list[str] = "*", resource: str | list[str] = "*", effect: str = "Allow", **more: Any) -> str:
    """A policy of one statement."""
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def may_everything(iam: Any, made: dict[str, Any]) -> str:
    """The ARN of a role just made, which from now on is allowed everything."""
    iam.put_role_policy(RoleName=made["Role"]["RoleName"], PolicyName="everything", PolicyDocument=policy())
    return str(made["Role"]["Arn"])
