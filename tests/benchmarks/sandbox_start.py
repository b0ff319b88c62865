"""How fast the sandbox is there, and how fast it answers, beside moto's own server as it comes.

python tests/benchmarks/sandbox_start.py
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import psutil
from botocore.config import Config

import helpers
from helpers import sandbox

READY, MEMORY = "ratio <= 1.2", "<= 80 MB"
REQUESTS = 300
# moto's server with what it calls functions with, as the sandbox has that when it is ready.
STOCK = """
import time
import moto.awslambda_simple.models
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
time.sleep(600)
"""


def measure(runs: int = 5) -> list[dict[str, Any]]:
    """The figures of the median run: one dict each with figure, measured, baseline, ratio and bound."""
    with _folder_of_its_own():
        _start()  # compiles the modules, if nobody has yet
        starts = [_start() for _ in range(runs)]
        memory = psutil.Process(sandbox.status().pid).memory_info().rss / 2**20  # type: ignore[union-attr]
        lab = helpers.connect("sandbox")
        request = _milliseconds(lab.client("sts"))
        verb = _milliseconds_of(lambda: sandbox.call("clock"))
        sandbox.stop()
    stock_start, stock_request = _stock()
    return [
        _figure("from `start` to ready, in s", statistics.median(starts), stock_start, READY),
        _figure("MB of a server that is ready", memory, None, MEMORY),
        _figure("a no-op request through boto3, in ms", request, stock_request, None),
        _figure("a verb of the sandbox's own, in ms", verb, None, None),
    ]


def _figure(name: str, measured: float, baseline: float | None, bound: str | None) -> dict[str, Any]:
    ratio = None if baseline is None else measured / baseline
    return {"figure": name, "measured": measured, "baseline": baseline, "ratio": ratio, "bound": bound}


@contextmanager
def _folder_of_its_own() -> Iterator[None]:
    before = os.environ.get("LAB_SANDBOX_DIR")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["LAB_SANDBOX_DIR"] = folder
        try:
            yield
        finally:
            sandbox.stop()
            del os.environ["LAB_SANDBOX_DIR"]
            if before is not None:
                os.environ["LAB_SANDBOX_DIR"] = before


def _start() -> float:
    sandbox.stop()
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "helpers.sandbox", "start"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _milliseconds(sts: Any) -> float:
    return _milliseconds_of(sts.get_caller_identity)


def _milliseconds_of(call: Any) -> float:
    """The median of many calls, the first of which are not counted."""
    taken = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken[20:])


def _stock() -> tuple[float, float]:
    """Seconds until moto's own server is ready, and milliseconds of a no-op request to it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-c", STOCK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        ready = time.perf_counter() - began
        sts = boto3.Session("any", "any", region_name="us-east-1").client(
            "sts", endpoint_url=f"http://127.0.0.1:{port}", config=Config(proxies={})
        )
        return ready, _milliseconds(sts)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    for found in measure():
        print(found)
