"""Every operation of the service answers, with a result or with an error of its own."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

import helpers
from helpers.sandbox.integrations.clients import service_model

ARN = "arn:aws:states:us-east-1:123456789012"
VALUES = {
    "name": "all-operations",
    "definition": '{"StartAt": "Go", "States": {"Go": {"Type": "Succeed"}}}',
    "roleArn": "arn:aws:iam::123456789012:role/none",
    "stateMachineArn": f"{ARN}:stateMachine:none",
    "stateMachineAliasArn": f"{ARN}:stateMachine:none:PROD",
    "stateMachineVersionArn": f"{ARN}:stateMachine:none:1",
    "resourceArn": f"{ARN}:stateMachine:none",
    "activityArn": f"{ARN}:activity:none",
    "executionArn": f"{ARN}:execution:none:none",
    "mapRunArn": f"{ARN}:mapRun:none/none:none",
    "routingConfiguration": [{"stateMachineVersionArn": f"{ARN}:stateMachine:none:1", "weight": 100}],
    "taskToken": "none",
    "output": "{}",
    "tags": [{"key": "a", "value": "b"}],
    "tagKeys": ["a"],
}
# Answered by AWS too, where botocore's model of an operation does not name them.
NOT_IN_THE_MODEL = {"AccessDeniedException", "StateMachineDoesNotExist", "ValidationException"}


@pytest.mark.parametrize("name", service_model("stepfunctions").operation_names)
def test_every_operation_answers(states: Any, lab: helpers.Lab, name: str) -> None:
    model = states.meta.service_model.operation_model(name)
    required = model.input_shape.required_members
    method = next(method for method, operation in states.meta.method_to_api_mapping.items() if operation == name)
    errors = {shape.name for shape in model.error_shapes} | NOT_IN_THE_MODEL
    try:
        found = getattr(states, method)(**{member: VALUES[member] for member in required})
        code = None
    except ClientError as error:
        found, code = error.response, error.response["Error"]["Code"]
    assert code is None or code in errors, found
    assert found["ResponseMetadata"]["HTTPStatusCode"] == (200 if code is None else 400)
    for arn in [one["activityArn"] for one in states.list_activities()["activities"]]:
        if arn.endswith(":all-operations"):
            states.delete_activity(activityArn=arn)
