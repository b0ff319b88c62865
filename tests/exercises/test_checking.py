"""What `check` says of answers that are missing, wrong, broken, or that never end."""

import pytest

import helpers
from helpers import definition, errors, execution, exercises
from helpers.exercises.lessons import EXERCISES


@pytest.fixture(autouse=True, scope="module")
def _here(lab):
    """Other tests may have connected elsewhere since."""
    helpers.connect()


@pytest.mark.parametrize("name", EXERCISES)
def test_three_dots_are_an_open_answer(name):
    verdict = exercises.check(name, ...)
    assert verdict.state == "open"
    assert "three dots" in verdict.sentence


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("answer", [17, "nonsense", [], {"States": 3}, object()], ids=str)
def test_nonsense_is_answered_with_a_sentence(lab, name, answer):
    verdict = exercises.check(name, answer)
    assert verdict.state == "lacking"
    assert verdict.sentence.startswith("Not yet: ")
    assert "Traceback" not in verdict.sentence


@pytest.mark.parametrize("name", EXERCISES)
def test_there_is_a_hint(name):
    assert exercises.hint(name).sentence.startswith("A hint: ")


def test_unknown_exercise_is_named_with_those_there_are():
    with pytest.raises(errors.UnknownName, match="00-longest"):
        exercises.check("12-nothing", 1)


def test_a_machine_that_never_ends_is_stopped_and_its_loop_named(lab):
    mine = definition.load("recheck")
    mine["States"]["IsDone"]["Choices"][0]["StringEquals"] = "sucess"
    verdict = exercises.check("06-cure", mine)
    assert "does not end" in verdict.sentence
    assert all(state in verdict.sentence for state in ("AskJob", "IsDone", "Pause"))
    machine = f"arn:aws:states:{lab.region}:{lab.account}:stateMachine:{lab.name('exercise')}"
    with pytest.raises(errors.NotFound):
        list(execution.executions(machine, lab=lab))


def test_a_machine_that_fails_elsewhere_is_told_where(lab):
    mine = definition.load("busy_wait")
    mine["States"]["WaitforInvocation"]["Seconds"] = 5
    mine["States"]["Final"] = {"Type": "Pass", "InputPath": "$.nowhere", "End": True}
    verdict = exercises.check("02-five-seconds", mine)
    assert "in the state Final" in verdict.sentence


def test_a_definition_that_names_a_missing_state_is_told_which(lab):
    mine = definition.load("busy_wait")
    mine["States"]["Main"]["Next"] = "Nowhere"
    verdict = exercises.check("02-five-seconds", mine)
    assert "Nowhere" in verdict.sentence


def test_source_that_is_no_python_is_told_the_line(lab):
    verdict = exercises.check("01-ready", "def lambda_handler(event, context):\n    return (")
    assert "line 2" in verdict.sentence


def test_the_learners_own_exception_is_told_by_its_name(lab):
    def seconds_in(events, state):
        raise KeyError("duration")

    verdict = exercises.check("04-seconds-in", seconds_in)
    assert "raised KeyError" in verdict.sentence


def test_what_a_learner_wrote_is_escaped():
    verdict = exercises.Verdict("x", "lacking", "<script>alert(1)</script>")
    assert "<script>" not in verdict._repr_html_()
