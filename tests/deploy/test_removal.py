"""Finding what was made and removing it: nothing of others', and never a last word that is not so."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from botocore.exceptions import EndpointConnectionError

import helpers
from helpers import definition, deploy
from helpers.deploy import kinds
from helpers.deploy.permissions import Setting, machine_statements
from helpers.errors import InvalidSetting
from helpers.lab.sessions import EndpointSession
from tests.deploy.sandboxed import Refusing, listen, passing, queried

ELSEWHERE = "eu-west-1"


def pairs(lab: helpers.Lab, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in lab.tags.items()]


def removed(done: deploy.Removal) -> set[tuple[str, str]]:
    return set(zip(done.removed["kind"], done.removed["name"], strict=True))


def with_prefix(monkeypatch: pytest.MonkeyPatch, prefix: str, region: str | None = None) -> helpers.Lab:
    monkeypatch.setenv("LAB_PREFIX", prefix)
    return helpers.connect("sandbox", region=region)


def a_bucket(lab: helpers.Lab, name: str) -> str:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(lab)})
    s3.put_object(Bucket=name, Key="one", Body=b"1")
    return name


def a_database(lab: helpers.Lab, name: str, table: str = "orders") -> str:
    glue = lab.client("glue")
    glue.create_database(DatabaseInput={"Name": name}, Tags=lab.tags)
    glue.create_table(DatabaseName=name, TableInput={"Name": table})
    return name


def a_user(lab: helpers.Lab, name: str) -> str:
    lab.client("iam").create_user(UserName=lab.name(name), Tags=pairs(lab))
    key = lab.client("iam").create_access_key(UserName=lab.name(name))["AccessKey"]
    return str(key["AccessKeyId"])


def a_bus_with_a_rule(lab: helpers.Lab) -> None:
    events, bus = lab.client("events"), lab.name("bus")
    events.create_event_bus(Name=bus, Tags=pairs(lab))
    queue = lab.client("sqs").create_queue(QueueName=lab.name("jobs"), tags=lab.tags)["QueueUrl"].split("/")[-1]
    target = f"arn:aws:sqs:{lab.region}:{lab.account}:{queue}"
    for name, on in (("wanted", bus), ("here", "default")):
        events.put_rule(Name=lab.name(name), EventBusName=on, EventPattern='{"source": ["x"]}', Tags=pairs(lab))
        events.put_targets(Rule=lab.name(name), EventBusName=on, Targets=[{"Id": "only", "Arn": target}])


def everything_of_every_kind(lab: helpers.Lab) -> set[tuple[str, str]]:
    """Make one or more of each kind that there is, and give their kinds and names."""
    waiting = {"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    machine = deploy.state_machine("waiting", waiting, log_level="ALL", lab=lab)
    lab.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")
    lab.client("stepfunctions").create_activity(name=lab.name("act"), tags=pairs(lab, "key", "value"))
    function = deploy.function("ask_job", lab=lab)
    lab.client("lambda").invoke(FunctionName=function, Payload="{}")
    a_bus_with_a_rule(lab)
    bucket = a_bucket(lab, lab.bucket_name("data"))
    database = a_database(lab, lab.database_name("shop"))
    lab.client("athena").create_work_group(Name=lab.name("group"), Tags=pairs(lab))
    key = a_user(lab, "nobody")
    name = lab.name
    return {
        ("state machine", name("waiting")),
        ("activity", name("act")),
        ("function", name("ask_job")),
        ("role", name(f"waiting-states-{lab.region}")),
        ("role", name(f"ask_job-lambda-{lab.region}")),
        ("log group", f"/aws/vendedlogs/states/{name('waiting')}"),
        ("log group", f"/aws/lambda/{name('ask_job')}"),
        ("rule", f"{name('bus')}/{name('wanted')}"),
        ("rule", f"default/{name('here')}"),
        ("event bus", name("bus")),
        ("queue", name("jobs")),
        ("bucket", bucket),
        ("database", database),
        ("table", f"{database}.orders"),
        ("workgroup", name("group")),
        ("user", name("nobody")),
        ("access key", f"{name('nobody')}/{key}"),
    }


def test_every_kind_is_found_and_removed(clean):
    there = everything_of_every_kind(clean)
    assert {kind for kind, _ in there} == set(kinds.NAMES)
    seen = deploy.made(clean)
    assert set(zip(seen["kind"], seen["name"], strict=True)) == there
    done = deploy.tear_down(clean)
    assert removed(done) == there
    assert done.remaining.empty
    assert repr(done).endswith(f"Nothing is left in {clean.region}.")
    again = deploy.tear_down(clean)
    assert again.removed.empty
    assert again.remaining.empty
    assert "nothing to remove" in repr(again)


@pytest.mark.parametrize("prefix", ["My_Lab-", "team_7_", "A2345678901234567890123456789-", "ws"])
def test_any_prefix_finds_all_its_things_again(clean, monkeypatch, prefix):
    lab = with_prefix(monkeypatch, prefix)
    there = everything_of_every_kind(lab)
    assert removed(deploy.tear_down(lab)) == there


def test_names_of_buckets_and_databases_are_what_aws_takes_and_no_two_labs_share_one(monkeypatch):
    prefixes = ["lab-", "Lab-", "lab_", "LAB_", "lab--", "A_345678901234567890123456789_"]
    labs = [with_prefix(monkeypatch, prefix) for prefix in prefixes]
    buckets = [lab.bucket_name("a_long-name-Indeed") for lab in labs]
    databases = [lab.database_name("Shop-1") for lab in labs]
    assert len(set(buckets)) == len(set(databases)) == len(labs)
    for lab, bucket, database in zip(labs, buckets, databases, strict=True):
        assert bucket.startswith(lab.bucket_prefix)
        assert len(bucket) <= 63
        assert set(bucket) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert database.startswith(lab.database_prefix)
        assert set(database) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
    assert labs[0].database_name("shop") == "lab_shop"


def test_a_machine_may_use_the_bucket_of_any_prefix():
    here = Setting("aws", "eu-west-3", "111122223333", "My_Lab-", "m")
    machine = definition.load("athena_sync", Database="d", OutputLocation="${Later}")
    assert "arn:aws:s3:::my-lab-*" in json.dumps(machine_statements(machine, here))


def test_what_was_made_in_another_region_is_found_from_here(clean):
    there = helpers.connect("sandbox", region=ELSEWHERE)
    here = helpers.connect("sandbox")
    for lab in (there, here):
        deploy.deploy("recheck", lab=lab)
    there.client("sqs").create_queue(QueueName=there.name("far"), tags=there.tags)
    assert set(deploy.made(here)["region"]) == {here.region, ELSEWHERE}
    # The role of one region serves only there.
    roles = [one["RoleName"] for one in here.client("iam").list_roles()["Roles"]]
    assert {here.name(f"recheck-states-{one}") for one in (here.region, ELSEWHERE)} <= set(roles)
    done = deploy.tear_down(here)
    assert done.remaining.empty
    assert there.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert there.client("sqs").list_queues().get("QueueUrls", []) == []
    assert f"Nothing is left in {ELSEWHERE} and {here.region}" in repr(done)


def test_a_role_that_is_used_in_another_region_stays_as_long(clean, denied):
    there = helpers.connect("sandbox", region=ELSEWHERE)
    role = deploy.role("far", lab=clean)
    deploy.function("ask_job", role=role, lab=there)
    done = deploy.tear_down(denied("lambda:DeleteFunction"), regions=[ELSEWHERE])
    left = dict(zip(done.remaining["name"], done.remaining["reason"], strict=True))
    assert f"{clean.name('ask_job')} acts as it" in left[clean.name(f"far-{clean.region}")]
    assert deploy.tear_down(clean, regions=[ELSEWHERE]).remaining.empty


def test_a_region_that_only_a_company_s_role_was_used_in_is_named_by_hand(clean):
    there = helpers.connect("sandbox", region=ELSEWHERE)
    here = helpers.connect("sandbox")
    there.client("sqs").create_queue(QueueName=there.name("far"), tags=there.tags)
    assert ELSEWHERE not in repr(deploy.tear_down(here))
    done = deploy.tear_down(here, regions=[ELSEWHERE])
    assert removed(done) == {("queue", here.name("far"))}


@pytest.mark.parametrize(("regions", "wrong"), [("eu", "'eu'"), (["eu-west-1", ""], "''"), ([None], "None")])
def test_a_region_that_cannot_be_is_refused(clean, regions, wrong):
    for verb in (deploy.made, deploy.tear_down):
        with pytest.raises(InvalidSetting, match=f"regions cannot be {wrong}"):
            verb(clean, regions=regions)
    assert deploy.made(clean, regions="eu-west-1").attrs["regions"] == ["eu-west-1", clean.region]


def test_things_of_others_stay(clean, monkeypatch):
    longer = with_prefix(monkeypatch, clean.prefix + "b-")
    theirs = everything_of_every_kind(longer)
    # Not even a lab whose prefix begins theirs takes what was theirs alone, its function being gone.
    clean.client("logs").create_log_group(logGroupName=f"/aws/lambda/{longer.name('gone')}")
    untagged = clean.client("sqs").create_queue(QueueName=clean.name("untagged"))["QueueUrl"]
    clean.client("s3").create_bucket(Bucket=clean.bucket_name("untagged"))
    clean.client("glue").create_database(DatabaseInput={"Name": clean.database_name("untagged")})
    clean.client("iam").create_user(UserName=clean.name("untagged"))
    done = deploy.tear_down(clean)
    assert done.removed.empty
    assert done.remaining.empty
    seen = deploy.made(longer)
    assert theirs <= set(zip(seen["kind"], seen["name"], strict=True))
    deploy.tear_down(longer)
    clean.client("sqs").delete_queue(QueueUrl=untagged)
    clean.client("s3").delete_bucket(Bucket=clean.bucket_name("untagged"))
    clean.client("glue").delete_database(Name=clean.database_name("untagged"))
    clean.client("iam").delete_user(UserName=clean.name("untagged"))


def test_a_teacher_sees_what_each_learner_left_and_removes_one_learner_s_or_all(clean, monkeypatch):
    """Of learners one of whose prefixes begins another's, beside somebody who is none of them."""
    ann, ann_b, ben, other = (with_prefix(monkeypatch, name) for name in ("ws-ann-", "ws-ann-b-", "ws-ben-", "wx-"))
    for lab in (ann, ann_b, other):
        lab.client("sqs").create_queue(QueueName=lab.name("jobs"), tags=lab.tags)
    elsewhere = with_prefix(monkeypatch, ben.prefix, ELSEWHERE)
    function = deploy.function("ask_job", lab=elsewhere)
    elsewhere.client("lambda").invoke(FunctionName=function)
    ben_s = {
        "function ws-ben-ask_job",
        f"role ws-ben-ask_job-lambda-{ELSEWHERE}",
        "log group /aws/lambda/ws-ben-ask_job",
    }
    all_s = {ann.prefix: {"queue ws-ann-jobs"}, ann_b.prefix: {"queue ws-ann-b-jobs"}, ben.prefix: ben_s}

    def by_learner(things: pd.DataFrame) -> dict[str, set[str]]:
        return {name: set(rows["kind"] + " " + rows["name"]) for name, rows in things.groupby("learner")}

    seen = deploy.made(clean, learners="ws-*")
    assert by_learner(seen) == all_s
    assert all(prefix in repr(seen) for prefix in all_s)
    done = deploy.tear_down(clean, learners=ann.prefix)
    assert by_learner(done.removed) == {ann.prefix: all_s.pop(ann.prefix)}
    done = deploy.tear_down(clean, learners="ws-*")
    assert by_learner(done.removed) == all_s
    assert done.remaining.empty
    assert removed(deploy.tear_down(other)) == {("queue", "wx-jobs")}
    with pytest.raises(InvalidSetting, match="what all their names begin with"):
        deploy.made(clean, learners="*")


def test_a_log_group_whose_function_is_gone_is_ours_by_its_name(clean):
    group = f"/aws/lambda/{clean.name('long-gone')}"
    clean.client("logs").create_log_group(logGroupName=group)
    assert removed(deploy.tear_down(clean)) == {("log group", group)}


def test_the_rule_of_another_bus_is_not_taken_for_ours(clean):
    a_bus_with_a_rule(clean)
    events = clean.client("events")
    events.put_rule(Name=clean.name("wanted"), EventPattern='{"source": ["theirs"]}')
    try:
        deploy.tear_down(clean)
        assert events.describe_rule(Name=clean.name("wanted"))
    finally:
        events.delete_rule(Name=clean.name("wanted"))


LISTINGS = {
    "state machine": "states:ListStateMachines",
    "activity": "states:ListActivities",
    "function": "lambda:ListFunctions",
    "log group": "logs:DescribeLogGroups",
    "rule": "events:ListRules",
    "event bus": "events:ListEventBuses",
    "queue": "sqs:ListQueues",
    "bucket": "s3:ListAllMyBuckets",
    "database": "glue:GetDatabases",
    "table": "glue:GetTables",
    "workgroup": "athena:ListWorkGroups",
    "user": "iam:ListUsers",
    "access key": "iam:ListAccessKeys",
    "role": "iam:ListRoles",
}


HANGING = {
    "state machine": {"role"},
    "function": {"role"},
    "rule": {"event bus"},
    "event bus": {"rule"},
    "database": {"table"},
    "table": {"database"},
    "user": {"access key"},
    "access key": {"user"},
}
"""What stays while a kind cannot be looked at: what it may use, what has it or what it has."""


def as_a_person(lab: helpers.Lab, *denied: str) -> helpers.Lab:
    """The same lab for a person who may do all but what is `denied`."""
    iam, who = lab.client("iam"), "a-person"
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": list(denied), "Resource": "*"},
    ]
    iam.create_user(UserName=who)
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_user_policy(UserName=who, PolicyName="all-but", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=who)["AccessKey"]
    session = EndpointSession(
        lab.session._endpoint_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name=lab.region,
    )
    return helpers.Lab(lab.target, session, lab.account, f"user/{who}", lab.prefix)


@pytest.fixture
def denied(clean):
    """A maker of labs on which some calls are denied."""
    yield lambda *actions: as_a_person(clean, *actions)
    iam = clean.client("iam")
    for key in iam.list_access_keys(UserName="a-person")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="a-person", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="a-person", PolicyName="all-but")
    iam.delete_user(UserName="a-person")


APART = (
    ("state machine", "event bus", "table", "access key"),
    ("function", "bucket", "queue"),
    ("rule", "database", "activity", "user"),
    ("role", "log group", "workgroup"),
)
"""All kinds, those together that do not hang on one another: to make all of every kind takes a while."""


def test_every_kind_s_listing_is_denied_once():
    assert sorted(kind for together in APART for kind in together) == sorted(LISTINGS) == sorted(kinds.NAMES)


@pytest.mark.parametrize("together", APART, ids=", ".join)
def test_a_listing_that_is_denied_is_a_row_and_nothing_is_left_is_not_said(clean, denied, together):
    there = everything_of_every_kind(clean)
    done = deploy.tear_down(denied(*(LISTINGS[kind] for kind in together)))
    assert "nothing is left" not in repr(done).lower()
    rows = done.remaining[done.remaining["reason"].str.startswith("could not be looked at, because ")]
    for kind in together:
        reasons = rows[rows["kind"] == kind]["reason"]
        assert reasons.str.contains(LISTINGS[kind]).any()
        assert reasons.iloc[0] in repr(done)
        assert reasons.iloc[0] in html.unescape(re.sub("<[^>]*>", "", done._repr_html_()))
    # All others went, but for what hangs on those that were not seen.
    hanging = {other for kind in together for other in HANGING.get(kind, set())}
    assert set(deploy.made(clean)["kind"]) <= {*together, *hanging}
    assert removed(deploy.tear_down(clean)) <= there


def test_tags_that_may_not_be_read_are_a_row_of_that_thing(clean, denied):
    clean.client("sqs").create_queue(QueueName=clean.name("jobs"), tags=clean.tags)
    done = deploy.tear_down(denied("sqs:ListQueueTags"))
    assert list(done.remaining["name"]) == [clean.name("jobs")]
    assert "nothing is left" not in repr(done).lower()


def test_the_role_of_a_function_that_stays_stays_and_others_go(clean, denied):
    for name in ("ask_job", "start_job"):
        deploy.function(name, lab=clean)
    deploy.role("alone", lab=clean)
    done = deploy.tear_down(denied("lambda:DeleteFunction"))
    left = dict(zip(done.remaining["name"], done.remaining["reason"], strict=True))
    assert set(done.removed["name"]) == {clean.name(f"alone-{clean.region}")}
    assert "lambda:DeleteFunction" in left[clean.name("ask_job")]
    assert clean.name("ask_job") in left[clean.name(f"ask_job-lambda-{clean.region}")]
    functions = clean.client("lambda")
    role = functions.get_function_configuration(FunctionName=clean.name("ask_job"))["Role"].split("/")[-1]
    assert clean.client("iam").list_role_policies(RoleName=role)["PolicyNames"]


def test_the_role_that_somebody_else_s_machine_acts_as_stays(clean):
    role = deploy.role("shared", service="states", lab=clean)
    sfn = clean.client("stepfunctions")
    theirs = sfn.create_state_machine(name="theirs", definition=json.dumps(passing()), roleArn=role)
    done = deploy.tear_down(clean)
    assert "the state machine theirs acts as it" in repr(done)
    sfn.delete_state_machine(stateMachineArn=theirs["stateMachineArn"])
    assert deploy.tear_down(clean).remaining.empty


def between(
    lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch, operation: str, happens: Callable[[dict[str, Any]], None]
) -> None:
    """Let something happen each time just before `operation` is called."""
    event = f"provide-client-params.*.{operation}"
    listen(lab, monkeypatch, event, lambda params, **_: happens(dict(params)) or params)


def test_a_queue_that_vanishes_hides_no_other(clean, monkeypatch):
    sqs = clean.client("sqs")
    urls = {name: sqs.create_queue(QueueName=clean.name(name), tags=clean.tags)["QueueUrl"] for name in "abc"}

    def vanish(params: dict[str, Any]) -> None:
        if params["QueueUrl"].endswith(clean.name("a")):
            sqs.delete_queue(QueueUrl=urls["a"])

    with monkeypatch.context() as patched:
        between(clean, patched, "ListQueueTags", vanish)
        done = deploy.tear_down(clean)
    assert removed(done) == {("queue", clean.name("b")), ("queue", clean.name("c"))}
    assert done.remaining.empty


def test_a_bus_that_vanishes_hides_no_rule_of_another(clean, monkeypatch):
    events = clean.client("events")
    for name in "ab":
        events.create_event_bus(Name=clean.name(name), Tags=pairs(clean))
        bus = {"EventBusName": clean.name(name), "Name": clean.name("wanted")}
        events.put_rule(**bus, EventPattern='{"source": ["x"]}', Tags=pairs(clean))

    def vanish(params: dict[str, Any]) -> None:
        if params["EventBusName"] == clean.name("a"):
            events.delete_rule(Name=clean.name("wanted"), EventBusName=clean.name("a"))
            events.delete_event_bus(Name=clean.name("a"))

    with monkeypatch.context() as patched:
        between(clean, patched, "ListRules", vanish)
        done = deploy.tear_down(clean)
    b = clean.name("b")
    assert removed(done) == {("rule", f"{b}/{clean.name('wanted')}"), ("event bus", b)}
    assert done.remaining.empty


def test_what_vanishes_before_it_is_removed_was_not_removed_by_us(clean, monkeypatch):
    for name in ("ask_job", "start_job"):
        deploy.function(name, lab=clean)
    functions = clean.client("lambda")

    def vanish(params: dict[str, Any]) -> None:
        if params["FunctionName"] == clean.name("ask_job"):
            functions.delete_function(FunctionName=clean.name("ask_job"))

    with monkeypatch.context() as patched:
        between(clean, patched, "DeleteFunction", vanish)
        done = deploy.tear_down(clean)
    assert {name for kind, name in removed(done) if kind == "function"} == {clean.name("start_job")}
    assert done.remaining.empty


@pytest.mark.parametrize("service", ["sqs", "sfn", "lambda", "glue", "iam"])
def test_a_service_that_cannot_be_reached_does_not_stop_the_rest(clean, monkeypatch, service):
    everything_of_every_kind(clean)

    def unreachable(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://nowhere")

    with monkeypatch.context() as patched:
        listen(clean, patched, f"before-call.{service}", unreachable)
        done = deploy.tear_down(clean)
    assert "nothing is left" not in repr(done).lower()
    assert "because AWS could not be reached" in repr(done)
    assert {"queue", "state machine", "function", "bucket", "event bus", "activity"} - set(done.removed["kind"]) <= {
        "sqs": {"queue"},
        "sfn": {"state machine", "activity"},
        "lambda": {"function"},
    }.get(service, set())
    if service in ("sfn", "lambda"):
        assert "role" not in set(done.removed["kind"])


def test_an_object_that_may_not_be_deleted_is_the_reason(clean, monkeypatch):
    bucket = a_bucket(clean, clean.bucket_name("data"))

    def refuse(model: Any, **_: Any) -> Any:
        if model.name == "DeleteObjects":
            error = {"Key": "one", "Code": "AccessDenied", "Message": "Access Denied"}
            return type("Response", (), {"status_code": 200})(), {"Errors": [error]}
        return None

    with monkeypatch.context() as patched:
        listen(clean, patched, "before-call", refuse)
        done = deploy.tear_down(clean)
    assert f"bucket {bucket} (its object one could not be deleted: Access Denied)" in repr(done)


def test_what_cannot_be_removed_is_shown_with_its_reason(clean, monkeypatch):
    deploy.role("sticky", lab=clean)
    with monkeypatch.context() as patched:
        Refusing(clean, patched, "DeleteRole", [("AccessDenied", "not authorized to perform iam:DeleteRole")])
        done = deploy.tear_down(clean)
    assert list(done.remaining["name"]) == [clean.name(f"sticky-{clean.region}")]
    assert "iam:DeleteRole" in repr(done)
    assert "nothing is left" not in repr(done).lower()


def test_all_rows_and_whole_names_are_shown_grouped(clean):
    sqs = clean.client("sqs")
    names = [clean.name(f"{number:03}-" + 35 * "x") for number in range(70)]
    for name in names:
        sqs.create_queue(QueueName=name, tags=clean.tags)
    seen = deploy.made(clean)
    done = deploy.tear_down(clean)
    for shown in (seen._repr_html_(), repr(seen), done._repr_html_()):
        assert all(name in shown for name in names)
        assert len(re.findall(r"\bqueue\b", shown)) == 1
    assert f"Nothing of ours is there in {clean.region}." in deploy.made(clean)._repr_html_()


def test_a_role_keeps_the_boundary_that_it_has(clean):
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    deploy.deploy("recheck", permissions_boundary=boundary, lab=clean)
    deploy.deploy("recheck", lab=clean)
    iam = clean.client("iam")
    roles = [one["RoleName"] for one in iam.list_roles()["Roles"] if one["RoleName"].startswith(clean.prefix)]
    assert len(roles) > 1
    for role in roles:
        bound = iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]
        assert bound["PermissionsBoundaryArn"] == boundary
    other = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    deploy.deploy("recheck", permissions_boundary=other, lab=clean)
    assert iam.get_role(RoleName=roles[0])["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == other


def test_what_queries_made_is_found_in_glue_and_removed(clean):
    """The database of a lesson is made by a query and tagged in Glue; its table has its owner's tags."""
    bucket = a_bucket(clean, clean.bucket_name("athena"))
    athena, database = clean.client("athena"), clean.database_name("shop")
    clean.query_seconds(0)
    for sql in (
        f"CREATE DATABASE {database}",
        f"CREATE EXTERNAL TABLE {database}.orders (id int) LOCATION 's3://{bucket}/orders/'",
    ):
        queried(clean, sql, bucket)
    clean.query_seconds()
    assert ("database", database) not in removed(deploy.tear_down(clean))
    arn = f"arn:aws:glue:{clean.region}:{clean.account}:database/{database}"
    clean.client("glue").tag_resource(ResourceArn=arn, TagsToAdd=clean.tags)
    assert {("database", database), ("table", f"{database}.orders")} <= removed(deploy.tear_down(clean))
    assert database not in [one["Name"] for one in athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]]
