"""Fast-forward, as asked for by one kernel: it lapses when the kernel dies."""

import threading
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any

from helpers.errors import LabError

__all__ = ["FastForward"]

# A lease's length and how often it is renewed, in seconds of real time: a busy kernel may miss a beat or two.
LEASE, BEAT = 20.0, 5.0


class FastForward:
    """Fast-forward on the sandbox, on from the start until `stop()` or the end of the `with` block."""

    def __init__(
        self,
        call: Callable[..., dict[str, Any]],
        rate: float | None,
        hold_tokens: bool,
        entered: Callable[["FastForward"], None],
    ) -> None:
        self._call, self._entered = call, entered
        self._wish = {"on": True, "rate": rate, "hold_tokens": hold_tokens, "lease": uuid.uuid4().hex, "seconds": LEASE}
        self._stopped, self._telling = threading.Event(), threading.Lock()
        self._call("fast_forward", **self._wish)
        threading.Thread(target=self._renew, name="fast-forward", daemon=True).start()

    @property
    def is_on(self) -> bool:
        """Whether it has not been stopped."""
        return not self._stopped.is_set()

    def stop(self) -> None:
        """Let the sandbox's clock go with real time again, from where it stands."""
        with self._telling:  # no beat comes after it
            if self.is_on:
                self._stopped.set()
                self._call("fast_forward", on=False, lease=self._wish["lease"])

    def __enter__(self) -> "FastForward":
        self._entered(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except LabError:
            # A sandbox that is gone fast-forwards no more; what went wrong in the block is the news.
            if error is None:
                raise

    def __repr__(self) -> str:
        if not self.is_on:
            return "Fast-forward is off."
        rate = "as fast as it can" if self._wish["rate"] is None else f"at most {self._wish['rate']:g} times as fast"
        return f"Fast-forward is on: the sandbox's clock goes {rate} while nothing but waiting is left."

    def _renew(self) -> None:
        while not self._stopped.wait(BEAT):
            with self._telling:
                try:
                    if self.is_on:
                        self._call("fast_forward", **self._wish)
                except LabError:
                    self._stopped.set()
