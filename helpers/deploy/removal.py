"""Remove what was made: one thing at a time, or all of it."""

import html
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pandas as pd
from botocore.exceptions import ClientError

from helpers.deploy.ownership import is_ours
from helpers.errors import LabError
from helpers.lab import Lab, current
from helpers.verbatim import verbatim

__all__ = ["Removal", "made", "tear_down"]

DELETING = 60.0  # seconds; a machine disappears when its last execution has ended


class Removal:
    """What `tear_down` did: two frames, `removed` and `remaining`, with the columns kind, name and reason (text)."""

    def __init__(self, removed: pd.DataFrame, remaining: pd.DataFrame) -> None:
        self.removed, self.remaining = removed, remaining

    def __repr__(self) -> str:
        counted = [
            f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in self.removed["kind"].value_counts().items()
        ]
        done = f"Removed {', '.join(counted)}." if counted else "There was nothing to remove."
        if self.remaining.empty:
            return f"{done} Nothing is left."
        left = "; ".join(f"{one.kind} {one.name} ({one.reason})" for one in self.remaining.itertuples(index=False))
        return f"{done} Still there: {left}."

    def _repr_html_(self) -> str:
        sentence = f"<p>{html.escape(repr(self))}</p>"
        return verbatim(sentence + (self.removed[["kind", "name"]].to_html(index=False) if len(self.removed) else ""))


class Kind(NamedTuple):
    """A kind of resource: how those of ours are found, and how one is removed."""

    name: str
    find: Callable[[Lab], Iterator[str]]
    remove: Callable[[Lab, str], None]


def tear_down(lab: Lab | None = None) -> Removal:
    """Remove all that was made in this lab, in the order that AWS needs, and look whether anything is left.

    Running executions are stopped first. Only what bears the lab's prefix and tags is touched (of log groups, those of
    our functions and machines), whatever half of it exists; calling it again is safe. A thing that cannot be removed
    does not keep the others.
    """
    lab = lab or current()
    removed: list[tuple[str, str, str]] = []
    reasons: dict[tuple[str, str], str] = {}
    for kind in KINDS:
        for name in _found(lab, kind, reasons):
            try:
                kind.remove(lab, name)
                removed.append((kind.name, name, ""))
            except ClientError as error:
                reasons[kind.name, name] = error.response.get("Error", {}).get("Message", str(error))
            except LabError as error:
                reasons[kind.name, name] = str(error)
    left = {(kind.name, name) for kind in KINDS for name in _found(lab, kind, reasons)}
    left |= {key for key in reasons if key[1] == UNKNOWN}
    columns = ["kind", "name", "reason"]
    return Removal(
        pd.DataFrame([one for one in removed if one[:2] not in left], columns=columns, dtype="str"),
        pd.DataFrame([(*key, reasons.get(key, "still there")) for key in sorted(left)], columns=columns, dtype="str"),
    )


def made(lab: Lab | None = None) -> pd.DataFrame:
    """What there is in this lab that `tear_down` would remove: a frame with the columns kind and name (text)."""
    lab = lab or current()
    rows = [(kind.name, name) for kind in KINDS for name in _found(lab, kind, {})]
    return pd.DataFrame(rows, columns=["kind", "name"], dtype="str")


UNKNOWN = "(could not be listed)"


def _found(lab: Lab, kind: Kind, reasons: dict[tuple[str, str], str]) -> list[str]:
    try:
        return list(kind.find(lab))
    except ClientError as error:
        reasons[kind.name, UNKNOWN] = error.response.get("Error", {}).get("Message", str(error))
        return []


def quietly(remove: Callable[[Lab, str], None], lab: Lab, name: str) -> None:
    """Undo a step of a call that failed; a refusal must not hide why it failed."""
    with suppress(ClientError, LabError):
        remove(lab, name)


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])


def _machines(lab: Lab) -> Iterator[str]:
    sfn = lab.client("stepfunctions")
    for found in _pages(sfn, "list_state_machines", "stateMachines"):
        arn = found["stateMachineArn"]
        if found["name"].startswith(lab.prefix):
            with suppress(sfn.exceptions.ResourceNotFound, sfn.exceptions.StateMachineDoesNotExist):
                tags = sfn.list_tags_for_resource(resourceArn=arn)["tags"]
                if is_ours(lab, {tag["key"]: tag["value"] for tag in tags}):
                    yield arn


def remove_machine(lab: Lab, arn: str) -> None:
    """Stop a machine's executions, delete it and wait until it is gone."""
    sfn = lab.client("stepfunctions")
    machine = sfn.describe_state_machine(stateMachineArn=arn)
    if machine["type"] == "STANDARD":
        for run in _pages(sfn, "list_executions", "executions", stateMachineArn=arn, statusFilter="RUNNING"):
            with suppress(sfn.exceptions.ExecutionDoesNotExist):
                sfn.stop_execution(executionArn=run["executionArn"], error="TearDown", cause="Its machine is removed.")
    sfn.delete_state_machine(stateMachineArn=arn)
    pause, waited = 0.1, 0.0
    while waited < DELETING:
        try:
            sfn.describe_state_machine(stateMachineArn=arn)
        except sfn.exceptions.StateMachineDoesNotExist:
            return
        time.sleep(pause)
        waited += pause
        pause = min(2 * pause, 5.0)
    raise LabError(f"AWS is still deleting it after {DELETING:.0f} s: call tear_down() again in a minute.")


def _activities(lab: Lab) -> Iterator[str]:
    sfn = lab.client("stepfunctions")
    for found in _pages(sfn, "list_activities", "activities"):
        if found["name"].startswith(lab.prefix):
            tags = sfn.list_tags_for_resource(resourceArn=found["activityArn"])["tags"]
            if is_ours(lab, {tag["key"]: tag["value"] for tag in tags}):
                yield found["activityArn"]


def _remove_activity(lab: Lab, arn: str) -> None:
    lab.client("stepfunctions").delete_activity(activityArn=arn)


def _queues(lab: Lab) -> Iterator[str]:
    sqs = lab.client("sqs")
    for url in _pages(sqs, "list_queues", "QueueUrls", QueueNamePrefix=lab.prefix):
        if is_ours(lab, sqs.list_queue_tags(QueueUrl=url).get("Tags", {})):
            yield url


def _remove_queue(lab: Lab, url: str) -> None:
    lab.client("sqs").delete_queue(QueueUrl=url)


def _functions(lab: Lab) -> Iterator[str]:
    client = lab.client("lambda")
    for found in _pages(client, "list_functions", "Functions"):
        if found["FunctionName"].startswith(lab.prefix):
            with suppress(client.exceptions.ResourceNotFoundException):
                if is_ours(lab, client.list_tags(Resource=found["FunctionArn"])["Tags"]):
                    yield found["FunctionName"]


def remove_function(lab: Lab, name: str) -> None:
    """Delete a function."""
    client = lab.client("lambda")
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName=name)


def _rules(lab: Lab) -> Iterator[str]:
    """The rules of ours, each as bus/rule, on the account's own bus and on ours."""
    events = lab.client("events")
    for bus in ("default", *_buses(lab)):
        for found in _pages(events, "list_rules", "Rules", NamePrefix=lab.prefix, EventBusName=bus):
            tags = events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]
            if is_ours(lab, {tag["Key"]: tag["Value"] for tag in tags}):
                yield f"{bus}/{found['Name']}"


def _remove_rule(lab: Lab, path: str) -> None:
    events = lab.client("events")
    bus, name = path.split("/", 1)
    targets = [one["Id"] for one in events.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]]
    if targets:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=targets)
    events.delete_rule(Name=name, EventBusName=bus)


def _buses(lab: Lab) -> Iterator[str]:
    events = lab.client("events")
    for found in _pages_by_token(events.list_event_buses, "EventBuses", NamePrefix=lab.prefix):
        tags = events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]
        if is_ours(lab, {tag["Key"]: tag["Value"] for tag in tags}):
            yield found["Name"]


def _remove_bus(lab: Lab, name: str) -> None:
    lab.client("events").delete_event_bus(Name=name)


def _log_groups(lab: Lab) -> Iterator[str]:
    """Lambda makes its log groups itself, without tags: those count whose function is not a stranger's."""
    logs = lab.client("logs")
    strangers = _strangers(lab)
    for parent in ("/aws/lambda/", "/aws/vendedlogs/states/"):
        for found in _pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=f"{parent}{lab.prefix}"):
            if found["logGroupName"].removeprefix(parent) not in strangers:
                yield found["logGroupName"]


def _strangers(lab: Lab) -> set[str]:
    """The names under our prefix of functions and machines that others made."""
    functions = {
        found["FunctionName"]
        for found in _pages(lab.client("lambda"), "list_functions", "Functions")
        if found["FunctionName"].startswith(lab.prefix)
    }
    machines = {
        found["name"]
        for found in _pages(lab.client("stepfunctions"), "list_state_machines", "stateMachines")
        if found["name"].startswith(lab.prefix)
    }
    return (functions - set(_functions(lab))) | (machines - {arn.split(":")[-1] for arn in _machines(lab)})


def remove_log_group(lab: Lab, name: str) -> None:
    """Delete a log group with all that was logged."""
    logs = lab.client("logs")
    with suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=name)


def _workgroups(lab: Lab) -> Iterator[str]:
    athena = lab.client("athena")
    here = f"arn:{lab.session.get_partition_for_region(lab.region)}:athena:{lab.region}:{lab.account}:workgroup"
    for found in _pages_by_token(athena.list_work_groups, "WorkGroups"):
        if found["Name"].startswith(lab.prefix):
            tags = athena.list_tags_for_resource(ResourceARN=f"{here}/{found['Name']}").get("Tags", [])
            if is_ours(lab, {tag["Key"]: tag["Value"] for tag in tags}):
                yield found["Name"]


def _pages_by_token(operation: Callable[..., Any], key: str, **arguments: Any) -> Iterator[Any]:
    """For the operations that have no paginator in boto3."""
    token: dict[str, str] = {}
    while True:
        page = operation(**arguments, **token)
        yield from page.get(key, [])
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def _remove_workgroup(lab: Lab, name: str) -> None:
    lab.client("athena").delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def _buckets(lab: Lab) -> Iterator[str]:
    s3 = lab.client("s3")
    for found in s3.list_buckets()["Buckets"]:
        if found["Name"].startswith(lab.prefix.lower()):
            with suppress(s3.exceptions.ClientError):  # NoSuchTagSet: it has no tags, so it is not ours
                tags = s3.get_bucket_tagging(Bucket=found["Name"])["TagSet"]
                if is_ours(lab, {tag["Key"]: tag["Value"] for tag in tags}):
                    yield found["Name"]


def _remove_bucket(lab: Lab, name: str) -> None:
    s3 = lab.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
        keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
        if keys:
            s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def _roles(lab: Lab) -> Iterator[str]:
    iam = lab.client("iam")
    for found in _pages(iam, "list_roles", "Roles"):
        if found["RoleName"].startswith(lab.prefix):
            with suppress(iam.exceptions.NoSuchEntityException):
                tags = iam.list_role_tags(RoleName=found["RoleName"])["Tags"]
                if is_ours(lab, {tag["Key"]: tag["Value"] for tag in tags}):
                    yield found["RoleName"]


def remove_role(lab: Lab, name: str) -> None:
    """Delete a role with its policies; managed ones are only detached."""
    iam = lab.client("iam")
    with suppress(iam.exceptions.NoSuchEntityException):
        for policy in _pages(iam, "list_role_policies", "PolicyNames", RoleName=name):
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for policy in _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=name)


KINDS = (
    Kind("state machine", _machines, remove_machine),
    Kind("activity", _activities, _remove_activity),
    Kind("rule", _rules, _remove_rule),
    Kind("event bus", _buses, _remove_bus),
    Kind("queue", _queues, _remove_queue),
    Kind("function", _functions, remove_function),
    Kind("workgroup", _workgroups, _remove_workgroup),
    Kind("bucket", _buckets, _remove_bucket),
    Kind("log group", _log_groups, remove_log_group),
    Kind("role", _roles, remove_role),
)
"""In the order of removal: what uses something goes before it, and what a running thing could make again after it."""
