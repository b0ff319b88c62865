"""How long the server stays when nobody uses it."""

import sys
import threading
import types
from typing import Any

import pytest

import helpers
from helpers import sandbox
from helpers.sandbox import server


def watched(monkeypatch: pytest.MonkeyPatch, slept: float = 0.0, running: int = 0) -> tuple[str, int]:
    """Why an unused server ends, and after how many looks.

    Before the first look the computer `slept` for so many seconds; at the first `running` looks an execution runs.
    """
    state, looks, clock = sandbox.status(), 0, 0.0

    class Ended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            nonlocal looks, clock
            looks += 1
            clock += slept if looks == 1 and slept else timeout or 0.0
            return False

    monkeypatch.setattr(server, "time", types.SimpleNamespace(monotonic=lambda: clock))
    executions = types.SimpleNamespace(running_executions=lambda: ["one"] if looks <= running else [])
    monkeypatch.setitem(sys.modules, "helpers.sandbox.control", executions)  # type: ignore[arg-type]
    front: Any = types.SimpleNamespace(last_used=0.0)
    return server._watch(front, state, Ended(), server.IDLE), looks  # type: ignore[arg-type]


def test_a_running_execution_counts_as_use(lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    unused, used = watched(monkeypatch), watched(monkeypatch, running=5_000)
    assert unused[0] == used[0] == "nobody had used it for 8 hours"
    assert used[1] == pytest.approx(unused[1] + 5_000, abs=2)


def test_a_night_with_the_lid_closed_is_not_idleness(lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the clock goes on while the computer sleeps: the first look comes ten hours late."""
    why, looks = watched(monkeypatch, slept=36_000.0)
    assert why == "nobody had used it for 8 hours"
    assert looks == pytest.approx(server.IDLE / 15, abs=2)
