"""The Gantt chart of an execution: its lanes, its colours, and names that mean harm."""

import datetime
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from helpers import history, timeline
from helpers.errors import NotAHistory

START = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)


def executed(visits):
    """The events of an execution of Pass and Wait states: `visits` are (type, name, seconds)."""
    events = [("ExecutionStarted", {"executionStartedEventDetails": {"input": "{}"}}, 0.0)]
    now = 0.0
    for kind, name, seconds in visits:
        events.append((f"{kind}StateEntered", {"stateEnteredEventDetails": {"name": name, "input": "{}"}}, now))
        now += seconds
        events.append((f"{kind}StateExited", {"stateExitedEventDetails": {"name": name, "output": "{}"}}, now))
    events.append(("ExecutionSucceeded", {"executionSucceededEventDetails": {"output": "{}"}}, now))
    return history.events(
        [
            {
                "id": number,
                "previousEventId": number - 1 if number > 2 else 0,
                "timestamp": START + datetime.timedelta(seconds=seconds),
                "type": kind,
                **details,
            }
            for number, (kind, details, seconds) in enumerate(events, 1)
        ]
    )


def words(drawn):
    return [text.get_text() for text in drawn.figure.legends[0].get_texts()]


def test_a_lane_for_each_state_in_order_of_entry():
    drawn = timeline.draw(executed([("Pass", "First", 0), ("Wait", "Pause", 5), ("Pass", "First", 0)]))
    assert [lane.label for lane in drawn.lanes] == ["First", "Pause"]
    assert "3 visits in 2 lanes over 5.0 s" in drawn.sentence()
    assert "Pause" in drawn.sentence().split(".")[-2]


def test_one_visit_is_one():
    assert timeline.draw(executed([("Wait", "Pause", 5)])).sentence().startswith("1 visit in 1 lane over 5.0 s")


def test_of_what_goes_on_it_is_told_how_far_the_history_reaches():
    events = executed([("Pass", "First", 1), ("Wait", "Pause", 5)])
    said = timeline.draw(events[events["id"] < 5]).sentence()
    assert said == "2 visits in 2 lanes over 1.0 s, up to the last event."


def test_a_wait_is_told_as_waiting():
    assert words(timeline.draw(executed([("Wait", "Pause", 5)]))) == ["waiting"]


def test_a_long_loop_is_folded_into_one_band_with_its_number():
    drawn = timeline.draw(executed([("Wait", "Pause", 2), ("Choice", "Look", 0)] * 312))
    assert "x 312" in [text.get_text() for text in drawn.figure.axes[0].texts]
    assert len(drawn.figure.axes[0].collections) == 2


def test_too_many_lanes_are_left_out_and_counted():
    drawn = timeline.draw(executed([("Pass", f"State{number}", 1) for number in range(50)]))
    assert len(drawn.lanes) == 40
    assert drawn.left_out == 10
    assert "10 more lanes" in drawn.sentence()


def test_five_thousand_visits_make_a_small_picture():
    drawn = timeline.draw(executed([("Wait", "Pause", 2), ("Choice", "Look", 0)] * 2500))
    assert len(drawn.svg()) < 100_000


def test_thousands_of_attempts_make_a_small_picture():
    events = [("TaskStateEntered", {"stateEnteredEventDetails": {"name": "Ask"}})]
    scheduled = {"taskScheduledEventDetails": {"resource": "invoke", "resourceType": "lambda", "parameters": "{}"}}
    for _ in range(4000):
        events += [("TaskScheduled", scheduled), ("TaskFailed", {"taskFailedEventDetails": {"error": "NotReady"}})]
    drawn = timeline.draw(
        history.events(
            [
                {"id": number, "previousEventId": number - 1, "timestamp": START.timestamp() + number, "type": kind}
                | details
                for number, (kind, details) in enumerate(events, 1)
            ]
        )
    )
    assert words(drawn) == ["running", "back-off", "failed attempt"]
    assert len(drawn.svg()) < 100_000


def test_several_executions_are_refused():
    one = executed([("Wait", "Pause", 5)])
    with pytest.raises(NotAHistory, match="shows one execution"):
        timeline.draw(pd.concat([one, one.assign(execution="another")]))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"]; }', "$x^2$ $", "a\x00b", "</svg><img src=x>"])
def test_hostile_names_are_text(name):
    drawn = timeline.draw(executed([("Pass", name, 1)]))
    root = ElementTree.fromstring(drawn.svg())
    tags = {element.tag.split("}")[-1] for element in root.iter()}
    assert not tags & {"script", "img"}
    assert any(drawn.lanes[0].label in "".join(element.itertext()) for element in root.iter())


def test_it_shows_everywhere():
    bundle = timeline.draw(executed([("Pass", "Only", 1)]))._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "image/png", "text/plain"}
    assert bundle["image/png"].startswith(b"\x89PNG")


def test_an_empty_history_is_an_empty_chart():
    drawn = timeline.draw(executed([]))
    assert drawn.lanes == []
    assert drawn.png().startswith(b"\x89PNG")


def test_a_visit_whose_end_lies_in_a_missing_page_is_told_as_unknown():
    told = [
        (1, 0, "ExecutionStarted", {}),
        (2, 0, "WaitStateEntered", {"stateEnteredEventDetails": {"name": "Pause"}}),
        (9, 8, "PassStateEntered", {"stateEnteredEventDetails": {"name": "Last"}}),
        (10, 9, "PassStateExited", {"stateExitedEventDetails": {"name": "Last"}}),
        (11, 10, "ExecutionSucceeded", {}),
    ]
    events = history.events(
        [
            {"id": id_, "previousEventId": before, "timestamp": START + datetime.timedelta(seconds=id_), "type": kind}
            | details
            for id_, before, kind, details in told
        ]
    )
    assert "end unknown" in words(timeline.draw(events))
