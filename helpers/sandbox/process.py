"""The server process: finding it, starting it, stopping it, and calling its own verbs."""

import dataclasses
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import filelock
import psutil

from helpers.errors import SandboxFailed

REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclasses.dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it answers, and the keys to sign with."""

    endpoint_url: str
    access_key: str
    secret_key: str
    region: str
    account: str
    pid: int


def folder() -> Path:
    """The folder that holds the sandbox's state and log, readable by its owner alone."""
    path = Path(os.environ.get("LAB_SANDBOX_DIR") or Path.home() / ".cache" / "step-functions-notebooks")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def status() -> Sandbox | None:
    """The sandbox that runs, or None."""
    try:
        state = Sandbox(**json.loads((folder() / "state.json").read_text()))
    except FileNotFoundError:
        return None
    return state if psutil.pid_exists(state.pid) else None


def start() -> Sandbox:
    """Start the sandbox unless it runs; returns when the first request would be answered."""
    with filelock.FileLock(folder() / "lock"):
        return status() or _launch()


def stop() -> bool:
    """Stop the sandbox; returns whether one was running."""
    with filelock.FileLock(folder() / "lock"):
        sandbox = status()
        (folder() / "state.json").unlink(missing_ok=True)
        if sandbox is None:
            return False
        server = psutil.Process(sandbox.pid)
        server.terminate()
        server.wait(10)
        return True


def reset() -> None:
    """Empty the sandbox: stop it and start it again."""
    stop()
    start()


def _launch() -> Sandbox:
    access_key, secret_key = "LAB" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"LAB_ACCESS_KEY": access_key, "LAB_SECRET_KEY": secret_key}
    log = os.open(folder() / "sandbox.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    server = subprocess.Popen(
        [sys.executable, "-m", "helpers.sandbox.server"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
        text=True,
    )
    os.close(log)
    assert server.stdout is not None
    port = server.stdout.readline().strip()
    if not port:
        raise SandboxFailed(f"The sandbox did not start; its log {folder() / 'sandbox.log'} says why.")
    sandbox = Sandbox(f"http://127.0.0.1:{port}", access_key, secret_key, REGION, ACCOUNT, server.pid)
    descriptor = os.open(folder() / "state.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(dataclasses.asdict(sandbox), file)
    return sandbox
