"""The clock itself: one heap of deadlines, one thread in which all executions go on, and going ahead over waiting."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import math
import threading
import time as _time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from helpers.engine import Scheduler
from helpers.engine.scheduler import Timer

__all__ = ["Clock", "Lease", "clock"]

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


@dataclasses.dataclass(frozen=True)
class Lease:
    """One wish to fast-forward: at most how many times real time, and until when (real time) unless renewed."""

    rate: float
    hold_tokens: bool
    until: float


@dataclasses.dataclass(frozen=True)
class Pace:
    """The clock reads `then` where real time reads `since`, and goes `speed` times as fast, up to `ceiling`."""

    since: float
    then: float
    speed: float = 1.0
    ceiling: float = math.inf

    def reading(self, real: float) -> float:
        elapsed = max(real - self.since, 0.0)
        if self.speed == 1.0:
            return self.then + elapsed
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
        # Task tokens that somebody outside holds, and executions that run; changed by the engine's thread alone.
        self.tokens = self.executions = 0
        self._later: dict[object, Timer] = {}  # what `after` was asked for; changed by the engine's thread alone
        self._leases: dict[str, Lease] = {}
        self._thread: threading.Thread | None = None

    def time(self) -> float:
        """Seconds since the epoch, on the sandbox's clock."""
        return self._pace.reading(self._real())

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
            self._hand.notify()

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

    def _call_off(self, name: object) -> None:
        if name in self._later:
            self.scheduler.cancel(self._later.pop(name))

    def begin(self) -> None:
        """Something works from now on (a call, an invocation, a query), running or queued."""
        with self._lock:
            self.works += 1
            self._repace(1.0)

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
        self, lease: str = "", *, rate: float | None = None, hold_tokens: bool = False, seconds: float | None = None
    ) -> None:
        """Go ahead from now on, for `seconds` of real time (None: until it is stopped) unless renewed.

        At most `rate` times as fast as real time; None is without bound. Of several leases the slowest counts.
        With `hold_tokens` the clock also stays while a task token is out.
        """
        until = math.inf if seconds is None else self._real() + seconds
        self._leases = {**self._leases, lease: Lease(math.inf if rate is None else rate, hold_tokens, until)}
        self.post(lambda: None)  # has the clock look around

    def back(self, lease: str | None = "") -> None:
        """Give a lease back, or all (None); without any, the clock goes with real time again, from where it stands."""
        self._leases = {name: given for name, given in self._leases.items() if lease not in (None, name)}
        self.post(lambda: None)

    def put_back(self) -> bool:
        """Set a clock that is ahead to real time; False, and nothing done, where anything runs, works or waits."""

        def act() -> bool:
            with self._lock:
                waits = self.scheduler.ready or self.scheduler.deadline() is not None
                if waits or self.works or self.executions:
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
    def rate(self) -> float | None:
        """At most how many times real time; None where nothing bounds it, or where it does not go ahead."""
        slowest = min((lease.rate for lease in self._current()), default=math.inf)
        return None if slowest == math.inf else slowest

    def _current(self) -> list[Lease]:
        real = self._real()
        return [lease for lease in self._leases.values() if lease.until > real]

    def _real(self) -> float:
        """Real time, monotonic; it passes while the computer sleeps, too."""
        real = _time.monotonic() + self._slept
        behind = _time.time() - self._wall - real
        if behind > SLEPT:
            self._slept += behind
            real += behind
        return real

    def _repace(self, speed: float, ceiling: float = math.inf) -> None:
        if speed != self._pace.speed or ceiling != self._pace.ceiling:
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
            while True:
                real = self._real()
                now = self._pace.reading(real)
                if self._inbox or scheduler.ready:
                    break
                due = scheduler.deadline()
                when = math.inf if due is None else due / SECOND
                if due is not None and due <= round(now * SECOND):
                    break
                speed = self._speed()
                if due is not None and speed == math.inf:
                    self._pace = Pace(real, when)
                    scheduler.now = due
                    return
                self._repace(1.0 if speed == math.inf else speed, when if speed not in (1.0, math.inf) else math.inf)
                waits = [(when - now) / self._pace.speed, TICK]
                waits += [lease.until - real for lease in self._leases.values()]
                self._hand.wait(max(min(waits), 0.0))
            scheduler.now = max(scheduler.now, round(now * SECOND))

    def _speed(self) -> float:
        current = self._current()
        if not current or self.works or (self.tokens and any(lease.hold_tokens for lease in current)):
            return 1.0
        return min(lease.rate for lease in current)


clock = Clock()
