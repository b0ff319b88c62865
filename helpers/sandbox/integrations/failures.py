"""How the failure of a call is named and worded as on AWS."""

import base64
import logging
import os

from botocore.exceptions import BotoCoreError, ClientError

from helpers.engine import TaskFailed
from helpers.engine.failures import PERMISSIONS, RUNTIME
from helpers.engine.tasks import Call
from helpers.sandbox.integrations.resources import Service

__all__ = ["not_startable", "of_call", "sdk_cause", "unasked"]

LOG = logging.getLogger(__name__)
DENIED = ("AccessDeniedException", "AccessDenied")


def of_call(error: Exception, service: Service, is_sdk: bool) -> TaskFailed:
    """The failure of a task whose service answered with an error, or could not be asked at all.

    Errors that the service's API declares have their own names, others the one of its SDK's common exception.
    """
    if not isinstance(error, ClientError):
        return TaskFailed(f"{service.errors}.SdkClientException", unasked(error))
    also = PERMISSIONS if error.response["Error"]["Code"] in DENIED else None
    name = f"{service.errors}.{type(error).__name__.removesuffix('Exception')}Exception"
    if type(error).__name__ in ("ClientError", "AccessDenied"):  # S3 declares the latter for what is never called
        name = service.unmodelled
    cause = sdk_cause(error, service.title)
    if not is_sdk:
        answer, code = error.response["ResponseMetadata"], error.response["Error"]["Code"]
        details = f"Service: {service.title}; Status Code: {answer['HTTPStatusCode']}; Error Code: {code}"
        cause = f"{_message(error)} ({details}; Request ID: {answer.get('RequestId')}; Proxy: null)"
    return TaskFailed(name, cause, also=also)


def unasked(error: Exception) -> str:
    """Why a service could not be asked, or its answer not be read."""
    if not isinstance(error, BotoCoreError):
        LOG.error("A service could not be asked.", exc_info=error)
    said = error if isinstance(error, BotoCoreError) else "the sandbox failed in it; its log has the details"
    return f"Unable to execute HTTP request: {said}"


def sdk_cause(error: ClientError, title: str) -> str:
    """What the second version of the Java SDK says of an error."""
    answer = error.response["ResponseMetadata"]
    details = f"Service: {title}, Status Code: {answer['HTTPStatusCode']}, Request ID: {answer.get('RequestId')}"
    if title == "S3":
        # AWS's answers have one of 76 characters; moto's have none.
        details += f", Extended Request ID: {base64.b64encode(os.urandom(56)).decode()}"
    return f"{_message(error)} ({details})"


def _message(error: ClientError) -> str:
    found = error.response["Error"]
    if found["Code"] == "InternalFailure":
        return "The sandbox failed in this call; its log has the details."
    return str(found.get("Message", ""))


def not_startable(call: Call, problems: list[str]) -> TaskFailed:
    """The failure of a task whose parameters its service does not take."""
    where = f"the state '{call.state}' (entered at the event id #{call.frame.entered})"
    said = f"The Parameters '{call.text}' could not be used to start the Task: [{'; '.join(problems)}]"
    return TaskFailed(RUNTIME, f"An error occurred while executing {where}. {said}")
