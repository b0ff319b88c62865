"""The place we work in: which it is, what redirects it, what it says of itself."""

import datetime
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, TokenRetrievalError
from botocore.stub import Stubber

import helpers
from helpers import execution, sandbox
from helpers.errors import (
    CredentialsExpired,
    CredentialsMissing,
    InvalidName,
    InvalidSetting,
    LabError,
    NotAllowed,
    NotInSandbox,
    RegionMissing,
    Unreachable,
    WrongAccount,
)
from helpers.lab.accounts import who_am_i
from helpers.lab.pace import FastForward
from helpers.lab.place import Lab
from helpers.lab.sessions import AccountSession, EndpointSession

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _default_session_put_back() -> Iterator[None]:
    before = boto3.DEFAULT_SESSION
    yield
    boto3.DEFAULT_SESSION = before


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's AWS configuration with a trap in it: all its endpoints lead nowhere."""
    path = tmp_path / "config"
    path.write_text(
        f"[default]\nendpoint_url = {NOWHERE}\nregion = eu-west-3\n"
        "[profile work]\nregion = eu-west-2\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
        "services = elsewhere\n"
        f"[services elsewhere]\nsts =\n  endpoint_url = {NOWHERE}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return path


def test_a_client_is_made_once_and_another_for_other_options(lab: Lab) -> None:
    assert lab.client("sqs") is lab.client("sqs")
    elsewhere = lab.client("sqs", region_name="eu-west-1")
    assert (elsewhere.meta.region_name, lab.client("sqs").meta.region_name) == ("eu-west-1", lab.region)


def test_the_session_its_clients_and_resources_reach_the_sandbox(lab: Lab) -> None:
    assert (lab.target, lab.region, lab.account) == ("sandbox", "us-east-1", "123456789012")
    for client in (lab.client("sts"), lab.session.client("sts")):
        assert client.get_caller_identity()["Account"] == lab.account
    lab.session.resource("s3").create_bucket(Bucket="from-a-resource")
    assert "from-a-resource" in [bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]]


def test_a_pasted_client_stays_on_the_sandbox(lab: Lab) -> None:
    helpers.connect()
    for pasted in (boto3.client("sts"), boto3.client("sts", region_name="eu-west-1", config=Config(read_timeout=5))):
        assert pasted.meta.endpoint_url == lab.client("sts").meta.endpoint_url
        assert pasted.get_caller_identity()["Account"] == lab.account
    assert boto3.resource("s3").meta.client.meta.endpoint_url == lab.client("s3").meta.endpoint_url


def test_nothing_in_the_environment_redirects_the_sandbox(
    lab: Lab, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SFN"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("AWS_PROFILE", "not there")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "theirs")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "theirs")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    again = helpers.connect("sandbox")
    assert again.region == "us-east-1"
    for client in (again.client("sts"), boto3.client("sts")):
        assert client.get_caller_identity()["Account"] == lab.account
    assert again.client("stepfunctions").list_activities()
    assert again.session.resource("s3").meta.client.list_buckets()


def test_a_region_of_the_sandboxs(lab: Lab) -> None:
    other = helpers.connect(region="eu-central-1")
    assert other.region == "eu-central-1"
    other.client("stepfunctions").create_activity(name="elsewhere")
    assert "elsewhere" not in str(lab.client("stepfunctions").list_activities()["activities"])


@pytest.mark.parametrize("region", ["nowhere", "eu-west-1\n", "*"])
def test_a_region_that_cannot_be_is_refused(lab: Lab, region: str) -> None:
    with pytest.raises(InvalidSetting, match="region cannot be"):
        helpers.connect(region=region)


def test_the_sandboxs_own_address_is_the_sandbox(lab: Lab) -> None:
    by_url = helpers.connect(lab.client("sts").meta.endpoint_url)
    assert by_url.client("sts").get_caller_identity()["Account"] == lab.account


def test_lab_target_sets_the_default(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TARGET", "the moon")
    with pytest.raises(InvalidSetting, match="no target 'the moon'"):
        helpers.connect()
    assert helpers.connect("sandbox").target == "sandbox"


@pytest.mark.parametrize("target", ["AWS", "http://", "ftp://127.0.0.1", "127.0.0.1:4566"])
def test_a_target_that_is_none_is_refused(target: str) -> None:
    with pytest.raises(InvalidSetting, match="there are"):
        helpers.connect(target)


def test_another_account_is_refused(lab: Lab) -> None:
    helpers.connect(account=lab.account)
    before = boto3.DEFAULT_SESSION
    with pytest.raises(WrongAccount, match="123456789012, not 210987654321"):
        helpers.connect(account="210987654321")
    assert boto3.DEFAULT_SESSION is before


def test_a_profile_means_an_account() -> None:
    with pytest.raises(InvalidSetting, match=r"connect\('aws', profile='work'\)"):
        helpers.connect("sandbox", profile="work")


def test_missing_credentials_are_said(configured: Path) -> None:
    with pytest.raises(CredentialsMissing, match=r"aws configure.*connect\('sandbox'\)"):
        helpers.connect("aws", region="eu-west-1")


def test_a_missing_profile_is_said_with_those_there_are(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsMissing, match=r"no AWS profile 'wrok' \(there are: default, work\)"):
        helpers.connect("aws", profile="wrok")
    monkeypatch.setenv("AWS_PROFILE", "wrok")
    with pytest.raises(CredentialsMissing, match="'wrok'"):
        helpers.connect("aws")


def test_a_missing_region_is_said(configured: Path) -> None:
    configured.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    with pytest.raises(RegionMissing, match="AWS_DEFAULT_REGION"):
        helpers.connect("aws")


class Stubbed(AccountSession):
    """A session whose STS answers what the test says: an AWS account cannot be had in a test."""

    answer: Any = None

    def client(self, service_name: str, *arguments: Any, **options: Any) -> Any:
        client = super().client(service_name, *arguments, **options)
        if isinstance(self.answer, Exception):
            client.meta.events.register("before-call", self._raise)
        elif service_name == "sts":
            stub = Stubber(client)
            if isinstance(self.answer, str):
                stub.add_client_error("get_caller_identity", self.answer)
            else:
                stub.add_response("get_caller_identity", self.answer)
            stub.activate()
        return client

    def _raise(self, **_: Any) -> None:
        raise self.answer


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ("ExpiredToken", CredentialsExpired, "expired"),
        ("ExpiredTokenException", CredentialsExpired, "expired"),
        (TokenRetrievalError(provider="sso", error_msg="x"), CredentialsExpired, "aws sso login"),
        ("InvalidClientTokenId", CredentialsMissing, "does not know these credentials"),
        ("SignatureDoesNotMatch", CredentialsMissing, "mistyped"),
        (NoCredentialsError(), CredentialsMissing, "No AWS credentials were found"),
        ("AccessDenied", NotAllowed, "did not let you ask"),
    ],
)
def test_what_aws_answers_is_said_plainly(
    configured: Path, answer: Any, error: type[LabError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stubbed, "answer", answer)
    with pytest.raises(error, match=words):
        who_am_i(Stubbed(profile_name="work"))


def test_credentials_that_the_place_does_not_know_are_said(lab: Lab) -> None:
    url = lab.client("sts").meta.endpoint_url
    with pytest.raises(CredentialsMissing, match="does not know these credentials"):
        who_am_i(EndpointSession(url, aws_access_key_id="AKIA", aws_secret_access_key="x", region_name="us-east-1"))


def test_a_place_that_cannot_be_reached_is_said() -> None:
    with pytest.raises(Unreachable, match="could not be reached"):
        helpers.connect(NOWHERE, region="us-east-1")


def test_a_mistyped_region_is_named_with_the_nearest(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stubbed, "answer", EndpointConnectionError(endpoint_url="https://sts.eu-wst-1.amazonaws.com"))
    with pytest.raises(Unreachable, match=r"'eu-wst-1', a region that is not known here; did you mean 'eu-west-1'\?"):
        who_am_i(Stubbed(profile_name="work", region_name="eu-wst-1"))
    with pytest.raises(Unreachable, match="look at the network"):
        who_am_i(Stubbed(profile_name="work", region_name="cn-north-1"))


def test_a_program_that_fetches_no_credentials_is_quoted(configured: Path) -> None:
    program = f"{sys.executable} -c \"import sys; sys.exit('\x1b[31mno badge in the reader')\""
    configured.write_text(f"[profile badge]\nregion = eu-west-1\ncredential_process = {program}\n")
    with pytest.raises(CredentialsMissing, match=r"no badge in the reader.*credential_process") as raised:
        helpers.connect("aws", profile="badge")
    assert "\x1b" not in str(raised.value)


def test_whoever_is_not_logged_in_is_sent_to_aws_login(configured: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(tmp_path))
    session = "arn:aws:iam::210987654321:user/ann"
    configured.write_text(f"[profile console]\nregion = eu-west-1\nlogin_session = {session}\n")
    with pytest.raises(CredentialsExpired, match="aws login"):
        helpers.connect("aws", profile="console")


def test_endpoints_in_the_configuration_do_not_redirect_an_account(
    configured: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", NOWHERE)
    monkeypatch.setenv("AWS_PROFILE", "work")
    identity = {"Account": "210987654321", "Arn": "arn:aws:iam::210987654321:user/ann", "UserId": "ann"}
    monkeypatch.setattr(Stubbed, "answer", identity)
    monkeypatch.setattr("helpers.lab.accounts.AccountSession", Stubbed)
    there = helpers.connect("aws", account="210987654321")
    told = capsys.readouterr().out
    assert "AWS_ENDPOINT_URL_SFN, services of profile work would lead elsewhere than to AWS and is not followed" in told
    assert "AWS_PROFILE chose the profile 'work'" in told
    assert (there.region, there.account) == ("eu-west-2", "210987654321")
    assert there.client("stepfunctions").meta.endpoint_url == "https://states.eu-west-2.amazonaws.com"
    assert there.client("sts").meta.endpoint_url == "https://sts.eu-west-2.amazonaws.com"
    assert boto3.client("stepfunctions").meta.endpoint_url == "https://states.eu-west-2.amazonaws.com"
    with pytest.raises(WrongAccount, match="210987654321, not 111122223333"):
        helpers.connect("aws", account="111122223333")
    for only_there in (there.fast_forward, there.history_limit):
        with pytest.raises(NotInSandbox, match=r"connect\('sandbox'\)"):
            only_there()
    with there.fast_forward_where_possible():
        assert "Time cannot be moved here" in capsys.readouterr().out
    assert abs(there.now() - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)
    assert "AWS_SECRET" not in repr(there)
    assert "REAL AWS ACCOUNT" in repr(there)


def test_names_bear_the_prefix_within_awss_limits(lab: Lab) -> None:
    assert lab.prefix == "sfn-lab-"
    assert lab.name("stepfunctionlambda_test") == "sfn-lab-stepfunctionlambda_test"
    assert lab.name(lab.name("twice")) == "sfn-lab-twice"
    long, longer = lab.name("a" * 80), lab.name("a" * 81)
    assert max(len(long), len(longer)) <= 64
    assert long != longer
    assert long == lab.name("a" * 80)
    for bad in ("", "two words", "a/b", "ü", "a.b"):
        with pytest.raises(InvalidName, match="letters, digits"):
            lab.name(bad)


def test_thirty_learners_can_share_an_account(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = {"Account": "210987654321", "Arn": "arn:aws:iam::210987654321:user/shared", "UserId": "shared"}
    monkeypatch.setattr(Stubbed, "answer", identity)
    monkeypatch.setattr("helpers.lab.accounts.AccountSession", Stubbed)
    labs = []
    for person in (
        "ann",
        "ann.b@example.com",
        "Ängström-with-a-very-long-name-indeed",
        "Ängström-with-a-very-long-name",
        "李",
    ):
        monkeypatch.setenv("JUPYTERHUB_USER", person)
        labs.append(helpers.connect("aws", profile="work"))
    prefixes = [lab.prefix for lab in labs]
    assert prefixes[:2] == ["sfn-lab-ann-", "sfn-lab-ann-b-"]
    assert len(set(prefixes)) == 5
    assert all(re.fullmatch(r"sfn-lab-[a-z0-9-]{1,22}", prefix) for prefix in prefixes)
    # One prefix may begin another; the tags still tell whose a thing is.
    assert labs[0].tags != labs[1].tags


def test_lab_prefix_chooses_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PREFIX", "team7-")
    ours = helpers.connect()
    assert ours.name("x") == "team7-x"
    assert "team7-" in ours.tags.values()
    monkeypatch.setenv("LAB_PREFIX", "has space")
    with pytest.raises(InvalidSetting, match="LAB_PREFIX"):
        helpers.connect()


def test_the_card_shows_what_was_made_and_escapes_it(lab: Lab) -> None:
    sandbox.reset()
    lab.client("iam").create_role(RoleName=lab.name("shown"), AssumeRolePolicyDocument="{}")
    lab.client("iam").create_role(RoleName="foreign", AssumeRolePolicyDocument="{}")
    page = lab._repr_html_()
    assert "Sandbox" in page
    assert "123456789012" in page
    assert "sfn-lab-shown" in page
    assert "foreign" not in page
    hostile = Lab("<script>", lab.session, lab.account, "<b>", lab.prefix, ("<i>&",))
    assert not re.search("<(script|b|i)>", hostile._repr_html_())
    assert str(lab) == "Lab on the sandbox: account 123456789012, region us-east-1, names begin with 'sfn-lab-'"


def test_the_card_says_what_it_would_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PREFIX", "priced-")
    priced = helpers.connect()
    assert "nothing: no execution yet" in priced._repr_html_()
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = priced.client("iam").create_role(RoleName=priced.name("role"), AssumeRolePolicyDocument=policy)
    passing = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}}}
    states = priced.client("stepfunctions")
    machine = states.create_state_machine(
        name=priced.name("machine"), roleArn=role["Role"]["Arn"], definition=json.dumps(passing)
    )["stateMachineArn"]
    helpers.execution.wait(states.start_execution(stateMachineArn=machine)["executionArn"], progress=False, lab=priced)
    # Two states entered and left are two transitions, $0.00005.
    assert "at most $0.0001 on an account: 1 execution with at most 2 state transitions" in priced._repr_html_()


def test_the_card_says_what_may_not_be_seen(lab: Lab) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListRoles")

    session = helpers.connect().session
    session.events.register("before-call.iam.ListRoles", deny)
    page = Lab("sandbox", session, lab.account, lab.identity, lab.prefix)._repr_html_()
    assert "not visible: AWS answered AccessDenied" in page
    assert "cost so far" in page


def test_the_sandboxs_clock(lab: Lab) -> None:
    sandbox.reset()
    before = lab.now()
    assert before.tzinfo is datetime.UTC
    with lab.fast_forward(rate=10) as forward:
        assert "at most 10 times" in repr(forward)
        assert lab.now() >= before
        assert sandbox.call("clock")["fast_forwarding"]
        with lab.fast_forward():
            assert sandbox.call("clock")["rate"] == 10
    assert "off" in repr(forward)
    assert not sandbox.call("clock")["fast_forwarding"]


def test_a_plain_fast_forward_takes_the_place_of_the_one_before(lab: Lab) -> None:
    lab.fast_forward(rate=2)
    forward = lab.fast_forward(rate=5)
    assert sandbox.call("clock")["rate"] == 5
    forward.stop()
    forward.stop()
    assert not sandbox.call("clock")["fast_forwarding"]
    with pytest.raises(InvalidSetting, match="rate"):
        lab.fast_forward(rate=-1)
    assert not sandbox.call("clock")["fast_forwarding"]


def test_a_dead_kernels_fast_forward_lapses() -> None:
    kernel = (
        "import helpers.lab.pace as pace, os; pace.LEASE = 0.2; import helpers;"
        "helpers.connect().fast_forward(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", kernel], check=True)
    deadline = datetime.datetime.now() + datetime.timedelta(seconds=20)
    while sandbox.call("clock")["fast_forwarding"] and datetime.datetime.now() < deadline:
        pass
    assert not sandbox.call("clock")["fast_forwarding"]


def test_a_live_kernels_fast_forward_stays(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.lab.pace.LEASE", 2.0)
    monkeypatch.setattr("helpers.lab.pace.BEAT", 0.2)
    began = datetime.datetime.now()
    with lab.fast_forward():
        while datetime.datetime.now() - began < datetime.timedelta(seconds=3):
            assert sandbox.call("clock")["fast_forwarding"]


def test_no_beat_comes_after_the_end_of_a_fast_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.lab.pace.BEAT", 0.001)
    told: list[bool] = []
    beaters: list[threading.Thread] = []
    beating, ended = threading.Event(), threading.Event()

    def call(_: str, on: bool, **wish: Any) -> dict[str, Any]:
        if threading.current_thread() is not threading.main_thread():
            beaters.append(threading.current_thread())
            beating.set()
            ended.wait(0.2)  # a busy sandbox takes so long to hear of it
        told.append(on)
        if not on:
            ended.set()
        return {}

    forward = FastForward(call, None, False, lambda _: None)
    assert beating.wait(20)
    forward.stop()
    beaters[0].join(20)
    assert told[-1] is False


def test_the_history_limit_can_be_lowered(lab: Lab) -> None:
    assert lab.history_limit(100) == 100
    assert lab.history_limit() == 25_000
    with pytest.raises(InvalidSetting, match="25,000"):
        lab.history_limit(25_001)


def test_a_clock_that_is_ahead_is_said_and_put_back_by_the_next_fast_forward(lab: Lab) -> None:
    sandbox.reset()
    assert "ahead" not in repr(lab)
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = lab.client("iam").create_role(
        RoleName="ahead", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 7200, "End": True}}}
    states = lab.client("stepfunctions")
    machine = states.create_state_machine(name="ahead", definition=json.dumps(definition), roleArn=role)
    with lab.fast_forward():
        execution.wait(states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"], 30, lab=lab)
    assert lab.ahead >= datetime.timedelta(hours=2)
    assert "clock 2:0" in repr(lab)
    assert "ahead of real time after a fast-forward" in lab._repr_html_()
    with lab.fast_forward():
        assert lab.ahead < datetime.timedelta(minutes=5)
    sandbox.call("reset")
