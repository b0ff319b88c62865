"""Calls of the Step Functions API: kept within the account's buckets, counted, and their failures reported plainly."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, ParamValidationError

from helpers.errors import CredentialsExpired, LabError, NotAllowed, NotForExpress, NotFound, Throttled, Unreachable
from helpers.lab import Lab
from helpers.lab.accounts import CUT_OFF, NO_LOGIN, NO_SSO
from helpers.limits import API_BUCKETS

__all__ = ["LOGGED_OUT", "Bucket", "allowance", "client", "made", "plainly", "saying"]

SHARE = 0.98  # of what AWS grants: calls that set out evenly do not arrive evenly
CONNECTIONS = 64
LARGE_REGIONS = {"us-east-1", "us-west-2", "eu-west-1"}
made: Counter[str] = Counter()
"""How many requests this process has sent, by action; botocore's own retries are requests too."""


class Bucket:
    """A token bucket: `size` calls at once, then `refill` a second, whatever the number of threads."""

    def __init__(
        self,
        size: float,
        refill: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.size, self.refill = size, refill
        self._now, self._sleep = now, sleep
        self._lock = threading.Lock()
        self._tokens, self._at = float(size), now()

    def _fill(self) -> None:
        now = self._now()
        self._tokens = min(self.size, self._tokens + (now - self._at) * self.refill)
        self._at = now

    def take(self) -> None:
        """Return when a call may be made. Who comes to an empty bucket waits for a token of its own, in turn."""
        with self._lock:
            self._fill()
            self._tokens -= 1
            due = -self._tokens / self.refill
        if due > 0:
            self._sleep(due)

    def drain(self) -> None:
        """AWS throttled: somebody else has emptied the account's bucket, so ours is empty too."""
        with self._lock:
            self._fill()
            self._tokens = min(self._tokens, 0.0)


_buckets: dict[tuple[str, str, str], Bucket] = {}
_clients: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_lock = threading.Lock()


def allowance(action: str, region: str) -> tuple[float, float] | None:
    """Bucket size and refill per second that AWS grants `action` in `region`, or None where no quota is known."""
    known = API_BUCKETS.get(action)
    if known is None:
        return None
    return known[0] if region in LARGE_REGIONS else known[1]


def _bucket(lab: Lab, action: str) -> Bucket | None:
    granted = allowance(action, lab.region)
    if granted is None or lab.target == "sandbox":
        return None
    with _lock:
        key = (lab.account, lab.region, action)
        if key not in _buckets:
            _buckets[key] = Bucket(SHARE * granted[0], SHARE * granted[1])
        return _buckets[key]


def client(lab: Lab) -> Any:
    """The process's one Step Functions client of `lab`: every request waits for a token of its action's bucket.

    The sandbox has no buckets; there the requests are only counted.
    """
    with _lock:
        if lab.session in _clients:
            return _clients[lab.session]
        made_now = lab.client("stepfunctions", config=Config(max_pool_connections=CONNECTIONS))
        _clients[lab.session] = made_now

    def pace(operation_name: str, **_: Any) -> None:
        bucket = _bucket(lab, operation_name)
        if bucket is not None:
            bucket.take()
        with _lock:
            made[operation_name] += 1

    def heed(response: Any, operation: Any, **_: Any) -> None:
        parsed = response[1] if response else {}
        bucket = _bucket(lab, operation.name)
        if bucket is not None and parsed.get("Error", {}).get("Code") == "ThrottlingException":
            bucket.drain()

    # First, because a request is signed at this event: a signature must not grow old while it waits.
    made_now.meta.events.register_first("request-created.sfn", pace)
    made_now.meta.events.register("needs-retry.sfn", heed)
    return made_now


THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
LOGGED_OUT = (*NO_SSO, *NO_LOGIN, CredentialRetrievalError)


@contextmanager
def plainly(doing: str) -> Iterator[None]:
    """Turn AWS's refusals, and what keeps us from AWS, into one sentence of ours.

    `doing` says what was tried: "create the role x". Raises NotAllowed, NotForExpress, NotFound, CredentialsExpired,
    Throttled, Unreachable, and LabError for any other refusal.
    """
    try:
        yield
    except ClientError as error:
        reported = error.response.get("Error", {})
        code, message = reported.get("Code", ""), reported.get("Message", "").strip()
        if "AccessDenied" in code or "Unauthorized" in code:
            raise NotAllowed(f"AWS did not let us {doing}: {message}") from None
        if "Expired" in code:
            raise CredentialsExpired(f"Your AWS credentials expired; get new ones, then {doing} again.") from None
        if code == "StateMachineTypeNotSupported":
            raise NotForExpress(f"AWS could not {doing}: {message}") from None
        if "NotFound" in code or "DoesNotExist" in code or "NoSuch" in code:
            raise NotFound(f"AWS could not {doing}: {message}") from None
        if code in THROTTLED:
            raise Throttled(f"AWS takes no more calls for now; wait a minute, then {doing} again.") from None
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) >= 500:
            raise LabError(f"AWS itself failed when we wanted to {doing} ({code}); try again in a minute.") from None
        raise LabError(f"AWS refused to {doing} ({code}): {message}") from None
    except LOGGED_OUT:
        raise CredentialsExpired(f"You are not logged in any more; log in, then {doing} again.") from None
    except CUT_OFF:
        raise Unreachable(
            f"AWS could not be reached when we wanted to {doing}. Whether it was done cannot be known: look at the"
            " network, then run the cell again; what is there already is kept."
        ) from None
    except ParamValidationError as error:
        faults = "; ".join(str(error).splitlines()[1:])
        raise LabError(f"AWS cannot be asked to {doing}: {faults}.") from None
    except BotoCoreError as error:
        raise LabError(
            f"AWS could not be asked to {doing} ({type(error).__name__}); connect again, then retry."
        ) from None


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Print what is waited for, once the waiting inside has lasted a second and a half, and dots while it goes on."""
    over = threading.Event()

    def say() -> None:
        if not over.wait(1.5):
            print(what, end="", flush=True)
            while not over.wait(2.0):
                print(" .", end="", flush=True)
            print()

    sayer = threading.Thread(target=say, daemon=True)
    sayer.start()
    try:
        yield
    finally:
        over.set()
        sayer.join()
