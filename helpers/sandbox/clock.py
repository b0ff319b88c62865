"""The sandbox's clock: one for the whole server, never backwards, able to be moved ahead."""

import contextlib
import datetime
import threading
import time as _time
from collections.abc import Iterator


class Clock:
    """Real time plus an offset."""

    def __init__(self) -> None:
        self.offset = 0.0

    def time(self) -> float:
        """Seconds since the epoch, on the sandbox's clock."""
        return _time.time() + self.offset

    def now(self) -> datetime.datetime:
        """The sandbox's time, in UTC."""
        return datetime.datetime.fromtimestamp(self.time(), datetime.UTC)

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until `event` is set or `seconds` of the sandbox's time are over; returns whether it is set."""
        return event.wait(seconds)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """While inside, something works (a function, a query being started): the clock must not be moved ahead."""
        yield


clock = Clock()


def mend() -> None:
    """Put moto on this clock; called once, before moto's interpreter is imported."""
