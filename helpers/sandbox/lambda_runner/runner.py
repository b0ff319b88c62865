"""One invocation: a worker made the function, run within its time, its log written, its end put into AWS's words."""

import json
import os
import secrets
import signal
import sys
import time
import uuid
from typing import Any

from moto.awslambda.models import LambdaFunction

from helpers.engine.text import time_text
from helpers.sandbox.actions import Need
from helpers.sandbox.clock import clock
from helpers.sandbox.identities import refusal, session
from helpers.sandbox.lambda_runner import package, workers
from helpers.sandbox.lambda_runner.bootstrap import LARGEST_RESPONSE

INIT_SECONDS = 10.0  # AWS Lambda developer guide, "Lambda execution environment": the init phase's limit
UNPACKED = 1_000_000  # bytes of a zip that a busy computer unpacks in a second, which is no part of the init phase
LARGEST_TAIL = 4_096  # bytes; AWS Lambda API reference, Invoke: LogResult is the last 4 KB
LARGEST_STREAM = 10_000  # events of a log stream that are kept, so that the server's memory stays flat


def run(function: LambdaFunction, event: bytes, arn: str, among: workers.Workers) -> "Invocation":
    """Invoke `function` with the JSON text `event`; `arn` is the ARN as it was called."""
    with clock.working():
        invocation = Invocation(function)
        with among.worker(key_of(function)) as (worker, warm):
            invocation.run(worker, warm, event, arn)
    return invocation


class Invocation:
    """One run of a function: what it gave, `error` (`Unhandled`) where that is an error, the end of its log."""

    def __init__(self, function: LambdaFunction) -> None:
        self.function = function
        self.request_id = str(uuid.uuid4())
        self.mark = workers.mark()
        self.started_at = self.ended_at = clock.time()
        self.started = time.perf_counter()
        self.init_seconds: float | None = None
        self.seconds = 0.0
        self.note = self.status = ""  # what AWS itself says of its end, in the log and in the report
        self.payload = self.log = b""
        self.error: str | None = None

    def run(self, worker: workers.Worker, warm: bool, event: bytes, arn: str) -> None:
        """Have a worker do it, and write the log."""
        if not warm:
            worker.log_stream = f"{clock.now():%Y/%m/%d}/[{self.function.version}]{secrets.token_hex(16)}"
        try:
            if warm or self._become(worker):
                self._invoke(worker, event, arn)
        except workers.WorkerTimedOut:
            said = f"Task timed out after {self.function.timeout:.2f} seconds"
            self._fail("Sandbox.Timedout", said, f"{time_text(clock.now())} {self.request_id} {said}\n\n", "timeout")
        except workers.WorkerEnded as ended:
            kind, said = "Runtime.ExitError", exit_message(ended.status)
            note = f"RequestId: {self.request_id} Error: {said}\n{kind}\n"
            self._fail(kind, said, note, f"error\tError Type: {kind}")
        events = self._events(worker)
        write_log(self.function, worker.log_stream, events)
        text = "".join(event["message"] for event in events).encode()[-LARGEST_TAIL:]
        self.log = text.decode(errors="ignore").encode()

    def _become(self, worker: workers.Worker) -> bool:
        header = {
            "folder": str(worker.code),
            "handler": self.function.handler,
            "libraries": sys.path,
            "environment": environment_of(self.function, worker),
            "mark": self.mark,
            "clock_offset": clock.offset,
        }
        code = self.function.code_bytes
        package.opened(code)  # one that came from S3 was not looked at yet
        reply, body = worker.ask(header, code, max(INIT_SECONDS, self.function.timeout) + len(code) / UNPACKED)
        if reply["kind"] == "ready":
            self.init_seconds = float(reply["seconds"])
            return True
        worker.end()
        self.payload, self.error = body, "Unhandled"
        self.seconds = time.perf_counter() - self.started
        self.status = f"error\tError Type: {json.loads(body)['errorType']}"
        return False

    def _invoke(self, worker: workers.Worker, event: bytes, arn: str) -> None:
        self.started = time.perf_counter()
        header = {
            "request_id": self.request_id,
            "arn": arn,
            "timeout": self.function.timeout,
            "mark": self.mark,
            "clock_offset": clock.offset,
        }
        try:
            reply, self.payload = worker.ask(header, event, self.function.timeout)
        finally:
            self.seconds = time.perf_counter() - self.started
            self.ended_at = clock.time()
        if reply["kind"] == "too_large":
            message = f"Response payload size exceeded maximum allowed payload size ({LARGEST_RESPONSE} bytes)."
            self.payload = error_payload("Function.ResponseSizeTooLarge", message)
        if reply["kind"] != "result":
            self.error = "Unhandled"

    def _fail(self, kind: str, message: str, note: str, status: str) -> None:
        """End with an error of the sandbox environment's own, which carries the request's id in its message."""
        self.payload = error_payload(kind, f"RequestId: {self.request_id} Error: {message}")
        self.error, self.note, self.status = "Unhandled", note, status
        self.ended_at = clock.time()

    def _events(self, worker: workers.Worker) -> list[dict[str, Any]]:
        begin, end = round(self.started_at * 1000), round(max(self.started_at, self.ended_at) * 1000)
        messages = [(begin, f"START RequestId: {self.request_id} Version: {self.function.version}\n")]
        for stamp, line in worker.output.take(self.mark, 1.0):
            text = line.decode(errors="replace").replace("\r", "\n")
            messages.append((min(max(begin, round(stamp * 1000)), end), f"{text}\n"))
        messages += [(end, self.note)] if self.note else []
        messages += [(end, f"END RequestId: {self.request_id}\n"), (end, self._report(worker))]
        return [{"timestamp": stamp, "message": message} for stamp, message in messages]

    def _report(self, worker: workers.Worker) -> str:
        milliseconds = self.seconds * 1000
        init = (self.init_seconds or 0.0) * 1000
        # The init phase of a cold start is billed too, since 1 August 2025 (AWS Lambda pricing).
        return (
            f"REPORT RequestId: {self.request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Billed Duration: {int(-(-(milliseconds + init) // 1))} ms\tMemory Size: {self.function.memory_size} MB\t"
            f"Max Memory Used: {worker.weigh()} MB"
            + (f"\tInit Duration: {init:.2f} ms" if self.init_seconds is not None else "")
            + (f"\tStatus: {self.status}\n" if self.status else "\t\n")
        )


def key_of(function: LambdaFunction) -> tuple[Any, ...]:
    """What a warm worker is good for: a version of a function with its code and its configuration."""
    return (
        *(function.function_name, function.account_id, function.region, str(function.version), function.code_digest),
        *(function.handler, function.run_time, function.timeout, function.memory_size, function.role),
        tuple(sorted(function.environment_vars.items())),
    )


def environment_of(function: LambdaFunction, worker: workers.Worker) -> dict[str, str]:
    """The environment variables of a handler: AWS's own, the function's, and the way to the sandbox as its role."""
    keys = session(function.role, function.function_name).credentials
    return {
        **workers.clean_environment(worker.temporary),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ.get('MOTO_PORT', '')}",
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": str(keys.token),
        **{name: str(value) for name, value in function.environment_vars.items()},
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(worker.code),
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": worker.log_stream,
    }


def exit_message(status: int) -> str:
    """How AWS says that a runtime ended: by itself, with a status, or by a signal (a negative status)."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    # AWS's supervisor has Go's words for the signals, on Linux the C library's in small letters; a Mac's have a number.
    word = (signal.strsignal(-status) or str(-status)).partition(":")[0].lower()
    return f"Runtime exited with error: signal: {word}"


def error_payload(kind: str, message: str) -> bytes:
    """An error that comes from AWS's side of the runtime, as compact JSON."""
    return json.dumps({"errorType": kind, "errorMessage": message}, separators=(",", ":")).encode()


def write_log(function: LambdaFunction, stream_name: str, events: list[dict[str, Any]]) -> None:
    """Put events into the function's log group, which its first invocation makes, as far as its role may, as on AWS."""
    backend, name = function.logs_backend, function.logs_group_name

    def may(action: str, place: str) -> bool:
        place = f"arn:aws:logs:{function.region}:{function.account_id}:log-group:{name}{place}"
        need = Need(f"logs:{action}", place)
        return refusal(session(function.role, function.function_name), need, function.region) is None

    stream = f":log-stream:{stream_name}"
    if name not in backend.groups and may("CreateLogGroup", ""):
        backend.ensure_log_group(name)
    group = backend.groups.get(name)
    if group is None or not (stream_name in group.streams or may("CreateLogStream", stream)):
        return
    if stream_name not in group.streams:
        group.create_log_stream(stream_name)
    if not may("PutLogEvents", stream):
        return
    # Not through put_log_events of the backend: that refuses what the sandbox's clock stamps after fast-forwarding.
    group.put_log_events(stream_name, events)
    kept = group.streams[stream_name].events
    if len(kept) > LARGEST_STREAM:
        del kept[: len(kept) - LARGEST_STREAM]
