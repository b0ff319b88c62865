"""The colours and signs of a diagram.

Green, red, yellow, blue, grey and white are those of the article that this project follows; running, caught, aborted,
timed out and not reached are ours. Each colour has a sign beside it for people who don't see colours; the signs but ✔
are of the set WGL4, which the usual fonts hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "EDGES",
    "INK",
    "LOOKS",
    "NOT_TAKEN",
    "PANEL",
    "PASSIVE",
    "PLAIN",
    "QUIET",
    "STATUSES",
    "TAKEN",
    "UNREACHED",
    "Look",
    "heat",
    "look_of",
    "style",
]

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

    @property
    def ink(self) -> str:
        """The colour of the sign: the border's on a light fill, the text's on a dark one."""
        return self.text if self.dark else self.border

    @property
    def dark(self) -> bool:
        """Whether the fill is a dark colour."""
        return sum(channels(self.fill)) < 384

    @property
    def tint(self) -> str:
        """The fill, a light one mixed with white, for what holds others: the box of a Parallel or a Map."""
        return self.fill if self.dark else mixed(channels(self.fill), (255, 255, 255), 0.6)


STATUSES: Mapping[str, Look] = {
    "succeeded": Look("#a9dfb3", "#2f7d3b", "#12351a", "✔", "succeeded"),
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
LOOKS: Mapping[str, Look] = {**STATUSES, "passive": PASSIVE, "unreached": UNREACHED, "plain": PLAIN}

EDGES = {"next": "#7b8794", "choice": "#7b8794", "default": "#7b8794", "catch": "#b8560b", "retry": "#6a3fc4"}
TAKEN, NOT_TAKEN = "#1f2933", "#b8c2cc"

COOLEST, HOTTEST, HEAT_INK = (255, 250, 235), (232, 98, 48), "#2b1206"


def look_of(status: str | None, kind: str = "") -> str:
    """The name of a state's look by its status and type: a Pass that succeeded is passive, without one: unreached."""
    return "passive" if (status, kind) == ("succeeded", "Pass") else status or "unreached"


def style() -> str:
    """The looks as CSS variables of what has a `data-look`: in the dark a fill is deep and its text light."""
    rules = []
    for name, shown in LOOKS.items():
        deep, light = f"color-mix(in srgb,{shown.fill} 26%,#15191e)", f"color-mix(in srgb,{shown.fill} 60%,#fff)"
        if shown.dark or name == "unreached":
            deep, light = ("#3a434e", "#fff") if shown.dark else ("#22272e", "#9aa7b5")
        pairs = {
            "fill": (shown.fill, deep),
            "tint": (shown.tint, f"color-mix(in srgb,{shown.fill} 12%,#15191e)"),
            "border": (
                shown.border,
                f"color-mix(in srgb,{shown.border} {100 if shown.fill == '#ffffff' else 30}%,{shown.fill})",
            ),
            "text": (shown.text, light),
        }
        colours = ";".join(f"--{part}:light-dark({by_day},{by_night})" for part, (by_day, by_night) in pairs.items())
        rules.append(f'[data-look="{name}"]{{{colours};--dashes:{"5,2" if shown.dashed else "none"}}}')
    return "\n".join(rules)


def heat(share: float, base: Look) -> Look:
    """The look of a state that took this share (0 to 1) of the longest time, with the sign of its status."""
    share = min(max(share, 0.0), 1.0)
    return Look(mixed(COOLEST, HOTTEST, share), HEAT_INK, HEAT_INK, base.sign, base.words)


def channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def mixed(one: Sequence[int], other: Sequence[int], share: float) -> str:
    """The colour `share` of the way from one to the other, each in red, green and blue of 0 to 255."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(one, other, strict=True))
