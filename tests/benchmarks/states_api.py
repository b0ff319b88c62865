"""The Step Functions API against ministack's, which is made an environment of its own: it pins its dependencies."""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

import helpers
from helpers import sandbox

MINISTACK = "ministack==1.5.33"
LOOPS = 6248  # of four events each; with the first and the last ones 24,996 events
TURNS = 5  # of which the median counts
STARTS = 300
EXECUTIONS = 10_000
ROLE = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
COUNT = {
    "StartAt": "Count",
    "States": {
        "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"},
        "Enough": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": LOOPS, "Next": "Count"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
FIVE = {
    "StartAt": "S0",
    "States": {f"S{n}": {"Type": "Pass", **({"Next": f"S{n + 1}"} if n < 4 else {"End": True})} for n in range(5)},
}
Clients = Callable[[str], Any]


@contextlib.contextmanager
def ministack() -> Iterator[Clients]:
    """A ministack server while inside; it gives boto3's clients for it."""
    home = Path(tempfile.gettempdir()) / f"benchmark-{MINISTACK.replace('==', '-')}-{os.getuid()}"
    programs = home / "bin"
    if not (programs / "ministack").exists():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", MINISTACK]
        subprocess.run(pip, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GATEWAY_PORT": str(port), "LOG_LEVEL": "ERROR"}
    server = subprocess.Popen(
        [str(programs / "ministack")], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    session = boto3.Session("ministack", "ministack", region_name="us-east-1")
    options = {"endpoint_url": f"http://127.0.0.1:{port}", "config": Config(proxies={})}
    # Past our Session's own client(), which leads to the sandbox.
    clients: Clients = lambda service: boto3.Session.client(session, service, **options)  # noqa: E731
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("ministack did not start")
            time.sleep(0.05)
        yield clients
    finally:
        server.terminate()
        server.wait()


class Place:
    """One of the two servers, with a role."""

    def __init__(self, clients: Clients) -> None:
        self.states = clients("stepfunctions")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [ROLE]})
        self._role = clients("iam").create_role(RoleName="benchmark", AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def machine(self, name: str, definition: dict[str, Any]) -> str:
        arn: str = self.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=self._role)[
            "stateMachineArn"
        ]
        return arn

    def long_execution(self) -> str:
        """An ended execution with 24,996 events."""
        machine = self.machine("count", COUNT)
        arn: str = self.states.start_execution(stateMachineArn=machine, input='{"n": 0}')["executionArn"]
        while self.states.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.1)
        return arn

    def reading(self, arn: str) -> float:
        """Seconds to read 25,000 events in pages of 1,000 (read: as many as there are)."""
        pages = self.states.get_paginator("get_execution_history").paginate(
            executionArn=arn, PaginationConfig={"PageSize": 1000}
        )
        begun = time.perf_counter()
        events = sum(len(page["events"]) for page in pages)
        return (time.perf_counter() - begun) * 25_000 / events

    def starting(self, machine: str) -> float:
        """Executions started per second, one after the other."""
        begun = time.perf_counter()
        for _ in range(STARTS):
            self.states.start_execution(stateMachineArn=machine, input="{}")
        return STARTS / (time.perf_counter() - begun)


def measure() -> list[dict[str, Any]]:
    """Paging through a history and starting executions against ministack; memory over 10,000 executions."""
    here = Place(helpers.connect().client)
    with ministack() as clients:
        places = {"here": here, "there": Place(clients)}
        histories = {name: place.long_execution() for name, place in places.items()}
        reading = {name: [] for name in places}
        machines = {name: place.machine("five", FIVE) for name, place in places.items()}
        starting = {name: [] for name in places}
        for _ in range(TURNS):
            for name, place in places.items():
                reading[name].append(place.reading(histories[name]))
        for _ in range(TURNS):
            for name, place in places.items():
                starting[name].append(place.starting(machines[name]))
    return [
        _figure("25,000 events read in pages of 1,000, seconds", reading, "<= 1.3"),
        _figure("executions of five states started per second", starting, ">= 0.35"),
        _memory(here, machines["here"]),
    ]


def _figure(figure: str, turns: dict[str, list[float]], bound: str) -> dict[str, Any]:
    measured, baseline = (statistics.median(turns[name]) for name in ("here", "there"))
    return {
        "figure": f"{figure} (baseline {MINISTACK})",
        "measured": measured,
        "baseline": baseline,
        "ratio": measured / baseline,
        "bound": bound,
    }


def _memory(place: Place, machine: str) -> dict[str, Any]:
    """The server's memory after 10,000 executions against that after the first half."""
    server = psutil.Process(sandbox.status().pid)
    sizes = []
    for number in range(1, EXECUTIONS + 1):
        arn = place.states.start_execution(stateMachineArn=machine, input='{"a": "b"}')["executionArn"]
        if number % (EXECUTIONS // 2) == 0:
            while place.states.describe_execution(executionArn=arn)["status"] == "RUNNING":
                time.sleep(0.1)
            sizes.append(server.memory_info().rss / 2**20)
    return {
        "figure": f"MB of the server after {EXECUTIONS:,} executions (baseline: after half of them)",
        "measured": sizes[1],
        "baseline": sizes[0],
        "ratio": sizes[1] / sizes[0],
        "bound": "<= 1.1",
    }


if __name__ == "__main__":
    for found in measure():
        print(json.dumps(found), file=sys.stdout)
    sandbox.stop()
