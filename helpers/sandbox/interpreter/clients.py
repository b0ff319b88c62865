"""The boto3 clients with which an execution calls the other services of the sandbox."""

import functools
import os
import sys
import threading
from typing import Any

import botocore.session
from botocore.config import Config
from moto.stepfunctions.parser.asl.utils import boto_client

from helpers.sandbox.clock import PASS, clock
from helpers.sandbox.interpreter.mending import replace

# A task may take as long as AWS lets it; its own TimeoutSeconds ends it, not the socket.
LONGEST_TASK = 99_999_999
CONNECTIONS = 128

_creating = threading.Lock()
_last = threading.local()


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


def _keep_metadata(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    _last.metadata = parsed.get("ResponseMetadata")


def _hand_over(params: dict[str, Any], **_: Any) -> None:
    # An execution that waits for an answer does nothing else: whoever works on the answer works in its place.
    if given := clock.hand_over():
        params["headers"][PASS] = given


def last_metadata() -> dict[str, Any] | None:
    """The ResponseMetadata of this thread's last call, once: status, headers, request id."""
    metadata = getattr(_last, "metadata", None)
    _last.metadata = None
    return metadata


@functools.cache
def service_id(service: str) -> str | None:
    """The id of a service ("DynamoDB", "Secrets Manager") by its name in boto3; None for an unknown one."""
    if service not in _session().get_available_services():
        return None
    return str(_session().get_service_model(service).service_id)


@functools.cache
def _client(service: str, region: str) -> Any:
    client = _session().create_client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{os.environ['MOTO_PORT']}",
        aws_access_key_id=os.environ.get("LAB_ACCESS_KEY", "sandbox"),
        aws_secret_access_key=os.environ.get("LAB_SECRET_KEY", "sandbox"),
        config=Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            connect_timeout=60,
            read_timeout=LONGEST_TASK,
            max_pool_connections=CONNECTIONS,
            proxies={},
            inject_host_prefix=False,
            s3={"addressing_style": "path"},
        ),
    )
    client.meta.events.register("before-call", _hand_over)
    client.meta.events.register("after-call", _keep_metadata)
    return client


def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """The one boto3 client of this process for a service in a region, signed with the sandbox's own keys."""
    with _creating:
        return _client(service, region)


def mend() -> None:
    # AWS calls a service as the state machine's role; moto makes a new client for each call, with keys of nobody.
    original = boto_client.boto_client_for
    replace(boto_client, "boto_client_for", client_for)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser.") and getattr(module, "boto_client_for", None) is original:
            replace(module, "boto_client_for", client_for)
