"""What a caller of Invoke gets, held against what AWS answers."""

import itertools
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import helpers
from helpers import deploy, execution
from tests.sandbox.lambda_runner.conftest import zipped

ARN = "arn:aws:lambda:us-east-1:123456789012:function"


def impatient(lab: helpers.Lab) -> Any:
    """A client that does not retry a throttled call."""
    return lab.session.client("lambda", config=Config(retries={"total_max_attempts": 1}))


def test_a_function_gets_its_event_and_answers(make, invoke):
    answer = invoke(make("return {'got': event, 'é': None}"), {"a": [1, "ü"]})
    assert answer["Payload"] == {"got": {"a": [1, "ü"]}, "é": None}
    assert (answer["StatusCode"], answer["ExecutedVersion"], "FunctionError" in answer) == (200, "$LATEST", False)


def test_an_answer_is_spaced_as_aws_spaces_it(lab, make):
    name = make("return {'status': 'success', 'message': 'Hello, World!'}")
    payload = lab.client("lambda").invoke(FunctionName=name)["Payload"].read()
    assert payload == b'{"status": "success", "message": "Hello, World!"}'


def test_the_context_says_what_runs(make, invoke):
    name = make(
        "c = context\n"
        "return [c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb, c.log_group_name,"
        " c.log_stream_name, c.aws_request_id, c.get_remaining_time_in_millis(), c.client_context,"
        " c.identity.cognito_identity_id]",
        Timeout=7,
        MemorySize=256,
    )
    answer = invoke(name)
    function, version, arn, memory, group, stream, request_id, remaining, client_context, identity = answer["Payload"]
    assert [function, version, arn, memory] == [name, "$LATEST", f"{ARN}:{name}", "256"]
    assert group == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    assert f"START RequestId: {request_id} Version: $LATEST\n" in answer["Log"]
    assert 5_000 < remaining <= 7_000
    assert client_context is identity is None


def test_the_environment_is_aws_s_and_the_function_s(make, invoke):
    name = make("import os; return dict(os.environ)", Environment={"Variables": {"TABLE": "t", "HOME_TOWN": "x"}})
    found = invoke(name)["Payload"]
    wanted = {
        "TABLE": "t",
        "HOME_TOWN": "x",
        "_HANDLER": "lambda_function.lambda_handler",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "TZ": "UTC0" if psutil.WINDOWS else ":UTC",
    }
    assert wanted.items() <= found.items()


@pytest.mark.parametrize(
    ("body", "before", "handler", "error"),
    [
        (
            "raise ValueError('no luck')",
            "",
            "lambda_handler",
            {
                "errorMessage": "no luck",
                "errorType": "ValueError",
                "stackTrace": [
                    '  File "/var/task/lambda_function.py", line 3, in lambda_handler\n'
                    "    raise ValueError('no luck')\n"
                ],
            },
        ),
        (
            "pass",
            "import nowhere",
            "lambda_handler",
            {
                "errorMessage": "Unable to import module 'lambda_function': No module named 'nowhere'",
                "errorType": "Runtime.ImportModuleError",
                "requestId": "",
                "stackTrace": [],
            },
        ),
        (
            "pass",
            "",
            "other",
            {
                "errorMessage": "Handler 'other' missing on module 'lambda_function'",
                "errorType": "Runtime.HandlerNotFound",
                "requestId": "",
                "stackTrace": [],
            },
        ),
        (
            "return {1, 2}",
            "",
            "lambda_handler",
            {
                "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
                "errorType": "Runtime.MarshalError",
                "stackTrace": [],
            },
        ),
        (
            "pass",
            "def (:",
            "lambda_handler",
            {
                "errorMessage": "Syntax error in module 'lambda_function': invalid syntax (lambda_function.py, line 1)",
                "errorType": "Runtime.UserCodeSyntaxError",
                "requestId": "",
                "stackTrace": ['  File "/var/task/lambda_function.py" Line 1\n    def (:\n'],
            },
        ),
    ],
)
def test_an_error_has_aws_s_shape(make, invoke, body, before, handler, error):
    answer = invoke(make(body, before, Handler=f"lambda_function.{handler}"))
    payload = answer["Payload"]
    assert list(payload) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    if "requestId" not in error:
        assert f"RequestId: {payload.pop('requestId')}" in answer["Log"]
    assert payload == error
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert f"[ERROR] {error['errorType']}: {error['errorMessage']}\nTraceback (most recent call last):" in answer["Log"]


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("import time; time.sleep(60)", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("import sys; sys.exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("import os; os._exit(0)", "Runtime.ExitError", "Runtime exited without providing a reason"),
        *(
            pytest.param(
                f"import os; os.kill(os.getpid(), {number})",
                "Runtime.ExitError",
                f"Runtime exited with error: signal: {word}",
                marks=pytest.mark.skipif(psutil.WINDOWS, reason="there are no signals on Windows"),
            )
            for number, word in ((9, "killed"), (15, "terminated"), (2, "interrupt"), (11, "segmentation fault"))
        ),
    ],
)
def test_a_runtime_that_ends_is_named_as_on_aws(make, invoke, body, kind, message):
    answer = invoke(make(body, Timeout=1))
    request_id = re.search(r"START RequestId: (\S+)", answer["Log"])[1]
    assert answer["Payload"] == {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    assert answer["FunctionError"] == "Unhandled"
    assert message in answer["Log"]


def test_a_worker_is_kept_warm_and_replaced_by_an_update(lab, make, invoke):
    client = lab.client("lambda")
    name = make("count.append(1); return [len(count), event]", "count = []")
    assert [invoke(name)["Payload"][0] for _ in range(3)] == [1, 2, 3]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"STAGE": "1"}})
    assert invoke(name)["Payload"][0] == 1
    package = zipped({"lambda_function.py": "def lambda_handler(event, context): return 'new'"})
    client.update_function_code(FunctionName=name, ZipFile=package)
    assert invoke(name)["Payload"] == "new"


def test_versions_and_aliases_run_their_own_code(lab, make, invoke):
    client = lab.client("lambda")
    name = make("return ['one', context.function_version, context.invoked_function_arn]")
    client.publish_version(FunctionName=name)
    package = zipped({"lambda_function.py": "def lambda_handler(event, context): return 'two'"})
    client.update_function_code(FunctionName=name, ZipFile=package)
    live = client.create_alias(FunctionName=f"{ARN}:{name}", Name="live", FunctionVersion="1")
    assert live["AliasArn"] == f"{ARN}:{name}:live"
    assert invoke(name)["Payload"] == "two"
    assert invoke(f"{ARN}:{name}:$LATEST")["Payload"] == "two"
    aliased = invoke(name, Qualifier="live")
    assert aliased["Payload"] == ["one", "1", f"{ARN}:{name}:live"]
    assert aliased["ExecutedVersion"] == "1"
    missing, said = client.exceptions.ResourceNotFoundException, f"Cannot find alias arn: {ARN}:{name}:no$"
    for named in (name, f"{ARN}:{name}"):
        with pytest.raises(missing, match=said):
            client.get_alias(FunctionName=named, Name="no")
        with pytest.raises(missing, match=said):
            client.update_alias(FunctionName=named, Name="no", FunctionVersion="1")


def test_an_answer_bears_the_request_s_id_that_is_in_the_log(lab, make, invoke):
    name = make("return context.aws_request_id")
    answer = invoke(name)
    (said,) = set(re.findall(r"RequestId: (\S+)", answer["Log"]))
    assert (answer["Payload"], answer["ResponseMetadata"]["RequestId"]) == (said, said)
    machine = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    machine["Parameters"] = {"FunctionName": name}
    arn = deploy.state_machine("request-id", {"StartAt": "A", "States": {"A": machine}}, lab=lab)
    ended = execution.wait(execution.start(arn, lab=lab), progress=False, lab=lab)
    output = json.loads(ended.output)
    assert output["SdkResponseMetadata"]["RequestId"] == output["Payload"]
    assert output["SdkHttpMetadata"]["HttpHeaders"]["x-amzn-RequestId"] == output["Payload"]


def test_the_log_is_in_cloudwatch_on_the_sandbox_s_clock(lab, make, invoke):
    name = make("print('first'); print('second\\nthird'); import logging; logging.getLogger().warning('two\\nlines')")
    before = lab.now()
    answer = invoke(name)
    logs = lab.client("logs")
    group = f"/aws/lambda/{name}"
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    messages = [event["message"] for event in events["events"]]
    assert [message.split()[0] for message in messages] == [
        "START",
        "first",
        "second",
        "third",
        "[WARNING]",
        "END",
        "REPORT",
    ]
    assert messages[4].endswith("two\nlines\n")
    assert "".join(messages) == answer["Log"]
    assert re.search(r"Duration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory", messages[-1])
    stamps = [event["timestamp"] / 1000 for event in events["events"]]
    assert before.timestamp() - 0.01 <= stamps[0] <= stamps[-1] <= lab.now().timestamp()


def test_an_event_is_answered_at_once_and_retried_after_aws_s_waits(lab, make):
    name = make("raise RuntimeError(event)")
    client, logs = lab.client("lambda"), lab.client("logs")
    with lab.fast_forward():
        answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=b'"again"')
        assert answer["StatusCode"] == 202
        starts: list[int] = []
        # Functions that other tests left running hold the clock for up to a minute.
        end = time.monotonic() + 120
        while len(starts) < 3 and time.monotonic() < end:
            found = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
            if found:
                events = logs.filter_log_events(logGroupName=found[0]["logGroupName"])["events"]
                starts = sorted(event["timestamp"] for event in events if event["message"].startswith("START"))
    assert [round((later - earlier) / 1000) for earlier, later in itertools.pairwise(starts)] == [60, 120]


def test_a_dry_run_runs_nothing(lab, make):
    name = make("return 1")
    assert lab.client("lambda").invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    assert not lab.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]


def test_reserved_concurrency_throttles(lab, make, invoke):
    client = impatient(lab)
    name = make("import time; time.sleep(event); return 1", Timeout=30)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 0
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    with pytest.raises(client.exceptions.TooManyRequestsException) as refused:
        client.invoke(FunctionName=name, Payload=b"0")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"

    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)

    def attempt(_: int) -> bool:
        try:
            client.invoke(FunctionName=name, Payload=b"0.5")
        except client.exceptions.TooManyRequestsException:
            return False
        return True

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(attempt, range(3))) == [False, False, True]
    client.delete_function_concurrency(FunctionName=name)
    with ThreadPoolExecutor(3) as threads:
        assert all(threads.map(attempt, range(3)))


@pytest.mark.parametrize(
    ("name", "message"),
    [("nobody", f"Function not found: {ARN}:nobody"), ("nobody:$LATEST", f"Function not found: {ARN}:nobody:$LATEST")],
)
def test_an_unknown_function_is_named(lab, name, message):
    with pytest.raises(ClientError) as refused:
        lab.client("lambda").invoke(FunctionName=name)
    assert refused.value.response["Error"] == {"Code": "ResourceNotFoundException", "Message": message}
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_payloads_have_aws_s_limits(lab, make, invoke):
    client = lab.client("lambda")
    name = make("return 'x' * event if isinstance(event, int) else len(event)")
    assert invoke(name, "x" * 6_000_000)["Payload"] == 6_000_000
    assert len(invoke(name, 6_291_554)["Payload"]) == 6_291_554
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName=name, Payload=b'"' + b"x" * 6_291_456 + b'"')
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    with pytest.raises(client.exceptions.InvalidRequestContentException, match="Could not parse"):
        client.invoke(FunctionName=name, Payload=b"{")
    too_large = invoke(name, 6_291_600)
    assert too_large["FunctionError"] == "Unhandled"
    assert too_large["Payload"]["errorType"] == "Function.ResponseSizeTooLarge"


def test_decimals_are_numbers(make, invoke):
    name = make("from decimal import Decimal\nreturn [Decimal('1.5'), Decimal('3')]")
    assert json.dumps(invoke(name)["Payload"]) == "[1.5, 3]"
