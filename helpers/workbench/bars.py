"""The sums of `states` as a picture: how long each state takes, and how often it ends in an error."""

from itertools import cycle

import numpy as np
import pandas as pd

from helpers.chart import Chart
from helpers.history.fleet import BY
from helpers.verbatim import clean, shorten

__all__ = ["bars"]

WIDTH = 8.4  # inches of 100 pixels: no more than a cell shows in a window of 1280
MOST_STATES = 12
MOST_LINES = 6
FEW = 3  # days or weeks that stand side by side; more become lines over time
COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280", "#4a5568")
LONGEST = 30


def bars(sums: pd.DataFrame) -> Chart:
    """Draw what `states` gives: seconds of each state (p50, p95 and p99) and its error rate.

    Of a frame that is summed up by version, or by a few days or weeks, these stand side by side; more days or weeks
    become lines. The twelve states that took longest are drawn, of lines the six.
    """
    by = next((column for column in BY if column in sums), None)
    if by in ("day", "week") and sums[by].nunique() > FEW:
        return _lines(sums, by)
    groups = [("", sums)] if by is None else [(_label(key), own) for key, own in sums.groupby(by, dropna=False)]
    names = list(dict.fromkeys(zip(sums["machine"], sums["state"], strict=True)))[:MOST_STATES]
    places = {name: row for row, name in enumerate(names)}
    figure = Chart(WIDTH, 1.3 + (0.26 + 0.22 * len(groups)) * max(len(names), 1))
    lasting, failing = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    high = 0.8 / len(groups)
    for number, ((label, own), colour) in enumerate(zip(groups, cycle(COLOURS), strict=False)):
        drawn = [name in places for name in zip(own["machine"], own["state"], strict=True)]
        own = own[np.array(drawn, dtype=bool)]
        rows = [places[name] for name in zip(own["machine"], own["state"], strict=True)]
        at = [row - 0.4 + high * (number + 0.5) for row in rows]
        lasting.barh(at, own["p50"], 0.9 * high, color=colour, label=label)
        lasting.hlines(at, own["p50"], own["p99"], color=colour, linewidth=1)
        lasting.plot(own["p95"], at, "|", color=colour, markersize=9, markeredgewidth=2)
        lasting.plot(own["p99"], at, ".", color=colour, markersize=5)
        failing.barh(at, 100 * own["error_rate"], 0.9 * high, color=colour)
    machines = sums["machine"].nunique() > 1
    labels = [f"{machine}: {state}" if machines else state for machine, state in names]
    lasting.set_yticks(list(places.values()))
    lasting.set_yticklabels([shorten(clean(label), LONGEST) for label in labels], fontsize=9, parse_math=False)
    lasting.set_ylim(max(len(names), 1) - 0.5, -0.5)
    lasting.set_xlabel("seconds: bar p50, line to p99, mark p95")
    failing.set_xlabel("errors, %")
    failing.set_xlim(0, max(1.0, 105 * sums["error_rate"].max() if len(sums) else 1.0))
    if len(groups) > 1:
        _legend(figure, lasting)
    return _plain(figure)


def _lines(sums: pd.DataFrame, by: str) -> Chart:
    longest = sums.assign(total=sums["p50"] * sums["count"]).groupby(["machine", "state"])["total"].sum()
    figure = Chart(WIDTH, 5.0)
    lasting, failing = figure.subplots(2, 1, sharex=True)
    names = longest.sort_values(ascending=False).index[:MOST_LINES]
    for (machine, state), colour in zip(names, cycle(COLOURS), strict=False):
        own = sums[(sums["machine"] == machine) & (sums["state"] == state)]
        lasting.plot(own[by], own["p95"], marker="o", color=colour, label=shorten(clean(state), LONGEST))
        failing.plot(own[by], 100 * own["error_rate"], marker="o", color=colour)
    lasting.set_ylabel("p95, seconds")
    failing.set_ylabel("errors, %")
    failing.tick_params(axis="x", rotation=30)
    lasting.set_ylim(bottom=0)
    failing.set_ylim(bottom=0)
    _legend(figure, lasting)
    return _plain(figure)


def _label(key: object) -> str:
    if isinstance(key, pd.Timestamp):
        return f"{key:%Y-%m-%d}"
    return f"version {key}" if isinstance(key, str) else "no version"


def _legend(figure: Chart, axes: object) -> None:
    handles, labels = axes.get_legend_handles_labels()  # type: ignore[attr-defined]
    legend = figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _plain(figure: Chart) -> Chart:
    for axes in figure.axes:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    return figure
