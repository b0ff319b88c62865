"""What keeps a worker on Linux: all that its handler starts ends with it, in a session of its own too.

`workers.py` starts this file as a script. It goes on as `bootstrap.py` in a child; the process itself stays as keeper.
It adopts every orphan below it and takes note of its end. When the server has gone or says so (SIGTERM), or the runtime
has ended, it ends all that is left, and then itself in the way the runtime did.
"""

import contextlib
import ctypes
import os
import runpy
import select
import signal
import sys

assert sys.platform == "linux"

PR_SET_CHILD_SUBREAPER = 36  # of prctl(2)
HEARD = {signal.SIGCHLD, signal.SIGTERM}
LOOK = 2.0  # seconds between two looks whether the server is there, whose end a busy runtime does not notice


def keep() -> None:
    """Go on in a child, and keep it in the process that called, which never returns."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    runtime = os.fork()
    if not runtime:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        os.setsid()
        return
    server = select.poll()
    server.register(0, 0)  # hung up when the server has gone
    status = None
    while status is None and not server.poll(0):
        heard = signal.sigtimedwait(HEARD, LOOK)
        if heard and heard.si_signo == signal.SIGTERM:
            break
        status = _reap(runtime)
    _end_children()
    if status is not None and os.WIFSIGNALED(status):
        with contextlib.suppress(OSError):  # of SIGKILL it is always the default
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(1 if status is None else os.waitstatus_to_exitcode(status))


def _reap(runtime: int) -> int | None:
    """Take note of all children that have ended; returns the runtime's status if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == runtime:
                found = ended[1]
    return found


def _end_children() -> None:
    """End every child, and the orphans that this leaves, until there is none."""
    with contextlib.suppress(OSError):  # no child is left
        while True:
            for name in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                    if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                        os.kill(int(name), signal.SIGKILL)
            os.waitpid(-1, 0)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


if __name__ == "__main__":
    keep()
    runpy.run_path(os.path.join(os.path.dirname(__file__), "bootstrap.py"), run_name="__main__")
