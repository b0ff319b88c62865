"""Warm worker processes: one function version each, one invocation at a time."""

import collections
import contextlib
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import psutil

from helpers.sandbox import files
from helpers.sandbox.clock import clock
from helpers.sandbox.lambda_runner import bootstrap
from helpers.sandbox.process import detached

MOST_WORKERS = 64
STARTING_AT_ONCE = 2
# With this many busy for a function already, a further one is started only where none came free for so many seconds.
ENOUGH, PATIENCE = 10, 0.3
IDLE_SECONDS = 300.0
KEEPERS = 2.0  # seconds that a keeper has to end what is below it
LARGEST_LOG = 1_000_000  # bytes of one invocation's output that are kept; CloudWatch Logs takes an event of 1 MB
_MARK = re.compile(rb"\0[0-9a-f]{32}$")


class WorkerEnded(Exception):
    """The worker's process is gone; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class WorkerTimedOut(Exception):
    """The worker did not answer in time, and was ended."""


class Output:
    """What a worker prints, read all the time so that it never blocks; of an invocation the last megabyte is kept."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._changed = threading.Condition()
        self._chunks: collections.deque[tuple[float, bytes]] = collections.deque()  # as they came, and when
        self._last = b""
        self._kept = self._lost = 0  # bytes
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    def take(self, mark: str, seconds: float) -> list[tuple[float, bytes]]:
        """The lines until a line ends in `mark`, waited for at most `seconds`, each with when it came.

        That is in seconds since the epoch, on the sandbox's clock.
        """
        end = mark.encode() + b"\n"
        with self._changed:
            self._changed.wait_for(lambda: self._ended or end in self._last, timeout=seconds)
            chunks, lost = list(self._chunks), self._lost
            self._chunks.clear()
            self._kept = self._lost = 0
        lines = [(chunks[0][0], f"({lost} bytes of output before this are not kept)".encode())] if lost else []
        for stamp, line in _lines(chunks):
            # A mark that came too late for the invocation before is cut as well.
            if (text := _MARK.sub(b"", line)) or not line:
                lines.append((stamp, text))
        return lines

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), cast(BinaryIO, self._process.stderr) as pipe:
            while chunk := os.read(pipe.fileno(), 65_536):
                with self._changed:
                    self._keep(chunk)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._process.wait()  # also of one that ends while nobody uses it no zombie is left

    def _keep(self, chunk: bytes) -> None:
        self._chunks.append((clock.time(), chunk))
        self._last = (self._last + chunk)[-4_096:]  # a thread of the handler may print something after the mark
        self._kept += len(chunk)
        while self._kept > LARGEST_LOG:
            dropped = len(self._chunks.popleft()[1])
            self._kept, self._lost = self._kept - dropped, self._lost + dropped


def _lines(chunks: list[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    begun: list[bytes] = []
    for stamp, chunk in chunks:
        for part in re.findall(rb"[^\n]*\n|[^\n]+", chunk):
            begun.append(part)
            if part.endswith(b"\n"):
                yield stamp, b"".join(begun)[:-1]
                begun = []
    if begun:
        yield stamp, b"".join(begun)


class Worker:
    """One process of `bootstrap.py`, with pipes to and from it and a folder for its temporary files."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="worker-", dir=folder)).resolve()
        self.code, self.temporary = self.folder / "code", self.folder / "tmp"
        self.temporary.mkdir()
        self.key: tuple[Any, ...] = ()  # of the function's version, its name first
        self.wanted = True
        self.idle_since = 0.0
        self.log_stream = ""
        self._kept = sys.platform == "linux"
        script = pathlib.Path(bootstrap.__file__).with_name("keeper.py") if self._kept else bootstrap.__file__
        command = [sys.executable, "-I", "-S", "-B", "-u", "-X", "utf8", script]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(self.temporary),
            cwd=self.temporary,
            **detached(),
        )
        self._requests = cast(BinaryIO, self._process.stdin)
        self._replies = cast(BinaryIO, self._process.stdout)
        self.output = Output(self._process)
        self._timed_out = False
        self._scales = psutil.Process(self._process.pid)
        self.megabytes = 1

    def ask(self, header: dict[str, Any], body: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send a request and give the reply, or raise WorkerEnded or WorkerTimedOut; the worker is then gone.

        A reply must carry the request's mark: a handler may write anything into the pipe, also another reply.
        """
        timer = threading.Timer(seconds, self._time_out)
        timer.daemon = True
        timer.start()
        try:
            self._requests.write(bootstrap.frame_of(header, body))
            self._requests.flush()
            reply, answered = bootstrap.read_frame(self._replies, largest=bootstrap.LARGEST_RESPONSE)
            if reply.get("mark") != header["mark"]:
                raise ValueError("a frame that no runtime of ours wrote")
            if "pid" in reply:
                # Not always the process that was started: on Windows an environment's python is a launcher.
                self._scales = psutil.Process(reply["pid"])
            return reply, answered
        except (OSError, EOFError, ValueError, RecursionError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)
            status = self._process.returncode
            self.end()
            if self._timed_out:
                raise WorkerTimedOut from error
            raise WorkerEnded(1 if status is None else status) from error
        finally:
            timer.cancel()

    def weigh(self) -> int:
        """The megabytes that the worker takes, or took when it was last seen."""
        with contextlib.suppress(psutil.Error):
            self.megabytes = max(self.megabytes, self._scales.memory_info().rss >> 20)
        return self.megabytes

    def alive(self) -> bool:
        """Whether it can be asked: neither it nor the process that runs the handler has ended."""
        with contextlib.suppress(psutil.Error):
            return self._process.poll() is None and self._scales.status() != psutil.STATUS_ZOMBIE
        return False

    def end(self) -> None:
        """End the process and what it started, and remove its folder."""
        self.weigh()
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for pipe in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                pipe.close()
        files.remove(self.folder)

    def _time_out(self) -> None:
        self._timed_out = True
        self.weigh()
        self.kill()

    def kill(self) -> None:
        """End it with all that its handler started: its keeper does, or else we do as far as we know of them."""
        if self._kept:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(KEEPERS)
                return
        below: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            below = psutil.Process(self._process.pid).children(recursive=True)
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for process in (self._process, *below):
            with contextlib.suppress(psutil.Error, OSError):
                process.kill()


def clean_environment(folder: pathlib.Path) -> dict[str, str]:
    """An environment that holds nothing of the person's own; `folder` is the worker's for temporary files."""
    environment = {
        **dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(folder)),
        "LANG": "en_US.UTF-8",
        "TZ": "UTC0" if sys.platform == "win32" else ":UTC",
        "PATH": os.defpath,
        # botocore must find neither the person's profiles nor an instance's credentials.
        **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull),
        "AWS_EC2_METADATA_DISABLED": "true",
        # No proxy may stand between a handler and the sandbox.
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "*"),
    }
    # Without these Python itself does not start on Windows, or where it was built with shared libraries.
    needed = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
    return environment | {name: os.environ[name] for name in needed if name in os.environ}


class Workers:
    """The workers there are: warm ones by function version, and one spare that is no function yet.

    Their code and temporary files lie in `folder`.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._changed = threading.Condition()
        self._idle: list[Worker] = []  # the one that waits longest first
        self._busy: set[Worker] = set()
        self._spare: Worker | None = None
        self._freed: dict[tuple[Any, ...], float] = {}
        self._starting = 0
        self._closed = False
        threading.Thread(target=self._tend, daemon=True).start()

    @contextlib.contextmanager
    def worker(self, key: tuple[Any, ...]) -> Iterator[tuple[Worker, bool]]:
        """A worker for the function version `key` and whether it is warm; a new one must still become the function.

        It waits while there are too many. A worker that is still alive afterwards is kept warm.
        """
        worker, warm = self._acquire(key)
        try:
            yield worker, warm
        except BaseException:
            worker.end()
            raise
        finally:
            self._release(worker)

    def forget(self, name: str | None = None) -> None:
        """Keep no worker of a function that was changed or deleted; without a name end all, those that work too."""
        with self._changed:
            gone = self._dismiss(lambda worker: name in (None, worker.key[0]))
            working = [worker for worker in self._busy if name in (None, worker.key[0])]
            for worker in working:
                worker.wanted = False
        if name is None:
            for worker in working:
                worker.kill()
        for worker in gone:
            worker.end()

    def close(self) -> None:
        """End all workers, and remove their folder."""
        with self._changed:
            self._closed = True
            gone = [*self._idle, *self._busy, *([self._spare] if self._spare else [])]
            self._idle, self._spare = [], None
            self._changed.notify_all()
        for worker in gone:
            worker.end()
        files.remove(self._folder)

    def _acquire(self, key: tuple[Any, ...]) -> tuple[Worker, bool]:
        evicted = None
        asked = time.monotonic()
        with self._changed:
            while True:
                if self._closed:
                    raise WorkerEnded(-signal.SIGTERM)
                if worker := self._warm(key):
                    self._busy.add(worker)
                    return worker, True
                patience = max(asked, self._freed.get(key, asked)) + PATIENCE - time.monotonic()
                if patience > 0 and sum(busy.key == key for busy in self._busy) >= ENOUGH:
                    self._changed.wait(patience)
                    continue
                if self._starting < STARTING_AT_ONCE:
                    if len(self._busy) + self._starting + len(self._idle) < MOST_WORKERS:
                        break
                    if self._idle:
                        evicted = self._idle.pop(0)
                        break
                self._changed.wait()
            self._starting += 1
            worker, self._spare = self._spare, None
            self._changed.notify_all()
        try:
            if evicted:
                evicted.end()
            if worker is None or not worker.alive():
                worker = Worker(self._folder)
            worker.key = key
        finally:
            with self._changed:
                self._starting -= 1
                if worker and worker.key == key:  # else no process could be started
                    self._busy.add(worker)
                self._changed.notify_all()
        return worker, False

    def _release(self, worker: Worker) -> None:
        worker.idle_since = time.monotonic()
        with self._changed:
            self._busy.discard(worker)
            kept = worker.wanted and worker.alive() and not self._closed
            if kept:
                self._freed[worker.key] = worker.idle_since
                self._idle.append(worker)
            self._changed.notify_all()
        if not kept:
            worker.end()

    def _warm(self, key: tuple[Any, ...]) -> Worker | None:
        while found := [worker for worker in self._idle if worker.key == key]:
            self._idle.remove(found[-1])
            if found[-1].alive():
                return found[-1]
            found[-1].end()
        return None

    def _dismiss(self, outdated: Callable[[Worker], bool]) -> list[Worker]:
        """The idle workers that are outdated, which are idle no more."""
        gone = [worker for worker in self._idle if outdated(worker)]
        self._idle = [worker for worker in self._idle if worker not in gone]
        return gone

    def _tend(self) -> None:
        """Keep a spare ready, and end workers that nobody has needed for a while."""
        while True:
            with self._changed:
                if self._closed:
                    return
                # While functions want workers of their own the processor is theirs.
                if not self._starting and (self._spare is None or not self._spare.alive()):
                    self._spare = Worker(self._folder)
                ended = self._outdated()
                if not ended:
                    self._changed.wait(30)
            for worker in ended:
                worker.end()

    def _outdated(self) -> list[Worker]:
        oldest = time.monotonic() - IDLE_SECONDS
        self._freed = {key: at for key, at in self._freed.items() if at > oldest}
        return self._dismiss(lambda worker: worker.idle_since < oldest or not worker.alive())


def mark() -> str:
    """A text that no output holds by chance."""
    return f"\0{secrets.token_hex(16)}"
