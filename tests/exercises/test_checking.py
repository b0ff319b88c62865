"""What `check` says of answers that are missing, wrong, broken, or that never end."""

import sys
import uuid
from collections import Counter

import boto3
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

import helpers
from helpers import definition, errors, exercises
from helpers.exercises import checking, slips
from helpers.exercises.judges import EXERCISES, HINTS
from tests.exercises.answers import ANSWERS, in_cell
from tests.exercises.test_answers import OTHERS_WORDS


@pytest.fixture(autouse=True, scope="module")
def _here(lab):
    """Other tests may have connected elsewhere since."""
    helpers.connect()


@pytest.mark.parametrize("name", EXERCISES)
def test_three_dots_are_an_open_answer(name):
    verdict = exercises.check(name, ...)
    assert verdict.state == "open"
    assert "three dots" in verdict.sentence


def nested(depth):
    made = {"Type": "Pass", "End": True}
    for _ in range(depth):
        made = {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": made}}], "End": True}
    return {"StartAt": "A", "States": {"A": made}}


def in_circles():
    made = {"StartAt": "A", "States": {}}
    made["States"]["A"] = made
    return made


GARBAGE = [
    *(
        17.5,
        "nonsense",
        b"x",
        [],
        {},
        [[1]],
        set(),
        {("a",)},
        {1: 2},
        object(),
        int,
        1j,
        10**400,
        "x" * 100_000,
        "\x00",
    ),
    *(float("nan"), float("inf"), pd.NaT, pd.NA, pd.DataFrame(), pd.Series(dtype=float), pd.Timestamp(0), np.array(3)),
    *({"States": 3}, {"States": {}}, {"States": {"A": 3}}, {"Type": ["Pass"]}, nested(1500), in_circles()),
    {"StartAt": 5, "States": {"A": {"Type": 5, "Retry": [[]], "Choices": [{"And": [1]}]}}},
    {"Type": "Pass", "End": True, "Result": {1, 2}},
    {"Type": "Pass", "End": True, "QueryLanguage": "JSONata", "Output": "{% $x( %}"},
    pd.DataFrame({"city": [None], "dearest": [pd.NaT]}),
    lambda *given: 1 / 0,
    "def lambda_handler(event, context):\n    import os; os._exit(1)",
]


@pytest.mark.parametrize("name", EXERCISES)
def test_nonsense_is_answered_with_a_sentence(lab, name):
    about = next(answer.about for answer in ANSWERS if answer.exercise == name)
    for answer in GARBAGE:
        verdict = exercises.check(name, answer, about)
        assert verdict.state == "lacking"
        assert verdict.sentence.startswith("Not yet: ")
        assert not OTHERS_WORDS.search(verdict.sentence), verdict.sentence
        assert len(verdict.sentence) < 500


@pytest.fixture
def _no_hints_yet(monkeypatch):
    monkeypatch.setattr(checking, "GIVEN", Counter())


@pytest.mark.usefixtures("_no_hints_yet")
@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_three_hints_one_after_the_other(name):
    given = [exercises.hint(name).sentence for _ in range(4)]
    assert len(set(given[:3])) == 3
    assert [hint.partition(":")[0] for hint in given] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    assert max(map(len, given)) < 200


def test_hints_are_of_exercises():
    assert set(HINTS) == set(EXERCISES)


@pytest.mark.usefixtures("_no_hints_yet")
def test_a_miss_offers_the_next_hint_and_then_the_solution(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "06-not-ready-yet.ipynb").touch()
    assert exercises.check("06-round", ...).offer == ""
    asked = 'exercises.hint("06-round")'
    missed = exercises.check("06-round", {"Main"})
    assert missed.offer == f"For a hint run {asked}."
    assert f"<code>{asked}</code>" in missed._repr_html_()
    for _ in range(2):
        assert exercises.hint("06-round").offer == f"For another hint run {asked}."
    assert "solution" not in repr(exercises.check("06-round", {"Main"}))
    assert exercises.hint("06-round").offer == "The solution is in solutions/06-not-ready-yet.ipynb."
    missed = exercises.check("06-round", object())
    assert 'href="solutions/06-not-ready-yet.ipynb"' in missed._repr_html_()
    assert "solutions/06-not-ready-yet.ipynb" in repr(missed)
    assert exercises.check("06-round", {"WaitforInvocation", "CheckInvocationsStatus"}).offer == ""


@pytest.mark.usefixtures("_no_hints_yet")
def test_where_no_solution_lies_near_it_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        exercises.hint("06-round")
    assert exercises.check("06-round", 17).offer == "The solution is in the solved twin of this notebook."


def test_unknown_exercise_is_named_with_those_there_are():
    with pytest.raises(errors.UnknownName, match="00-longest"):
        exercises.check("12-nothing", 1)
    with pytest.raises(errors.UnknownName, match="00-longest"):
        exercises.check(["00-longest"], 1)


def test_a_machine_that_never_ends_is_stopped_and_its_loop_named(lab):
    mine = definition.load("recheck")
    mine["States"]["IsDone"]["Choices"][0]["StringEquals"] = "sucess"
    verdict = exercises.check("06-cure", mine)
    assert "does not end" in verdict.sentence
    assert all(state in verdict.sentence for state in ("AskJob", "IsDone", "Pause"))
    machines = lab.client("stepfunctions").list_state_machines(maxResults=1000)["stateMachines"]
    assert not [found["name"] for found in machines if found["name"].startswith(lab.name("exercise"))]


def test_a_machine_that_fails_elsewhere_is_told_where(lab):
    mine = definition.load("busy_wait")
    mine["States"]["WaitforInvocation"]["Seconds"] = 5
    mine["States"]["Final"] = {"Type": "Pass", "InputPath": "$.nowhere", "End": True}
    assert "in the state Final with the error States.Runtime: " in exercises.check("02-five-seconds", mine).sentence
    assert "$.nowhere" in exercises.check("02-five-seconds", mine).sentence
    mine["States"]["Final"] = {"Type": "Fail", "Error": "Enough"}
    assert "with the error Enough: no cause is given" in exercises.check("02-five-seconds", mine).sentence


def test_a_question_at_the_end_of_a_refusal_stays_one():
    wait = {"Type": "Wait", "End": True}
    asked = slips.refusal({"StartAt": "A", "States": {"A": {**wait, "Secnds": 5}}})
    assert asked.endswith('Did you mean "Seconds"?')
    assert slips.refusal({"StartAt": "B", "States": {"A": {**wait, "Seconds": 5}}}).endswith("there are: A.")


def test_a_definition_that_names_a_missing_state_is_told_which(lab):
    mine = definition.load("busy_wait")
    mine["States"]["Main"]["Next"] = "Nowhere"
    verdict = exercises.check("02-five-seconds", mine)
    assert "Nowhere" in verdict.sentence


def test_source_that_is_no_python_is_told_the_line(lab):
    verdict = exercises.check("01-ready", "def lambda_handler(event, context):\n    return (")
    assert "line 2" in verdict.sentence
    assert "'return ('" in verdict.sentence


def test_on_an_account_a_function_is_tried_on_the_sandbox_all_the_same(lab, monkeypatch):
    account = helpers.Lab("aws", boto3.Session(), lab.account, lab.identity, lab.prefix)  # without keys
    monkeypatch.setattr("helpers.lab.place._current", account)
    said = "return {'status': 'success' if event.get('ready') else 'running'}"
    source = f"def lambda_handler(event, context):\n    {said}"
    assert exercises.check("01-ready", f"{source}  # {uuid.uuid4()}").state == "solved"


def test_the_learners_own_exception_is_told_by_its_name(lab):
    def seconds_in(events, state):
        raise KeyError("duration")

    verdict = exercises.check("04-seconds-in", seconds_in)
    assert "raised KeyError" in verdict.sentence


def test_what_a_learner_wrote_is_escaped():
    verdict = exercises.Verdict("x", "lacking", "<script>alert(1)</script>")
    assert "<script>" not in verdict._repr_html_()


def test_a_worker_is_judged_the_same_every_time(lab):
    source = (
        "import json\ndef worker(states, message):\n"
        "    states.send_task_failure(taskToken=json.loads(message['Body'])['token'], error='CannotDo')\n"
    )
    assert {exercises.check("10-worker", in_cell(source, "worker")).state for _ in range(30)} == {"solved"}


def test_the_cell_of_a_function_is_taken_as_a_notebook_holds_it(lab, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # which a shell replaces
    shell = InteractiveShell()
    shell.run_cell(
        "class NotReady(Exception):\n    pass\n\ndef lambda_handler(event, context):\n"
        "    if not event.get('ready'):\n        raise NotReady\n    return {'status': 'success'}\n\n"
        "mine = lambda_handler\nprint('defined')"
    )
    assert exercises.check("01-not-ready", shell.user_ns["mine"]).state == "solved"


def test_nothing_is_left_of_a_trial(lab):
    exercises.check("08-polite", definition.load("careful"))
    functions = lab.client("lambda").list_functions(MaxItems=1000)["Functions"]
    machines = lab.client("stepfunctions").list_state_machines(maxResults=1000)["stateMachines"]
    groups = lab.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{lab.name('exercise')}")
    names = [found["FunctionName"] for found in functions] + [found["name"] for found in machines]
    assert not [name for name in names if name.startswith(lab.name("exercise"))]
    assert groups["logGroups"] == []


@pytest.mark.parametrize(
    ("name", "label", "untrue"),
    [("00-outside", "a mask", "the only one"), ("03-retry", "2 s apart", "BackoffRate")],
)
def test_advice_that_is_not_true_of_an_answer_is_not_given(lab, name, label, untrue):
    answer = next(one for one in ANSWERS if (one.exercise, one.label) == (name, label))
    assert untrue not in exercises.check(name, answer.value, answer.about).sentence
