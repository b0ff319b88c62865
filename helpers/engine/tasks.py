"""Task states: what they call, how the answer comes, and what is written of it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.definition.syntax import is_jsonata
from helpers.engine import expressions, templates
from helpers.engine.failures import DATA_LIMIT, HEARTBEAT_TIMEOUT, QUERY_EVALUATION, RUNTIME, TIMEOUT, StateFailed, matches
from helpers.engine.handling import Catcher, Retrier
from helpers.engine.scheduler import SECOND, Walk
from helpers.engine.paths import Evaluated
from helpers.engine.states import State, number_at
from helpers.engine.text import data_of, exceeds, text_of
from helpers.errors import AnswerInvalid

if TYPE_CHECKING:
    from helpers.engine.execution import Frame

__all__ = ["NEVER", "Answer", "Call", "Handled", "Never", "Task", "TaskFailed", "outside"]

WHOLE: Any = {"truncated": False}
# TimeoutSeconds of a task that has none: nobody's deadline. Amazon States Language, "Task State".
FOREVER = 99_999_999


class TaskFailed(Exception):
    """What a task ends with instead of a result, after so many seconds."""

    def __init__(self, error: str | None, cause: str | None = "", seconds: float = 0.0) -> None:
        super().__init__(error, cause)
        self.error, self.cause, self.seconds = error, cause, seconds


@dataclass(frozen=True)
class Answer:
    """A task's result, `seconds` after it was scheduled; it starts after `started` seconds.

    `submitted` is what the service said at once to a task that waits for more (`.sync`, a task token).
    """

    value: Any = None
    seconds: float = 0.0
    submitted: Any = field(default_factory=dict)
    started: float = 0.0


class Never:
    """No answer ever: the task waits for its time-out."""

    def __repr__(self) -> str:
        return "NEVER"


NEVER = Never()


class Call:
    """One attempt of a task, or the reading or writing of a Map: what is asked for, and where the answer goes.

    `kind` is `task`, `read` or `write`. Whoever answers calls `start`, `submit`, `succeed` or `fail`; whoever holds
    the task token `heartbeat`, `succeed_by_token` or `fail_by_token`, which count after `submit`. After the end
    (`open` is false) nothing counts any more: `on_closed` is called, and before it `on_abandoned` where there was no
    answer.
    """

    def __init__(self, frame: Frame, kind: str, resource: str, text: str, **details: Any) -> None:
        self.frame, self.execution = frame, frame.execution
        self.kind, self.resource, self.text = kind, resource, text
        self.state, self.branch = frame.state, frame.branch
        self.visit, self.attempt = frame.counts[frame.state], (frame.retries or 0) + 1
        self.token = frame.token
        self.credentials: Any = details.get("credentials")
        self.config: dict[str, Any] = details.get("config", {})  # a reader's or writer's
        self.results: list[dict[str, Any]] = details.get("results", [])  # what is to be written
        self.waits: bool = details.get("waits", False)  # for more than the first answer
        self.map_run: Any = details.get("map_run")
        self.open = True
        self.submitted = not self.waits
        self.answered = False
        self.on_abandoned: Callable[[], Any] | None = None
        self.on_closed: Callable[[], Any] | None = None
        self.messages: deque[tuple[str, Any]] = deque()
        self._held: list[tuple[str, Any]] = []

    @property
    def parameters(self) -> Any:
        """What AWS records as the task's parameters; for a plain ARN or an activity its input."""
        return data_of(self.text)

    @property
    def time(self) -> datetime:
        """Now, by the execution's clock."""
        return self.execution.scheduler.stamp

    def start(self, worker: str | None = None) -> None:
        """Say that the work has begun."""
        self._post("started", worker)

    def submit(self, value: Any) -> None:
        """Say what the service answered at once, to a task that waits for more."""
        self.submitted = True
        self._post("submitted", self._json(value))
        for message in self._held:
            self._post(*message)

    def succeed(self, value: Any) -> None:
        """End with a result."""
        self._post("succeeded", self._json(value))

    def fail(self, error: str | None, cause: str | None = None) -> None:
        """End with an error."""
        self._post("failed", (error, cause))

    def heartbeat(self) -> None:
        """Say that the work goes on."""
        self._post("heartbeat", None)

    def succeed_by_token(self, text: str) -> None:
        """End with a result, given by whoever holds the task token."""
        self._by_token(("succeeded", (data_of(text), text)))

    def fail_by_token(self, error: str | None, cause: str | None) -> None:
        """End with an error, given by whoever holds the task token."""
        self._by_token(("failed", (error, cause)))

    def answer(self, answer: Any) -> None:
        """Give the whole answer at once: a value, an `Answer`, NEVER or a TaskFailed; it arrives when it says."""
        if isinstance(answer, Never):
            self.start()
            return
        if isinstance(answer, TaskFailed):
            self.start()
            self._later(answer.seconds, partial(self.fail, answer.error, answer.cause))
            return
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        if not (0 <= answer.started and 0 <= answer.seconds < 10**10):
            raise AnswerInvalid(f"The answer of {self.state!r} needs seconds of 0 or more: {answer!r:.200}")
        self._later(answer.started, self.start)
        if self.waits:
            self._later(answer.started, partial(self.submit, answer.submitted))
        self._json(answer.value)
        self._later(max(answer.seconds, answer.started), partial(self.succeed, answer.value))

    def close(self, abandoned: bool) -> None:
        """Take no more messages."""
        self.open = False
        if abandoned and self.on_abandoned:
            self.on_abandoned()
        if self.on_closed:
            self.on_closed()

    def _later(self, seconds: float, action: Callable[[], Any]) -> None:
        if seconds > 0:
            self.execution.scheduler.after(seconds, action)
        else:
            action()

    def _by_token(self, message: tuple[str, Any]) -> None:
        self.answered = True
        if self.submitted:
            self._post(*message)
        else:
            self._held.append(message)

    def _post(self, what: str, value: Any) -> None:
        if self.open:
            self.messages.append((what, value))
            self.frame.process.wake()

    def _json(self, value: Any) -> tuple[Any, str]:
        try:
            text = text_of(value)
            return data_of(text), text
        except (TypeError, ValueError, RecursionError) as error:
            said = f"The answer of {self.state!r} is no JSON ({error}): answer with dicts, lists, texts and numbers"
            raise AnswerInvalid(said) from None


class Handled(State):
    """A state with Retry and Catch: Task, Parallel and Map. `attempt` is what they are about.

    An attempt is a generator that returns the state's output and the variables that it sets.
    """

    waits = True
    retriable = True
    failing: ClassVar[str | None] = None  # the event with which it fails for good

    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        super().__init__(name, body, jsonata)
        self._retriers = [Retrier(one) for one in body.get("Retry", ())]
        self._catchers = [Catcher(one, index, jsonata) for index, one in enumerate(body.get("Catch", ()))]
        self._selector = (
            templates.jsonpath(body["ResultSelector"], "ResultSelector")
            if not jsonata and "ResultSelector" in body
            else None
        )

    def attempt(self, frame: Frame, data: Any) -> Walk:
        raise NotImplementedError

    def work(self, frame: Frame) -> Walk:
        data = self.taken(frame)
        used = [0] * len(self._retriers)
        while True:
            try:
                found = yield from self.attempt(frame, data)
                break
            except StateFailed as failure:
                failed = failure
            finally:
                frame.token = None
            inside = failed.located
            self.locate(frame, failed)
            catchable = failed.error != RUNTIME
            delay = self._delay(frame, failed, used) if catchable else None
            if delay is not None:
                yield from frame.process.sleep(delay)
                frame.retries = (frame.retries or 0) + 1
                frame.resumed = False
                continue
            if self.failing and (inside or failed.error == QUERY_EVALUATION):
                frame.write(self.failing)
            if not catchable:
                raise failed
            return self._caught(frame, failed)
        frame.leave(self, *found)
        return self.next

    def locate(self, frame: Frame, failure: StateFailed) -> None:
        frame.locate(self, failure)

    def finished(self, frame: Frame, result: Any) -> tuple[Any, dict[str, Any] | None]:
        """Output and variables of an attempt that gave `result`."""
        states = {"input": frame.data, "result": result} if self.jsonata else None
        shaped = self._selector(frame.evaluation(result)) if self._selector else result
        return self.given(frame, result, states, shaped)

    def _delay(self, frame: Frame, failure: StateFailed, used: list[int]) -> float | None:
        for index, retrier in enumerate(self._retriers):
            if matches(retrier.errors, failure.kind):
                if used[index] >= retrier.attempts:
                    return None
                used[index] += 1
                return retrier.delay(used[index] - 1, frame.execution.chance())
        return None

    def _caught(self, frame: Frame, failure: StateFailed) -> str:
        catcher = next((one for one in self._catchers if one.catches(failure.kind)), None)
        if catcher is None:
            raise failure
        error = {"Error": failure.error, "Cause": failure.cause}
        if not failure.by_token:
            error = {name: "" if value is None else value for name, value in error.items()}
        states = {"input": frame.data, "errorOutput": error} if self.jsonata else None
        assigned = catcher.assign(frame.evaluation(error, states)) if catcher.assign else None
        if self.jsonata:
            output = catcher.output(frame.evaluation(None, states)) if catcher.output else error
        else:
            output = catcher.place(frame.data, error)
        frame.leave(self, output, assigned)
        return catcher.next


@dataclass(frozen=True)
class Kind:
    """How the events of a kind of task are named, and what they say of the resource."""

    prefix: str
    named: dict[str, str]

    def event(self, what: str) -> tuple[str, str]:
        key = f"{self.prefix[0].lower()}{self.prefix[1:]}{what}EventDetails"
        return f"{self.prefix}{what}", key


_SERVICE = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(?!activity:)(aws-sdk:[^:]+|[^:]+):(.+)")
_ACTIVITY = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:activity:")


def kind_of(resource: str) -> Kind:
    """The kind of task that calls a resource: an activity, a service's integration, else a function by its ARN."""
    if _ACTIVITY.match(resource):
        return Kind("Activity", {})
    if found := _SERVICE.fullmatch(resource):
        return Kind("Task", {"resourceType": found[1], "resource": found[2]})
    return Kind("LambdaFunction", {})


class Task(Handled):
    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        super().__init__(name, body, jsonata)
        self.resource: str = body["Resource"]
        self.kind = kind_of(self.resource)
        self._is_activity = self.kind.prefix == "Activity"
        self._waits_for_token = self.resource.endswith(".waitForTaskToken")
        self._waits = self._waits_for_token or self.resource.endswith((".sync", ".sync:2"))
        language, field = (templates.jsonata, "Arguments") if jsonata else (templates.jsonpath, "Parameters")
        self._parameters = language(body[field], field) if field in body else None
        self._credentials = language(body["Credentials"], "Credentials") if "Credentials" in body else None
        self._timeout = _seconds(body, "TimeoutSeconds", jsonata)
        self._heartbeat = _seconds(body, "HeartbeatSeconds", jsonata)

    def attempt(self, frame: Frame, data: Any) -> Walk:
        execution = frame.execution
        states = {"input": frame.data} if self.jsonata else None
        heartbeat = self._heartbeat(frame.evaluation(data, states)) if self._heartbeat else None
        timeout = self._timeout(frame.evaluation(data, states)) if self._timeout else None
        frame.token = execution.uuid() if self._waits or self._is_activity else None
        given = self._parameters(frame.evaluation(data, states)) if self._parameters else data
        credentials = self._credentials(frame.evaluation(data, states)) if self._credentials else None
        text = frame.text_of(given)
        call = Call(frame, "task", self.resource, text, credentials=credentials, waits=self._waits)
        self._write_scheduled(frame, text, timeout, heartbeat, credentials)
        answered = False
        try:
            execution.handler(call)
            result = yield from self._answer(frame, call, timeout, heartbeat)
            answered = True
        except StateFailed as failure:
            answered = failure.error != TIMEOUT or not call.open
            raise
        finally:
            call.close(abandoned=not answered)
        return self.finished(frame, result)

    def _answer(self, frame: Frame, call: Call, timeout: float | None, heartbeat: float | None) -> Walk:
        """What the task gives, its events written as they come."""
        scheduler = frame.execution.scheduler
        process, messages, kind = frame.process, call.messages, self.kind
        end = scheduler.now + round(timeout * SECOND) if timeout is not None and timeout < FOREVER else None
        beat = None if heartbeat is None or self._is_activity else scheduler.now + round(heartbeat * SECOND)
        while True:
            while messages:
                what, value = messages.popleft()
                if what == "succeeded":
                    call.open = False
                    return self._succeeded(frame, *value)
                if what == "failed":
                    call.open = False
                    self._failed(frame, *value)
                if what == "started":
                    details = kind.named or None
                    if self._is_activity:
                        details = {"workerName": value} if value else {}
                    frame.write(*(kind.event("Started") if details is not None else (kind.event("Started")[0],)), details)
                elif what == "submitted":
                    frame.write(*kind.event("Submitted"), {**kind.named, "output": value[1], "outputDetails": WHOLE})
                if heartbeat is not None:
                    beat = scheduler.now + round(heartbeat * SECOND)
            times = [one for one in (end, beat) if one is not None]
            if times and min(times) <= scheduler.now:
                frame.write(*kind.event("TimedOut"), {**kind.named, "error": TIMEOUT})
                failure = outside(TIMEOUT, None)
                if end is None or end > scheduler.now:
                    failure.kind = HEARTBEAT_TIMEOUT
                raise failure
            timer = scheduler.at(min(times), process.wake) if times else None
            try:
                yield
            finally:
                if timer:
                    scheduler.cancel(timer)

    def _write_scheduled(
        self, frame: Frame, text: str, timeout: float | None, heartbeat: float | None, credentials: Any
    ) -> None:
        kind = self.kind
        details: dict[str, Any]
        if kind.named:
            details = {**kind.named, "region": frame.execution.identity.region, "parameters": text}
        else:
            details = {"resource": self.resource, "input": text, "inputDetails": WHOLE}
        if timeout is not None:
            details["timeoutInSeconds"] = timeout
        if heartbeat is not None:
            details["heartbeatInSeconds"] = heartbeat
        if credentials is not None and "RoleArn" in credentials:
            details["taskCredentials"] = {"roleArn": credentials["RoleArn"]}
        frame.write(*kind.event("Scheduled"), details)

    def _succeeded(self, frame: Frame, value: Any, text: str) -> Any:
        if exceeds(text):
            name = self.kind.named.get("resourceType", self.resource)
            said = f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."
            self._failed(frame, DATA_LIMIT, said)
        text = frame.execution.kept(text)
        frame.known = (value, text)
        details = {**self.kind.named, "output": text, "outputDetails": WHOLE}
        frame.write(*self.kind.event("Succeeded"), details)
        return value

    def _failed(self, frame: Frame, error: str | None, cause: str | None) -> None:
        given = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
        frame.write(*self.kind.event("Failed"), {**self.kind.named, **given})
        failure = outside(error, cause)
        failure.by_token = frame.token is not None
        raise failure


def outside(error: str | None, cause: str | None) -> StateFailed:
    """A failure that came from outside the interpreter: its cause stays as it is."""
    failure = StateFailed(error, cause)
    failure.located = True
    return failure


def _seconds(body: dict[str, Any], field: str, jsonata: bool) -> Evaluated | None:
    """A number of seconds: as it stands, or where a path or an expression gives it."""
    if f"{field}Path" in body:
        return _positive(body[f"{field}Path"], field)
    value = body.get(field)
    if value is None:
        return None
    if not (jsonata and is_jsonata(value)):
        return lambda scope: value
    number = expressions.typed(value, field, "number")

    def seconds(scope: Any) -> Any:
        found = number(scope)
        if found <= 0:
            raise expressions.failed(value, field, f"returned a value that is out of range: {text_of(found)}")
        return found

    return seconds


def _positive(path: str, field: str) -> Evaluated:
    number = number_at(path, f"{field}Path")

    def seconds(scope: Any) -> Any:
        found = number(scope)
        if found <= 0:
            raise StateFailed(RUNTIME, f"{field} must be a positive integer, but was {found}: {path}")
        return found

    return seconds
