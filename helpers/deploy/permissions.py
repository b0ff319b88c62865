"""What a state machine's role must be allowed, worked out from its definition and from nothing else.

Source of each integration's actions: "IAM policies for integrated services" in the Step Functions Developer Guide.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import botocore.session

from helpers.definition import states
from helpers.definition.services import iam_action, sdk_services
from helpers.errors import UnknownService
from helpers.lab.settings import hyphened

__all__ = ["Setting", "function_statements", "machine_statements", "trust"]

Grant = tuple[tuple[str, ...], tuple[str, ...]]
"""Actions and the resources they are allowed on."""

INTEGRATION = re.compile(
    r"arn:aws[\w-]*:states:[\w-]*:\d*:(?:aws-sdk:)?(?P<service>[\w-]+):(?P<action>\w+)"
    r"(?:\.(?P<pattern>sync|sync:2|waitForTaskToken))?"
)
FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:")
ACTIVITY = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d+:activity:")

LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:CreateLogStream",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutLogEvents",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
GLUE_CATALOG = ("CreateDatabase", "GetDatabase", "GetDatabases", "UpdateDatabase", "DeleteDatabase", "CreateTable",
                "GetTable", "GetTables", "UpdateTable", "DeleteTable", "BatchDeleteTable", "BatchCreatePartition",
                "CreatePartition", "GetPartition", "GetPartitions", "BatchGetPartition", "UpdatePartition",
                "DeletePartition", "BatchDeletePartition")  # fmt: skip
ATHENA_BUCKET = ("GetBucketLocation", "GetObject", "ListBucket", "ListBucketMultipartUploads",
                 "ListMultipartUploadParts", "AbortMultipartUpload", "PutObject")  # fmt: skip

SDK_LIKE = ("athena", "dynamodb", "lambda:invoke")
"""The services, and an operation, that ask for the same when called by the SDK as in an integration of their own."""

SDK_PREFIXES = {"cloudwatch": "cloudwatch", "ses": "ses", "sesv2": "ses", "resourcegroupstaggingapi": "tag"}
"""IAM's prefix where it is neither the service's signing name nor its endpoint's."""


class Setting(NamedTuple):
    """Where a machine stands: what its ARNs are made of."""

    partition: str
    region: str
    account: str
    prefix: str
    """Begins the name of all that is ours; stands in for a name that only the running execution knows."""
    machine: str
    """The machine's own name."""
    results: str = ""
    """The bucket into which a company's workgroup puts the results of all queries."""

    @property
    def buckets(self) -> list[str]:
        """The ARNs of our buckets and of what is in them, and of the one that holds the results of queries."""
        names = [f"{self.bucket_prefix}*", *([self.results] if self.results else [])]
        return [f"arn:{self.partition}:s3:::{name}{inside}" for name in names for inside in ("", "/*")]

    @property
    def bucket_prefix(self) -> str:
        """Begins the names of our buckets, which hold neither capitals nor _."""
        return hyphened(self.prefix)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of `resource` here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def trust(*services: str) -> dict[str, Any]:
    """The policy that lets `services` ("lambda", "states" ...) assume a role."""
    principals = [f"{service}.amazonaws.com" for service in services]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": principals}, "Action": "sts:AssumeRole"}],
    }


def function_statements(name: str, setting: Setting) -> list[dict[str, Any]]:
    """What every function's role needs: to write its own log, and no other."""
    group = setting.arn("logs", f"log-group:/aws/lambda/{name}")
    actions = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    return _statements([(actions, (group, f"{group}:*"))])


def machine_statements(definition: Mapping[str, Any], setting: Setting, logging: bool = False) -> list[dict[str, Any]]:
    """The statements of a policy with only what `definition` needs.

    A resource that the definition names is allowed by its exact ARN; one that is known only at run time (a JSONPath or
    JSONata expression) as whatever bears our prefix. `logging` adds what delivering logs to CloudWatch takes.

    Raises UnknownService, naming the state, for an integration that is not known here.
    """
    grants: list[Grant] = []
    for state in states(definition):
        if state.type == "Task":
            grants += _of_task(state.name, state.body, setting)
        if state.distributed:
            grants += _of_distributed_map(state.body, setting)
    if logging:
        grants.append((LOG_DELIVERY, ("*",)))
    return _statements(grants)


def _statements(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """One statement for each set of resources, everything in order, so that the same needs make the same policy."""
    actions_on: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for actions, resources in grants:
        actions_on[tuple(sorted(set(resources)))].update(actions)
    return [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
        for resources, actions in sorted(actions_on.items())
    ]


def _known(parameters: Mapping[str, Any], key: str) -> str | None:
    """The argument as the definition gives it, or None when only the running execution knows it."""
    value = parameters.get(key)
    return value if isinstance(value, str) and not value.lstrip().startswith("{%") else None


def _named(
    parameters: Mapping[str, Any], key: str, setting: Setting, service: str, kind: str, otherwise: str = ""
) -> str:
    """The ARN of what an argument names, by its ARN or its name; where only the execution knows it, of all of ours.

    `otherwise` is the name where the argument is not given.
    """
    given = {key, f"{key}.$"} & parameters.keys()
    name = _known(parameters, key) or (not given and otherwise) or f"{setting.prefix}*"
    return name if name.startswith("arn:") else setting.arn(service, f"{kind}{name.removeprefix(kind)}")


def _part(parameters: Mapping[str, Any], key: str, separator: str) -> str:
    """What an argument adds to an ARN, such as `:live` for a Qualifier; nothing where it is not given."""
    return f"{separator}{_known(parameters, key) or '*'}" if {key, f"{key}.$"} & parameters.keys() else ""


def _mapping(value: object) -> Mapping[str, Any]:
    """Arguments, or none where an expression makes them."""
    return value if isinstance(value, Mapping) else {}


def _of_task(name: str, state: Mapping[str, Any], setting: Setting) -> list[Grant]:
    resource = state.get("Resource", "")
    parameters = _mapping(state.get("Arguments", state.get("Parameters")))
    credentials = state.get("Credentials")
    if isinstance(credentials, Mapping):
        return [(("sts:AssumeRole",), (_known(credentials, "RoleArn") or "*",))]
    if FUNCTION.match(resource):
        return [(("lambda:InvokeFunction",), (resource,))]
    if ACTIVITY.match(resource):
        return []
    found = INTEGRATION.fullmatch(resource)
    if found is None:
        raise UnknownService(f"The state {name!r} has the Resource {resource!r}, which names no integration we know.")
    service, action, pattern = found["service"], found["action"], found["pattern"] or ""
    if ":aws-sdk:" in resource:
        actions = _sdk_actions(name, service, action)
        if service in SDK_LIKE or f"{service}:{action}" in SDK_LIKE:
            return OPTIMISED[service](action, "", parameters, setting)
        named = {_unqualified(one) for key in parameters if (one := _known(parameters, key)) and one.startswith("arn:")}
        return [(actions, tuple(named) or ("*",))]
    if service not in OPTIMISED:
        raise UnknownService(
            f"We do not know what the state {name!r} must be allowed for {service}:{action}: "
            "give a role that may do it with role=."
        )
    return OPTIMISED[service](action, pattern, parameters, setting)


def _of_distributed_map(state: Mapping[str, Any], setting: Setting) -> list[Grant]:
    machine = setting.arn("states", f"stateMachine:{setting.machine}")
    runs = setting.arn("states", f"execution:{setting.machine}/*")
    grants: list[Grant] = [
        (("states:StartExecution",), (machine,)),
        (("states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"), (runs,)),
    ]
    reader = state.get("ItemReader", {})
    lists = str(reader.get("Resource")).endswith("listObjectsV2")
    loads = not lists or reader.get("ReaderConfig", {}).get("Transformation") == "LOAD_AND_FLATTEN"
    for part, actions in (
        ("ItemReader", ("s3:ListBucket",) * lists + ("s3:GetObject",) * loads),
        ("ResultWriter", ("s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")),
    ):
        if part in state:
            arguments = state[part].get("Arguments", state[part].get("Parameters", {}))
            grants.append((actions, _bucket(_known(arguments, "Bucket"), setting)))
    return grants


def _bucket(name: str | None, setting: Setting) -> tuple[str, ...]:
    bucket = f"arn:{setting.partition}:s3:::{name or setting.bucket_prefix + '*'}"
    return bucket, f"{bucket}/*"


def _sdk_actions(state: str, service: str, action: str) -> tuple[str, ...]:
    """The IAM actions of an `aws-sdk:service:action`, spelled as the service's own model spells them."""
    name = sdk_services().get(service)
    if name is None:
        raise UnknownService(
            f"The state {state!r} calls aws-sdk:{service}:{action}, a service we do not know: "
            "give a role that may call it with role=."
        )
    prefix, operations = _sdk_model(name)
    operation = operations.get(action.lower())
    if operation is None:
        raise UnknownService(f"The state {state!r} calls aws-sdk:{service}:{action}, but {service} has no such action.")
    copied = ("s3:GetObject",) if operation in ("CopyObject", "UploadPartCopy") else ()
    return iam_action(f"{prefix}:{operation}"), *copied


@cache
def _sdk_model(name: str) -> tuple[str, dict[str, str]]:
    model = botocore.session.get_session().get_service_model(name)
    prefix = SDK_PREFIXES.get(name) or model.metadata.get("signingName") or model.endpoint_prefix
    return prefix, {operation.lower(): operation for operation in model.operation_names}


def _unqualified(arn: str) -> str:
    """A version's or an alias's machine: that is what a policy names ("Versions and aliases", developer guide)."""
    return re.sub(r"(:stateMachine:[^:]+):.+", r"\1", arn)


def _lambda(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    function = _named(parameters, "FunctionName", setting, "lambda", "function:")
    return [(("lambda:InvokeFunction",), (function + _part(parameters, "Qualifier", ":"),))]


def _managed_rule(rule: str, setting: Setting) -> Grant:
    """The EventBridge rule through which Step Functions learns that a job of `.sync` has ended."""
    return ("events:PutTargets", "events:PutRule", "events:DescribeRule"), (setting.arn("events", f"rule/{rule}"),)


def _states_service(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    machine = _unqualified(_named(parameters, "StateMachineArn", setting, "states", "stateMachine:"))
    grants: list[Grant] = [(("states:StartExecution",), (machine,))]
    if pattern.startswith("sync"):
        name = machine.split(":stateMachine:")[-1]
        runs = setting.arn("states", f"execution:{name}:*")
        grants.append((("states:DescribeExecution", "states:StopExecution"), (runs,)))
        grants.append(_managed_rule("StepFunctionsGetEventsForStepFunctionsExecutionRule", setting))
    return grants


def _athena(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    if action != "startQueryExecution":
        # Only the query that is asked for knows its workgroup.
        grants: list[Grant] = [((f"athena:{action[0].upper()}{action[1:]}",), (setting.arn("athena", "workgroup/*"),))]
        return grants + [(("s3:GetObject",), tuple(setting.buckets))] * (action == "getQueryResults")
    workgroup = _named(parameters, "WorkGroup", setting, "athena", "workgroup/", otherwise="primary")
    actions = ["athena:StartQueryExecution"]
    if pattern == "sync":
        actions += ["athena:StopQueryExecution", "athena:GetQueryExecution"]
    location = _known(_mapping(parameters.get("ResultConfiguration")), "OutputLocation")
    output = re.match(r"s3://([^/]+)", location or "")
    catalog = tuple(
        setting.arn("glue", resource) for resource in ("catalog", "database/*", "table/*", "userDefinedFunction/*")
    )
    buckets = {*setting.buckets, *_bucket(output[1] if output else None, setting)}
    return [
        (tuple(actions), (workgroup,)),
        (("athena:GetDataCatalog",), (setting.arn("athena", "datacatalog/*"),)),
        (tuple(f"s3:{one}" for one in ATHENA_BUCKET), tuple(buckets)),
        (tuple(f"glue:{one}" for one in GLUE_CATALOG), catalog),
        (("lakeformation:GetDataAccess",), ("*",)),
    ]


def _sqs(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    url = _known(parameters, "QueueUrl") or f"{setting.prefix}*"
    return [(("sqs:SendMessage",), (setting.arn("sqs", url.rstrip("/").split("/")[-1]),))]


def _sns(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    topic = _known(parameters, "TopicArn") or _known(parameters, "TargetArn")
    if topic is None:
        topic = "*" if any(key.startswith("PhoneNumber") for key in parameters) else f"{setting.prefix}*"
    return [(("sns:Publish",), (topic if topic == "*" or topic.startswith("arn:") else setting.arn("sns", topic),))]


def _dynamodb(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    table = _named(parameters, "TableName", setting, "dynamodb", "table/") + _part(parameters, "IndexName", "/index/")
    return [((f"dynamodb:{action[0].upper()}{action[1:]}",), ("*" if action == "listTables" else table,))]


def _events(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    entries = parameters.get("Entries")
    known = [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else [{}]
    arns = {_named(one, "EventBusName", setting, "events", "event-bus/", otherwise="default") for one in known}
    return [(("events:PutEvents",), tuple(arns))]


def _glue(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    waiting = ("glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun") if pattern == "sync" else ()
    return [(("glue:StartJobRun", *waiting), (_named(parameters, "JobName", setting, "glue", "job/"),))]


def _batch(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    kinds = {"JobDefinition": "job-definition/", "JobQueue": "job-queue/"}
    arns = tuple(_named(parameters, key, setting, "batch", kind) for key, kind in kinds.items())
    grants: list[Grant] = [(("batch:SubmitJob",), arns)]
    if pattern == "sync":
        # Looking and stopping: AWS's own policy has them on every resource, as DescribeJobs knows none.
        grants.append((("batch:DescribeJobs", "batch:TerminateJob"), ("*",)))
        grants.append(_managed_rule("StepFunctionsGetEventsForBatchJobsRule", setting))
    return grants


def _ecs(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    task = _named(parameters, "TaskDefinition", setting, "ecs", "task-definition/")
    grants: list[Grant] = [(("ecs:RunTask",), (task if ":" in task.split("/")[-1] else f"{task}:*",))]
    if pattern == "sync":
        grants.append((("ecs:DescribeTasks", "ecs:StopTask"), (setting.arn("ecs", "task/*"),)))
        grants.append(_managed_rule("StepFunctionsGetEventsForECSTaskRule", setting))
    return grants


def _bedrock(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    model = _known(parameters, "ModelId") or "*"
    arn = f"arn:{setting.partition}:bedrock:{setting.region}::foundation-model/{model}"
    return [(("bedrock:InvokeModel",), (model if model.startswith("arn:") else arn,))]


def _http(action: str, pattern: str, parameters: Mapping[str, Any], setting: Setting) -> list[Grant]:
    authentication = _mapping(parameters.get("Authentication", parameters.get("InvocationConfig")))
    connection = _known(authentication, "ConnectionArn")
    secret = f"arn:{setting.partition}:secretsmanager:{setting.region}:{setting.account}:secret:events!connection/*"
    return [
        (("states:InvokeHTTPEndpoint",), (setting.arn("states", f"stateMachine:{setting.machine}"),)),
        (("events:RetrieveConnectionCredentials",), (connection or setting.arn("events", "connection/*"),)),
        (("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"), (secret,)),
    ]


OPTIMISED: dict[str, Callable[[str, str, Mapping[str, Any], Setting], list[Grant]]] = {
    "athena": _athena,
    "batch": _batch,
    "bedrock": _bedrock,
    "dynamodb": _dynamodb,
    "ecs": _ecs,
    "events": _events,
    "glue": _glue,
    "http": _http,
    "lambda": _lambda,
    "sns": _sns,
    "sqs": _sqs,
    "states": _states_service,
}
"""The optimised integrations we know, and what each must be allowed."""
