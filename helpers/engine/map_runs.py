"""Distributed Map: a Map Run, its child executions, what of their failures is tolerated, and their results."""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers.engine import templates
from helpers.engine.branches import STATE_DATA, Map, Pair, item_of
from helpers.engine.execution import Execution, Frame, Identity
from helpers.engine.failures import TOLERANCE_EXCEEDED, StateFailed
from helpers.engine.scheduler import Walk
from helpers.engine.states import number
from helpers.engine.tasks import Call, outside
from helpers.engine.text import data_of, text_of, time_text

if TYPE_CHECKING:
    from helpers.engine.machine import Machine

__all__ = ["DistributedMap", "MapRun", "answered"]

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html: so many children run at once.
MOST_CHILDREN = 10_000
# What an array and its separators add to the size of a batch's items.
ENDS, COMMA = 2, 1
NOTHING = dict.fromkeys(("running", "succeeded", "failed", "timed_out", "aborted"), 0)


class MapRun:
    """What one distributed Map dispatches.

    `children` are in order of start, `latest` has the last one of each item, or batch; `counts` of children and
    `item_counts` are by AWS's status in lower case, `undispatched` the items that no child could be given.
    """

    def __init__(self, frame: Frame, state: DistributedMap, count: int, percentage: float, concurrency: int) -> None:
        self.frame, self.parent = frame, frame.execution
        names = self.parent.identity
        label = state.label or self.parent.uuid()
        path, head = f"{names.machine_name}/{label}", names.machine_arn.rsplit(":", 1)[0]
        self.arn = f"{head.replace(':stateMachine', ':mapRun')}:{path}:{self.parent.uuid()}"
        self.machine_arn, self.machine_name = f"{head}:{path}", path
        self.state, self.type, self.label = state, state.child_type, label
        self.count, self.percentage, self.concurrency = count, percentage, concurrency
        self.status = "RUNNING"
        self.started: datetime = self.parent.scheduler.stamp
        self.stopped: datetime | None = None
        self.redriven: datetime | None = None
        self.redrives = 0
        self.items: list[Any] | None = None  # what the children are given
        self.source = STATE_DATA
        self.sizes: list[int] = []  # how many items are in each batch
        self.total = 0  # of items
        self.undispatched = 0
        self.children: list[Execution] = []
        self.latest: dict[int, Execution] = {}
        self.counts, self.item_counts = {**NOTHING}, {**NOTHING}

    def begin(self, index: int, data: Any, item: dict[str, Any] | None) -> None:
        """Start the child of an item; one that a redrive finds unfinished goes on, if it can."""
        child = self.latest.get(index)
        if child is not None and child.type == "STANDARD":
            goes_on = not child.not_redrivable()
            self._count(index, "RUNNING" if goes_on else child.status, 1)
            if goes_on:
                child.redrive()
            return
        parent, name = self.parent, self.parent.uuid()
        kind = "express" if self.type == "EXPRESS" else "execution"
        arn = self.machine_arn.replace(":stateMachine:", f":{kind}:") + f":{name}"
        if kind == "express":
            arn += f":{parent.uuid()}"
        child = type(parent)(
            self.state.machine,
            text_of(data),
            Identity(arn, name, self.machine_arn, self.machine_name, parent.identity.role_arn),
            scheduler=parent.scheduler,
            handler=parent.handler,
            seed=parent.chance().getrandbits(64),
            type=self.type,
            limit=parent.limit,
            parent=self,
            observer=parent.observer,
            on_end=partial(self._ended, index),
        )
        child.top.item = item
        self.latest[index] = child
        self.children.append(child)
        self._count(index, "RUNNING", 1)
        parent.observer.child_began(child)
        child.start()

    def _ended(self, index: int, child: Execution) -> None:
        self._count(index, "RUNNING", -1)
        self._count(index, child.status, 1)
        if not self.frame.process.over:
            self.frame.process.wake()

    def _count(self, index: int, status: str, change: int) -> None:
        name = status.lower()
        self.counts[name] += change
        self.item_counts[name] += change * (self.sizes[index] if self.sizes else 1)

    @property
    def most(self) -> int:
        """How many children may run at once now."""
        return min(self.concurrency or MOST_CHILDREN, MOST_CHILDREN)

    @property
    def exceeds(self) -> bool:
        """Whether more items failed than is tolerated."""
        failed = self.item_counts["failed"] + self.item_counts["timed_out"] + self.undispatched
        none = not self.count and not self.percentage and failed > 0
        return none or 0 < self.count < failed or 0 < self.percentage * self.total < failed * 100

    def end(self, status: str) -> None:
        """End, unless it has ended, with the children that still run."""
        if self.status != "RUNNING":
            return
        self.status, self.stopped = status, self.parent.scheduler.stamp
        for child in self.children:
            child.stop()

    def changed(self) -> None:
        """Look again at what may run, after concurrency or tolerance were changed."""
        if self.status == "RUNNING":
            self.frame.process.wake()

    @property
    def redrivable(self) -> bool:
        """Whether a redrive goes on with it; where no item could be read, a new one begins instead."""
        return self.status in ("FAILED", "ABORTED") and self.items is not None

    def reopen(self) -> None:
        """Run again: the children that have not succeeded are done again."""
        self.redrives += 1
        self.redriven, self.stopped, self.status, self.undispatched = self.parent.scheduler.stamp, None, "RUNNING", 0
        for counts in (self.counts, self.item_counts):
            counts |= {**NOTHING, "succeeded": counts["succeeded"]}

    def results(self) -> list[dict[str, Any]]:
        """What results hold of every child, in order of the items."""
        return [_result(self.latest[index]) for index in sorted(self.latest)]


class DistributedMap(Map):
    kinds = ("array", "object")

    def __init__(self, name: str, body: dict[str, Any], jsonata: bool, machine: Machine) -> None:
        super().__init__(name, body, jsonata, machine)
        config = (body.get("ItemProcessor") or body["Iterator"]).get("ProcessorConfig", {})
        self.child_type: str = config.get("ExecutionType", "STANDARD")
        self.label: str | None = body.get("Label")
        self._count = number(body, "ToleratedFailureCount", jsonata)
        self._percentage = number(body, "ToleratedFailurePercentage", jsonata, float, most=100)
        self._batcher = body.get("ItemBatcher")
        self._reader: dict[str, Any] = body.get("ItemReader", {})
        self._writer: dict[str, Any] | None = body.get("ResultWriter")
        self._read_from, self._write_to = (self._template(body, field) for field in ("ItemReader", "ResultWriter"))
        reader, batcher = self._reader.get("ReaderConfig", {}), self._batcher or {}
        self._most_items = number(reader, "MaxItems", jsonata, least=0 if jsonata else -math.inf)
        self._batch_items = number(batcher, "MaxItemsPerBatch", jsonata, least=1)
        self._batch_bytes = number(batcher, "MaxInputBytesPerBatch", jsonata, least=1)
        self._batch_input = templates.of(batcher, "BatchInput", jsonata)
        # A Map Run that dispatches Maps or speaks JSONata is linked as those recorded since November 2024 are.
        self._ends_late = jsonata or any(state.type == "Map" for state in machine.states.values())

    def _template(self, body: dict[str, Any], field: str) -> Any:
        member = "Arguments" if self.jsonata else "Parameters"
        return templates.of(body.get(field, {}), member, self.jsonata, f"{field}/") or (lambda scope: {})

    def attempt(self, frame: Frame, data: Any) -> Walk:
        concurrency = self.concurrency(self.evaluation(frame, data)) or 0
        run = frame.map_run if frame.resumed else None
        if run is not None and run.redrivable:
            run.reopen()
            again = {"mapRunArn": run.arn, "redriveCount": run.redrives}
            started = frame.write("MapRunRedriven", "mapRunRedrivenEventDetails", again)
        else:
            items = None if self._reader else self.items_of(frame, data)
            frame.write("MapStateStarted", "mapStateStartedEventDetails", {"length": len(items or ())})
            count, percentage = (of(self.evaluation(frame, data)) or 0 for of in (self._count, self._percentage))
            run = frame.map_run = MapRun(frame, self, count, percentage, concurrency)
            frame.execution.map_runs.append(run)
            frame.execution.observer.map_run_began(run)
            started = frame.write("MapRunStarted", "mapRunStartedEventDetails", {"mapRunArn": run.arn})
        try:
            frame.execution.observer.map_run_started(run)
            if run.items is None:
                if items is None:
                    items, run.source = yield from self.read(frame, data)
                run.items, run.total = items, len(items)
                if self._batcher:
                    run.items = self._batched(frame, data, items, run.source)
                    run.sizes = [len(batch["Items"]) for batch in run.items]
            result = yield from self.dispatch(frame, data, run)
        except StateFailed as failure:
            frame.locate(self, failure)
            pair = (("error", failure.error), ("cause", failure.cause))
            frame.write("MapRunFailed", "mapRunFailedEventDetails", {key: value for key, value in pair if value})
            run.end("FAILED")
            raise
        except BaseException:
            run.end("ABORTED")
            raise
        frame.write("MapRunSucceeded")
        run.end("SUCCEEDED")
        frame.write("MapStateSucceeded", moves=False)
        if self._ends_late:
            frame.last = started
        return self.finished(frame, result)

    def listed(self, found: Any) -> list[Any] | None:
        if isinstance(found, dict):
            return [Pair(Key=key, Value=value) for key, value in found.items()]
        return super().listed(found)

    def _ask(self, frame: Frame, kind: str, body: dict[str, Any], parameters: Any, **more: Any) -> Walk:
        """The answer to the reading or the writing of the Map."""
        config = body.get("ReaderConfig" if kind == "read" else "WriterConfig", {})
        call = Call(frame, kind, body["Resource"], text_of(parameters), config=config, **more)
        try:
            frame.execution.handler(call)
            return (yield from answered(call))
        finally:
            call.close()

    def read(self, frame: Frame, data: Any) -> Walk:
        """The items that the ItemReader gives, and their source."""
        most, place = (of(self.evaluation(frame, data)) for of in (self._most_items, self._read_from))
        if (most or 0) < 0:
            raise outside("States.ItemReaderFailed", "field MaxItems must be positive")
        items = self.listed((yield from self._ask(frame, "read", self._reader, place)))
        if items is None:
            raise outside("States.ItemReaderFailed", "Attempting to map over non-iterable node.")
        where = place if isinstance(place, dict) else {}
        source = "/".join(["S3:/", *(str(where[name]) for name in ("Bucket", "Key") if name in where)])
        return (items[:most] if most else items), source

    def dispatch(self, frame: Frame, data: Any, run: MapRun) -> Walk:
        """Run the children, as many at once as may; the results."""
        items = run.items or []
        done = {index for index, child in run.latest.items() if child.status == "SUCCEEDED"}
        waiting = [index for index in reversed(range(len(items))) if index not in done]

        while (waiting or run.counts["running"]) and not run.exceeds:
            while waiting and run.counts["running"] < run.most and not run.exceeds:
                self._begin(frame, data, run, waiting.pop())
            if run.counts["running"] and not run.exceeds:
                yield
        if run.exceeds:
            for child in run.children:
                child.stop()
        results = run.results() if self._writer else []
        written = None
        if self._writer and "Resource" in self._writer:
            to = self._write_to(self.evaluation(frame, data))
            written = yield from self._ask(frame, "write", self._writer, to, results=results, map_run=run)
        if run.exceeds:
            raise outside(TOLERANCE_EXCEEDED, "The specified tolerated failure threshold was exceeded")
        if written is not None:
            return written
        if self._writer:
            transformation = self._writer.get("WriterConfig", {}).get("Transformation", "COMPACT")
            return [entry for child in results for entry in transformed(child, transformation)]
        return [_given(child) for _, child in sorted(run.latest.items())]

    def _begin(self, frame: Frame, data: Any, run: MapRun, index: int) -> None:
        given, item = (run.items or [])[index], None
        if not self._batcher:
            item = item_of(index, given, run.source)
            try:
                given = self.selected(frame, data, given, item)
            except StateFailed:
                run.undispatched += 1
                return
        run.begin(index, given, item)

    def _batched(self, frame: Frame, data: Any, items: list[Any], source: str) -> list[Any]:
        """The inputs of the child executions: `Items`, as many as fit, and `BatchInput`."""
        scope = self.evaluation(frame, data)
        most_items, most_bytes = (most(scope) or math.inf for most in (self._batch_items, self._batch_bytes))
        common = {"BatchInput": self._batch_input(scope)} if self._batch_input else {}
        chosen = [self.selected(frame, data, item, item_of(n, item, source)) for n, item in enumerate(items)]
        empty = len(text_of({**common, "Items": []}).encode()) - ENDS
        found: list[list[Any]] = []
        size = 0
        for item in chosen:
            more = len(text_of(item).encode()) + COMMA
            if not found or len(found[-1]) >= most_items or size + more > most_bytes:
                found.append([])
                size = empty + ENDS - COMMA
            found[-1].append(item)
            size += more
        return [{**common, "Items": batch} for batch in found]


def answered(call: Call) -> Walk:
    """What a call of a Map is answered with, once it is; a failure is raised."""
    while True:
        while call.messages:
            what, value = call.take()
            if what == "succeeded":
                return value[0]
            if what == "failed":
                raise outside(*value)
        yield


def transformed(child: dict[str, Any], transformation: str) -> list[Any]:
    """What the results hold for a child execution: nothing but its output, or all that is known of it."""
    if transformation == "NONE" or child["Status"] != "SUCCEEDED":
        return [child]
    output = data_of(child["Output"])
    return output if transformation == "FLATTEN" and isinstance(output, list) else [output]


def _given(child: Execution) -> Any:
    """What the Map gives for a child execution: its output, or how it failed."""
    if child.output is not None:
        return data_of(child.output)
    return {name: value for name, value in _result(child).items() if name in ("Status", "Error", "Cause")}


def _result(child: Execution) -> dict[str, Any]:
    reason = child.not_redrivable()
    found = {
        "ExecutionArn": child.identity.arn,
        "Input": child.input_text,
        "InputDetails": {"Included": True},
        "Name": child.identity.name,
        "RedriveCount": child.redrives,
        "StartDate": time_text(child.started),
        "StateMachineArn": child.identity.machine_arn,
        "Status": child.status,
        "Output": child.output,
        "OutputDetails": {"Included": True} if child.output is not None else None,
        "Error": child.error,
        "Cause": child.cause,
        "StopDate": time_text(child.stopped) if child.stopped else None,
        "RedriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
        "RedriveStatusReason": reason,
    }
    return {name: value for name, value in found.items() if value is not None}
