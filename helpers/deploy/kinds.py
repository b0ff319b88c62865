"""The kinds of things that we make: how those that may be ours are listed, how we see whether one is, how it goes."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from helpers.calls import LOGGED_OUT
from helpers.deploy.ownership import is_ours, log_group_of, tag_mapping
from helpers.errors import LabError, SandboxGone
from helpers.lab import Lab
from helpers.lab.accounts import CUT_OFF

__all__ = ["FAILURES", "KINDS", "NAMES", "ORDER", "Here", "Kind", "gone", "remove_role", "take_back", "why"]

DELETING = 60.0  # seconds; a machine disappears when its last execution has ended
PATIENT = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
FAILURES = (ClientError, BotoCoreError, LabError)
GONE = ("NotFound", "DoesNotExist", "NoSuchEntity", "NoSuchBucket", "NonExistentQueue")
OF_FUNCTIONS = "/aws/lambda/"


class Here:
    """A lab in one region: its clients, and the ARNs of what is there. `beside` are all its regions looked into."""

    def __init__(self, lab: Lab, region: str | None = None, beside: "dict[str, Here] | None" = None) -> None:
        self.lab, self.region = lab, region or lab.region
        self.beside = {} if beside is None else beside
        self.beside[self.region] = self

    def at(self, region: str) -> "Here":
        """The same lab in another region."""
        return self.beside.get(region) or Here(self.lab, region, self.beside)

    def client(self, service: str) -> Any:
        """The client of `service` here; it gives up soon where nobody answers."""
        return self.lab.client(service, region_name=self.region, config=PATIENT)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of `resource` here."""
        partition = self.lab.session.get_partition_for_region(self.region)
        return f"arn:{partition}:{service}:{self.region}:{self.lab.account}:{resource}"

    @cached_property
    def acting(self) -> tuple[dict[str, str], str]:
        """By a role's name a function or machine, whoever made it, that acts as it when first asked; and a failure."""
        found = {}
        try:
            for function in pages(self.client("lambda"), "list_functions", "Functions"):
                found[function["Role"].split("/")[-1]] = f"function {function['FunctionName']}"
            sfn = self.client("stepfunctions")
            for machine in pages(sfn, "list_state_machines", "stateMachines"):
                with suppress(sfn.exceptions.StateMachineDoesNotExist):
                    described = sfn.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
                    found[described["roleArn"].split("/")[-1]] = f"state machine {machine['name']}"
        except (ClientError, BotoCoreError) as error:
            return found, why(error)
        return found, ""


class Kind(NamedTuple):
    """A kind of thing, of which one is known by its name.

    `listed` gives the names of those that may be ours, `tags` the tags by which we see whether one is, `remove` removes
    one, once those of the kinds `after` are gone. Where AWS tags no such thing, its `owner`, a kind, has the tags, and
    `listed` gives what that owner has. What is `worldwide` is listed alike in each region; its tags name its own.
    """

    name: str
    listed: Callable[..., Iterator[str]]
    tags: Callable[[Here, str], Mapping[str, str]] | None
    remove: Callable[[Here, str], None]
    after: tuple[str, ...] = ()
    owner: str | None = None
    worldwide: bool = False


def gone(error: Exception) -> bool:
    """Whether AWS says that the thing is not there (any more)."""
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return any(word in code for word in GONE)


def why(error: Exception) -> str:
    """Why something failed: in AWS's own words, or ours where AWS was not reached. Raises SandboxGone if it is that."""
    if isinstance(error, SandboxGone):
        raise error
    if isinstance(error, CUT_OFF):
        return "AWS could not be reached"
    if isinstance(error, LOGGED_OUT):
        return "you are not logged in any more"
    reported = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    return str(reported.get("Message") or reported.get("Code") or error)


def take_back(lab: Lab, kind: str, name: str, remove: Callable[[Here, str], None] | None = None) -> None:
    """Undo a step of a call that failed, if it made anything: what is not ours stays.

    A refusal must not hide why the call failed.
    """
    here, known = Here(lab), KINDS[kind]
    with suppress(*FAILURES):
        if known.tags is not None and is_ours(lab, known.tags(here, name)):
            (remove or known.remove)(here, name)


def pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    """All that a listing gives; some operations have no paginator in boto3."""
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, [])
        return
    token: dict[str, str] = {}
    while True:
        page = getattr(client, operation)(**arguments, **token)
        yield from page.get(key, [])
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def _names(
    service: str, operation: str, key: str, field: str, prefix: Callable[[Lab], str] = lambda lab: lab.prefix
) -> Callable[[Here], Iterator[str]]:
    """A listing that gives the names that begin with the lab's prefix."""

    def listed(here: Here) -> Iterator[str]:
        names = (found[field] for found in pages(here.client(service), operation, key))
        yield from (name for name in names if name.startswith(prefix(here.lab)))

    return listed


Argument = str | bool | Callable[[Here, str], str]
"""What an operation is given: a text with the name at its `{}`, an ARN's service and resource if it has a colon."""


def _call(here: Here, service: str, operation: str, arguments: Mapping[str, Argument], name: str) -> Any:
    """Call an operation about the thing of a name."""

    def filled(given: Argument) -> str | bool:
        if not isinstance(given, str):
            return given(here, name) if callable(given) else given
        first, colon, resource = given.replace("{}", name).partition(":")
        return here.arn(first, resource) if colon else first

    return getattr(here.client(service), operation)(**{word: filled(given) for word, given in arguments.items()})


def _tags(service: str, operation: str, key: str, **arguments: Argument) -> Callable[[Here, str], dict[str, str]]:
    """A call that gives a thing's tags."""
    return lambda here, name: tag_mapping(_call(here, service, operation, arguments, name).get(key, {}))


def _deletion(service: str, operation: str, **arguments: Argument) -> Callable[[Here, str], None]:
    """A call that deletes a thing."""
    return lambda here, name: _call(here, service, operation, arguments, name)


def remove_machine(here: Here, name: str) -> None:
    """Stop a machine's executions, delete it and wait until it is gone."""
    sfn, arn = here.client("stepfunctions"), here.arn("states", f"stateMachine:{name}")
    machine = sfn.describe_state_machine(stateMachineArn=arn)
    if machine["type"] == "STANDARD":
        for run in pages(sfn, "list_executions", "executions", stateMachineArn=arn, statusFilter="RUNNING"):
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


def _rules(here: Here) -> Iterator[str]:
    """The rules on every bus, each as bus/rule: a rule of ours may listen on the account's own bus."""
    events = here.client("events")
    for bus in pages(events, "list_event_buses", "EventBuses"):
        with suppress(events.exceptions.ResourceNotFoundException):  # the bus has vanished, and its rules with it
            asked = {"NamePrefix": here.lab.prefix, "EventBusName": bus["Name"]}
            yield from (f"{bus['Name']}/{found['Name']}" for found in pages(events, "list_rules", "Rules", **asked))


def _rule_tags(here: Here, path: str) -> dict[str, str]:
    arn = here.arn("events", f"rule/{path.removeprefix('default/')}")
    return tag_mapping(here.client("events").list_tags_for_resource(ResourceARN=arn)["Tags"])


def _remove_rule(here: Here, path: str) -> None:
    events = here.client("events")
    bus, name = path.rsplit("/", 1)
    rule = {"Rule": name, "EventBusName": bus}
    targets = [one["Id"] for one in pages(events, "list_targets_by_rule", "Targets", **rule)]
    if targets:
        events.remove_targets(**rule, Ids=targets)
    events.delete_rule(Name=name, EventBusName=bus)


def _queues(here: Here) -> Iterator[str]:
    for url in pages(here.client("sqs"), "list_queues", "QueueUrls", QueueNamePrefix=here.lab.prefix):
        yield url.split("/")[-1]


def _queue_url(here: Here, name: str) -> str:
    return str(here.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


_function_tags = _tags("lambda", "list_tags", "Tags", Resource="lambda:function:{}")


def _tables(here: Here, database: str) -> Iterator[str]:
    for found in pages(here.client("glue"), "get_tables", "TableList", DatabaseName=database):
        yield f"{database}.{found['Name']}"


def _remove_table(here: Here, name: str) -> None:
    database, table = name.split(".", 1)
    here.client("glue").delete_table(DatabaseName=database, Name=table)


def _log_groups(here: Here) -> Iterator[str]:
    for start in (OF_FUNCTIONS + here.lab.prefix, log_group_of(here.lab.prefix)):
        found = pages(here.client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=start)
        yield from (group["logGroupName"] for group in found)


_own_log_group_tags = _tags("logs", "list_tags_for_resource", "tags", resourceArn="logs:log-group:{}")


def _log_group_tags(here: Here, name: str) -> Mapping[str, str]:
    """Its own, or its function's: Lambda makes log groups itself, without tags.

    Where the function is gone too, nothing but the name says whose it was: that of the lab whose role has a tag with
    the longest prefix that it begins with, or else ours.
    """
    tags = _own_log_group_tags(here, name)
    if "lab" in tags or not name.startswith(OF_FUNCTIONS):
        return tags
    function = name.removeprefix(OF_FUNCTIONS)
    try:
        return _function_tags(here, function)
    except ClientError as error:
        if not gone(error):
            raise
    labs = [tags for role in _roles(here) if function.startswith((tags := _role_tags(here, role)).get("lab", "/"))]
    return max(labs, key=lambda tags: len(tags["lab"]), default=here.lab.tags)


def _bucket_tags(here: Here, name: str) -> dict[str, str]:
    try:
        return tag_mapping(here.client("s3").get_bucket_tagging(Bucket=name)["TagSet"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return {}
        raise


def _remove_bucket(here: Here, name: str) -> None:
    s3 = here.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
        keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
        if keys:
            done = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
            for refused in done.get("Errors", []):
                raise LabError(f"its object {refused['Key']} could not be deleted: {refused.get('Message', '')}")
    s3.delete_bucket(Bucket=name)


def _access_keys(here: Here, user: str) -> Iterator[str]:
    for found in pages(here.client("iam"), "list_access_keys", "AccessKeyMetadata", UserName=user):
        yield f"{user}/{found['AccessKeyId']}"


def _remove_access_key(here: Here, name: str) -> None:
    user, key = name.rsplit("/", 1)
    here.client("iam").delete_access_key(UserName=user, AccessKeyId=key)


_roles = _names("iam", "list_roles", "Roles", "RoleName")
_role_tags = _tags("iam", "list_role_tags", "Tags", RoleName="{}")


def _remove_idle_role(here: Here, name: str) -> None:
    for acting, _ in [place.acting for place in here.beside.values()]:
        if name in acting:
            raise LabError(f"the {acting[name]} acts as it")
    if failed := here.acting[1]:
        raise LabError(f"whether anything acts as it could not be seen: {failed}")
    remove_role(here, name)


def _identity_removal(kind: str) -> Callable[[Here, str], None]:
    """The deletion of a user or a role with the policies in it; managed ones are only detached."""

    def remove(here: Here, name: str) -> None:
        iam, whose = here.client("iam"), {f"{kind.title()}Name": name}
        for policy in pages(iam, f"list_{kind}_policies", "PolicyNames", **whose):
            getattr(iam, f"delete_{kind}_policy")(**whose, PolicyName=policy)
        for policy in pages(iam, f"list_attached_{kind}_policies", "AttachedPolicies", **whose):
            getattr(iam, f"detach_{kind}_policy")(**whose, PolicyArn=policy["PolicyArn"])
        getattr(iam, f"delete_{kind}")(**whose)

    return remove


remove_role = _identity_removal("role")

_RUNNING = ("function", "state machine")
_KINDS = (
    Kind(
        "state machine",
        _names("stepfunctions", "list_state_machines", "stateMachines", "name"),
        _tags("stepfunctions", "list_tags_for_resource", "tags", resourceArn="states:stateMachine:{}"),
        remove_machine,
    ),
    Kind(
        "activity",
        _names("stepfunctions", "list_activities", "activities", "name"),
        _tags("stepfunctions", "list_tags_for_resource", "tags", resourceArn="states:activity:{}"),
        _deletion("stepfunctions", "delete_activity", activityArn="states:activity:{}"),
        after=("state machine",),
    ),
    Kind("rule", _rules, _rule_tags, _remove_rule),
    Kind(
        "event bus",
        _names("events", "list_event_buses", "EventBuses", "Name"),
        _tags("events", "list_tags_for_resource", "Tags", ResourceARN="events:event-bus/{}"),
        _deletion("events", "delete_event_bus", Name="{}"),
        after=("rule", "state machine"),
    ),
    Kind(
        "queue",
        _queues,
        _tags("sqs", "list_queue_tags", "Tags", QueueUrl=_queue_url),
        _deletion("sqs", "delete_queue", QueueUrl=_queue_url),
        after=("rule", "state machine"),
    ),
    Kind(
        "function",
        _names("lambda", "list_functions", "Functions", "FunctionName"),
        _function_tags,
        _deletion("lambda", "delete_function", FunctionName="{}"),
        after=("rule", "state machine"),
    ),
    Kind("log group", _log_groups, _log_group_tags, _deletion("logs", "delete_log_group", logGroupName="{}"), _RUNNING),
    Kind(
        "workgroup",
        _names("athena", "list_work_groups", "WorkGroups", "Name"),
        _tags("athena", "list_tags_for_resource", "Tags", ResourceARN="athena:workgroup/{}"),
        _deletion("athena", "delete_work_group", WorkGroup="{}", RecursiveDeleteOption=True),
        after=_RUNNING,
    ),
    Kind(
        "database",
        _names("glue", "get_databases", "DatabaseList", "Name", lambda lab: lab.database_prefix),
        _tags("glue", "get_tags", "Tags", ResourceArn="glue:database/{}"),
        _deletion("glue", "delete_database", Name="{}"),
        after=("table",),
    ),
    Kind("table", _tables, None, _remove_table, after=_RUNNING, owner="database"),
    Kind(
        "bucket",
        _names("s3", "list_buckets", "Buckets", "Name", lambda lab: lab.bucket_prefix),
        _bucket_tags,
        _remove_bucket,
        after=("table", "workgroup"),
        worldwide=True,
    ),
    Kind(
        "user",
        _names("iam", "list_users", "Users", "UserName"),
        _tags("iam", "list_user_tags", "Tags", UserName="{}"),
        _identity_removal("user"),
        after=("access key",),
        worldwide=True,
    ),
    Kind("access key", _access_keys, None, _remove_access_key, owner="user", worldwide=True),
    Kind("role", _roles, _role_tags, _remove_idle_role, after=_RUNNING, worldwide=True),
)

KINDS = {kind.name: kind for kind in _KINDS}
"""By name. What uses something goes before it, and what a running thing could make again goes after that."""
NAMES = list(KINDS)
ORDER = list(TopologicalSorter({kind.name: kind.after for kind in _KINDS}).static_order())
