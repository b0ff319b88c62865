"""How the failure of a call is named and worded as on AWS."""

import base64
import logging
import os

from botocore.exceptions import BotoCoreError, ClientError

from helpers.engine import TaskFailed
from helpers.engine.failures import PERMISSIONS, RUNTIME
from helpers.engine.tasks import Call
from helpers.sandbox.integrations.integration import Service

__all__ = ["not_startable", "of_call"]

LOG = logging.getLogger(__name__)
DENIED = ("AccessDeniedException", "AccessDenied")


def of_call(error: Exception, service: Service, is_sdk: bool) -> TaskFailed:
    """The failure of a task whose service answered with an error, or could not be asked at all.

    Errors that the service's API declares have their own names, others the one of its SDK's common exception.
    """
    if not isinstance(error, ClientError):
        said = str(error)
        if not isinstance(error, BotoCoreError):
            LOG.error("A service could not be asked.", exc_info=error)
            said = "the sandbox failed in it; its log has the details"
        return TaskFailed(f"{service.errors}.SdkClientException", f"Unable to execute HTTP request: {said}")
    found, answer = error.response["Error"], error.response["ResponseMetadata"]
    code, status, request = found["Code"], answer["HTTPStatusCode"], answer.get("RequestId")
    message = found.get("Message", "")
    if code == "InternalFailure":
        message = "The sandbox failed in this call; its log has the details."
    name = f"{service.errors}.{type(error).__name__.removesuffix('Exception')}Exception"
    if type(error).__name__ in ("ClientError", "AccessDenied"):  # S3 declares the latter for what is never called
        name = service.unmodelled
    details = f"Service: {service.title}; Status Code: {status}; Error Code: {code}; Request ID: {request}; Proxy: null"
    if is_sdk:  # as the second version of the Java SDK has it
        details = f"Service: {service.title}, Status Code: {status}, Request ID: {request}"
    if is_sdk and service.title == "S3":
        # AWS's answers have one of 76 characters; moto's have none.
        details += f", Extended Request ID: {base64.b64encode(os.urandom(56)).decode()}"
    return TaskFailed(name, f"{message} ({details})", also=PERMISSIONS if code in DENIED else None)


def not_startable(call: Call, problems: list[str]) -> TaskFailed:
    """The failure of a task whose parameters its service does not take."""
    where = f"the state '{call.state}' (entered at the event id #{call.frame.entered})"
    said = f"The Parameters '{call.text}' could not be used to start the Task: [{'; '.join(problems)}]"
    return TaskFailed(RUNTIME, f"An error occurred while executing {where}. {said}")
