"""The threads in which work is done beside the engine's."""

import threading
import types
from typing import Any

import pytest

from helpers.sandbox import pool
from helpers.sandbox.clock import clock


def test_work_is_done_where_the_computer_gives_no_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """And counts as work only until it is done, or the clock would be held for ever."""

    def refuse(**_: Any) -> None:
        raise RuntimeError("can't start new thread")

    begun = threading.Event()
    pool.run(begun.set)  # there is a thread already
    assert begun.wait(20)
    done, working = threading.Event(), clock.works
    monkeypatch.setattr(pool, "threading", types.SimpleNamespace(Thread=refuse))
    pool.apart(done.set)
    assert done.wait(20)
    clock.forget()  # waits for work to end
    assert clock.works == working
