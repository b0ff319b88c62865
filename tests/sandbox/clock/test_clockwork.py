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


def racing(clock: Clock) -> None:
    """Let the clock go a thousand million times as fast as real time, towards a far deadline."""
    clock.call(lambda: clock.scheduler.after(1e10, print))
    clock.fast_forward(rate=1e9)
    while clock.offset < SECONDS:
        pass


def test_no_time_is_read_that_it_has_not_reached(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another thread begins to work while it is read."""
    monotonic, reader, began = time.monotonic, threading.current_thread(), []

    def interrupted() -> float:
        if threading.current_thread() is reader and not began:
            began.append(True)
            clock.begin()
        return monotonic()

    racing(clock)
    with monkeypatch.context() as patch:
        patch.setattr(clockwork._time, "monotonic", interrupted)
        read = clock.time()
    assert read <= clock.time()


def test_no_time_is_skipped_between_what_happens_and_what_it_asks_for(clock: Clock) -> None:
    rang, times = threading.Event(), []

    def note() -> None:
        times.append(clock.scheduler.now)
        rang.set()

    racing(clock)
    began = clock.call(lambda: (clock.scheduler.after(1, note), clock.scheduler.now)[1])
    assert rang.wait(SECONDS)
    assert (times[0] - began) / 1_000_000 == pytest.approx(1, abs=SECONDS)


def test_who_waits_for_work_to_end_keeps_the_engine_from_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clockwork, "TICK", 1e6)
    monkeypatch.setattr(clockwork, "ENDED", 1e6)
    clock.begin()
    forgetting = threading.Thread(target=clock.forget)
    forgetting.start()
    asking = threading.Thread(target=lambda: [clock.call(lambda: None) for _ in range(1_000)], daemon=True)
    asking.start()
    asking.join(SECONDS)
    stuck = asking.is_alive()
    clock.end()
    forgetting.join()
    assert not stuck


def test_what_ends_while_all_is_forgotten_leaves_nothing_to_wait_for(clock: Clock) -> None:
    clock.begin()
    after(clock, 3600)
    forgetting = threading.Thread(target=clock.forget)
    forgetting.start()
    while clock.call(clock.scheduler.deadline) is not None:
        pass
    after(clock, 7200)
    clock.end()
    forgetting.join()
    assert clock.call(clock.scheduler.deadline) is None


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


def test_it_is_not_put_back_where_something_is_about_to_happen(clock: Clock) -> None:
    """Such as the first state of an execution whose start is stamped."""
    assert clock.call(lambda: (clock.post(lambda: None), clock.put_back())) == (None, False)
    assert clock.put_back()


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
