"""What a handler starts, in a session of its own too, ends with its worker and costs the server nothing."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

import helpers
from helpers import sandbox
from helpers.sandbox import process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a handler's orphans end as far as known")

PAUSE = "import time; time.sleep(600)"
SESSION = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {PAUSE!r}, MARK], start_new_session=True)"
TWICE = f"""import os, sys
if not os.fork():
    os.setsid()
    if not os.fork():
        os.execv(sys.executable, [sys.executable, '-c', {PAUSE!r}, MARK])
    os._exit(0)"""
# It keeps the log open, and nothing of it is in the group or the session of its worker.
STARTS = [SESSION, TWICE]


@pytest.fixture
def mark(tmp_path: pathlib.Path) -> Iterator[str]:
    """A word that what a test starts has in its command line; nothing of it is left afterwards."""
    word = f"descendant-of-{tmp_path.name}-{os.getpid()}"
    yield word
    for one in marked(word):
        with contextlib.suppress(psutil.Error):
            one.kill()


def marked(word: str) -> list[psutil.Process]:
    """The processes with this word in their command line."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if word in one.cmdline():
                found.append(one)
    return found


def holds(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true within a minute and a half."""
    deadline = time.monotonic() + 90
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def server() -> psutil.Process:
    found = sandbox.status()
    assert found is not None
    return psutil.Process(found.pid)


def body(start: str, word: str, then: str) -> str:
    return f"MARK = {word!r}\n{start}\n{then}"


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    ("then", "kind"),
    [
        ("import time; time.sleep(60)", "Sandbox.Timedout"),
        ("import os; os._exit(3)", "Runtime.ExitError"),
        ("import os; os.kill(os.getpid(), 9)", "Runtime.ExitError"),
        ("import re; re.match('(a|a)*b', 'a' * 60)", "Sandbox.Timedout"),  # no other thread of it gets to run
        ("import os, signal, time; os.kill(os.getppid(), signal.SIGSTOP); time.sleep(60)", "Sandbox.Timedout"),
    ],
)
def test_it_ends_where_the_worker_does(make, invoke, mark: str, start: str, then: str, kind: str) -> None:
    assert invoke(make(body(start, mark, then), Timeout=2))["Payload"]["errorType"] == kind
    assert holds(lambda: not marked(mark))


@pytest.mark.parametrize("start", STARTS)
def test_it_ends_with_a_worker_that_is_replaced(lab: helpers.Lab, make, invoke, mark: str, start: str) -> None:
    name = make(body(start, mark, "return 'started'"))
    assert invoke(name)["Payload"] == "started"
    assert holds(lambda: bool(marked(mark)))
    lab.client("lambda").update_function_configuration(FunctionName=name, Timeout=9)
    invoke(name)
    assert holds(lambda: len(marked(mark)) == 1)


def test_fifty_of_them_leave_no_zombie_thread_or_descriptor(make, invoke, mark: str) -> None:
    names = [make(body(start, mark, "if event: os._exit(1)\nreturn os.getpid()"), "import os") for start in STARTS]
    for name in names:
        invoke(name, "once, so that what is made once is there")
    assert holds(lambda: not marked(mark))
    running = server()
    before = running.num_threads(), running.num_fds()
    for number in range(50):
        invoke(names[number % 2], "again")
    assert holds(lambda: not marked(mark))
    assert holds(lambda: running.num_threads() <= before[0] + 2 and running.num_fds() <= before[1] + 4)
    assert holds(lambda: not zombies(running))


def test_an_orphan_that_has_ended_leaves_no_zombie_in_a_warm_worker(make, invoke) -> None:
    twice = "if not os.fork():\n    if not os.fork(): os._exit(0)\n    os._exit(0)\nos.wait()\nreturn 1"
    name = make(twice, "import os")
    assert [invoke(name)["Payload"] for _ in range(5)] == [1] * 5
    assert holds(lambda: not zombies(server()))


def test_a_worker_that_dies_while_nobody_uses_it_leaves_no_zombie(make, invoke, mark: str) -> None:
    name = make(body(SESSION, mark, "import os; return os.getpid()"))
    psutil.Process(invoke(name)["Payload"]).kill()
    assert holds(lambda: not marked(mark) and not zombies(server()))


def test_a_handler_learns_how_its_own_children_end(make, invoke) -> None:
    assert invoke(make("import subprocess, sys; return subprocess.call([sys.executable, '-c', 'exit(7)'])"))[
        "Payload"
    ] == (7)


def zombies(root: psutil.Process) -> list[psutil.Process]:
    """Those below a process that have ended and that nobody has taken note of."""
    found = []
    for one in root.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if one.status() == psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


SERVED = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from helpers import connect
from tests.sandbox.conftest import Machines
lab = connect()
machines, client = Machines(lab), lab.client("lambda")

def serve(code):
    arn, kind = machines.function(code), "Event" if "sleep(60)" in code else "RequestResponse"
    client.update_function_configuration(FunctionName=arn, Timeout=300)
    client.invoke(FunctionName=arn, InvocationType=kind)

with ThreadPoolExecutor(8) as threads:
    list(threads.map(serve, json.loads(sys.argv[1])))
"""


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_they_end_with_the_server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, mark: str, end: str) -> None:
    """Those of workers that are idle, that wait, and of which no other thread gets to run."""
    monkeypatch.setenv("LAB_SANDBOX_DIR", str(tmp_path))
    codes = [
        "def handler(event, context):\n" + textwrap.indent(body(start, mark, then), "    ")
        for start in STARTS
        for then in ("return 1", "import time; time.sleep(60)", "import re; re.match('(a|a)*b', 'a' * 60)")
    ]
    made = subprocess.Popen([sys.executable, "-c", SERVED, json.dumps(codes)], cwd=pathlib.Path(__file__).parents[3])
    try:
        assert holds(lambda: len(marked(mark)) == len(codes))
        served = server()
        if end == "stopped":
            assert process.stop()
        else:
            served.kill()
        assert holds(lambda: not marked(mark)), "some outlive the server"
    finally:
        made.kill()
        made.wait()
        process.stop()
