"""What the planner reckons: held against known figures and executions of the machines; sentences for absurd figures."""

import functools
import json
import math
from typing import Any

import pandas as pd
import pytest

import helpers
from helpers import definition, errors, execution, history, limits, planner, rehearsal
from tests.definitions.running import Ended, Machines

SLACK = 5.0  # seconds that starting a job and asking may take more than planned, on a busy computer


def one(pattern: str, duration: float, interval: int = 2, call: float = 0.1) -> pd.Series:
    """The one run of a pattern's machine on one job."""
    return planner.simulate(
        planner.fitted(pattern, interval=interval, duration=duration, call=call), duration, call=call
    ).iloc[0]


def test_recheck_by_hand():
    figures = one("recheck", 9, call=0)
    # polls after 2, 4, 6, 8 and 10 s; the last finds the job done
    assert figures["polls"] == 5
    assert figures["events"] == 1 + 5 + 5 * 9 + 2 + 1
    assert figures["transitions"] == 1 + 5 * 3 + 1
    assert (figures["delay"], figures["calls"], figures["status"]) == (1, 6, "SUCCEEDED")
    assert one("recheck", 10, call=0)["delay"] == 0
    late = planner.simulate({**definition.load("recheck"), "TimeoutSeconds": 5}, 9, call=0).iloc[0]
    assert (late["status"], late["took"]) == ("TIMED_OUT", 5)


def test_recheck_loop_reaches_the_limit_after_2777_polls():
    machine = planner.fitted("recheck", interval=2, duration=20_000, call=0)
    assert planner.simulate(machine, 2 * 2776, call=0)["status"].item() == "SUCCEEDED"
    beyond = planner.simulate(machine, 2 * 2778, call=0).iloc[0]
    assert (beyond["status"], beyond["error"], beyond["events"]) == ("FAILED", "States.Runtime", limits.HISTORY_EVENTS)
    assert math.isnan(beyond["delay"])


def test_doubling_pauses_stop_at_a_minute():
    # 1 + 2 + 4 + 8 + 16 + 32 = 63, then 60 each: 123, 183, 243
    figures = one("bounded", 200, interval=1, call=0)
    assert (figures["polls"], figures["delay"]) == (9, 43)


@pytest.mark.parametrize(("duration", "polls"), [(1.5, 7), (100, 11)])
def test_a_fitted_machine_gives_up_when_twice_the_job_s_time_and_a_minute_have_passed(duration, polls):
    # 1 + 2 + 4 + 8 + 16 + 32 fill 63 s, and 63 + 4 * 60 fill 260 s; in each case one poll more
    machine = planner.fitted("bounded", interval=1, duration=duration, call=0)
    gave_up = planner.simulate(machine, 3000, call=0).iloc[0]
    assert (gave_up["error"], gave_up["polls"]) == ("GaveUp", polls)


@pytest.mark.parametrize("pattern", [name for name, way in planner.PATTERNS.items() if way.polling])
def test_a_call_may_take_twice_as_long_as_was_said(pattern):
    machine = planner.fitted(pattern, interval=2, duration=9, call=100)
    assert planner.simulate(machine, 9, call=200)["status"].item() == "SUCCEEDED"


def test_an_express_child_is_paid_beside_its_parent():
    figures = one("standard_parent", 9, call=0.25)
    expected = figures["transitions"] * limits.TRANSITION
    expected += figures["calls"] * (limits.INVOCATION + 0.25 * limits.LAMBDA_LEAST_GB * limits.LAMBDA_GB_SECOND)
    child = limits.EXPRESS_REQUEST + 0.3 * limits.EXPRESS_LEAST_GB * limits.EXPRESS_GB_SECOND  # each 100 ms begun
    assert figures["dollars"] == pytest.approx(expected + figures["polls"] * child)
    assert figures["calls"] == figures["polls"] + 1


def test_nobody_polls_where_the_worker_calls_back():
    figures = one("callback", 3600)
    assert (figures["polls"], figures["calls"], figures["transitions"]) == (0, 0, 2)
    assert figures["delay"] == 0.1


def test_the_long_pause_first_spares_polls():
    first, always = one("wait_first", 600, interval=10), one("recheck", 600, interval=10)
    assert (first["status"], first["polls"] < always["polls"] / 2) == ("SUCCEEDED", True)
    assert one("wait_first", 5, interval=10, call=0)["took"] == 10  # nothing is spared of a short job


def test_give_up_limits_and_jitter_are_simulated():
    gave_up = planner.simulate(definition.load("bounded"), 3000).iloc[0]
    assert (gave_up["status"], gave_up["error"], gave_up["polls"]) == ("FAILED", "GaveUp", 10)
    jittered = planner.simulate(definition.load("retry_polling"), [20] * 20)
    assert jittered["delay"].nunique() > 5


def test_any_machine_that_polls_is_simulated():
    poller = {
        "StartAt": "Begin",
        "States": {
            "Begin": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:startJobRun", "Next": "Sleep"},
            "Sleep": {"Type": "Wait", "Seconds": 30, "Next": "Look"},
            "Look": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:getJobRun", "Next": "Which"},
            "Which": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.JobRun.JobRunState", "StringEquals": "SUCCEEDED", "Next": "Good"},
                    {"Variable": "$.JobRun.JobRunState", "StringEquals": "FAILED", "Next": "Bad"},
                ],
                "Default": "Sleep",
            },
            "Good": {"Type": "Succeed"},
            "Bad": {"Type": "Fail"},
        },
    }
    figures = planner.simulate(poller, 100, call=0, price=0.01).iloc[0]
    assert (figures["polls"], figures["delay"], figures["calls"]) == (4, 20, 0)
    assert figures["dollars"] == pytest.approx(4 * 0.01 + figures["transitions"] * limits.TRANSITION)


@pytest.mark.parametrize("waits", ["glue:startJobRun.sync", "sqs:sendMessage.waitForTaskToken"])
def test_the_task_that_is_waited_for_need_not_be_the_last(waits):
    work = {"Type": "Task", "Resource": f"arn:aws:states:::{waits}", "Parameters": {}, "Next": "Tell"}
    tell = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}, "End": True}
    figures = planner.simulate({"StartAt": "Work", "States": {"Work": work, "Tell": tell}}, 100, call=1).iloc[0]
    assert (figures["status"], figures["took"]) == ("SUCCEEDED", 102)


def test_a_machine_that_asks_twice_at_most_gives_up():
    retry = [{"ErrorEquals": ["NotReady"], "IntervalSeconds": 5, "MaxAttempts": 1}]
    ask = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Retry": retry, "End": True}
    figures = planner.simulate({"StartAt": "Ask", "States": {"Ask": ask}}, 100).iloc[0]
    assert (figures["error"], figures["polls"]) == ("NotReady", 2)


@pytest.mark.parametrize("compared", ["NumericGreaterThan", "NumericLessThan"])
def test_machines_that_differ_in_a_number_alone_poll_as_often(compared):
    for bound in (3, 2, 1):
        rule = {"Variable": "$.n", compared: bound, "Next": "Done"}
        machine = {
            "StartAt": "Ask",
            "States": {
                "Ask": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-3:1:function:ask", "Next": "Enough"},
                "Enough": {"Type": "Choice", "Choices": [rule], "Default": "Pause"},
                "Pause": {"Type": "Wait", "Seconds": 30, "Next": "Ask"},
                "Done": {"Type": "Succeed"},
            },
        }
        figures = planner.simulate(machine, 100, call=0).iloc[0]
        assert (figures["polls"], figures["calls"], figures["delay"]) == (5, 5, 20)


def test_machines_that_differ_in_a_number_alone_may_need_other_data():
    for bound in (3, 500):
        rule = {"Variable": "$.n", "NumericGreaterThan": bound, "Next": "Ask"}
        machine = {
            "StartAt": "Enough",
            "States": {
                "Enough": {"Type": "Choice", "Choices": [rule], "Default": "Too few"},
                "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True},
                "Too few": {"Type": "Fail"},
            },
        }
        assert planner.simulate(machine, 9)["status"].item() == "SUCCEEDED"


def test_jobs_may_be_several_or_a_function_of_chance():
    recheck = definition.load("recheck")
    assert planner.simulate(recheck, [1, 3], call=0)["polls"].tolist() == [1, 2]
    assert planner.simulate(recheck, [1, 3]).dtypes[["status", "error"]].astype(str).tolist() == ["str", "str"]
    drawn = planner.simulate(recheck, lambda chance: chance.uniform(5, 50), runs=7)
    assert (len(drawn), drawn["duration"].between(5, 50).all()) == (7, True)
    again = planner.simulate(recheck, lambda chance: chance.uniform(5, 50), runs=7)
    pd.testing.assert_frame_equal(drawn, again)
    assert len(planner.simulate(recheck, lambda _: 5, runs=1)) == 1
    with pytest.raises(errors.PlanRefused, match="between 1 and 1,000,000 runs"):
        planner.simulate(recheck, lambda _: 5, runs=0)


def test_comparison_has_a_row_for_each_way_and_interval():
    table = planner.compare_patterns(300, intervals=(5, 60))
    polling = [name for name, way in planner.PATTERNS.items() if way.polling]
    assert len(table) == 2 * len(polling) + len(planner.PATTERNS) - len(polling)
    assert table["ended_well"].eq(1).all()
    assert table["within_limit"].all()
    assert table["duration"].to_numpy() == pytest.approx(300)
    callback = table[table["pattern"] == "callback"].iloc[0]
    assert math.isnan(callback["interval"])
    assert callback["dollars"] < table.loc[table["pattern"] == "recheck", "dollars"].min()
    known = table[table["pattern"] != "athena_sync"]
    assert (known["mean_delay"] <= known["p95_delay"] + 1e-9).all()
    assert (known["p95_delay"] <= known["worst_delay"] + 1e-9).all()


@pytest.mark.parametrize("pattern", planner.PATTERNS)
def test_one_run_of_a_fitted_machine_says_what_shorter_jobs_come_to(pattern):
    machine = planner.fitted(pattern, interval=2, duration=100, call=0.5)
    jobs = [100, 99.9, 61.3, 61, 61, 2, 0.2, 0]
    each = planner.simulate(machine, jobs, call=0.5).drop(columns="took")
    pd.testing.assert_frame_equal(planner.certain(machine, jobs, 0.5), each)


def test_a_run_that_gave_up_says_only_what_gives_up_too():
    machine = definition.load("bounded")  # the last of its polls comes after 303 s
    jobs = [3000.0, 304.0, 303.0, 63.0, 1.0]
    each = planner.simulate(machine, jobs, call=0).drop(columns="took")
    assert each["error"].eq("GaveUp").tolist() == [True, True, False, False, False]
    pd.testing.assert_frame_equal(planner.certain(machine, jobs, 0), each)


@pytest.mark.slow
def test_comparison_says_where_a_history_comes_to_its_limit():
    row = planner.compare_patterns([2 * 2778], intervals=[2], patterns=["recheck"], call=0).iloc[0]
    assert (row["events"], row["within_limit"], row["ended_well"]) == (limits.HISTORY_EVENTS, False, 0)


def test_comparison_is_of_a_quick_a_middling_and_a_slow_pause_unless_given():
    assert planner.compare_patterns(30, patterns=["recheck"])["interval"].tolist() == [2, 10, 60]


def test_comparison_takes_a_column_of_a_frame():
    frame = pd.DataFrame({"seconds": [30, 60], "interval": [2, 4]})
    table = planner.compare_patterns(frame["seconds"], intervals=frame["interval"], patterns=["recheck"])
    assert table["interval"].tolist() == [2, 4]
    assert table["duration"].tolist() == [45, 45]
    machine = planner.fitted("recheck", interval=2, duration=60, call=0.1)
    delays = planner.simulate(machine, frame["seconds"])["delay"]
    assert table["mean_delay"][0] == pytest.approx(delays.mean())
    assert table["worst_delay"][0] == delays.max()


def test_chart_names_every_way():
    table = planner.compare_patterns(300, intervals=[30])
    axes = planner.chart(table).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [label.partition(" (")[0] for label in labels] == list(planner.PATTERNS)
    assert [label for label in labels if "(" in label] == ["athena_sync (delay not known)"]
    points = {line.get_label(): line.get_ydata().tolist() for line in axes.get_lines()}
    assert points["recheck"] == [1000 * table["dollars"][0]]
    one_way = table[table["pattern"] == "recheck"].assign(ended_well=0.9)
    (label,) = planner.chart(one_way).axes[0].get_legend().get_texts()
    assert label.get_text() == "recheck"
    crosses = [
        [line.get_ydata().tolist() for line in planner.chart(rows).axes[0].get_lines() if line.get_marker() == "x"]
        for rows in (one_way, one_way.assign(ended_well=1.0))
    ]
    assert crosses == [[points["recheck"]], [[]]]


@pytest.mark.slow
def test_suggestion_keeps_the_tolerated_delay():
    suggestion = planner.suggest(600, within=5)
    assert suggestion.figures["worst_delay"] <= 5
    assert suggestion.pattern in suggestion.reason


@pytest.mark.parametrize(("duration", "within"), [(600, 30), (60, 3), (5, 1.5), (100, 500)])
def test_a_suggestion_keeps_what_it_promises(duration, within):
    machine = planner.suggest(duration, within=within).definition
    runs = planner.simulate(machine, lambda chance: duration * chance.uniform(0.8, 1.2), seed=7)
    assert len(runs) == 200
    assert runs["status"].eq("SUCCEEDED").all()
    assert (runs["delay"] <= within).mean() >= 0.95


@pytest.mark.parametrize("duration", [0, 5, 10])
def test_a_short_job_is_planned_without_a_word_about_the_delay(duration):
    assert planner.suggest(duration).figures["p95_delay"] <= 1.2


def test_a_short_job_with_slow_calls_is_asked_for_as_soon_as_they_allow():
    assert planner.suggest(5, call=2).interval == 1


def test_pauses_that_grow_in_one_way_have_one_limit():
    given = {"interval": 1, "duration": 1000, "call": 0.1}
    bounded, counted = (planner.fitted(pattern, **given)["States"] for pattern in ("bounded", "counted"))
    limit = bounded["FirstPause"]["Result"]["limit"]
    assert counted["IsDone"]["Choices"][-1]["Condition"] == f"{{% $polls >= {limit} %}}"


def test_a_suggestion_does_not_pause_longer_than_the_job_may_take():
    assert planner.suggest(60, within=1000).figures["worst_delay"] < 30


@pytest.mark.parametrize(
    ("duration", "within", "way", "pause"),
    [(10, 1.2, "retry_polling", 1), (90, 15, "wait_first", 14), (1000, 600, "recheck", 599)],
)
def test_what_is_suggested_is_the_cheapest_on_average(duration, within, way, pause):
    machine = planner.fitted(way, interval=pause, duration=1.2 * duration, call=0.1, longest=pause)
    other = planner.simulate(machine, planner.spread(duration, planner.RUNS))
    assert (other["delay"] <= within).all()
    assert planner.suggest(duration, within=within).figures["dollars"] <= other["dollars"].mean() + 1e-9


def test_a_suggestion_says_that_some_are_noticed_late():
    suggestion = planner.suggest(60, within=30, call=14.9)
    assert suggestion.figures["worst_delay"] > 30
    assert "about 1 poll for" in suggestion.reason
    assert suggestion.reason.endswith("95 of 100 were noticed in time, the latest after 30.8 s.")


@pytest.mark.parametrize("pattern", [name for name, way in planner.PATTERNS.items() if way.polling])
def test_nothing_is_wrong_with_a_machine_that_is_fitted(pattern):
    machine = planner.fitted(pattern, interval=900, duration=10, call=30)
    assert definition.problems(machine) == []
    assert planner.simulate(machine, 10, call=30)["status"].eq("SUCCEEDED").all()


def test_nothing_is_wrong_with_a_retry_that_polls_for_days():
    assert definition.problems(planner.fitted("retry_polling", interval=2, duration=300_000, call=0.1)) == []


def test_what_was_planned_before_makes_no_difference():
    def polls(interval, expected, job):
        machine = planner.fitted("recheck", interval=interval, duration=expected, call=0.1)
        renamed = json.loads(json.dumps(machine).replace("AskJob", "AskOnceMore"))  # a machine like no other
        return planner.simulate(renamed, job)["polls"].item()

    assert polls(900, 10, 10) == 1
    assert polls(29, 600, 600) == 21


def test_suggestion_is_the_cheapest_of_those_in_time():
    suggestion = planner.suggest(600, within=30)
    assert suggestion.figures["duration"] == pytest.approx(600)  # the mean of all its jobs
    others = planner.compare_patterns(600, intervals=[29], patterns=["recheck", "wait_first"])
    assert suggestion.figures["dollars"] <= others["dollars"].min() + 1e-9
    assert "within 60 s" in planner.suggest(600).reason  # a tenth


def test_suggestion_prefers_who_needs_no_polling():
    suggestion = planner.suggest(600, sync=True)
    assert suggestion.pattern == "athena_sync"
    assert repr(suggestion) == suggestion.reason
    assert f"<p>{suggestion.reason}</p>" in suggestion._repr_html_()
    assert planner.suggest(600, calls_back=True).interval is None


def test_no_end_is_noticed_sooner_than_a_pause_of_a_second_allows():
    with pytest.raises(errors.PlanRefused, match="within 1 s"):
        planner.suggest(600, within=1)


@pytest.mark.slow
def test_suggestion_says_when_the_history_is_too_short():
    with pytest.raises(errors.PlanRefused, match="25,000 events"):
        planner.suggest(30 * 24 * 3600, within=2)


@pytest.mark.parametrize("duration", [-1, math.nan, math.inf, 1e12, 10**400, "long", True, [], [3, -3], None])
def test_absurd_durations_are_refused(duration):
    with pytest.raises(errors.PlanRefused):
        planner.simulate(definition.load("recheck"), duration)


@pytest.mark.parametrize("price", [-1, math.nan, "free"])
def test_an_absurd_price_is_refused_in_dollars(price):
    with pytest.raises(errors.PlanRefused, match="dollars"):
        planner.simulate(definition.load("recheck"), 5, price=price)


@pytest.mark.parametrize("machine", [None, 5, b"{}", {"StartAt": {"A"}}])
def test_what_is_no_machine_is_refused(machine):
    for use in (lambda: planner.simulate(machine, 5), lambda: rehearsal.made_up(machine)):
        with pytest.raises(errors.DefinitionInvalid):
            use()


def test_a_pause_of_one_second_is_the_shortest():
    assert planner.compare_patterns(5, intervals=[1], patterns=["recheck"])["ended_well"].eq(1).all()


@pytest.mark.parametrize("wrong", [None, "x", []])
def test_a_seed_and_a_longest_pause_that_are_no_numbers_are_refused(wrong):
    with pytest.raises(errors.PlanRefused, match="seed must be a whole number"):
        planner.simulate(definition.load("recheck"), 5, seed=wrong)
    with pytest.raises(errors.PlanRefused, match="longest pause must be a number"):
        planner.fitted("counted", interval=5, duration=60, call=1, longest=wrong or "")


@pytest.mark.parametrize("interval", [0, 0.9, 1.5, -2, math.nan, "2"])
def test_absurd_intervals_are_refused(interval):
    with pytest.raises(errors.PlanRefused, match=r"interval"):
        planner.compare_patterns(10, intervals=[interval])


@pytest.mark.parametrize("way", ["hope", None, ["recheck"]])
def test_unknown_way_is_named_with_those_there_are(way):
    with pytest.raises(errors.PlanRefused, match="recheck, wait_first, bounded"):
        planner.compare_patterns(10, patterns=[way])


MACHINES = {
    # jobs whose ends do not lie on a poll
    "recheck": (0, 9, 19.5),
    "bounded": (0, 9, 50, 100, 280),
    "counted": (0, 9, 50, 100, 280),
    "retry_polling": (0, 9, 40, 100),
    "standard_parent": (0, 12, 42),
}


def test_what_nobody_documents_is_not_known():
    assert math.isnan(one("athena_sync", 40)["delay"])


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
    transitions = limits.TRANSITION * found.transitions
    assert found.dollars == pytest.approx(transitions)
    if not figures["calls"]:
        assert figures["dollars"] == pytest.approx(transitions)
    late = found.duration.total_seconds() - figures["duration"]
    assert 0 <= late <= (math.inf if math.isnan(figures["delay"]) else figures["delay"] + SLACK)


@pytest.mark.parametrize(("pattern", "seconds"), [(name, job) for name, jobs in MACHINES.items() for job in jobs])
def test_plan_agrees_with_an_execution(machines, pattern, seconds):
    machine = definition.load(pattern)
    even(machine)
    ended = machines.run(machines.make(pattern, change=even), {"seconds": seconds})
    assert ended.status == "SUCCEEDED"
    tries = ended.attempts[ended.attempts["state"].str.startswith("Ask")]
    call = tries["duration"].mean().total_seconds()
    figures = planner.simulate(machine, seconds, call=call).iloc[0]
    assert figures["polls"] == len(tries)
    agree(figures, ended)


def test_plan_agrees_with_a_query_that_is_waited_for(machines):
    machines.lab.query_seconds(40)
    try:
        ended = machines.run(machines.make("athena_sync"), {"sql": "SELECT 1 AS one"})
    finally:
        machines.lab.query_seconds()
    agree(one("athena_sync", 40), ended)


def test_plan_agrees_with_a_worker_that_calls_back(machines):
    run = execution.start(machines.make("callback"), lab=machines.lab)
    states = machines.lab.client("stepfunctions")
    states.send_task_success(taskToken=machines.message()["token"], output="{}")
    agree(one("callback", 0), machines.end(run))


def test_every_pattern_is_held_against_its_machine():
    assert {*MACHINES, "wait_first", "athena_sync", "callback"} == set(planner.PATTERNS)


def test_durations_of_collected_histories_can_be_planned_for(machines):
    ended = machines.run(machines.make("recheck"), {"seconds": 3})
    visits = history.visits(ended.events)
    pauses = visits.loc[visits["type"] == "Wait", "duration"]
    assert planner.simulate(definition.load("recheck"), pauses)["duration"].mean() == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("intervals", [(), 5, None, "2"])
def test_comparison_without_intervals_is_refused(intervals):
    with pytest.raises(errors.PlanRefused, match="interval"):
        planner.compare_patterns(10, intervals=intervals)


ADVICE = [
    (5, 1.5),
    (5, 21),
    (30, 4),
    (100, 1.5),
    (100, 21),
    (100, 500),
    (400, 4),
    (400, 70),
    (2000, 70),
    (100_000, 3000),
]


@functools.cache
def advised(duration: float, within: float) -> planner.Suggestion:
    return planner.suggest(duration, within=within)


@pytest.mark.slow
def test_advice_covers_more_than_one_way():
    assert len({advised(*case).pattern for case in ADVICE}) > 1


@pytest.mark.parametrize("share", [0.8, 1, 1.2])
@pytest.mark.parametrize("case", ADVICE, ids=str)
def test_what_is_suggested_ends_well_and_in_time(machines, case, share):
    duration, within = case
    ended = machines.run(machines.make(advised(*case).definition), {"seconds": duration * share})
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
    waiting, working = machines.make(suggestion.definition), machines.make(alive(4800))  # before a heartbeat is due
    run = execution.start(waiting, lab=machines.lab)
    worker = execution.start(working, {"token": machines.message()["token"], "worked": 0}, lab=machines.lab)
    with machines.lab.fast_forward():
        assert machines.end(worker).status == "SUCCEEDED"
        assert machines.end(run).status == "SUCCEEDED"


def test_a_job_that_may_take_more_than_a_year_is_too_long_for_one_execution():
    with pytest.raises(errors.PlanRefused, match="a year"):
        planner.suggest(360 * 24 * 3600, sync=True)
    assert planner.suggest(250 * 24 * 3600, sync=True).figures["ended_well"] == 1
    fifth_more_is_a_year = limits.EXECUTION_SECONDS / 1.2
    assert planner.suggest(fifth_more_is_a_year - 1, sync=True).figures["ended_well"] == 1
    with pytest.raises(errors.PlanRefused, match="a year"):
        planner.suggest(fifth_more_is_a_year - 1)
