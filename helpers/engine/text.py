"""Data as text: JSON and times as AWS writes and reads them, and how long they may be."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any, NoReturn

from helpers.engine.failures import RUNTIME, StateFailed
from helpers.limits import PAYLOAD_BYTES

__all__ = ["WHOLE", "data_of", "exceeds", "moment", "text_of", "time_text"]

WHOLE: Any = {"truncated": False}  # what an event says of each payload
MOST_NESTED = 500  # levels of objects and arrays; a bound of ours, so that it is the same wherever an engine runs

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt][0-2]\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _refuse(found: object) -> NoReturn:
    raise ValueError(f"{found} is none" if isinstance(found, str) else f"a {type(found).__name__} is none")


def _fraction(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text} is too large")
    return value


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_refuse).encode
_decode = json.JSONDecoder(parse_constant=_refuse, parse_float=_fraction).decode


def text_of(value: Any) -> str:
    """JSON data as AWS writes it: compact, nothing escaped that need not be.

    ValueError where it is no JSON data; StateFailed where a machine has nested it deeper than can be written.
    """
    try:
        if not _is_deep(value, text := _encode(value)):
            return text
    except RecursionError:
        pass
    except (TypeError, ValueError) as error:
        raise ValueError(f"This is no JSON data: {error}.") from None
    raise StateFailed(RUNTIME, "The data is nested too deeply.")


def _is_deep(value: Any, text: str) -> bool:
    if isinstance(value, str) or text.count("{") + text.count("[") <= MOST_NESTED:
        return False
    level = [value]
    for _ in range(MOST_NESTED):
        inner = (item for one in level for item in (one.values() if isinstance(one, dict) else one))
        level = [item for item in inner if isinstance(item, dict | list | tuple)]
        if not level:
            return False
    return True


def data_of(text: str) -> Any:
    """The data that a JSON text stands for. ValueError where it is no JSON."""
    try:
        if not _is_deep(value := _decode(text), text):
            return value
    except RecursionError:
        pass
    except json.JSONDecodeError as error:
        where = f"{text[error.pos : error.pos + 20]!r}" if error.pos < len(text) else "its end"
        raise ValueError(f"This is no JSON: it cannot be read at {where} (character {error.pos + 1}).") from None
    except ValueError as error:
        raise ValueError(f"This is no JSON: {error}.") from None
    raise ValueError("This is no JSON: it is nested too deeply.")


def exceeds(text: str) -> bool:
    """Whether a payload is longer than the 262,144 bytes in UTF-8 that AWS takes."""
    if len(text) * 4 <= PAYLOAD_BYTES or (len(text) <= PAYLOAD_BYTES and text.isascii()):
        return False
    return len(text) > PAYLOAD_BYTES or len(text.encode(errors="surrogatepass")) > PAYLOAD_BYTES


def time_text(value: datetime) -> str:
    """An aware time as AWS writes it into data: UTC, to the millisecond, a whole second without a fraction."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")


def moment(text: str) -> datetime | None:
    """The time that a text in RFC 3339's profile of ISO 8601 stands for, to the microsecond; None for any other."""
    try:
        return datetime.fromisoformat(text.upper()) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None
