"""Files that another program may hold for a moment: on Windows a virus scanner, an indexer, a second reader."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

__all__ = ["patiently", "remove"]

Result = TypeVar("Result")

HELD, PAUSE = 1.0, 0.02  # seconds for which a file that is held is tried again, and between two times


def patiently(action: Callable[[], Result]) -> Result:
    """What `action` returns; where it is refused a file, it is done again for a second. Raises what it raises then."""
    deadline = time.monotonic() + HELD
    while True:
        try:
            return action()
        except PermissionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)


def remove(folder: Path) -> None:
    """Remove a folder and all that is in it, as far as it can be removed within a second."""
    deadline = time.monotonic() + HELD
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(PAUSE)
        shutil.rmtree(folder, ignore_errors=True)
