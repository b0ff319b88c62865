"""Trying a learner's answer on the sandbox: a definition, a function or a single state, for 20 seconds at most."""

import contextlib
import json
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import definition as definitions
from helpers import deploy, execution, history
from helpers.lab import Lab, beside, current

__all__ = ["Lacking", "Trial", "asked", "function_answer", "place", "run", "state_output"]

SECONDS = 15.0
MOST_EVENTS = 2_000


class Lacking(Exception):
    """What an answer lacks, as a sentence that follows "Not yet: "."""


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
        """The tries of its tasks; see `history.attempts`."""
        return history.attempts(self.events)

    def times(self, state: str) -> int:
        """How often `state` was entered."""
        return int((self.visits["state"] == state).sum())

    def pauses(self) -> list[float]:
        """The seconds of each visit to a Wait state, in order."""
        waits = self.visits.loc[self.visits["type"] == "Wait", "duration"]
        return [round(float(seconds), 1) for seconds in waits.dt.total_seconds()]

    def must_succeed(self) -> "Trial":
        """This trial; raises Lacking, naming the state and the error, where it ended otherwise."""
        if self.status == "SUCCEEDED":
            return self
        raise Lacking(
            f"your machine ended {self.status} in the state {self.last_state} with the error {self.error}: {self.cause}"
        )

    @property
    def last_state(self) -> str:
        """The name of the last state that was entered."""
        return str(self.visits["state"].iloc[-1]) if len(self.visits) else "(none)"


def place() -> Lab:
    """The sandbox, whichever place the notebook works in."""
    here = current()
    return here if here.target == "sandbox" else beside()


def run(definition: Any, given: Any = None) -> Trial:
    """Run a learner's definition under fast-forward and tell how it went.

    Raises Lacking where it cannot be parsed or made, and where it does not end: which states it was going
    round in. What was started is stopped, and the machine removed.
    """
    lab = place()
    machine = _made(definition, lab)
    try:
        with lab.fast_forward():
            arn = execution.start(machine.arn, given, lab=lab)
            try:
                ended = _ended(arn, lab)
            except BaseException:
                execution.stop(arn, "Exercise.Stopped", "The check took too long.", lab=lab)
                raise
        return Trial(
            ended.status,
            json.loads(ended.output) if ended.output else None,
            ended.error,
            ended.cause,
            execution.events(arn, lab=lab),
        )
    finally:
        lab.client("stepfunctions").delete_state_machine(stateMachineArn=machine.arn)


def _made(definition: Any, lab: Lab) -> deploy.Deployment:
    if isinstance(definition, str):
        definition = definitions.parse(definition)
    if not isinstance(definition, dict):
        raise Lacking(f"a definition is a dict, as definition.load returns it; yours is a {type(definition).__name__}.")
    try:
        text = json.dumps(definition)
    except (TypeError, ValueError) as error:
        raise Lacking(f"your definition cannot be written as JSON: {error}.") from None
    return deploy.deploy(definitions.parse(text, "Your definition"), "exercise", lab=lab)


def _ended(arn: str, lab: Lab) -> execution.Execution:
    """The execution when it has ended; raises Lacking when it goes on and on."""
    end = time.monotonic() + SECONDS
    client = lab.client("stepfunctions")
    pause = threading.Event()
    while True:
        found = execution.describe(arn, lab=lab)
        if found.status != "RUNNING":
            return found
        newest = client.get_execution_history(executionArn=arn, maxResults=40, reverseOrder=True)["events"]
        if time.monotonic() > end or newest[0]["id"] > MOST_EVENTS:
            entered = [e["stateEnteredEventDetails"]["name"] for e in newest if "stateEnteredEventDetails" in e]
            states = ", ".join(dict.fromkeys(reversed(entered)))
            raise Lacking(
                f"your machine does not end: after {newest[0]['id']} events it was still going through {states}. "
                "I stopped it."
            )
        pause.wait(0.05)


def function_answer(source: Any, event: Any) -> tuple[Any, str | None]:
    """What the function written in the text `source` answers to `event`, and the class of the error it raised."""
    if not isinstance(source, str):
        raise Lacking(f"the source is a text between quotes; yours is a {type(source).__name__}.")
    try:
        compile(source, "lambda_function.py", "exec")
    except SyntaxError as error:
        raise Lacking(f"line {error.lineno} of your source is no Python: {error.msg}.") from None
    lab = place()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "lambda_function.py").write_text(source, encoding="utf-8")
        arn = deploy.function("exercise", folder, lab=lab)
    answer = lab.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event))
    payload = json.load(answer["Payload"])
    if "FunctionError" in answer:
        return payload, str(payload.get("errorType"))
    return payload, None


def state_output(state: Any, given: Any) -> Any:
    """What a single state makes of the data `given`; raises Lacking where it fails."""
    if not isinstance(state, dict):
        raise Lacking(f"a state is a dict with a Type; yours is a {type(state).__name__}.")
    lab = place()
    role = deploy.role("exercise", service="states", lab=lab)
    tested = lab.client("stepfunctions").test_state(definition=json.dumps(state), roleArn=role, input=json.dumps(given))
    if tested["status"] != "SUCCEEDED":
        raise Lacking(f"the state failed with {tested.get('error')}: {tested.get('cause')}")
    return json.loads(tested["output"])


def asked(question: str, wanted: Any, answer: Any, why: str) -> None:
    """Raise Lacking, with `why`, unless `answer` is `wanted`; numbers may differ by their rounding."""
    if isinstance(wanted, float):
        with contextlib.suppress(TypeError, ValueError):
            if abs(float(answer) - wanted) <= max(0.05, 0.02 * abs(wanted)):
                return
    elif answer == wanted:
        return
    raise Lacking(f"{question} is not {answer!r}. {why}")
