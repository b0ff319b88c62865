"""Handlers that misbehave get AWS's error, and the server lives."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from helpers import sandbox
from helpers.sandbox.lambda_runner import workers
from helpers.sandbox.lambda_runner.bootstrap import frame_of
from helpers.sandbox.lambda_runner.workers import Worker, mark
from tests.sandbox.lambda_runner.conftest import zipped


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        ("for i in range(20_000): print('flood', i, 'x' * 90)\nreturn 'dry'", "dry"),
        ("import sys; sys.stdout.write('x' * 3_000_000); return 'long line'", "long line"),
        ("import os; os.write(1, bytes(range(256)) * 500); os.write(2, b'\\xff\\xfe'); return 'binary'", "binary"),
        ("import sys; sys.stdout.close(); sys.stderr.close(); return 'closed'", "closed"),
        ("import os\nif not event: os.close(1); os.close(2)\nreturn 'closed'", "closed"),
        ("import os; os.fork(); return 'forked'", "forked"),
        ("import threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); return 'left'", "left"),
        ("return 'x' * 6_000_000", "x" * 6_000_000),
    ],
)
@pytest.mark.skipif(psutil.WINDOWS, reason="os.fork is not there on Windows")
def test_what_aws_bears_is_borne(make, invoke, body, payload):
    name = make(body, Timeout=30)
    for event in (None, "again"):
        answer = invoke(name, event)
        assert "FunctionError" not in answer, answer["Payload"]
        assert answer["Payload"] == payload
        assert answer["Log"].splitlines()[-1].startswith("REPORT RequestId: ")


def test_the_last_lines_of_a_flood_are_in_the_log_which_says_what_is_lost(lab, make, invoke):
    name = make("for i in range(event): print('x' * 90, 'flood', i)", Timeout=30)
    assert "flood 19999\nEND RequestId: " in invoke(name, 20_000)["Log"]
    assert "flood 2\nEND RequestId: " in invoke(name, 3)["Log"]
    events = lab.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}", limit=10)["events"]
    (lost,) = (found for event in events if (found := re.match(r"\((\d+) bytes of output before", event["message"])))
    assert 900_000 < int(lost[1]) < 1_100_000


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("import os; os.closerange(0, 256); return 1", "Runtime.ExitError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "Runtime.ExitError"),
        ("import os\nfor fd in range(3, 20):\n  try: os.write(fd, b'nonsense' * 9)\n  except OSError: pass", None),
        ("while True: print('flood')", "Sandbox.Timedout"),
        ("import os, time\nif os.fork(): os._exit(1)\ntime.sleep(60)", "Runtime.ExitError"),
        ("import subprocess; subprocess.Popen(['sleep', '60']); import time; time.sleep(60)", "Sandbox.Timedout"),
    ],
)
@pytest.mark.skipif(psutil.WINDOWS, reason="os.fork and SIGSEGV are not there on Windows")
def test_what_kills_a_runtime_is_an_error_and_the_next_invocation_runs(make, invoke, body, kind):
    name = make(f"if event == 'well': return 'well'\n{body}", Timeout=2)
    answer = invoke(name)
    assert answer["FunctionError"] == "Unhandled"
    assert kind is None or answer["Payload"]["errorType"] == kind
    assert invoke(name, "well")["Payload"] == "well"


FORGE = """import json, os, struct
header, body = json.dumps({header}).encode() if not isinstance({header}, bytes) else {header}, {body}
for fd in range(3, 20):
    try: os.write(fd, struct.pack(">II", len(header), len(body)) + header + body)
    except OSError: pass
return "honest"
"""


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"kind": "result"}, b'"forged"'),
        ({"kind": "result", "mark": "guessed"}, b'"forged"'),
        ({"kind": "error"}, b"no JSON"),
        ({}, b""),
        (["kind"], b""),
        (b"[" * 60_000, b""),
        (b"9" * 60_000, b""),
        (b"\xff\xfe", b""),
    ],
)
def test_a_forged_reply_is_an_error_and_no_later_event_gets_it(make, invoke, header, body):
    name = make(f"if event == 'well': return 'well'\n{FORGE.format(header=header, body=body)}", Timeout=5)
    answer = invoke(name)
    assert (answer["FunctionError"], answer["Payload"]["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert [invoke(name, "well")["Payload"] for _ in range(2)] == ["well", "well"]


def test_a_killed_worker_is_replaced(make, invoke):
    name = make("import os; return os.getpid()")
    first = invoke(name)["Payload"]
    psutil.Process(first).kill()
    while running(first):
        pass
    assert invoke(name)["Payload"] != first


def test_what_a_timed_out_function_started_is_ended_too(make, invoke):
    name = make("import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
                "print('started', p.pid); import time; time.sleep(60)", Timeout=2)  # fmt: skip
    log = invoke(name)["Log"]
    child = int(log.split("started ")[1].split()[0])
    deadline = time.monotonic() + 10
    while running(child):
        assert time.monotonic() < deadline


def running(pid: int) -> bool:
    """Whether there is such a process, dead ones that nobody has waited for aside."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_many_at_once_all_succeed_each_in_a_worker_of_its_own(make, invoke):
    name = make("import os, time; time.sleep(0.2); return [event, os.getpid()]", Timeout=30)
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda number: invoke(name, number)["Payload"], range(40)))
    assert [number for number, _ in answers] == list(range(40))
    workers = {process.pid for process in psutil.Process(sandbox.status().pid).children(recursive=True)}
    assert {pid for _, pid in answers} <= workers


def test_no_worker_outlives_its_server(tmp_path):
    package = zipped({"lambda_function.py": "def handler(event, context):\n    while True: pass"})
    worker = Worker(tmp_path)
    function = {"folder": str(worker.code), "handler": "lambda_function.handler", "libraries": [], "environment": {}}
    clock_and_mark = {"mark": mark(), "clock_offset": 0.0}
    try:
        assert worker.ask(function | clock_and_mark, package, 10)[0]["kind"] == "ready"
        pid = worker._process.pid
        worker._requests.write(frame_of({"request_id": "1", "arn": "a", "timeout": 60} | clock_and_mark, b"{}"))
        worker._requests.close()  # as the system does when the server dies
        deadline = time.monotonic() + 10
        while running(pid):
            assert time.monotonic() < deadline
    finally:
        worker.end()


def test_there_are_never_more_workers_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "MOST_WORKERS", 2)
    pool = workers.Workers(tmp_path / "workers")
    try:
        with pool.worker("a") as (first, warm), pool.worker("b"):
            assert not warm
        with pool.worker("b") as (_, warm):
            assert warm
        with pool.worker("c"):
            assert not first.alive()
        with pool.worker("a") as (_, warm):
            assert not warm
    finally:
        pool.close()
    assert list(tmp_path.iterdir()) == []
