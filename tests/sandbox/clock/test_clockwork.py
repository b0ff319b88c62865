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


def test_the_clock_stays_while_a_token_is_out_if_it_is_asked_to(clock: Clock) -> None:
    out = [True]
    clock.token_is_out = lambda: bool(out)
    clock.fast_forward(hold_tokens=True)
    rang, _ = after(clock, 3600)
    clock.call(lambda: None)
    assert not rang.is_set()
    clock.call(out.clear)
    assert rang.wait(SECONDS)


def test_with_a_rate_it_goes_so_many_times_as_fast(clock: Clock) -> None:
    clock.fast_forward(rate=1000)
    began = time.monotonic()
    rang, _ = after(clock, 100)
    assert rang.wait(SECONDS)
    assert time.monotonic() - began >= 0.09
    assert clock.rate == 1000


def test_a_lease_that_lapsed_leaves_the_engine_at_rest(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.call(lambda: clock.scheduler.after(1_000, print))
    clock.fast_forward(rate=1, seconds=0.01)
    while clock.fast_forwarding:
        pass
    looks: list[None] = []
    deadline = clock.scheduler.deadline
    monkeypatch.setattr(clock.scheduler, "deadline", lambda: (looks.append(None), deadline())[1])
    threading.Event().wait(0.2)
    assert len(looks) < 10


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
