"""The clock by itself, without a server."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from helpers.sandbox.clock import Clock, clockwork

SECONDS = 20  # that a test waits at most


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock whose fast-forward ends with the test."""
    made = Clock()
    yield made
    made.back(None)


def after(clock: Clock, seconds: float) -> tuple[threading.Event, list[float]]:
    """What is set when a timer rings, and the clock's time then."""
    rang, times = threading.Event(), []

    def ring() -> None:
        times.append(clock.scheduler.now / 1_000_000)
        rang.set()

    clock.after(seconds, ring)
    return rang, times


def test_a_timer_rings_in_the_engines_thread_when_its_time_has_come(clock: Clock) -> None:
    before = clock.time()
    rang, times = after(clock, 0.02)
    assert rang.wait(SECONDS)
    assert times[0] >= before + 0.02
    assert clock.call(threading.current_thread) is clock.call(threading.current_thread)


def test_fast_forward_goes_to_the_next_deadline_and_no_further(clock: Clock) -> None:
    before = clock.time()
    clock.fast_forward()
    rang, times = after(clock, 3600)
    assert rang.wait(SECONDS)
    assert times[0] - before == pytest.approx(3600, abs=SECONDS)
    assert clock.time() - before == pytest.approx(3600, abs=2 * SECONDS)


def test_the_clock_stays_while_something_works(clock: Clock) -> None:
    clock.fast_forward()
    with clock.working():
        rang, _ = after(clock, 3600)
        clock.call(lambda: None)
        assert not rang.is_set()
    assert rang.wait(SECONDS)


def test_what_fails_in_the_engines_thread_is_raised_where_it_was_called_and_ends_nothing(clock: Clock) -> None:
    def fail() -> Any:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        clock.call(fail)
    clock.post(fail)
    assert clock.call(lambda: 5) == 5


def test_it_is_put_back_only_where_nothing_waits(clock: Clock) -> None:
    clock.fast_forward()
    rang, _ = after(clock, 3600)
    assert rang.wait(SECONDS)
    clock.back()
    assert clock.offset > 3000
    later, _ = after(clock, 3600)
    assert clock.call(lambda: None) is None
    assert not clock.put_back()
    clock.fast_forward()
    assert later.wait(SECONDS)
    clock.back()
    assert clock.put_back()
    assert clock.offset == pytest.approx(0, abs=SECONDS)


def test_the_clock_follows_a_computer_that_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = Clock()
    before, wall = slept.time(), time.time
    monkeypatch.setattr(clockwork._time, "time", lambda: wall() + 28_800)
    assert slept.time() - before == pytest.approx(28_800, abs=60)
    assert slept.offset == pytest.approx(0, abs=5)


def test_the_clock_does_not_follow_the_walls_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    steady = Clock()
    before, wall = steady.time(), time.time
    monkeypatch.setattr(clockwork._time, "time", lambda: wall() - 3600)
    assert steady.time() >= before
