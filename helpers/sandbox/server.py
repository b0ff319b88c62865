"""The server process: puts moto's services behind an HTTP server, and ends itself when nobody needs them any more."""

import contextlib
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
    from helpers.sandbox.http_server import Server

# How long the sandbox stays when nobody uses it, in seconds, unless the environment says otherwise.
IDLE = 8 * 3600.0
FILES = 4_096  # open files that three Maps of 60 branches stay far below: a call takes two, a worker three


def main() -> None:
    """Serve until stopped, replaced, or unused for long. Keys come in the environment."""
    version, idle = process.version(), float(os.environ.get("LAB_SANDBOX_IDLE") or IDLE)
    _allow_files()
    # botocore loads this library wherever it is installed, and the server has no use for its 6 MB.
    sys.modules["awscrt"] = None  # type: ignore[assignment]
    # Loading moto makes very many objects and no garbage: collecting meanwhile would take half a second.
    gc.disable()
    server = _open()
    gc.freeze()
    gc.enable()
    os.environ["MOTO_PORT"] = str(server.server_port)
    state = process.Sandbox(
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        access_key=server.keys.access_key,
        secret_key=server.keys.secret_key,
        region=process.REGION,
        account=process.ACCOUNT,
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        version=version,
    )
    from helpers.sandbox.control import ended

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.write()
    reason = _watch(server, state, ended, idle)
    if process.read() == state:
        state.end(reason)
    lambda_runner.close()
    # Executions wait in threads that would hold the process back.
    os._exit(0)


def _allow_files() -> None:
    """Let this process open as many files as a busy Map needs: a Mac's terminal allows 256."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _open() -> "Server":
    """Put moto, with our patches in it, behind a server that checks signatures; all heavy imports happen here."""
    from helpers.sandbox import athena, events, lambda_runner
    from helpers.sandbox.clock import stamps
    from helpers.sandbox.http_server import Server
    from helpers.sandbox.integrations import clients

    for concern in (clients, stamps, lambda_runner, events, athena):
        concern.patch()
    return Server(os.environ["LAB_ACCESS_KEY"], os.environ["LAB_SECRET_KEY"])


def _watch(server: "Server", state: process.Sandbox, ended: threading.Event, idle: float) -> str:
    """Wait until it is time to go; returns why, in words that follow "The sandbox ended because"."""
    from helpers.sandbox.control import running_executions

    pause = min(idle / 4, 15.0)
    unused, looked, last_used = 0.0, time.monotonic(), server.last_used
    while not ended.wait(pause):
        now = time.monotonic()
        # On Windows this clock goes on while the computer sleeps, and to sleep is not to be idle.
        unused, looked = unused + min(now - looked, 2 * pause), now
        found = process.read()
        if found is None or (found.pid, found.started) != (state.pid, state.started):
            return "another one took its place"
        if running_executions() or server.last_used != last_used:
            unused, last_used = 0.0, server.last_used
        if unused > idle:
            return f"nobody had used it for {idle / 3600:g} hours"
    return "its process got the signal to end"


if __name__ == "__main__":
    main()
