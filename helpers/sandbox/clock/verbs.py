"""What others ask of the clock, through the sandbox's own verbs."""

import math
from typing import Any

from helpers.errors import InvalidSetting
from helpers.limits import HISTORY_EVENTS
from helpers.sandbox.clock.clockwork import clock

_most_events = HISTORY_EVENTS


def most_events() -> int:
    """How many events an execution's history holds."""
    return _most_events


def read(arguments: dict[str, Any]) -> dict[str, Any]:
    """The clock: `now` and `offset` in seconds, whether it is `fast_forwarding`, at most at what `rate`, and `working`.

    `working` is how many calls, invocations and queries are under way; while it is not 0, no time is skipped.
    """
    return {
        "now": clock.time(),
        "offset": clock.offset,
        "fast_forwarding": clock.fast_forwarding,
        "rate": clock.rate if clock.rate < math.inf else None,
        "working": clock.works,
    }


def fast_forward(arguments: dict[str, Any]) -> dict[str, Any]:
    """Turn fast-forward on or off and return the clock as `read` does.

    A clock that is ahead from an earlier time is put back first, where nothing runs.

    Arguments: `on` (bool); `rate`, at most how many times real time (None: no bound); `hold_tokens` (bool); `lease`,
    the name of who wants it, so that another's wish stays when this one's ends; `seconds` of real time after which it
    lapses unless renewed by the same call (None: never). Raises InvalidSetting.
    """
    lease = str(arguments.get("lease") or "")
    if not arguments.get("on", True):
        clock.back(lease)
        return read({})
    given = {name: arguments[name] for name in ("rate", "seconds") if arguments.get(name) is not None}
    for name, value in given.items():
        counts = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
        if not counts or (name == "rate" and value < 1):
            wanted = "1 or more" if name == "rate" else "more than 0"
            raise InvalidSetting(f"Fast-forward's {name} must be {wanted}, or None, not {value!r}.")
    if not clock.fast_forwarding:
        clock.put_back()
    clock.fast_forward(lease, hold_tokens=bool(arguments.get("hold_tokens")), **given)
    return read({})


def history_limit(arguments: dict[str, Any]) -> dict[str, Any]:
    """Lower the number of `events` that a history holds, or put AWS's back with None; returns {"events": number}.

    Raises InvalidSetting for anything but a whole number from 2 to 25,000.
    """
    global _most_events
    events = HISTORY_EVENTS if arguments.get("events") is None else arguments["events"]
    if isinstance(events, bool) or not isinstance(events, int) or not 2 <= events <= HISTORY_EVENTS:
        raise InvalidSetting(f"A history's limit must be a whole number from 2 to {HISTORY_EVENTS:,}, not {events!r}.")
    _most_events = events
    return {"events": events}


def reset() -> None:
    """End every lease of fast-forward and all that waits, and put the clock and the limit of a history back."""
    clock.back(None)
    clock.forget()
    clock.put_back()
    history_limit({"events": None})
