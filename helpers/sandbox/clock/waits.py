"""Waits: where moto's interpreter waits, it waits on the sandbox's clock, and stops waiting when its execution ends."""

import copy
import datetime
import threading
import types
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError, TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import job
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp, wait_function
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.environment import Environment

from helpers.sandbox.clock.clockwork import Event, Thread, clock, interrupted_by
from helpers.sandbox.interpreter.mending import replace

# How often a `.sync` task asks whether what it started has ended: at first after so many seconds, then ever less often,
# so that it is late by no more than this part of the time it has waited.
FIRST_POLL = 0.5
LATENESS = 0.015


class EndOfProgram(Event):
    """Set once a program has ended, for good: moto only pulses it, and misses who begins to wait afterwards."""

    def clear(self) -> None:
        pass


class TokenEvent(Event):
    """What is waited for outside, by somebody who holds a task token."""

    def wait(self, timeout: float | None = None) -> bool:
        return clock.wait(self, bounded(timeout), token=True)


def sleep(seconds: float) -> None:
    """Wait on the sandbox's clock."""
    clock.wait(Event(), seconds)


def bounded(seconds: float | None) -> float | None:
    # The default of a task without TimeoutSeconds, three years, is nobody's deadline: the clock never goes there.
    return None if seconds is None or seconds >= TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS else seconds


def _wait_interval(self: wait_function.WaitFunction, env: Environment, wait_seconds: float) -> None:
    clock.wait(env.program_state_event, wait_seconds)


def _seconds_until(self: timestamp.Timestamp, env: Environment) -> float:
    self.string.eval(env=env)
    text = env.stack.pop()
    until = self._from_timestamp_string(timestamp=text)
    if until is None:
        raise FailureEventException(self._create_failure_event(env, text))
    return until.replace(tzinfo=datetime.UTC).timestamp() - clock.time()


def _poll(
    self: Any,
    env: Environment,
    sync_resolver: Callable[[], Any],
    timeout_seconds: int | None,
    callback_endpoint: Any,
    heartbeat_endpoint: Any,
) -> Any:
    began = clock.time()
    while env.is_running():
        if result := sync_resolver():
            return result
        sleep(max(FIRST_POLL, LATENESS * (clock.time() - began)))
    return None


def _evaluate_with_timeout(self: execute_state.ExecutionState, env: Environment) -> None:
    self.timeout.eval(env=env)
    seconds = bounded(env.stack.pop())
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    try:
        if seconds is None:
            self._eval_execution(frame)
        else:
            _evaluate_within(seconds, self, frame)
        output = frame.stack.pop()
    finally:
        frame.set_ended()
        env.close_frame(frame)
    env.stack.append(output)
    if not self._is_language_query_jsonpath():
        env.states.set_result(output)
    if self.assign_decl:
        self.assign_decl.eval(env=env)
    if self.result_selector:
        self.result_selector.eval(env=env)
    if self.result_path:
        self.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def _evaluate_within(seconds: float, state: execute_state.ExecutionState, frame: Environment) -> None:
    """Evaluate in a thread of its own, which is given up when the time is over."""
    done = Event()
    failures: list[Exception] = []

    def evaluate() -> None:
        try:
            with interrupted_by(frame.program_state_event):
                state._eval_execution(frame)
        except Exception as failure:
            failures.append(failure)
        finally:
            done.set()

    Thread(target=evaluate, daemon=True).start()
    if not clock.wait(done, seconds):
        raise EvalTimeoutError
    if failures:
        raise failures[0]


def mend() -> None:
    """Put the interpreter's waits on the clock."""
    # Waiting for branches and iterations counts as no work.
    for module in (branches_decl, job):
        replace(module, "threading", types.SimpleNamespace(Event=Event, Lock=threading.Lock))
    replace(environment, "threading", types.SimpleNamespace(Event=EndOfProgram, RLock=threading.RLock))
    # A Wait lasts to the millisecond; moto counts whole seconds, and reads a Timestamp in the local time zone.
    replace(wait_function.WaitFunction, "_wait_interval", _wait_interval)
    replace(timestamp.Timestamp, "_get_wait_seconds", _seconds_until)
    # A retry's back-off ends with its execution; moto sleeps through.
    replace(retrier_decl, "time", types.SimpleNamespace(sleep=sleep))
    # A `.sync` task waits for what it started alone; moto also waits for a task token that nobody has.
    replace(state_task_service_callback.StateTaskServiceCallback, "_eval_sync", _poll)
    replace(callback, "Event", TokenEvent)
    # A task whose time is over before a worker took it has no outcome; moto looks for one that is not there.
    callback.ActivityTaskStartEndpoint._outcome = None
    # TimeoutSeconds is a deadline on the clock; moto makes a thread for every attempt, with or without one.
    replace(execute_state.ExecutionState, "_evaluate_with_timeout", _evaluate_with_timeout)
