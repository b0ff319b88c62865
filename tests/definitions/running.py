"""Running a machine of `definitions/` on the sandbox to its end, fast-forwarded."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

import helpers
from helpers import definition, deploy, execution, history


@dataclass(frozen=True)
class Ended:
    """An execution that has ended, and its events."""

    status: str
    error: str | None
    cause: str | None
    output: Any
    events: pd.DataFrame

    @property
    def attempts(self) -> pd.DataFrame:
        return history.attempts(self.events)

    def entered(self, state: str) -> int:
        """How often `state` was entered."""
        return int((history.visits(self.events)["state"] == state).sum())


class Machines:
    """Deploys and runs the machines by name; what they need beside functions is made as it is asked for."""

    def __init__(self, lab: helpers.Lab) -> None:
        self.lab = lab
        self._places: dict[str, str] = {}

    def function(self, name: str) -> str:
        """The ARN of a function of `definitions/functions/`; `throttled` is one that is never let run."""
        if name != "throttled":
            return deploy.function(name, timeout=30, lab=self.lab)
        arn = deploy.function(name, definition.function_source("misbehave"), lab=self.lab)
        self.lab.client("lambda").put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
        return arn

    def placeholder(self, name: str) -> dict[str, str]:
        """What fills a placeholder that is no function, with what belongs to it."""
        if name not in self._places:
            self._places |= self._made(name)
        return {name: self._places[name]}

    def _made(self, name: str) -> dict[str, str]:
        if name == "ChildArn":
            return {name: deploy.deploy("express_child", type="EXPRESS", lab=self.lab).arn}
        if name == "QueueUrl":
            queue = f"definitions-{uuid.uuid4().hex[:6]}"
            return {name: self.lab.client("sqs").create_queue(QueueName=queue)["QueueUrl"]}
        if name == "EventBusName":
            return {name: "default"}
        bucket = self.lab.bucket_name("definitions")  # ours, as the roles of functions ask for
        self.lab.client("s3").create_bucket(Bucket=bucket)
        return {"Database": "default", "OutputLocation": f"s3://{bucket}/results/", "Bucket": bucket}

    def make(
        self,
        machine: str | dict[str, Any],
        functions: Mapping[str, str] | None = None,
        change: Callable[[dict[str, Any]], Any] | None = None,
    ) -> str:
        """The ARN of a machine, by its name or its definition; `functions` names the function of a placeholder,
        `change` alters the definition."""
        raw = definition.load(machine) if isinstance(machine, str) else machine
        if change is not None:
            change(raw)
        given = {placeholder: self.function(name) for placeholder, name in (functions or {}).items()}
        for placeholder in definition.placeholders(raw):
            if not placeholder.endswith("Arn") or placeholder == "ChildArn":
                given |= self.placeholder(placeholder)
        options = {
            name: {"timeout": 30} for name in ("start_query", "ask_query", "misbehave", "call_back", "send_bill")
        }
        name = machine if isinstance(machine, str) else f"made-{uuid.uuid4().hex[:6]}"
        return deploy.deploy(raw, name, function_options=options, lab=self.lab, **given).arn

    def end(self, arn: str) -> Ended:
        """An execution's end, waited for at the clock's present pace."""
        found = execution.wait(arn, timeout=60, progress=False, lab=self.lab)
        output = json.loads(found.output) if found.output else None
        events = history.events(execution.events(arn, lab=self.lab))
        return Ended(found.status, found.error, found.cause, output, events)

    def run(self, arn: str, given: Any = None) -> Ended:
        """Start an execution of the machine and fast-forward to its end."""
        with self.lab.fast_forward():
            return self.end(execution.start(arn, given, lab=self.lab))

    def message(self) -> dict[str, Any]:
        """What a worker finds in the queue, taken out of it."""
        queue, sqs = self.placeholder("QueueUrl")["QueueUrl"], self.lab.client("sqs")
        found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=found["ReceiptHandle"])
        return dict(json.loads(found["Body"]))
