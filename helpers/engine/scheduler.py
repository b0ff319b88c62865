"""Virtual time: one heap of deadlines, and the processes that wait for them or for each other."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["EPOCH", "SECOND", "Process", "Scheduler", "Walk", "counted"]

SECOND = 1_000_000  # time is counted in whole microseconds since 1970, so that sums of waits are exact
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CANCELLED = 2_000  # so many cancelled timers are kept at most beside as many that still count

# A generator that yields whenever it waits; what wakes it, it finds out by looking.
Walk = Generator[None, None, Any]
Timer = list[Any]  # [when, number, what to do then or None]


class Process:
    """A generator that goes on whenever somebody wakes it. `on_end` gets its result or the exception it ended with."""

    __slots__ = ("_asleep", "_on_end", "_scheduler", "_walk", "over")

    def __init__(self, scheduler: Scheduler, walk: Walk, on_end: Callable[[Any, Exception | None], None]) -> None:
        self._scheduler, self._walk, self._on_end = scheduler, walk, on_end
        self.over, self._asleep = False, True
        self.wake()

    def wake(self, first: bool = False) -> None:
        """Let it go on: behind all that are awake, or before them; nothing where it is awake already."""
        if self._asleep:
            self._asleep = False
            ready = self._scheduler.ready
            ready.appendleft(self) if first else ready.append(self)

    def step(self) -> None:
        """Go on to where it waits next, or to its end."""
        if self.over:
            return
        self._asleep = True
        try:
            self._walk.send(None)
        except StopIteration as end:
            self.over = True
            self._on_end(end.value, None)
        except Exception as error:
            self.over = True
            self._on_end(None, error)

    def close(self) -> None:
        """End it where it stands; what closes itself ends as soon as it is back here."""
        if not self.over:
            self.over = True
            if not self._walk.gi_running:  # type: ignore[attr-defined]
                self._walk.close()

    def sleep_until(self, when: int) -> Walk:
        """Wait until then."""
        if when > self._scheduler.now:
            timer = self._scheduler.at(when, self.wake)
            try:
                while self._scheduler.now < when:
                    yield
            finally:
                self._scheduler.cancel(timer)


class Scheduler:
    """What is awake, and what is to happen when. It moves no time by itself: whoever drives it sets `now`."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.ready: deque[Process] = deque()
        self._timers: list[Timer] = []
        self._number = self._cancelled = 0
        self._stamped, self._stamp = -1, EPOCH

    @property
    def stamp(self) -> datetime:
        """Now, to the millisecond, as events have it."""
        millisecond = self.now // 1000
        if millisecond != self._stamped:
            self._stamped, self._stamp = millisecond, EPOCH + timedelta(milliseconds=millisecond)
        return self._stamp

    def at(self, when: int, action: Callable[[], Any]) -> Timer:
        """Have something done at a time; equal times in the order in which they were asked for."""
        self._number += 1
        timer = [when, self._number, action]
        heapq.heappush(self._timers, timer)
        return timer

    def after(self, seconds: float, action: Callable[[], Any]) -> Timer:
        """Have something done so many seconds from now."""
        return self.at(self.now + round(seconds * SECOND), action)

    def cancel(self, timer: Timer) -> None:
        """Have it not done, unless it was done already."""
        if timer[2] is not None:
            timer[2] = None
            self._cancelled += 1
            if self._cancelled > CANCELLED and self._cancelled * 2 > len(self._timers):
                self._timers = [one for one in self._timers if one[2] is not None]
                heapq.heapify(self._timers)
                self._cancelled = 0

    def deadline(self) -> int | None:
        """When something is to be done next, None where nothing is."""
        while self._timers and self._timers[0][2] is None:
            heapq.heappop(self._timers)
            self._cancelled -= 1
        return self._timers[0][0] if self._timers else None

    def ring(self) -> bool:
        """Do the first thing whose time has come; whether there was one."""
        when = self.deadline()
        if when is None or when > self.now:
            return False
        timer = heapq.heappop(self._timers)
        action, timer[2] = timer[2], None
        action()
        return True

    def step(self) -> bool:
        """Let the first that is awake go on; whether there was one."""
        if not self.ready:
            return False
        self.ready.popleft().step()
        return True


def counted(when: datetime) -> int:
    """A time as the scheduler counts it."""
    return (when - EPOCH) // timedelta(microseconds=1)
