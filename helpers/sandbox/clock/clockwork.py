"""The clock itself: time that never goes backwards, waits on it, and going ahead to the next deadline."""

import contextlib
import contextvars
import dataclasses
import datetime
import heapq
import itertools
import math
import secrets
import threading
import time as _time
from collections.abc import Iterator
from typing import Any

# A deadline that real time reaches is looked for at least this often, in seconds: while the clock can go ahead, and
# otherwise because the computer may have slept meanwhile.
TICK = 0.25
SLOW_TICK = 5.0
# By more seconds than this the monotonic clock lags behind the wall's only where the computer has slept.
SLEPT = 2.0
# Having gone ahead, the clock stands until a function or another task runs, all wait again, or so many seconds of real
# time are over: what is woken at a deadline finds it there, however busy the computer is.
STAND = 1.0

_interruption: contextvars.ContextVar["Event | None"] = contextvars.ContextVar("interruption", default=None)


# The header in which a request carries the pass of the thread that waits for its answer.
PASS = "X-Sandbox-In-Place-Of"


class Ended(BaseException):
    """What a thread was doing is over (stopped, timed out, given up): raised by its waits, to unwind it.

    Not an Exception, so that code which turns exceptions into failed states does not take it for one.
    """


class Event:
    """As threading.Event, on the clock: who is woken by it counts as working from that moment on."""

    def __init__(self) -> None:
        self._set = False
        self._waits: set[_Wait] = set()

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        clock._set(self)

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        return clock.wait(self, timeout)


class Thread(threading.Thread):
    """A thread that works whenever it does not wait on the clock, counted from the moment it is started.

    What interrupts the waits of the thread that makes it, interrupts its own.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._context = contextvars.copy_context()

    def start(self) -> None:
        clock._begin()
        try:
            super().start()
        except BaseException:
            clock._end()
            raise

    def run(self) -> None:
        clock._held.count = 1
        try:
            self._context.run(super().run)
        except Ended:
            pass
        finally:
            clock._held.count = 0
            clock._end()


class _Wait:
    """One thread's wait: until when, whether it is over, and how much work its thread laid down for it."""

    __slots__ = ("deadline", "events", "gate", "held", "over")

    def __init__(self, deadline: float | None, held: int, events: tuple[Event, ...]) -> None:
        self.deadline, self.held, self.events = deadline, held, events
        self.over = False
        self.gate: threading.Lock | None = None


@dataclasses.dataclass(frozen=True)
class Lease:
    """One wish to fast-forward: at most how many times real time, and until when (real time) unless renewed."""

    rate: float
    hold_tokens: bool
    until: float


class _Held(threading.local):
    count = 0


class Clock:
    """Real time, moved ahead to the earliest deadline whenever fast-forward is on and nothing works.

    Works: a Thread that does not wait on the clock, and whoever is inside `working()`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hand = threading.Condition(self._lock)
        # The clock reads `_then` until the monotonic clock reads `_since`, and goes `_speed` times as fast from there.
        self._since, self._then, self._speed = _time.monotonic(), _time.time(), 1.0
        self._wall, self._slept = self._then - self._since, 0.0
        self._ceiling = math.inf
        self._working = 0
        self._tokens = 0
        self._held = _Held()
        self._deadlines: list[tuple[float, int, _Wait]] = []
        self._order = itertools.count()
        self._stale = 0
        self._leases: dict[str, Lease] = {}
        self._passes: dict[str, int] = {}
        self._alarm, self._due = -math.inf, math.inf
        self._ticking = False

    def time(self) -> float:
        """Seconds since the epoch, on the sandbox's clock."""
        with self._lock:
            return self._reading(self._real())

    def now(self) -> datetime.datetime:
        """The sandbox's time, in UTC."""
        return datetime.datetime.fromtimestamp(self.time(), datetime.UTC)

    @property
    def offset(self) -> float:
        """By how many seconds the clock is ahead of real time."""
        return self.time() - _time.time()

    def wait(self, event: Event, seconds: float | None = None, *, token: bool = False) -> bool:
        """Wait until `event` is set or `seconds` of the sandbox's time are over; returns whether it is set.

        While it waits, the thread does not work, even inside `working()`; it works again from the moment it is woken.
        `token` says that somebody outside is waited for, who returns a task token. Raises Ended when what the
        thread does is over (see `interrupted_by`).
        """
        if not isinstance(event, Event):
            raise TypeError("the clock waits for its own events: make them with helpers.sandbox.clock.Event")
        interruption = _interruption.get()
        held = self._held.count
        with self._lock:
            if interruption is not None and interruption._set:
                raise Ended
            if event._set or (seconds is not None and seconds <= 0):
                return event._set
            deadline = None if seconds is None else self._reading(self._real()) + seconds
            wait = _Wait(deadline, held, (event,) if interruption is None else (event, interruption))
            for each in wait.events:
                each._waits.add(wait)
            if deadline is not None:
                heapq.heappush(self._deadlines, (deadline, next(self._order), wait))
            self._working -= held
            self._tokens += token
            self._settle()
            if not wait.over:
                wait.gate = threading.Lock()
                wait.gate.acquire()
        if wait.gate is not None:
            wait.gate.acquire()
        with self._lock:
            self._tokens -= token
            for each in wait.events:
                each._waits.discard(wait)
            if not held:
                self._working -= 1
                self._settle()
            if interruption is not None and interruption._set:
                raise Ended
            return event._set

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """While inside, something works (a function, a query being started): the clock is not moved ahead."""
        self._begin()
        with self._lock:
            self._since = min(self._since, self._real())
        self._held.count += 1
        try:
            yield
        finally:
            self._held.count -= 1
            self._end()

    def hand_over(self) -> str | None:
        """A pass for a request that this thread is about to send and wait for; None where the thread does not work."""
        if not self._held.count:
            return None
        given = secrets.token_hex(8)
        self._passes[given] = self._held.count
        return given

    @contextlib.contextmanager
    def in_place_of(self, given: str | None) -> Iterator[None]:
        """While inside, this thread works in the place of the one that sent the pass, and waits for both."""
        held = self._passes.pop(given, 0) if given else 0
        self._held.count += held
        try:
            yield
        finally:
            self._held.count -= held

    def fast_forward(
        self, lease: str = "", *, rate: float | None = None, hold_tokens: bool = False, seconds: float | None = None
    ) -> None:
        """Go ahead from now on, for `seconds` of real time (None: until told otherwise) unless renewed.

        At most `rate` times as fast as real time; None is without bound. Of several leases the slowest counts.
        With `hold_tokens` the clock also stays while a task token is out.
        """
        with self._lock:
            until = math.inf if seconds is None else self._real() + seconds
            self._leases[lease] = Lease(math.inf if rate is None else rate, hold_tokens, until)
            self._settle(changed=True)

    def back(self, lease: str = "") -> None:
        """Give a lease back; without any, the clock goes with real time again, from where it stands."""
        with self._lock:
            self._leases.pop(lease, None)
            self._settle(changed=True)

    def back_for_all(self) -> None:
        """Give every lease back: the clock goes with real time again, from where it stands."""
        with self._lock:
            self._leases.clear()
            self._settle(changed=True)

    @property
    def fast_forwarding(self) -> bool:
        """Whether the clock goes ahead when nothing works."""
        return self._pace() is not None

    @property
    def rate(self) -> float | None:
        """At most how many times real time; None where nothing bounds it, or where it does not go ahead."""
        pace = self._pace()
        return None if pace is None or pace == math.inf else pace

    def _pace(self) -> float | None:
        real = self._real()
        return min((lease.rate for lease in list(self._leases.values()) if lease.until > real), default=None)

    def _real(self) -> float:
        """Real time, monotonic; it passes while the computer sleeps, too."""
        real = _time.monotonic() + self._slept
        behind = _time.time() - self._wall - real
        if behind > SLEPT:
            self._slept += behind
            real += behind
        return real

    def _reading(self, real: float) -> float:
        elapsed = max(real - self._since, 0)
        if self._speed == 1.0:
            return self._then + elapsed
        # Up to the earliest deadline only: whoever is woken there takes a moment to start working.
        return max(self._then + elapsed, min(self._ceiling, self._then + self._speed * elapsed))

    def _begin(self) -> None:
        with self._lock:
            self._working += 1
            if self._speed != 1.0:
                self._settle()

    def _end(self) -> None:
        with self._lock:
            self._working -= 1
            self._settle()

    def _set(self, event: Event) -> None:
        with self._lock:
            event._set = True
            for wait in event._waits:
                self._wake(wait)
            event._waits.clear()
            if self._speed != 1.0:
                self._settle()

    def _wake(self, wait: _Wait) -> None:
        if wait.over:
            return
        wait.over = True
        if wait.deadline is not None:
            self._stale += 1
        # A thread that does not work still counts until it has left its wait.
        self._working += wait.held or 1
        if wait.gate is not None:
            wait.gate.release()

    def _earliest(self) -> float | None:
        if self._stale > 1000 and self._stale * 2 > len(self._deadlines):
            self._deadlines = [entry for entry in self._deadlines if not entry[2].over]
            heapq.heapify(self._deadlines)
            self._stale = 0
        while self._deadlines and self._deadlines[0][2].over:
            heapq.heappop(self._deadlines)
            self._stale -= 1
        return self._deadlines[0][0] if self._deadlines else None

    def _settle(self, changed: bool = False) -> None:
        """After anything changed, with the lock held: wake whose time has come, go ahead if nothing works."""
        real = self._real()
        for name in [name for name, lease in self._leases.items() if lease.until <= real]:
            del self._leases[name]
        rate = min((lease.rate for lease in self._leases.values()), default=1.0)
        hold = any(lease.hold_tokens for lease in self._leases.values())
        while True:
            now = self._reading(real)
            earliest = self._earliest()
            if earliest is None:
                speed = 1.0
            elif earliest <= now:
                self._wake(self._deadlines[0][2])
                continue
            else:
                speed = 1.0 if self._working or (hold and self._tokens) else rate
            if earliest is None or speed != math.inf:
                break
            self._since, self._then, self._speed = real + STAND, earliest, 1.0
        if speed != self._speed or speed != 1.0:
            stand = STAND if self._working and speed < self._speed else 0.0
            self._since, self._then, self._speed = real + stand, now, speed
            self._ceiling = math.inf if earliest is None else earliest
        due = math.inf if earliest is None else max(real, self._since) + (earliest - now) / speed
        if self._ticking:
            if due < self._alarm or changed:
                self._hand.notify()
        elif due < math.inf or changed:
            self._ticking = True
            threading.Thread(target=self._tick, name="clock", daemon=True).start()
        self._due = due

    def _tick(self) -> None:
        """Wake whose time has come by real time, and let leases lapse."""
        with self._lock:
            while True:
                self._settle()
                real = self._real()
                self._alarm = min([self._due, *(lease.until for lease in self._leases.values())])
                if self._alarm == math.inf and not self._leases:
                    self._hand.wait()
                else:
                    self._alarm = min(self._alarm, real + (TICK if self._leases else SLOW_TICK))
                    self._hand.wait(max(self._alarm - real, 0))


clock = Clock()


@contextlib.contextmanager
def interrupted_by(event: Event) -> Iterator[None]:
    """Inside, in this thread and those it starts, setting `event` ends every wait: they raise Ended."""
    token = _interruption.set(event)
    try:
        yield
    finally:
        _interruption.reset(token)
