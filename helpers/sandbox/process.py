"""The server process: finding it, starting it, stopping it, and calling the sandbox's own verbs.

What only some of this takes is imported where it is used: a person waits for the start.
"""

import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
import psutil

from helpers import errors
from helpers.errors import SandboxFailed, SandboxGone
from helpers.sandbox import computer, files

__all__ = [
    "ACCOUNT",
    "REGION",
    "Sandbox",
    "answers",
    "call",
    "detached",
    "folder",
    "log_path",
    "read",
    "reset",
    "start",
    "status",
    "stop",
    "version",
]

REGION = "us-east-1"
ACCOUNT = "123456789012"
# Seconds: until a new server must be ready, until one that runs must have answered, until one that shall end has ended.
READY, ANSWERED, ENDED = 60.0, 20.0, 10.0
# Seconds by which a process's time of creation, read twice, may differ: the system counts it from its boot, to which
# it gives another second when its clock is set.
SAME_CREATION = 2.0
OLDER = (
    "The sandbox runs an older version of this project, and keeps what you made on it; `sfn-lab sandbox stop` ends it,"
    " and the next one is new, and empty."
)
# What the server must not inherit: the person's AWS settings and credentials, proxies, which loopback never uses, and
# the wish to keep no compiled modules: it loads more than a thousand, and compiling them takes twice as long again.
NOT_INHERITED = re.compile(r"(AWS|BOTO|MOTO)_.*|.*_PROXY|PYTHONDONTWRITEBYTECODE", re.IGNORECASE)
# What may stand in the environment for the server: how it is written, and how that is said.
SETTINGS = {
    "LAB_SANDBOX_BYTES": (r"\d+", "a whole number of bytes"),
    "LAB_SANDBOX_IDLE": (r"\d+(\.\d+)?", "a number of seconds"),
    "LAB_SANDBOX_PACE": ("aws", "aws"),
    "LAB_SANDBOX_ROLES": ("on|off", "on or off"),
}
ENDPOINT = re.compile(r"http://127\.0\.0\.1:\d{1,5}")


@dataclasses.dataclass(frozen=True)
class Sandbox:
    """A sandbox's state: where it answers, the keys to sign with, and which process it is.

    `started` is the process's time of creation (seconds since the epoch), `version` that of the code it runs,
    `ended` why it ended, when it could still say so. `notice` is a sentence for the person who started it.
    """

    endpoint_url: str
    access_key: str
    secret_key: str = dataclasses.field(repr=False)
    region: str
    account: str
    pid: int
    started: float
    version: str
    ended: str = ""
    notice: str = dataclasses.field(default="", compare=False)

    def write(self) -> None:
        """Keep this state in the sandbox's folder, readable by its owner alone."""
        path = _state_path()
        draft = path.with_suffix(f".{os.getpid()}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(self), file)
        files.patiently(lambda: draft.replace(path))

    def end(self, reason: str) -> None:
        """Leave word why this sandbox ended, and none of its keys."""
        dataclasses.replace(self, access_key="", secret_key="", ended=reason).write()


def folder() -> Path:
    """The folder that holds the sandbox's state and log, readable by its owner alone.

    Each computer has its own, because a home directory may be shared between computers, and a process is not. It lies
    in the folder that LAB_SANDBOX_DIR names, by default the person's cache folder. Raises `SandboxFailed`.
    """
    path = _place()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            if path.stat().st_uid != os.getuid():
                raise SandboxFailed(f"{path} belongs to somebody else; set LAB_SANDBOX_DIR to a folder of your own.")
            path.chmod(0o700)
    except OSError as error:
        raise _unusable(error) from error
    return path


def _place() -> Path:
    base = Path(os.environ.get("LAB_SANDBOX_DIR") or platformdirs.user_cache_dir("step-functions-notebooks", False))
    return base.absolute() / f"sandbox-{computer.identity()}"


def _unusable(error: OSError) -> SandboxFailed:
    return SandboxFailed(
        f"The sandbox's folder {_place()} cannot be used ({error.strerror or error}): remove it,"
        " or set LAB_SANDBOX_DIR to a folder of your own."
    )


def log_path() -> Path:
    """The server's log; that of the one before it has `.1` at its end."""
    return folder() / "sandbox.log"


def version() -> str:
    """A fingerprint of the code that a server started now would run."""
    import importlib.metadata

    digest = hashlib.sha256(f"{sys.version} moto {importlib.metadata.version('moto')}".encode())
    package = Path(__file__).parent.parent
    parts = [path for part in ("sandbox", "engine", "definition") for path in (package / part).rglob("*.*")]
    parts = [path for path in parts if path.suffix in (".py", ".json")]
    for path in sorted([*parts, package / "errors.py", package / "limits.py"]):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def read() -> Sandbox | None:
    """The state last written on this computer, whether or not its process still lives; None when there is none."""
    try:
        state = Sandbox(**json.loads(files.patiently(lambda: _state_path().read_text(encoding="utf-8"))))
        kinds: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(state)}
        usable = all(isinstance(getattr(state, name), kind) for name, kind in kinds.items())
        if usable and ENDPOINT.fullmatch(state.endpoint_url) and 0 <= state.pid < 1 << 31:
            return state
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError):
        pass
    # Written by another version of this project, or by nobody of ours: it names no server that we could use.
    return Sandbox("", "", "", REGION, ACCOUNT, 0, 0.0, "")


def status() -> Sandbox | None:
    """The sandbox that runs and answers on this computer, or None."""
    state = read()
    return state if state is not None and answers(state) else None


def start() -> Sandbox:
    """Start the sandbox unless it runs; returns when the first request would be answered.

    One that runs an older version goes on, with all that was made on it. The `notice` of what comes back says so, and
    when an earlier sandbox was lost. Raises `SandboxFailed`.
    """
    with _alone():
        state = read()
        if state is None:
            return _launch("")
        if answers(state):
            older = "" if state.version == version() else OLDER
            return dataclasses.replace(state, notice=older)
        if _lives(state):
            raise SandboxFailed(
                f"The sandbox (process {state.pid}) does not answer; end it with `python -m helpers.sandbox stop`."
            )
        why = f" because {state.ended}" if state.ended else " unexpectedly"
        return _launch(
            f"The sandbox ended{why}: its memory is lost, and what had been made on it (functions, state machines,"
            " histories) is gone; a new, empty one was started."
        )


def stop() -> bool:
    """Stop the sandbox of this computer; returns whether one was running. Raises `SandboxFailed`."""
    with _alone():
        state = read()
        running = state is not None and ((answering := answers(state)) or _lives(state))
        if state is not None and running:
            _end(state, answering)
        files.patiently(lambda: _state_path().unlink(missing_ok=True))
        return running


def reset() -> None:
    """Stop what runs in the sandbox and forget all that was made there; starts the sandbox if need be."""
    call("reset", start())


def call(verb: str, sandbox: Sandbox | None = None, /, **arguments: Any) -> dict[str, Any]:
    """Call one of the sandbox's own verbs and return its answer.

    `sandbox` is the one to call, by default the one that runs. Raises the `LabError` that the verb raised,
    or `SandboxGone` when nothing answers.
    """
    found = sandbox or read()
    if found is None or found.ended or not found.endpoint_url:
        raise SandboxGone()
    try:
        status_code, answer = _post(found, verb, arguments)
    except OSError as error:
        raise SandboxGone() from error
    if status_code == 200:
        return answer
    kind = getattr(errors, str(answer.get("error")), SandboxFailed)
    raise kind(str(answer.get("message", f"The sandbox refused {verb!r}.")))


def answers(sandbox: Sandbox) -> bool:
    """Whether this very sandbox answers: the process that was started with these keys, and no stranger at its port."""
    from helpers.sandbox import signing

    if sandbox.ended or not sandbox.endpoint_url:
        return False
    nonce = secrets.token_hex(16)
    try:
        status_code, answer = _post(sandbox, "ping", {"nonce": nonce})
    except (OSError, ValueError):
        return False
    proof = str(answer.get("proof", ""))
    return status_code == 200 and hmac.compare_digest(proof, signing.prove(sandbox.secret_key, nonce))


def _post(sandbox: Sandbox, verb: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    import http.client

    from helpers.sandbox import signing

    url, body = f"{sandbox.endpoint_url}/_sandbox/{verb}", json.dumps(arguments).encode()
    headers = signing.sign("POST", url, body, sandbox.access_key, sandbox.secret_key, sandbox.region)
    # http.client takes no notice of proxies.
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWERED)
    try:
        connection.request("POST", f"/_sandbox/{verb}", body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    return response.status, answer if isinstance(answer, dict) else {}


def _state_path() -> Path:
    return folder() / "state.json"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of this computer's sandbox, so that two who start at once get one server."""
    import filelock

    try:
        with filelock.FileLock(folder() / "lock", timeout=2 * READY):
            yield
    except filelock.Timeout:
        message = "Another process has been starting the sandbox for minutes; end it and try again."
        raise SandboxFailed(message) from None
    except OSError as error:
        raise _unusable(error) from error


def _lives(state: Sandbox) -> bool:
    """Whether the process of this state still runs, and is not another one that was given its number."""
    try:
        process = psutil.Process(state.pid)
        is_the_same = abs(process.create_time() - state.started) < SAME_CREATION
        return bool(process.status() != psutil.STATUS_ZOMBIE and is_the_same)
    except psutil.Error:
        return False


def _end(state: Sandbox, answering: bool) -> None:
    """End a server: by its own verb, after which nothing is left of it, or by force, on Windows a hard one."""
    with contextlib.suppress(OSError, ValueError):
        if answering and _post(state, "end", {})[0] == 200 and _ends(state):
            return
    with contextlib.suppress(psutil.NoSuchProcess):
        server = psutil.Process(state.pid)
        server.terminate()
        if not _ends(state):
            server.kill()
            _ends(state)


def _ends(state: Sandbox) -> bool:
    # Not Process.wait(): where a kernel started the server, that kernel alone could take note of its end.
    deadline = time.monotonic() + ENDED
    while _lives(state) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not _lives(state)


def _launch(notice: str) -> Sandbox:
    access_key, secret_key = "LAB" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30)
    log = log_path()
    with contextlib.suppress(OSError):
        files.patiently(lambda: log.replace(log.with_suffix(".log.1")))
    files.patiently(lambda: _state_path().unlink(missing_ok=True))
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        # Where somebody holds the old log it stays, and Windows hands on the place in a file, but not that it appends.
        file.seek(0, os.SEEK_END)
        server = subprocess.Popen(
            [sys.executable, "-m", "helpers.sandbox.server"],
            cwd=folder(),
            env=_environment() | {"LAB_ACCESS_KEY": access_key, "LAB_SECRET_KEY": secret_key},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            **detached(),
        )
    try:
        return dataclasses.replace(_wait(server, access_key), notice=notice)
    except BaseException:
        # On Windows an environment's python is a launcher, and the server is its child.
        with contextlib.suppress(psutil.Error):
            for process in [*psutil.Process(server.pid).children(recursive=True), server]:
                process.kill()
        raise


def _wait(server: "subprocess.Popen[bytes]", access_key: str) -> Sandbox:
    """Wait for the state that the server writes when it is ready."""
    deadline = time.monotonic() + READY
    while server.poll() is None and time.monotonic() < deadline:
        state = read()
        if state is not None and state.access_key == access_key:
            return state
        time.sleep(0.01)
    lines = log_path().read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it wrote nothing"]
    raise SandboxFailed(f"The sandbox did not start ({lines[-1]}); its log {log_path()} says more.")


def _environment() -> dict[str, str]:
    """What the server inherits: the person's environment without AWS settings, credentials and proxies."""
    inherited = {name: value for name, value in os.environ.items() if not NOT_INHERITED.fullmatch(name)}
    for name, (pattern, said) in SETTINGS.items():
        if (given := inherited.get(name)) and not re.fullmatch(pattern, given, re.ASCII):
            raise SandboxFailed(f"{name} is {given!r:.60}, and can be {said}: set it so, or unset it, and start again.")
    project = str(Path(__file__).parent.parent.parent)
    return inherited | {
        "PYTHONPATH": os.pathsep.join(filter(None, [project, inherited.get("PYTHONPATH")])),
        "LAB_SANDBOX_DIR": str(folder().parent),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_DISABLE_GLOBAL_CORS": "true",
    }


def detached() -> dict[str, Any]:
    """What makes a process outlive the one that starts it, and not hear the interrupts meant for that."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
