"""The questions that a learner guesses at before a cell shows the answer; a guess is kept with the progress."""

import math
from typing import Any

from helpers.errors import UnknownName
from helpers.exercises import learner
from helpers.exercises.slips import Lacking, number_slip, shown
from helpers.exercises.verdict import Verdict

__all__ = ["predict", "predicted"]

# By name what is guessed at: a unit, where the guess is a number, or the choices that there are.
PREDICTIONS: dict[str, str | tuple[str, ...]] = {
    "00-three": ("two seconds", "six seconds"),
    "01-log": ("fails", "works"),
    "01-raised": ("raises", "answers"),
    "02-waits": "seconds",
    "03-answered": ("before", "after"),
    "03-attempts": "attempts",
    "04-events": "events",
    "05-forgotten": ("an error", "a text"),
    "05-order": ("kept", "lost"),
    "06-turns": "turns",
    "06-hours": "hours",
    "07-polls": "polls",
    "08-attempts": "attempts",
    "09-transitions": "transitions",
    "09-wrong": ("FAILED", "SUCCEEDED", "TIMED_OUT"),
    "10-events": "events",
    "11-delay": "seconds",
    "11-way": ("recheck", "wait_first", "bounded", "retry_polling"),
    "12-bills": "bills",
    "12-query": ("running", "cancelled"),
    "13-shipped": "orders",
    "13-hasty": ("SUCCEEDED", "FAILED", "TIMED_OUT"),
    "14-orders": "seconds",
}
CLOSE = 0.05  # a guess that is off by no more, as a part of what came, is right


def predict(name: str, guess: Any = ...) -> Verdict:
    """Keep the learner's guess, a number or one of the question's choices, until `predicted` asks for it.

    Three dots, or nothing, mean that there is none yet; a later guess takes the place of an earlier one. Raises
    UnknownName, with the names there are, for a question that does not exist.
    """
    asked = _asked(name)
    wanted = f"a number of {asked}" if isinstance(asked, str) else f"one of {', '.join(map(repr, asked))}"
    if guess is ... or guess is None:
        before = _before(name)
        again = f" Until now you predict {_said(name, before)}." if before is not None else ""
        return Verdict(name, "open", f"Your prediction: put {wanted} in the place of the three dots.{again}")
    try:
        chosen = _number(guess) if isinstance(asked, str) else _choice(guess, asked)
    except Lacking as lacking:
        return Verdict(name, "lacking", f"Not yet: {lacking} A prediction here is {wanted}.")
    if not learner.keep("predicted", name, chosen):
        return Verdict(name, "lacking", f"{learner.file().absolute()} cannot be written, so remember it yourself.")
    return Verdict(name, "solved", f"You predict {_said(name, chosen)}. We shall see.")


def predicted(name: str, came: Any) -> Verdict:
    """What was predicted, beside what `came`: a number, a choice, or None for never.

    Raises UnknownName as `predict` does.
    """
    came = "never" if came is None else came
    guess, came_out = _before(name), _said(name, came)
    if guess is None:
        return Verdict(name, "open", f"The answer is: {came_out}. You predicted nothing this time.")
    same = guess == came
    if isinstance(guess, float) and not isinstance(came, str):
        same = math.isclose(guess, came, rel_tol=CLOSE)
    if same:
        return Verdict(name, "solved", f"You predicted {_said(name, guess)}, and the answer is: {came_out}.")
    return Verdict(name, "lacking", f"You predicted {_said(name, guess)}; the answer is: {came_out}.")


def _number(guess: Any) -> float | str:
    """The guess; nobody is invited to say `never`, but whoever does may."""
    if isinstance(guess, str) and guess.strip().lower() == "never":
        return "never"
    if slip := number_slip(guess):
        raise Lacking(slip)
    if guess < 0:
        raise Lacking(f"{shown(guess)} is less than nothing.")
    return "never" if guess > 1e12 else float(guess)


def _choice(guess: Any, choices: tuple[str, ...]) -> str:
    for choice in choices:
        if isinstance(guess, str) and guess.strip().lower() == choice.lower():
            return choice
    raise Lacking("that is none of the choices.")


def _asked(name: str) -> str | tuple[str, ...]:
    if name not in PREDICTIONS:
        raise UnknownName(f"There is nothing to predict named {name!r}; there are: {', '.join(PREDICTIONS)}.")
    return PREDICTIONS[name]


def _before(name: str) -> float | str | None:
    """The guess that was kept; what nobody can have guessed was written by somebody else, and counts for nothing."""
    asked, guess = _asked(name), learner.kept()["predicted"].get(name)
    if isinstance(asked, tuple):
        return guess if guess in asked else None
    return guess if guess == "never" or type(guess) is float else None


def _said(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    unit = str(_asked(name))
    return f"{float(value):g} {unit.removesuffix('s') if value == 1 else unit}"
