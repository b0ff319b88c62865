"""Two executions held against each other, run on the sandbox."""

import pytest

from helpers import definition, deploy, engine, errors, execution, history


@pytest.fixture(scope="module")
def runs(lab):
    """The events of executions of `careful`, by what its function was told to do."""
    machine = deploy.deploy("careful", "comparison", lab=lab)
    started = {what: execution.start(machine.arn, {"do": what}, lab=lab) for what in ("well", "raise", "exit")}
    started["again"] = execution.start(machine.arn, {"do": "well", "order": 17}, lab=lab)
    found = {}
    for what, arn in started.items():
        execution.wait(arn, timeout=30, progress=False, lab=lab)
        found[what] = execution.events(arn, lab=lab)
    return found


def test_the_first_parting_is_told(runs):
    assert (
        "Work succeeded in a and failed and was caught in b" in history.compare(runs["well"], runs["raise"]).divergence
    )


def test_another_way_is_told(runs):
    found = history.compare(runs["raise"], runs["exit"]).divergence
    assert "after Work: a went to OrderMore, b to TellSomebody" in found


def test_a_parting_in_a_branch_is_told_with_the_branch():
    small = {"Variable": "$", "NumericLessThan": 5, "Next": "Small"}
    ends = {"Small": {"Type": "Succeed"}, "Large": {"Type": "Succeed"}}
    which = {"Type": "Choice", "Choices": [small], "Default": "Large"}
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "Which", "States": {"Which": which, **ends}}, "End": True}
    machine = {"StartAt": "Each", "States": {"Each": each}}
    a, b = (engine.run(machine, items).events for items in ([1, 1], [1, 9]))
    told = "They part in Each#1[1] at visit 2, after Which: a went to Small, b to Large."
    assert history.compare(a, b).divergence == told


def test_the_same_way_is_told(runs):
    found = history.compare(runs["well"], runs["again"])
    assert found.divergence == "They went the same way through 2 visits."
    assert found.inputs == "Their inputs differ in order (nothing and 17)."


def test_states_are_aligned(runs):
    states = history.compare(runs["well"], runs["raise"]).states.set_index("state")
    assert states.loc["OrderMore", "visits_a"] == 0
    assert states.loc["OrderMore", "visits_b"] == 1
    assert states.loc["Work", "status_b"] == "caught"


def test_what_took_longer(lab):
    machine = definition.load("bounded")
    arn = deploy.deploy(machine, "comparison-bounded", lab=lab).arn
    with lab.fast_forward():
        quick, slow = (execution.start(arn, {"seconds": seconds}, lab=lab) for seconds in (1, 20))
        for one in (quick, slow):
            execution.wait(one, timeout=30, progress=False, lab=lab)
    a, b = (history.events(execution.events(one, lab=lab)) for one in (quick, slow))
    states = history.compare(a, b).states.set_index("state")
    assert states.loc["Pause", "longer"] == pytest.approx(30, abs=2)
    assert states.loc["Pause", "visits_b"] > states.loc["Pause", "visits_a"]


def test_the_picture_has_two_bars_for_each_state(runs):
    found = history.compare(runs["well"], runs["raise"])
    (axes,) = found.figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.states["state"])
    lengths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert lengths == [list(found.states["seconds_a"]), list(found.states["seconds_b"])]


def test_several_executions_are_refused(runs):
    import pandas as pd

    both = pd.concat(
        [history.events(runs["well"]).assign(execution="a"), history.events(runs["raise"]).assign(execution="b")]
    )
    with pytest.raises(errors.NotAHistory, match="2 executions"):
        history.compare(both, runs["well"])


def test_hostile_inputs_are_text(runs, lab):
    machine = deploy.deploy("careful", "comparison", lab=lab)
    arn = execution.start(machine.arn, {"<img src=x onerror=alert(1)>": "</script>"}, lab=lab)
    execution.wait(arn, timeout=30, progress=False, lab=lab)
    shown = history.compare(runs["well"], execution.events(arn, lab=lab))._repr_html_()
    assert "<img" not in shown
    assert "</script>" not in shown


def test_a_history_without_events_is_compared_with_none():
    with pytest.raises(errors.NotAHistory, match="The first history holds no event"):
        history.compare([], [])


def test_of_very_many_states_the_page_and_the_picture_show_some():
    lane = [("TaskStateEntered", "stateEnteredEventDetails"), ("TaskStateExited", "stateExitedEventDetails")]
    events = [{"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 0}]
    for number in range(300):
        for kind, key in lane:
            id_ = len(events) + 1
            event = {"id": id_, "previousEventId": id_ - 1, "type": kind, "timestamp": id_}
            events.append({**event, key: {"name": f"State{number}"}})
    compared = history.compare(events, events)
    assert len(compared.states) == 300
    assert compared._repr_html_().count("<tr") < 100
    assert len(compared.figure.axes[0].get_yticklabels()) == 40
