"""Checking an answer: the same three outcomes for every exercise, and never an exception."""

from datetime import UTC, datetime
from typing import Any

from helpers.errors import LabError, UnknownName
from helpers.exercises import progress
from helpers.exercises.lessons import EXERCISES
from helpers.exercises.slips import Lacking, definition_slip
from helpers.exercises.verdict import Verdict

__all__ = ["check", "hint"]


def check(exercise: str, answer: Any = ..., about: Any = None) -> Verdict:
    """Say whether `answer` solves the exercise, and if not, what it lacks.

    `exercise` is its name as the notebook gives it; `answer` what the learner made: a number, a name, a
    function, a frame, a definition (dict). Three dots mean that there is none yet. `about` is what the
    question is about, where it is about something of the learner's own, such as a frame of events.
    What a learner made is run, for at most 15 seconds each time, and what that started is stopped and removed again.

    Raises UnknownName, with the names there are, for an exercise that does not exist.
    """
    one = _found(exercise)
    if answer is ... or answer is None:
        return Verdict(exercise, "open", "Still open: put your answer in the place of the three dots and run the cell.")
    try:
        one.judge(answer, about)
    except (Lacking, LabError) as error:
        return Verdict(exercise, "lacking", f"Not yet: {definition_slip(answer) or error}")
    except Exception:  # an answer of a kind that nobody foresaw is still one to be answered, not a traceback
        return Verdict(exercise, "lacking", f"Not yet: this {type(answer).__name__} cannot be an answer here.")
    if exercise not in progress.kept()["solved"]:
        progress.keep("solved", exercise, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return Verdict(exercise, "solved", one.praise)


def hint(exercise: str) -> Verdict:
    """A hint for the exercise. Raises UnknownName, with the names there are."""
    return Verdict(exercise, "open", f"A hint: {_found(exercise).hint}")


def _found(exercise: str) -> Any:
    if exercise not in EXERCISES:
        raise UnknownName(f"There is no exercise named {exercise!r}; there are: {', '.join(EXERCISES)}.")
    return EXERCISES[exercise]
