"""The boto3 clients with which executions call the other services of the sandbox."""

import functools
import os
import threading
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from moto.core import loaders
from moto.core.base_backend import AccountSpecificBackend

from helpers.sandbox import identities, models
from helpers.sandbox.patching import replace

__all__ = ["client_for", "has_operation", "operation", "patch", "service_model"]

# A task may take as long as AWS lets it; its own TimeoutSeconds ends it, not the socket.
LONGEST_TASK = 99_999_999
CONNECTIONS = 128

_creating = threading.RLock()


class _Caller(Credentials):
    """The keys of whoever a call is made as in this thread."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        identity = identities.acting.get()
        return identity.credentials.get_frozen_credentials() if identity else super().get_frozen_credentials()


class _Keys:
    def load_credentials(self) -> Credentials:
        names = ("LAB_ACCESS_KEY", "LAB_SECRET_KEY")
        return _Caller(*(os.environ.get(name, "sandbox") for name in names))


@functools.cache
def _session() -> botocore.session.Session:
    session = botocore.session.Session()
    session.register_component("credential_provider", _Keys())
    session.register_component("data_loader", Loader(file_loader=models.Files()))
    return session


def patch() -> None:
    """Let moto read AWS's regions by this module's session, and models as it does; called once, at first."""
    replace(AccountSpecificBackend, "get_session", staticmethod(_session))
    replace(loaders.Loader, "FILE_LOADER_CLASS", models.Files)


@functools.cache
def _client(service: str, region: str) -> Any:
    return _session().create_client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{os.environ['MOTO_PORT']}",
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


def client_for(region: str, service: str) -> Any:
    """The client of this process for a service (by boto3's name) in a region; it signs as who acts in the thread."""
    with _creating:
        return _client(service, region)


@functools.cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service, by boto3's name."""
    with _creating:
        return _session().get_service_model(service)


@functools.cache
def _operations(service: str) -> dict[str, str]:
    return {name.lower(): name for name in service_model(service).operation_names}


def has_operation(service: str, action: str) -> bool:
    """Whether a service (by boto3's name) has an operation, named as tasks name it (`getItem`)."""
    return action.lower() in _operations(service)


def operation(service: str, action: str) -> OperationModel:
    """The model of an operation. KeyError where there is none."""
    return service_model(service).operation_model(_operations(service)[action.lower()])
