"""The picture of the sums: what stands beside what, and names that are shown letter for letter."""

import pandas as pd
import pytest

from helpers.workbench import bars


def sums(**more: object) -> pd.DataFrame:
    found = pd.DataFrame(
        {
            "machine": "orders",
            "state": ["Pack", "$x^2$ <b>"],
            "count": [10, 20],
            "p50": [1.0, float("nan")],
            "p95": [2.0, float("nan")],
            "p99": [3.0, float("nan")],
            "error_rate": [0.1, 0.0],
        }
    )
    return found.assign(**more)


def words(figure: object) -> list[str]:
    return [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]


def test_each_state_has_its_bars_and_its_name_letter_for_letter():
    figure = bars(sums())
    assert words(figure)[:2] == ["Pack", "$x^2$ <b>"]
    lasting, failing = figure.axes
    assert [bar.get_width() for bar in failing.patches] == pytest.approx([10, 0])
    assert lasting.patches[0].get_width() == 1.0
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_versions_stand_side_by_side_and_many_days_become_lines():
    versions = bars(pd.concat([sums(version="1"), sums(version="2"), sums(version=None)]))
    assert [text.get_text() for text in versions.legends[0].get_texts()] == ["version 1", "version 2", "no version"]
    assert len(versions.axes[0].patches) == 6
    days = [sums(day=pd.Timestamp("2026-01-05") + pd.Timedelta(days=day)) for day in range(5)]
    assert len(bars(pd.concat(days[:2])).axes[0].patches) == 4
    lines = bars(pd.concat(days))
    assert [len(line.get_xdata()) for line in lines.axes[0].lines] == [5, 5]
    assert lines._repr_png_().startswith(b"\x89PNG")


def test_states_of_several_machines_bear_their_names_and_nothing_draws_nothing():
    both = bars(pd.concat([sums(), sums(machine="returns")]))
    assert words(both)[0] == "orders: Pack"
    assert bars(sums().head(0))._repr_png_().startswith(b"\x89PNG")
