"""What ended an execution: not its first failure, which may have been retried or caught."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from helpers import history
from helpers.command import main
from helpers.workbench import explore

from . import handmade
from .test_events import cells

ENDINGS = {
    "two attempts retried, one caught, then a fatal one": (
        """
 1  0 ExecutionStarted                       => -
 2  0 TaskStateEntered   Ask                 => Ask . 1
 3  2 TaskScheduled      resource=invoke     => Ask . 1
 4  3 TaskFailed         error=Busy cause=a  => Ask . 1
 5  4 TaskScheduled      resource=invoke     => Ask . 1
 6  5 TaskFailed         error=Busy cause=b  => Ask . 1
 7  6 TaskScheduled      resource=invoke     => Ask . 1
 8  7 TaskSucceeded      output=1            => Ask . 1
 9  8 TaskStateExited    Ask                 => Ask . 1
10  9 TaskStateEntered   Try                 => Try . 1
11 10 TaskScheduled      resource=invoke     => Try . 1
12 11 TaskFailed         error=Wrong cause=c => Try . 1
13 12 TaskStateExited    Try                 => Try . 1
14 13 TaskStateEntered   Save                => Save . 1
15 14 TaskScheduled      resource=invoke     => Save . 1
16 15 TaskFailed         error=Full cause=d  => Save . 1
17 16 ExecutionFailed    error=Full cause=d  => -
""",
        ("Save", "Full", "d", 16),
        "'Save' failed after 16.0 s with Full: d.",
        "'Ask' failed after 3.0 s with Busy: a. A later attempt succeeded.",
    ),
    "a Map's Catch, then a bad path": (
        """
 1  0 ExecutionStarted                           => -
 2  0 MapStateEntered     Each                   => Each . 1
 3  2 MapStateStarted     length=1               => Each . 1
 4  3 MapIterationStarted Each index=0           => Each Each#1[0] 1
 5  4 TaskStateEntered    Work                   => Work Each#1[0] 1
 6  5 TaskScheduled       resource=invoke        => Work Each#1[0] 1
 7  6 TaskFailed          error=Boom cause=bang  => Work Each#1[0] 1
 8  7 MapIterationFailed  Each index=0           => Each Each#1[0] 1
 9  7 MapStateFailed                             => Each . 1
10  9 MapStateExited      Each                   => Each . 1
11 10 PassStateEntered    Tidy                   => Tidy . 1
12 11 ExecutionFailed     error=States.Runtime cause=path => -
""",
        ("Tidy", "States.Runtime", "path", 12),
        "'Tidy' failed after 11.0 s with States.Runtime: path.",
        "'Work' in Each#1[0] failed after 6.0 s with Boom: bang. It was caught.",
    ),
    "a Choice without a match": (
        """
 1  0 ExecutionStarted          => -
 2  0 ChoiceStateEntered Which  => Which . 1
 3  2 ExecutionFailed error=States.NoChoiceMatched cause=none => -
""",
        ("Which", "States.NoChoiceMatched", "none", 3),
        "'Which' failed after 2.0 s with States.NoChoiceMatched: none.",
        None,
    ),
    "the machine's time-out after a caught error": (
        """
 1  0 ExecutionStarted                      => -
 2  0 TaskStateEntered  Ask                 => Ask . 1
 3  2 TaskScheduled     resource=invoke     => Ask . 1
 4  3 TaskFailed        error=Wrong cause=c => Ask . 1
 5  4 TaskStateExited   Ask                 => Ask . 1
 6  5 WaitStateEntered  Rest                => Rest . 1
 7  0 ExecutionTimedOut at=60               => -
""",
        ("Rest", "States.Timeout", None, 7),
        "The execution ran out of time in 'Rest' after 1 min 0.0 s with States.Timeout.",
        "'Ask' failed after 3.0 s with Wrong: c. It was caught.",
    ),
    "a Parallel in a Map": (
        """
 1  0 ExecutionStarted                        => -
 2  0 MapStateEntered      Each               => Each . 1
 3  2 MapStateStarted      length=2           => Each . 1
 4  3 MapIterationStarted  Each index=0       => Each Each#1[0] 1
 5  3 MapIterationStarted  Each index=1       => Each Each#1[1] 1
 6  4 ParallelStateEntered Fan                => Fan Each#1[0] 1
 7  5 ParallelStateEntered Fan                => Fan Each#1[1] 1
 8  6 ParallelStateStarted                    => Fan Each#1[0] 1
 9  7 ParallelStateStarted                    => Fan Each#1[1] 1
10  8 TaskStateEntered     Left               => Left Each#1[0]/Fan#1:Left 1
11  8 WaitStateEntered     Right              => Right Each#1[0]/Fan#1:Right 1
12  9 TaskStateEntered     Left               => Left Each#1[1]/Fan#1:Left 1
13  9 WaitStateEntered     Right              => Right Each#1[1]/Fan#1:Right 1
14 10 TaskScheduled        resource=invoke    => Left Each#1[0]/Fan#1:Left 1
15 12 TaskScheduled        resource=invoke    => Left Each#1[1]/Fan#1:Left 1
16 15 TaskFailed           error=Boom cause=x at=16 => Left Each#1[1]/Fan#1:Left 1
17 13 WaitStateAborted     at=17              => Right Each#1[1]/Fan#1:Right 1
18 16 ParallelStateFailed  at=17              => Fan Each#1[1] 1
19 18 MapIterationFailed   Each index=1 at=17 => Each Each#1[1] 1
20 14 TaskTimedOut         error=States.Timeout at=600 => Left Each#1[0]/Fan#1:Left 1
21 11 WaitStateAborted     at=600             => Right Each#1[0]/Fan#1:Right 1
22 20 ParallelStateAborted at=600             => Fan Each#1[0] 1
23 22 MapIterationAborted  Each index=0 at=600 => Each Each#1[0] 1
24 18 MapStateFailed       at=610             => Each . 1
25 24 ExecutionFailed      error=Boom cause=x at=610 => -
""",
        ("Left", "Boom", "x", 16),
        "'Left' in Each#1[1]/Fan#1:Left failed after 10 min 10.0 s with Boom: x.",
        None,
    ),
}


def read(name):
    events, places = handmade.read(ENDINGS[name][0])
    return history.events(events), places, events


@pytest.mark.parametrize("name", ENDINGS)
def test_a_summary_says_what_ended_the_execution(name):
    frame, places, _ = read(name)
    assert cells(frame, "state", "branch", "visit") == places
    total = history.summary(frame)
    _, expected, failure, earlier = ENDINGS[name]
    assert (total.failed_state, total.error, total.cause, total.failed_at) == expected
    assert (total.failure, total.earlier) == (failure, earlier)


@pytest.mark.parametrize("name", ENDINGS)
def test_every_face_begins_with_what_ended_it_and_then_tells_what_was_before(name, tmp_path):
    _, _, events = read(name)
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"events": events}))
    _, (*_, failed_at), failure, earlier = ENDINGS[name]
    shown = explore(path)
    faces = [
        CliRunner().invoke(main, ["why", str(path)]).output,
        repr(shown),
        shown.report(),
        shown._shown._header.value,
    ]
    for face in [face.replace("&#x27;", "'") for face in faces]:
        assert failure in face
        if earlier:
            assert face.index(failure) < face.lower().index("earlier") < face.index(earlier)
    assert shown._shown.position == failed_at
    assert "What ended it" in faces[2]


def test_a_parallel_in_a_map_belongs_to_its_own_iteration():
    entered = history.visits(read("a Parallel in a Map")[0])
    assert cells(entered, "state", "branch", "status", "error") == [
        ("Each", "", "failed", "Boom"),
        ("Fan", "Each#1[0]", "aborted", None),
        ("Fan", "Each#1[1]", "failed", "Boom"),
        ("Left", "Each#1[0]/Fan#1:Left", "timed_out", "States.Timeout"),
        ("Right", "Each#1[0]/Fan#1:Right", "aborted", None),
        ("Left", "Each#1[1]/Fan#1:Left", "failed", "Boom"),
        ("Right", "Each#1[1]/Fan#1:Right", "aborted", None),
    ]
    spans = dict(zip(zip(entered["state"], entered["branch"], strict=True), entered["duration"], strict=True))
    assert spans["Right", "Each#1[1]/Fan#1:Right"].total_seconds() == 5


def test_a_failure_that_a_map_caught_is_caught_at_every_depth():
    entered = history.visits(read("a Map's Catch, then a bad path")[0])
    assert cells(entered, "state", "status") == [("Each", "caught"), ("Work", "caught"), ("Tidy", "failed")]


@pytest.mark.parametrize("kind", ["TaskFailed", "TaskTimedOut"])
def test_a_task_that_failed_by_itself_is_not_aborted_by_its_siblings_end(kind):
    events, _ = handmade.read(f"""
 1 0 ExecutionStarted => -
 2 0 MapStateEntered Each => Each . 1
 3 2 MapStateStarted length=2 => Each . 1
 4 3 MapIterationStarted Each index=0 => Each Each#1[0] 1
 5 3 MapIterationStarted Each index=1 => Each Each#1[1] 1
 6 4 TaskStateEntered Work => Work Each#1[0] 1
 7 5 TaskStateEntered Work => Work Each#1[1] 1
 8 6 TaskScheduled resource=invoke => Work Each#1[0] 1
 9 7 TaskScheduled resource=invoke => Work Each#1[1] 1
10 8 {kind} error=First => Work Each#1[0] 1
11 9 {kind} error=Second => Work Each#1[1] 1
12 10 MapIterationFailed Each index=0 => Each Each#1[0] 1
13 11 MapIterationAborted Each index=1 => Each Each#1[1] 1
14 10 MapStateFailed => Each . 1
15 14 ExecutionFailed error=First => -
""")
    entered = history.visits(history.events(events))
    status = "failed" if kind == "TaskFailed" else "timed_out"
    assert cells(entered, "state", "status", "error")[1:] == [("Work", status, "First"), ("Work", status, "Second")]


def test_what_stopexecution_stopped_failed_in_no_state():
    events, _ = handmade.read(handmade.HISTORIES["stopped inside a Parallel inside a Map"])
    total = history.summary(history.events(events))
    assert (total.failed_state, total.error, total.cause) == (None, "Stopped", "enough")
    assert total.failure == (
        "The execution was stopped in 'Work' in Each#1[0]/Fan#1:Work after 12.0 s with Stopped: enough."
    )


def test_a_good_end_was_ended_by_nothing_and_a_running_one_has_not_ended():
    for name in ("two branches at once, with a Map in one of them", "a loop of an asking task, still running"):
        events, _ = handmade.read(handmade.HISTORIES[name])
        total = history.summary(history.events(events))
        assert (total.failure, total.failed_state, total.error, total.cause) == (None,) * 4


NESTED = {
    "ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:night:run",
    "Name": "run",
    "Status": "FAILED",
    "Error": "Late",
    "Cause": json.dumps({"errorMessage": "no paper", "errorType": "Late", "requestId": "r", "stackTrace": ["x"]}),
    "Input": "{}",
}


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (json.dumps({"errorMessage": "no\n paper", "errorType": "E", "stackTrace": []}), "no paper"),
        (json.dumps({"errorType": "Runtime.ExitError"}), "Runtime.ExitError"),
        (json.dumps(NESTED)[:-5], "the execution 'run' ended FAILED with Late: no paper"),
        (json.dumps(NESTED), "the execution 'run' ended FAILED with Late: no paper"),
        ("plain: {words}", "plain: {words}"),
        ("[" * 100_000, None),
    ],
)
def test_a_cause_that_is_json_becomes_a_sentence(cause, words):
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    events[5]["executionFailedEventDetails"]["cause"] = events[4]["taskFailedEventDetails"]["cause"] = cause
    failure = history.summary(history.events(events[:6])).failure
    if words is None:
        assert failure.endswith("[…")
    else:
        assert failure == f"'Load' failed after 5.0 s with Boom: {words}."


def test_a_redrive_is_called_a_redrive():
    events, _ = handmade.read(handmade.HISTORIES["a failed task, redriven"])
    frame = history.events(events)
    total = history.summary(frame)
    assert (total.failure, total.redrives) == (None, 1)
    assert total.earlier == "'Load' failed after 4.0 s with Boom: x. A redrive succeeded."
    assert "1 redrive" in repr(total)
    assert history.attempts(frame)["redrive"].tolist() == [0, 1]
    assert cells(history.polls(frame), "kind", "turn", "status") == [
        ("retry", 1, "failed"),
        ("redrive", 2, "succeeded"),
    ]


def test_several_executions_are_a_frame():
    frames = []
    for name in ("a Choice without a match", "a Parallel in a Map"):
        frames.append(read(name)[0].assign(execution=name))
    totals = history.summary(pd.concat(frames))
    assert totals["execution"].tolist() == ["a Choice without a match", "a Parallel in a Map"]
    assert totals["failed_state"].tolist() == ["Which", "Left"]
