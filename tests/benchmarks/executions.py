"""What executions of the sandbox take: a loop, a Map Run, a large payload, and how they leave requests their time.

python -m tests.benchmarks executions
"""

import contextlib
import json
import secrets
import statistics
import time
from collections.abc import Iterator
from typing import Any

import psutil

import helpers
from helpers import sandbox
from tests.benchmarks.states_api import ROLE

CHILDREN = 10_000
TURNS = 3  # of which the median counts
PAYLOAD = 100_000
DESCRIBED = 400
PASS: dict[str, Any] = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
MAP_RUN = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "Items": f"{{% [1..{CHILDREN}] %}}",
            "ItemProcessor": {**PASS, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
            "Output": "done",
            "End": True,
        }
    },
    "QueryLanguage": "JSONata",
}
LOOP = {
    "StartAt": "Again",
    "States": {
        "Again": {"Type": "Pass", "Next": "Enough"},
        "Enough": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.enough", "IsPresent": True, "Next": "Done"}],
            "Default": "Again",
        },
        "Done": {"Type": "Succeed"},
    },
}


class Bench:
    """The sandbox with a role; machines made on it are deleted at the end."""

    def __init__(self, lab: helpers.Lab) -> None:
        self.states, self._iam = lab.client("stepfunctions"), lab.client("iam")
        self._name, self._machines = f"benchmark-{secrets.token_hex(4)}", list[str]()
        trust = json.dumps({"Version": "2012-10-17", "Statement": [ROLE]})
        self._role = self._iam.create_role(RoleName=self._name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        may = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        self._iam.put_role_policy(RoleName=self._name, PolicyName="children", PolicyDocument=policy)

    def machine(self, definition: dict[str, Any], type: str = "STANDARD") -> str:  # noqa: A002
        """The ARN of a new machine."""
        name = f"{self._name}-{len(self._machines)}"
        made = self.states.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self._role, type=type
        )
        self._machines.append(made["stateMachineArn"])
        return self._machines[-1]

    def ended(self, arn: str) -> str:
        """The status with which an execution has ended, waited for."""
        while (status := str(self.states.describe_execution(executionArn=arn)["status"])) == "RUNNING":
            time.sleep(0.02)
        return status

    def close(self) -> None:
        for machine in self._machines:
            self.states.delete_state_machine(stateMachineArn=machine)
        self._iam.delete_role_policy(RoleName=self._name, PolicyName="children")
        self._iam.delete_role(RoleName=self._name)


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    """A bench while inside."""
    found = Bench(helpers.connect("sandbox"))
    try:
        yield found
    finally:
        found.close()


def measure() -> list[dict[str, Any]]:
    """Seconds of a Map Run, MB that a loop with a payload takes, and how long a describe takes beside a loop."""
    sandbox.stop()  # for the growth of a server that has taken no memory yet
    with bench() as here:
        return [_growth(here), _map_run(here), _describing(here)]


def _map_run(here: Bench) -> dict[str, Any]:
    machine, taken = here.machine(MAP_RUN), []
    for _ in range(TURNS):
        begun = time.perf_counter()
        status = here.ended(here.states.start_execution(stateMachineArn=machine)["executionArn"])
        taken.append(time.perf_counter() - begun)
        if status != "SUCCEEDED":
            raise RuntimeError(f"the Map Run ended as {status}")
    return _figure(f"a Map Run of {CHILDREN:,} children of one Pass each, s", statistics.median(taken), "<= 4")


def _describing(here: Bench) -> dict[str, Any]:
    quiet = here.states.start_execution(stateMachineArn=here.machine(PASS))["executionArn"]
    alone = _describes(here, quiet)
    here.states.start_execution(stateMachineArn=here.machine(LOOP, "EXPRESS"))
    beside = _describes(here, quiet)
    sandbox.reset()  # which ends the loop
    here.__init__(helpers.connect("sandbox"))
    return _figure(
        "describing an execution every 10 ms beside an Express loop of a Pass, ms, 95th percentile (baseline: alone)",
        beside,
        "<= 20 ms",
        alone,
    )


def _describes(here: Bench, arn: str) -> float:
    taken = []
    for _ in range(DESCRIBED):
        begun = time.perf_counter()
        here.states.describe_execution(executionArn=arn)
        taken.append(1000 * (time.perf_counter() - begun))
        time.sleep(0.01)
    return statistics.quantiles(taken, n=20)[-1]


def _growth(here: Bench) -> dict[str, Any]:
    server = psutil.Process(sandbox.status().pid)  # type: ignore[union-attr]
    before = server.memory_info().rss
    given = json.dumps({"payload": "x" * PAYLOAD})
    arn = here.states.start_execution(stateMachineArn=here.machine(LOOP), input=given)["executionArn"]
    if here.ended(arn) != "FAILED":
        raise RuntimeError("the loop did not end at the history's limit")
    events, token = 0, {}
    while token is not None:
        page = here.states.get_execution_history(executionArn=arn, maxResults=1000, **token)
        events, token = events + len(page["events"]), {"nextToken": page["nextToken"]} if "nextToken" in page else None
    if events != 25_000:
        raise RuntimeError(f"{events} events were read")
    grown = (server.memory_info().rss - before) / 2**20
    return _figure(f"MB by which 25,000 events that carry {PAYLOAD // 1000} KB grow the server, read", grown, "<= 150")


def _figure(figure: str, measured: float, bound: str, baseline: float | None = None) -> dict[str, Any]:
    ratio = None if baseline is None else measured / baseline
    return {"figure": figure, "measured": measured, "baseline": baseline, "ratio": ratio, "bound": bound}


if __name__ == "__main__":
    for found in measure():
        print(json.dumps(found))
    sandbox.stop()
