"""TestState: one state alone, and what it makes of its data on the way.

The state is compiled anew, with watchers around the closures that its data goes through. What Retry would do is said
and not done; a Map or a Parallel selects what it would run, runs nothing, and has its result mocked.
https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from helpers.definition.walk import states
from helpers.engine.branches import STATE_DATA, Map, Parallel, item_of
from helpers.engine.execution import Execution, Identity
from helpers.engine.failures import TIMEOUT, TOLERANCE_EXCEEDED, StateFailed, matches
from helpers.engine.machine import Machine
from helpers.engine.map_runs import DistributedMap
from helpers.engine.paths import Evaluated
from helpers.engine.scheduler import Process, Scheduler, Walk
from helpers.engine.states import Pass
from helpers.engine.tasks import Answer, Call, Handled, Task, TaskFailed, outside

__all__ = ["ALONE", "Inspection", "named"]

ALONE = "StateName"  # what the service calls a state that is given without a name
LONGEST_SECONDS = 300  # API reference, TestState
Handler = Callable[[Call], None]
End = Callable[[Exception | None], None]


@dataclass(eq=False, repr=False)
class Inspection:
    """One state, and what became of it.

    `mock` is the result (an `Answer`) or the error of a Task, Map or Parallel, `items` what a Map's ItemReader reads
    (TaskFailed where it cannot); `context` stands in place of the context object; a state that `iterates` is one of a
    Map's; `retries` of the matching Retry have been used, `failures` iterations of the Map have failed.

    `status` is SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR; there is an `output` (a JSON value) where it is the first
    or the last. `stages` are the members of AWS's inspectionData as JSON values, `error_details` those of errorDetails.
    """

    body: dict[str, Any]
    name: str = ALONE
    mock: Answer | TaskFailed | None = None
    items: Any = None
    context: dict[str, Any] | None = None
    iterates: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    retries: int = 0
    failures: int = 0
    status: str = field(default="FAILED", init=False)
    output: Any = field(default=None, init=False)
    error: str | None = field(default=None, init=False)
    cause: str | None = field(default=None, init=False)
    next_state: str | None = field(default=None, init=False)
    stages: dict[str, Any] = field(default_factory=dict, init=False)
    error_details: dict[str, int] = field(default_factory=dict, init=False)

    def start(
        self, text: str, identity: Identity, scheduler: Scheduler, handler: Handler, seed: object, on_end: End
    ) -> None:
        """Let a scheduler move it, with an input; `on_end` is given what is raised that is no state's failure."""
        machine = Machine({"StartAt": self.name, "States": {self.name: self.body}}, "JSONPath")
        run = Execution(machine, text, identity, scheduler=scheduler, handler=self._handle, seed=seed, limit=None)
        self._scheduler, self._handler, self._on_end = scheduler, handler, on_end
        self._state, self._frame = machine.states[self.name], run.top
        self._frame.variables, self._frame.scope.context = self.variables, self._context
        if self.iterates:
            self._frame.item = item_of(0, self._frame.data, STATE_DATA)
        self.stages["input"] = self._frame.data
        self._watch()
        self._timer = scheduler.after(LONGEST_SECONDS, self._time_out)
        self._frame.process = Process(scheduler, self._walk(), self._ended)

    def _time_out(self) -> None:
        self._frame.process.close()
        self.error = TIMEOUT
        self._ended(None, None)

    def _ended(self, _: Any, error: Exception | None) -> None:
        self._scheduler.cancel(self._timer)
        if self._frame.variables:
            self.stages["variables"] = self._frame.variables
        self._on_end(error)

    def _walk(self) -> Walk:
        state, frame = self._state, self._frame
        frame.enter(state)
        try:
            if isinstance(state, Handled):
                frame.retries = self.retries
                self.status, self.next_state = yield from self._handled(state)
            else:
                self.next_state = (yield from state.work(frame)) if state.waits else state.pass_through(frame)
                self.status = "SUCCEEDED"
        except StateFailed as failure:
            frame.locate(state, failure)
            self.error, self.cause = failure.error, failure.cause
        if self.status in ("SUCCEEDED", "CAUGHT_ERROR"):
            self.output = frame.data

    def _handled(self, state: Handled) -> Walk:
        """The status and the next state of a state that has Retry and Catch."""
        frame, used = self._frame, self.retries
        data = state.taken(frame)
        try:
            given = yield from self._attempt(state, data)
        except StateFailed as failure:
            failed = failure
        else:
            frame.leave(state, *given)
            return "SUCCEEDED", state.next
        frame.locate(state, failed)
        self.error, self.cause = failed.error, failed.cause
        for index, retrier in enumerate(state.retriers):
            if matches(retrier.errors, failed.error, failed.also):
                self.error_details = {"retryIndex": index}
                if used < retrier.attempts:
                    seconds = int(retrier.delay(used, frame.execution.chance()))
                    self.error_details["retryBackoffIntervalSeconds"] = seconds
                    return "RETRIABLE", None
                break
        following = state._caught(frame, failed)
        caught = [matches(catcher.errors, failed.error, failed.also) for catcher in state._catchers]
        self.error_details = {"catchIndex": caught.index(True)}
        return "CAUGHT_ERROR", following

    def _attempt(self, state: Handled, data: Any) -> Walk:
        if isinstance(state, Task):
            return (yield from state.attempt(self._frame, data))
        if isinstance(state, Map):
            yield from self._select(state, data)
        elif isinstance(state, Parallel) and state._parameters:
            state._parameters(state.evaluation(self._frame, data))
        if isinstance(self.mock, TaskFailed):
            raise outside(self.mock.error, self.mock.cause)
        return state.finished(self._frame, self.mock.value if self.mock else None)

    def _select(self, state: Map, data: Any) -> Walk:
        """What a Map would run, and how; its failure where more iterations have failed than it tolerates."""
        frame, stages = self._frame, self.stages
        if isinstance(state, DistributedMap) and state._reader:
            items, source = yield from state.read(frame, data)
            if "ItemsPointer" in state._reader.get("ReaderConfig", {}):
                stages["afterItemsPointer"] = items
        else:
            items, source = state.items_of(frame, data), STATE_DATA
            if not state.jsonata:
                stages["afterItemsPath"] = items
        stages["maxConcurrency"] = state.concurrency(state.evaluation(frame, data)) or 0
        if state.selector:
            stages["afterItemSelector"] = [
                state.selected(frame, data, item, item_of(index, item, source)) for index, item in enumerate(items)
            ]
        if not isinstance(state, DistributedMap):
            return
        if state._batcher:
            stages["afterItemBatcher"] = state._batched(frame, data, items, source)
        exceeded = False
        for what, number, whole in (("Count", state._count, 1), ("Percentage", state._percentage, len(items) / 100)):
            if {f"ToleratedFailure{what}", f"ToleratedFailure{what}Path"} & self.body.keys():
                stages[f"toleratedFailure{what}"] = tolerated = number(state.evaluation(frame, data))
                exceeded = exceeded or self.failures > tolerated * whole
        if exceeded and not isinstance(self.mock, TaskFailed):
            raise outside(TOLERANCE_EXCEEDED, "The specified tolerated failure threshold was exceeded")

    def _handle(self, call: Call) -> None:
        if call.kind == "read":
            call.answer(self.items)
        elif self.mock:
            call.answer(self.mock)
        else:
            self._handler(call)

    def _context(self) -> dict[str, Any]:
        found = self._frame.context()
        if self.context is None:
            del found["Execution"]["RedriveCount"]  # the service runs the test as an Express execution
            return found
        return {**self.context, "Map": found["Map"]} if "Map" in found else self.context

    def _watch(self) -> None:
        """Have every stage of the data kept, also where the state leaves it as it is."""
        state, stages = self._state, self.stages

        def seen(stage: str, evaluate: Evaluated | None) -> Evaluated:
            def evaluated(scope: Any) -> Any:
                stages[stage] = found = evaluate(scope) if evaluate else scope.data
                return found

            return evaluated

        def selected(scope: Any) -> Any:
            stages["result"] = scope.data
            return select(scope) if select else scope.data

        def placed(data: Any, shaped: Any) -> Any:
            stages["afterResultSelector"] = shaped
            stages["afterResultPath"] = output = place(data, shaped) if place else shaped
            return output

        if isinstance(state, Task | Parallel):
            select, state._selector = state._selector, selected
        if state.jsonata:
            if isinstance(state, Task | Parallel) and state._parameters:
                state._parameters = seen("afterArguments", state._parameters)
            return
        if isinstance(state, Pass) and "Result" in self.body:
            stages["result"] = self.body["Result"]  # with it, the service does not show what comes before
        else:
            state.input_path = seen("afterInputPath", state.input_path)
            if isinstance(state, Pass | Task | Parallel):
                state._parameters = seen("afterParameters", state._parameters)
        if isinstance(state, Pass | Handled):
            place, state.result_path = state.result_path, placed


def named(definition: Any, name: str) -> tuple[dict[str, Any], bool] | None:
    """The state of a name in a machine, at any depth, with its query language, and whether it is one of a Map's."""
    found = next((state for state in states(definition) if state.name == name), None)
    owner = found and found.scope.owner
    return ({"QueryLanguage": found.language, **found.body}, bool(owner and owner.type == "Map")) if found else None
