"""Stand-ins: jobs that take the time and come to the end that the Lab sets, and tasks that it answers."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

import helpers
from helpers import sandbox
from helpers.errors import InvalidSetting
from tests.roles import policy
from tests.sandbox.conftest import TRUST, Machines, details, states

GLUE = ("glue:startJobRun", {"JobName": "nightly", "Arguments": {"--day": "1"}})
BATCH = ("batch:submitJob", {"JobName": "sums", "JobDefinition": "sums:1", "JobQueue": "quick"})
ECS = ("ecs:runTask", {"TaskDefinition": "sums:1", "Cluster": "main", "LaunchType": "FARGATE"})
JOBS = pytest.mark.parametrize(("resource", "parameters"), [GLUE, BATCH, ECS], ids=["glue", "batch", "ecs"])


@pytest.fixture
def state() -> str:
    """A state's name that no other test has: stand-ins are set by name."""
    return f"Work-{uuid.uuid4().hex[:6]}"


def machine(state: str, resource: str, parameters: Any, **more: Any) -> dict[str, Any]:
    return states(
        **{
            state: {
                "Type": "Task",
                "Resource": f"arn:aws:states:::{resource}",
                "Parameters": parameters,
                "End": True,
                **more,
            }
        }
    )


def jobs(lab: helpers.Lab, state: str) -> list[str]:
    """What became of the jobs that a state started."""
    return [one["status"] for one in lab.jobs() if one["state"] == state]


@JOBS
def test_a_job_ends_after_its_time_and_the_task_with_it(lab, machines: Machines, state, resource, parameters) -> None:
    lab.stand_in(state, seconds=90)
    with lab.fast_forward():
        events = machines.run(machine(state, f"{resource}.sync", parameters))
    assert [event["type"] for event in events[2:7]] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]
    took = (events[5]["timestamp"] - events[4]["timestamp"]).total_seconds()
    assert took == pytest.approx(90, abs=1)
    assert jobs(lab, state) == ["SUCCEEDED"]


@JOBS
def test_a_job_that_fails_says_why_in_its_record(lab, machines, state, resource, parameters) -> None:
    lab.stand_in(state, seconds=0, error="OutOfMemory", cause="out of memory")
    failed = details(machines.run(machine(state, f"{resource}.sync", parameters))[-1])
    assert failed["error"] == "States.TaskFailed"
    assert "out of memory" in json.loads(failed["cause"]).values()
    assert jobs(lab, state) == ["FAILED"]


@JOBS
def test_a_job_is_cancelled_with_its_execution(lab, machines, state, resource, parameters) -> None:
    lab.stand_in(state, seconds=3600)
    arn = machines.start(machine(state, f"{resource}.sync", parameters))
    while not jobs(lab, state):
        pass
    machines.sfn.stop_execution(executionArn=arn)
    while jobs(lab, state) == ["RUNNING"]:
        pass
    assert jobs(lab, state) == ["CANCELLED"]


def test_without_sync_a_job_is_only_started(lab, machines, state) -> None:
    resource, parameters = GLUE
    output = json.loads(details(machines.run(machine(state, resource, parameters))[-1])["output"])
    assert output["JobRunId"].startswith("jr_")
    assert output["JobName"] == "nightly"


def test_what_a_job_answers_can_be_set(lab, machines, state) -> None:
    lab.stand_in(state, {"ExecutionTime": 7}, seconds=0)
    output = json.loads(details(machines.run(machine(state, "glue:startJobRun.sync", GLUE[1]))[-1])["output"])
    assert (output["JobRunState"], output["ExecutionTime"], output["JobName"]) == ("SUCCEEDED", 7, "nightly")


@JOBS
def test_a_job_needs_starting_looking_and_stopping(lab, machines, state, resource, parameters) -> None:
    """Without the first two the task fails, without the last one the job goes on."""
    iam, name = lab.client("iam"), f"jobs-{uuid.uuid4().hex[:8]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    text = json.dumps(machine(state, f"{resource}.sync", parameters, TimeoutSeconds=1))
    lab.stand_in(state, seconds=3600)
    actions = {
        "glue": ["StartJobRun", "GetJobRun", "BatchStopJobRun"],
        "batch": ["SubmitJob", "DescribeJobs", "TerminateJob"],
        "ecs": ["RunTask", "DescribeTasks", "StopTask"],
    }[resource.split(":")[0]]
    found = []
    for denied in [*actions, None]:
        document = policy() if denied is None else policy(f"{resource.split(':')[0]}:{denied}", effect="Deny")
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy())
        iam.put_role_policy(RoleName=name, PolicyName="denied", PolicyDocument=document)
        made = machines.sfn.create_state_machine(name=f"j-{uuid.uuid4().hex}", definition=text, roleArn=role)
        ended = machines.end(machines.sfn.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"])
        found.append((ended["error"], denied is not None and f":{denied} on" in ended.get("cause", "")))
    service = {"glue": "Glue.AWSGlueException", "batch": "Batch.AWSBatchException", "ecs": "ECS.AmazonECSException"}
    error = service[resource.split(":")[0]]
    assert found == [(error, True), (error, True), ("States.Timeout", False), ("States.Timeout", False)]
    while sandbox.call("clock")["working"]:
        pass
    assert jobs(lab, state) == ["RUNNING", "CANCELLED"]


@pytest.mark.parametrize(
    "resource",
    [
        "http:invoke",
        "apigateway:invoke",
        "elasticmapreduce:createCluster.sync",
        "bedrock:createModelCustomizationJob.sync",
        "sagemaker:createTrainingJob.sync",
        "eks:call",
        "mediaconvert:createJob.sync",
    ],
)
def test_what_is_not_here_is_refused_at_creation_in_one_sentence_unless_something_stands_in(
    lab, machines, state, resource
) -> None:
    definition = machine(state, resource, {})
    with pytest.raises(ClientError, match=f"{resource} is not in the sandbox") as refused:
        machines.create(definition)
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
    lab.stand_in(state, {"StatusCode": 200}, seconds=0)
    assert json.loads(details(machines.run(definition)[-1])["output"]) == {"StatusCode": 200}


def test_a_stand_in_may_fail_with_any_error(lab, machines, state) -> None:
    lab.stand_in(state, error="States.Http.StatusCode.503", cause="busy", seconds=0)
    failed = details(machines.run(machine(state, "http:invoke", {}))[-1])
    assert (failed["error"], failed["cause"]) == ("States.Http.StatusCode.503", "busy")


def test_a_model_answers_what_the_lab_sets(lab, machines, state) -> None:
    lab.stand_in(state, {"Body": {"completion": "Yes."}}, seconds=0)
    for pattern, parameters in (("", {"ModelId": "m"}), (".waitForTaskToken", {"ModelId.$": "$$.Task.Token"})):
        ended = machines.run(machine(state, f"bedrock:invokeModel{pattern}", parameters))
        output = details(ended[-1])["output"]
        assert json.loads(output)["Body"]["completion"] == "Yes."


@pytest.mark.parametrize(
    "resource",
    [
        *("aws-sdk:nothere:listThings", "aws-sdk:s3:listThings", "nothere:run", "sqs:receiveMessage"),
        *("sns:publish.sync", "batch:submitJob.waitForTaskToken", "glue:startJobRun.waitForTaskToken"),
    ],
)
def test_what_aws_does_not_have_is_refused_at_creation(machines, state, resource) -> None:
    with pytest.raises(ClientError, match="is not recognized"):
        machines.create(machine(state, resource, {}))


@pytest.mark.parametrize("seconds", [-1, True, "1", 10**10])
def test_a_time_that_cannot_be_is_refused(lab, seconds) -> None:
    with pytest.raises(InvalidSetting, match="cannot take"):
        lab.stand_in("Any", seconds=seconds)
