"""The boto3 clients with which an execution calls the other services of the sandbox."""

import functools
import os
import sys
import threading
from typing import Any

import botocore.session
from botocore.config import Config
from moto.stepfunctions.parser.asl.utils import boto_client

from helpers.sandbox.interpreter.mending import replace

# A task may take as long as AWS lets it; its own TimeoutSeconds ends it, not the socket.
LONGEST_TASK = 99_999_999
CONNECTIONS = 128

_creating = threading.Lock()


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@functools.cache
def _client(service: str, region: str) -> Any:
    return _session().create_client(
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
