"""What runs inside a worker process, as AWS's Python runtime does in an execution environment.

`workers.py` starts this file as a script, with Python's standard library and nothing of the project: it waits for the
function that it is to be, loads it, then answers one invocation after the other. Requests come in on what was standard
input, replies leave on what was standard output, and all that the handler prints goes to the log.

The shapes and words of errors are those of AWS's own runtime (aws-lambda-python-runtime-interface-client on GitHub).
"""

import contextlib
import datetime
import decimal
import functools
import importlib
import importlib.machinery
import io
import itertools
import json
import logging
import os
import queue
import struct
import sys
import threading
import time
import traceback
import types
import warnings
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

LARGEST_RESPONSE = 6_291_556  # bytes; AWS Lambda developer guide, "Lambda quotas": 6 MB and 100 bytes of wrapping
NO_BREAK_SPACE = "\u00a0"
PROVIDED = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"}


class Fault(Exception):
    """What the runtime itself finds wrong, as opposed to an exception of the handler's."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace or []


# --- the channel to the server ---------------------------------------------------------------------------------------


class Channel:
    """Frames of a JSON header and a body over two pipes, and the end mark of an invocation on the log."""

    def __init__(self) -> None:
        self._requests = os.fdopen(os.dup(0), "rb")
        self._replies = os.dup(1)
        self._log = os.dup(2)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self.received: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave)
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        # End of input means that the server has gone: nothing may outlive it, not even an endless handler.
        with contextlib.suppress(Exception):
            while True:
                self.received.put(read_frame(self._requests))
        os._exit(1)

    def _leave(self) -> None:
        # A forked child of the handler must not answer in its parent's name.
        os.close(self._replies)
        self._replies = -1

    def reply(self, header: dict[str, Any], body: bytes = b"") -> None:
        frame = memoryview(frame_of(header, body))
        while frame:
            frame = frame[os.write(self._replies, frame) :]

    def end_log(self, mark: str) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        if self._replies < 0:
            os._exit(0)
        os.write(self._log, mark.encode() + b"\n")


def frame_of(header: dict[str, Any], body: bytes) -> bytes:
    """One frame: the lengths of header and body, then both."""
    text = json.dumps(header).encode()
    return struct.pack(">II", len(text), len(body)) + text + body


def read_frame(pipe: BinaryIO, largest: int | None = None) -> tuple[dict[str, Any], bytes]:
    """The next frame of `pipe`; EOFError at its end, ValueError where it is none (or larger than `largest` bytes)."""
    lengths = pipe.read(8)
    if len(lengths) < 8:
        raise EOFError
    header_length, body_length = struct.unpack(">II", lengths)
    if largest is not None and (header_length > 65_536 or body_length > largest):
        raise ValueError("a frame too large")
    text, body = pipe.read(header_length), pipe.read(body_length)
    if len(text) < header_length or len(body) < body_length:
        raise EOFError
    header = json.loads(text)
    if not isinstance(header, dict):
        raise ValueError("a frame without a header")
    return header, body


# --- the sandbox's clock ---------------------------------------------------------------------------------------------


shift = types.SimpleNamespace(seconds=0.0)  # how far the sandbox's clock is ahead; fixed for an invocation


def put_time_on() -> None:
    """Make `time` and `datetime` read the sandbox's clock; called before the handler's module is imported."""
    original = types.SimpleNamespace(**vars(time))

    def now_by_default(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda seconds=None: function(original.time() + shift.seconds if seconds is None else seconds)

    stand_ins: dict[str, Callable[..., Any]] = {
        "time": lambda: original.time() + shift.seconds,
        "time_ns": lambda: original.time_ns() + round(shift.seconds * 1e9),
        **{name: now_by_default(getattr(original, name)) for name in ("gmtime", "localtime", "ctime")},
        "asctime": lambda *moment: original.asctime(*moment or (time.localtime(),)),
        "strftime": lambda form, *moment: original.strftime(form, *moment or (time.localtime(),)),
    }
    for name, stand_in in stand_ins.items():
        # Static, because a plain function would bind when it is put into a class.
        setattr(time, name, staticmethod(functools.wraps(getattr(original, name))(stand_in)))

    real_date, real_datetime = datetime.date, datetime.datetime
    stands_for: dict[type, type] = {}

    class Standing(type):
        """Lets `isinstance` take a date made by C code for one of ours."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, stands_for[cls]) if cls in stands_for else super().__instancecheck__(instance)

    class date(real_date, metaclass=Standing):  # type: ignore[misc, valid-type] # noqa: N801
        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(time.time())

        def __repr__(self) -> str:
            return f"datetime.{super().__repr__()}"

    class datetime_(date, real_datetime):  # type: ignore[misc, valid-type] # noqa: N801
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    for name, ours, real in (("date", date, real_date), ("datetime", datetime_, real_datetime)):
        ours.__name__ = ours.__qualname__ = name
        ours.__module__ = "datetime"
        stands_for[ours] = real
        setattr(datetime, name, ours)


# --- the function ----------------------------------------------------------------------------------------------------


class RuntimeLibraries:
    """Finds what AWS's Python runtime brings along, and nothing else that is installed in the sandbox's `folders`."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = folders

    def find_spec(self, name: str, path: Any = None, _: Any = None) -> importlib.machinery.ModuleSpec | None:
        if path is None and name in PROVIDED:
            return importlib.machinery.PathFinder.find_spec(name, self._folders)
        return None


class Context:
    """The second argument of a handler."""

    def __init__(self, invocation: dict[str, Any]) -> None:
        self.aws_request_id = invocation["request_id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = invocation["arn"]
        self.tenant_id = None
        self.identity = types.SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None
        self._deadline = time.monotonic() + invocation["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


def number_of(value: Any) -> int | float:
    """The number that AWS's runtime makes of a Decimal in a response; TypeError for what JSON cannot hold."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def load_handler(name: str) -> Callable[[Any, Context], Any]:
    """The handler called `module.function`; Fault where there is none."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        message = f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", message)
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{as_on_aws(error.filename or "")}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        handler: Callable[[Any, Context], Any] = getattr(module, function_name)
    except AttributeError as error:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from error
    return handler


def as_on_aws(path: str) -> str:
    """Where a file of the function or of Python lies on AWS."""
    version = f"/var/lang/lib/python{sys.version_info.major}.{sys.version_info.minor}"
    for folder, there in ((os.environ.get("LAMBDA_TASK_ROOT"), "/var/task"), (os.path.dirname(os.__file__), version)):
        if folder and path.startswith(folder + os.sep):
            return there + path[len(folder) :].replace(os.sep, "/")
    head, found, tail = path.replace(os.sep, "/").rpartition("/site-packages/")
    return f"{version}/site-packages/{tail}" if found and head else path


def failure_of(problem: Exception, request_id: str) -> bytes:
    """What AWS answers for an exception, its keys in AWS's order; the log has it, too.

    There it is one event, its lines parted by carriage returns.
    """
    if isinstance(problem, Fault):
        kind, trace = problem.kind, problem.trace
    else:
        kind = type(problem).__name__
        frames = traceback.extract_tb(problem.__traceback__)
        outside = next((at for at, frame in enumerate(frames) if frame.filename != __file__), 0)
        trace = traceback.format_list(
            [(as_on_aws(frame.filename), frame.lineno or 0, frame.name, frame.line) for frame in frames[outside:]]
        )
    said = str(problem)
    lines = [f"[ERROR] {kind}: {said}" if said else f"[ERROR] {kind}", "Traceback (most recent call last):"]
    for line in itertools.chain.from_iterable(map(str.splitlines, trace)):
        text = line.lstrip(" ")
        lines.append(NO_BREAK_SPACE * (len(line) - len(text)) + text)
    with contextlib.suppress(Exception):
        sys.stdout.write("\r".join(lines).replace("\n", "\r") + "\n")
    return json.dumps({"errorMessage": said, "errorType": kind, "requestId": request_id, "stackTrace": trace}).encode()


class _LogHandler(logging.Handler):
    request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = self.request_id
        sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")


def set_up_logging() -> None:
    """Give the root logger AWS's handler and format."""
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = _LogHandler()
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)


# --- the life of a worker --------------------------------------------------------------------------------------------


def become(function: dict[str, Any]) -> Callable[[Any, Context], Any]:
    """Take on a function's environment and load its handler from its unpacked code."""
    os.environ.clear()
    os.environ.update(function["environment"])
    if hasattr(time, "tzset"):
        time.tzset()
    os.chdir(function["folder"])
    sys.path.insert(0, function["folder"])
    sys.meta_path.append(RuntimeLibraries(function["libraries"]))
    return load_handler(function["handler"])


def answer(handler: Callable[[Any, Context], Any], invocation: dict[str, Any], event: bytes) -> bytes:
    """Run the handler and give its response as AWS sends it."""
    response = handler(json.loads(event), Context(invocation))
    if isinstance(response, bytes):
        return response
    ascii_only = os.environ.get("AWS_EXECUTION_ENV", "") < "AWS_Lambda_python3.12"
    try:
        return json.dumps(response, default=number_of, ensure_ascii=ascii_only).encode()
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def main() -> None:
    """Become a function, then answer until the server closes the pipe."""
    channel = Channel()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(newline="\n")  # type: ignore[union-attr]
    warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
    put_time_on()
    set_up_logging()

    function, package = channel.received.get()
    # Here, because it takes a large package seconds of a processor, which the server would not have for others.
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(function["folder"])
    del package  # it may have 50 MB
    shift.seconds = function["clock_offset"]
    started = time.perf_counter()
    try:
        handler = become(function)
    except Exception as problem:
        body = failure_of(problem, "")
        channel.end_log(function["mark"])
        channel.reply({"kind": "error", "mark": function["mark"]}, body)
        return
    seconds = time.perf_counter() - started
    channel.reply({"kind": "ready", "mark": function["mark"], "pid": os.getpid(), "seconds": seconds})

    while True:
        invocation, event = channel.received.get()
        shift.seconds = invocation["clock_offset"]
        _LogHandler.request_id = invocation["request_id"]
        kind = "result"
        try:
            body = answer(handler, invocation, event)
            if len(body) > LARGEST_RESPONSE:
                kind, body = "too_large", b""
        except Exception as problem:
            kind, body = "error", failure_of(problem, invocation["request_id"])
        channel.end_log(invocation["mark"])
        channel.reply({"kind": kind, "mark": invocation["mark"]}, body)


if __name__ == "__main__":
    main()
