"""How far an execution has come, its branches and iterations included: where a redrive goes on.

A redrive does again what did not succeed, and nothing else. Source: developer guide, "Restarting state machine
executions with redrive". (A distributed Map's children are executions with places of their own, see `map_run`.)
"""

import copy
import json
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.component.state.fail.state_fail import StateFail
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded

from helpers.sandbox.interpreter.mending import replace

__all__ = ["Place", "mend", "places_of", "resume"]


class Place:
    """Where a program stands: done with an output, or inside a state that it entered with the event `entered`."""

    def __init__(self, env: Any) -> None:
        state = env.states.context_object.context_object_data.get("State")
        self.done = isinstance(env.program_state(), ProgramEnded)
        self.output = env.states.get_input() if self.done else None
        self.state: str | None = state["Name"] if state and hasattr(env, "inside") else None
        self.entered: int = getattr(env, "entered_event_id", 0)
        self.variables = env.variable_store


def places_of(events: Any) -> dict[Any, Place]:
    """The places of an execution's branches and iterations, also of those that still run."""
    found = dict(events.places)
    return {key: value if isinstance(value, Place) else Place(value) for key, value in found.items()}


def resume(program: Any, env: Any, place: Place) -> Any:
    """The program that goes on in `env` from a place: with the state's input and variables, and without entering it
    again, unless it is a Fail state, which has nothing to go on with.
    """
    env.variable_store = place.variables
    if place.state is None:
        return program
    entering = env.event_manager.entering(place.entered)
    env.states.reset(json.loads(entering["input"]))
    env.event_history_context.source_event_id = place.entered
    if not isinstance(program.states.states[place.state], StateFail):
        env.event_manager.reenter(place.state, place.entered)
    resumed = copy.copy(program)  # what is parsed is shared with other executions
    resumed.start_at = StartAt(place.state)
    return resumed


def _key(program: Any, env: Any) -> tuple[int, str, int | None]:
    """Which branch or iteration this is: of what entering of a state, beginning where, and with what index."""
    iteration = getattr(env, "iteration", None)
    return env.entered_event_id, program.start_at.start_at_name, iteration["index"] if iteration else None


def _evaluate(original: Callable[[Any, Any], None], self: Program, env: Any) -> None:
    events = env.event_manager
    if not env.is_frame() or getattr(events, "places", None) is None:
        original(self, env)
        return
    key = _key(self, env)
    place = events.places.get(key)
    if place and place.done:
        env.states.reset(place.output)
        env.next_state_name = self.start_at.start_at_name
        env.set_ended()
        return
    program = resume(self, env, place) if place else self
    events.places[key] = env
    try:
        original(program, env)
    finally:
        events.places[key] = Place(env)


def _iterate(original: Callable[[Any, Any, Any], None], self: IterationWorker, env: Any, job: Any) -> None:
    places = getattr(env.event_manager, "places", None)
    place = places.get(_key(job.job_program, env)) if places else None
    if place and place.done:
        job.job_output = place.output
    else:
        original(self, env, job)


def _retry(original: Callable[..., RetryOutcome], self: ExecutionState, env: Any, failure_event: Any) -> RetryOutcome:
    outcome = original(self, env, failure_event)
    places = getattr(env.event_manager, "places", None)
    if places and outcome == RetryOutcome.CanRetry:
        # A retry begins its branches and iterations anew.
        for key in [key for key in places if key[0] == env.entered_event_id]:
            del places[key]
    return outcome


def mend() -> None:
    """Let branches and iterations be taken up where they were left; moto knows no redrive."""
    evaluate, iterate, retry = Program.eval, IterationWorker._eval_job, ExecutionState._handle_retry
    replace(Program, "eval", lambda self, env: _evaluate(evaluate, self, env))
    replace(IterationWorker, "_eval_job", lambda self, env, job: _iterate(iterate, self, env, job))
    replace(ExecutionState, "_handle_retry", lambda self, env, failure_event: _retry(retry, self, env, failure_event))
