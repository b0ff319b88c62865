"""Checking an answer: the same three outcomes for every exercise, and never an exception."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers import definition
from helpers.errors import DefinitionInvalid, LabError, UnknownName
from helpers.exercises import learner
from helpers.exercises.judges import EXERCISES
from helpers.exercises.slips import Lacking, definition_slip
from helpers.exercises.verdict import Verdict

__all__ = ["check", "hint"]

DOTS = re.compile(r":\s*\.\.\.")
GIVEN: Counter[str] = Counter()  # how many hints were given, by exercise


def check(exercise: str, answer: Any = ..., about: Any = None) -> Verdict:
    """Say whether `answer` solves the exercise, and if not, what it lacks.

    `exercise` is its name as the notebook gives it; `answer` what the learner made: a number, a name, a
    function, a frame, a definition (dict, or the editor that holds it). Three dots mean that there is none yet.
    `about` is what the question is about, where it is about something of the learner's own, such as a frame of events.
    What a learner made is run, for at most 15 seconds each time, and what that started is stopped and removed again.

    Raises UnknownName, with the names there are, for an exercise that does not exist.
    """
    one = _found(exercise)
    typed = getattr(answer, "text", None)  # an editor's
    if answer is ... or answer is None or (isinstance(typed, str) and DOTS.search(typed)):
        return Verdict(exercise, "open", "Still open: put your answer in the place of the three dots and run the cell.")
    try:
        if isinstance(typed, str):
            answer = _standing(typed)
        one.judge(answer, about)
    except (Lacking, LabError) as error:
        return Verdict(exercise, "lacking", f"Not yet: {definition_slip(answer) or error}", _offer(exercise))
    except Exception:  # an answer of a kind that nobody foresaw is still one to be answered, not a traceback
        why = f"Not yet: this {type(answer).__name__} cannot be an answer here."
        return Verdict(exercise, "lacking", why, _offer(exercise))
    if exercise not in learner.kept()["solved"]:
        learner.keep("solved", exercise, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return Verdict(exercise, "solved", one.praise)


def hint(exercise: str) -> Verdict:
    """The exercise's next hint; when all were given, the last one again. Raises UnknownName as `check` does."""
    hints = _found(exercise).hints
    GIVEN[exercise] = min(GIVEN[exercise] + 1, len(hints))
    number = GIVEN[exercise]
    return Verdict(exercise, "open", f"Hint {number} of {len(hints)}: {hints[number - 1]}", _offer(exercise))


def _offer(exercise: str) -> str:
    """What helps next: a hint, or, when all of them were given, the solution."""
    if (given := GIVEN[exercise]) < len(_found(exercise).hints):
        return f'For {"another" if given else "a"} hint run exercises.hint("{exercise}").'
    twins = sorted(Path("solutions").glob(f"{exercise[:2]}-*.ipynb"))
    return f"The solution is in {twins[0].as_posix() if twins else 'the solved twin of this notebook'}."


def _standing(text: str) -> dict[str, Any]:
    """The definition in an editor's text; raises Lacking where it is no JSON, and DefinitionInvalid."""
    try:
        return definition.parse(text)
    except DefinitionInvalid as error:
        if error.line is None:
            raise
        raise Lacking(f"what stands in the editor is no JSON yet: look at line {error.line}, or just above.") from None


def _found(exercise: str) -> Any:
    if not isinstance(exercise, str) or exercise not in EXERCISES:
        raise UnknownName(f"There is no exercise named {exercise!r}; there are: {', '.join(EXERCISES)}.")
    return EXERCISES[exercise]
