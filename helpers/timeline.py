"""A Gantt chart of an execution: which state it was in, when, for how long, and what was retried."""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.patches import Patch

from helpers import history
from helpers.chart import Chart
from helpers.diagram.palette import STATUSES, UNREACHED
from helpers.diagram.picture import Forms, made
from helpers.errors import NotAHistory
from helpers.history.frames import table
from helpers.quantities import count
from helpers.statuses import ENDED_OTHERWISE, FAILED_VISIT, OPEN_VISIT
from helpers.verbatim import titled

__all__ = ["Timeline", "draw"]

BACK_OFF = "#d7dce2"
WIDTH = 8.6  # inches of 96 pixels: no more than a cell shows in a window of 1280
MOST_LANES = 40
MOST_BARS = 60
LONGEST_LABEL = 42
UNKNOWN = "?"
LANE = ["branch", "state"]
INDEX = re.compile(r"\[\d+\]")
VISIT_NUMBER = re.compile(r"#\d+")


@dataclass(frozen=True, eq=False)
class Lane:
    """One line of the chart: the visits of a state in a branch, or in all branches of a kind."""

    label: str
    visits: pd.DataFrame
    attempts: pd.DataFrame

    @property
    def folded(self) -> bool:
        """Whether there are too many visits for a bar each."""
        return len(self.visits) > MOST_BARS


class Timeline:
    """A picture of an execution's visits over time. Made by `draw`; shows as SVG, PNG and a sentence."""

    def __init__(self, lanes: list[Lane], left_out: int, length: float) -> None:
        self.lanes, self.left_out, self.length = lanes, left_out, length

    @cached_property
    def figure(self) -> Chart:
        """The chart, a matplotlib Figure."""
        with rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": "timeline"}):
            return _figure(self)

    def svg(self) -> str:
        """The chart as an SVG document."""
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "timeline"}):
            return _saved(self.figure, "svg", {"Date": None, "Title": self.sentence()}).decode()

    def png(self) -> bytes:
        """The chart as a PNG."""
        return _saved(self.figure, "png", {})

    def sentence(self) -> str:
        """What the chart shows, in words."""
        visits = sum(len(lane.visits) for lane in self.lanes)
        longest = max(self.lanes, key=lambda lane: _seconds(lane.visits["duration"]).sum(), default=None)
        goes_on = any(lane.visits["status"].isin(OPEN_VISIT).any() for lane in self.lanes)
        most = f" Most of it passed in {longest.label}." if longest is not None and self.length and not goes_on else ""
        left = f" {count(self.left_out, 'more lane is', 'more lanes are')} left out." if self.left_out else ""
        time = f"over {self.length:,.1f} s" if self.length or not visits else "at times that are unknown, or at once"
        time += ", up to the last event" if goes_on else ""
        return f"{count(visits, 'visit', 'visits')} in {count(len(self.lanes), 'lane', 'lanes')} {time}.{most}{left}"

    def _repr_mimebundle_(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> dict[str, Any]:
        forms: Forms = {"image/svg+xml": self.svg, "image/png": self.png, "text/plain": self.sentence}
        return made(forms, include, exclude)

    def __repr__(self) -> str:
        return self.sentence()


def draw(
    events: history.Source | pd.DataFrame,
    *,
    most_lanes: int = MOST_LANES,
    visits: pd.DataFrame | None = None,
    attempts: pd.DataFrame | None = None,
) -> Timeline:
    """The timeline of one execution.

    `events` is what `history.events` returns or takes, with one execution in it.

    A lane is a state in a branch; where there are more than `most_lanes`, the iterations of a Map share theirs; what is
    still too much, first of what went well, is left out and counted. A lane with more than 60 visits is one band with
    their number, and failures over it. In a task's bar a failed attempt is red and the back-off before the next one
    light grey; a Wait is yellow, as in the diagram. Who has the frames of `visits` and `attempts` saves their making.
    """
    events = table(events)
    if events["execution"].nunique() > 1:
        raise NotAHistory("A timeline shows one execution; choose one, as in events[events['execution'] == arn].")
    start, end = events["timestamp"].min(), events["timestamp"].max()
    visits = _placed(history.visits(events) if visits is None else visits, "entered", "exited", start, end)
    attempts = _placed(history.attempts(events) if attempts is None else attempts, "scheduled", "ended", start, end)
    if visits.groupby(LANE).ngroups > most_lanes:
        visits, attempts = (frame.assign(branch=frame["branch"].map(_kind)) for frame in (visits, attempts))
    troubled = visits["status"].isin(ENDED_OTHERWISE).groupby([visits[key] for key in LANE], sort=False).any()
    bad: dict[Any, bool] = troubled.to_dict()
    order = {branch: number for number, branch in enumerate(visits["branch"].unique())}
    names = sorted(bad, key=lambda name: order[name[0]])
    kept = set(sorted(names, key=lambda name: not bad[name])[:most_lanes])
    own, tried = (_by_lane(frame, kept) for frame in (visits, attempts))
    lanes = [
        Lane(titled(state, branch, LONGEST_LABEL), own[branch, state], tried.get((branch, state), attempts.iloc[:0]))
        for branch, state in names
        if (branch, state) in kept
    ]
    length = 0.0 if pd.isna(start) else (end - start).total_seconds()
    return Timeline(lanes, len(names) - len(kept), length)


def _placed(rows: pd.DataFrame, begins: str, ends: str, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """The rows with `left` and `width` in seconds since the start; what is still open reaches to the last event.

    Where the branch is unknown, or no stamp can be read, what is known is shown all the same.
    """
    left = _seconds(rows[begins] - start)
    width = (_seconds(rows[ends].fillna(end) - start) - left).clip(lower=0)
    return rows.fillna(dict.fromkeys(LANE, UNKNOWN)).assign(left=left, width=width)


def _kind(branch: str) -> str:
    """A branch without the numbers of visits and the indexes that set it apart from others of its kind."""
    return VISIT_NUMBER.sub("", INDEX.sub("[*]", branch))


def _by_lane(rows: pd.DataFrame, kept: set[Any]) -> dict[Any, pd.DataFrame]:
    of_kept = [name in kept for name in zip(*(rows[key] for key in LANE), strict=True)]
    return dict(iter(rows[np.array(of_kept, dtype=bool)].groupby(LANE, sort=False)))


def _seconds(column: Any) -> Any:
    return column.dt.total_seconds().fillna(0.0)


def _figure(timeline: Timeline) -> Chart:
    lanes = timeline.lanes
    figure = Chart(WIDTH, 1.1 + 0.34 * max(len(lanes), 1))
    axes = figure.subplots()
    least = max(timeline.length, 1e-3) / 700
    shown: dict[str, str] = {}
    for row, lane in enumerate(lanes):
        for (words, fill, edge), bars in groupby(_bars(lane), key=lambda bar: bar[2:]):
            shown.setdefault(words, fill)
            spans = _joined([(bar.left, max(bar.width, least)) for bar in bars])
            axes.broken_barh(spans, (row - 0.31, 0.62), facecolors=fill, edgecolors=edge, linewidth=0.7)
        if lane.folded:
            middle = (lane.visits["left"].min() + (lane.visits["left"] + lane.visits["width"]).max()) / 2
            axes.text(middle, row, f"x {len(lane.visits)}", ha="center", va="center", fontsize=8, parse_math=False)
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set_xlim(-3 * least, max(timeline.length, 1e-3) + 6 * least)
    axes.set_yticks(range(len(lanes)))
    axes.set_yticklabels([lane.label for lane in lanes], fontsize=9, parse_math=False)
    axes.set_xlabel("seconds since the start" + (f" ({timeline.left_out} more lanes)" if timeline.left_out else ""))
    axes.tick_params(length=0)
    axes.grid(axis="x", color="#e4e8ed", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if shown:
        handles = [Patch(facecolor=colour, label=words) for words, colour in shown.items()]
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=8)
    return figure


def _joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans as they are, or of very many those that touch as one, since no gap shows between them."""
    if len(spans) <= MOST_BARS:
        return spans
    joined: list[tuple[float, float]] = []
    for left, width in sorted(spans):
        if joined and left <= sum(joined[-1]):
            first, so_far = joined[-1]
            joined[-1] = first, max(so_far, left + width - first)
        else:
            joined.append((left, width))
    return joined


class Bar(NamedTuple):
    """A piece of a lane: from `left` for `width` seconds, the legend's words for it, and its colours."""

    left: float
    width: float
    words: str
    fill: str
    edge: str


def _bars(lane: Lane) -> Iterable[Bar]:
    """What to paint in a lane, in order: what comes later lies above."""

    def of_status(left: float, width: float, row: Any) -> Bar:
        status = "waiting" if row["type"] == "Wait" and row["status"] == "succeeded" else row["status"]
        if not isinstance(status, str):
            return Bar(left, width, "end unknown", UNREACHED.fill, UNREACHED.border)
        look = STATUSES[status]
        return Bar(left, width, status.replace("_", " "), look.fill, look.border)

    visits, attempts = lane.visits.to_dict("records"), lane.attempts.to_dict("records")
    if lane.folded:
        left = float(lane.visits["left"].min())
        right = float((lane.visits["left"] + lane.visits["width"]).max())
        usual = lane.visits["status"].mode().reindex([0]).iloc[0]
        yield of_status(left, right - left, {**visits[0], "status": usual})
        for visit in visits:
            if visit["status"] in ENDED_OTHERWISE and visit["status"] != usual:
                yield of_status(visit["left"], visit["width"], visit)
    else:
        for visit in visits:
            yield of_status(visit["left"], visit["width"], visit)
        for attempt in attempts:
            if pd.notna(attempt["backoff"]) and (seconds := attempt["backoff"].total_seconds()) > 0:
                yield Bar(attempt["left"] - seconds, seconds, "back-off", BACK_OFF, BACK_OFF)
    failed = STATUSES["failed"]
    for attempt in attempts:
        if attempt["status"] in FAILED_VISIT:
            yield Bar(attempt["left"], attempt["width"], "failed attempt", failed.border, failed.border)
        elif attempt["attempt"] > 1 and not lane.folded:
            yield of_status(attempt["left"], attempt["width"], {"type": "Task", "status": attempt["status"]})


def _saved(figure: Chart, form: str, metadata: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format=form, dpi=110, metadata=metadata)
    return written.getvalue()
