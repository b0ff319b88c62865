"""Who we are on AWS, asked before anything is made; and what is said when AWS does not know us."""

import os
from difflib import get_close_matches
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginRefreshRequired,
    LoginTokenLoadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NotConnected

from helpers.errors import CredentialsExpired, CredentialsMissing, NotAllowed, RegionMissing, Unreachable
from helpers.lab.sessions import AccountSession
from helpers.verbatim import clean, shorten

__all__ = ["CUT_OFF", "NO_LOGIN", "NO_SSO", "doubted", "open_account", "redirections", "who_am_i"]

CUT_OFF = (NotConnected, HTTPClientError)
NO_SSO = (SSOError, TokenRetrievalError)
NO_LOGIN = (LoginRefreshRequired, LoginTokenLoadError)
EXPIRY = "Your AWS credentials have expired; get new ones, for example with `aws sso login`."
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
UNKNOWN = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"}


def open_account(profile: str | None, region: str | None) -> AccountSession:
    """A session on the account that the usual chain of profiles and environment variables leads to.

    Raises `CredentialsMissing` for a profile that is not there, `RegionMissing` when nothing names a region.
    """
    try:
        session = AccountSession(profile_name=profile, region_name=region)
    except ProfileNotFound:
        wanted = profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
        unprofiled = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        there = ", ".join(unprofiled.available_profiles) or "none"
        raise CredentialsMissing(
            f"There is no AWS profile {wanted!r} (there are: {there}); choose one with"
            " `connect('aws', profile=...)` or make it with `aws configure`."
        ) from None
    if session.region_name is None:
        raise RegionMissing(
            "No AWS region is set; name one, as in `connect('aws', region='eu-central-1')`, or set AWS_DEFAULT_REGION."
        )
    return session


def who_am_i(session: boto3.Session) -> tuple[str, str]:
    """The account's number and our ARN in it, as STS reports them.

    Raises `CredentialsMissing`, `CredentialsExpired`, `NotAllowed` or `Unreachable`.
    """
    try:
        config = Config(connect_timeout=10, read_timeout=20, retries={"total_max_attempts": 2})
        caller = session.client("sts", config=config).get_caller_identity()
    except CredentialRetrievalError as error:
        raise CredentialsMissing(
            f"The profile's credentials could not be fetched: {shorten(clean(str(error)), 300).rstrip(' .')}. Try in a"
            " terminal what its `credential_process` says."
        ) from None
    except NO_LOGIN:
        raise CredentialsExpired("You are not logged in, or no longer; run `aws login`, then try again.") from None
    except (NoCredentialsError, PartialCredentialsError):
        raise CredentialsMissing(
            "No AWS credentials were found; run `aws configure` or `aws sso login`, or stay on the sandbox with"
            " `connect('sandbox')`."
        ) from None
    except NO_SSO:
        raise CredentialsExpired(EXPIRY) from None
    except ClientError as error:
        raise _plain_error(error) from None
    except CUT_OFF as error:
        if doubt := doubted(session.region_name):
            raise Unreachable(f"AWS could not be reached in {doubt}") from None
        raise Unreachable(
            f"AWS could not be reached ({type(error).__name__}); look at the network and the proxy, or stay on the"
            " sandbox with `connect('sandbox')`."
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise CredentialsMissing(f"AWS could not be asked who you are: {error}") from None
    return caller["Account"], caller["Arn"]


def doubted(region: str) -> str:
    """What speaks against a region, named first; nothing where botocore knows it, in any part of AWS.

    A region that is new on AWS may be unknown here, so that it is not refused.
    """
    session = boto3.Session()
    known = [
        one
        for partition in session.get_available_partitions()
        for one in session.get_available_regions("stepfunctions", partition_name=partition)
    ]
    if region in known:
        return ""
    near = get_close_matches(region, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "look it up in AWS's console."
    return f"{region!r}, a region that is not known here; {hint}"


def redirections(session: boto3.Session) -> list[str]:
    """The names of the settings that would send calls elsewhere than to AWS; they are not followed."""
    found = sorted(name for name in os.environ if name.upper().startswith("AWS_ENDPOINT_URL"))
    configured: dict[str, Any] = session._session.get_scoped_config()
    found += [
        f"{name} of profile {session.profile_name}" for name in ("endpoint_url", "services") if name in configured
    ]
    return found


def _plain_error(error: ClientError) -> CredentialsMissing | CredentialsExpired | NotAllowed:
    code = error.response.get("Error", {}).get("Code", "")
    if code in EXPIRED:
        return CredentialsExpired(EXPIRY)
    if code in UNKNOWN:
        return CredentialsMissing(
            f"AWS does not know these credentials ({code}); they may have been deleted or mistyped: run"
            " `aws configure` again."
        )
    return NotAllowed(f"AWS did not let you ask who you are ({code}); ask whoever manages the account.")
