"""Which integrations there are: what the Resource of a task names, and what of it the sandbox serves.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

import dataclasses
import functools
import re

from botocore.model import OperationModel

from helpers.definition.services import sdk_services
from helpers.sandbox.integrations import clients
from helpers.sandbox.integrations.shapes import pascal

__all__ = ["Integration", "Service", "integration_of", "is_function", "problem_of"]


@dataclasses.dataclass(frozen=True)
class Service:
    """A service as integrations name it: by boto3's name, in the names of its errors, and in their causes.

    `actions` holds the patterns in which each may be waited for; with the SDK every operation may be called, and waited
    for with a task token. `other` names the errors that its API does not declare, where that is not its title's.
    """

    name: str
    errors: str
    title: str
    actions: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    other: str = ""

    @property
    def unmodelled(self) -> str:
        """The name of the errors that its API does not declare."""
        return f"{self.errors}.{self.other or self.title}Exception"


TOKEN, SYNC = "waitForTaskToken", "sync"

OPTIMISED = {
    "athena": Service(
        *("athena", "Athena", "AmazonAthena"),
        {"startQueryExecution": (SYNC,), "stopQueryExecution": (), "getQueryExecution": (), "getQueryResults": ()},
    ),
    "batch": Service("batch", "Batch", "AWSBatch", {"submitJob": (SYNC,)}),
    "bedrock": Service("bedrock-runtime", "Bedrock", "BedrockRuntime", {"invokeModel": (TOKEN,)}, "AmazonBedrock"),
    "dynamodb": Service(
        *("dynamodb", "DynamoDB", "AmazonDynamoDBv2"),
        {"getItem": (), "putItem": (), "updateItem": (), "deleteItem": ()},
        "AmazonDynamoDB",
    ),
    "ecs": Service("ecs", "ECS", "AmazonECS", {"runTask": (SYNC, TOKEN)}),
    "events": Service("events", "EventBridge", "AmazonEventBridge", {"putEvents": (TOKEN,)}),
    "glue": Service("glue", "Glue", "AWSGlue", {"startJobRun": (SYNC,)}),
    "lambda": Service("lambda", "Lambda", "AWSLambda", {"invoke": (TOKEN,)}),
    "sns": Service("sns", "SNS", "AmazonSNS", {"publish": (TOKEN,)}),
    "sqs": Service("sqs", "SQS", "AmazonSQS", {"sendMessage": (TOKEN,)}),
    # Started by the API of Step Functions itself, see `states_api`.
    "states": Service(
        "stepfunctions", "StepFunctions", "AWSStepFunctions", {"startExecution": (SYNC, "sync:2", TOKEN)}
    ),
}
# What else AWS integrates, by the service or the action in a Resource: not in the sandbox.
ELSEWHERE = {
    *("apigateway", "codebuild", "databrew", "eks", "elasticmapreduce", "emr-containers", "emr-serverless", "http"),
    *("mediaconvert", "sagemaker", "bedrock:createModelCustomizationJob"),
}

_RESOURCE = re.compile(
    r"arn:aws[\w-]*:states:[^:]*:[^:]*:(?P<service>aws-sdk:[^:.]+|[^:.]+):(?P<action>[^:.]+)(?:\.(?P<pattern>.+))?"
)


def is_function(resource: str) -> bool:
    """Whether a Resource is a function's ARN."""
    return re.match(r"arn:aws[\w-]*:lambda:", resource) is not None


@dataclasses.dataclass(frozen=True)
class Integration:
    """What a Resource names: a service, what is called of it, and how its end is waited for ("" where it is not)."""

    service: Service
    action: str
    pattern: str
    is_sdk: bool

    @property
    def model(self) -> OperationModel:
        """botocore's model of what is called. KeyError where there is no such operation."""
        return clients.operation(self.service.name, self.action)


@functools.lru_cache(4_096)
def integration_of(resource: str) -> Integration | None:
    """The integration of a service that a Resource names; None where it names none."""
    found = _RESOURCE.fullmatch(resource)
    if not found:
        return None
    service, is_sdk = OPTIMISED.get(found["service"]), found["service"].startswith("aws-sdk:")
    if is_sdk and (name := sdk_services().get(found["service"].removeprefix("aws-sdk:"))):
        errors = pascal(clients.service_model(name).service_id)
        service = Service(name, errors, errors)
    return Integration(service, found["action"], found["pattern"] or "", is_sdk) if service else None


def problem_of(resource: str) -> str | None:
    """Why a machine with a task of this Resource is refused, in a sentence; None where it is not.

    Functions and activities are not looked for: they may come later.
    """
    unknown = (
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource "
        "is not available in this region."
    )
    if re.match(r"arn:aws[\w-]*:(lambda:[^:]*:[^:]*:function|states:[^:]*:[^:]*:activity):.", resource):
        return None
    named = _RESOURCE.fullmatch(resource)
    if named and {named["service"], ":".join(named.group("service", "action"))} & ELSEWHERE:
        said = "is not in the sandbox: give the state an answer with lab.stand_in, or use an AWS account."
        return f"{resource.rsplit(':::', 1)[-1]} {said}"
    found = integration_of(resource)
    if found is None:
        return unknown
    patterns = found.service.actions.get(found.action)
    if found.is_sdk and clients.has_operation(found.service.name, found.action):
        patterns = (TOKEN,)
    return None if patterns is not None and found.pattern in ("", *patterns) else unknown
