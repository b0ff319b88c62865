"""What it costs to decide whether a role may make a call: the actions found, every policy asked."""

import json
import time
from typing import Any

from moto.iam.models import iam_backends

from helpers.sandbox import identities, process

CALLS = 500
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:{}"


def role() -> str:
    """The ARN of a role with a boundary and five policies, of which the last one allows the call."""
    iam: Any = iam_backends[process.ACCOUNT]["aws"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    bound = iam.create_policy(
        description="", path="/", policy_document=json.dumps(everything), policy_name="b", tags=[]
    )
    made = iam.create_role("measured", "{}", "/", bound.arn, "", [], "3600")
    for number in range(5):
        condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}, "Bool": {"aws:SecureTransport": "true"}}
        allowed = {"Effect": "Allow", "Action": "lambda:Invoke*", "Resource": FUNCTION.format(f"{number}-*")}
        denied = {"Effect": "Deny", "Action": ["s3:Delete*", "iam:*"], "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [{**allowed, "Condition": condition}, denied]}
        iam.put_role_policy("measured", f"p{number}", json.dumps(document))
    return str(made.arn)


def measure() -> list[dict[str, object]]:
    """One figure: milliseconds of this process's time for a decision."""
    session = identities.session(role())
    identities.hold({})
    asked = ("lambda", "us-east-1", "Invoke", {"FunctionName": FUNCTION.format("4-f")})
    assert identities.denial(session, *asked) is None
    assert identities.denial(session, *asked[:3], {"FunctionName": "other"}) is not None
    seconds = []
    for _ in range(40):
        begin = time.process_time()
        for _ in range(CALLS):
            identities.denial(session, *asked)
        seconds.append(time.process_time() - begin)
    figure = "deciding whether a role of five policies and a boundary may make a call, ms"
    return [{"figure": figure, "measured": 1000 * min(seconds) / CALLS, "bound": "<= 0.1 ms"}]
