"""Another emulator of AWS, in an environment of its own, since it pins its dependencies."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

REQUIREMENT = "ministack==1.5.33"


@contextlib.contextmanager
def ministack() -> Iterator[str]:
    """The URL of a ministack server that runs while inside. Raises CalledProcessError where it cannot be installed."""
    home = Path(tempfile.gettempdir()) / f"benchmark-{REQUIREMENT.replace('==', '-')}-{os.getuid()}"
    programs = home / "bin"
    if not (programs / "ministack").exists():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT]
        subprocess.run(pip, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
    server = subprocess.Popen(
        [str(programs / "ministack")], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("ministack did not start")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
