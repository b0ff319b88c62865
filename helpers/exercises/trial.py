"""Trying what a learner made: a machine whose tasks are answered for it, a function's source, a function, a worker.

Nothing else here knows where a trial takes place. A machine is tried in this process, on the engine; what needs a
service (a function's source, a worker) on the sandbox, whichever place the notebook works in: what a trial makes there
carries a name of its own and is removed again.
"""

import contextlib
import inspect
import io
import json
import traceback
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from helpers import definition as definitions
from helpers import engine, execution, history
from helpers.calls import saying
from helpers.deploy import once_assumable
from helpers.exercises.slips import Lacking, refusal
from helpers.lab import Lab, beside, current

__all__ = ["Trial", "called", "function_answers", "run", "worker_run"]

SECONDS = 15.0
MOST_EVENTS = 2_000
UNANSWERED = "Exercise.Unanswered"
STAND_IN = "arn:aws:lambda:us-east-1:123456789012:function:stand-in"


@dataclass(frozen=True)
class Trial:
    """How an execution of a learner's machine went."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    listed: list[dict[str, Any]]

    @cached_property
    def events(self) -> pd.DataFrame:
        """The execution's events; see `history.events`."""
        return history.events(self.listed)

    @cached_property
    def visits(self) -> pd.DataFrame:
        """The execution's visits; see `history.visits`."""
        return history.visits(self.events)

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """The attempts of its tasks; see `history.attempts`."""
        return history.attempts(self.events)

    @property
    def seconds(self) -> float:
        """How long it took, in seconds of its own time."""
        return float(self.events["elapsed"].max().total_seconds())

    def times(self, *states: str) -> int:
        """How often any of `states` was entered."""
        return int(self.visits["state"].isin(states).sum())

    def pauses(self) -> list[float]:
        """The seconds of each visit to a Wait state, in order."""
        return rounded(self.visits.loc[self.visits["type"] == "Wait", "duration"])

    def backoffs(self) -> list[float]:
        """The seconds before each attempt of a task but the first, in order."""
        return rounded(self.attempts.loc[self.attempts["attempt"] > 1, "backoff"])

    def parameters(self, *states: str) -> list[Any]:
        """What the tasks of `states` were asked with, in order."""
        asked = self.events.loc[self.events["state"].isin(states), "id"]
        found = (details for event in self.listed if event["id"] in set(asked) for details in event.values())
        texts = (d.get("parameters", d.get("input")) for d in found if isinstance(d, dict) and "resource" in d)
        return [json.loads(text) for text in texts if text]

    def must_succeed(self) -> "Trial":
        """This trial; raises Lacking, naming the state and the error, where it ended otherwise."""
        if self.status == "SUCCEEDED":
            return self
        raise Lacking(f"your machine ended {self.ended}")

    @property
    def ended(self) -> str:
        """How and where it ended, for a sentence."""
        why = f" with the error {self.error}: {self.cause or 'no cause is given'}" if self.error else ""
        return f"{self.status} in the state {self.last_state}{why}"

    @property
    def last_state(self) -> str:
        """The name of the last state that was entered."""
        return str(self.visits["state"].iloc[-1]) if len(self.visits) else "(none)"


def rounded(durations: "pd.Series[Any]") -> list[float]:
    return [round(float(seconds), 1) for seconds in durations.dt.total_seconds()]


def run(definition: Any, given: Any = None, answers: Mapping[str, Any] | None = None, seed: int = 0) -> Trial:
    """Run a learner's definition to its end, its waiting skipped; a trial that was made before is not made again.

    `answers` holds by a Task's name what it is answered: a JSON value as the service hands it to the machine, a
    `engine.TaskFailed`, or a list of these, one per call, the last repeated. Another `seed` is another execution.

    Raises Lacking where the definition cannot be read, has a Task without an answer, or does not end.
    """
    try:
        text = json.dumps(definition, default=plain)
    except (TypeError, ValueError, RecursionError):
        raise Lacking("your definition holds something that is no JSON, such as a set, a frame or a date.") from None
    replies = {
        name: [
            {"error": one.error, "cause": one.cause} if isinstance(one, engine.TaskFailed) else {"value": one}
            for one in (answer if isinstance(answer, list) else [answer])
        ]
        for name, answer in (answers or {}).items()
    }
    return _run(text, json.dumps(given), json.dumps(replies), seed)


def plain(value: Any) -> Any:
    """numpy's numbers as Python's, which JSON can hold."""
    if not hasattr(value, "item") or not isinstance(value.item(), int | float | str):
        raise TypeError
    return value.item()


@lru_cache(maxsize=512)
def _run(text: str, given: str, replies: str, seed: int) -> Trial:
    raw = definitions.parse(text, "Your definition")
    nowhere = dict.fromkeys(definitions.placeholders(raw), STAND_IN)
    raw = definitions.parse(text, "Your definition", **nowhere)
    known = json.loads(replies)
    for state in definitions.states(raw):
        if state.type == "Task":
            if state.name not in known:
                raise Lacking(f"nobody answers the task {state.name}; keep to the tasks that were there.")
            state.body["Resource"] = STAND_IN
    answers = {
        name: [engine.TaskFailed(**one) if "error" in one else engine.Answer(**one) for one in listed]
        for name, listed in known.items()
    }
    if why := refusal(raw):
        raise Lacking(why)
    ran = engine.run(raw, json.loads(given), answers, seed=seed, limit=MOST_EVENTS)
    if len(ran.events) == MOST_EVENTS:
        entered = [e["stateEnteredEventDetails"]["name"] for e in ran.events[-40:] if "stateEnteredEventDetails" in e]
        raise Lacking(
            f"your machine does not end: after {MOST_EVENTS} events it was still going through "
            f"{', '.join(dict.fromkeys(entered))}. I stopped it."
        )
    return Trial(ran.status, ran.output, ran.error, ran.cause, ran.events)


def _place() -> Lab:
    here = current()
    return here if here.target == "sandbox" else beside()


def _role(lab: Lab) -> str:
    """The role that functions and machines on trial share."""
    name = lab.name("exercise")
    statement = {"Effect": "Allow", "Action": ["lambda:InvokeFunction", "sqs:SendMessage", "logs:*"], "Resource": "*"}
    services = {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": services}
    tags = [{"Key": key, "Value": value} for key, value in lab.tags.items()]
    client = lab.client("iam")
    try:
        client.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust), Tags=tags)
    except client.exceptions.EntityAlreadyExistsException:
        pass
    else:
        client.put_role_policy(RoleName=name, PolicyName="exercise", PolicyDocument=_policy(statement))
    return f"arn:aws:iam::{lab.account}:role/{name}"


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@contextlib.contextmanager
def _function(source: str, lab: Lab) -> Iterator[str]:
    """A function of that source, for as long as the block lasts."""
    name, packed, client = lab.name(f"exercise-{uuid.uuid4().hex[:8]}"), io.BytesIO(), lab.client("lambda")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lambda_function.py", source)
    arn: str = once_assumable(
        client.create_function,
        FunctionName=name,
        Runtime="python3.12",
        Handler="lambda_function.lambda_handler",
        Role=_role(lab),
        Code={"ZipFile": packed.getvalue()},
        Tags=lab.tags,
    )["FunctionArn"]
    try:
        with saying("Waiting until your function can be tried ..."):
            client.get_waiter("function_active_v2").wait(FunctionName=name)
        yield arn
    finally:
        client.delete_function(FunctionName=name)
        with contextlib.suppress(ClientError):  # one that was never called has no log
            lab.client("logs").delete_log_group(logGroupName=f"/aws/lambda/{name}")


@contextlib.contextmanager
def _machine(definition: dict[str, Any], lab: Lab) -> Iterator[str]:
    """A machine of that definition, for as long as the block lasts."""
    name, role, client = lab.name(f"exercise-{uuid.uuid4().hex[:8]}"), _role(lab), lab.client("stepfunctions")
    tags = [{"key": key, "value": value} for key, value in lab.tags.items()]
    given = {"name": name, "definition": json.dumps(definition), "roleArn": role, "tags": tags}
    made = once_assumable(client.create_state_machine, **given)
    arn: str = made["stateMachineArn"]
    try:
        yield arn
    finally:
        client.delete_state_machine(stateMachineArn=arn)


def function_answers(source: str, events: Sequence[Any]) -> list[tuple[Any, str | None]]:
    """What the function written in `source` answers to each of `events`, and the class of an error it raised."""
    return list(_function_answers(source, json.dumps(events)))


@lru_cache(maxsize=64)
def _function_answers(source: str, events: str) -> tuple[tuple[Any, str | None], ...]:
    lab = _place()
    with _function(source, lab) as arn:
        return tuple(_invoked(arn, event, lab) for event in json.loads(events))


def _invoked(arn: str, event: Any, lab: Lab) -> tuple[Any, str | None]:
    answer = lab.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event))
    payload = json.load(answer["Payload"])
    return payload, str(payload.get("errorType")) if "FunctionError" in answer else None


def called(function: Callable[..., Any], *given: Any, like: str) -> Any:
    """What a learner's function returns; raises Lacking where it cannot be called as `like` says, or raises."""
    try:
        inspect.signature(function).bind(*given)
    except TypeError:
        raise Lacking(f"your function must be written as def {like}.") from None
    except ValueError:  # no signature is known of some functions that are written in C
        pass
    try:
        return function(*given)
    except (Exception, SystemExit) as error:  # whatever a learner's own code may raise is an answer, not a traceback
        code = getattr(function, "__code__", None)
        lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
        where = f" in line {lines[-1]} of its cell" if lines else ""
        raise Lacking(f"your function raised {type(error).__name__}{where}.") from None


def worker_run(worker: Callable[[Any, Any], Any]) -> Trial:
    """An execution that hands `worker` a client and a message with its task token, when it has ended.

    Where the worker left the task open, its error is UNANSWERED. Raises Lacking as `called` does.
    """
    lab = _place()
    queues, states = lab.client("sqs"), lab.client("stepfunctions")
    name = lab.name(f"exercise-{uuid.uuid4().hex[:8]}")
    queue = queues.create_queue(QueueName=name, tags=lab.tags)["QueueUrl"]
    raw = definitions.load("callback", QueueUrl=queue)
    del raw["States"]["AskWorker"]["HeartbeatSeconds"]  # nobody keeps time here
    try:
        with _machine(raw, lab) as machine:
            started = states.start_execution(stateMachineArn=machine, input='{"job": "divide by zero"}')
            try:
                found = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=int(SECONDS))["Messages"]
                token = json.loads(found[0]["Body"])["token"]
                called(worker, states, found[0], like="worker(states, message)")
                # A token is good for one answer, so this one counts only where the worker gave none.
                with contextlib.suppress(ClientError):
                    states.send_task_failure(taskToken=token, error=UNANSWERED)
            except BaseException:
                states.stop_execution(executionArn=started["executionArn"])
                raise
            arn = started["executionArn"]
            found = execution.wait(arn, SECONDS, progress=False, lab=lab)
            return Trial(found.status, None, found.error, found.cause, execution.events(arn, lab=lab))
    finally:
        queues.delete_queue(QueueUrl=queue)
