"""What a company asks of all that is made reaches every call, without a changed cell."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import nbformat
import pytest

import helpers
from helpers import console, deploy, execution
from helpers.definition import load
from helpers.deploy.resources import filled
from helpers.errors import InvalidSetting, WrongAccount
from helpers.exercises import trial
from helpers.lab import lessons, place
from helpers.lab.settings import Settings, settings
from tests.notebooks import account, run
from tests.roles import TRUST, may_everything, policy


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder without settings, and boto3's default and the current Lab as they were afterwards."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setattr("helpers.lab.place._current", None)
    before = boto3.DEFAULT_SESSION
    yield
    boto3.DEFAULT_SESSION = before


def written(text: str, folder: str = ".") -> None:
    Path(folder, "lab.toml").write_text(text, encoding="utf-8")


def test_the_file_beside_the_notebooks_and_the_environment_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written('region = "eu-west-1"\nprefix = "team-"\n[tags]\nteam = "data"\n', "..")
    assert (settings().region, settings().prefix, settings().tags) == ("eu-west-1", "team-", {"team": "data"})
    monkeypatch.setenv("LAB_PREFIX", "mine-")
    monkeypatch.setenv("LAB_TAGS", "team=ops, cost-center=42")
    assert settings().prefix == "mine-"
    assert settings().tags == {"team": "ops", "cost-center": "42"}
    written('region = "eu-west-2"\n')
    assert settings().region == "eu-west-2", "the nearest file counts, and it alone"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('regoin = "eu-west-1"', "did you mean region"),
        ("zzz = 1", "there are target, account"),
        ("region = 3", "it is a region such as eu-central-1"),
        ('role = "arn:aws:iam::1:user/x"', "it is the ARN of a role"),
        ('tags = "team=data"', "are no tags"),
        ("[tags]\nteam = 3", "are no tags"),
        ("region = ", "is no TOML"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(text: str, said: str) -> None:
    written(text)
    with pytest.raises(InvalidSetting, match=said) as raised:
        helpers.connect("sandbox")
    assert "lab.toml" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAB_ACCOUNT", "12"),
        ("LAB_REGION", "Frankfurt"),
        ("LAB_PREFIX", "two words"),
        ("LAB_PERMISSIONS_BOUNDARY", "Boundary"),
        ("LAB_FUNCTION_ROLE", "role/x"),
        ("LAB_WORKGROUP", "a b"),
        ("LAB_TAGS", "team"),
        ("LAB_TAGS", "team=<b>"),
    ],
)
def test_the_variable_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSetting, match=name):
        settings()


def test_another_account_is_refused_and_the_region_is_taken(lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_REGION", "eu-west-3")
    assert helpers.connect("sandbox").region == "eu-west-3"
    monkeypatch.setenv("LAB_ACCOUNT", "999988887777")
    with pytest.raises(WrongAccount, match="999988887777"):
        helpers.connect("sandbox")


def test_tags_and_boundary_are_on_all_that_is_made_and_on_a_notebooks_own_calls(
    lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = lab.client("iam")
    bound = iam.create_policy(PolicyName="settings-bound", PolicyDocument=policy())["Policy"]["Arn"]
    monkeypatch.setenv("LAB_PREFIX", "ruled-")
    monkeypatch.setenv("LAB_PERMISSIONS_BOUNDARY", bound)
    monkeypatch.setenv("LAB_TAGS", "team=data,project=theirs")
    ruled = helpers.connect("sandbox")
    assert ruled.tags["team"] == "data"
    assert ruled.tags["project"] == "step-functions-notebooks", "what finds our things again stays ours"
    made = deploy.deploy("busy_wait", lab=ruled)
    ruled.client("iam").create_role(RoleName="ruled-raw", AssumeRolePolicyDocument=TRUST)
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("ruled-")]
    assert len(roles) == 3
    for name in roles:
        assert iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == bound
    sent = []
    own = boto3.client("iam")  # moto keeps no boundary of a user: what is sent is looked at
    own.meta.events.register("before-call.iam.CreateUser", lambda params, **_: sent.append(params["body"]))
    own.create_user(UserName="ruled-user")
    assert sent[0]["PermissionsBoundary"] == bound
    assert (
        ruled.client("lambda").get_function(FunctionName=made.functions["stepfunctionlambda_test"])["Tags"]["team"]
        == "data"
    )
    card = ruled._repr_html_()
    assert bound in card
    assert "team=data" in card
    iam.delete_user(UserName="ruled-user")
    iam.delete_role(RoleName="ruled-raw")
    assert deploy.tear_down(ruled).remaining.empty


def test_given_roles_are_used_and_none_is_made(
    lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    iam = lab.client("iam")
    given = [
        may_everything(iam, iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST))
        for name in ("their-machines", "their-functions")
    ]
    monkeypatch.setenv("LAB_PREFIX", "given-")
    monkeypatch.setenv("LAB_ROLE", given[0])
    monkeypatch.setenv("LAB_FUNCTION_ROLE", given[1])
    ruled = helpers.connect("sandbox")
    made = deploy.deploy("recheck", lab=ruled)
    assert deploy.role("mine", service="states", lab=ruled) == given[0]
    assert deploy.role("mine", lab=ruled) == given[1]
    assert ruled.client("stepfunctions").describe_state_machine(stateMachineArn=made.arn)["roleArn"] == given[0]
    for arn in made.functions.values():
        assert ruled.client("lambda").get_function_configuration(FunctionName=arn)["Role"] == given[1]
    one_policy = lessons.policy(ruled.account, ruled.region, "given-", ["01"])
    granted = {action: one["Resource"] for one in one_policy["Statement"] for action in one["Action"]}
    assert granted["iam:PassRole"] == given
    assert {action for action in granted if "Role" in action} == {"iam:PassRole", "iam:ListRoles"}
    # `01` makes a role by IAM's own calls, here as a user who may make none.
    monkeypatch.setattr(place, "SandboxSession", place.SandboxSession)
    monkeypatch.setattr(trial, "_place", trial._place)
    monkeypatch.setenv("LAB_TEST_KEYS", account.user(one_policy))
    exec(account.STARTUP, {})
    cells: dict[str, object] = {}
    for cell in nbformat.read(run.paths(["01"])[0], as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, cells)
    assert ruled.client("lambda").get_function(FunctionName=cells["function_name"])["Configuration"]["Role"] == given[1]
    assert "IAM was not asked for CreateRole" in capsys.readouterr().out
    assert not [role for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("given-")]
    assert deploy.tear_down(ruled).remaining.empty


def test_a_workgroup_runs_the_queries_of_machines_functions_and_cells(
    lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.client("s3").create_bucket(Bucket="their-results")
    lab.client("athena").create_work_group(
        Name="theirs",
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": "s3://their-results/here/"},
        },
    )
    monkeypatch.setenv("LAB_PREFIX", "grouped-")
    monkeypatch.setenv("LAB_WORKGROUP", "theirs")
    ruled = helpers.connect("sandbox")
    athena, bucket = ruled.client("athena"), ruled.bucket_name("athena")
    ruled.client("s3").create_bucket(Bucket=bucket)
    output = f"s3://{bucket}/results/"
    asked = {"sql": "SELECT 1 AS one", "database": "default", "output": output}
    for name in ("athena_sync", "athena_sdk", "athena_lambda"):
        made = deploy.deploy(name, lab=ruled, Database="default", OutputLocation=output)
        with ruled.fast_forward():
            ended = execution.wait(execution.start(made.arn, asked, lab=ruled), progress=False, lab=ruled)
        assert ended.status == "SUCCEEDED", (name, ended.error, ended.cause)
    athena.start_query_execution(QueryString="SELECT 2", ResultConfiguration={"OutputLocation": output})
    run = athena.list_query_executions(WorkGroup="theirs")["QueryExecutionIds"]
    assert len(run) == 4
    where = [athena.get_query_execution(QueryExecutionId=one)["QueryExecution"]["ResultConfiguration"] for one in run]
    assert all(one["OutputLocation"].startswith("s3://their-results/here/") for one in where)
    deploy.tear_down(ruled)


@pytest.mark.parametrize(
    ("region", "partition", "domain"),
    [
        ("eu-west-1", "aws", "console.aws.amazon.com"),
        ("cn-north-1", "aws-cn", "console.amazonaws.cn"),
        ("us-gov-west-1", "aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
def test_other_partitions_of_aws(lab: helpers.Lab, region: str, partition: str, domain: str) -> None:
    there = helpers.connect("sandbox", region=region)
    definition = filled("athena_sync", {"Database": "d", "OutputLocation": "s3://x/"}, there)
    assert definition["States"]["RunQuery"]["Resource"] == f"arn:{partition}:states:::athena:startQueryExecution.sync"
    sent = []
    own = boto3.client("stepfunctions")  # as a lesson calls it
    own.meta.events.register("before-call.sfn", lambda params, **_: sent.append(json.loads(params["body"])))
    own.validate_state_machine_definition(definition=json.dumps(load("busy_wait", FunctionArn="arn:aws:lambda:x")))
    assert f"arn:{partition}:states:::lambda:invoke" in sent[0]["definition"]
    for statement in deploy.statements(definition, "m", lab=there):
        assert all(one == "*" or one.startswith(f"arn:{partition}:") for one in statement["Resource"])
    assert console.address(region) == f"https://{region}.{domain}"


@pytest.mark.parametrize("person", ["sagemaker-user", "jovyan", "root", ""])
def test_two_people_of_one_name_never_share_a_prefix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, person: str
) -> None:
    from helpers.lab import place

    monkeypatch.setenv("JUPYTERHUB_USER", person)
    monkeypatch.setattr("getpass.getuser", lambda: person)
    found = []
    for home in ("one", "other", "one"):
        monkeypatch.setattr(place.platformdirs, "user_data_dir", lambda *_, home=home: str(tmp_path / home))
        found.append(place._participant())
    assert found[0] == found[2] != found[1]
    assert all(len(one) <= 20 for one in found)
    monkeypatch.setattr(place.platformdirs, "user_data_dir", lambda *_: "/dev/null/none")
    with pytest.raises(InvalidSetting, match="LAB_PREFIX"):
        place._prefix(Settings())
    assert place._prefix(Settings(prefix="mine-")) == "mine-"
