"""The clock by itself, without a server."""

import threading
import time

import pytest

from helpers.sandbox.clock import Clock, Ended, Event, Thread, clock, clockwork, interrupted_by


def test_a_wait_ends_with_its_event_or_its_time() -> None:
    event = Event()
    assert clock.wait(event, 0.01) is False
    event.set()
    assert clock.wait(event, 3600) is True
    assert clock.wait(event) is True


def test_what_is_interrupted_ends_with_its_threads() -> None:
    over, ended = Event(), []

    def wait_long() -> None:
        try:
            clock.wait(Event(), 3600)
        except Ended:
            ended.append(True)
            raise

    with interrupted_by(over):
        threads = [Thread(target=wait_long) for _ in range(3)]
        for thread in threads:
            thread.start()
        over.set()
        for thread in threads:
            thread.join(10)
        with pytest.raises(Ended):
            clock.wait(Event(), 3600)
    assert ended == [True] * 3


def test_an_event_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match=r"helpers\.sandbox\.clock\.Event"):
        clock.wait(threading.Event(), 1)  # type: ignore[arg-type]


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
