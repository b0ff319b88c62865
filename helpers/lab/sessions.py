"""boto3 Sessions that reach one place, whatever the environment says."""

import os
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from botocore.loaders import Loader

from helpers import sandbox
from helpers.errors import SandboxGone
from helpers.lab.settings import Settings
from helpers.sandbox import models

__all__ = ["AccountSession", "EndpointSession", "SandboxSession", "obey"]


class EndpointSession(boto3.Session):
    """A boto3 Session whose own clients and resources reach one endpoint, unless a call names another."""

    def __init__(self, endpoint_url: str, *, is_local: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self._endpoint_url = endpoint_url
        # Loopback never goes through a proxy; the host prefixes of some operations exist on AWS's names only.
        self._forced = Config(inject_host_prefix=False, use_fips_endpoint=False, use_dualstack_endpoint=False)
        if is_local:
            self._forced = self._forced.merge(Config(proxies={}))

    def client(self, service_name: str, *arguments: Any, config: Config | None = None, **options: Any) -> Any:
        """The same as boto3's, with this place as the endpoint."""
        options["endpoint_url"] = options.get("endpoint_url") or self._endpoint_url
        # Buckets have no host names of their own here.
        wished = _merged(Config(s3={"addressing_style": "path"}), config or Config())
        return super().client(service_name, *arguments, config=_merged(wished, self._forced), **options)


class SandboxSession(EndpointSession):
    """A boto3 Session on the sandbox: it reads nothing of the person's own AWS settings and credentials."""

    def __init__(self, found: sandbox.Sandbox, region: str) -> None:
        super().__init__(
            found.endpoint_url,
            aws_access_key_id=found.access_key,
            aws_secret_access_key=found.secret_key,
            region_name=region,
            botocore_session=_secluded(),
        )
        self._sandbox = found
        self.events.register_first("needs-retry", self._tell_when_gone)

    def _tell_when_gone(self, caught_exception: Exception | None = None, **_: Any) -> None:
        # botocore asks whether to try again; here it would try for a long while to reach what is not there any more.
        lost = (EndpointConnectionError, ConnectionClosedError)
        if isinstance(caught_exception, lost) and not sandbox.answers(self._sandbox):
            raise SandboxGone from None


class AccountSession(boto3.Session):
    """A boto3 Session on an AWS account, which takes no endpoint from the environment or the configuration file."""

    def client(self, service_name: str, *arguments: Any, config: Config | None = None, **options: Any) -> Any:
        """The same as boto3's, at AWS's own endpoints unless the call itself names another."""
        own = Config(ignore_configured_endpoint_urls=True)
        return super().client(service_name, *arguments, config=_merged(config, own), **options)


def obey(session: boto3.Session, rules: Settings) -> None:
    """Let the calls of all clients that the session makes keep the rules, a notebook's own calls too.

    Definitions name the integrations of the session's part of AWS. Roles that the rules give are not made or changed:
    IAM is not asked, which is said.
    """

    def always(operation: str, **said: str | None) -> None:
        if all(said.values()):
            session.events.register(f"provide-client-params.{operation}", lambda params, **_: {**said, **params})

    always("iam.CreateRole", PermissionsBoundary=rules.permissions_boundary)
    always("iam.CreateUser", PermissionsBoundary=rules.permissions_boundary)
    always("athena.StartQueryExecution", WorkGroup=rules.workgroup)

    def in_partition(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        if isinstance(text := params.get("definition"), str):
            integration = f"arn:{session.get_partition_for_region(session.region_name)}:states:::"
            params = {**params, "definition": text.replace("arn:aws:states:::", integration)}
        return params

    session.events.register("provide-client-params.sfn", in_partition)
    given = {"lambda.amazonaws.com": rules.function_role, "states.amazonaws.com": rules.role}
    instead: dict[str, str] = {}

    def answer(model: Any, params: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        asked = params["body"]
        for service, arn in given.items():
            if arn and model.name == "CreateRole" and service in asked["AssumeRolePolicyDocument"]:
                instead[asked["RoleName"]] = arn
        if (role := instead.get(asked.get("RoleName"))) is None:
            return None
        print(f"IAM was not asked for {model.name}: the rules give the role {role}, which stays as it is.")
        described = {"RoleName": role.split("/")[-1], "Arn": role}
        return AWSResponse("", 200, {}, None), {"Role": described, "ResponseMetadata": {"HTTPStatusCode": 200}}

    for operation in ("CreateRole", "GetRole", "PutRolePolicy", "DeleteRolePolicy"):
        session.events.register(f"before-call.iam.{operation}", answer)


def _merged(config: Config | None, forced: Config) -> Config:
    return forced if config is None else config.merge(forced)


def _secluded() -> botocore.session.Session:
    """A botocore session with botocore's defaults alone: no environment variables, no files, no profile."""
    known = botocore.session.Session.SESSION_VARIABLES
    secluded = {name: (None, None, default, convert) for name, (_, _, default, convert) in known.items()}
    no_file = (None, None, os.devnull, None)
    session = botocore.session.Session(session_vars=secluded | {"config_file": no_file, "credentials_file": no_file})
    session.register_component("data_loader", Loader(file_loader=models.Files()))
    return session
