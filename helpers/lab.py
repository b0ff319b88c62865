"""The place we work in: the sandbox, or an AWS account."""

import os
from typing import Any

import boto3
from botocore.config import Config

from helpers import sandbox

__all__ = ["Lab", "connect"]


class SandboxSession(boto3.Session):
    """A boto3 Session whose clients and resources reach the sandbox, whatever the environment says."""

    def __init__(self, found: sandbox.Sandbox) -> None:
        super().__init__(found.access_key, found.secret_key, region_name=found.region)
        self._endpoint_url = found.endpoint_url

    def client(self, service_name: Any, *positional: Any, config: Config | None = None, **options: Any) -> Any:
        """The same as boto3's, with the sandbox as the endpoint."""
        local = Config(proxies={}, inject_host_prefix=False)
        options.setdefault("endpoint_url", self._endpoint_url)
        if options["endpoint_url"] is None:
            options["endpoint_url"] = self._endpoint_url
        return super().client(
            service_name, *positional, config=config.merge(local) if config is not None else local, **options
        )


class Lab:
    """A place to work in. `session` is a boto3 Session that reaches it."""

    def __init__(self, session: boto3.Session, region: str, account: str) -> None:
        self.session, self.region, self.account = session, region, account

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of `service` that reaches this place."""
        return self.session.client(service, **options)


def connect(
    target: str | None = None, *, profile: str | None = None, region: str | None = None, account: str | None = None
) -> Lab:
    """Connect to the sandbox (the default), to "aws", or to an endpoint URL."""
    target = target or os.environ.get("LAB_TARGET") or "sandbox"
    found = sandbox.start()
    session = SandboxSession(found)
    boto3.DEFAULT_SESSION = session
    return Lab(session, found.region, found.account)
