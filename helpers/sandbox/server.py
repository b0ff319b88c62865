"""The server process: puts moto's services behind the door, and ends itself when nobody needs them any more."""

import gc
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil

from helpers.sandbox import lambda_runner, process

if TYPE_CHECKING:
    from helpers.sandbox.door import Door

# How long the sandbox stays when nobody uses it, in seconds, unless the environment says otherwise.
IDLE = 8 * 3600.0


def main() -> None:
    """Serve until stopped, replaced, or unused for long. Keys come in the environment."""
    version, idle = process.version(), float(os.environ.get("LAB_SANDBOX_IDLE") or IDLE)
    # Loading moto makes very many objects and no garbage: collecting meanwhile would take half a second.
    gc.disable()
    door = _open()
    gc.freeze()
    gc.enable()
    os.environ["MOTO_PORT"] = str(door.server_port)
    state = process.Sandbox(
        endpoint_url=f"http://127.0.0.1:{door.server_port}",
        access_key=door.keys.access_key,
        secret_key=door.keys.secret_key,
        region=process.REGION,
        account=process.ACCOUNT,
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        version=version,
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=door.serve_forever, daemon=True).start()
    state.write()
    reason = _watch(door, state, ended, idle)
    if process.read() == state:
        state.end(reason)
    lambda_runner.close()
    # Executions wait in threads that would hold the process back.
    os._exit(0)


def _open() -> "Door":
    """Put moto together with our mends in it, behind a door; all heavy imports happen here."""
    from helpers.sandbox import athena, clock, control, events, lambda_runner
    from helpers.sandbox.door import Door

    for concern in (clock, lambda_runner, events, athena):
        concern.mend()
    control.VERBS.update(
        ping=control.ping,
        reset=control.reset,
        clock=clock.read,
        fast_forward=clock.fast_forward,
        history_limit=clock.history_limit,
        athena=athena.query_seconds,
    )
    return Door(os.environ["LAB_ACCESS_KEY"], os.environ["LAB_SECRET_KEY"])


def _watch(door: "Door", state: process.Sandbox, ended: threading.Event, idle: float) -> str:
    """Wait until it is time to go; returns why, in words that follow "The sandbox ended because"."""
    from helpers.sandbox.control import running_executions

    while not ended.wait(min(idle / 4, 15.0)):
        if process.read() != state:
            return "another one took its place"
        if running_executions():
            door.last_used = time.monotonic()
        if time.monotonic() - door.last_used > idle:
            return f"nobody had used it for {idle / 3600:g} hours"
    return "its process was told to end"


if __name__ == "__main__":
    main()
