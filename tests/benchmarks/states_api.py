"""The Step Functions API: starting against ministack, reading against constant pages, and memory."""

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

import helpers
from helpers import sandbox
from tests.ministack import REQUIREMENT, ministack

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
# A server that answers with the files of a folder, in turn and over again; it says at which port.
CANNED = """
import itertools, pathlib, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

answers = itertools.cycle([path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).iterdir())])

class Handler(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm, wbufsize = "HTTP/1.1", True, 65_536

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = next(answers)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
Clients = Callable[[str], Any]


@contextlib.contextmanager
def canned(answers: list[bytes]) -> Iterator[Any]:
    """boto3's client of a server that gives these answers in turn, whatever it is asked."""
    with tempfile.TemporaryDirectory() as folder:
        for number, answer in enumerate(answers):
            Path(folder, f"{number:03}").write_bytes(answer)
        server = subprocess.Popen([sys.executable, "-c", CANNED, folder], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            options = {
                "endpoint_url": f"http://127.0.0.1:{int(server.stdout.readline())}",
                "config": Config(proxies={}),
            }
            session = boto3.Session("canned", "canned", region_name="us-east-1")
            yield boto3.Session.client(session, "stepfunctions", **options)
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

    def execution(self, machine: str, text: str) -> str:
        """An ended execution."""
        arn: str = self.states.start_execution(stateMachineArn=machine, input=text)["executionArn"]
        while self.states.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.1)
        return arn

    def starting(self, machine: str) -> float:
        """Executions started per second, one after the other."""
        begun = time.perf_counter()
        for _ in range(STARTS):
            self.states.start_execution(stateMachineArn=machine, input="{}")
        return STARTS / (time.perf_counter() - begun)


def measure() -> list[dict[str, Any]]:
    """Memory over 10,000 executions; starts against ministack, and reading a history against canned answers."""
    sandbox.stop()
    here = Place(helpers.connect().client)
    figures = _memory(here, here.machine("five", FIVE))
    return [*figures, _starting(here), _reading(here)]


def _starting(here: Place) -> dict[str, Any]:
    with ministack() as url:
        session = boto3.Session("ministack", "ministack", region_name="us-east-1")
        options = {"endpoint_url": url, "config": Config(proxies={})}
        # Past our Session's own client(), which leads to the sandbox.
        clients: Clients = lambda service: boto3.Session.client(session, service, **options)  # noqa: E731
        places = {"here": here, "there": Place(clients)}
        machines = {name: place.machine("five", FIVE) for name, place in places.items()}
        turns: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(TURNS):
            for name, place in places.items():
                turns[name].append(place.starting(machines[name]))
    figure = f"executions of five states started per second (baseline: {REQUIREMENT})"
    return _figure(figure, *map(statistics.median, turns.values()), "ratio >= 1.0")


def _reading(here: Place) -> dict[str, Any]:
    machine = here.machine("count", COUNT)
    bodies, pages = [], here.states.get_paginator("get_execution_history")
    for page in pages.paginate(executionArn=here.execution(machine, '{"n": 0}'), PaginationConfig={"PageSize": 1000}):
        body = {name: page[name] for name in ("events", "nextToken") if name in page}
        bodies.append(json.dumps(body, separators=(",", ":"), default=datetime.timestamp).encode())
    with canned(bodies) as there:
        turns: dict[Any, list[float]] = {here.states: [], there: []}
        for _ in range(TURNS):
            arn = here.execution(machine, '{"n": 0}')  # one that nobody has read before
            for states, taken in turns.items():
                taken.append(_read(states, arn))
    figure = (
        "25,000 events read for the first time in pages of 1,000, s (baseline: a server that has these pages ready)"
    )
    return _figure(figure, *map(min, turns.values()), "ratio <= 1.1")


def _read(states: Any, arn: str) -> float:
    """Seconds to read 25,000 events (read: as many as there are)."""
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": 1000}
    )
    begun = time.perf_counter()
    events = sum(len(page["events"]) for page in pages)
    return (time.perf_counter() - begun) * 25_000 / events


def _memory(here: Place, machine: str) -> list[dict[str, Any]]:
    """The server's memory after 10,000 executions, and against that after the first half."""
    server = psutil.Process(sandbox.status().pid)  # type: ignore[union-attr]
    sizes = []
    for number in range(1, EXECUTIONS + 1):
        arn = here.states.start_execution(stateMachineArn=machine, input='{"a": "b"}')["executionArn"]
        if number % (EXECUTIONS // 2) == 0:
            while here.states.describe_execution(executionArn=arn)["status"] == "RUNNING":
                time.sleep(0.1)
            sizes.append(server.memory_info().rss / 2**20)
    half, whole = sizes
    return [
        _figure(
            f"MB of the server after {EXECUTIONS:,} executions (baseline: after half of them)", whole, half, "<= 110 MB"
        )
    ]


def _figure(figure: str, measured: float, baseline: float, bound: str) -> dict[str, Any]:
    return {"figure": figure, "measured": measured, "baseline": baseline, "ratio": measured / baseline, "bound": bound}


if __name__ == "__main__":
    for found in measure():
        print(json.dumps(found), file=sys.stdout)
    sandbox.stop()
