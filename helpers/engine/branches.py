"""Parallel and inline Map: frames side by side, and what becomes of the others when one fails."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.definition.syntax import is_jsonata
from helpers.engine import expressions, paths, templates
from helpers.engine.execution import Frame, Over
from helpers.engine.failures import QUERY_EVALUATION, RUNTIME, StateFailed
from helpers.engine.scheduler import Process, Walk
from helpers.engine.states import number
from helpers.engine.tasks import Handled
from helpers.engine.text import text_of

if TYPE_CHECKING:
    from helpers.engine.machine import Machine

__all__ = ["Group", "Map", "Pair", "Parallel", "item_of"]

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html: at most so many iterations run at once.
INLINE_CONCURRENCY = 40
STATE_DATA = "STATE_DATA"  # the Source of an item that is in the state's input


class Group:
    """Processes that a frame waits for: until all have ended well, or one has not."""

    def __init__(self, owner: Frame, cut: Callable[[Frame], Any] = lambda inner: None) -> None:
        self._owner, self._cut, self._latest = owner, cut, owner
        self._processes: list[Process] = []
        self._left = 0
        self._failure: Exception | None = None

    def start(self, walk: Walk) -> Process:
        """Let a generator run beside the owner's."""
        self._left += 1
        process = Process(self._owner.execution.scheduler, walk, self._ended)
        self._processes.append(process)
        return process

    def _ended(self, _: Any, error: Exception | None) -> None:
        self._left -= 1
        self._failure = self._failure or error
        if self._failure or not self._left:
            self._owner.process.wake(first=True)

    def wait(self) -> Walk:
        """Wait for them; the first failure ends the others and is raised."""
        try:
            while self._left and self._failure is None:
                yield
        finally:
            self._close()
        if self._failure is not None:
            raise self._failure
        self._owner.last = self._latest.published

    def walk(self, inner: Frame) -> Walk:
        """Walk one of the owner's frames to its end; where it fails, what is written of others is linked to that.

        After a States.Runtime nothing is written: nothing catches that, so it ends the execution.
        """
        try:
            yield from inner.walk()
        except StateFailed as failure:
            owner, execution = self._owner, self._owner.execution
            owner.last, inner.process.over = inner.last, True
            if failure.error == RUNTIME:
                execution.top.last = inner.last
                execution.fail(RUNTIME, failure.cause)
            self._close()
            raise
        self._latest = inner

    def _close(self) -> None:
        for inner in self._owner.inner:
            if inner.process and not inner.process.over and not inner.done:
                inner.last = self._owner.last
                with contextlib.suppress(Over):
                    self._cut(inner)
                    inner.process.close()
        for process in self._processes:
            with contextlib.suppress(Over):
                process.close()


class Parallel(Handled):
    failing = "ParallelStateFailed"

    def __init__(self, name: str, body: dict[str, Any], jsonata: bool, machines: list[Machine]) -> None:
        super().__init__(name, body, jsonata)
        self.machines = machines
        self._parameters = templates.of(body, "Arguments" if jsonata else "Parameters", jsonata)

    def attempt(self, frame: Frame, data: Any) -> Walk:
        given = self._parameters(self.evaluation(frame, data)) if self._parameters else data
        text, visit = frame.payload(given, self.name), frame.counts[self.name]
        frame.write("ParallelStateStarted")
        if not (frame.resumed and frame.inner):
            frame.inner = [type(frame)(frame.execution, machine, given, text, frame) for machine in self.machines]
            for branch in frame.inner:
                branch.branch = _within(frame.branch, f"{self.name}#{visit}:{branch.machine.start}")
        group = Group(frame)
        for branch in frame.inner:
            if not branch.done:
                branch.process = group.start(group.walk(branch))
        yield from group.wait()
        frame.write("ParallelStateSucceeded", moves=False)
        return self.finished(frame, [branch.data for branch in frame.inner])


class Pair(dict[str, Any]):
    """The Key and the Value of an object that a distributed Map goes through."""


def item_of(index: int, value: Any, source: str) -> dict[str, Any]:
    """What the context object says of an item of a Map."""
    given = value if isinstance(value, Pair) else {"Value": value}
    return {"Item": {"Index": index, **given, "Source": source}}


class Map(Handled):
    """An inline Map. `items_of` and what selects an item are a distributed Map's, too."""

    failing = "MapStateFailed"
    kinds: ClassVar[tuple[str, ...]] = ("array",)  # of what it can go through

    def __init__(self, name: str, body: dict[str, Any], jsonata: bool, machine: Machine) -> None:
        super().__init__(name, body, jsonata)
        self.machine = machine
        self.items_path: str | None = body.get("ItemsPath")
        self._select_items = paths.filtered(self.items_path, "ItemsPath") if self.items_path else None
        items = body.get("Items")
        self._items = templates.of(body, "Items", jsonata)
        if is_jsonata(items):
            self._items = expressions.typed(items, "Items", *self.kinds)
        self.concurrency = number(body, "MaxConcurrency", jsonata)
        self.selector = templates.of(body, "ItemSelector" if "ItemSelector" in body else "Parameters", jsonata)

    def attempt(self, frame: Frame, data: Any) -> Walk:
        most = self.concurrency(self.evaluation(frame, data)) or INLINE_CONCURRENCY
        if not (frame.resumed and frame.inner):
            items = self.items_of(frame, data)
            frame.inner = [self._iteration(frame, index, item) for index, item in enumerate(items)]
        frame.write("MapStateStarted", "mapStateStartedEventDetails", {"length": len(frame.inner)})
        group = Group(frame, partial(self._write, "Aborted"))
        jobs = iter([inner for inner in frame.inner if not inner.done])
        for _ in range(min(most, INLINE_CONCURRENCY, len(frame.inner))):
            own: list[Process] = []
            own.append(group.start(self._work_off(group, frame, data, jobs, own)))
        yield from group.wait()
        frame.write("MapStateSucceeded", moves=False)
        return self.finished(frame, [inner.data for inner in frame.inner])

    def _iteration(self, frame: Frame, index: int, item: Any) -> Frame:
        inner = type(frame)(frame.execution, self.machine, item, "", frame)
        inner.item = item_of(index, item, STATE_DATA)
        inner.branch = _within(frame.branch, f"{self.name}#{frame.counts[self.name]}[{index}]")
        return inner

    def _work_off(self, group: Group, frame: Frame, data: Any, jobs: Iterator[Frame], own: list[Process]) -> Walk:
        """One worker: an iteration after the other, all on one line."""
        last = frame.last
        for inner in jobs:
            if not inner.entered:
                inner.data = self.selected(frame, data, inner.data, inner.item)
                inner.text = frame.payload(inner.data, frame.state)
            inner.process = own[0]
            inner.last = last
            self._write("Started", inner, True)
            if inner.entered:
                inner.last = inner.entered
            try:
                yield from group.walk(inner)
            except StateFailed:
                self._write("Failed", inner)
                raise
            self._write("Succeeded", inner)
            last = inner.last

    def _write(self, what: str, inner: Frame, moves: bool = False) -> None:
        """Write what becomes of an iteration."""
        details = {"name": self.name, "index": inner.item["Item"]["Index"]}  # type: ignore[index]
        inner.write(f"MapIteration{what}", f"mapIteration{what}EventDetails", details, moves)

    def selected(self, frame: Frame, data: Any, value: Any, item: dict[str, Any] | None) -> Any:
        """An item as ItemSelector (or Parameters, as it was called) puts it."""
        if not self.selector:
            return value
        before, frame.item = frame.item, item
        try:
            return self.selector(self.evaluation(frame, data))
        finally:
            frame.item = before

    def items_of(self, frame: Frame, data: Any) -> list[Any]:
        """What the Map goes through; StateFailed where it cannot."""
        if self._items:
            found = self._items(self.evaluation(frame, data))
        else:
            found = self._select_items(frame.evaluation(data)) if self._select_items else data
        items = self.listed(found)
        if items is not None:
            return items
        if self.jsonata:
            raise StateFailed(QUERY_EVALUATION, f"Map state input must be an array but was: {text_of(found)}")
        raise StateFailed(RUNTIME, f'Reference path "{self.items_path or "$"}" must point to array.')

    def listed(self, found: Any) -> list[Any] | None:
        """The items in what was found; None where the Map cannot go through it."""
        return found if isinstance(found, list) else None


def _within(branch: str, step: str) -> str:
    return f"{branch}/{step}" if branch else step
