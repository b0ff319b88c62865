"""Endings: an execution ends once, at once, whoever ends it, and takes all its threads along."""

import contextvars
import functools
import logging
import types
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, StateMachineType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import inline_iteration_component
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramEnded,
    ProgramError,
    ProgramRunning,
    ProgramState,
    ProgramStopped,
    ProgramTimedOut,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution_worker

from helpers.sandbox.clock.clockwork import Ended, Event, Thread, clock, interrupted_by
from helpers.sandbox.clock.verbs import most_events
from helpers.sandbox.clock.waits import bounded
from helpers.sandbox.interpreter.mending import replace

LOG = logging.getLogger(__name__)
RUNTIME = "States.Runtime"
LAST = {
    HistoryEventType.ExecutionSucceeded,
    HistoryEventType.ExecutionFailed,
    HistoryEventType.ExecutionAborted,
    HistoryEventType.ExecutionTimedOut,
}

# The events that a history which lacks but one can still take.
FITTING = LAST - {HistoryEventType.ExecutionFailed}

_root: contextvars.ContextVar[Any] = contextvars.ContextVar("root", default=None)


class ExecutionThread(Thread):
    """A thread of an execution: an exception that nothing in it handles fails the execution."""

    def __init__(self, *, target: Callable[..., None], **options: Any) -> None:
        @functools.wraps(target)
        def guarded(*arguments: Any) -> None:
            try:
                target(*arguments)
            except Exception as error:
                if (root := _root.get()) is None:
                    raise
                fail(root, error)

        super().__init__(target=guarded, **options)


def fail(env: Any, error: Exception) -> None:
    """End an execution as FAILED because of an error in the interpreter itself, unless it has ended."""
    LOG.error("An execution failed inside the interpreter.", exc_info=error)
    env.set_error({"error": RUNTIME, "cause": f"{type(error).__name__}({error})"})
    conclude(env)


def conclude(env: Any) -> None:
    """Write an execution's last event, which its program's state tells; nothing where it is written already."""
    state = env.program_state()
    # AWS ends a stopped or timed-out execution from outside: that event follows from none of the others.
    context = EventHistoryContext.of_program_start()
    details: dict[str, Any]
    if isinstance(state, ProgramStopped):
        event, details = HistoryEventType.ExecutionAborted, {"error": state.error, "cause": state.cause}
    elif isinstance(state, ProgramTimedOut):
        event, details = HistoryEventType.ExecutionTimedOut, {"error": "States.Timeout"}
    elif isinstance(state, ProgramError):
        event, details, context = HistoryEventType.ExecutionFailed, dict(state.error or {}), env.event_history_context
    else:
        event, context = HistoryEventType.ExecutionSucceeded, env.event_history_context
        output = to_json_str(env.states.get_input(), separators=(",", ":"))
        details = {"output": output, "outputDetails": {"truncated": False}}
    details = {key: value for key, value in details.items() if value is not None}
    key = f"{event[0].lower()}{event[1:]}EventDetails"
    try:
        env.event_manager.add_event(context=context, event_type=event, event_details={key: details})
    except Ended:
        LOG.debug("The execution had ended already.")


def _add_event(
    self: Any,
    context: EventHistoryContext,
    event_type: str,
    event_details: Any = None,
    timestamp: Any = None,
    update_source_event_id: bool = True,
) -> int:
    root = _root.get()
    limit = None
    if root is not None and root.event_manager is self and root.execution_type == StateMachineType.STANDARD:
        limit = most_events()
    full = None
    with self._mutex:
        if self._closed:
            raise Ended
        event_id: int = self._event_id_gen._next_id
        if limit and event_id >= limit and event_type not in FITTING:
            cause = f"The execution reached the maximum number of history events ({limit})."
            full = {"error": RUNTIME, "cause": cause}
            event_type, event_details = HistoryEventType.ExecutionFailed, {"executionFailedEventDetails": full}
        stamp = timestamp or clock.now()
        event = {
            "event_id": event_id,
            "source_event_id": context.source_event_id,
            "event_type": event_type,
            "timestamp": f"{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond // 1000:03}Z",
            "event_details": event_details,
        }
        self._publish_history_event(**event)
        self._event_id_gen.get()
        self._closed = event_type in LAST
        context.last_published_event_id = event_id
        if update_source_event_id:
            context.source_event_id = event_id
        try:
            self._publish_history_log(**event)
        except Exception:
            LOG.exception("An event could not be logged.")
    if full:
        root.set_error(full)
        raise Ended
    return event_id


def _evaluate_program(self: Program, env: Any) -> None:
    env.next_state_name = self.start_at.start_at_name
    evaluate = functools.partial(EvalComponent.eval, self, env)
    if env.is_frame():
        evaluate()
        return
    token = _root.set(env)
    try:
        seconds = bounded(self.timeout_seconds.timeout_seconds) if self.timeout_seconds else None
        if seconds is None:
            evaluate()
        else:
            _evaluate_within(seconds, evaluate, env)
    except Ended:
        LOG.debug("The execution was ended from outside.")
    except Exception as error:
        fail(env, error)
    finally:
        _root.reset(token)


def _evaluate_within(seconds: float, evaluate: Callable[[], None], env: Any) -> None:
    done = Event()

    def evaluate_and_say() -> None:
        try:
            evaluate()
        finally:
            done.set()

    # A thread of its own, which is given up when the time is over.
    ExecutionThread(target=evaluate_and_say, daemon=True).start()
    if clock.wait(done, seconds):
        return
    env.set_timed_out()
    if isinstance(env.program_state(), ProgramTimedOut):
        conclude(env)
    else:  # it was just ending otherwise
        clock.wait(done)


def _evaluate_states(self: Program, env: Any) -> None:
    try:
        with interrupted_by(env.program_state_event):
            while env.is_running():
                self._get_state(env.next_state_name).eval(env)
                env.stack.clear()
                env.heap.clear()
    except FailureEventException as failure:
        env.set_error(failure.get_execution_failed_event_details())
    except Exception as error:
        if not env.is_frame():
            fail(env, error)
            return
        env.set_error({"error": RUNTIME, "cause": f"{type(error).__name__}({error})"})
    if not env.is_frame():
        conclude(env)


def _set_state(self: Environment, state: ProgramState, over: tuple[type[ProgramState], ...]) -> None:
    with self._state_mutex:
        if isinstance(self._program_state, over):
            self._program_state = state
            for frame in self._frames:
                _set_state(frame, state, over)
        self.program_state_event.set()


def _set_error(self: Environment, error: Any) -> None:
    _set_state(self, ProgramError(error=error), (ProgramRunning, ProgramEnded, ProgramError))


def _set_timed_out(self: Environment) -> None:
    _set_state(self, ProgramTimedOut(), (ProgramRunning,))


def _set_stop(original: Callable[..., None], self: Environment, **how: Any) -> None:
    original(self, **how)
    if not self.is_frame() and isinstance(self.program_state(), ProgramStopped):
        conclude(self)


def mend() -> None:
    """Make executions end once and at once."""
    replace(execution_worker, "Thread", ExecutionThread)
    for module in (branch_worker, inline_iteration_component):
        replace(module, "threading", types.SimpleNamespace(Thread=ExecutionThread))
    # AWS ends an execution whose history is full; moto knows no limit, and leaves RUNNING what cannot write an event.
    EventManager._closed = False  # type: ignore[attr-defined]
    replace(EventManager, "add_event", _add_event)
    # TimeoutSeconds of a machine ends it at that moment; moto leaves the last event to when its task has returned.
    replace(Program, "eval", _evaluate_program)
    replace(Program, "_eval_body", _evaluate_states)
    # How an execution ended stays; moto lets a later error of a straggling branch overwrite it.
    replace(Environment, "set_error", _set_error)
    replace(Environment, "set_timed_out", _set_timed_out)
    # StopExecution ends an execution before it answers; moto waits until its task has returned.
    set_stop = Environment.set_stop
    replace(Environment, "set_stop", lambda self, **how: _set_stop(set_stop, self, **how))
