"""Durations, amounts of money and numbers of things, as a person reads them."""

from datetime import timedelta

__all__ = ["count", "dollars", "duration", "exact_duration", "rough_duration"]


def duration(span: timedelta | float) -> str:
    """A span of time, or its seconds, in the two largest units that matter.

    >>> [duration(seconds) for seconds in (0.0154, 2.06, 65.25, 7500, 302_400)]
    ['15 ms', '2.1 s', '1 min 5 s', '2 h 5 min', '3 d 12 h']
    """
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24:,} d {hours % 24} h"


def exact_duration(span: timedelta) -> str:
    """The same to the millisecond while it lasts less than two minutes, and to the tenth of a second beyond.

    >>> [exact_duration(timedelta(seconds=seconds)) for seconds in (0.0154, 65.25, 7500)]
    ['0.015 s', '65.250 s', '2 h 05 min 00.0 s']
    """
    seconds = span.total_seconds()
    if abs(seconds) < 120:
        return f"{seconds:,.3f} s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours} h {minutes:02d} min {rest:04.1f} s" if hours else f"{minutes} min {rest:04.1f} s"


def rough_duration(seconds: float) -> str:
    """What an estimate is worth saying.

    >>> [rough_duration(seconds) for seconds in (90, 3000, 12_500, 302_400)]
    ['90 s', '50 min', '3.5 h', '4 days']
    """
    if seconds < 120:
        return f"{seconds:,.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:,.0f} min"
    return f"{seconds / 3600:,.1f} h" if seconds < 172_800 else f"{seconds / 86_400:,.0f} days"


def dollars(amount: float) -> str:
    """US dollars to the ten-thousandth of a cent, since most executions cost less than a cent.

    >>> dollars(0.0000751)
    '$0.000075'
    """
    return f"${amount:,.6f}"


def count(number: int, one: str, many: str) -> str:
    """A number with its noun.

    >>> count(1, "event", "events"), count(2_000, "event", "events")
    ('1 event', '2,000 events')
    """
    return f"{number:,} {one if number == 1 else many}"
