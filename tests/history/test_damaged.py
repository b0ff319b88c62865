"""Damaged histories: whatever is missing, doubled or written wrongly, every face says so in a sentence or a note.

The histories are those written by hand and those of the samples; each example deletes, doubles, halves, shuffles or
overwrites something in one of them.
"""

import contextlib
import copy
import json
import pathlib

import hypothesis.strategies as some
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from helpers import history, timeline, workbench
from helpers.command import main
from helpers.errors import LabError, NotAHistory
from helpers.workbench import explore

from . import handmade
from .test_endings import ENDINGS

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / "samples"
WHOLE = [handmade.read(text)[0] for text in (*handmade.HISTORIES.values(), *(one[0] for one in ENDINGS.values()))]
WHOLE += [json.loads((SAMPLES / f"{name}.json").read_text())["events"] for name in ("failed-map", "what-happened")]
SCHEDULED = ("TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled")


def nested(depth):
    """A list in a list in a list ..."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


class Deep:
    """Stands for 200,000 nested lists, which only the mutated history itself holds: hypothesis cannot show them."""


# What nobody expects in a history: (JSON has no other way to bring most of them than these.)
ODD = [
    None, "", 0, -1, 2, True, [], {}, ["a"], {"a": 1}, "x", "\ud800", "\u202eabc\x1b[31m", 10**19, -(10**20), 2**63,
    float("inf"), float("nan"), 1.5, "9" * 5_000, 10**4_999, Deep, "A/B#1[0]", "Each#1[0]/Fan#1:", "]", "<b>", "$x$",
    "ExecutionStarted", "MapStateEntered", "ParallelStateStarted", "MapIterationStarted", "StateEntered",
    "EvaluationFailed", "ExecutionRedriven", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01",
]  # fmt: skip


def places(value, path=()):
    """The paths of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


@some.composite
def damaged(draw):
    """A history with one to three things wrong in it, and the whole one."""
    whole = draw(some.sampled_from(WHOLE))
    events = copy.deepcopy(whole)
    for how in draw(
        some.lists(
            some.sampled_from(["overwritten"] * 4 + ["lost", "halved", "doubled", "shuffled"]), min_size=1, max_size=3
        )
    ):
        if not events:
            break
        at = draw(some.integers(0, len(events) - 1))
        if how == "lost":
            del events[at]
        elif how == "halved":
            events = draw(some.sampled_from([events[:at], events[at:]]))
        elif how == "doubled":
            events.insert(draw(some.integers(0, len(events))), copy.deepcopy(events[at]))
        elif how == "shuffled":
            events = draw(some.permutations(events))
        elif isinstance(events[at], dict) and events[at]:
            *outer, last = draw(some.sampled_from(list(places(events[at]))))
            inside = events[at]
            for key in outer:
                inside = inside[key]
            if draw(some.booleans()) and draw(some.booleans()):
                del inside[last]
            else:
                inside[last] = draw(some.sampled_from(ODD))
    return events, whole


def filled(value):
    """The same with the nested lists."""
    if isinstance(value, dict):
        return {key: filled(inner) for key, inner in value.items()}
    return (
        nested(200_000) if value is Deep else [filled(inner) for inner in value] if isinstance(value, list) else value
    )


often = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.slow
@often
@given(damaged())
def test_frames_hold_every_entering_and_every_attempt_of_a_damaged_history(histories):
    try:
        frame = history.events(filled(histories[0]))
    except NotAHistory:
        return
    visits, attempts = history.visits(frame), history.attempts(frame)
    entered = frame[frame["type"].str.endswith("StateEntered") & frame["type"].ne("StateEntered")]
    assert sorted(visits["entered_id"].dropna()) == sorted(entered["id"])
    scheduled = attempts.merge(frame[["id", "type"]], left_on="scheduled_id", right_on="id")
    assert sorted(scheduled.loc[scheduled["type"].isin(SCHEDULED), "id"]) == sorted(
        frame.loc[frame["type"].isin(SCHEDULED), "id"]
    )
    assert scheduled["type"].str.endswith(("Scheduled", "Failed")).all()
    assert frame["execution"].notna().all()
    for table in (visits, attempts, history.polls(frame)):
        assert len(table.groupby(["execution", "status"], dropna=False).size()) <= 8 * len(table)


@pytest.mark.slow
@often
@given(damaged())
def test_a_damaged_history_is_summed_up_compared_and_drawn_or_refused(histories):
    broken, whole = filled(histories[0]), histories[1]
    with contextlib.suppress(LabError):
        frame = history.events(broken)
        if len(frame):
            total = history.summary(frame)
            assert repr(total).startswith("Execution")
            assert total._repr_html_()
        workbench.failures(frame)
        assert timeline.draw(frame).sentence()
        for one, other in ((frame, whole), (whole, frame)):
            compared = history.compare(one, other)
            assert repr(compared)
            assert compared._repr_html_()


@pytest.mark.slow
@settings(often, max_examples=12)
@given(damaged())
def test_a_damaged_history_is_shown_and_reported_or_refused(histories):
    with contextlib.suppress(LabError):
        shown = explore(filled(histories[0]))
        assert repr(shown)
        if shown.view.events.empty:
            return
        for position in (1, len(shown.view.events)):
            assert shown._shown.moments.at([position])
        assert shown.report().startswith("<!doctype html>")
        assert shown.view.chart.svg()


@pytest.mark.parametrize("events", WHOLE, ids=range(len(WHOLE)))
def test_half_a_history_is_compared_with_the_whole(events):
    for half in (events[: len(events) // 2], events[len(events) // 2 :]):
        compared = history.compare(history.events(half), history.events(events))
        assert compared.states["visits_a"].sum() == len(history.visits(history.events(half)))
        assert compared.states["visits_b"].sum() == len(history.visits(history.events(events)))


@pytest.mark.parametrize(
    "content",
    [
        "[" * 200_000,
        '{"events": ' + "[" * 200_000,
        '[{"id": ' + "9" * 5_000 + ', "type": "ExecutionStarted"}]',
        '[{"id": 12345678901234567890, "type": "ExecutionStarted"}]',
        '[{"id": 1e999, "type": "ExecutionStarted"}]',
        '[{"id": 1.5, "type": "ExecutionStarted"}]',
        '[{"id": true, "type": "ExecutionStarted"}]',
        '{"events": 17}',
    ],
    ids=["nested", "nested events", "5,000 digits", "20 digits", "infinite", "a fraction", "true", "a number"],
)
def test_a_file_beyond_reading_is_refused_in_a_sentence(content, tmp_path):
    path = tmp_path / "history.json"
    path.write_text(content)
    with pytest.raises(NotAHistory):
        history.events(path)
    with pytest.raises(NotAHistory):
        explore(path)
    ran = CliRunner().invoke(main, ["why", str(path)])
    assert ran.exit_code == 3
    assert len(ran.stderr) < 500


def test_what_is_not_as_aws_writes_it_is_said_in_a_note():
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    events[1]["stateEnteredEventDetails"] = {"name": ["Load"]}
    events[2]["previousEventId"] = "two"
    (note,) = [note for note in history.events(events).attrs["notes"] if "not what AWS writes" in note]
    assert note.startswith("2 values are not what AWS writes there (ids of the event before: 1, names: 1)")


def test_without_a_readable_stamp_the_screen_and_the_timeline_say_so():
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    frame = history.events([{**event, "timestamp": "noon"} for event in events])
    assert "unknown" in timeline.draw(frame).sentence()
    shown = explore(frame)
    assert "could not be read" in shown._shown._header.value
    assert shown._shown.moments.at([3])
    assert shown.report()


@pytest.mark.parametrize("definition", [17, [], True, 1.5])
def test_a_definition_that_is_none_is_refused_or_noted(definition, tmp_path):
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    with pytest.raises(LabError, match="definition"):
        explore(events, definition=definition)
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"events": events, "definition": definition}))
    assert "definition in the file" in explore(path)._shown._header.value
    path.with_suffix(".asl.json").write_text(json.dumps(definition))
    path.write_text(json.dumps({"events": events}))
    with pytest.raises(LabError):
        explore(path)


@pytest.mark.parametrize(
    "definition", [{}, {"StartAt": 5}, {"StartAt": "A", "States": 3}, {"States": {"A": 3, "B": {"Next": []}}}]
)
def test_a_definition_with_nothing_sound_in_it_is_not_drawn_over_the_history(definition):
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    shown = explore(events, definition=definition)
    assert "another version" in shown._shown._header.value
    assert shown.report()
