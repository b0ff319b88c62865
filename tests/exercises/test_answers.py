"""Each answer of the table is judged as it is marked, in words that help."""

import re

import pytest

import helpers
from helpers import exercises
from helpers.exercises.judges import EXERCISES
from tests.exercises.answers import ANSWERS, Answer

# What parsers, pandas, numpy and Python say of their own affairs.
OTHERS_WORDS = re.compile(
    r"\bnan\b|\bNaT\b|None:|\bdtype|truth value|ambiguous|mismatched|expecting|viable|OrderedDict|<class|serializable"
    r"|indices must be|not subscriptable|unhashable|was never closed|invalid syntax|expected '|Expected \"|Expecting"
    r"|Parse error|positional argument|Parameter validation|botocore|moto|Traceback"
)


@pytest.fixture(autouse=True, scope="module")
def _here(lab):
    """Other tests may have connected elsewhere since."""
    helpers.connect()


def test_table_is_of_some_size_and_covers_every_exercise():
    assert len(ANSWERS) >= 300
    assert len({str(answer) for answer in ANSWERS}) == len(ANSWERS)
    for name in EXERCISES:
        marks = [answer.mark for answer in ANSWERS if answer.exercise == name]
        assert marks.count("right") >= 2, name
        assert marks.count("wrong") >= 6, name


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_answer_is_judged_as_it_is_marked(lab, answer: Answer):
    verdict = exercises.check(answer.exercise, answer.value, answer.about)
    assert verdict.state == ("lacking" if answer.mark == "wrong" else "solved"), verdict.sentence
    assert answer.words in verdict.sentence
    assert not OTHERS_WORDS.search(verdict.sentence), verdict.sentence
