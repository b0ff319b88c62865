"""The notebooks as on an account: run by a user with a policy, what they ask for there, and what is billed for it.

On the sandbox: its IAM holds the user to the policy, and exercises are tried apart from it, as they are beside an
account. What was asked and used is kept in `helpers/lab/lessons.json`, from which the policy and the costs are made.
"""

import json
import pathlib
import re
from dataclasses import replace
from typing import Any

from helpers import Lab, deploy, execution, history, limits, sandbox
from helpers.lab import beside, lessons
from helpers.lab.sessions import SandboxSession
from tests.deploy.test_removal import everything_of_every_kind

USER, THEIRS = "whoever-learns", "theirs-"
KEPT = pathlib.Path(lessons.__file__).with_suffix(".json")
PASSING = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
STARTUP = """
import dataclasses, functools, os
from helpers.exercises import trial
from helpers.lab import place
from helpers.lab.settings import settings

own = place.SandboxSession


class AsUser(own):
    def __init__(self, found, region):
        keys = dict(zip(("access_key", "secret_key"), os.environ["LAB_TEST_KEYS"].split()))
        super().__init__(dataclasses.replace(found, **keys), region)
        self._sandbox = found


@functools.cache
def apart():
    place.SandboxSession = own
    try:
        return place._on_sandbox(None, "eu-west-3", settings())
    finally:
        place.SandboxSession = AsUser


place.SandboxSession, trial._place = AsUser, apart
"""
BUCKETS = "arn:{partition}:s3:::{bucket_prefix}*"
# What whoever may do an action must be allowed too, and a first run on the sandbox does not ask: to run again what
# was changed, to undo what failed half-way, and what our evaluator does not look at ("Access to Amazon S3 from Athena"
# in Athena's user guide; the dependent actions of S3's DeleteObjects).
BESIDE = {
    "athena:StartQueryExecution": "athena:GetWorkGroup s3:AbortMultipartUpload s3:GetBucketLocation s3:GetObject"
    " s3:ListBucket s3:ListBucketMultipartUploads s3:ListMultipartUploadParts s3:PutObject",
    "iam:CreateRole": "iam:DeleteRole iam:DeleteRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies"
    " iam:ListRoleTags iam:PutRolePermissionsBoundary iam:UpdateAssumeRolePolicy",
    "lambda:CreateFunction": "lambda:DeleteFunction lambda:DeleteFunctionConcurrency lambda:GetFunctionConcurrency"
    " lambda:ListTags lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "states:CreateStateMachine": "states:DeleteStateMachine states:ListTagsForResource states:UpdateStateMachine",
}
REPORT = re.compile(r"Billed Duration: (\d+) ms\tMemory Size: (\d+) MB")
# An execution that fills its history under fast-forward is started on the sandbox alone.
FULL = 20_000


def user(policy: dict[str, Any]) -> str:
    """Make a user who may do what the policy allows; gives the two keys, apart by a space."""
    iam = beside().client("iam")
    iam.create_user(UserName=USER)
    if policy["Statement"]:
        # A user's inline policies are short; this is what one attaches on AWS, too.
        made = iam.create_policy(PolicyName=USER, PolicyDocument=json.dumps(policy))["Policy"]
        iam.attach_user_policy(UserName=USER, PolicyArn=made["Arn"])
    keys = iam.create_access_key(UserName=USER)["AccessKey"]
    return f"{keys['AccessKeyId']} {keys['SecretAccessKey']}"


def environment(keys: str, folder: str) -> dict[str, str]:
    """What a kernel needs in its environment to work as the user with these keys; `folder` is one to write into."""
    startup = pathlib.Path(folder, "profile_default", "startup", "00-user.py")
    startup.parent.mkdir(parents=True)
    wrapped = "".join(f"    {line}\n" for line in STARTUP.splitlines())
    startup.write_text(f"def _():\n{wrapped}\n\n_()\ndel _\n", encoding="utf-8")
    return {"IPYTHONDIR": folder, "LAB_TEST_KEYS": keys}


def name(path: pathlib.Path) -> str:
    """What a notebook, or its twin, is called in `lessons.json`: `04`, `playground`."""
    return path.stem[:2] if path.stem[:2].isdigit() else path.stem


def clean_up_everything(keys: str) -> None:
    """Clean up one of each kind as the user with these keys, beside a machine of somebody else."""
    own = beside()
    theirs = Lab("sandbox", own.session, own.account, own.identity, THEIRS, found=own._sandbox)
    deploy.state_machine("machine", PASSING, lab=theirs)
    everything_of_every_kind(own)
    access_key, secret_key = keys.split()
    session = SandboxSession(replace(own._sandbox, access_key=access_key, secret_key=secret_key), own.region)
    assert deploy.tear_down(Lab("sandbox", session, own.account, own.identity, own.prefix)).remaining.empty


def recorded(notebook: str) -> set[tuple[str, str]]:
    """What `lessons.json` says that a notebook asks for, in the form of `asked`."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))["asked"]
    return {(action, arn) for action, arns in kept.items() for arn, those in arns.items() if notebook in those.split()}


def evaluated() -> list[str]:
    """The actions that a notebook asks for on the sandbox, whose evaluator knows them."""
    beside_alone = {one for those in BESIDE.values() for one in those.split()}
    return sorted(json.loads(KEPT.read_text(encoding="utf-8"))["asked"].keys() - beside_alone)


def first_that_asks(action: str) -> str:
    """The first notebook that asks for an action."""
    arns = json.loads(KEPT.read_text(encoding="utf-8"))["asked"][action]
    return min(notebook for those in arns.values() for notebook in those.split())


def record(path: pathlib.Path) -> None:
    """Keep what the notebook that has just run asked for and used; a twin adds to what its lesson did."""
    lab, notebook = beside(), name(path)
    now, billed = asked(lab), used(lab)
    if not now:
        return
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {"asked": {}, "billed": {}}
    if path.parent.name == "solutions":
        now |= recorded(notebook)
        billed = {unit: max(kept["billed"][notebook].get(unit, 0), value) for unit, value in billed.items()}
    rows: dict[tuple[str, str], set[str]] = {pair: {notebook} for pair in now}
    for action, arns in kept["asked"].items():
        for arn, those in arns.items():
            if others := set(those.split()) - {notebook}:
                rows.setdefault((action, arn), set()).update(others)
    kept["asked"] = {action: {} for action, _ in sorted(rows)}
    for action, arn in sorted(rows):
        kept["asked"][action][arn] = " ".join(sorted(rows[action, arn]))
    kept["billed"] = dict(sorted({**kept["billed"], notebook: billed}.items()))
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8", newline="\n")


def asked(lab: Lab) -> set[tuple[str, str]]:
    """The actions that the user has asked for, and the resources of each as `lessons.json` names them."""
    found = {(action, _named(action, arn, lab)) for action, arn in sandbox.call("asked")["asked"]}
    return found | {
        (one, BUCKETS if one.startswith("s3:") else arn)
        for action, arn in found
        for one in BESIDE.get(action, "").split()
    }


def _named(action: str, arn: str, lab: Lab) -> str:
    if action == "logs:DescribeLogGroups":
        return "*"  # AWS asks for a log group without a name, whatever prefix the call has
    names = {THEIRS: "", lab.prefix: "{prefix}", lab.database_prefix: "{database_prefix}"}
    if arn.startswith("arn:aws:s3:"):
        names = {lab.bucket_prefix: "{bucket_prefix}"}
    for prefix, name in names.items():
        if prefix in arn:
            arn = arn[: arn.index(prefix)] + name + "*"
    arn = arn.replace(":workgroup/primary", ":workgroup/{workgroup}")
    for value, name in (("arn:aws:", "arn:{partition}:"), (lab.region, "{region}"), (lab.account, "{account}")):
        arn = arn.replace(value, name)
    return arn


def used(lab: Lab) -> dict[str, float]:
    """What is billed for all that was done since the last reset, in the units of `lessons.costs`."""
    found: dict[str, float] = dict.fromkeys(lessons.UNITS, 0)
    states, logs, athena = (lab.client(service) for service in ("stepfunctions", "logs", "athena"))
    machines = {one["stateMachineArn"]: one["type"] for one in states.list_state_machines()["stateMachines"]}
    for machine in (arn for arn, kind in machines.items() if kind == "STANDARD"):
        for run in states.list_executions(stateMachineArn=machine)["executions"]:
            arn = run["executionArn"]
            last = states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"]
            if last[0]["id"] >= FULL:
                continue
            events = execution.events(arn, lab=lab)
            found["transitions"] += history.summary(history.events(events)).transitions
            asked_for = [one["taskScheduledEventDetails"] for one in events if "taskScheduledEventDetails" in one]
            nested = [json.loads(one["parameters"]) for one in asked_for if one["resourceType"] == "states"]
            found["express_requests"] += [machines.get(one["StateMachineArn"]) for one in nested].count("EXPRESS")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for message in (event["message"] for page in pages for event in page["events"]):
            if report := REPORT.search(message):
                found["requests"] += 1
                found["gb_seconds"] += int(report[1]) / 1_000 * int(report[2]) / 1_024
    for query in athena.list_query_executions()["QueryExecutionIds"]:
        done = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if done["StatementType"] == "DML":
            found["queries"] += 1
            scanned = done.get("Statistics", {}).get("DataScannedInBytes", 0)
            found["bytes"] += max(scanned, limits.ATHENA_LEAST_BYTES)
    return {unit: round(value, 3) for unit, value in found.items() if value}
