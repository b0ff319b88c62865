"""The colours and signs of a diagram.

Green, red, yellow, blue, grey and white are those of the article that this project follows; running, caught, aborted,
timed out and not reached are ours. Each colour has a sign beside it for people who don't see colours; the signs are of
the set WGL4, which the usual fonts hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from helpers.errors import UnknownStatus

__all__ = ["EDGES", "INK", "PANEL", "PLAIN", "STATUSES", "UNREACHED", "Look", "heat", "look", "refuse_unknown"]

PANEL = "#f1f4f8"
INK = "#1f2933"
QUIET = "#52606d"


@dataclass(frozen=True)
class Look:
    """How a state looks: fill, border and text as `#rrggbb`, a sign, and the words for the legend."""

    fill: str
    border: str
    text: str
    sign: str
    words: str
    dashed: bool = False


STATUSES: Mapping[str, Look] = {
    "succeeded": Look("#a9dfb3", "#2f7d3b", "#12351a", "√", "succeeded"),
    "failed": Look("#f5a6a1", "#b3261e", "#47100c", "\u00d7", "failed"),
    "waiting": Look("#fbe07a", "#a16c07", "#3f2c02", "…", "waiting"),
    "choosing": Look("#a6cbfa", "#1f5fbf", "#0c2a57", "?", "choosing: a decision"),
    "running": Look("#d6c4fa", "#6a3fc4", "#2b1659", "►", "running"),
    "caught": Look("#fcc793", "#b8560b", "#442004", "!", "caught: an error that was dealt with"),
    "aborted": Look("#56616f", "#252d37", "#ffffff", "■", "aborted: stopped from outside"),
    "timed_out": Look("#f5b3da", "#ab1a6f", "#430a2b", "○", "timed out"),
}
PASSIVE = Look("#d2d2d2", "#626262", "#262626", "→", "passive: passed input to output")
UNREACHED = Look("#ffffff", "#98a4b3", "#66727f", " ", "not reached", dashed=True)
PLAIN = Look("#ffffff", "#616e7c", INK, " ", "")

EDGES = {"next": "#7b8794", "choice": "#7b8794", "default": "#7b8794", "catch": "#b8560b", "retry": "#6a3fc4"}
TAKEN, NOT_TAKEN = "#1f2933", "#b8c2cc"

COOLEST, HOTTEST = (255, 250, 235), (214, 69, 29)


def look(status: str | None, kind: str = "", *, plain: bool = False) -> Look:
    """The look of a state of a type by its status; a Pass that succeeded is passive.

    Without a status it was not reached, or, where `plain`, there is nothing to tell.
    """
    if status is None:
        return PLAIN if plain else UNREACHED
    return PASSIVE if (status, kind) == ("succeeded", "Pass") else STATUSES[status]


def heat(share: float, base: Look) -> Look:
    """The look of a state that took this share (0 to 1) of the longest time, with the sign of its status."""
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(low + (high - low) * share) for low, high in zip(COOLEST, HOTTEST, strict=True))
    text = "#ffffff" if share > 0.85 else INK
    return Look(f"#{red:02x}{green:02x}{blue:02x}", base.border, text, base.sign, base.words)


def refuse_unknown(words: Iterable[object]) -> None:
    """Raise `UnknownStatus` for the first word that is none of the eight."""
    for word in words:
        if word not in STATUSES:
            raise UnknownStatus(f"{word!r} is no visit status; the eight are: {', '.join(STATUSES)}.")
