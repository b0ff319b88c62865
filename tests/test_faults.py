"""What goes wrong between us and AWS: each call with each fault ends well, or in one sentence of ours, and half-made
things do not stay."""

import json
import re
import secrets
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.httpsession import URLLib3Session

import helpers
from helpers import calls, deploy, execution, live, workbench
from helpers.errors import CredentialsExpired, LabError, NotAllowed, Throttled, Unreachable
from helpers.lab.sessions import EndpointSession

OTHERS_WORDS = re.compile(r"when calling the|Max retries|Waiter|botocore|HTTPS?Connection|Traceback|endpoint URL")


class Body:
    """The body of an answer, as urllib3 gives it."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._text


def refused(request: AWSRequest, status: int, code: str) -> AWSResponse:
    """An answer of AWS with an error, in the form that the request's service gives it."""
    xml = b"x-www-form-urlencoded" in bytes(request.headers.get("Content-Type", b""))
    if xml:
        text = f"<ErrorResponse><Error><Code>{code}</Code><Message>No.</Message></Error></ErrorResponse>"
    else:
        text = json.dumps({"__type": code, "message": "No."})
    headers = {"x-amzn-ErrorType": code, "content-type": "text/xml" if xml else "application/json"}
    return AWSResponse(request.url, status, headers, Body(text))


class Fault:
    """What happens to the calls of an operation; `times` is how often, None for ever."""

    def __init__(self, happens: Callable[[AWSRequest], AWSResponse | None], times: int | None = None) -> None:
        self.happens, self.times = happens, times


def raising(error: Exception) -> Callable[[AWSRequest], None]:
    def happens(request: AWSRequest) -> None:
        raise error

    return happens


def lost(request: AWSRequest) -> None:
    """AWS does what is asked, and we never hear of it."""
    URLLib3Session().send(request)
    raise ConnectionClosedError(endpoint_url="https://aws")


FAULTS = {
    "throttled once": Fault(lambda request: refused(request, 400, "ThrottlingException"), 1),
    "throttled for ever": Fault(lambda request: refused(request, 400, "ThrottlingException")),
    "failed inside": Fault(lambda request: refused(request, 500, "InternalFailure")),
    "reset once": Fault(raising(ConnectionClosedError(endpoint_url="https://aws")), 1),
    "answer lost": Fault(lost, 1),
    "expired": Fault(lambda request: refused(request, 403, "ExpiredTokenException")),
    "SSO expired": Fault(raising(UnauthorizedSSOTokenError())),
    "token not renewed": Fault(raising(TokenRetrievalError(provider="sso", error_msg="x"))),
    "denied": Fault(lambda request: refused(request, 403, "AccessDeniedException")),
    "unreachable": Fault(raising(EndpointConnectionError(endpoint_url="https://aws"))),
}
HARMLESS = {"throttled once", "reset once", "answer lost"}
SAID = {
    "expired": CredentialsExpired,
    "SSO expired": CredentialsExpired,
    "token not renewed": CredentialsExpired,
    "denied": NotAllowed,
    "unreachable": Unreachable,
}


@pytest.fixture(scope="module")
def shared(lab: helpers.Lab) -> Iterator[tuple[helpers.Lab, dict[str, Any]]]:
    """A Lab of its own names, and by the operation what is to happen to it."""
    keys, trouble = lab.session.get_credentials().get_frozen_credentials(), {}
    session = EndpointSession(
        lab.client("sts").meta.endpoint_url,
        region_name=lab.region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
    )

    def strike(request: AWSRequest, event_name: str, **_: Any) -> AWSResponse | None:
        fault, left = trouble.get(event_name.removeprefix("before-send."), (None, 0))
        if left == 0:
            return None
        trouble[event_name.removeprefix("before-send.")] = (fault, left and left - 1)
        return fault.happens(request)

    session.events.register("before-send", strike)
    own = helpers.Lab("sandbox", session, lab.account, lab.identity, f"faults-{secrets.token_hex(3)}-")
    yield own, trouble
    trouble.clear()
    assert deploy.tear_down(own).remaining.empty


@pytest.fixture
def faulty(shared: tuple[helpers.Lab, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Callable[..., helpers.Lab]:
    """The Lab, of which from now on one operation has a fault, or none: faulty("iam.CreateRole", "denied")."""
    monkeypatch.setattr("botocore.endpoint.time", types.SimpleNamespace(sleep=lambda seconds: None))
    own, trouble = shared

    def made(operation: str = "", fault: str = "") -> helpers.Lab:
        if trouble:  # a client that has met many faults retries no more, and all are kept
            own._clients.clear()
            calls._clients.pop(own.session, None)
        trouble.clear()
        if operation:
            trouble[operation] = (FAULTS[fault], FAULTS[fault].times)
        return own

    return made


def there(lab: helpers.Lab) -> set[str]:
    """The kinds of things that there are, by their names; `deploy.made` would look for all kinds."""
    listed = {
        "role": [one["RoleName"] for one in lab.client("iam").list_roles()["Roles"]],
        "function": [one["FunctionName"] for one in lab.client("lambda").list_functions()["Functions"]],
        "state machine": [one["name"] for one in lab.client("stepfunctions").list_state_machines()["stateMachines"]],
    }
    return {kind for kind, names in listed.items() if any(name.startswith(lab.prefix) for name in names)}


def remove_all(lab: helpers.Lab) -> None:
    """What `there` sees; `deploy.tear_down` would look for all kinds."""
    iam, functions, states = lab.client("iam"), lab.client("lambda"), lab.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        if machine["name"].startswith(lab.prefix):
            states.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
    for function in functions.list_functions()["Functions"]:
        if function["FunctionName"].startswith(lab.prefix):
            functions.delete_function(FunctionName=function["FunctionName"])
    for role in iam.list_roles()["Roles"]:
        if role["RoleName"].startswith(lab.prefix):
            for policy in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
                iam.delete_role_policy(RoleName=role["RoleName"], PolicyName=policy)
            iam.delete_role(RoleName=role["RoleName"])
    assert there(lab) == set()


def ended(call: Callable[[], Any], fault: str) -> bool:
    """Whether a call did what it does; if not, it has said so in a sentence of ours of the right kind."""
    said = None
    try:
        call()
    except LabError as error:
        said = error
    if said is not None:
        assert fault not in HARMLESS, said
        assert isinstance(said, SAID.get(fault, LabError)), said
        assert not OTHERS_WORDS.search(str(said)), said
        assert said.__cause__ is None
    return said is None


MAKING = ["iam.GetRole", "iam.CreateRole", "iam.PutRolePolicy", "lambda.CreateFunction", "sfn.CreateStateMachine"]


@pytest.mark.parametrize("operation", MAKING)
def test_deploying(faulty: Callable[..., helpers.Lab], operation: str) -> None:
    for fault in FAULTS:
        whole = ended(lambda fault=fault: deploy.deploy("busy_wait", lab=faulty(operation, fault)), fault)
        everything = {"role", "function", "state machine"}
        assert there(faulty()) == (everything if whole else set()), "what is half made does not stay"
        deploy.deploy("busy_wait", lab=faulty())
        remove_all(faulty())


REMOVING = ["sfn.ListStateMachines", "lambda.DeleteFunction", "iam.DeleteRole", "sfn.DeleteStateMachine"]


@pytest.mark.parametrize("fault", ["throttled once", "answer lost", "failed inside", "SSO expired", "unreachable"])
def test_cleaning_up(faulty: Callable[..., helpers.Lab], fault: str) -> None:
    for operation in REMOVING:
        deploy.deploy("busy_wait", lab=faulty())
        done = deploy.tear_down(faulty(operation, fault))
        assert not OTHERS_WORDS.search(repr(done)), repr(done)
        if left := there(faulty()):
            assert fault not in HARMLESS
            assert left <= set(done.remaining["kind"])
            assert "Nothing is left" not in repr(done)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_execution(faulty: Callable[..., helpers.Lab], fault: str) -> None:
    pause = {"StartAt": "P", "States": {"P": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    machine = deploy.state_machine(fault.replace(" ", "-"), pause, lab=faulty())
    sfn = faulty().client("stepfunctions")
    started = ended(lambda: execution.start(machine, lab=faulty("sfn.StartExecution", fault)), fault)
    found = sfn.list_executions(stateMachineArn=machine)["executions"]
    assert len(found) == started, "once, or not at all"
    arn = execution.start(machine, lab=faulty())
    ended(lambda: execution.describe(arn, lab=faulty("sfn.DescribeExecution", fault)), fault)
    ended(lambda: list(execution.executions(machine, lab=faulty("sfn.ListExecutions", fault))), fault)
    ended(lambda: execution.events(arn, lab=faulty("sfn.GetExecutionHistory", fault)), fault)
    ended(lambda: workbench.explore(arn, lab=faulty("sfn.GetExecutionHistory", fault)), fault)
    ended(lambda: workbench.collect(machine, lab=faulty("sfn.ListExecutions", fault), progress=False), fault)
    stopped = ended(lambda: execution.stop(arn, lab=faulty("sfn.StopExecution", fault)), fault)
    assert sfn.describe_execution(executionArn=arn)["status"] == ("ABORTED" if stopped else "RUNNING")
    sfn = faulty().client("stepfunctions")
    for one in sfn.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        sfn.stop_execution(executionArn=one["executionArn"])
    assert len(execution.events(arn, lab=faulty())) >= 2


def test_waiting_and_following_outlast_throttling(
    faulty: Callable[..., helpers.Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "LONGEST_PAUSE", 0.01)
    monkeypatch.setitem(FAULTS, "throttled long", Fault(FAULTS["throttled once"].happens, 30))
    done = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    machine = deploy.state_machine("long", done, lab=faulty())
    arn = execution.start(machine, lab=faulty())
    lab = faulty("sfn.DescribeExecution", "throttled long")
    assert execution.wait(arn, progress=False, lab=lab).status == "SUCCEEDED"
    lab = faulty("sfn.GetExecutionHistory", "throttled long")
    assert [event["type"] for event in execution.follow(arn, lab=lab)][-1] == "ExecutionSucceeded"
    with pytest.raises(Throttled, match="wait a minute"):
        execution.describe(arn, lab=faulty("sfn.DescribeExecution", "throttled for ever"))


def test_watching_in_the_background(
    faulty: Callable[..., helpers.Lab], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    done = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    arn = execution.start(deploy.state_machine("watched", done, lab=faulty()), lab=faulty())
    monkeypatch.setitem(FAULTS, "without keys", Fault(raising(NoCredentialsError())))
    for fault in FAULTS:
        lab = faulty("sfn.GetExecutionHistory", fault)
        ended(live.watch(arn, done, background=True, lab=lab).wait, fault)
    assert not capfd.readouterr().err, "the thread itself says nothing"


def test_an_argument_that_no_call_takes_is_said(lab: helpers.Lab) -> None:
    with pytest.raises(LabError, match=r"cannot be asked to stop the execution \S+: Invalid type for parameter error"):
        execution.stop("arn:aws:states:us-east-1:123456789012:execution:m:e", error=5, lab=lab)
    with pytest.raises(LabError, match=r"make the function \S+: Invalid value for parameter Timeout, value: 0, valid"):
        deploy.function("start_job", timeout=0, role="arn:aws:iam::123456789012:role/r", lab=lab)
