"""Making what a machine needs, once and no more, and removing it again."""

import io
import json
import shutil
import zipfile
from typing import Any

import pytest

import helpers
from helpers import definition, deploy, execution
from helpers.deploy import resources
from helpers.deploy.archive import archive, digest
from helpers.deploy.permissions import Setting, machine_statements, trust
from helpers.errors import (
    AnswerInvalid,
    DefinitionInvalid,
    DeployFailed,
    ForeignResource,
    LabError,
    NotFound,
    PlaceholderLeft,
    UnknownName,
    UnknownService,
)
from tests.deploy.sandboxed import Refusing, everything, listen, passing

HERE = Setting("aws", "eu-west-3", "111122223333", "lab-", "lab-machine")
at = HERE.arn
OF = "arn:aws:states:::"
FUNCTION = "arn:aws:lambda:eu-west-3:111122223333:function:lab-f"


def of_task(resource: str, **body: Any) -> list[dict[str, Any]]:
    machine = {"StartAt": "Do", "States": {"Do": {"Type": "Task", "Resource": resource, "End": True, **body}}}
    return machine_statements(machine, HERE)


def allowed(statements: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Action -> resources."""
    return {action: one["Resource"] for one in statements for action in one["Action"]}


class Counting:
    """How often a service's operations are called in a block."""

    def __init__(self, lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        listen(lab, monkeypatch, "before-call", lambda model, **_: self.calls.append(model.name))


def test_the_zip_of_an_unchanged_source_is_the_same_byte_for_byte(tmp_path):
    source = tmp_path / "one"
    (source / "part").mkdir(parents=True)
    (source / "lambda_function.py").write_text("def lambda_handler(event, context): return 1\n")
    (source / "part" / "__init__.py").write_text("")
    first = archive(source)
    copied = tmp_path / "two"
    shutil.copytree(source, copied)
    (copied / "__pycache__").mkdir()
    (copied / "__pycache__" / "lambda_function.cpython-311.pyc").write_bytes(b"left by Python")
    (copied / "lambda_function.py").touch()
    assert archive(copied) == first
    assert zipfile.ZipFile(io.BytesIO(first)).namelist() == ["lambda_function.py", "part/__init__.py"]
    (copied / "lambda_function.py").write_text("def lambda_handler(event, context): return 2\n")
    assert digest(archive(copied)) != digest(first)


def test_a_folder_without_source_is_refused(tmp_path):
    with pytest.raises(NotFound, match="no source"):
        archive(tmp_path / "nowhere")


def test_busy_wait_may_only_invoke_its_function():
    machine = definition.load("busy_wait", FunctionArn=FUNCTION)
    assert machine_statements(machine, HERE) == [
        {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [f"{FUNCTION}:$LATEST"]}
    ]


def test_states_in_branches_and_items_count_too():
    inner = {
        "StartAt": "In",
        "States": {"In": {"Type": "Task", "Resource": FUNCTION, "End": True}},
    }
    for outer in ({"Type": "Parallel", "Branches": [inner]}, {"Type": "Map", "ItemProcessor": inner}):
        machine = {"StartAt": "Out", "States": {"Out": {**outer, "End": True}}}
        assert allowed(machine_statements(machine, HERE)) == {"lambda:InvokeFunction": [FUNCTION]}


def test_a_distributed_map_may_run_its_children_and_use_its_buckets():
    machine = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    **passing(),
                },
                "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "in"}},
                "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out"}},
                "End": True,
            }
        },
    }
    may = allowed(machine_statements(machine, HERE))
    assert may["states:StartExecution"] == [at("states", "stateMachine:lab-machine")]
    assert may["states:StopExecution"] == [at("states", "execution:lab-machine/*")]
    assert may["s3:PutObject"] == ["arn:aws:s3:::out", "arn:aws:s3:::out/*"]
    read = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::in", "arn:aws:s3:::in/*"]}
    assert read in machine_statements(machine, HERE)


@pytest.mark.parametrize(
    ("configuration", "actions"),
    [({}, ["s3:ListBucket"]), ({"Transformation": "LOAD_AND_FLATTEN"}, ["s3:GetObject", "s3:ListBucket"])],
)
def test_a_map_over_a_list_of_objects_reads_them_only_where_it_loads_them(configuration, actions):
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "ReaderConfig": configuration}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **passing()}
    each = {"Type": "Map", "ItemReader": {**reader, "Parameters": {"Bucket.$": "$.b"}}, "ItemProcessor": processor}
    granted = machine_statements({"StartAt": "Each", "States": {"Each": {**each, "End": True}}}, HERE)
    assert [one for one in granted if "s3" in one["Resource"][0]] == [
        {"Effect": "Allow", "Action": actions, "Resource": ["arn:aws:s3:::lab-*", "arn:aws:s3:::lab-*/*"]}
    ]


@pytest.mark.parametrize(
    ("resource", "parameters", "action", "on"),
    [
        (FUNCTION, {}, "lambda:InvokeFunction", FUNCTION),
        (f"{OF}lambda:invoke", {"FunctionName": "f"}, "lambda:InvokeFunction", at("lambda", "function:f")),
        (f"{OF}lambda:invoke", {"FunctionName.$": "$.f"}, "lambda:InvokeFunction", at("lambda", "function:lab-*")),
        (f"{OF}sqs:sendMessage.waitForTaskToken", {"QueueUrl": "https://x/1/q"}, "sqs:SendMessage", at("sqs", "q")),
        (f"{OF}sns:publish", {"TopicArn": "arn:aws:sns:x:1:t"}, "sns:Publish", "arn:aws:sns:x:1:t"),
        (f"{OF}dynamodb:putItem", {"TableName": "t"}, "dynamodb:PutItem", at("dynamodb", "table/t")),
        (
            f"{OF}events:putEvents",
            {"Entries": [{"EventBusName": "b"}]},
            "events:PutEvents",
            at("events", "event-bus/b"),
        ),
        (f"{OF}athena:stopQueryExecution", {}, "athena:StopQueryExecution", at("athena", "workgroup/*")),
        (f"{OF}aws-sdk:sfn:describeExecution", {}, "states:DescribeExecution", "*"),
        (f"{OF}aws-sdk:s3:listObjectsV2", {}, "s3:ListBucket", "*"),
        (f"{OF}aws-sdk:cloudwatchlogs:filterLogEvents", {}, "logs:FilterLogEvents", "*"),
        (f"{OF}aws-sdk:cloudwatch:putMetricData", {}, "cloudwatch:PutMetricData", "*"),
        (f"{OF}aws-sdk:athena:getQueryExecution", {}, "athena:GetQueryExecution", at("athena", "workgroup/*")),
    ],
)
def test_a_task_gets_its_one_permission(resource, parameters, action, on):
    assert allowed(of_task(resource, Parameters=parameters)) == {action: [on]}


MACHINE = "arn:aws:states:x:1:stateMachine:m"
ROLE, TABLE, TOPIC = "arn:aws:iam::1:role/r", "arn:aws:dynamodb:x:1:table/t", "arn:aws:sns:x:1:t"
BUS, QUEUE, TASK = (
    "arn:aws:events:x:1:event-bus/b",
    "arn:aws:batch:x:1:job-queue/q",
    "arn:aws:ecs:x:1:task-definition/t",
)
MODEL, CONNECTION = "arn:aws:bedrock:x:1:inference-profile/m", "arn:aws:events:x:1:connection/c/1"
SECRET = "arn:aws:secretsmanager:eu-west-3:111122223333:secret:events!connection/*"


def rule(job: str) -> str:
    return at("events", f"rule/StepFunctionsGetEventsFor{job}Rule")


@pytest.mark.parametrize(
    ("resource", "parameters", "expected"),
    [
        ("lambda:invoke", {"FunctionName": FUNCTION}, {"lambda:InvokeFunction": FUNCTION}),
        ("lambda:invoke", {"FunctionName": "function:f"}, {"lambda:InvokeFunction": at("lambda", "function:f")}),
        ("lambda:invoke", "{% $states.input %}", {"lambda:InvokeFunction": at("lambda", "function:lab-*")}),
        (
            "lambda:invoke",
            {"FunctionName": FUNCTION, "Qualifier": "live"},
            {"lambda:InvokeFunction": f"{FUNCTION}:live"},
        ),
        (
            "aws-sdk:lambda:invoke",
            {"FunctionName": "f", "Qualifier.$": "$.q"},
            {"lambda:InvokeFunction": at("lambda", "function:f:*")},
        ),
        ("sqs:sendMessage", {"QueueUrl.$": "$.q"}, {"sqs:SendMessage": at("sqs", "lab-*")}),
        ("sns:publish", {"TargetArn": TOPIC}, {"sns:Publish": TOPIC}),
        ("sns:publish", {"TopicArn.$": "$.t"}, {"sns:Publish": at("sns", "lab-*")}),
        ("sns:publish", {"PhoneNumber.$": "$.phone"}, {"sns:Publish": "*"}),
        ("dynamodb:getItem", {"TableName": TABLE}, {"dynamodb:GetItem": TABLE}),
        ("dynamodb:getItem", {"TableName.$": "$.t"}, {"dynamodb:GetItem": at("dynamodb", "table/lab-*")}),
        ("aws-sdk:dynamodb:getItem", {"TableName": "t"}, {"dynamodb:GetItem": at("dynamodb", "table/t")}),
        ("aws-sdk:dynamodb:listTables", {}, {"dynamodb:ListTables": "*"}),
        (
            "aws-sdk:dynamodb:query",
            {"TableName": "t", "IndexName": "i"},
            {"dynamodb:Query": at("dynamodb", "table/t/index/i")},
        ),
        (
            "aws-sdk:dynamodb:scan",
            {"TableName": "t", "IndexName.$": "$.i"},
            {"dynamodb:Scan": at("dynamodb", "table/t/index/*")},
        ),
        ("aws-sdk:sns:publish", {"TopicArn": TOPIC, "Message": "a"}, {"sns:Publish": TOPIC}),
        ("aws-sdk:s3:headObject", {"Bucket": "b"}, {"s3:GetObject": "*"}),
        ("aws-sdk:s3:copyObject", {"Bucket": "b"}, {"s3:GetObject": "*", "s3:PutObject": "*"}),
        ("aws-sdk:s3:listObjectVersions", {"Bucket": "b"}, {"s3:ListBucketVersions": "*"}),
        ("aws-sdk:s3:createMultipartUpload", {"Bucket": "b"}, {"s3:PutObject": "*"}),
        ("aws-sdk:sqs:sendMessageBatch", {}, {"sqs:SendMessage": "*"}),
        ("aws-sdk:sns:publishBatch", {"TopicArn": TOPIC}, {"sns:Publish": TOPIC}),
        ("aws-sdk:bedrockruntime:converse", {}, {"bedrock:InvokeModel": "*"}),
        (
            "aws-sdk:sfn:startSyncExecution",
            {"StateMachineArn": f"{MACHINE}:live"},
            {"states:StartSyncExecution": MACHINE},
        ),
        (
            "events:putEvents",
            {"Entries": [{"EventBusName": BUS}, {"Source": "s"}, "{% $entry %}"]},
            {"events:PutEvents": [at("events", "event-bus/default"), BUS]},
        ),
        (
            "events:putEvents",
            {"Entries": [{"EventBusName.$": "$.b"}]},
            {"events:PutEvents": at("events", "event-bus/lab-*")},
        ),
        ("events:putEvents", {"Entries.$": "$.e"}, {"events:PutEvents": at("events", "event-bus/default")}),
        ("glue:startJobRun", {"JobName": "j"}, {"glue:StartJobRun": at("glue", "job/j")}),
        (
            "glue:startJobRun.sync",
            {"JobName.$": "$.j"},
            {
                f"glue:{action}": at("glue", "job/lab-*")
                for action in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
            },
        ),
        (
            "batch:submitJob",
            {"JobDefinition": "d:1", "JobQueue": QUEUE},
            {"batch:SubmitJob": [at("batch", "job-definition/d:1"), QUEUE]},
        ),
        (
            "batch:submitJob.sync",
            {},
            {
                "batch:SubmitJob": [at("batch", "job-definition/lab-*"), at("batch", "job-queue/lab-*")],
                **dict.fromkeys(("batch:DescribeJobs", "batch:TerminateJob"), "*"),
                **dict.fromkeys(("events:PutTargets", "events:PutRule", "events:DescribeRule"), rule("BatchJobs")),
            },
        ),
        ("ecs:runTask", {"TaskDefinition": "t:3"}, {"ecs:RunTask": at("ecs", "task-definition/t:3")}),
        ("ecs:runTask", {"TaskDefinition": TASK}, {"ecs:RunTask": f"{TASK}:*"}),
        (
            "ecs:runTask.sync",
            {},
            {
                "ecs:RunTask": at("ecs", "task-definition/lab-*:*"),
                **dict.fromkeys(("ecs:DescribeTasks", "ecs:StopTask"), at("ecs", "task/*")),
                **dict.fromkeys(("events:PutTargets", "events:PutRule", "events:DescribeRule"), rule("ECSTask")),
            },
        ),
        ("states:startExecution", {}, {"states:StartExecution": at("states", "stateMachine:lab-*")}),
        ("bedrock:invokeModel", {"ModelId": MODEL}, {"bedrock:InvokeModel": MODEL}),
        (
            "bedrock:invokeModel",
            {"ModelId.$": "$.m"},
            {"bedrock:InvokeModel": "arn:aws:bedrock:eu-west-3::foundation-model/*"},
        ),
        *(
            (
                "http:invoke",
                {"Authentication": given},
                {
                    "states:InvokeHTTPEndpoint": at("states", "stateMachine:lab-machine"),
                    "events:RetrieveConnectionCredentials": connection,
                    **dict.fromkeys(("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"), SECRET),
                },
            )
            for given, connection in (
                ({"ConnectionArn": CONNECTION}, CONNECTION),
                ("{% $states.input.authentication %}", at("events", "connection/*")),
            )
        ),
    ],
)
def test_a_task_may_use_what_it_names_or_else_what_bears_our_prefix(resource, parameters, expected):
    expected = {action: sorted([on] if isinstance(on, str) else on) for action, on in expected.items()}
    assert allowed(of_task(f"{OF}{resource}", Arguments=parameters)) == expected


def test_a_task_with_credentials_may_take_their_role_and_nothing_else():
    known = of_task(FUNCTION, Credentials={"RoleArn": ROLE})
    assert allowed(known) == {"sts:AssumeRole": [ROLE]}
    assert allowed(of_task(FUNCTION, Credentials={"RoleArn.$": "$.role"})) == {"sts:AssumeRole": ["*"]}


def test_jsonata_arguments_are_read_like_parameters():
    known = of_task("arn:aws:states:::lambda:invoke", Arguments={"FunctionName": FUNCTION})
    assert allowed(known) == {"lambda:InvokeFunction": [FUNCTION]}
    unknown = of_task("arn:aws:states:::lambda:invoke", Arguments={"FunctionName": "{% $states.input.f %}"})
    assert allowed(unknown) == {"lambda:InvokeFunction": [at("lambda", "function:lab-*")]}


@pytest.mark.parametrize("qualifier", ["", ":7", ":live"])
def test_a_nested_execution_that_is_waited_for_needs_the_managed_rule(qualifier):
    """A version and an alias are started as the machine that they are of (Step Functions, "Versions and aliases")."""
    child = at("states", "stateMachine:lab-child")
    asked = {"StateMachineArn": child + qualifier}
    may = allowed(of_task("arn:aws:states:::states:startExecution.sync:2", Parameters=asked))
    assert may["states:StartExecution"] == [child]
    assert may["states:DescribeExecution"] == [at("states", "execution:lab-child:*")]
    assert may["events:PutRule"] == [at("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")]
    only = allowed(of_task("arn:aws:states:::states:startExecution", Parameters=asked))
    assert only == {"states:StartExecution": [child]}


def test_an_athena_query_that_is_waited_for():
    machine = definition.load("athena_sync", Database="d", OutputLocation="s3://results/x/")
    may = allowed(machine_statements(machine, HERE))
    assert {"athena:StartQueryExecution", "athena:GetQueryExecution", "athena:StopQueryExecution"} <= set(may)
    assert "arn:aws:s3:::results/*" in may["s3:PutObject"]


def test_athena_may_use_our_buckets_and_the_one_for_all_results():
    ours, results = ["arn:aws:s3:::lab-*", "arn:aws:s3:::lab-*/*"], ["arn:aws:s3:::all", "arn:aws:s3:::all/*"]
    for action in ("getQueryResults", "startQueryExecution"):
        task = {"Type": "Task", "Resource": f"{OF}athena:{action}", "Arguments": {"WorkGroup": "team"}, "End": True}
        machine = {"StartAt": "Ask", "States": {"Ask": task}}
        assert allowed(machine_statements(machine, HERE))["s3:GetObject"] == ours
        assert allowed(machine_statements(machine, HERE._replace(results="all")))["s3:GetObject"] == results + ours
    may = allowed(machine_statements(machine, HERE))
    assert may["athena:StartQueryExecution"] == [at("athena", "workgroup/team")]
    for asked, group in (({}, "primary"), ({"WorkGroup.$": "$.w"}, "lab-*"), ({"WorkGroup": "{% $w %}"}, "lab-*")):
        unnamed = allowed(of_task(f"{OF}athena:startQueryExecution", Arguments=asked))
        assert unnamed["athena:StartQueryExecution"] == [at("athena", f"workgroup/{group}")]
    assert "athena:StopQueryExecution" not in may


def test_an_activity_needs_nothing_and_logging_needs_log_delivery():
    assert of_task(at("states", "activity:a")) == []
    assert "logs:CreateLogDelivery" in allowed(machine_statements(passing(), HERE, logging=True))


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:::eks:call",
        "arn:aws:states:::aws-sdk:nosuch:thing",
        "arn:aws:states:::aws-sdk:s3:fly",
        "nonsense",
    ],
)
def test_an_unknown_integration_names_its_state(resource):
    with pytest.raises(UnknownService, match="'Do'"):
        of_task(resource)


def test_busy_wait_in_one_line_and_once_more(clean, monkeypatch):
    first = deploy.deploy("busy_wait", lab=clean)
    assert first.name.startswith(clean.prefix)
    sfn = clean.client("stepfunctions")
    machine = sfn.describe_state_machine(stateMachineArn=first.arn)
    function = first.functions["stepfunctionlambda_test"]
    assert json.loads(machine["definition"]) == first.definition
    assert first.definition["States"]["Main"]["Parameters"]["FunctionName"] == f"{function}:$LATEST"
    assert first.arn in first._repr_html_()

    counting = Counting(clean, monkeypatch)
    assert deploy.deploy("busy_wait", lab=clean) == first
    assert not [name for name in counting.calls if name.startswith(("Create", "Update", "Put", "Delete"))]


def test_a_throttle_that_was_left_on_is_lifted(clean):
    arn = deploy.function("ask_job", lab=clean)
    functions = clean.client("lambda")
    functions.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    deploy.function("ask_job", lab=clean)
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=arn)


def test_everything_is_tagged(clean):
    made = deploy.deploy("busy_wait", log_level="ALL", lab=clean)
    function = made.functions["stepfunctionlambda_test"]
    tags = clean.client("lambda").list_tags(Resource=function)["Tags"]
    assert clean.tags.items() <= tags.items()
    found = clean.client("stepfunctions").list_tags_for_resource(resourceArn=made.arn)["tags"]
    assert clean.tags.items() <= {tag["key"]: tag["value"] for tag in found}.items()
    iam = clean.client("iam")
    ours = [role for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(clean.name("busy_wait"))]
    assert ours
    for role in ours:
        found = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
        assert clean.tags.items() <= {tag["Key"]: tag["Value"] for tag in found}.items()


def test_a_changed_source_is_uploaded_and_changed_settings_are_set(clean, tmp_path):
    source = tmp_path / "lambda_function.py"
    source.write_text("def lambda_handler(event, context):\n    return 1\n")
    deploy.function("answer", source, lab=clean)
    source.write_text("def lambda_handler(event, context):\n    return 2\n")
    arn = deploy.function("answer", source, timeout=7, environment={"SIZE": "small"}, lab=clean)
    client = clean.client("lambda")
    settings = client.get_function_configuration(FunctionName=arn)
    assert settings["CodeSha256"] == digest(archive(source))
    assert settings["Timeout"] == 7
    assert settings["Environment"]["Variables"] == {"SIZE": "small"}


def test_a_changed_definition_updates_the_machine_and_its_permissions(clean):
    deploy.state_machine("changing", passing(), lab=clean)
    arn = deploy.state_machine("changing", "busy_wait", FunctionArn=FUNCTION, lab=clean)
    machine = clean.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert "Main" in json.loads(machine["definition"])["States"]
    role = machine["roleArn"].split("/")[-1]
    iam = clean.client("iam")
    assert "InvokeFunction" in json.dumps(iam.get_role_policy(RoleName=role, PolicyName="needed")["PolicyDocument"])
    deploy.state_machine("changing", passing(), lab=clean)
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []


def test_the_company_s_role_and_boundary_are_used(clean):
    iam = clean.client("iam")
    given = iam.create_role(RoleName="company", AssumeRolePolicyDocument=json.dumps(trust("states")))["Role"]["Arn"]
    try:
        arn = deploy.state_machine("guest", passing(), role=given, lab=clean)
        machine = clean.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
        assert machine["roleArn"] == given
        boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
        bounded = deploy.role("bounded", permissions_boundary=boundary, lab=clean).split("/")[-1]
        found = iam.get_role(RoleName=bounded)["Role"]
        assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
        deploy.tear_down(clean)
        assert iam.get_role(RoleName="company")
    finally:
        iam.delete_role(RoleName="company")


def test_a_placeholder_left_over_is_named_and_nothing_is_made(clean):
    before = everything(clean)
    with pytest.raises(PlaceholderLeft, match="FunctionArn"):
        deploy.state_machine("busy_wait", lab=clean)
    with pytest.raises(PlaceholderLeft, match="QueueUrl"):
        deploy.deploy("callback", lab=clean)
    assert everything(clean) == before


def test_options_of_a_function_that_there_is_not_are_refused(clean):
    before = everything(clean)
    with pytest.raises(UnknownName, match="no function named 'misbehaves'"):
        deploy.deploy("careful", function_options={"misbehaves": {"timeout": 30}}, lab=clean)
    assert everything(clean) == before


def test_unknown_names_are_told_and_nothing_is_made(clean):
    before = everything(clean)
    with pytest.raises(UnknownName, match="busy_wait"):
        deploy.deploy("busy_weight", lab=clean)
    with pytest.raises(UnknownName, match="stepfunctionlambda_test"):
        deploy.function("no_such_function", lab=clean)
    assert everything(clean) == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"States": passing()["States"]}, "StartAt"),
        ({**passing(), "StartAt": "Elsewhere"}, "Elsewhere"),
        ({"StartAt": "Do", "States": {"Do": {"Type": "Nap", "End": True}}}, "Nap|Type|Do"),
    ],
)
def test_a_bad_definition_is_refused_and_nothing_is_made(clean, wrong, told):
    before = everything(clean)
    with pytest.raises(LabError, match=told):
        deploy.state_machine("wrong", wrong, log_level="ALL", lab=clean)
    assert everything(clean) == before


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), (1, 2)])
def test_a_definition_that_json_cannot_hold_is_refused(clean, value):
    holding = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": value, "End": True}}}
    with pytest.raises(DefinitionInvalid, match=r"is not JSON"):
        deploy.state_machine("odd", holding, lab=clean)


def test_a_definition_that_is_not_json_says_where(clean, tmp_path):
    path = tmp_path / "broken.asl.json"
    path.write_text('{"StartAt": "Do",\n "States": {]}')
    with pytest.raises(DefinitionInvalid, match="line 2"):
        deploy.state_machine("broken", path, lab=clean)


def test_a_stranger_s_things_of_the_same_name_are_left_untouched(clean):
    iam, sfn = clean.client("iam"), clean.client("stepfunctions")
    trusted = json.dumps(trust("states", "lambda"))
    role = iam.create_role(RoleName=clean.name(f"theirs-states-{clean.region}"), AssumeRolePolicyDocument=trusted)[
        "Role"
    ]
    text = json.dumps(passing())
    machine = sfn.create_state_machine(name=clean.name("taken"), definition=text, roleArn=role["Arn"])
    function = clean.client("lambda")
    packed = archive(definition.function_source("ask_job"))
    function.create_function(
        FunctionName=clean.name("ask_job"),
        Runtime="python3.12",
        Role=role["Arn"],
        Handler="f.g",
        Code={"ZipFile": packed},
    )
    try:
        before = everything(clean)
        with pytest.raises(ForeignResource, match="role"):
            deploy.state_machine("theirs", passing(), lab=clean)
        with pytest.raises(ForeignResource, match="state machine"):
            deploy.state_machine("taken", "busy_wait", FunctionArn=FUNCTION, lab=clean)
        with pytest.raises(ForeignResource, match="function"):
            deploy.deploy("recheck", lab=clean)
        assert deploy.tear_down(clean).remaining.empty
        assert everything(clean) == before
        assert sfn.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"] == text
    finally:
        sfn.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
        function.delete_function(FunctionName=clean.name("ask_job"))
        iam.delete_role(RoleName=clean.name(f"theirs-states-{clean.region}"))


CANNOT_ASSUME = "The role defined for the function cannot be assumed by Lambda."
NOT_AUTHORIZED = (
    "Neither the global service principal states.amazonaws.com, nor the regional one "
    "is authorized to assume the provided role."
)


def test_a_role_not_yet_known_everywhere_is_tried_again(clean, monkeypatch):
    refusing = Refusing(clean, monkeypatch, "CreateFunction", 3 * [("InvalidParameterValueException", CANNOT_ASSUME)])
    deploy.function("ask_job", lab=clean)
    assert refusing.left == []
    assert [pause for pause in refusing.pauses if pause] == [0.5, 1.0, 2.0]


def test_a_role_that_stays_unusable_ends_in_a_sentence_and_leaves_nothing(clean, monkeypatch):
    before = everything(clean)
    Refusing(clean, monkeypatch, "CreateStateMachine", 99 * [("AccessDeniedException", NOT_AUTHORIZED)])
    with pytest.raises(DeployFailed, match="still refuses"):
        deploy.deploy("busy_wait", log_level="ALL", lab=clean)
    assert everything(clean) == before


def test_a_given_role_that_step_functions_may_not_assume_is_told_soon(clean, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(resources.time, "sleep", pauses.append)
    arn = deploy.role("for-lambda-only", service="lambda", lab=clean)
    with pytest.raises(DeployFailed, match="authorized to assume"):
        deploy.state_machine("guest", passing(), role=arn, lab=clean)
    assert sum(pauses) < resources.PATIENCE / 2


def test_on_an_account_new_permissions_are_waited_for_once_and_pages_are_linked(clean, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(clean, "target", "aws")
    monkeypatch.setattr(resources.time, "sleep", pauses.append)
    made = deploy.deploy("recheck", lab=clean)
    settling = [pause for pause in pauses if pause > 2]
    assert len(settling) == 1
    assert settling[0] <= resources.SETTLING
    assert f"statemachines/view/{made.arn}" in made.links["state machine"]
    assert "<a href=" in made._repr_html_()
    pauses.clear()
    deploy.deploy("recheck", lab=clean)
    assert not [pause for pause in pauses if pause > 2]


@pytest.mark.parametrize("operation", ["CreateRole", "CreateFunction", "CreateLogGroup", "CreateStateMachine"])
def test_an_interrupt_right_after_a_step_leaves_nothing_half_made(clean, monkeypatch, operation):
    before = everything(clean)

    def interrupt(model: Any, **_: Any) -> None:
        if model.name == operation:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        listen(clean, patched, "after-call", interrupt)
        with pytest.raises(KeyboardInterrupt):
            deploy.deploy("busy_wait", log_level="ALL", lab=clean)
    assert everything(clean) == before


def test_a_denied_step_leaves_nothing_half_made(clean, monkeypatch):
    before = everything(clean)
    Refusing(clean, monkeypatch, "CreateStateMachine", 9 * [("AccessDeniedException", "not authorized: states:Create")])
    with pytest.raises(LabError, match="did not let us make the state machine"):
        deploy.deploy("busy_wait", lab=clean)
    assert everything(clean) == before


def test_a_failed_update_does_not_remove_what_was_there(clean, monkeypatch):
    made = deploy.deploy("busy_wait", lab=clean)
    with monkeypatch.context() as patched:
        Refusing(clean, patched, "UpdateStateMachine", [("AccessDeniedException", "not authorized: states:Update")])
        with pytest.raises(LabError):
            deploy.state_machine("busy_wait", passing(), lab=clean)
    assert clean.client("stepfunctions").describe_state_machine(stateMachineArn=made.arn)


def test_another_type_of_the_same_name_is_refused(clean):
    deploy.state_machine("kind", passing(), lab=clean)
    with pytest.raises(DeployFailed, match="EXPRESS"):
        deploy.state_machine("kind", passing(), type="EXPRESS", lab=clean)


def test_the_lessons_own_call_waits_for_a_new_role_too(clean, monkeypatch):
    role = deploy.role("fresh", lab=clean)
    refusing = Refusing(clean, monkeypatch, "CreateFunction", 2 * [("InvalidParameterValueException", CANNOT_ASSUME)])
    deploy.once_assumable(
        clean.client("lambda").create_function,
        FunctionName=clean.name("mine"),
        Runtime="python3.13",
        Role=role,
        Handler="lambda_function.lambda_handler",
        Code={"ZipFile": archive(definition.function_source("ask_job"))},
        Tags=clean.tags,
    )
    assert refusing.left == []


def test_statements_name_the_lab_s_own_machine(clean):
    machine = definition.load("busy_wait", FunctionArn=FUNCTION)
    assert allowed(deploy.statements(machine, "any", lab=clean)) == {"lambda:InvokeFunction": [f"{FUNCTION}:$LATEST"]}


def test_stand_ins_answer_for_somebody_else_s_functions(clean):
    theirs = {
        "StartAt": "Ask",
        "States": {
            "Ask": {"Type": "Task", "Resource": FUNCTION, "Next": "Do"},
            "Do": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "theirs", "Payload.$": "$"},
                "OutputPath": "$.Payload",
                "End": True,
            },
        },
    }
    standing = deploy.stand_ins(theirs, answers={"Do": {"rows": 3, "quote": 'it\'s "so"'}}, lab=clean)
    assert theirs["States"]["Ask"]["Resource"] == FUNCTION
    made = deploy.deploy(standing, "standing", lab=clean)
    done = execution.wait(execution.start(made.arn, lab=clean), timeout=30, progress=False, lab=clean)
    assert done.result() == {"rows": 3, "quote": 'it\'s "so"'}
    with pytest.raises(UnknownName, match="Ask, Do"):
        deploy.stand_ins(theirs, answers={"Dew": 1}, lab=clean)


@pytest.mark.parametrize("answer", [{1}, float("nan"), b"a"])
def test_a_stand_in_answers_json(clean, answer):
    with pytest.raises(AnswerInvalid, match="answer of 'StartJob' is no JSON"):
        deploy.stand_ins(definition.load("recheck"), {"StartJob": answer}, lab=clean)


def test_on_the_sandbox_every_kind_of_task_has_a_stand_in(clean):
    integration = "arn:aws:states:::"
    calls = {
        "Function": ("${TheFunction}", {}),
        "Invoke": (f"{integration}lambda:invoke", {"FunctionName": "${Theirs}", "Payload.$": "$"}),
        "Item": (
            f"{integration}dynamodb:getItem",
            {"TableName": "${Table}", "Key": {"id": {"S.$": "$$.Execution.Id"}}},
        ),
        "Sdk": (f"{integration}aws-sdk:textract:detectDocumentText", {"Document": {}}),
        "Job": (f"{integration}batch:submitJob.sync", {"JobName": "a", "JobDefinition": "${D}", "JobQueue": "${Q}"}),
        "Http": (f"{integration}http:invoke", {"ApiEndpoint": "https://example.com", "Method": "GET"}),
        "Activity": ("arn:aws:states:us-east-1:123456789012:activity:theirs", {}),
        "Inner": (f"{integration}states:startExecution.sync:2", {"StateMachineArn": "${Inner}", "Input": {}}),
        "Token": (
            f"{integration}sqs:sendMessage.waitForTaskToken",
            {"QueueUrl": "u", "MessageBody.$": "$$.Task.Token"},
        ),
        "Called": (f"{integration}lambda:invoke.waitForTaskToken", {"Payload": {"token.$": "$$.Task.Token"}}),
    }
    done = {"Done": {"Type": "Choice", "Choices": [{"Variable": "$.Called.ok", "BooleanEquals": True, "Next": "End"}]}}
    tasks = {
        name: {
            "Type": "Task",
            "Resource": resource,
            **({"Parameters": parameters} if parameters else {}),
            "ResultPath": f"$.{name}",
            "Next": following,
        }
        for (name, (resource, parameters)), following in zip(calls.items(), [*list(calls)[1:], "Done"], strict=True)
    }
    theirs = {"StartAt": "Function", "States": {**tasks, **done, "End": {"Type": "Succeed"}}}
    standing = deploy.stand_ins(theirs, answers={"Activity": {"rows": 3}}, lab=clean)
    made = deploy.deploy(standing, "every-kind", lab=clean)
    with clean.fast_forward():
        arn = execution.start(made.arn, {}, lab=clean)
        result = execution.wait(arn, timeout=60, progress=False, lab=clean).result()
    assert result["Activity"] == {"rows": 3}
    assert result["Called"] == {"ok": True}
    assert set(calls) <= set(result)
