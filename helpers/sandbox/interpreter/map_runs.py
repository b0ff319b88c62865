"""Map Runs: the child executions of a distributed Map, what of their failures is tolerated, and their results."""

import json
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, MapRunStatus
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import ItemReader
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor_worker import (  # noqa: E501
    DistributedItemProcessorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iterator.distributed_iterator_worker import (  # noqa: E501
    DistributedIteratorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool
from moto.stepfunctions.parser.asl.eval.environment import Environment

from helpers.sandbox.clock import Ended
from helpers.sandbox.interpreter import clients, failures, map_data
from helpers.sandbox.interpreter.maps import launch
from helpers.sandbox.interpreter.mending import replace

READER = "States.ItemReaderFailed"
THRESHOLD = "States.ExceedToleratedFailureThreshold"
WRITER = "States.ResultWriterFailed"


def _iterate(self: Any) -> None:
    """A worker of a Map Run: one child execution after another; a child that fails does not stop the others."""
    while self._env.is_running() and (job := self._job_pool.next_job()) is not None:
        _run_child(self, job)
        self._job_pool.close_job(job)


def _run_child(worker: Any, job: Any) -> None:
    record, env = worker._map_run_record, worker._env
    child = record.earlier(job.job_index)
    if child is None or child.status != "SUCCEEDED":
        given, item = job.job_input, None
        if not map_data.fields_of(record.state).get("ItemBatcher"):
            item = {"Item": {"Index": job.job_index, "Value": given}}
            if selector := worker._item_selector or worker._parameters:
                frame = env.open_inner_frame()
                try:
                    given = _selected(frame, env.stack[-1], item, selector)
                except FailureEventException:
                    record.fail_undispatched()
                    return
                finally:
                    env.delete_frame(frame)
        child = record.child(job.job_index, given, job.job_program, item, env.callback_pool_manager)
        child.evaluate()
    if child.status == "SUCCEEDED":
        job.job_output = json.loads(child.output)


def _selected(env: Environment, map_input: Any, item: Any, selector: Any) -> Any:
    """An item as ItemSelector (or Parameters, as it was called) puts it."""
    env.states.context_object.context_object_data["Map"] = item
    env.states.reset(map_input)
    env.stack.append(env.states.get_input())
    selector.eval(env)
    return env.stack.pop()


def _exceeds(record: Any) -> bool:
    counter = record.item_counter
    failed, total = counter.failed.get() + counter.timed_out.get(), counter.total.get()
    count, percentage = record.tolerated_failure_count, record.tolerated_failure_percentage
    if not count and not percentage:
        return bool(failed)
    return bool((count and failed > count) or (percentage and failed * 100 > percentage * total))


def _failure(env: Environment, error: str, cause: str) -> FailureEventException:
    details: Any = {"mapRunFailedEventDetails": {"error": error, "cause": cause}}
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=failures.error_name(error),
            event_type=HistoryEventType.MapRunFailed,
            event_details=details,
        )
    )


def _said(error: ClientError) -> str:
    answer = error.response["ResponseMetadata"]
    details = f"Service: S3, Status Code: {answer['HTTPStatusCode']}, Request ID: {answer.get('RequestId')}"
    return f"{error.response['Error']['Message']} ({details})"


def _read(self: Any, env: Environment) -> None:
    """ItemReader: the items that it leaves on the stack."""
    config: dict[str, Any] = {"InputType": "JSON", "MaxItemsValue": None}
    if self.reader_config:
        self.reader_config.eval(env=env)
        config = env.stack.pop()
    if self.parargs:
        self.parargs.eval(env=env)
    else:
        env.stack.append({})
    try:
        self.resource_eval.eval_resource(env=env)
        found = env.stack.pop()
        if isinstance(found, list):
            env.stack.append(found[: config["MaxItemsValue"]])
        else:
            env.stack.append(map_data.items_in(found, config, getattr(self, "apart", {})))
    except ClientError as error:
        raise _failure(env, READER, _said(error)) from error
    except map_data.Unreadable as error:
        raise _failure(env, READER, str(error)) from error


def _list_objects(env: Environment, resource_runtime_part: Any, state_credentials: Any) -> None:
    client = clients.client_for(resource_runtime_part.region, "s3")
    pages = client.get_paginator("list_objects_v2").paginate(**env.stack.pop())
    env.stack.append([map_data.listed(found) for page in pages for found in page.get("Contents", ())])


def _map_run(self: Any, env: Environment, eval_input: Any) -> None:
    items = env.stack.pop()
    record = eval_input.map_run_record
    state = record.state
    apart = map_data.fields_of(state)
    if record.items is None:
        batcher = apart.get("ItemBatcher")
        record.items = items = _batches(env, items, batcher, state) if batcher else items
    pool = JobPool(job_program=self._get_iteration_program(), job_inputs=items)
    launch(self, env, eval_input, pool, len(items), None)
    children = record.results() if state.result_writer or "WriterConfig" in apart else []
    if state.result_writer:
        state.result_writer.parargs.eval(env=env)
        try:
            written = map_data.write(children, record.map_run_arn, env.stack.pop(), apart.get("WriterConfig", {}))
        except ClientError as error:
            raise _failure(env, WRITER, _said(error)) from error
    if _exceeds(record):
        raise _failure(env, THRESHOLD, "The specified tolerated failure threshold was exceeded")
    if state.result_writer:
        env.stack.append(written)
    elif config := apart.get("WriterConfig"):
        transformation = config.get("Transformation", "COMPACT")
        env.stack.append([entry for child in children for entry in map_data.result(child, transformation)])
    else:
        env.stack.append([job.job_output for job in pool.get_closed_jobs()])


def _batches(env: Environment, items: list[Any], batcher: dict[str, Any], state: Any) -> list[dict[str, Any]]:
    map_input, selector = env.stack[-1], state.item_selector or state.parameters
    frame = env.open_inner_frame()
    if selector:
        each = ({"Item": {"Index": index, "Value": item}} for index, item in enumerate(items))
        items = [_selected(frame, map_input, item, selector) for item in each]
    frame.states.reset(map_input)
    found = map_data.batches(items, batcher, frame, state._is_language_query_jsonpath())
    env.delete_frame(frame)
    return found


def _evaluate(self: Any, env: Any) -> None:
    eval_input = env.stack.pop()
    record = eval_input.map_run_record
    details = {"mapRunArn": record.map_run_arn}
    if record.redrives:
        event, key = HistoryEventType.MapRunRedriven, "mapRunRedrivenEventDetails"
        details["redriveCount"] = record.redrives
    else:
        event, key = HistoryEventType.MapRunStarted, "mapRunStartedEventDetails"
    history = env.event_manager
    record.started_event_id = history.add_event(
        context=env.event_history_context, event_type=event, event_details={key: details}
    )
    try:
        if record.items is not None:
            env.stack.append(record.items)
        elif eval_input.item_reader:
            eval_input.item_reader.eval(env=env)
        else:
            env.stack.append(eval_input.input_items)
        self._map_run(env=env, eval_input=eval_input)
    except Ended:
        record.abort()
        raise
    except Exception as error:
        failed = {}
        if isinstance(error, FailureEventException):
            pair = zip(("error", "cause"), error.extract_error_cause_pair() or (), strict=False)
            failed = {name: text for name, text in pair if text}
        history.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.MapRunFailed,
            event_details={"mapRunFailedEventDetails": failed},
        )
        record.set_stop(status=MapRunStatus.FAILED)
        raise
    history.add_event(context=env.event_history_context, event_type=HistoryEventType.MapRunSucceeded)
    record.set_stop(status=MapRunStatus.SUCCEEDED)


def mend() -> None:
    # AWS gives every child execution a history, an ARN, a context and variables of its own; moto those of its parent.
    for worker in (DistributedItemProcessorWorker, DistributedIteratorWorker):
        replace(worker, "eval", _iterate)
    # AWS fails a Map Run whose items cannot be read with States.ItemReaderFailed, moto with what boto3 says.
    replace(ItemReader, "_eval_body", _read)
    # AWS lists all objects, as its documentation shows them; moto the first thousand, as S3 answers.
    replace(resource_eval_s3.ResourceEvalS3, "_handle_list_objects_v2", staticmethod(_list_objects))
    # AWS fails a Map Run whose children fail more often than is tolerated, and writes results; moto does neither.
    replace(distributed.DistributedIterationComponent, "_map_run", _map_run)
    replace(distributed.DistributedIterationComponent, "_eval_body", _evaluate)
