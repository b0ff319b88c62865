"""The sandbox's clock: one for the whole server, able to be moved ahead; all executions go on in its thread."""

from helpers.sandbox.clock.clockwork import Clock, clock
from helpers.sandbox.clock.verbs import fast_forward, history_limit, most_events, read, reset

__all__ = ["Clock", "clock", "fast_forward", "history_limit", "most_events", "read", "reset"]
