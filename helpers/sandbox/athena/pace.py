"""How long queries run, for lessons that need one to take its time."""

from typing import Any

from helpers.errors import InvalidSetting

__all__ = ["query_seconds", "seconds"]

DEFAULT = 1.0

_seconds = DEFAULT


def seconds() -> float:
    """How long a query runs, in seconds of the sandbox's time, if its work takes no longer."""
    return _seconds


def query_seconds(arguments: dict[str, Any]) -> dict[str, Any]:
    """The sandbox's verb: `seconds` (None: the default) sets how long the queries to come run; answers with it.

    Raises InvalidSetting for anything but a number from 0 to a day.
    """
    global _seconds
    if "seconds" in arguments:
        given = arguments["seconds"]
        wanted = DEFAULT if given is None else given
        if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not 0 <= wanted <= 86_400:
            raise InvalidSetting(f"A query runs from 0 to 86400 seconds, not {given!r}.")
        _seconds = float(wanted)
    return {"seconds": _seconds}
