"""A prediction is kept, a bad one gets a sentence, and what comes is said beside it."""

import numpy as np
import pandas as pd
import pytest

from helpers import errors, exercises
from helpers.exercises import learner, predictions
from tests.exercises.test_answers import OTHERS_WORDS
from tests.exercises.test_checking import GARBAGE


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setitem(predictions.PREDICTIONS, "one", ("sooner", "later"))
    monkeypatch.setenv("LAB_PROGRESS_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("guess", "kept"), [(5, "5 turns"), (np.int64(6), "6 turns"), (0, "0 turns"), (1, "1 turn"), (2.5, "2.5")]
)
def test_a_number_is_kept_and_said_beside_what_came(guess, kept):
    assert exercises.predict("06-turns", guess).state == "solved"
    assert kept in exercises.predict("06-turns", ...).sentence
    assert exercises.predicted("06-turns", None).sentence.startswith(f"You predicted {kept}")
    assert "1 turns" not in exercises.predicted("06-turns", None).sentence
    assert exercises.predicted("06-turns", None).state == "lacking"
    assert exercises.predicted("06-turns", guess).state == "solved"


@pytest.mark.parametrize("guess", ["never", " Never ", 1e30, 10**40])
def test_whoever_foresees_that_it_never_comes_is_right(guess):
    assert exercises.predict("06-turns", guess).state == "solved"
    assert exercises.predicted("06-turns", None).sentence == "You predicted never, and the answer is: never."


def test_a_guess_that_is_close_is_right_and_a_later_one_takes_its_place():
    exercises.predict("06-hours", 9)
    exercises.predict("06-hours", 3.4)
    assert exercises.predicted("06-hours", np.float64(3.5)).state == "solved"
    assert exercises.predicted("06-hours", 4).state == "lacking"


def test_a_choice_is_kept():
    assert "'sooner', 'later'" in exercises.predict("one", ...).sentence
    assert exercises.predict("one", "Later ").state == "solved"
    assert exercises.predicted("one", "later").sentence == "You predicted later, and the answer is: later."


def test_nothing_predicted_is_said_gently():
    assert exercises.predicted("06-turns", 3).state == "open"
    assert exercises.predicted("06-turns", 3).sentence == "The answer is: 3 turns. You predicted nothing this time."


@pytest.mark.parametrize("name", ["06-turns", "one"])
def test_nonsense_gets_a_sentence_and_is_not_kept(name):
    numbers = (17.5, 10**400, float("inf"))
    wrong = [*GARBAGE, "five", "5", -1, True, pd.Series([5]), ["later"]]
    for guess in wrong:
        if name == "06-turns" and isinstance(guess, int | float) and guess in numbers:
            continue
        verdict = exercises.predict(name, guess)
        assert verdict.state == "lacking", guess
        assert verdict.sentence.startswith("Not yet: ")
        assert not OTHERS_WORDS.search(verdict.sentence), verdict.sentence
        assert len(verdict.sentence) < 300
    assert learner.kept()["predicted"] == {}


def test_an_unknown_question_is_named_with_those_there_are():
    for ask in (exercises.predict, exercises.predicted):
        with pytest.raises(errors.UnknownName, match="06-turns"):
            ask("06-nothing", 1)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_PROGRESS_DIR", str(tmp_path / "file" / "below"))
    assert "cannot be written" in exercises.predict("06-turns", 5).sentence


@pytest.mark.parametrize("text", ["", "[]", '{"predicted": [1]}', '{"predicted": {"06-turns": {"a": 1}}}', "\x00{"])
def test_a_broken_file_counts_as_none(text):
    learner.file().write_text(text, encoding="utf-8")
    assert exercises.predicted("06-turns", 3).state == "open"
    assert exercises.predict("06-turns", 3).state == "solved"
    assert exercises.predicted("06-turns", 3).state == "solved"


def test_without_a_setting_the_file_lies_beside_the_notebook(tmp_path, monkeypatch):
    monkeypatch.delenv("LAB_PROGRESS_DIR")
    monkeypatch.chdir(tmp_path)
    exercises.predict("06-turns", 5)
    assert (tmp_path / ".progress.json").exists()
