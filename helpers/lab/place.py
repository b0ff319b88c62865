"""The Lab: the sandbox, an AWS account, or any endpoint."""

import contextlib
import datetime
import hashlib
import os
import re
import secrets
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import platformdirs

from helpers import sandbox
from helpers.errors import InvalidName, InvalidSetting, LabError, NotInSandbox, WrongAccount
from helpers.lab.accounts import open_account, redirections, who_am_i
from helpers.lab.card import card
from helpers.lab.pace import FastForward
from helpers.lab.sessions import EndpointSession, SandboxSession, obey
from helpers.lab.settings import Settings, check, hyphened, person, settings

__all__ = ["Lab", "beside", "connect", "current"]

OURS = "sfn-lab-"  # what names begin with, unless the rules say otherwise
LOCAL = {"127.0.0.1", "localhost", "::1"}
# The shortest of AWS's limits on the names of functions (64), roles (64) and state machines (80).
LONGEST_NAME = 64
LONGEST_BUCKET = 63  # S3 user guide, "General purpose bucket naming rules"
NAME = re.compile(r"[A-Za-z0-9_-]+")
# Users of images and of notebook services, who are not one person; whoever has no name at all is one of them.
EVERYBODY = {"", "root", "jovyan", "sagemaker-user", "ec2-user", "ubuntu", "vscode", "user"}


class Lab:
    """The place we work in. Made by `connect`.

    `session` is a boto3 Session whose own clients and resources reach it; `target` is "sandbox", "aws" or an endpoint
    URL; `account` and `region` are AWS's; `identity` is who we are there (an ARN); `prefix` begins the name of all
    that is made here, and `tags` mark it and name the region; `rules` are those of a company for all that is made;
    `notices` are sentences about how we came here.
    """

    def __init__(
        self,
        target: str,
        session: boto3.Session,
        account: str,
        identity: str,
        prefix: str,
        notices: tuple[str, ...] = (),
        found: sandbox.Sandbox | None = None,
        rules: Settings | None = None,
    ) -> None:
        self.target, self.session, self.account, self.identity = target, session, account, identity
        self.region: str = session.region_name
        self.prefix, self.notices = prefix, notices
        self.rules = rules or Settings()
        self.tags = {**self.rules.tags, "project": "step-functions-notebooks", "lab": prefix, "region": self.region}
        obey(session, self.rules)
        self._sandbox = found
        self._standing: FastForward | None = None
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._making = threading.Lock()  # boto3 makes one client at a time

    def client(self, service: str, **options: Any) -> Any:
        """The lab's boto3 client of `service`, which reaches this place; `options` are those of boto3's `client`.

        Who asks for the same again is given the same one: to make a client takes longer than most calls.
        """
        asked = (service, *sorted(options.items()))
        with self._making:
            if asked not in self._clients:
                self._clients[asked] = self.session.client(service, **options)
            return self._clients[asked]

    def name(self, text: str) -> str:
        """`text` with this lab's prefix before it, within AWS's limits for functions, roles and state machines.

        A text that begins with the prefix stays; one that would be too long is cut and ends in a fingerprint of the
        whole. Raises `InvalidName` for anything but letters, digits, - and _.
        """
        if not NAME.fullmatch(text):
            raise InvalidName(f"The name {text!r} cannot be used; take letters, digits, - and _ only.")
        full = text if text.startswith(self.prefix) else self.prefix + text
        if len(full) <= LONGEST_NAME:
            return full
        return f"{full[: LONGEST_NAME - 9]}-{_fingerprint(full)}"

    @property
    def bucket_prefix(self) -> str:
        """What the names of this lab's buckets begin with."""
        return hyphened(self.prefix)

    @property
    def database_prefix(self) -> str:
        """What the names of this lab's databases begin with."""
        return hyphened(self.prefix).replace("-", "_")

    def bucket_name(self, text: str) -> str:
        """The name of a bucket: as `name` gives it, with account and region, since all the world shares these names.

        Small letters, digits and - alone, at most 63. Where this loses anything, a fingerprint of the whole is at its
        end, so that two labs never come to the same name. Raises `InvalidName`.
        """
        full = self.name(f"{text}-{self.account}-{self.region}")
        plain = hyphened(full)
        if plain == full and len(plain) <= LONGEST_BUCKET:
            return plain
        return f"{plain[: LONGEST_BUCKET - 9]}-{_fingerprint(full)}"

    def database_name(self, text: str) -> str:
        """The name of a database of Athena: as `name` gives it, of small letters, digits and _ alone.

        Where two names would come to the same, a fingerprint of the whole is at its end. Raises `InvalidName`.
        """
        full = self.name(text)
        plain = hyphened(full)
        return (plain if plain == full else f"{plain}-{_fingerprint(full)}").replace("-", "_")

    def now(self) -> datetime.datetime:
        """This place's time, in UTC: on the sandbox that of its clock, which fast-forwards move ahead and put back."""
        if self._sandbox is None:
            return datetime.datetime.now(datetime.UTC)
        return datetime.datetime.fromtimestamp(self._call("clock")["now"], datetime.UTC)

    @property
    def ahead(self) -> datetime.timedelta:
        """By how much the sandbox's clock is ahead of real time; 0 below a minute, and on an account."""
        offset = 0 if self._sandbox is None else round(self._call("clock")["offset"])
        return datetime.timedelta(seconds=offset if offset >= 60 else 0)

    def fast_forward(self, rate: float | None = None, hold_tokens: bool = False) -> FastForward:
        """Make the sandbox's clock jump over the waiting, from now until the `with` block ends or `stop()` is called.

        `rate`: at most how many times as fast as real time (1 or more; None: as fast as it can; 1 is real time).
        `hold_tokens`: whether the clock stays while a task token is out. Of several that are on, the slowest counts;
        a plain call takes the place of the plain call before it. It lapses when this kernel dies. A clock that is ahead
        from an earlier time is put back first, where nothing runs.
        Raises `NotInSandbox` on an account and `InvalidSetting` for a rate that cannot be.
        """
        self._require_sandbox("Fast-forward", "on an AWS account time cannot be moved")
        if self._standing is not None:
            self._standing.stop()
        self._standing = FastForward(self._call, rate, hold_tokens, self._forget)
        return self._standing

    def fast_forward_where_possible(self) -> contextlib.AbstractContextManager[object]:
        """`fast_forward()` on the sandbox; elsewhere nothing but a sentence, since time cannot be moved there."""
        if self._sandbox is not None:
            return self.fast_forward()
        print("Time cannot be moved here: what waits in this cell waits as long as it says.")
        return contextlib.nullcontext()

    def history_limit(self, events: int | None = None) -> int:
        """Lower the number of events after which the sandbox ends an execution; None puts AWS's 25,000 back.

        Returns the limit that holds now. Raises `NotInSandbox` on an account and `InvalidSetting` for a number
        outside 2 to 25,000.
        """
        self._require_sandbox("Another history limit", "AWS's is always 25,000 events")
        return int(self._call("history_limit", events=events)["events"])

    def query_seconds(self, seconds: float | None = None) -> float:
        """Let the sandbox's Athena queries to come run this long, in seconds of its time; None puts 1 second back.

        Returns the seconds that hold now. Raises `NotInSandbox` on an account and `InvalidSetting` for a number
        outside 0 to 86,400.
        """
        self._require_sandbox("Another duration of queries", "on AWS a query takes as long as it takes")
        return float(self._call("athena", seconds=seconds)["seconds"])

    def stand_in(
        self, state: str, answer: Any = None, *, seconds: float = 1.0, error: str | None = None, cause: str = ""
    ) -> None:
        """Set what stands in on the sandbox for the task of a state, by the state's name, in all machines.

        The task takes so many seconds of the sandbox's time and ends with `answer`, or with `error` and `cause`. With
        it a machine may also name what is not in the sandbox. A job of Batch, ECS or Glue stays one, which takes that
        time: `answer` holds members of its record, and an `error` lets it fail as such jobs do, for the reason `cause`.
        Raises `NotInSandbox` on an account and `InvalidSetting` for a time that cannot be.
        """
        self._require_sandbox("A stand-in", "on AWS a task calls its service")
        self._call("stand_in", state=state, answer=answer, seconds=seconds, error=error, cause=cause)

    def jobs(self) -> list[dict[str, str]]:
        """The sandbox's stand-in jobs of Batch, ECS and Glue, each with `id`, `state`, `service` and `status`."""
        self._require_sandbox("A stand-in job", "on AWS jobs are the services' own")
        return list(self._call("jobs")["jobs"])

    def __repr__(self) -> str:
        where = {"sandbox": "the sandbox", "aws": "a REAL AWS ACCOUNT"}.get(self.target, self.target)
        ahead = ""
        with contextlib.suppress(LabError):  # of a sandbox that is gone there is no clock
            ahead = f", clock {found} ahead" if (found := self.ahead) else ""
        return f"Lab on {where}: account {self.account}, region {self.region}, names begin with {self.prefix!r}{ahead}"

    def _repr_html_(self) -> str:
        return card(self)

    def _call(self, verb: str, **arguments: Any) -> dict[str, Any]:
        return sandbox.call(verb, self._sandbox, **arguments)

    def _forget(self, entered: FastForward) -> None:
        """A `with` block ends its fast-forward itself: a plain call must not take its place."""
        if self._standing is entered:
            self._standing = None

    def _require_sandbox(self, what: str, instead: str) -> None:
        if self._sandbox is None:
            raise NotInSandbox(f"{what} exists only on the sandbox: {instead}; use `connect('sandbox')` for it.")


_current: Lab | None = None


def connect(
    target: str | None = None, *, profile: str | None = None, region: str | None = None, account: str | None = None
) -> Lab:
    """Connect to the place we work in, and make it boto3's default, so that a plain `boto3.client(...)` stays there.

    `target`: "sandbox" (the default; started if need be), "aws" (the account that your profiles lead to) or an
    endpoint URL. `profile` names an AWS profile; `region` is the sandbox's us-east-1 or your profile's unless given;
    `account` refuses any other account. What is not given is taken from LAB_TARGET, LAB_REGION and LAB_ACCOUNT in the
    environment or from `lab.toml`, and so are the rules for all that is made (`helpers.lab.settings`).

    Raises `WrongAccount`, `InvalidSetting`, `SandboxFailed`, and on an account `CredentialsMissing`,
    `CredentialsExpired`, `NotAllowed`, `RegionMissing` or `Unreachable`.
    """
    global _current
    rules = settings()
    target, region, account = target or rules.target or "sandbox", region or rules.region, account or rules.account
    if region is not None:
        check("region", region, "region")
    if target == "sandbox":
        lab = _on_sandbox(profile, region, rules)
    elif target == "aws":
        lab = _on_account(profile, region, rules)
    elif urlsplit(target).scheme in ("http", "https") and urlsplit(target).hostname:
        lab = _at_endpoint(target, profile, region, rules)
    else:
        raise InvalidSetting(f'There is no target {target!r}; there are "sandbox", "aws" and an endpoint URL.')
    if account is not None and str(account) != lab.account:
        raise WrongAccount(f"This is account {lab.account}, not {account}; nothing was made, choose another profile.")
    for notice in lab.notices:
        print(notice)
    boto3.DEFAULT_SESSION = lab.session
    _current = lab
    return lab


def current() -> Lab:
    """The Lab that was connected to last, or else a new one on the default target."""
    return _current or connect()


def beside() -> Lab:
    """The sandbox, without leaving the place we work in. Raises `SandboxFailed`."""
    return _on_sandbox(None, None, settings())


def _on_sandbox(profile: str | None, region: str | None, rules: Settings) -> Lab:
    if profile is not None:
        raise InvalidSetting(
            f"The sandbox has no profiles; for {profile!r} write `connect('aws', profile={profile!r})`."
        )
    found = sandbox.start()
    sandbox.call("hold_roles", found)
    return _in(found, "sandbox", region, rules)


def _in(found: sandbox.Sandbox, target: str, region: str | None, rules: Settings) -> Lab:
    session = SandboxSession(found, region or found.region)
    notices = (found.notice,) if found.notice else ()
    identity = f"arn:aws:iam::{found.account}:root"
    return Lab(target, session, found.account, identity, rules.prefix or OURS, notices, found, rules)


def _on_account(profile: str | None, region: str | None, rules: Settings) -> Lab:
    session = open_account(profile, region)
    number, identity = who_am_i(session)
    notices = []
    if redirected := redirections(session):
        notices.append(
            f"{', '.join(redirected)} would lead elsewhere than to AWS and is not followed: this is the real account"
            f" {number}."
        )
    if profile is None and (named := os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")):
        notices.append(f"The environment's AWS_PROFILE chose the profile {named!r}: account {number}.")
    return Lab("aws", session, number, identity, _prefix(rules), tuple(notices), rules=rules)


def _at_endpoint(url: str, profile: str | None, region: str | None, rules: Settings) -> Lab:
    own = sandbox.status()
    if own is not None and own.endpoint_url == url.rstrip("/"):
        return _in(own, url, region, rules)
    is_local = urlsplit(url).hostname in LOCAL
    session = EndpointSession(url, is_local=is_local, profile_name=profile, region_name=region)
    if session.region_name is None or session.get_credentials() is None:
        session = EndpointSession(
            url,
            is_local=is_local,
            profile_name=profile,
            region_name=region or session.region_name or "us-east-1",
            **({} if session.get_credentials() else {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
        )
    number, identity = who_am_i(session)
    return Lab(url, session, number, identity, _prefix(rules), rules=rules)


def _prefix(rules: Settings) -> str:
    """What the names begin with on a shared account: the rules' prefix, or our own with the participant's name."""
    return rules.prefix or f"{OURS}{_participant()}-"


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _participant() -> str:
    """Whoever sits here, in letters that a name can hold; where many bear one name, with something of their own."""
    name = person()
    if name.lower() in EVERYBODY:
        name = f"{name}-{_own_mark()}"
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower().split("@")[0]).strip("-")
    if 0 < len(plain) <= 20:
        return plain
    return f"{plain[:11].strip('-')}-{_fingerprint(name)}".strip("-")


def _own_mark() -> str:
    """A few letters drawn once and kept in the person's own folder: home directories are not shared, names may be."""
    path = Path(platformdirs.user_data_dir("step-functions-notebooks", False)) / "participant"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as kept:
            kept.write(secrets.token_hex(3))
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSetting(
            f"The user {person()!r} may be many, and {path} cannot be kept ({error}); set LAB_PREFIX."
        ) from None
