"""Stamps: moto's services read the time on the sandbox's clock."""

import datetime
import importlib
import sys
import types

import moto.core.utils

from helpers.sandbox.clock.clockwork import clock
from helpers.sandbox.patching import replace

# The modules that read the time from the datetime module itself.
READERS = ("moto.s3.models",)


class ClockDatetime(datetime.datetime):
    """datetime.datetime, whose now() is the sandbox's."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        now = clock.now()
        return now.astimezone(tz) if tz else now.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> datetime.datetime:  # type: ignore[override]
        return clock.now().replace(tzinfo=None)


def utcnow() -> datetime.datetime:
    """The sandbox's time in UTC, without a zone, as moto's own function of this name gives it."""
    return clock.now().replace(tzinfo=None)


def patch() -> None:
    """Let moto's services (S3, CloudWatch Logs, STS, IAM ...) stamp with the sandbox's time; called once, at first."""
    original = moto.core.utils.utcnow
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.") and getattr(module, "utcnow", None) is original:
            replace(module, "utcnow", utcnow)
    stand_in = types.SimpleNamespace(**{**vars(datetime), "datetime": ClockDatetime})
    for name in READERS:
        replace(importlib.import_module(name), "datetime", stand_in)
