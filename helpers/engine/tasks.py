"""Task states: what they call, how the answer comes, and what is written of it."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.engine import failures, templates
from helpers.engine.failures import RUNTIME, TIMEOUT, StateFailed, matching
from helpers.engine.handling import Catcher, Retrier
from helpers.engine.scheduler import SECOND, Walk
from helpers.engine.states import State, number
from helpers.engine.text import WHOLE, data_of, exceeds, text_of
from helpers.errors import AnswerInvalid

if TYPE_CHECKING:
    from helpers.engine.execution import Frame

__all__ = ["NEVER", "Answer", "Call", "Handled", "Task", "TaskFailed", "outside"]

SAID = ("Scheduled", "Started", "Submitted", "Succeeded", "Failed", "TimedOut")
_SERVICE = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(?!activity:)(aws-sdk:[^:]+|[^:]+):(.+)")
_ACTIVITY = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:activity:")
FOREVER = 99_999_999  # TimeoutSeconds of a task that has none: nobody's deadline; States Language, "Task State"


class TaskFailed(Exception):
    """What a task ends with instead of a result, after so many seconds; `also` is another name for Retry and Catch."""

    def __init__(
        self, error: str | None, cause: str | None = "", seconds: float = 0.0, also: str | None = None
    ) -> None:
        super().__init__(error, cause)
        self.error, self.cause, self.seconds, self.also = error, cause, seconds, also


@dataclass(frozen=True)
class Answer:
    """A task's result, `seconds` after it was scheduled; it starts after `started` seconds.

    `submitted` is what the service said at once to a task that waits for more (`.sync`, a task token).
    """

    value: Any = None
    seconds: float = 0.0
    submitted: Any = field(default_factory=dict)
    started: float = 0.0


NEVER = Answer(seconds=math.inf)  # the task waits for its time-out


class Call:
    """One attempt of a task, or the reading or writing of a Map: what is asked for, and where the answer goes.

    `kind` is `task`, `read` or `write`. Whoever answers calls `start`, `submit`, `succeed` or `fail`; whoever holds
    the task token `heartbeat`, `succeed_by_token` or `fail_by_token`, which count after `submit`. After the end
    (`open` is false) nothing counts any more; where there was no answer, `on_abandoned` is called.
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
        self.open, self.answered = True, False  # answered by token, whether or not that counts yet
        self.submitted = not self.waits
        self.on_abandoned: Callable[[], Any] | None = None
        self.messages: deque[tuple[str, Any]] = deque()
        self._timers: list[Any] = []  # for what is yet to be said
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

    def fail(self, error: str | None, cause: str | None = None, also: str | None = None) -> None:
        """End with an error, which Retry and Catch may also know by another name."""
        self._post("failed", (error, cause, also))

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
        if isinstance(answer, TaskFailed):
            self.start()
            self._later(answer.seconds, partial(self.fail, answer.error, answer.cause, answer.also))
            return
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        self._later(answer.started, self.start)
        if answer.seconds == math.inf and answer.value is None:  # NEVER, or a copy of it
            return
        if self.waits:
            self._later(answer.started, partial(self.submit, answer.submitted))
        self._json(answer.value)
        self._later(answer.seconds, partial(self.succeed, answer.value), answer.started)

    def take(self) -> tuple[str, Any]:
        """The first message that nobody has looked at; after one that ends the task no other counts."""
        what, value = self.messages.popleft()
        self.open = self.open and what not in ("succeeded", "failed")
        return what, value

    def close(self) -> None:
        """Take no more messages."""
        abandoned, self.open = self.open, False
        for timer in self._timers:
            self.execution.scheduler.cancel(timer)
        if abandoned and self.on_abandoned:
            self.on_abandoned()

    def _later(self, seconds: float, action: Callable[[], Any], soonest: float = 0.0) -> None:
        if not isinstance(seconds, int | float) or not 0 <= seconds < 10**10:
            raise AnswerInvalid(
                f"The answer of {self.state!r} cannot come after {seconds!r:.100} seconds: give 0 or more"
            )
        if seconds or soonest:
            self._timers.append(self.execution.scheduler.after(max(seconds, soonest), action))
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
        except (ValueError, StateFailed) as error:
            said = f"The answer of {self.state!r} is no JSON: answer with dicts, lists, texts and numbers. {error}"
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
        self.retriers = [Retrier(one) for one in body.get("Retry", ())]
        self._catchers = [Catcher(one, f"Catch[{index}]/", jsonata) for index, one in enumerate(body.get("Catch", ()))]
        self._selector = templates.of(body, "ResultSelector", jsonata)

    def attempt(self, frame: Frame, data: Any) -> Walk:
        raise NotImplementedError

    def work(self, frame: Frame) -> Walk:
        data = self.taken(frame)
        used = [0] * len(self.retriers)
        while True:
            try:
                frame.leave(self, *(yield from self.attempt(frame, data)))
                return self.next
            except StateFailed as failure:
                failed = failure
            finally:
                frame.token = None
            frame.locate(self, failed)
            delay = self._delay(frame, failed, used)
            if delay is None:
                if self.failing and failed.error != RUNTIME:
                    frame.write(self.failing)
                return self._caught(frame, failed)
            yield from frame.sleep_until(frame.execution.scheduler.now + round(delay * SECOND))
            frame.retries = (frame.retries or 0) + 1
            frame.resumed = False

    def finished(self, frame: Frame, result: Any) -> tuple[Any, dict[str, Any] | None]:
        """Output and variables of an attempt that gave `result`."""
        states = {"input": frame.data, "result": result} if self.jsonata else None
        shaped = self._selector(frame.evaluation(result)) if self._selector else result
        return self.given(frame, result, states, shaped)

    def _delay(self, frame: Frame, failure: StateFailed, used: list[int]) -> float | None:
        index = matching(self.retriers, failure)
        if index is None or used[index] >= self.retriers[index].attempts:
            return None
        used[index] += 1
        return self.retriers[index].delay(used[index] - 1, frame.execution.chance())

    def _caught(self, frame: Frame, failure: StateFailed) -> str:
        index = matching(self._catchers, failure)
        if index is None:
            raise failure
        catcher = self._catchers[index]
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


class Kind:
    """What kind of task a resource makes: an activity, a service's integration, else a function by its ARN.

    `events` has the type and the details' key of each event, by what it says; `named` what all details say of the
    resource.
    """

    def __init__(self, resource: str) -> None:
        self.is_activity = _ACTIVITY.match(resource) is not None
        service = _SERVICE.fullmatch(resource)
        self.named = {"resourceType": service[1], "resource": service[2]} if service else {}
        prefix = "Activity" if self.is_activity else "Task" if service else "LambdaFunction"
        key = prefix[0].lower() + prefix[1:]
        self.events = {what: (f"{prefix}{what}", f"{key}{what}EventDetails") for what in SAID}


_kind = lru_cache(maxsize=1024)(Kind)


class Task(Handled):
    def __init__(self, name: str, body: dict[str, Any], jsonata: bool) -> None:
        super().__init__(name, body, jsonata)
        self.resource: str = body["Resource"]
        self.kind = _kind(self.resource)
        self._waits = self.resource.endswith((".waitForTaskToken", ".sync", ".sync:2"))
        self._parameters = templates.of(body, "Arguments" if jsonata else "Parameters", jsonata)
        self._credentials = templates.of(body, "Credentials", jsonata)
        self._timeout = number(body, "TimeoutSeconds", jsonata, least=1)
        self._heartbeat = number(body, "HeartbeatSeconds", jsonata, least=1)

    def attempt(self, frame: Frame, data: Any) -> Walk:
        execution = frame.execution
        heartbeat, timeout = (of(self.evaluation(frame, data)) for of in (self._heartbeat, self._timeout))
        frame.token = execution.uuid() if self._waits or self.kind.is_activity else None
        given = self._parameters(self.evaluation(frame, data)) if self._parameters else data
        credentials = self._credentials(self.evaluation(frame, data)) if self._credentials else None
        text = frame.payload(given, self.kind.named.get("resourceType", self.resource))
        call = Call(frame, "task", self.resource, text, credentials=credentials, waits=self._waits)
        self._write_scheduled(frame, call, timeout, heartbeat)
        try:
            execution.handler(call)
            result = yield from self._answer(frame, call, timeout, heartbeat)
        finally:
            call.close()
        return self.finished(frame, result)

    def _answer(self, frame: Frame, call: Call, timeout: float | None, heartbeat: float | None) -> Walk:
        """What the task gives, its events written as they come."""
        scheduler = frame.execution.scheduler
        process, kind = frame.process, self.kind
        end = scheduler.now + round(timeout * SECOND) if timeout is not None and timeout < FOREVER else None
        beat = None if heartbeat is None or kind.is_activity else scheduler.now + round(heartbeat * SECOND)
        while True:
            while call.messages:
                what, value = call.take()
                if what == "succeeded":
                    return self._succeeded(frame, *value)
                if what == "failed":
                    self._failed(frame, *value)
                if what == "started":
                    worker = ({"workerName": value} if value else {}) if kind.is_activity else None
                    frame.write(*kind.events["Started"], kind.named or worker)
                elif what == "submitted":
                    frame.write(*kind.events["Submitted"], {**kind.named, "output": value[1], "outputDetails": WHOLE})
                if heartbeat is not None:
                    beat = scheduler.now + round(heartbeat * SECOND)
            times = [one for one in (end, beat) if one is not None]
            if times and min(times) <= scheduler.now:
                frame.write(*kind.events["TimedOut"], {**kind.named, "error": TIMEOUT})
                failure = outside(TIMEOUT, None)
                if end is None or end > scheduler.now:
                    failure.also = failures.HEARTBEAT_TIMEOUT
                raise failure
            timer = scheduler.at(min(times), process.wake) if times else None
            try:
                yield
            finally:
                if timer:
                    scheduler.cancel(timer)

    def _write_scheduled(self, frame: Frame, call: Call, timeout: float | None, heartbeat: float | None) -> None:
        kind = self.kind
        details: dict[str, Any] = {"resource": self.resource, "input": call.text, "inputDetails": WHOLE}
        if kind.named:
            details = {**kind.named, "region": frame.execution.identity.region, "parameters": call.text}
        if timeout is not None:
            details["timeoutInSeconds"] = timeout
        if heartbeat is not None and (kind.named or kind.is_activity):
            details["heartbeatInSeconds"] = heartbeat
        if call.credentials is not None and "RoleArn" in call.credentials and not kind.is_activity:
            details["taskCredentials"] = {"roleArn": call.credentials["RoleArn"]}
        frame.write(*kind.events["Scheduled"], details)

    def _succeeded(self, frame: Frame, value: Any, text: str) -> Any:
        if exceeds(text):
            name = self.kind.named.get("resourceType", self.resource)
            self._failed(frame, failures.DATA_LIMIT, failures.too_large(name))
        text = frame.execution.kept(text)
        frame.known = (value, text)
        details = {**self.kind.named, "output": text, "outputDetails": WHOLE}
        frame.write(*self.kind.events["Succeeded"], details)
        return value

    def _failed(self, frame: Frame, error: str | None, cause: str | None, also: str | None = None) -> None:
        given = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
        frame.write(*self.kind.events["Failed"], {**self.kind.named, **given})
        failure = outside(error, cause, also)
        failure.by_token = frame.token is not None
        raise failure


def outside(error: str | None, cause: str | None, also: str | None = None) -> StateFailed:
    """A failure that came from outside the interpreter: its cause stays as it is."""
    failure = StateFailed(error, cause)
    failure.located, failure.also = True, also
    return failure
