"""The states that call nobody: Pass, Choice, Wait, Succeed and Fail; and what every state has."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.definition.syntax import is_jsonata
from helpers.engine import expressions, paths, rules, templates
from helpers.engine.failures import QUERY_EVALUATION, RUNTIME, StateFailed
from helpers.engine.handling import Exit
from helpers.engine.paths import Evaluated
from helpers.engine.scheduler import SECOND, Walk, counted
from helpers.engine.text import moment, text_of

if TYPE_CHECKING:
    from helpers.engine.execution import Frame
    from helpers.engine.scope import Scope

__all__ = ["Choice", "Fail", "Pass", "State", "Succeed", "Wait", "number"]

LONGEST = 10**10  # seconds: no execution waits so long


class State:
    """A state of a machine, compiled: it holds nothing of any execution, so that all of them share it.

    A state that `waits` has `work`, a generator; any other has `pass_through`. Both write that the state is left and
    return the next state's name, None at the end.
    """

    waits: ClassVar[bool] = False
    retriable: ClassVar[bool] = False

    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        self.name, self.type, self.jsonata = name, body["Type"], jsonata
        self.next: str | None = body.get("Next")
        self.entering, self.exiting = f"{self.type}StateEntered", f"{self.type}StateExited"
        self.aborting: str | None = f"{self.type}StateAborted" if self.waits else None
        self.assign = templates.of(body, "Assign", jsonata)
        self.output = templates.of(body, "Output", jsonata)
        self.input_path, self.output_path = (_filter(body, field) for field in ("InputPath", "OutputPath"))
        self.result_path: Callable[[Any, Any], Any] | None = None
        if body.get("ResultPath", "$") != "$":
            self.result_path = paths.placed(body["ResultPath"])

    def pass_through(self, frame: Frame) -> str | None:
        raise NotImplementedError

    def work(self, frame: Frame) -> Walk:
        raise NotImplementedError

    def taken(self, frame: Frame) -> Any:
        """The state's input as it takes it: what InputPath leaves of it."""
        return self.input_path(frame.evaluation(frame.data)) if self.input_path else frame.data

    def evaluation(self, frame: Frame, data: Any) -> Scope:
        """What the state's expressions see while it has no result."""
        return frame.evaluation(data, {"input": frame.data} if self.jsonata else None)

    def given(
        self, frame: Frame, result: Any, states: dict[str, Any] | None = None, shaped: Any = None
    ) -> tuple[Any, dict[str, Any] | None]:
        """The state's output and the variables that it sets, of its result (and what ResultSelector `shaped` of it)."""
        shaped = result if shaped is None else shaped
        states = {"input": frame.data} if self.jsonata and states is None else states
        assigned = self.assign(frame.evaluation(result, states)) if self.assign else None
        if self.jsonata:
            return (self.output(frame.evaluation(None, states)) if self.output else result), assigned
        output = self.result_path(frame.data, shaped) if self.result_path else shaped
        return (self.output_path(frame.evaluation(output)) if self.output_path else output), assigned


def _filter(body: dict[str, Any], field: str) -> Evaluated | None:
    path = body.get(field, "$")
    return None if path == "$" else paths.filtered(path, field)


class Pass(State):
    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        super().__init__(name, body, jsonata)
        self._has_result, self._result = "Result" in body, body.get("Result")
        self._parameters = templates.of(body, "Parameters", jsonata)

    def pass_through(self, frame: Frame) -> str | None:
        data = self.taken(frame)
        if self._parameters:
            data = self._parameters(frame.evaluation(data))
        if self._has_result:
            data = self._result
        frame.leave(self, *self.given(frame, data))
        return self.next


class Succeed(State):
    def pass_through(self, frame: Frame) -> None:
        frame.leave(self, *self.given(frame, self.taken(frame)))


class Choice(State):
    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        super().__init__(name, body, jsonata)
        choices = enumerate(body["Choices"])
        self._rules = [(rules.rule(one, at), Exit(one, f"Choices[{at}]/", jsonata)) for at, one in choices]
        self.next = body.get("Default")

    def pass_through(self, frame: Frame) -> str | None:
        data = self.taken(frame)
        scope = self.evaluation(frame, data)
        chosen = next((chosen for holds, chosen in self._rules if holds(scope)), None)
        if chosen is None:
            if self.next is None:
                cause = "Failed to transition out of the state. The state does not point to a next state."
                raise StateFailed(RUNTIME, cause)  # AWS documents States.NoChoiceMatched, and says this
            frame.leave(self, *self.given(frame, data))
            return self.next
        assigned = chosen.assign(scope) if chosen.assign else None
        output = chosen.output(scope) if chosen.output else data
        frame.leave(self, self.output_path(frame.evaluation(output)) if self.output_path else output, assigned)
        return chosen.next


class Wait(State):
    waits = True

    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        super().__init__(name, body, jsonata)
        self._field = next(one for one in ("Seconds", "SecondsPath", "Timestamp", "TimestampPath") if one in body)
        value = self._text = body[self._field]
        kind = "number" if self._field == "Seconds" else "string"
        self._value: Evaluated | None = None
        if jsonata and is_jsonata(value):
            self._value = expressions.typed(value, self._field, kind)
        elif self._field.endswith("Path"):
            cause = f"The {self._field} parameter does not reference an input value: {value}"
            self._value = paths.failing(value, lambda error: StateFailed(RUNTIME, cause))

    def work(self, frame: Frame) -> Walk:
        data = self.taken(frame)
        value = self._value(self.evaluation(frame, data)) if self._value else self._text
        now = frame.execution.scheduler.now
        yield from frame.sleep_until(self._until(value, now))
        frame.leave(self, *self.given(frame, data))
        return self.next

    def _until(self, value: Any, now: int) -> int:
        shown = f"{self._text} == {value if isinstance(value, str) else text_of(value)}"
        if self._field.startswith("Seconds"):
            if not isinstance(value, int) or isinstance(value, bool):
                said = "cannot be parsed as a long value"
            elif value >= 0:
                return now + min(value, LONGEST) * SECOND
            else:
                said = "references a negative value"
        else:
            when = moment(value) if isinstance(value, str) else None
            if when is not None:
                return counted(when)
            said = "does not reference a valid ISO-8601 extended offset date-time format string"
        error, location = (QUERY_EVALUATION, self._field) if self.jsonata else (RUNTIME, None)
        raise StateFailed(error, f"The {self._field} parameter {said}: {shown}", location)


class Fail(State):
    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        super().__init__(name, body, jsonata)
        self._error, self._cause = (_words(body, field, jsonata) for field in ("Error", "Cause"))

    def pass_through(self, frame: Frame) -> str | None:
        scope = self.evaluation(frame, self.taken(frame))
        failure = StateFailed(self._error(scope), self._cause(scope))
        failure.located = True
        raise failure


def _words(body: dict[str, Any], field: str, jsonata: bool) -> Evaluated:
    """The Error or the Cause of a Fail state: a text, or what a path, an intrinsic or an expression gives."""
    if jsonata:
        value = body.get(field)
        return expressions.typed(value, field, "string") if is_jsonata(value) else lambda scope: value
    path = body.get(f"{field}Path")
    if path is None:
        return lambda scope: body.get(field)
    select = templates.sampled(path, f"{field}Path")

    def word(scope: Scope) -> Any:
        value = select(scope)
        if not isinstance(value, str):
            shown = text_of(value)
            said = f'The {field}Path field refers to value "{shown}" which is not a valid string: {path}'
            raise StateFailed(RUNTIME, said)
        return value

    return word


def number(
    body: dict[str, Any], field: str, jsonata: bool, kind: type = int, least: float = 0, most: float = math.inf
) -> Evaluated:
    """A number of a state's field: as it stands, or as a path or an expression gives it; it gives None without one.

    The function raises where what it finds is no whole number (of the kind float: no number), or out of range.
    """
    path, written = body.get(f"{field}Path"), body.get(field)  # type: str | None, Any
    if path is None and not (jsonata and is_jsonata(written)):
        return lambda scope: written
    select = expressions.typed(written, field, "number") if path is None else paths.filtered(path, f"{field}Path")
    wanted, name = (int, "integer") if kind is int else (int | float, "float")

    def found(scope: Scope) -> Any:
        value = select(scope)
        fits = isinstance(value, wanted) and not isinstance(value, bool)
        if fits and least <= value <= most:
            return value
        shown = value if isinstance(value, str) else text_of(value)
        if path is None:
            raise expressions.failed(written, field, f"returned a value that is out of range: {shown}")
        said = f'The {field}Path field refers to value "{shown}" which is not a valid {name}: {path}'
        if fits:
            wrong = "cannot be negative." if most == math.inf else f"must be between {least} and {most}."
            said = f"{field} {f'must be a positive integer, but was {shown}: {path}' if least else wrong}"
        raise StateFailed(RUNTIME, said)

    return found
