"""What other services are told of executions, in order and outside the engine's thread."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from helpers.sandbox.clock import clock

__all__ = ["publish"]

LOG = logging.getLogger(__name__)

_waiting: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def publish(action: Callable[[], Any]) -> None:
    """Have something told to another service; until it is, something works."""
    global _thread
    clock.begin()
    _waiting.put(action)
    if _thread is None:
        with _lock:
            if _thread is None:
                _thread = threading.Thread(target=_tell, name="publishing", daemon=True)
                _thread.start()


def _tell() -> None:
    while True:
        action = _waiting.get()
        try:
            action()
        except Exception:  # whatever the other service raises, the execution is as it is
            LOG.exception("Something could not be told to another service.")
        finally:
            clock.end()
