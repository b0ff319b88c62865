"""Find what was made, by its tags or its owner's, and remove it: one thing at a time, or all of it."""

import html
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

import pandas as pd
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from helpers.deploy.ownership import is_ours
from helpers.errors import LabError, SandboxGone
from helpers.lab import Lab, current
from helpers.verbatim import verbatim

__all__ = ["Here", "Inventory", "Removal", "made", "tear_down"]

DELETING = 60.0  # seconds; a machine disappears when its last execution has ended
PATIENT = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
FAILURES = (ClientError, BotoCoreError, LabError)
GONE = ("NotFound", "DoesNotExist", "NoSuchEntity", "NoSuchBucket", "NonExistentQueue")
COLUMNS = ["region", "kind", "name", "reason"]
PLURALS = {"activity": "activities", "event bus": "event buses"}
MOST_KEYS = 1000  # that S3 deletes at once, and lists on a page; API reference, DeleteObjects


class Here:
    """A lab in one region: its clients, and the ARNs of what is there."""

    def __init__(self, lab: Lab, region: str | None = None) -> None:
        self.lab, self.prefix, self.region = lab, lab.prefix, region or lab.region
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The one client of `service` here; it gives up soon where nobody answers."""
        if service not in self._clients:
            self._clients[service] = self.lab.client(service, region_name=self.region, config=PATIENT)
        return self._clients[service]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of `resource` here."""
        partition = self.lab.session.get_partition_for_region(self.region)
        return f"arn:{partition}:{service}:{self.region}:{self.lab.account}:{resource}"

    @cached_property
    def acting(self) -> tuple[dict[str, str], str]:
        """By a role's name a function or machine, whoever made it, that acts as it when first asked; and a failure."""
        found = {}
        try:
            for function in _pages(self.client("lambda"), "list_functions", "Functions"):
                found[function["Role"].split("/")[-1]] = f"function {function['FunctionName']}"
            sfn = self.client("stepfunctions")
            for machine in _pages(sfn, "list_state_machines", "stateMachines"):
                with suppress(sfn.exceptions.StateMachineDoesNotExist):
                    described = sfn.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
                    found[described["roleArn"].split("/")[-1]] = f"state machine {machine['name']}"
        except (ClientError, BotoCoreError) as error:
            return found, _why(error)
        return found, ""


class Kind(NamedTuple):
    """A kind of thing, of which one is known by its name.

    `listed` gives the names of those that may be ours, `tags` the tags by which we see whether one is, `remove` removes
    one. Where AWS tags no such thing, its `owner`, a kind, has the tags, and `listed` gives what that owner has.
    """

    name: str
    listed: Callable[..., Iterator[str]]
    tags: Callable[[Here, str], Mapping[str, str]] | None
    remove: Callable[[Here, str], None]
    after: tuple[str, ...] = ()
    owner: str | None = None
    worldwide: bool = False
    """Listed alike in each region; the tags name the region in which it is used."""


class Thing(NamedTuple):
    """A thing of ours; or with a reason one that could not be looked at, without a name a whole kind."""

    region: str
    kind: str
    name: str
    reason: str = ""


class Inventory(pd.DataFrame):
    """A frame that shows itself whole, grouped by region and kind. `attrs["regions"]` are those looked into."""

    def _repr_html_(self) -> str:
        return verbatim(_grouped(self) if len(self) else f"<p>{html.escape(repr(self))}</p>")

    def __repr__(self) -> str:
        if self.empty:
            return f"Nothing of ours is there in {_listed(self.attrs.get('regions', []))}."
        return str(_shown(self).to_string(index=False))


class Removal:
    """What `tear_down` did: two frames, `removed` and `remaining`, with the columns region, kind, name, reason (text).

    A row of `remaining` without a name stands for a whole kind that could not be looked at.
    """

    def __init__(self, removed: pd.DataFrame, remaining: pd.DataFrame, regions: Iterable[str]) -> None:
        self.removed, self.remaining, self.regions = removed, remaining, sorted(regions)

    def __repr__(self) -> str:
        counted = [_counted(count, str(kind)) for kind, count in self.removed["kind"].value_counts(sort=False).items()]
        words = [f"Removed {_listed(counted)}." if counted else "There was nothing to remove."]
        if self.remaining.empty:
            words.append(f"Nothing is left in {_listed(self.regions)}.")
        unseen = self.remaining["reason"].str.startswith(UNSEEN)
        if not unseen.all():
            left = [f"{one.kind} {one.name} ({one.reason})" for one in self.remaining[~unseen].itertuples()]
            words.append(f"Still there: {'; '.join(left)}.")
        for one in map(Thing._make, self.remaining[unseen].itertuples(index=False)):
            what = f"The {one.kind} {one.name}"
            if not one.name or one.name.startswith("("):
                what = f"{_plural(one.kind).capitalize()} {one.name}".strip()
            words.append(f"{what} in {one.region} {one.reason.rstrip('.')}.")
        return " ".join(words)

    def _repr_html_(self) -> str:
        tables = "".join(_grouped(frame) for frame in (self.removed, self.remaining) if len(frame))
        return verbatim(f"<p>{html.escape(repr(self))}</p>{tables}")


def tear_down(lab: Lab | None = None, *, regions: Iterable[str] = ()) -> Removal:
    """Remove all that was made in this lab, in the order that AWS needs, and look whether anything is left.

    Only what bears the lab's tags is touched, or belongs to what bears them, whatever half of it exists; calling it
    again is safe. Looked into are the lab's region, those that the tags of roles, users and buckets name, and
    `regions`: one in which only a company's own role was used is named nowhere else. Running executions are stopped. A
    role stays as long as anything acts as it, or it cannot be seen whether anything does. What cannot be looked at or
    removed does not keep the others, and is a row of `remaining` with its reason.

    Raises SandboxGone when the sandbox ends meanwhile.
    """
    lab = lab or current()
    found = _look(lab, regions)
    places = {region: Here(lab, region) for region in found.regions}
    removed: list[Thing] = []
    refused: dict[Thing, str] = {}
    for thing in sorted(found.things, key=lambda thing: ORDER.index(thing.kind)):
        if unseen := [one.kind for one in found.things if one.name == _all_of(thing) and one.reason]:
            refused[thing] = f"its {_plural(unseen[0])} could not be looked at"
        elif not thing.reason:
            try:
                BY_NAME[thing.kind].remove(places[thing.region], thing.name)
                removed.append(thing)
            except SandboxGone:
                raise
            except FAILURES as error:
                if not _gone(error):
                    refused[thing] = _why(error)
    left = _look(lab, found.regions)
    remaining = [one._replace(reason=one.reason or refused.get(one, "still there")) for one in left.things]
    return Removal(
        _frame(one for one in found.things if one in removed and one not in left.things),
        _frame(remaining),
        found.regions | left.regions,
    )


def made(lab: Lab | None = None, *, regions: Iterable[str] = ()) -> Inventory:
    """What there is in this lab that `tear_down` would remove.

    A frame with the columns region, kind, name and reason (text). A row with a reason is a thing, or without a name a
    whole kind, that could not be looked at. `regions` is `tear_down`'s.
    """
    found = _look(lab or current(), regions)
    inventory = Inventory(_frame(found.things))
    inventory.attrs["regions"] = sorted(found.regions)
    return inventory


def quietly(remove: Callable[[Here, str], None], lab: Lab, name: str) -> None:
    """Undo a step of a call that failed; a refusal must not hide why it failed."""
    with suppress(*FAILURES):
        remove(Here(lab), name)


UNSEEN = "could not be looked at, because "


class Found(NamedTuple):
    things: list[Thing]
    regions: set[str]


def _look(lab: Lab, regions: Iterable[str]) -> Found:
    """All things of ours, first those that the whole world shares: they name the regions in which to look."""
    things = _things(Here(lab), worldwide=True)
    used = {lab.region, *regions, *(thing.region for thing in things)}
    for region in sorted(used):
        things += _things(Here(lab, region), worldwide=False)
    return Found(sorted(things, key=lambda thing: (thing.region, NAMES.index(thing.kind), thing.name)), used)


def _things(here: Here, worldwide: bool) -> list[Thing]:
    things: list[Thing] = []
    for kind in KINDS:
        if kind.worldwide != worldwide:
            continue
        if kind.owner is None:
            things += _of_kind(here, kind)
        for owner in [one for one in things if one.kind == kind.owner and not one.reason]:
            things += _of_kind(here, kind, owner)
    return things


def _of_kind(here: Here, kind: Kind, owner: Thing | None = None) -> Iterator[Thing]:
    """Those of a kind that are ours. What has vanished since it was listed is left out, what fails has a reason."""
    try:
        for name in kind.listed(here, owner.name) if owner else kind.listed(here):
            try:
                tags = kind.tags(here, name) if kind.tags else here.lab.tags
                if is_ours(here.lab, tags):
                    region = tags.get("region", here.region) if kind.worldwide else here.region
                    yield Thing(region, kind.name, name)
            except SandboxGone:
                raise
            except FAILURES as error:
                if not _gone(error):
                    yield Thing(here.region, kind.name, name, UNSEEN + _why(error))
    except SandboxGone:
        raise
    except FAILURES as error:
        if not (owner and _gone(error)):
            yield Thing(here.region, kind.name, _all_of(owner) if owner else "", UNSEEN + _why(error))


def _all_of(owner: Thing) -> str:
    return f"(of {owner.kind} {owner.name})"


def _gone(error: Exception) -> bool:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return any(word in code for word in GONE)


def _why(error: Exception) -> str:
    told = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    return str(told.get("Message") or told.get("Code") or error)


def _frame(things: Iterable[Thing]) -> pd.DataFrame:
    return pd.DataFrame(list(things), columns=COLUMNS, dtype="str")


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Region and kind only where they change, and the reasons only where there are some."""
    shown = pd.DataFrame(frame)[COLUMNS if (frame["reason"] != "").any() else COLUMNS[:-1]].copy()
    shown.loc[shown.duplicated(["region", "kind"]), ["region", "kind"]] = ""
    return shown


def _grouped(frame: pd.DataFrame) -> str:
    with pd.option_context("display.max_colwidth", None):
        return str(_shown(frame).to_html(index=False, max_rows=None))


def _plural(kind: str) -> str:
    return PLURALS.get(kind, f"{kind}s")


def _counted(count: int, kind: str) -> str:
    return f"{count} {kind if count == 1 else _plural(kind)}"


def _listed(words: Iterable[str]) -> str:
    *most, last = list(words) or ["no region"]
    return f"{', '.join(most)} and {last}" if most else last


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])


def _pages_by_token(operation: Callable[..., Any], key: str, **arguments: Any) -> Iterator[Any]:
    """For the operations that have no paginator in boto3."""
    token: dict[str, str] = {}
    while True:
        page = operation(**arguments, **token)
        yield from page.get(key, [])
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def _mapping(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags from the list of pairs that most services give; some write key, some Key."""
    small = [{word.lower(): text for word, text in tag.items()} for tag in tags]
    return {tag["key"]: tag["value"] for tag in small}


def _machines(here: Here) -> Iterator[str]:
    for found in _pages(here.client("stepfunctions"), "list_state_machines", "stateMachines"):
        if found["name"].startswith(here.prefix):
            yield found["name"]


def _machine_tags(here: Here, name: str) -> dict[str, str]:
    arn = here.arn("states", f"stateMachine:{name}")
    return _mapping(here.client("stepfunctions").list_tags_for_resource(resourceArn=arn)["tags"])


def remove_machine(here: Here, name: str) -> None:
    """Stop a machine's executions, delete it and wait until it is gone."""
    sfn, arn = here.client("stepfunctions"), here.arn("states", f"stateMachine:{name}")
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


def _activities(here: Here) -> Iterator[str]:
    for found in _pages(here.client("stepfunctions"), "list_activities", "activities"):
        if found["name"].startswith(here.prefix):
            yield found["name"]


def _activity_tags(here: Here, name: str) -> dict[str, str]:
    arn = here.arn("states", f"activity:{name}")
    return _mapping(here.client("stepfunctions").list_tags_for_resource(resourceArn=arn)["tags"])


def _remove_activity(here: Here, name: str) -> None:
    here.client("stepfunctions").delete_activity(activityArn=here.arn("states", f"activity:{name}"))


def _rules(here: Here) -> Iterator[str]:
    """The rules on every bus, each as bus/rule: a rule of ours may listen on the account's own bus."""
    events = here.client("events")
    for bus in _pages_by_token(events.list_event_buses, "EventBuses"):
        for found in _pages(events, "list_rules", "Rules", NamePrefix=here.prefix, EventBusName=bus["Name"]):
            yield f"{bus['Name']}/{found['Name']}"


def _rule_tags(here: Here, path: str) -> dict[str, str]:
    arn = here.arn("events", f"rule/{path.removeprefix('default/')}")
    return _mapping(here.client("events").list_tags_for_resource(ResourceARN=arn)["Tags"])


def _remove_rule(here: Here, path: str) -> None:
    events = here.client("events")
    bus, name = path.rsplit("/", 1)
    targets = [one["Id"] for one in _pages(events, "list_targets_by_rule", "Targets", Rule=name, EventBusName=bus)]
    if targets:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=targets)
    events.delete_rule(Name=name, EventBusName=bus)


def _buses(here: Here) -> Iterator[str]:
    for found in _pages_by_token(here.client("events").list_event_buses, "EventBuses", NamePrefix=here.prefix):
        yield found["Name"]


def _bus_tags(here: Here, name: str) -> dict[str, str]:
    arn = here.arn("events", f"event-bus/{name}")
    return _mapping(here.client("events").list_tags_for_resource(ResourceARN=arn)["Tags"])


def _remove_bus(here: Here, name: str) -> None:
    here.client("events").delete_event_bus(Name=name)


def _queues(here: Here) -> Iterator[str]:
    for url in _pages(here.client("sqs"), "list_queues", "QueueUrls", QueueNamePrefix=here.prefix):
        yield url.split("/")[-1]


def _queue_url(here: Here, name: str) -> str:
    return str(here.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def _queue_tags(here: Here, name: str) -> dict[str, str]:
    return dict(here.client("sqs").list_queue_tags(QueueUrl=_queue_url(here, name)).get("Tags", {}))


def _remove_queue(here: Here, name: str) -> None:
    here.client("sqs").delete_queue(QueueUrl=_queue_url(here, name))


def _functions(here: Here) -> Iterator[str]:
    for found in _pages(here.client("lambda"), "list_functions", "Functions"):
        if found["FunctionName"].startswith(here.prefix):
            yield found["FunctionName"]


def _function_tags(here: Here, name: str) -> dict[str, str]:
    return dict(here.client("lambda").list_tags(Resource=here.arn("lambda", f"function:{name}"))["Tags"])


def remove_function(here: Here, name: str) -> None:
    """Delete a function."""
    here.client("lambda").delete_function(FunctionName=name)


def _workgroups(here: Here) -> Iterator[str]:
    for found in _pages_by_token(here.client("athena").list_work_groups, "WorkGroups"):
        if found["Name"].startswith(here.prefix):
            yield found["Name"]


def _workgroup_tags(here: Here, name: str) -> dict[str, str]:
    arn = here.arn("athena", f"workgroup/{name}")
    return _mapping(here.client("athena").list_tags_for_resource(ResourceARN=arn).get("Tags", []))


def _remove_workgroup(here: Here, name: str) -> None:
    here.client("athena").delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)


def _databases(here: Here) -> Iterator[str]:
    for found in _pages(here.client("glue"), "get_databases", "DatabaseList"):
        if found["Name"].startswith(here.lab.database_prefix):
            yield found["Name"]


def _database_tags(here: Here, name: str) -> dict[str, str]:
    return dict(here.client("glue").get_tags(ResourceArn=here.arn("glue", f"database/{name}")).get("Tags", {}))


def _remove_database(here: Here, name: str) -> None:
    here.client("glue").delete_database(Name=name)


def _tables(here: Here, database: str) -> Iterator[str]:
    for found in _pages(here.client("glue"), "get_tables", "TableList", DatabaseName=database):
        yield f"{database}.{found['Name']}"


def _remove_table(here: Here, name: str) -> None:
    database, table = name.split(".", 1)
    here.client("glue").delete_table(DatabaseName=database, Name=table)


def _log_groups(here: Here) -> Iterator[str]:
    for parent in (OF_FUNCTIONS, "/aws/vendedlogs/states/"):
        for found in _pages(
            here.client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=f"{parent}{here.prefix}"
        ):
            yield found["logGroupName"]


OF_FUNCTIONS = "/aws/lambda/"


def _log_group_tags(here: Here, name: str) -> dict[str, str]:
    """Its own, or its function's: Lambda makes log groups itself, without tags.

    Where the function is gone too, nothing but the name tells whose it was: ours, unless it has a longer prefix that
    is another lab's.
    """
    arn = here.arn("logs", f"log-group:{name}")
    tags = dict(here.client("logs").list_tags_for_resource(resourceArn=arn).get("tags", {}))
    if "lab" in tags or not name.startswith(OF_FUNCTIONS):
        return tags
    function = name.removeprefix(OF_FUNCTIONS)
    try:
        return _function_tags(here, function)
    except ClientError as error:
        if not _gone(error):
            raise
    others = (_role_tags(here, role) for role in _roles(here))
    if any(function.startswith(tags["lab"]) for tags in others if "lab" in tags and not is_ours(here.lab, tags)):
        return {}
    return here.lab.tags


def remove_log_group(here: Here, name: str) -> None:
    """Delete a log group with all that was logged."""
    here.client("logs").delete_log_group(logGroupName=name)


def _buckets(here: Here) -> Iterator[str]:
    for found in _pages(here.client("s3"), "list_buckets", "Buckets"):
        if found["Name"].startswith(here.lab.bucket_prefix):
            yield found["Name"]


def _bucket_tags(here: Here, name: str) -> dict[str, str]:
    try:
        return _mapping(here.client("s3").get_bucket_tagging(Bucket=name)["TagSet"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return {}
        raise


def _remove_bucket(here: Here, name: str) -> None:
    s3 = here.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name, MaxKeys=MOST_KEYS):
        versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
        keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
        if keys:
            done = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
            for refused in done.get("Errors", []):
                raise LabError(f"its object {refused['Key']} could not be deleted: {refused.get('Message', '')}")
    s3.delete_bucket(Bucket=name)


def _users(here: Here) -> Iterator[str]:
    for found in _pages(here.client("iam"), "list_users", "Users"):
        if found["UserName"].startswith(here.prefix):
            yield found["UserName"]


def _user_tags(here: Here, name: str) -> dict[str, str]:
    return _mapping(_pages(here.client("iam"), "list_user_tags", "Tags", UserName=name))


def _remove_user(here: Here, name: str) -> None:
    iam = here.client("iam")
    for policy in _pages(iam, "list_user_policies", "PolicyNames", UserName=name):
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for policy in _pages(iam, "list_attached_user_policies", "AttachedPolicies", UserName=name):
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_user(UserName=name)


def _access_keys(here: Here, user: str) -> Iterator[str]:
    for found in _pages(here.client("iam"), "list_access_keys", "AccessKeyMetadata", UserName=user):
        yield f"{user}/{found['AccessKeyId']}"


def _remove_access_key(here: Here, name: str) -> None:
    user, key = name.rsplit("/", 1)
    here.client("iam").delete_access_key(UserName=user, AccessKeyId=key)


def _roles(here: Here) -> Iterator[str]:
    for found in _pages(here.client("iam"), "list_roles", "Roles"):
        if found["RoleName"].startswith(here.prefix):
            yield found["RoleName"]


def _role_tags(here: Here, name: str) -> dict[str, str]:
    return _mapping(_pages(here.client("iam"), "list_role_tags", "Tags", RoleName=name))


def _remove_idle_role(here: Here, name: str) -> None:
    acting, failed = here.acting
    if name in acting:
        raise LabError(f"the {acting[name]} acts as it")
    if failed:
        raise LabError(f"whether anything acts as it could not be seen: {failed}")
    remove_role(here, name)


def remove_role(here: Here, name: str) -> None:
    """Delete a role with its policies; managed ones are only detached."""
    iam = here.client("iam")
    for policy in _pages(iam, "list_role_policies", "PolicyNames", RoleName=name):
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


KINDS = (
    Kind("state machine", _machines, _machine_tags, remove_machine),
    Kind("activity", _activities, _activity_tags, _remove_activity, after=("state machine",)),
    Kind("rule", _rules, _rule_tags, _remove_rule),
    Kind("event bus", _buses, _bus_tags, _remove_bus, after=("rule", "state machine")),
    Kind("queue", _queues, _queue_tags, _remove_queue, after=("rule", "state machine")),
    Kind("function", _functions, _function_tags, remove_function, after=("rule", "state machine")),
    Kind("log group", _log_groups, _log_group_tags, remove_log_group, after=("function", "state machine")),
    Kind("workgroup", _workgroups, _workgroup_tags, _remove_workgroup, after=("function", "state machine")),
    Kind("database", _databases, _database_tags, _remove_database, after=("table",)),
    Kind("table", _tables, None, _remove_table, owner="database", after=("function", "state machine")),
    Kind("bucket", _buckets, _bucket_tags, _remove_bucket, after=("table", "workgroup"), worldwide=True),
    Kind("user", _users, _user_tags, _remove_user, after=("access key",), worldwide=True),
    Kind("access key", _access_keys, None, _remove_access_key, owner="user", worldwide=True),
    Kind("role", _roles, _role_tags, _remove_idle_role, after=("function", "state machine"), worldwide=True),
)
"""All that we make. What uses something goes before it, and what a running thing could make again goes after that."""

BY_NAME = {kind.name: kind for kind in KINDS}
NAMES = list(BY_NAME)
ORDER = list(TopologicalSorter({kind.name: kind.after for kind in KINDS}).static_order())
