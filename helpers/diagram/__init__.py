"""Pictures of state machines: `draw` a definition, coloured by its states' statuses, and a `legend` of the colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.diagram.figures import Figures, figures
from helpers.diagram.figures import statuses as last_statuses
from helpers.diagram.legend import Legend
from helpers.diagram.palette import STATUSES
from helpers.diagram.picture import Diagram, Drawing
from helpers.diagram.plan import plan
from helpers.diagram.traced import traced
from helpers.errors import DefinitionInvalid, NotAHistory

__all__ = ["STATUSES", "Diagram", "Legend", "draw", "draw_history", "legend"]


def draw(
    definition: Mapping[str, Any],
    statuses: Mapping[str, str] | None = None,
    *,
    visits: pd.DataFrame | None = None,
    attempts: pd.DataFrame | None = None,
    heat: bool = False,
) -> Diagram:
    """A definition's diagram.

    `statuses` maps a state's name to one of the eight words of `STATUSES`; a state not in it was not reached. Without
    it the states have no colours.

    `visits` and `attempts`, frames of `helpers.history`, note on each state how often it was visited, how long it
    took in all and at most, its retries and failures; they mark the way taken, hovering shows the last input and
    output, and without `statuses` each state has that of its last visit. `heat` colours by the time spent instead.

    Raises `DefinitionInvalid`, `UnknownStatus` and `UnknownName`, and `NotAHistory` for what is no frame of visits.
    """
    if not isinstance(definition, dict):
        raise DefinitionInvalid(
            f"What is of type {type(definition).__name__} cannot be drawn: give the definition as a dict, which "
            "helpers.definition.load makes of a name or a file, and json.loads of AWS's text."
        )
    noted = Figures() if visits is None else figures(_checked(visits), attempts)
    drawn = Diagram(Drawing(plan(definition), noted, heat), statuses)
    return drawn.recoloured(last_statuses(visits)) if statuses is None and visits is not None else drawn


def draw_history(visits: pd.DataFrame, attempts: pd.DataFrame | None = None, *, figured: bool = True) -> Diagram:
    """The diagram of a history whose definition is not at hand: the states visited and the ways taken, dashed.

    Without `figured` nothing is noted on the states.

    Raises `NotAHistory` for what is no frame of visits.
    """
    visits = _checked(visits)
    noted = figures(visits, attempts) if figured else Figures()
    return Diagram(Drawing(traced(visits), noted, heated=False), last_statuses(visits))


def _checked(visits: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(visits, pd.DataFrame) or not {"state", "branch", "duration", "status"} <= {*visits.columns}:
        raise NotAHistory("These are no visits: give the frame that helpers.history.visits makes of events, whole.")
    return visits


def legend() -> Legend:
    """What the colours, signs and edges of a diagram mean, as a picture."""
    return Legend()
