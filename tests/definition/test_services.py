"""The names of services and of what IAM calls their operations."""

import botocore.session

from helpers.definition.services import iam_action, sdk_services


def test_every_service_that_a_task_can_name_is_one_of_boto3s():
    services = sdk_services()
    assert (services["sfn"], services["dynamodb"]) == ("stepfunctions", "dynamodb")
    assert set(services.values()) <= set(botocore.session.get_session().get_available_services())


def test_an_operation_has_its_own_name_unless_iam_has_another():
    assert (iam_action("s3:ListObjectsV2"), iam_action("s3:GetObject")) == ("s3:ListBucket", "s3:GetObject")
