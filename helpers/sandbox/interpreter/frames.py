"""The environments in which the parts of an execution run, and the events that they may still write."""

import collections
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import inline_iteration_component
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import StateParallel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.wait.state_wait import StateWait
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from helpers.sandbox.clock import clock
from helpers.sandbox.interpreter.mending import replace

_INHERITED = ("entered_event_id", "before_entering")


def _mend_opening() -> None:
    original = environment.Environment.as_inner_frame_of.__func__  # type: ignore[attr-defined]

    def as_inner_frame_of(cls: Any, env: Any, *arguments: Any, **named: Any) -> Any:
        frame = original(cls, env, *arguments, **named)
        for name in _INHERITED:
            if hasattr(env, name):
                setattr(frame, name, getattr(env, name))
        return frame

    replace(environment.Environment, "as_inner_frame_of", classmethod(as_inner_frame_of))


def close(frame: Any) -> None:
    """What still runs in this frame and the ones inside it writes no more events."""
    frame.event_history_context.closed = True
    for inner in list(frame._frames):
        close(inner)


_ABORTED = {
    StateMap: HistoryEventType.MapStateAborted,
    StateParallel: HistoryEventType.ParallelStateAborted,
    StateTask: HistoryEventType.TaskStateAborted,
    StateWait: HistoryEventType.WaitStateAborted,
}


def abort(frame: Any) -> None:
    """Stop what runs in a frame because a sibling has failed, and write that its states and iterations were aborted."""
    frame.set_stop(stop_date=clock.now(), cause=None, error=None)
    context = frame.event_history_context
    for inner in list(frame._frames):
        abort(inner)
        context.integrate(inner.event_history_context)
    aborted = next(
        (event for kind, event in _ABORTED.items() if isinstance(getattr(frame, "inside", None), kind)), None
    )
    if aborted:
        frame.event_manager.add_event(context=context, event_type=aborted)
    if iteration := getattr(frame, "iteration", None):
        frame.event_manager.add_event(
            context=context,
            event_type=HistoryEventType.MapIterationAborted,
            event_details={"mapIterationAbortedEventDetails": iteration},
            update_source_event_id=False,
        )
    close(frame)


def _mend_closing() -> None:
    # A task that timed out, or a branch whose sibling failed, writes nothing more on AWS; moto's threads write on.
    for name in ("close_frame", "delete_frame"):
        original = getattr(environment.Environment, name)

        def leave(self: Any, frame: Any, original: Any = original) -> None:
            if frame in self._frames:
                close(frame)
            original(self, frame)

        replace(environment.Environment, name, leave)

    add_event = EventManager.add_event

    def add_unless_closed(self: Any, context: Any, event_type: Any, *arguments: Any, **named: Any) -> int:
        if getattr(context, "closed", False) or getattr(self, "ended", False):
            return 0
        return add_event(self, context, event_type, *arguments, **named)

    replace(EventManager, "add_event", add_unless_closed)


def mend() -> None:
    _mend_opening()
    _mend_closing()
    # moto keeps every thread it ever started.
    for module in (branch_worker, inline_iteration_component):
        replace(module, "TMP_THREADS", collections.deque(maxlen=0))
