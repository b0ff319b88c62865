"""Pictures of state machines: `draw` a definition, coloured by its states' statuses, and a `legend` of the colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.diagram.figures import Figures, figures
from helpers.diagram.palette import STATUSES
from helpers.diagram.picture import Diagram, Drawing
from helpers.diagram.plan import plan

__all__ = ["STATUSES", "Diagram", "draw"]


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
    took in all and at most, its retries and failures; they mark the way taken, and hovering shows the last input and
    output. `heat` colours by the time spent instead of by status.

    Raises `UnknownStatus` and `UnknownName`.
    """
    noted = Figures() if visits is None else figures(visits, attempts)
    return Diagram(Drawing(plan(definition), noted, heat), statuses)
