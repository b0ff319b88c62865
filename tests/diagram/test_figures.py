"""What the frames of a history add to a diagram."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pandas as pd
import pytest

from helpers import history
from helpers.definition import load
from helpers.diagram import STATUSES, draw, draw_history
from helpers.diagram.figures import way
from helpers.diagram.palette import NOT_TAKEN, TAKEN
from helpers.errors import NotAHistory
from tests.definition.machines import SAMPLES

SVG = "{http://www.w3.org/2000/svg}"


def visits(*rows: dict[str, Any]) -> pd.DataFrame:
    """A frame of visits as `helpers.history.visits` makes it; what a row leaves out is missing."""
    frame = pd.DataFrame(
        [
            {"execution": "e", "branch": "", "visit": 1, "status": "succeeded", "attempts": 0, "type": "Task", **row}
            for row in rows
        ]
    )
    frame["duration"] = pd.to_timedelta(frame["seconds"], unit="s")
    return frame.reindex(columns=[*frame.columns, *{"error", "cause", "input", "output"} - set(frame.columns)])


def turning() -> pd.DataFrame:
    """The article's machine in its loop: two turns, then still waiting."""
    return visits(
        {"state": "Main", "seconds": 6.5, "attempts": 3, "input": "{}", "output": '{"status": "</title><b>"}'},
        {"state": "WaitforInvocation", "type": "Wait", "seconds": 2},
        {"state": "CheckInvocationsStatus", "type": "Choice", "seconds": 0.01},
        {"state": "WaitforInvocation", "type": "Wait", "seconds": 2.5, "visit": 2},
        {"state": "CheckInvocationsStatus", "type": "Choice", "seconds": 0.02, "visit": 2},
        {"state": "WaitforInvocation", "type": "Wait", "seconds": None, "visit": 3, "status": "waiting"},
    )


def drawn(diagram: Any, state: str) -> ElementTree.Element:
    return next(group for group in ElementTree.fromstring(diagram.svg()).iter() if group.get("data-state") == state)


def words(element: ElementTree.Element) -> str:
    return " ".join(text.text or "" for text in element.iter(f"{SVG}text"))


def edge(diagram: Any, title: str) -> str:
    for group in ElementTree.fromstring(diagram.svg()).iter(f"{SVG}g"):
        if group.get("class") == "edge" and title in (group.findtext(f"{SVG}title") or ""):
            return ElementTree.tostring(group, encoding="unicode")
    raise AssertionError(title)


def test_visits_times_and_retries_stand_on_the_states():
    diagram = draw(load("busy_wait"), visits=turning())
    assert "3 visits · 4.5 s longest 2.5 s" in words(drawn(diagram, "WaitforInvocation"))
    assert "1 visit · 6.5 s 2 retries · 2 failures" in words(drawn(diagram, "Main"))
    assert STATUSES["waiting"].fill in diagram.svg()


def test_attempts_tell_failures_apart_from_retries():
    tried = pd.DataFrame({"state": ["Main"] * 3, "attempt": [1, 2, 3], "status": ["failed", "timed_out", "succeeded"]})
    diagram = draw(load("busy_wait"), visits=turning(), attempts=tried)
    assert "2 retries · 2 failures" in words(drawn(diagram, "Main"))


def test_hovering_shows_the_last_payloads_as_text():
    title = drawn(draw(load("busy_wait"), visits=turning()), "Main").findtext(f"{SVG}title") or ""
    assert title.splitlines() == [
        "Main (succeeded)",
        "1 visit · 6.5 s",
        "2 retries · 2 failures",
        "last input: {}",
        'last output: {"status": "</title><b>"}',
    ]


def test_the_way_taken_is_marked():
    diagram = draw(load("busy_wait"), visits=turning())
    assert TAKEN in edge(diagram, "CheckInvocationsStatus → WaitforInvocation")
    assert NOT_TAKEN in edge(diagram, "CheckInvocationsStatus → Final")
    assert TAKEN in edge(diagram, "Main is tried again")
    assert NOT_TAKEN in edge(diagram, "Final ends")


def test_a_caught_error_takes_the_catch():
    frame = visits(
        {"state": "Both", "type": "Parallel", "seconds": 1, "status": "caught"},
        {"state": "Broken", "type": "Fail", "seconds": 0, "status": "failed"},
    )
    assert way(frame) == {("", "Both", ""), ("Both", "Broken", "catch")}
    diagram = draw(SAMPLES["parallel_and_map"](), visits=frame)
    assert TAKEN in edge(diagram, "Both → Broken")
    assert NOT_TAKEN in edge(diagram, "Both → Done")


def test_heat_is_hottest_where_the_time_went():
    diagram = draw(load("busy_wait"), visits=turning(), heat=True)

    def red(state: str) -> int:
        path = next(part for part in drawn(diagram, state) if part.get("fill") and part.tag != f"{SVG}text")
        colour = path.get("fill", "")
        return int(colour[1:3], 16) - int(colour[3:5], 16)

    assert red("Main") > red("WaitforInvocation") > red("CheckInvocationsStatus")
    assert "time spent" in diagram.sentence()


def test_statuses_given_go_before_those_of_the_visits():
    diagram = draw(load("busy_wait"), {"Main": "failed"}, visits=turning())
    assert STATUSES["waiting"].fill not in diagram.svg()


def test_a_history_without_a_definition_is_drawn_dashed():
    diagram = draw_history(turning())
    assert diagram.states == ["Main", "WaitforInvocation", "CheckInvocationsStatus"]
    for state in diagram.states:
        assert any(part.get("stroke-dasharray") for part in drawn(diagram, state).iter())
    assert edge(diagram, "CheckInvocationsStatus → WaitforInvocation")


def test_a_history_with_branches_has_its_boxes():
    frame = visits(
        {"state": "Each", "type": "Map", "seconds": 5},
        {"state": "Both", "type": "Parallel", "seconds": 1, "branch": "Each#1[0]"},
        {"state": "Left", "seconds": 1, "branch": "Each#1[0]/Both#1:Left"},
        {"state": "Right", "seconds": 1, "branch": "Each#1[0]/Both#1:Right"},
        {"state": "Done", "type": "Succeed", "seconds": 0},
    )
    diagram = draw_history(frame)
    assert diagram.states == ["Each", "Both", "Left", "Right", "Done"] or set(diagram.states) == set(frame["state"])
    source = diagram.source
    assert source.index("cluster_s0") < source.index("cluster_s1") < source.index("Left")
    assert STATUSES["succeeded"].tint in diagram.svg()


def test_no_visits_at_all():
    empty = turning().head(0)
    assert draw(load("busy_wait"), visits=empty).svg()
    assert draw_history(empty).svg()


@pytest.mark.parametrize("given", [history.events([]), [], 5], ids=["events", "a list", "a number"])
def test_what_are_no_visits_is_refused_with_what_to_give(given: Any):
    with pytest.raises(NotAHistory, match=r"give the frame that helpers.history.visits makes"):
        draw_history(given)
    with pytest.raises(NotAHistory, match=r"give the frame that helpers.history.visits makes"):
        draw(load("busy_wait"), visits=given)
