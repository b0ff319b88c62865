"""Colouring a diagram that is laid out, against laying it out again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from helpers.definition import load
from helpers.diagram import STATUSES, draw

TURNS = 9


def measure() -> list[dict[str, object]]:
    """Figures in milliseconds, each the median of some turns: recolouring to SVG, and a new layout to SVG."""
    chain = {
        f"S{n}": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": f"S{n + 1}"} for n in range(199)
    }
    big = {"StartAt": "S0", "States": {**chain, "S199": {"Type": "Succeed"}}}
    found = []
    for machine, name in ((load("busy_wait"), "4 states"), (big, "200 states")):
        words = list(STATUSES)
        statuses = {state: words[n % len(words)] for n, state in enumerate(machine["States"])}
        laid_out = draw(machine)
        laid_out.svg()
        anew = median(lambda machine=machine, statuses=statuses: draw(machine, statuses).svg())
        again = median(lambda laid_out=laid_out, statuses=statuses: laid_out.recoloured(statuses).svg())
        found.append(
            {
                "figure": f"recolouring a diagram of {name}, ms (baseline: a new layout)",
                "measured": again,
                "baseline": anew,
                "ratio": again / anew,
                "bound": "ratio <= 0.02",
            }
        )
    return found


def median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)
