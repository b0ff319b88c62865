"""Start an execution, wait for it, follow its events, stop it."""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from tqdm.auto import tqdm

from helpers import calls
from helpers.errors import (
    ExecutionAborted,
    ExecutionEnded,
    ExecutionFailed,
    ExecutionStillRunning,
    ExecutionTimedOut,
    InvalidInput,
    InvalidName,
    NotFound,
    Throttled,
)
from helpers.lab import Lab, current
from helpers.limits import NAME_LENGTH, PAYLOAD_BYTES
from helpers.statuses import RUNNING
from helpers.verbatim import clean

__all__ = [
    "Execution",
    "Following",
    "definition",
    "describe",
    "events",
    "executions",
    "follow",
    "input_text",
    "start",
    "stop",
    "wait",
]

Read = TypeVar("Read")

PAGE = 1_000  # events, the most that GetExecutionHistory gives at once
REFUSED = re.compile(
    r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U0010ffff]"
)  # source of the characters: StartExecution in the Step Functions API Reference
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.8  # seconds; with the call itself, an end is noticed within 2 s
NEWBORN = (0.2, 0.4, 0.8)  # seconds; AWS may not know yet, everywhere, an execution that it has just started
ENDS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
RAISED = {"FAILED": ExecutionFailed, "TIMED_OUT": ExecutionTimedOut, "ABORTED": ExecutionAborted}


@dataclass(frozen=True)
class Execution:
    """An execution as it was when it was looked at.

    `status` is AWS's: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or PENDING_REDRIVE. `input` and `output` are JSON
    texts, `started` and `stopped` datetimes in UTC; what there is not yet, or was not asked for, is None.
    """

    arn: str
    name: str
    machine: str
    status: str
    started: datetime
    stopped: datetime | None = None
    input: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    version: str | None = None
    """The ARN of the version of the machine with which it was started, if one was named."""

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status in RUNNING

    def __repr__(self) -> str:
        after = f" after {(self.stopped - self.started).total_seconds():.1f} s" if self.stopped else ""
        why = ": ".join(filter(None, [self.error, self.cause]))
        return clean(f"Execution {self.name}: {self.status}{after}" + (f" ({why})" if why else ""))

    def result(self) -> Any:
        """The output, parsed.

        Raises ExecutionFailed, ExecutionTimedOut or ExecutionAborted, with `.error` and `.cause`, for the other ways in
        which an execution ends, and ExecutionStillRunning for one that has not ended.
        """
        if self.running:
            raise ExecutionStillRunning(f"{self.name} is still running: wait({self.arn!r}) waits for its end.")
        if self.status == "SUCCEEDED":
            return json.loads(self.output) if self.output is not None else None
        details = ": ".join(filter(None, [self.error, self.cause])) or "no error was given"
        ended = RAISED.get(self.status, ExecutionEnded)
        raise ended(f"{self.name} ended {self.status} ({details}).", self.error, self.cause)


def input_text(given: Any = None) -> str:
    """An execution's input as JSON text: None is `{}`, a str is JSON text already, anything else is written as JSON.

    Raises InvalidInput where the text breaks off being JSON, for a value that JSON cannot hold, and for more than
    262,144 bytes.
    """
    if given is None:
        return "{}"
    written = isinstance(given, str)
    try:
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, allow_nan=False)
        if written:
            json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}, {_around(error.doc, error.pos)}"
        raise InvalidInput(f"The input is not JSON: {error.msg} at {place}.") from None
    except (TypeError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise InvalidInput(f"The input {'is not' if written else 'cannot be written as'} JSON: {reason}.") from None
    size = len(text.encode(errors="surrogatepass"))
    if size > PAYLOAD_BYTES:
        raise InvalidInput(
            f"The input has {size:,} bytes, more than the {PAYLOAD_BYTES:,} that Step Functions takes: "
            "put the data into S3 and pass its place."
        )
    return text


def _refuse_constant(name: str) -> None:
    raise InvalidInput(f"The input is not JSON: {name} is no JSON number.")


def _around(text: str, position: int) -> str:
    if position >= len(text):
        return "at its end"
    return f"just before {text[position : position + 20]!r}"


def check_name(name: str) -> str:
    """Return a name that AWS takes for an execution.

    Raises InvalidName, saying why, for any other.
    """
    if not name:
        raise InvalidName("An execution's name must have at least one character; leave it out to get one of ours.")
    if len(name) > NAME_LENGTH:
        raise InvalidName(f"An execution's name has at most {NAME_LENGTH} characters; this one has {len(name)}.")
    refused = REFUSED.search(name)
    if refused:
        what = "white space" if refused[0].isspace() else ascii(refused[0])
        raise InvalidName(
            f"The name {name!r} holds {what} at position {refused.start() + 1}, which AWS does not take in a name: "
            "use letters, digits, '-', '_' and '.'."
        )
    return name


def check_arn(arn: Any) -> str:
    """Return what is an ARN, a text.

    Raises NotFound for anything else, such as AWS's whole answer, saying where the ARN stands in it.
    """
    if isinstance(arn, str):
        return arn
    member = next((name for name in arn if str(name).endswith("Arn")), None) if isinstance(arn, Mapping) else None
    place = f"take its [{member!r}]" if member else "take its .arn" if hasattr(arn, "arn") else "start() returns one"
    raise NotFound(f"Machines and executions are found by their ARN, a text, not by a {type(arn).__name__}: {place}.")


def start(machine: str, input: Any = None, name: str | None = None, *, lab: Lab | None = None) -> str:  # noqa: A002
    """Start an execution of the state machine with the ARN `machine` and return the execution's ARN.

    `input` is anything that `input_text` takes; `name` must be new (left out: the time and something random). Both are
    checked before AWS is called.

    Raises InvalidInput, InvalidName, NotFound or NotAllowed.
    """
    lab = lab or current()
    check_arn(machine)
    text = input_text(input)
    named = f"{lab.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}" if name is None else check_name(name)
    sfn = calls.client(lab)
    with calls.plainly(f"start an execution of {machine}"):
        try:
            started = sfn.start_execution(stateMachineArn=machine, name=named, input=text)
        except sfn.exceptions.ExecutionAlreadyExists:
            if name is None:  # drawn by us: it was started, but the answer got lost and botocore asked again
                return ":".join([*machine.replace(":stateMachine:", ":execution:").split(":")[:7], named])
            raise InvalidName(
                f"An execution named {named!r} exists already; AWS keeps a name taken for 90 days: take another."
            ) from None
    return str(started["executionArn"])


def describe(arn: str, *, lab: Lab | None = None) -> Execution:
    """The execution as it is now.

    Raises NotFound for one that is not there, among them every Express execution.
    """
    return _seen(_read("describe_execution", arn, lab or current()))


def definition(arn: str, *, lab: Lab | None = None) -> tuple[str, datetime]:
    """The definition that an execution runs, as JSON text, and since when its machine has had it (UTC)."""
    found = _read("describe_state_machine_for_execution", arn, lab or current())
    return found["definition"], found["updateDate"].astimezone(UTC)


def _seen(found: dict[str, Any]) -> Execution:
    """An execution as AWS describes or lists it; a list leaves out what it was given and what it ended with."""
    stopped = found.get("stopDate")
    return Execution(
        arn=found["executionArn"],
        name=found["name"],
        machine=found["stateMachineArn"],
        status=found["status"],
        started=found["startDate"].astimezone(UTC),
        stopped=stopped and stopped.astimezone(UTC),
        version=found.get("stateMachineVersionArn"),
        **{name: found.get(name) for name in ("input", "output", "error", "cause")},
    )


def _read(operation: str, arn: str, lab: Lab, **arguments: Any) -> Any:
    if ":express:" in check_arn(arn):
        raise NotFound(
            "An Express execution cannot be asked for by its ARN; its events are in the log group of its machine."
        )
    for pause in (*(NEWBORN if lab.target == "aws" else ()), None):
        try:
            with calls.plainly(f"read the execution {arn}"):
                return getattr(calls.client(lab), operation)(executionArn=arn, **arguments)
        except NotFound:
            if pause is None:
                raise
            time.sleep(pause)


def _once_let(read: Callable[[], Read]) -> Read:
    """What is read, as soon as AWS takes calls again: somebody else may have spent all that the account may make."""
    while True:
        with suppress(Throttled):
            return read()
        time.sleep(LONGEST_PAUSE)


def pause_after(waited: float) -> float:
    """How many seconds to pause before asking again, after `waited` seconds of asking: a twentieth of them."""
    return min(max(SHORTEST_PAUSE, waited / 20), LONGEST_PAUSE)


def wait(arn: str, timeout: float | None = None, *, progress: bool = True, lab: Lab | None = None) -> Execution:
    """Wait until the execution has ended, however it ends, and return it; `.result()` raises unless it succeeded.

    It asks less often the longer it waits, every 1.8 s in the end. `timeout` is in seconds of the person's own time;
    `progress` shows a bar. An interrupt stops the waiting, not the execution.

    Raises ExecutionStillRunning after `timeout`.
    """
    lab = lab or current()
    began = time.monotonic()
    found = _once_let(lambda: describe(arn, lab=lab))
    shape = "{desc} {elapsed}" if timeout is None else "{desc} {bar} {elapsed} of at most " + f"{timeout:g} s"
    bar = tqdm(
        desc=f"waiting for {found.name}", total=timeout, bar_format=shape, leave=False, disable=not progress, delay=1
    )
    try:
        while found.running:
            passed = time.monotonic() - began
            if timeout is not None and passed >= timeout:
                raise ExecutionStillRunning(
                    f"{found.name} is still running after {timeout:g} s: wait for it again, or stop({arn!r})."
                )
            time.sleep(pause_after(passed) if timeout is None else min(pause_after(passed), timeout - passed))
            bar.update(min(time.monotonic() - began, timeout or float("inf")) - bar.n)
            found = _once_let(lambda: describe(arn, lab=lab))
    except KeyboardInterrupt:
        bar.close()
        print(f"We stopped waiting; {found.name} goes on. execution.stop({arn!r}) would stop it.")
    finally:
        bar.close()
    return found


def stop(arn: str, error: str | None = None, cause: str | None = None, *, lab: Lab | None = None) -> Execution:
    """Stop the execution, saying why with `error` (a short name) and `cause` (a sentence), and return it.

    One that has ended already stays as it is.
    """
    lab = lab or current()
    reason = {key: value for key, value in {"error": error, "cause": cause}.items() if value is not None}
    with calls.plainly(f"stop the execution {check_arn(arn)}"):
        calls.client(lab).stop_execution(executionArn=arn, **reason)
    return describe(arn, lab=lab)


def executions(
    machine: str, status: str | None = None, limit: int | None = None, *, lab: Lab | None = None
) -> Iterator[Execution]:
    """The executions of a machine, or the children of a Map Run by its ARN, the latest first, at most `limit`.

    What has ended stands by its end, what runs by its start. Of one `status` or of all; without in- and output.
    """
    lab = lab or current()
    whose = "mapRunArn" if ":mapRun:" in check_arn(machine) else "stateMachineArn"
    arguments: dict[str, Any] = {whose: machine, "maxResults": min(limit or PAGE, PAGE)}
    if status is not None:
        arguments["statusFilter"] = status
    given = 0
    while True:
        with calls.plainly(f"list the executions of {machine}"):
            page = calls.client(lab).list_executions(**arguments)
        for one in page["executions"]:
            if given == limit:
                return
            given += 1
            yield _seen(one)
        if "nextToken" not in page:
            return
        arguments["nextToken"] = page["nextToken"]


def events(arn: str, *, lab: Lab | None = None) -> list[dict[str, Any]]:
    """All events of an execution so far, oldest first, as boto3 returns them; a call for every 1,000."""
    lab = lab or current()
    read: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = _read("get_execution_history", arn, lab, maxResults=PAGE, **token)
        read += page["events"]
        if "nextToken" not in page:
            return read
        token = {"nextToken": page["nextToken"]}


class Following:
    """Reads an execution's events as they come, each once; `over` when the last one has been read."""

    def __init__(self, arn: str, *, lab: Lab | None = None) -> None:
        self.arn, self.over = arn, False
        self._lab = lab or current()
        self._known = 0

    def read(self) -> list[dict[str, Any]]:
        """The events that are new since the last time, oldest first.

        It reads from the newest back to those it knows: one call, and one more for every further 1,000 new events.
        """
        new: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = _read("get_execution_history", self.arn, self._lab, maxResults=PAGE, reverseOrder=True, **token)
            new += (event for event in page["events"] if event["id"] > self._known)
            reached = not page["events"] or page["events"][-1]["id"] <= self._known + 1
            if reached or "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        new.reverse()
        if new:
            self._known = new[-1]["id"]
            self.over = new[-1]["type"] in ENDS
        return new


def follow(arn: str, *, lab: Lab | None = None) -> Iterator[dict[str, Any]]:
    """The events of a running execution as they come, until its last one.

    It asks less often the longer it follows, every 1.8 s in the end, so the execution's end is noticed within 2 s.
    """
    following, began = Following(arn, lab=lab), time.monotonic()
    while True:
        yield from _once_let(following.read)
        if following.over:
            return
        time.sleep(pause_after(time.monotonic() - began))
