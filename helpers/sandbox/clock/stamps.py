"""Stamps: moto's services read the time on the sandbox's clock."""

import datetime
import sys
import types

import moto.core.utils
import moto.s3.models

from helpers.sandbox.clock.clockwork import clock
from helpers.sandbox.patching import replace


class ClockDatetime(datetime.datetime):
    """datetime.datetime, whose now() is the sandbox's."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        now = clock.now()
        return now.astimezone(tz) if tz else now.replace(tzinfo=None)


def patch() -> None:
    """Let moto's services (S3, CloudWatch Logs, STS, IAM ...) stamp with the sandbox's time; called once, at first."""
    original = moto.core.utils.utcnow
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.") and getattr(module, "utcnow", None) is original:
            replace(module, "utcnow", ClockDatetime.now)
    # S3 takes some of its stamps from the datetime module itself.
    stand_in = types.SimpleNamespace(**{**vars(datetime), "datetime": ClockDatetime})
    replace(moto.s3.models, "datetime", stand_in)
