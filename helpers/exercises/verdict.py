"""How an answer or a prediction stands, as a notebook shows it."""

import html
import re
from dataclasses import dataclass

from helpers.verbatim import verbatim

__all__ = ["Verdict"]

SIGNS = {"solved": "✔", "lacking": "→", "open": "○"}
COLOURS = {"solved": "#2e7d32", "lacking": "#b26a00", "open": "#5f6368"}


@dataclass(frozen=True)
class Verdict:
    """How an answer stands: `state` is `solved`, `lacking` or `open` (no answer yet), `sentence` says why.

    `offer` says what could help now: the next hint, or the solution.
    """

    exercise: str
    state: str
    sentence: str
    offer: str = ""

    def __repr__(self) -> str:
        return f"{SIGNS[self.state]} {self.sentence}" + f"\n  {self.offer}" * bool(self.offer)

    def _repr_html_(self) -> str:
        offer = re.sub(r"solutions/[\w-]+\.ipynb", r'<a href="\g<0>">\g<0></a>', html.escape(self.offer, quote=False))
        offer = re.sub(r'exercises\.hint\("[\w-]+"\)', r"<code>\g<0></code>", offer)
        return verbatim(
            f'<p style="border-left: 4px solid {COLOURS[self.state]}; padding-left: 0.8em">'
            f"{SIGNS[self.state]} {html.escape(self.sentence)}{f'<br>{offer}' * bool(offer)}</p>"
        )
