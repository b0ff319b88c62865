"""Payloads, computed and recorded: whether they say the same, and what of the recorded ones still holds."""

from __future__ import annotations

import re
from typing import Any

from helpers.engine import data_of, text_of

__all__ = ["differences", "fits", "held", "parsed", "same"]

# What stands in a history, or in a definition, for a text that is not to be known.
LABEL = re.compile(r"<[\w-]+(?::\d+)?>")
GONE = object()
Path = tuple[Any, ...]


def parsed(payload: Any) -> Any:
    """The data of a payload: of its JSON text, or itself where a source holds it parsed."""
    if not isinstance(payload, str):
        return payload
    try:
        return data_of(payload)
    except ValueError:
        return payload


def fits(recorded: str, computed: str) -> bool:
    """Whether a computed text is the recorded one, in which labels such as `<name>` stand for any text.

    An ARN with a label is one as a whole.

    >>> fits("arn:<partition>:lambda", "arn:aws:lambda"), fits("a", "b")
    (True, False)
    """
    if recorded == computed:
        return True
    parts = LABEL.split(recorded)
    if recorded.startswith("arn:") and len(parts) > 1:
        return computed.startswith("arn:")
    return len(parts) > 1 and re.fullmatch(".*".join(map(re.escape, parts)), computed, re.DOTALL) is not None


def same(computed: Any, recorded: Any) -> bool:
    """Whether two data are the same; a text is also the same as what it holds as JSON, parsed."""
    return not differences(computed, recorded)


def differences(computed: Any, recorded: Any, path: Path = ()) -> dict[Path, str | None]:
    """Where computed data differ from recorded ones: by their place, what is there in the computed ones, as JSON."""
    if computed is GONE or recorded is GONE:
        return {path: None if computed is GONE else text_of(computed)}
    if isinstance(computed, dict) and isinstance(recorded, dict):
        keys = [*computed, *(key for key in recorded if key not in computed)]
        inner = [((*path, key), computed.get(key, GONE), recorded.get(key, GONE)) for key in keys]
    elif isinstance(computed, list) and isinstance(recorded, list) and len(computed) == len(recorded):
        inner = [((*path, at), one, other) for at, (one, other) in enumerate(zip(computed, recorded, strict=True))]
    elif isinstance(computed, str):
        alike = isinstance(recorded, str) and fits(recorded, computed)
        return {} if alike or _holds_the_same(computed, recorded) else {path: text_of(computed)}
    else:
        alike = computed == recorded and isinstance(computed, bool) == isinstance(recorded, bool)
        return {} if alike else {path: text_of(computed)}
    return {place: said for at, one, other in inner for place, said in differences(one, other, at).items()}


def _holds_the_same(computed: str, recorded: Any) -> bool:
    """Whether a text is JSON, such as the cause of an error, of the data that the recorded one is of or that it is."""
    mine, other = parsed(computed), parsed(recorded)
    return mine is not computed and not isinstance(mine, str) and not differences(mine, other)


def held(computed: Any, recorded: Any, changed: set[Path] | frozenset[Path], path: Path = ()) -> Any:
    """Computed data with the recorded values in their leaves, but where a place is known to have changed."""
    if path in changed:
        return computed
    if isinstance(computed, dict) and isinstance(recorded, dict):
        return {
            key: held(value, recorded[key], changed, (*path, key)) if key in recorded else value
            for key, value in computed.items()
        }
    if isinstance(computed, list) and isinstance(recorded, list) and len(computed) == len(recorded):
        pairs = zip(computed, recorded, strict=True)
        return [held(one, other, changed, (*path, at)) for at, (one, other) in enumerate(pairs)]
    number = isinstance(computed, int | float) and isinstance(recorded, int | float)
    return recorded if number or type(computed) is type(recorded) else computed
