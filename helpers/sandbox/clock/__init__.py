"""The sandbox's clock: one for the whole server, never backwards, able to be moved ahead."""

from helpers.sandbox.clock.clockwork import PASS, Clock, Ended, Event, Thread, clock, interrupted_by
from helpers.sandbox.clock.verbs import fast_forward, history_limit, read, reset

__all__ = [
    "PASS",
    "Clock",
    "Ended",
    "Event",
    "Thread",
    "clock",
    "fast_forward",
    "history_limit",
    "interrupted_by",
    "mend",
    "read",
    "reset",
]


def mend() -> None:
    """Put moto on this clock; called once, before the server answers.

    Raises SandboxFailed when another version of moto is installed than the one the mends were written for.
    """
    from helpers.sandbox.interpreter.mending import check_version

    check_version()
    # Before the services are imported, which take the name with them.
    from helpers.sandbox.clock import stamps

    stamps.mend()
    import moto.stepfunctions.parser.models  # noqa: F401  the whole interpreter, before its parts are replaced

    from helpers.sandbox.clock import endings, waits

    for concern in (waits, endings):
        concern.mend()
