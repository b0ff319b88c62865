"""With LAB_SANDBOX_PACE=aws things take as long as on AWS, by the sandbox's own clock."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from helpers import Lab, sandbox
from helpers.lab.sessions import SandboxSession
from tests.roles import may_everything

TRUST = {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]}
PASSING = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}})
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_SANDBOX_DIR", str(tmp_path_factory.mktemp("slow")))
        patch.setenv("LAB_SANDBOX_PACE", "aws")
        found = sandbox.start()
        lab = Lab("sandbox", SandboxSession(found, found.region), found.account, "", "slow-", found=found)
        lab.client("s3").create_bucket(Bucket="slow-results")
        yield lab
        sandbox.stop()


def later(slow: Lab, seconds: float) -> None:
    """Let so many seconds of the sandbox's time pass: those of a query, under fast-forward."""
    athena = slow.client("athena")
    # Fast-forward begins by putting back a clock that is ahead.
    slow.query_seconds(seconds + sandbox.call("clock", slow._sandbox)["offset"])
    place = {"OutputLocation": "s3://slow-results/"}
    with slow.fast_forward():
        query = athena.start_query_execution(QueryString="SELECT 1", ResultConfiguration=place)["QueryExecutionId"]
        state = "QUEUED"
        while state in ("QUEUED", "RUNNING"):
            state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
    assert state == "SUCCEEDED"


def refused(call: Callable[..., Any], **given: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**given)
    return f"{raised.value.response['Error']['Code']}: {raised.value.response['Error']['Message']}"


@pytest.fixture(scope="module")
def role(slow: Lab) -> str:
    """A role that can be assumed only by and by; what makes use of it is refused until then."""
    trust = json.dumps({"Statement": [{"Effect": "Allow", "Principal": TRUST, "Action": "sts:AssumeRole"}]})
    iam = slow.client("iam")
    arn = may_everything(iam, iam.create_role(RoleName="new", AssumeRolePolicyDocument=trust))
    said = refused(slow.client("stepfunctions").create_state_machine, name="soon", definition=PASSING, roleArn=arn)
    assert "authorized to assume the provided role" in said
    assert "cannot be assumed by Lambda" in refused(slow.client("lambda").create_function, **function(arn))
    later(slow, 10)
    return arn


def function(role: str) -> dict[str, Any]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def handler(event, context):\n    print('heard')")
    code = {"ZipFile": packed.getvalue()}
    return {"FunctionName": "late", "Runtime": "python3.13", "Role": role, "Handler": "f.handler", "Code": code}


def test_a_function_is_pending_its_update_in_progress_and_its_log_late(slow: Lab, role: str) -> None:
    functions, logs, made = slow.client("lambda"), slow.client("logs"), function(role)
    assert functions.create_function(**made)["State"] == "Pending"
    assert functions.get_function(FunctionName="late")["Configuration"]["State"] == "Pending"
    assert "Pending" in refused(functions.invoke, FunctionName="late")
    later(slow, 5)
    assert functions.get_function_configuration(FunctionName="late")["State"] == "Active"
    update = {"FunctionName": "late", "ZipFile": made["Code"]["ZipFile"]}
    assert functions.update_function_code(**update)["LastUpdateStatus"] == "InProgress"
    assert "update is in progress" in refused(functions.update_function_code, **update)
    later(slow, 5)
    assert functions.get_function(FunctionName="late")["Configuration"]["LastUpdateStatus"] == "Successful"
    assert functions.invoke(FunctionName="late")["StatusCode"] == 200
    assert logs.filter_log_events(logGroupName="/aws/lambda/late")["events"] == []
    later(slow, 7)
    said = [event["message"] for event in logs.filter_log_events(logGroupName="/aws/lambda/late")["events"]]
    assert any("heard" in message for message in said)


def test_lists_are_behind_and_calls_are_throttled_by_their_bucket(slow: Lab, role: str) -> None:
    states = slow.client("stepfunctions", config=ONCE)
    machine = states.create_state_machine(name="listed", definition=PASSING, roleArn=role)["stateMachineArn"]
    run = states.start_execution(stateMachineArn=machine)["executionArn"]
    assert states.describe_execution(executionArn=run)["executionArn"] == run
    assert states.list_executions(stateMachineArn=machine)["executions"] == []
    later(slow, 3)
    assert [one["executionArn"] for one in states.list_executions(stateMachineArn=machine)["executions"]] == [run]
    assert [one["name"] for one in states.list_state_machines()["stateMachines"]] == ["listed"]
    again = {"name": "listed", "definition": PASSING, "roleArn": role}
    with suppress(ClientError):
        for _ in range(1_000):
            states.create_state_machine(**again)
    assert "ThrottlingException" in refused(states.create_state_machine, **again)
    later(slow, 2)
    assert states.create_state_machine(**again)["stateMachineArn"] == machine


def test_the_name_of_a_deleted_queue_is_blocked_and_listed_for_a_minute(slow: Lab) -> None:
    sqs = slow.client("sqs")
    url = sqs.create_queue(QueueName="gone")["QueueUrl"]
    sqs.delete_queue(QueueUrl=url)
    assert "QueueDeletedRecently" in refused(sqs.create_queue, QueueName="gone")
    assert sqs.list_queues()["QueueUrls"] == [url]
    later(slow, 61)
    assert "QueueUrls" not in sqs.list_queues()
    assert sqs.create_queue(QueueName="gone")["QueueUrl"] == url
