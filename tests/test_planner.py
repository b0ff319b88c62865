"""What the planner reckons: arithmetic against known figures, and sentences for absurd ones."""

import math

import pytest

from helpers import errors, planner


def test_recheck_by_hand():
    figures = planner.plan("recheck", 9, interval=2, call=0)
    # polls after 2, 4, 6, 8 and 10 s; the last finds the job done
    assert figures["polls"] == 5
    assert figures["events"] == 1 + 5 + 5 * 9 + 2 + 1
    assert figures["transitions"] == 1 + 5 * 3 + 1
    assert figures["worst_delay"] == 2
    assert figures["mean_delay"] == 1


def test_recheck_loop_reaches_the_limit_after_2777_polls():
    within = planner.plan("recheck", 2 * 2776, interval=2, call=0)
    beyond = planner.plan("recheck", 2 * 2778, interval=2, call=0)
    assert within["within_limit"]
    assert not beyond["within_limit"]


def test_doubling_pauses_stop_at_a_minute():
    figures = planner.plan("bounded", 200, interval=1, call=0)
    # 1 + 2 + 4 + 8 + 16 + 32 = 63, then 60 each: 123, 183, 243
    assert figures["polls"] == 9
    assert figures["worst_delay"] == 60


def test_nobody_polls_where_the_worker_calls_back():
    figures = planner.plan("callback", 3600)
    assert figures["polls"] == figures["calls"] == 0
    assert figures["transitions"] == 2


def test_many_durations_give_means_and_the_worst():
    figures = planner.plan("recheck", [1, 3], interval=2, call=0)
    assert figures["polls"] == 1.5
    assert figures["duration"] == 2


def test_comparison_has_a_row_for_each_way_and_interval():
    table = planner.compare_patterns(300, intervals=(2, 60))
    polling = [name for name, way in planner.PATTERNS.items() if way.polling]
    assert len(table) == 2 * len(polling) + len(planner.PATTERNS) - len(polling)
    callback = table[table["pattern"] == "callback"].iloc[0]
    assert math.isnan(callback["interval"])
    assert callback["dollars"] < table.loc[table["pattern"] == "recheck", "dollars"].min()


def test_chart_names_every_way():
    table = planner.compare_patterns(300)
    labels = [text.get_text() for text in planner.chart(table).axes[0].get_legend().get_texts()]
    assert labels == list(planner.PATTERNS)


def test_suggestion_keeps_the_tolerated_delay():
    suggestion = planner.suggest(600, within=5)
    assert suggestion.figures["worst_delay"] <= 5
    assert suggestion.pattern in suggestion.reason


def test_suggestion_prefers_who_needs_no_polling():
    assert planner.suggest(600, sync=True).pattern == "athena_sync"
    assert planner.suggest(600, calls_back=True).interval is None


def test_suggestion_says_when_the_history_is_too_short():
    with pytest.raises(errors.PlanRefused, match="25,000 events"):
        planner.suggest(30 * 24 * 3600, within=2)


@pytest.mark.parametrize("duration", [-1, math.nan, math.inf, 1e12, "long", True, [], [3, -3], None])
def test_absurd_durations_are_refused(duration):
    with pytest.raises(errors.PlanRefused):
        planner.plan("recheck", duration)


@pytest.mark.parametrize("interval", [0, -2, math.nan, "2"])
def test_absurd_intervals_are_refused(interval):
    with pytest.raises(errors.PlanRefused, match=r"interval"):
        planner.plan("recheck", 10, interval=interval)


def test_unknown_way_is_named_with_those_there_are():
    with pytest.raises(errors.PlanRefused, match="recheck, bounded"):
        planner.plan("hope", 10)
