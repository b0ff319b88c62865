"""The clock itself: one heap of deadlines, one thread in which all executions go on, and going ahead over waiting."""

from __future__ import annotations

import contextlib
import datetime
import logging
import math
import threading
import time as _time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from helpers.engine import Scheduler
from helpers.engine.scheduler import Timer

__all__ = ["Clock", "clock"]

LOG = logging.getLogger(__name__)
Found = TypeVar("Found")

SECOND = 1_000_000  # the engine counts time in microseconds
# The engine's thread works for so long before it lets requests have the processor, in seconds.
SLICE = 0.005
# By more seconds than this the monotonic clock lags behind the wall's only where the computer has slept.
SLEPT = 2.0
# A deadline is looked for at least this often, in seconds, because the computer may have slept meanwhile.
TICK = 5.0
# What works and was asked to end has done so after this many seconds, or is not waited for.
ENDED = 5.0


class Lease(NamedTuple):
    """One wish to fast-forward: at most how many times real time, and until when (real time) unless renewed."""

    rate: float
    hold_tokens: bool
    until: float


class Pace(NamedTuple):
    """The clock reads `then` where real time reads `since`, and goes `speed` times as fast, up to `ceiling`."""

    since: float
    then: float
    speed: float = 1.0
    ceiling: float = math.inf

    def reading(self, real: float) -> float:
        elapsed = max(real - self.since, 0.0)
        return max(self.then + elapsed, min(self.ceiling, self.then + self.speed * elapsed))


class Clock:
    """Real time, moved ahead to the earliest deadline whenever fast-forward is on and nothing works.

    All that happens at a time happens in one thread, the engine's: timers, executions, and whatever is posted to it.
    What takes time of its own (a call, an invocation, a query) runs elsewhere, inside `working()`, and posts its end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hand = threading.Condition(self._lock)
        self._wall, self._slept = _time.time() - _time.monotonic(), 0.0
        self._pace = Pace(_time.monotonic(), _time.time())
        self.scheduler = Scheduler(round(self._pace.then * SECOND))
        self._inbox: deque[Callable[[], Any]] = deque()
        self.works = 0  # how many calls, invocations and queries are under way
        self.executions = 0  # that run; changed by the engine's thread alone
        self.token_is_out: Callable[[], bool] = lambda: False  # whoever hands out task tokens says it
        self._later: dict[object, Timer] = {}  # what `after` was asked for; changed by the engine's thread alone
        self._leases: dict[str, Lease] = {}
        self._thread: threading.Thread | None = None

    def time(self) -> float:
        """Seconds since the epoch, on the sandbox's clock."""
        real = self._real()  # first: with a pace that has ended since, it would be later than the clock has come to
        return self._pace.reading(real)

    def now(self) -> datetime.datetime:
        """The sandbox's time, in UTC."""
        return datetime.datetime.fromtimestamp(self.time(), datetime.UTC)

    @property
    def offset(self) -> float:
        """By how many seconds the clock is ahead of real time."""
        return self.time() - _time.time()

    def post(self, action: Callable[[], Any]) -> None:
        """Have something done in the engine's thread, soon."""
        self._inbox.append(action)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, name="engine", daemon=True)
                self._thread.start()
            self._hand.notify_all()  # the engine is not the only one that may wait

    def call(self, action: Callable[[], Found]) -> Found:
        """Have something done in the engine's thread, and return what it returns or raise what it raises."""
        if threading.current_thread() is self._thread:
            return action()
        found: Future[Found] = Future()

        def act() -> None:
            try:
                found.set_result(action())
            except BaseException as error:
                found.set_exception(error)

        self.post(act)
        return found.result()

    def after(self, seconds: float, action: Callable[[], Any]) -> Callable[[], None]:
        """Have something done in the engine's thread when so many seconds are over, unless `forget` comes before.

        What is returned calls it off.
        """
        when, name = round((self.time() + seconds) * SECOND), object()

        def act() -> None:
            del self._later[name]
            action()

        def wait() -> None:
            self._later[name] = self.scheduler.at(when, act)

        self.post(wait)
        return lambda: self.post(lambda: self._call_off(name))

    def forget(self) -> None:
        """Call off all that `after` was asked for, and wait a moment for what works and was asked to end."""

        def act() -> None:
            for name in list(self._later):
                self._call_off(name)

        self.call(act)
        with self._lock:
            self._hand.wait_for(lambda: not self.works, ENDED)
        self.call(act)  # what has ended may have asked for more

    def _call_off(self, name: object) -> None:
        if name in self._later:
            self.scheduler.cancel(self._later.pop(name))

    def begin(self) -> None:
        """Something works from now on (a call, an invocation, a query), running or queued."""
        with self._lock:
            self.works += 1
            self._go(1.0)

    def end(self) -> None:
        """What began works no more."""
        with self._lock:
            self.works -= 1
            self._hand.notify_all()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """While inside, something works: the clock is not moved ahead."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    def fast_forward(
        self, lease: str = "", *, rate: float = math.inf, hold_tokens: bool = False, seconds: float = math.inf
    ) -> None:
        """Go ahead from now on, at most `rate` times as fast as real time; of several leases the slowest counts.

        It lasts for so many seconds of real time unless renewed, or until it is given back. With `hold_tokens` the
        clock also stays while a task token is out.
        """
        self._leases[lease] = Lease(rate, hold_tokens, self._real() + seconds)
        self.post(lambda: None)  # has the clock look around

    def back(self, lease: str | None = "") -> None:
        """Give a lease back, or all (None); without any, the clock goes with real time again, from where it stands."""
        self._leases.clear() if lease is None else self._leases.pop(lease, None)
        self.post(lambda: None)

    def put_back(self) -> bool:
        """Set a clock that is ahead to real time; False, and nothing done, where anything runs, works or waits."""

        def act() -> bool:
            with self._lock:
                waits = self.scheduler.ready or self.scheduler.deadline() is not None
                if waits or self.works or self.executions or self._inbox:
                    return False
                self._pace = Pace(self._real(), _time.time())
                self.scheduler.now = round(self._pace.then * SECOND)
                return True

        return self.call(act)

    @property
    def fast_forwarding(self) -> bool:
        """Whether the clock goes ahead when nothing works."""
        return bool(self._current())

    @property
    def rate(self) -> float:
        """At most how many times as fast as real time it goes ahead."""
        return min((lease.rate for lease in self._current()), default=math.inf)

    def _current(self) -> list[Lease]:
        real = self._real()
        return [lease for lease in list(self._leases.values()) if lease.until > real]

    def _real(self) -> float:
        """Real time, monotonic; it passes while the computer sleeps, too."""
        awake = _time.monotonic()
        slept = _time.time() - self._wall - awake
        if slept - self._slept > SLEPT:
            self._slept = slept  # set, not added to, since several threads may notice it at once
        return awake + self._slept

    def _go(self, speed: float, ceiling: float = math.inf) -> None:
        real = self._real()
        self._pace = Pace(real, self._pace.reading(real), speed, ceiling)

    def _live(self) -> None:
        """The engine's thread."""
        scheduler, inbox = self.scheduler, self._inbox
        while True:
            self._await()
            end = _time.perf_counter() + SLICE
            while _time.perf_counter() < end:
                try:
                    if inbox:
                        # It happens no earlier than it was asked for: this slice may have begun before.
                        scheduler.now = max(scheduler.now, round(self.time() * SECOND))
                        inbox.popleft()()
                    elif not scheduler.ring() and not scheduler.step():
                        break
                except Exception:
                    LOG.exception("Something failed in the engine's thread.")
            else:
                _time.sleep(0)  # whoever waits for the interpreter's lock has it now

    def _await(self) -> None:
        """Wait until there is something to do, and set the time at which it is done."""
        scheduler = self.scheduler
        with self._lock:
            while not self._inbox and not scheduler.ready:
                due, now = scheduler.deadline(), self.time()
                left = math.inf if due is None else due / SECOND - now
                if due is not None and due <= round(now * SECOND):
                    break
                leases = self._current()
                stays = self.works or (any(lease.hold_tokens for lease in leases) and self.token_is_out())
                speed = 1.0 if due is None or not leases or stays else min(lease.rate for lease in leases)
                if due is not None and speed == math.inf:
                    self._pace = Pace(self._real(), due / SECOND)
                    scheduler.now = due
                    return
                self._go(speed, now + left)
                self._hand.wait(min(left / speed, TICK, *(lease.until - self._real() for lease in leases)))
            self._go(1.0)  # what happens now takes real time
            scheduler.now = max(scheduler.now, round(self._pace.then * SECOND))


clock = Clock()
