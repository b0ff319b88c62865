"""Two executions side by side: where they first part, and what took longer or ran more often."""

import html
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.errors import NotAHistory
from helpers.history.frames import table
from helpers.history.sources import Source
from helpers.history.visit import visits as visits_of
from helpers.quantities import count
from helpers.verbatim import clean, shorten, titled, verbatim, visible

if TYPE_CHECKING:
    from helpers.chart import Chart

__all__ = ["Comparison", "compare"]

SHORT = 160
MOST_BARS = 40
UNKNOWN = "(unknown)"
"""A branch that cannot be known, because the history has a gap."""


class Comparison:
    """What `compare` found: `states` (a frame), `divergence` and `inputs` (sentences), and a picture."""

    def __init__(self, states: pd.DataFrame, divergence: str, inputs: str) -> None:
        self.states, self.divergence, self.inputs = states, divergence, inputs

    @property
    def figure(self) -> "Chart":
        """Per state the seconds that each execution spent in it, as two bars; of very many the 40 that differ most."""
        from helpers.chart import Chart  # matplotlib takes longer to load than all the rest

        shown = self.states.loc[self.states["longer"].abs().nlargest(MOST_BARS).index.sort_values()]
        rows = max(len(shown), 1)
        figure = Chart(9.5, 1.2 + 0.5 * rows)
        axes = figure.subplots()
        labels = [titled(state, branch, 40) for state, branch in zip(shown["state"], shown["branch"], strict=True)]
        for label, off, colour in (("a", -0.19, "#a6cbfa"), ("b", 0.19, "#fcc793")):
            places = [place + off for place in range(len(labels))]
            axes.barh(places, shown[f"seconds_{label}"], 0.36, label=label, color=colour)
        axes.set_yticks(range(len(labels)), labels, fontsize=9, parse_math=False)
        axes.set_ylim(rows - 0.5, -0.5)
        axes.set_xlabel("seconds")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return figure

    def __repr__(self) -> str:
        return visible(f"{self.divergence} {self.inputs}")

    def _repr_html_(self) -> str:
        shown = self.states.copy()
        for column in ("state", "branch"):
            shown[column] = shown[column].map(clean)
        most = pd.get_option("display.max_rows")
        table = shown.to_html(index=False, escape=True, float_format="{:.3f}".format, max_rows=most)
        return verbatim(f"<p>{html.escape(visible(self.divergence))}<br>{html.escape(visible(self.inputs))}</p>{table}")


def compare(a: Source | pd.DataFrame, b: Source | pd.DataFrame) -> Comparison:
    """Hold two executions against each other, state by state.

    `a` and `b` are frames of `history.events`, or anything that it takes, of one execution each.

    The result's `states` has one row per state and branch, in order of the first visit in either: `state` and `branch`
    (str), `visits_a`, `visits_b` (Int64), `seconds_a`, `seconds_b`, `longer` (b's seconds less a's, float64),
    `status_a`, `status_b` (of the last visit, str), `input_differs` (bool: the first visits' inputs). `divergence`
    says the first place where their ways part, `inputs` how the executions' inputs differ, and `figure` draws the
    seconds. States whose branch a gap in a history hides have the branch `(unknown)`.

    Raises NotAHistory where a history holds no execution or several.
    """
    first, second = _one(a, "The first history"), _one(b, "The second history")
    # What lies beyond a gap, in a branch that is unknown, is held against the same of the other.
    mine, theirs = (visits_of(events).fillna({"branch": UNKNOWN}) for events in (first, second))
    states = _states(mine, theirs)
    return Comparison(states, _divergence(mine, theirs), _inputs(first, second))


def _one(source: Any, which: str) -> pd.DataFrame:
    events = table(source)
    held = events["execution"].nunique(dropna=False)
    if not held:
        raise NotAHistory(f"{which} holds no event; give that of an execution that has begun.")
    if held > 1:
        raise NotAHistory(f"{which} holds {held} executions; choose one, as in events[events['execution'] == arn].")
    return events


def _states(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    keys = ["branch", "state"]

    def per_state(visits: pd.DataFrame, which: str) -> pd.DataFrame:
        grouped = visits.groupby(keys, sort=False)
        return pd.DataFrame(
            {
                f"visits_{which}": grouped.size(),
                f"seconds_{which}": grouped["duration"].sum().dt.total_seconds(),
                f"status_{which}": grouped["status"].last(),
                f"input_{which}": grouped["input"].first(),
            }
        )

    joined = pd.concat([per_state(a, "a"), per_state(b, "b")], axis=1)
    joined = joined.fillna(dict.fromkeys(("visits_a", "visits_b", "seconds_a", "seconds_b"), 0))
    joined = joined.astype({"visits_a": "Int64", "visits_b": "Int64"})
    joined["longer"] = joined["seconds_b"] - joined["seconds_a"]
    inputs = zip(joined["input_a"], joined["input_b"], strict=True)
    joined["input_differs"] = [not _same(one, other) for one, other in inputs]
    columns = ["state", "branch", "visits_a", "visits_b", "seconds_a", "seconds_b", "longer"]
    return joined.reset_index()[[*columns, "status_a", "status_b", "input_differs"]]


_Way = list[tuple[str, str, float]]
"""State, status and entering (s since the first visit) of each visit in a branch, in order."""


def _divergence(a: pd.DataFrame, b: pd.DataFrame) -> str:
    """The first place where the two ways through the states part, in a sentence."""
    mine, theirs = _ways(a), _ways(b)
    branches = dict.fromkeys([*mine, *theirs])
    partings = [_parting(branch, mine.get(branch, []), theirs.get(branch, [])) for branch in branches]
    # Of partings at the same time the innermost says most: the enclosing state only followed.
    first = min(filter(None, partings), key=lambda parting: (parting[0], -parting[1]), default=None)
    return first[2] if first else f"They went the same way through {count(len(a), 'visit', 'visits')}."


def _ways(visits: pd.DataFrame) -> dict[str, _Way]:
    """The way through each branch."""
    entered = (visits["entered"] - visits["entered"].min()).dt.total_seconds().fillna(0.0)
    found: dict[str, _Way] = {}
    steps = zip(visits["state"], visits["status"].fillna("unknown"), entered, strict=True)
    for branch, step in zip(visits["branch"], steps, strict=True):
        found.setdefault(branch, []).append(step)
    return found


def _parting(branch: str, a: _Way, b: _Way) -> tuple[float, int, str] | None:
    """When two ways in the same branch part (s), how deep, and in which words; None where they don't."""
    depth = branch.count("/") + bool(branch)
    inside = f"in {clean(branch)} " if branch else ""
    last = "the start"
    for number, (one, other) in enumerate(zip(a, b, strict=False), 1):
        at = min(one[2], other[2])
        if one[0] != other[0]:
            went = f"a went to {clean(one[0])}, b to {clean(other[0])}"
            return at, depth, f"They part {inside}at visit {number}, after {last}: {went}."
        if one[1] != other[1]:
            ended = f"{clean(one[0])} {_in_words(one[1])} in a and {_in_words(other[1])} in b"
            return at, depth, f"They part {inside}at visit {number}: {ended}."
        last = clean(one[0])
    if len(a) == len(b):
        return None
    longer, which = (a, "a") if len(a) > len(b) else (b, "b")
    more = longer[min(len(a), len(b))]
    return more[2], depth, f"They part {inside}after {last}: only {which} goes on, to {clean(more[0])}."


def _in_words(status: str) -> str:
    words = {"timed_out": "timed out", "aborted": "was aborted", "caught": "failed and was caught"}
    return words.get(status, f"{'ended in a way that is ' if status == 'unknown' else ''}{status}")


def _same(one: Any, other: Any) -> bool:
    one, other = (None if pd.isna(value) else value for value in (one, other))
    return bool(one == other or _parsed(one) == _parsed(other))


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text


def _started_with(events: pd.DataFrame) -> Any:
    """The execution's input; None where its start is not in the history."""
    given = events.loc[events["type"].eq("ExecutionStarted"), "input"].dropna()
    return given.iloc[0] if len(given) else None


def _inputs(a: pd.DataFrame, b: pd.DataFrame) -> str:
    """How the inputs of the executions differ, in a sentence."""
    given = [_started_with(events) for events in (a, b)]
    if None in given:
        return "Their inputs cannot be compared: a history does not hold it."
    one, other = map(_parsed, given)
    if one == other:
        return "Their inputs are the same."
    if not isinstance(one, dict) or not isinstance(other, dict):
        return f"Their inputs differ: {_short(one)} and {_short(other)}."
    return f"Their inputs differ in {', '.join(_differences(one, other))}."


def _differences(one: dict[str, Any], other: dict[str, Any]) -> Iterable[str]:
    for key in dict.fromkeys([*one, *other]):
        if one.get(key, ...) != other.get(key, ...):
            values = [_short(side[key]) if key in side else "nothing" for side in (one, other)]
            yield f"{clean(str(key))} ({values[0]} and {values[1]})"


def _short(value: Any) -> str:
    return shorten(clean(json.dumps(value)), SHORT)
