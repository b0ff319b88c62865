"""The threads in which everything is done for executions that takes time."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from helpers.sandbox.clock import clock

__all__ = ["apart", "publish", "run"]

LOG = logging.getLogger(__name__)
MOST = 128  # threads; what comes while all of them work is queued

_threads = ThreadPoolExecutor(MOST, thread_name_prefix="integration")
_in_order = ThreadPoolExecutor(1, thread_name_prefix="publishing")


def run(work: Callable[[], Any], threads: ThreadPoolExecutor = _threads) -> None:
    """Have something done soon, outside of the engine's thread; the clock is not moved ahead until it is done."""
    clock.begin()
    try:
        threads.submit(_do, work)
    except RuntimeError:
        # The computer gave no further thread; the work is queued all the same, for those that there are.
        LOG.exception("No thread could be started.")


def publish(work: Callable[[], Any]) -> None:
    """Let another service know something: as `run`, but one thing after the other."""
    run(work, _in_order)


def apart(work: Callable[[], Any]) -> None:
    """As `run`, but in a thread of its own: for what others may have to wait for while all those threads work."""
    clock.begin()
    try:
        threading.Thread(target=_do, args=(work,), daemon=True).start()
    except RuntimeError:
        run(work)  # the computer gave no thread
        clock.end()


def _do(work: Callable[[], Any]) -> None:
    try:
        work()
    except Exception:
        LOG.exception("Work that nobody looks after failed.")
    finally:
        clock.end()
