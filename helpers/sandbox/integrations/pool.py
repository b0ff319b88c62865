"""The threads in which everything is done that an execution waits for."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from helpers.sandbox.clock import clock

__all__ = ["run"]

LOG = logging.getLogger(__name__)
MOST = 128  # threads; what comes while all of them work is queued

_threads = ThreadPoolExecutor(MOST, thread_name_prefix="integration")


def run(work: Callable[[], Any]) -> None:
    """Have something done soon, outside of the engine's thread; the clock is not moved ahead until it is done."""
    clock.begin()
    try:
        _threads.submit(_do, work)
    except RuntimeError:
        # The computer gave no further thread; the work is queued all the same, for those that there are.
        LOG.exception("No thread could be started.")


def _do(work: Callable[[], Any]) -> None:
    try:
        work()
    except Exception:
        LOG.exception("Work that nobody looks after failed.")
    finally:
        clock.end()
