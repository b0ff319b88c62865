"""A diagram as an object that shows itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from helpers.diagram.dot import dot
from helpers.diagram.figures import Figures, Passage
from helpers.diagram.layout import STAND_IN, Layout
from helpers.diagram.palette import LOOKS, PLAIN, STATUSES, Look, heat, look_of
from helpers.diagram.plan import Plan
from helpers.diagram.program import drawn
from helpers.errors import DrawingFailed, UnknownName, UnknownStatus
from helpers.quantities import count
from helpers.verbatim import clean, shorten

__all__ = ["DPI", "Diagram", "Drawing", "Forms", "made"]

DPI = 96
CELL = 630.0  # points that a notebook's cell shows in a window of 1280 pixels
SMALLEST = 0.75  # as much may a picture be shrunk to fit; below, its text is hard to read
Forms = Mapping[str, Callable[[], Any]]


class Drawing:
    """A plan with what is noted on it, laid out once however often it is coloured."""

    def __init__(self, plan: Plan, figures: Figures, heated: bool) -> None:
        self.plan, self.figures, self.heated = plan, figures, heated
        self.types, self.states = plan.types, plan.states
        self.names = {id_: name for name, ids in self.states.items() for id_ in ids}

    def dot(self, looks: Any) -> str:
        return dot(self.plan, looks, self.figures)

    @cached_property
    def layout(self) -> Layout:
        svg = drawn(self.dot(lambda _: STAND_IN), "svg").decode()
        titles = {f"e{number}": line.title for number, line in enumerate(self.plan.lines)}
        return Layout(svg, self.names, self.figures.hover, titles)


class Diagram:
    """A state machine's picture.

    In a notebook it shows itself as SVG, with a PNG and a sentence beside it; where no drawing program runs, as the
    sentence.
    """

    def __init__(self, drawing: Drawing, statuses: Mapping[str, str] | None) -> None:
        self._drawing = drawing
        self.statuses = None if statuses is None else accepted(statuses, self._drawing.states)

    @property
    def states(self) -> list[str]:
        """The names of the states drawn."""
        return list(self._drawing.states)

    @property
    def types(self) -> dict[str, str]:
        """The States Language's type of each state, by name."""
        return {name: self._drawing.types.get(ids[0], "") for name, ids in self._drawing.states.items()}

    @property
    def guessed(self) -> bool:
        """Whether it is drawn from a history, without a definition."""
        return self._drawing.plan.guessed

    @property
    def edges(self) -> dict[str, tuple[str, Passage]]:
        """The edges' kinds (`next`, `choice`, `default`, `catch`, `retry`) and passages, by id in the SVG."""
        return {f"e{number}": (line.kind, line.passage) for number, line in enumerate(self._drawing.plan.lines)}

    @property
    def source(self) -> str:
        """The picture in DOT, with its colours."""
        return self._drawing.dot(self._look)

    def svg(self) -> str:
        """The picture as an SVG element; raises `DrawingFailed` where no drawing program runs."""
        layout = self._drawing.layout
        return layout.svg(self._look_and_title, self.sentence())

    def living(self) -> str:
        """The SVG without colours of its own, for the living picture; raises `DrawingFailed` as `svg` does."""
        return self._drawing.layout.living()

    def png(self, dpi: int = DPI) -> bytes:
        """The picture as a PNG of `dpi` dots an inch; raises `DrawingFailed` where no drawing program runs."""
        return drawn(self.source, "png", dpi=dpi)

    def recoloured(self, statuses: Mapping[str, str] | None) -> Diagram:
        """The same picture with other statuses, without laying it out again; a state that it lacks is passed over."""
        own = self._drawing.states
        return Diagram(self._drawing, statuses and {name: status for name, status in statuses.items() if name in own})

    def sentence(self) -> str:
        """What the picture shows, in words."""
        states = self.states
        heated = " Coloured by the time spent in each state." if self._drawing.heated else ""
        start = self._drawing.plan.start
        said = f"State machine of {count(len(states), 'state', 'states')}" + (f", starting at {start}" if start else "")
        if self.statuses is None:
            return clean((f"{said}: {', '.join(states)}." if states else f"{said}.") + heated)
        by_status: dict[str, list[str]] = {}
        for name in states:
            status = self.statuses.get(name)
            by_status.setdefault(status.replace("_", " ") if status else "not reached", []).append(name)
        listed = "; ".join(f"{word}: {', '.join(named)}" for word, named in by_status.items())
        return clean(f"{said}. {listed}.{heated}")

    def _look(self, id_: str) -> Look:
        drawing = self._drawing
        name = drawing.names.get(id_, "")
        known = self.statuses
        shown = PLAIN if known is None else LOOKS[look_of(known.get(name), drawing.types.get(id_, ""))]
        if drawing.heated and name in drawing.figures.heat:
            shown = heat(drawing.figures.heat[name], shown)
        return replace(shown, dashed=True) if drawing.plan.guessed else shown

    def _look_and_title(self, id_: str) -> tuple[Look, str]:
        """A state's look, and its status in words to stand behind its name."""
        status = self.statuses.get(self._drawing.names[id_]) if self.statuses else None
        return self._look(id_), f" ({status.replace('_', ' ')})" if status else ""

    def _repr_mimebundle_(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> dict[str, Any]:
        """What a notebook may show: SVG, PNG and a sentence."""
        forms: Forms = {"image/svg+xml": lambda: fitted(self.svg()), "image/png": self.png, "text/plain": self.sentence}
        return made(forms, include, exclude)

    def __repr__(self) -> str:
        return shorten(self.sentence(), 500)


def fitted(svg: str) -> str:
    """An SVG that a cell shows to its edge: smaller where it is wider, as long as it can be read."""

    def smaller(size: re.Match[str]) -> str:
        scale = min(1.0, max(CELL / float(size[1]), SMALLEST))
        return 'width="{:g}pt" height="{:g}pt"'.format(*(round(float(side) * scale, 1) for side in size.groups()))

    return re.sub(r'width="([\d.]+)pt" height="([\d.]+)pt"', smaller, svg, count=1)


def accepted(statuses: Mapping[str, str], states: Collection[str]) -> dict[str, str]:
    """The statuses that say something; raises where a word or a state is unknown."""
    said = {name: status for name, status in statuses.items() if status is not None}
    for name, word in said.items():
        if word not in STATUSES:
            raise UnknownStatus(f"{word!r} is no visit status; the eight are: {', '.join(STATUSES)}.")
        if name not in states:
            raise UnknownName(f"There is no state named {name!r} in this diagram; there are: {', '.join(states)}.")
    return said


def made(forms: Forms, include: Iterable[str], exclude: Iterable[str]) -> dict[str, Any]:
    """The forms that a front end asked for, and no other, since a PNG is slow to make; what cannot be drawn is text."""
    wanted, unwanted = set(include or forms), set(exclude or ())
    try:
        return {form: make() for form, make in forms.items() if form in wanted and form not in unwanted}
    except DrawingFailed as reason:
        return {"text/plain": f"{forms['text/plain']()} {reason}"}
