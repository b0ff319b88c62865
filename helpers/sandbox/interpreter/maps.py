"""Map and Parallel: their items, iterations, branches and Map Runs, and what becomes of the others when one fails."""

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.items import items as map_items
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import inline_iteration_component as inline
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor as processor,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iterator import (
    distributed_iterator as iterator,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branch_worker, branches_decl
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError

from helpers.sandbox.interpreter import failures, frames
from helpers.sandbox.interpreter.data import text_of
from helpers.sandbox.interpreter.mending import replace
from helpers.sandbox.interpreter.states import unexpected_type

# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html: at most so many iterations run at once.
INLINE_CONCURRENCY = 40


def _items(state: StateMap, env: Environment) -> list[Any]:
    if state.items_path:
        state.items_path.eval(env=env)
    if state.items:
        state.items.eval(env=env)
    found = env.stack.pop()
    if isinstance(found, list):
        return found
    if state.items_path:
        path = state.items_path.string_sampler.literal_value
        raise failures.execution_failure(env, failures.RUNTIME, f'Reference path "{path}" must point to array.')
    text = text_of(found)
    raise failures.query_evaluation_failure(env, f"Map state input must be an array but was: {text}")


def _evaluate_items(self: Any, env: Environment) -> None:
    self.string_jsonata.eval(env=env)
    if not isinstance(env.stack[-1], list):
        raise unexpected_type(env, self.string_jsonata, "array", env.stack[-1])


def _evaluate_map(self: Any, env: Environment) -> None:
    """StateMap: its items, then its tolerance (which AWS looks at once the Map has started), then the iterations."""
    self.max_concurrency_decl.eval(env=env)
    concurrency = env.stack.pop()
    label = self.label.label if self.label else None
    is_distributed = isinstance(self.iteration_component, distributed.DistributedIterationComponent)
    tolerance = env.open_frame()
    tolerance.states.reset(input_value=env.states.get_input())
    tolerance.stack = list(env.stack)
    reader = self.item_reader if is_distributed else None
    runs: Any = env.map_run_record_pool_manager
    entered = env.entered_event_id  # type: ignore[attr-defined]
    redriven = is_distributed and runs.goes_on(entered)
    items = None if reader or redriven else _items(self, env)
    if not redriven:
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.MapStateStarted,
            event_details={"mapStateStartedEventDetails": {"length": len(items or [])}},  # type: ignore[arg-type]
        )
    self.tolerated_failure_count_decl.eval(env=tolerance)
    count = tolerance.stack.pop()
    self.tolerated_failure_percentage_decl.eval(env=tolerance)
    percentage = tolerance.stack.pop()
    env.delete_frame(tolerance)
    common = {
        "state_name": self.name,
        "max_concurrency": concurrency,
        "input_items": items,
        "parameters": self.parameters,
        "item_selector": self.item_selector,
    }
    if is_distributed:
        record = runs.begin(
            self,
            entered,
            max_concurrency=concurrency,
            tolerated_failure_count=count,
            tolerated_failure_percentage=percentage,
            label=label,
        )
        legacy = isinstance(self.iteration_component, iterator.DistributedIterator)
        kind: Any = iterator.DistributedIteratorEvalInput if legacy else processor.DistributedItemProcessorEvalInput
        env.stack.append(
            kind(
                **common,
                item_reader=reader,
                tolerated_failure_count=count,
                tolerated_failure_percentage=percentage,
                label=label,
                map_run_record=record,
            )
        )
    else:
        env.stack.append(inline.InlineIterationComponentEvalInput(**common))
    self.iteration_component.eval(env)
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.MapStateSucceeded,
        update_source_event_id=False,
    )
    if is_distributed and _holds_map(self.iteration_component):
        # AWS's link leads past a run that did not end in the same breath: those whose items run Maps of their own.
        env.event_history_context.source_event_id = record.started_event_id


def _holds_map(component: Any) -> bool:
    return any(isinstance(state, StateMap) for state in component._states.states.values())


def launch(component: Any, env: Environment, eval_input: Any, pool: JobPool, count: int, most: int | None) -> None:
    """Start as many workers as a Map allows, and wait until they have done all jobs."""
    limits = [limit for limit in (eval_input.max_concurrency, most, count) if limit]
    for _ in range(min(limits) if count else 0):
        component._launch_worker(env=env, eval_input=eval_input, job_pool=pool)
    pool.await_jobs()


def _evaluate_inline(self: Any, env: Environment) -> None:
    eval_input = env.stack.pop()
    items = eval_input.input_items
    pool = JobPool(job_program=self._get_iteration_program(), job_inputs=items)
    launch(self, env, eval_input, pool, len(items), INLINE_CONCURRENCY)
    failure = pool.get_worker_exception()
    if failure is not None:
        for frame in list(env._frames):
            frames.abort(frame)
        raise failure
    env.stack.append([job.job_output for job in pool.get_closed_jobs()])


def _iterate(self: Any) -> None:
    """A worker of an inline Map: one iteration after another, until there is none or one has failed."""
    frame = self._env.open_frame()
    job = self._job_pool.next_job()
    while job is not None:
        inner = frame.open_inner_frame()
        inner.iteration = {"name": self._work_name, "index": job.job_index}
        self._eval_job(env=inner, job=job)
        inner.iteration = None
        frame.close_frame(inner)
        failed = isinstance(job.job_output, Exception)
        following = None if failed or self.stopped() else self._job_pool.next_job()
        if following is None:
            if not failed:
                # What follows the Map links to the event that ended the last iteration.
                frame.event_history_context.source_event_id = inner.event_history_context.last_published_event_id
            self._env.close_frame(frame)
        self._job_pool.close_job(job)
        job = following


def _evaluate_branches(self: Any, env: Environment) -> None:
    """BranchesDecl: every branch in a thread; the first that fails stops the others."""
    input_value = env.stack.pop()
    pool = branches_decl.BranchWorkerPool(workers_num=len(self.programs))
    branches = []
    for program in self.programs:
        frame = env.open_inner_frame()
        frame.states.reset(input_value=input_value)
        branches.append(branch_worker.BranchWorker(branch_worker_comm=pool, program=program, env=frame))
    for branch in branches:
        branch.start()  # type: ignore[no-untyped-call]
    pool.wait()  # type: ignore[no-untyped-call]
    failure = pool.get_exit_event_details()
    if failure is None:
        env.stack.append([branch.env.states.get_input() for branch in branches])
        for branch in branches:
            env.close_frame(branch.env)
        return
    for branch in branches:
        if not isinstance(branch.env.program_state(), ProgramError | ProgramEnded):
            frames.abort(branch.env)
    for branch in branches:
        env.close_frame(branch.env)
    raise failures.execution_failure(env, failure.get("error"), failure.get("cause"))  # type: ignore[arg-type]


def mend() -> None:
    # AWS says which value was no array; moto which Python type.
    replace(StateMap, "_eval_execution", _evaluate_map)
    replace(map_items.ItemsJSONata, "_eval_body", _evaluate_items)
    # AWS stops the other iterations and branches when one fails, with events that say so; moto lets them run on.
    replace(inline.InlineIterationComponent, "_eval_body", _evaluate_inline)
    replace(branches_decl.BranchesDecl, "_eval_body", _evaluate_branches)
    # moto's workers call themselves for each item, and die of the thousandth.
    replace(IterationWorker, "eval", _iterate)
