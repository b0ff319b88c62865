"""What the planner reckons: held against known figures and executions of the machines; sentences for absurd figures."""

import math
from typing import Any

import pandas as pd
import pytest

import helpers
from helpers import errors, execution, history, planner
from tests.definitions.running import Ended, Machines

SLACK = 5.0  # seconds that starting a job and asking may take more than planned, on a busy computer


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


def test_comparison_takes_a_column_of_a_frame():
    frame = pd.DataFrame({"seconds": [30, 60], "interval": [2, 4]})
    table = planner.compare_patterns(frame["seconds"], intervals=frame["interval"], patterns=["recheck"])
    assert table["interval"].tolist() == [2, 4]
    assert table["duration"].tolist() == [45, 45]


def test_chart_names_every_way():
    table = planner.compare_patterns(300)
    labels = [text.get_text() for text in planner.chart(table).axes[0].get_legend().get_texts()]
    assert [label.partition(" (")[0] for label in labels] == list(planner.PATTERNS)
    assert [label for label in labels if "(" in label] == ["athena_sync (delay not known)"]


def test_suggestion_keeps_the_tolerated_delay():
    suggestion = planner.suggest(600, within=5)
    assert suggestion.figures["worst_delay"] <= 5
    assert suggestion.pattern in suggestion.reason


def test_suggested_machine_has_room_for_longer_jobs():
    suggestion = planner.suggest(600, within=30)
    retry = suggestion.definition["States"]["AskJob"]["Retry"][0]
    assert retry["MaxAttempts"] >= 1.5 * suggestion.figures["polls"]
    assert f"up to {retry['MaxAttempts']} polls" in suggestion.reason


def test_suggestion_prefers_who_needs_no_polling():
    assert planner.suggest(600, sync=True).pattern == "athena_sync"
    assert planner.suggest(600, calls_back=True).interval is None


def test_suggestion_says_when_the_history_is_too_short():
    with pytest.raises(errors.PlanRefused, match="25,000 events"):
        planner.suggest(30 * 24 * 3600, within=2)


@pytest.mark.parametrize("duration", [-1, math.nan, math.inf, 1e12, 10**400, "long", True, [], [3, -3], None])
def test_absurd_durations_are_refused(duration):
    with pytest.raises(errors.PlanRefused):
        planner.plan("recheck", duration)


@pytest.mark.parametrize("interval", [0, -2, math.nan, "2"])
def test_absurd_intervals_are_refused(interval):
    with pytest.raises(errors.PlanRefused, match=r"interval"):
        planner.plan("recheck", 10, interval=interval)


@pytest.mark.parametrize("way", ["hope", None, ["recheck"]])
def test_unknown_way_is_named_with_those_there_are(way):
    with pytest.raises(errors.PlanRefused, match="recheck, bounded"):
        planner.plan(way, 10)


MACHINES = {
    # pattern: the machine's first pause, and jobs whose ends do not lie on a poll
    "recheck": (2, (0, 9, 19.5)),
    "bounded": (1, (0, 9, 50, 100, 280)),
    "counted": (1, (0, 9, 50, 100, 280)),
    "retry_polling": (2, (0, 9, 40, 100)),
    "standard_parent": (5, (0, 12, 42)),
}


def test_what_nobody_documents_is_not_known():
    figures = planner.plan("athena_sync", 40)
    assert math.isnan(figures["mean_delay"])
    assert math.isnan(figures["worst_delay"])


def even(raw: dict[str, Any]) -> None:
    """Takes the jitter away, which is chance."""
    for state in raw["States"].values():
        for rule in state.get("Retry", []):
            rule.pop("JitterStrategy", None)


@pytest.fixture(scope="module")
def machines(lab: helpers.Lab) -> Machines:
    return Machines(lab)


def agree(figures: pd.Series, ended: Ended) -> None:
    """The plan's figures are those of the history, and the end was noticed no later than it says, where it does."""
    found = history.summary(ended.events)
    assert (figures["events"], figures["transitions"]) == (found.events, found.transitions)
    transitions = planner.DOLLARS_PER_TRANSITION * found.transitions
    assert found.dollars == pytest.approx(transitions)
    if not figures["calls"]:
        assert figures["dollars"] == pytest.approx(transitions)
    late = found.duration.total_seconds() - figures["duration"]
    assert 0 <= late <= (math.inf if math.isnan(figures["worst_delay"]) else figures["worst_delay"] + SLACK)


@pytest.mark.parametrize(("pattern", "seconds"), [(name, job) for name, (_, jobs) in MACHINES.items() for job in jobs])
def test_plan_agrees_with_an_execution(machines, pattern, seconds):
    ended = machines.run(machines.make(pattern, change=even), {"seconds": seconds})
    assert ended.status == "SUCCEEDED"
    tries = ended.attempts[ended.attempts["state"].str.startswith("Ask")]
    call = tries["duration"].mean().total_seconds()
    figures = planner.plan(pattern, seconds, interval=MACHINES[pattern][0], call=call)
    assert figures["polls"] == len(tries)
    agree(figures, ended)


def test_plan_agrees_with_a_query_that_is_waited_for(machines):
    machines.lab.query_seconds(40)
    try:
        ended = machines.run(machines.make("athena_sync"), {"sql": "SELECT 1 AS one"})
    finally:
        machines.lab.query_seconds()
    agree(planner.plan("athena_sync", 40), ended)


def test_plan_agrees_with_a_worker_that_calls_back(machines):
    run = execution.start(machines.make("callback"), lab=machines.lab)
    states = machines.lab.client("stepfunctions")
    states.send_task_success(taskToken=machines.message()["token"], output="{}")
    agree(planner.plan("callback", 0), machines.end(run))


def test_every_pattern_is_held_against_its_machine():
    assert {*MACHINES, "athena_sync", "callback"} == set(planner.PATTERNS)


def test_durations_of_collected_histories_can_be_planned_for(machines):
    ended = machines.run(machines.make("recheck"), {"seconds": 3})
    visits = history.visits(ended.events)
    pauses = visits.loc[visits["type"] == "Wait", "duration"]
    assert planner.plan("recheck", pauses)["duration"] == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("intervals", [(), 5, None, "2"])
def test_comparison_without_intervals_is_refused(intervals):
    with pytest.raises(errors.PlanRefused, match="interval"):
        planner.compare_patterns(10, intervals=intervals)


ADVICE = [(duration, within) for duration in (5, 30, 100, 400) for within in (1.5, 4, 21, 70, 500)]
ADVICE += [(2000, 21), (2000, 70), (100_000, 300), (100_000, 3000)]


def advised(duration: float, within: float) -> planner.Suggestion | None:
    try:
        return planner.suggest(duration, within=within)
    except errors.PlanRefused:
        return None


SUGGESTED = {
    (suggestion.pattern, duration, within): suggestion
    for duration, within in ADVICE
    if (suggestion := advised(duration, within)) is not None
}


def test_advice_covers_more_than_one_way():
    assert len(SUGGESTED) > 20
    assert {pattern for pattern, *_ in SUGGESTED} >= {"recheck", "retry_polling"}


@pytest.mark.parametrize("share", [0.8, 1, 1.2])
@pytest.mark.parametrize("case", SUGGESTED, ids=str)
def test_what_is_suggested_ends_well_and_in_time(machines, case, share):
    _, duration, within = case
    ended = machines.run(machines.make(SUGGESTED[case].definition), {"seconds": duration * share})
    assert ended.status == "SUCCEEDED"
    slowest = ended.attempts["duration"].max().total_seconds()  # a busy computer's calls take what they take
    late = history.summary(ended.events).duration.total_seconds() - duration * share
    assert 0 <= late <= within + 2 * slowest


@pytest.mark.parametrize("pattern", [name for name, way in planner.PATTERNS.items() if way.polling])
def test_every_way_can_be_fitted_to_a_job(machines, pattern):
    """Of the ways that notice in time the cheapest is suggested; each of them would end well."""
    fitted = planner.fitted(pattern, interval=2, duration=600, call=0.1)
    ended = machines.run(machines.make(fitted), {"seconds": 700})
    assert ended.status == "SUCCEEDED"


@pytest.mark.parametrize("seconds", [80, 100, 120, 2400])
def test_suggested_sync_ends_well(machines, seconds):
    suggestion = planner.suggest(2000 if seconds == 2400 else 100, sync=True)
    machines.lab.query_seconds(seconds)
    try:
        ended = machines.run(machines.make(suggestion.definition), {"sql": "SELECT 1 AS one"})
    finally:
        machines.lab.query_seconds()
    assert ended.status == "SUCCEEDED"


def alive(seconds: int) -> dict[str, Any]:
    """A worker: shows every 50 s that it lives, and says after `seconds` that it is done."""
    told = {"TaskToken": "{% $states.context.Execution.Input.token %}"}
    sends = "arn:aws:states:::aws-sdk:sfn:sendTask"
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "Work",
        "States": {
            "Work": {"Type": "Wait", "Seconds": 50, "Next": "Lives"},
            "Lives": {
                "Type": "Task",
                "Resource": f"{sends}Heartbeat",
                "Arguments": told,
                "Output": {"worked": "{% $sum([$states.input.worked, 50]) %}"},
                "Next": "More",
            },
            "More": {
                "Type": "Choice",
                "Choices": [{"Condition": f"{{% $states.input.worked < {seconds} %}}", "Next": "Work"}],
                "Default": "Done",
            },
            "Done": {"Type": "Task", "Resource": f"{sends}Success", "Arguments": {**told, "Output": "{}"}, "End": True},
        },
    }


def test_suggested_callback_ends_well_with_the_heartbeats_that_it_asks_for(machines):
    suggestion = planner.suggest(4000, calls_back=True)
    assert "every minute" in suggestion.reason
    run = execution.start(machines.make(suggestion.definition), lab=machines.lab)
    worker = execution.start(
        machines.make(alive(4800)), {"token": machines.message()["token"], "worked": 0}, lab=machines.lab
    )
    with machines.lab.fast_forward():
        assert machines.end(worker).status == "SUCCEEDED"
        assert machines.end(run).status == "SUCCEEDED"


def test_a_job_of_a_year_is_too_long_for_one_execution():
    with pytest.raises(errors.PlanRefused, match="a year"):
        planner.suggest(360 * 24 * 3600, sync=True)
