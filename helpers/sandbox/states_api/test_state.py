"""TestState: one state alone, and what it makes of its data on the way.

The state is compiled anew, with watchers around the closures that its data goes through. What Retry would do is said
and not done; a Map or a Parallel selects what it would run, runs nothing, and has its result mocked.
https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
"""

from __future__ import annotations

import queue
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

from helpers import definition as asl
from helpers.engine import Answer, Call, Execution, Identity, Machine, TaskFailed, data_of, text_of
from helpers.engine.branches import STATE_DATA, Map, Parallel, item_of
from helpers.engine.failures import TIMEOUT, TOLERANCE_EXCEEDED, StateFailed, matching
from helpers.engine.map_runs import DistributedMap
from helpers.engine.paths import Evaluated
from helpers.engine.scheduler import Process, Walk
from helpers.engine.states import Pass
from helpers.engine.tasks import Handled, Task, outside
from helpers.sandbox.clock import clock
from helpers.sandbox.integrations import clients, objects
from helpers.sandbox.integrations.integration import TOKEN, integration_of
from helpers.sandbox.integrations.jobs import WAITED_FOR
from helpers.sandbox.integrations.shapes import misfit
from helpers.sandbox.states_api.backend import StatesBackend
from helpers.sandbox.states_api.definitions import check_definition, check_state
from helpers.sandbox.states_api.names import check_input
from helpers.sandbox.states_api.roles import check_role
from helpers.sandbox.states_api.states_error import StatesError, invalid

ALONE = "StateName"  # what the service calls a state that is given without a name
LONGEST_SECONDS = 300  # API reference, TestState
# The members of inspectionData that are no texts.
NO_TEXTS = ("errorDetails", "maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage")
PATTERNS = (".sync", ".sync:2", ".waitForTaskToken")
# The context object that may be given; developer guide, "Accessing execution data from the Context object".
CONTEXT: dict[str, dict[str, type]] = {
    "Execution": {
        **dict.fromkeys(("Id", "Name", "RoleArn", "StartTime", "RedriveTime"), str),
        "Input": object,
        "RedriveCount": int,
    },
    "State": {"EnteredTime": str, "Name": str, "RetryCount": int},
    "StateMachine": {"Id": str, "Name": str},
    "Task": {"Token": str},
}


def test_state(backend: StatesBackend, arguments: dict[str, Any]) -> dict[str, Any]:
    tested = Tested(backend, arguments)
    clock.call(tested.start)
    if error := tested.end.get():
        raise error
    return tested.answer(arguments.get("inspectionLevel", "INFO"))


class Tested:
    """The state that a request is about, and what becomes of it; StatesError where it cannot be tested.

    `end` gets None at its end, or what was raised that is no state's failure.
    """

    def __init__(self, backend: StatesBackend, arguments: dict[str, Any]) -> None:
        name, self._body, iterates = _state(arguments)
        self._mock = _mock(name, self._body, arguments)
        role: Any = arguments.get("roleArn")  # null in the context object where there is none
        if role:
            check_role(backend, role)
        elif self._body["Type"] == "Task" and self._mock is None:
            raise invalid("RoleArn must be specified when testing a Task state")
        configuration = arguments.get("stateConfiguration", {})
        self._items = _items(self._body, configuration)
        self._context = _context(self._body, arguments)
        self._retries = configuration.get("retrierRetryCount", 0)
        self._failures = configuration.get("mapIterationFailureCount", 0)
        text, run, machine = check_input(arguments.get("input", "{}")), str(uuid.uuid4()), str(uuid.uuid4())
        prefix = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}"
        names = Identity(f"{prefix}:express:{machine}:{run}", run, f"{prefix}:stateMachine:{machine}", machine, role)
        compiled = Machine({"StartAt": name, "States": {name: self._body}}, "JSONPath")
        self._handler, seed = backend.handler, secrets.randbits(128)
        execution = Execution(compiled, text, names, scheduler=clock.scheduler, handler=self._handle, seed=seed)
        self._state, self._frame = compiled.states[name], execution.top
        self._frame.variables, self._frame.scope.context = _object(arguments, "variables"), self._seen_context
        if iterates:
            self._frame.item = item_of(0, self._frame.data, STATE_DATA)
        self._found: dict[str, Any] = {"status": "FAILED"}  # members of the answer
        self._stages: dict[str, Any] = {"input": self._frame.data}  # members of inspectionData, as JSON values
        self.end: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._watch()

    def start(self) -> None:
        """Let the engine move it, for as long as a test may take."""
        self._timer = clock.scheduler.after(LONGEST_SECONDS, self._time_out)
        self._frame.process = Process(clock.scheduler, self._walk(), self._ended)

    def answer(self, level: str) -> dict[str, Any]:
        """What TestState answers, at an inspection level, once it has ended."""
        stages = {name: value if name in NO_TEXTS else text_of(value) for name, value in self._stages.items()}
        has_output = self._found["status"] in ("SUCCEEDED", "CAUGHT_ERROR")
        return {
            **self._found,
            "output": text_of(self._frame.data) if has_output else None,
            "inspectionData": None if level == "INFO" else stages,
        }

    def _time_out(self) -> None:
        self._frame.process.close()
        self._found["error"] = TIMEOUT
        self._ended(None, None)

    def _ended(self, _: Any, error: Exception | None) -> None:
        clock.scheduler.cancel(self._timer)
        if self._frame.variables:
            self._stages["variables"] = self._frame.variables
        self.end.put(error)

    def _walk(self) -> Walk:
        state, frame, found = self._state, self._frame, self._found
        frame.enter(state)
        try:
            if isinstance(state, Handled):
                frame.retries = self._retries
                found["status"], found["nextState"] = yield from self._handled(state)
            else:
                found["nextState"] = (yield from state.work(frame)) if state.waits else state.pass_through(frame)
                found["status"] = "SUCCEEDED"
        except StateFailed as failure:
            frame.locate(state, failure)
            found |= {"error": failure.error, "cause": failure.cause}

    def _handled(self, state: Handled) -> Walk:
        """The status and the next state of a state that has Retry and Catch."""
        frame, data = self._frame, state.taken(self._frame)
        try:
            frame.leave(state, *(yield from self._attempt(state, data)))
            return "SUCCEEDED", state.next
        except StateFailed as failure:
            failed = failure
        frame.locate(state, failed)
        self._found |= {"error": failed.error, "cause": failed.cause}
        index = matching(state.retriers, failed)
        if index is not None:
            details = self._stages["errorDetails"] = {"retryIndex": index}
            retrier = state.retriers[index]
            if self._retries < retrier.attempts:
                details["retryBackoffIntervalSeconds"] = int(retrier.delay(self._retries, frame.execution.chance()))
                return "RETRIABLE", None
        following = state._caught(frame, failed)
        self._stages["errorDetails"] = {"catchIndex": matching(state._catchers, failed)}
        return "CAUGHT_ERROR", following

    def _attempt(self, state: Handled, data: Any) -> Walk:
        if isinstance(state, Task):
            return (yield from state.attempt(self._frame, data))
        if isinstance(state, Map):
            yield from self._select(state, data)
        elif isinstance(state, Parallel) and state._parameters:
            state._parameters(state.evaluation(self._frame, data))
        if isinstance(self._mock, TaskFailed):
            raise outside(self._mock.error, self._mock.cause)
        return state.finished(self._frame, self._mock.value if self._mock else None)

    def _select(self, state: Map, data: Any) -> Walk:
        """What a Map would run, and how; its failure where more iterations have failed than it tolerates."""
        frame, stages = self._frame, self._stages
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
            if {f"ToleratedFailure{what}", f"ToleratedFailure{what}Path"} & self._body.keys():
                stages[f"toleratedFailure{what}"] = tolerated = number(state.evaluation(frame, data))
                exceeded = exceeded or self._failures > tolerated * whole
        if exceeded and not isinstance(self._mock, TaskFailed):
            raise outside(TOLERANCE_EXCEEDED, "The specified tolerated failure threshold was exceeded")

    def _handle(self, call: Call) -> None:
        if call.kind == "read":
            call.answer(self._items)
        elif self._mock:
            call.answer(self._mock)
        else:
            self._handler(call)

    def _seen_context(self) -> dict[str, Any]:
        found = self._frame.context()
        if self._context is None:
            del found["Execution"]["RedriveCount"]  # the service runs the test as an Express execution
            return found
        return {**self._context, "Map": found["Map"]} if "Map" in found else self._context

    def _watch(self) -> None:
        """Have every stage of the data kept, also where the state leaves it as it is."""
        state, stages = self._state, self._stages

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
        if isinstance(state, Pass) and "Result" in self._body:
            stages["result"] = self._body["Result"]  # with it, the service does not show what comes before
        else:
            state.input_path = seen("afterInputPath", state.input_path)
            if isinstance(state, Pass | Task | Parallel):
                state._parameters = seen("afterParameters", state._parameters)
        if isinstance(state, Pass | Handled):
            place, state.result_path = state.result_path, placed


def _state(arguments: dict[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """The state to test: its name, its body, which says its query language, and whether it is one of a Map's."""
    text, name = arguments["definition"], arguments.get("stateName")
    if name is None:
        return ALONE, check_state(text, ALONE), False
    check_definition(text, "STANDARD")
    found = next((state for state in asl.states(data_of(text)) if state.name == name), None)
    if found is None:
        raise invalid("State not found in definition")
    owner = found.scope.owner
    return name, {"QueryLanguage": found.language, **found.body}, owner is not None and owner.type == "Map"


def _mock(name: str, body: dict[str, Any], arguments: dict[str, Any]) -> Answer | TaskFailed | None:
    """What takes the place of the state's work; refuses what the service does not test."""
    kind, resource, mock = body["Type"], body.get("Resource", ""), arguments.get("mock")
    if mock is None:
        if kind in ("Map", "Parallel"):
            supported = "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
            said = f"TestState API does not support Map or Parallel states. {supported}"
            raise StatesError("InvalidDefinition", said)
        if resource.endswith(PATTERNS) or ":activity:" in resource:
            raise invalid(f"State '{name}' can only be tested with a mock.")
        return None
    if kind not in ("Task", "Map", "Parallel"):
        raise invalid(f"State type '{kind}' is not supported when a mock is specified")
    if arguments.get("revealSecrets"):
        raise invalid("TestState does not support RevealSecrets when a mock is specified.")
    if ("result" in mock) == ("errorOutput" in mock):
        raise invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if "errorOutput" in mock:
        if not mock["errorOutput"].get("error"):
            raise invalid("A mocked errorOutput must have an error.")
        origin = arguments.get("stateConfiguration", {}).get("errorCausedByState")
        if origin and not any(one.name == origin for one in asl.states({"StartAt": name, "States": {name: body}})):
            raise invalid(f"State '{origin}', given as errorCausedByState, is not in the state that is tested.")
        return TaskFailed(mock["errorOutput"]["error"], mock["errorOutput"].get("cause"))
    try:
        result = data_of(mock["result"])
    except ValueError:
        raise invalid("Mocked result must be valid JSON") from None
    if kind == "Task":
        _check_result(resource, result, mock.get("fieldValidationMode", "STRICT"))
    elif "ResultWriter" in body:
        if not isinstance(result, dict):
            raise invalid("Mocked result must be a JSON object.")
    elif not isinstance(result, list):
        raise invalid("Mocked result must be an array.")
    elif kind == "Parallel" and len(result) != len(body["Branches"]):
        raise invalid("Mocked result must contain the same number of items as number of Parallel branches.")
    return Answer(result)


def _check_result(resource: str, result: Any, mode: str) -> None:
    """Hold a mocked result against the model of what the task calls, if there is one."""
    found = integration_of(resource)
    if mode == "NONE" or found is None or found.pattern == TOKEN:
        return
    service, action = found.service.name, found.action
    if found.pattern:  # what looks at its end; a job's is taken as it is
        _, action, _ = WAITED_FOR.get(service, ("", "", ""))
    shape = clients.operation(service, action).output_shape if action else None
    if shape is None:
        return
    if found.pattern == "sync:2" and isinstance(result, dict):  # the state sees these as data
        result = {member: value for member, value in result.items() if member not in ("Input", "Output")}
    if problem := misfit(result, shape, found.is_sdk, mode == "STRICT"):
        raise invalid(f"Mock result schema validation error: {problem}")


def _items(body: dict[str, Any], configuration: dict[str, Any]) -> Any:
    """What a Map's ItemReader reads, of the data that is given as its source."""
    if "ItemReader" not in body:
        return None
    if "mapItemReaderData" not in configuration:
        raise invalid("stateConfiguration.mapItemReaderData must be specified for a Map state with an ItemReader.")
    try:
        return objects.items_in(configuration["mapItemReaderData"], body["ItemReader"].get("ReaderConfig", {}))
    except TaskFailed as failure:
        return failure


def _context(body: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any] | None:
    if "context" not in arguments:
        return None
    if "mock" not in arguments:
        raise invalid("A context can only be specified together with a mock.")
    found = _object(arguments, "context")
    if problem := next(_problems(found, body.get("Resource", "")), None):
        raise invalid(f"Invalid Context object provided: {problem}")
    return found


def _problems(context: dict[str, Any], resource: str) -> Iterator[str]:
    """Why this is no context object that may be given for a state."""
    if "Map" in context:
        yield "'Map' field is not supported when mocking a Context object"
    if "Task" in context and not resource.endswith(PATTERNS):
        where = "a Task state with a '.sync' or '.waitForTaskToken' service integration pattern"
        yield f"Context object contains 'Task' when state is not {where}"
    for part, fields in context.items():
        if part not in CONTEXT:
            yield f"Field '{part}' is not allowed"
        elif not isinstance(fields, dict):
            yield f"{part} must be an object"
        else:
            for name, value in fields.items():
                if (kind := CONTEXT[part].get(name)) is None:
                    yield f"Field '{name}' is not allowed"
                elif not isinstance(value, kind):
                    yield f"{part}.{name} must be a {'string' if kind is str else 'number'}"


def _object(arguments: dict[str, Any], member: str) -> dict[str, Any]:
    try:
        value = data_of(arguments.get(member, "{}"))
    except ValueError as error:
        raise invalid(f"'{member}' cannot be read. {error}") from None
    if not isinstance(value, dict):
        raise invalid(f"'{member}' is not a JSON object.")
    return value
