"""Making tables without the collector of cyclic garbage in the way."""

import contextlib
import gc
from collections.abc import Iterator

__all__ = ["uncollected"]


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Have the cyclic collector off meanwhile.

    A long history makes very many objects at once and no garbage; looking through them all again and again took a
    fifth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
