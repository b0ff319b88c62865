"""The living picture: a diagram that one zooms, walks and clicks in, and that takes its colours without a new drawing.

A widget of its own, and the child of others: `Living(draw(definition))` shows itself in a cell, and another anywidget
holds it in a trait and renders it with `host.getWidget`.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets

from helpers.diagram.figures import Passage
from helpers.diagram.palette import LOOKS, look_of, style
from helpers.diagram.picture import Diagram
from helpers.errors import DrawingFailed
from helpers.quantities import count
from helpers.verbatim import clean, shorten

__all__ = ["Living", "counted"]

LONGEST = 300  # characters of a line that is shown on hovering
Counts = Mapping[str, tuple[int, int]]


class Living(anywidget.AnyWidget):
    """A diagram in a running notebook.

    `drawn` is the diagram and can be set; `selected` the name of the marked state or None; `caption` a sentence below
    the picture; `moment` is what `at` gives for its colours. `on_choose` is called with the name of a state that is
    clicked, selected or not, or on which Enter is pressed. Hovering shows the lines that `hover` has for a state, else
    those that `lines_of(name)` gives.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css").read_text(encoding="utf-8") + style()
    picture = traitlets.Dict().tag(sync=True)
    moment = traitlets.Dict().tag(sync=True)
    hover = traitlets.Dict().tag(sync=True)
    caption = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Unicode(None, allow_none=True).tag(sync=True)

    def __init__(self, drawn: Diagram | None = None, *, caption: str = "") -> None:
        self.lines_of: Callable[[str], Sequence[str]] = lambda name: []
        self.on_choose: Callable[[str], object] = lambda name: None
        super().__init__(caption=caption)
        self.drawn = drawn
        self.on_msg(self._receive)

    @property
    def drawn(self) -> Diagram | None:
        """The diagram on show, None for none yet."""
        return self._drawn

    @drawn.setter
    def drawn(self, drawn: Diagram | None) -> None:
        self._drawn, self._types = drawn, {} if drawn is None else drawn.types
        self.picture = _picture(drawn)
        statuses = None if drawn is None else drawn.statuses
        self.moment = {"states": self._looks(statuses or {}, {}), "taken": None, "lit": "", "plain": statuses is None}

    def at(
        self,
        statuses: Mapping[str, str],
        counts: Counts | None = None,
        taken: Collection[Passage] | None = None,
        lit: Passage | None = None,
    ) -> dict[str, Any]:
        """A `moment`: the states coloured by the eight words, and the way taken.

        `counts` gives by state the number of its visit and of its attempt; `taken` are passages as `Figures` has them,
        and `lit` is the one that is passed just now. A state that the diagram does not have is passed over.
        """
        edges = list(self.picture.get("edges", {}).items())
        ways = None if taken is None else [id_ for id_, (_, passage) in edges if tuple(passage) in taken]
        return {
            "states": self._looks(statuses, counts or {}),
            "taken": ways,
            "lit": next((id_ for id_, (_, p) in edges if tuple(p) == lit), ""),
        }

    def _looks(self, statuses: Mapping[str, str], counts: Counts) -> dict[str, list[Any]]:
        return {
            clean(name): [look_of(status, self._types[name]), *counts.get(name, (0, 0))]
            for name, status in statuses.items()
            if name in self._types
        }

    def _receive(self, _: Any, content: Any, __: Any) -> None:
        said = content if isinstance(content, dict) else {}
        chosen, hovered = (self._named(said.get(what)) for what in ("chosen", "hovered"))
        if chosen is not None:
            self.selected = clean(chosen)
            self.on_choose(chosen)
        elif hovered is not None:
            lines = [shorten(clean(one), LONGEST) for one in self.lines_of(hovered)]
            self.send({"hovered": clean(hovered), "lines": lines})

    def _named(self, said: Any) -> str | None:
        """The state that the browser calls so."""
        return next((name for name in self._types if clean(name) == said), None)


def counted(visits: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """The number of each state's last visit and of its attempt there, by a frame of `history.visits`."""
    number = visits.groupby("state", sort=False).size().to_dict()
    last = zip(visits["state"].tolist(), visits["attempts"].tolist(), strict=True)
    return {state: (int(number[state]), int(attempts)) for state, attempts in last if state in number}


def _picture(drawn: Diagram | None) -> dict[str, Any]:
    """What the browser draws once: the SVG, and by id the states' names and types, the edges' kinds and passages."""
    if drawn is None:
        return {"svg": "<p>There is no picture yet.</p>"}
    try:
        svg = drawn.living()
    except DrawingFailed as error:
        return {"svg": f"<p>{html.escape(str(error))}</p>"}
    return {
        "svg": svg,
        "label": clean(f"State machine of {count(len(drawn.states), 'state', 'states')}"),
        "types": {clean(name): type_ for name, type_ in drawn.types.items()},
        "edges": drawn.edges,
        "guessed": drawn.guessed,
        "signs": {name: shown.sign for name, shown in LOOKS.items()},
    }
