"""TestState: one state, run alone by the interpreter that runs executions."""

import copy
import json
import uuid
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.parargs import Arguments
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds

from helpers import definition as asl
from helpers.sandbox.clock import clock
from helpers.sandbox.interpreter.failures import NOT_A_TASK_FAILURE, NOT_IN_ALL, error_name
from helpers.sandbox.states_api.definitions import check_definition, check_state
from helpers.sandbox.states_api.errors import StatesError, not_in_sandbox
from helpers.sandbox.states_api.execution import Execution
from helpers.sandbox.states_api.executions import check_input
from helpers.sandbox.states_api.json_text import parse
from helpers.sandbox.states_api.machines import Machine, Revision
from helpers.sandbox.states_api.roles import check_role

LONGEST_SECONDS = 300  # API reference, TestState
ALONE = "TestState"  # the name of a state that is given without one
MOCKED_TYPES = ("Task", "Map", "Parallel")
MOCKED_PATTERNS = (".sync", ".sync:2", ".waitForTaskToken")
MAX_ATTEMPTS, INTERVAL_SECONDS, BACKOFF_RATE = 3, 1, 2.0  # a retrier's defaults; Amazon States Language, "Errors"


def test_state(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    name, body = _state(arguments)
    mock = arguments.get("mock")
    _check(name, body, mock, arguments)
    if arguments.get("roleArn"):
        check_role(backend, arguments["roleArn"])
    elif not mock:
        raise StatesError("ValidationException", "A roleArn is needed to test a state without a mock.")
    # Retriers are asked after the state has run, which says what they would do and does not wait for it.
    alone = {"StartAt": name, "States": {name: {key: value for key, value in body.items() if key != "Retry"}}}
    test = _Test(name, mock, arguments)
    execution = _execution(backend, json.dumps(alone), arguments)
    execution.start(test.prepare)
    execution.ended.wait()
    return _answer(execution, body, test, arguments)


def _state(arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The state to test: its name and its body, which says its query language."""
    text, name = arguments["definition"], arguments.get("stateName")
    if name is None:
        body = check_state(text, ALONE)
        return ALONE, body
    check_definition(text, "STANDARD")
    definition = json.loads(text)
    for state in asl.states(definition):
        if state.name == name:
            return name, {"QueryLanguage": state.language, **state.body}
    raise StatesError("ValidationException", f"State not found in the definition: '{name}'")


def _check(name: str, body: dict[str, Any], mock: dict[str, Any] | None, arguments: dict[str, Any]) -> None:
    """Refuse what the service does not test, and what the sandbox does not."""
    kind, resource = body.get("Type"), str(body.get("Resource", ""))
    if mock is None:
        if kind in ("Map", "Parallel") or resource.endswith(MOCKED_PATTERNS) or ":activity:" in resource:
            raise StatesError("ValidationException", f"State '{name}' can only be tested with a mock.")
        if "context" in arguments:
            raise StatesError("ValidationException", "A context can only be specified together with a mock.")
    else:
        if kind not in MOCKED_TYPES:
            raise StatesError("ValidationException", "A mock can only be specified for Task, Map, or Parallel states.")
        if ("result" in mock) == ("errorOutput" in mock):
            raise StatesError("ValidationException", "A mock must have either a result or an errorOutput.")
        try:
            parse(mock.get("result", "null"))
        except ValueError as error:
            raise StatesError("ValidationException", f"The mock's result is not JSON: {error}") from None
        if mock.get("fieldValidationMode", "NONE") != "NONE":
            raise not_in_sandbox("Validating a mock against an API's model (fieldValidationMode)")
    for member in ("errorCausedByState", "mapIterationFailureCount", "mapItemReaderData"):
        if member in arguments.get("stateConfiguration", {}):
            raise not_in_sandbox(f"TestState's stateConfiguration.{member}")


def _execution(backend: Any, definition: str, arguments: dict[str, Any]) -> Execution:
    name = f"TestState-{uuid.uuid4()}"
    prefix = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}"
    logging = {"level": "OFF", "includeExecutionData": False}
    revision = Revision(definition, arguments.get("roleArn", ""), logging, {"enabled": False}, {}, clock.now())
    machine = Machine(f"{prefix}:stateMachine:{name}", name, "STANDARD", clock.now(), revision)
    text = check_input(arguments.get("input", "{}"))
    return Execution(backend, machine, None, None, f"{prefix}:execution:{name}:{name}", name, text)


class _Test:
    """What is put into the interpreter to see, and to replace, what one state does."""

    def __init__(self, name: str, mock: dict[str, Any] | None, arguments: dict[str, Any]) -> None:
        self._name = name
        self._mock: Any = mock
        self._variables = _object(arguments, "variables")
        self._context = _object(arguments, "context")
        self._begun = False
        self.next_state: str | None = None
        self.inspected: dict[str, Any] = {}
        self.environment: Any = None

    def prepare(self, environment: Any, shared: Any) -> Any:
        """The program to evaluate: a copy of `shared` that watches the state, and ends behind it."""
        self.environment = environment
        environment.states.context_object.context_object_data.update(self._context)
        for name, value in self._variables.items():
            environment.variable_store.set(name, value)
        environment.variable_store.reset_tracing()
        program = copy.deepcopy(shared)
        program.timeout_seconds = TimeoutSeconds(timeout_seconds=LONGEST_SECONDS)
        state = program.states.states[self._name]
        program._get_state = lambda name: self._follow(environment, state, name)
        self._watch(state)
        return program

    def _follow(self, environment: Any, state: Any, name: str) -> Any:
        if self._begun:
            self.next_state = name
            environment.set_ended()
        self._begun = True
        return state

    def _watch(self, state: Any) -> None:
        self.inspected["input"] = self.environment.states.get_input()
        if self._mock is not None:
            state._eval_execution = lambda environment: self._answer_from_mock(environment, state)
        parameters = getattr(state, "parargs", None)
        stages: dict[str, tuple[Any, str]] = {
            "afterInputPath": (state.input_path, "_eval_body"),
            "afterArguments" if isinstance(parameters, Arguments) else "afterParameters": (parameters, "_eval_body"),
            "result": (state, "_eval_execution"),
            "afterResultSelector": (getattr(state, "result_selector", None), "_eval_body"),
            "afterResultPath": (getattr(state, "result_path", None), "_eval_body"),
        }
        if hasattr(state, "result"):
            stages["result"] = (state.result, "_eval_body")
        for stage, (component, method) in stages.items():
            if hasattr(component, method):
                setattr(component, method, self._recording(stage, getattr(component, method)))

    def _recording(self, stage: str, evaluate: Callable[[Any], None]) -> Callable[[Any], None]:
        def recording(environment: Any) -> None:
            evaluate(environment)
            value = environment.stack[-1] if environment.stack else environment.states.get_input()
            self.inspected[stage] = copy.deepcopy(value)

        return recording

    def _answer_from_mock(self, environment: Any, state: Any) -> None:
        if parameters := getattr(state, "parargs", None):
            parameters.eval(environment)
            environment.stack.pop()
        if "result" in self._mock:
            environment.stack.append(json.loads(self._mock["result"]))
            return
        given = self._mock["errorOutput"]
        details: Any = {"taskFailedEventDetails": {"error": given.get("error"), "cause": given.get("cause", "")}}
        raise FailureEventException(
            FailureEvent(environment, error_name(given.get("error")), HistoryEventType.TaskFailed, details)
        )


def _object(arguments: dict[str, Any], member: str) -> dict[str, Any]:
    try:
        value = parse(arguments.get(member, "{}"))
    except ValueError as error:
        raise StatesError("ValidationException", f"'{member}' is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise StatesError("ValidationException", f"'{member}' is not a JSON object.")
    return value


def _answer(execution: Execution, body: dict[str, Any], test: _Test, arguments: dict[str, Any]) -> dict[str, Any]:
    error, cause = execution.error, execution.cause
    answer: dict[str, Any] = {"status": "SUCCEEDED", "output": execution.output, "nextState": test.next_state}
    failure = _failure(execution)
    if execution.status == "TIMED_OUT":
        failure = ("States.Timeout", None)
    elif failure is None and execution.status != "SUCCEEDED":
        failure = (error or "", cause)
    details = None
    if failure is not None:
        error, cause = failure
        answer = {"status": "FAILED", "error": error, "cause": cause}
        if retry := _retry(body, error, arguments.get("stateConfiguration", {}).get("retrierRetryCount", 0)):
            answer["status"], details = "RETRIABLE", retry
        elif execution.status == "SUCCEEDED":
            index = next(number for number, rule in enumerate(body["Catch"]) if _matches(rule, error))
            answer |= {"status": "CAUGHT_ERROR", "output": execution.output, "nextState": test.next_state}
            details = {"catchIndex": index}
    if arguments.get("inspectionLevel", "INFO") != "INFO":
        answer["inspectionData"] = _inspection(test, body, details)
    return answer


def _failure(execution: Execution) -> tuple[str, str | None] | None:
    """Error and cause of the event in which the state failed, None where there is none."""
    for text in execution.events.texts():
        event = json.loads(text)
        if event["type"].endswith(("Failed", "TimedOut")) and not event["type"].startswith("Execution"):
            for key, details in event.items():
                if key.endswith("EventDetails"):
                    return details.get("error", ""), details.get("cause")
    return None


def _retry(body: dict[str, Any], error: str, retries: int) -> dict[str, Any] | None:
    """What the retrier would do that matches, None where none does or its attempts are used up."""
    for index, rule in enumerate(body.get("Retry", [])):
        if _matches(rule, error):
            if retries >= rule.get("MaxAttempts", MAX_ATTEMPTS):
                return None
            delay = rule.get("IntervalSeconds", INTERVAL_SECONDS) * rule.get("BackoffRate", BACKOFF_RATE) ** retries
            seconds = int(min(delay, rule.get("MaxDelaySeconds", delay)))
            return {"retryIndex": index, "retryBackoffIntervalSeconds": seconds}
    return None


def _matches(rule: dict[str, Any], error: str) -> bool:
    names = rule.get("ErrorEquals", [])
    return (
        error in names
        or ("States.ALL" in names and error not in NOT_IN_ALL)
        or ("States.TaskFailed" in names and error not in NOT_A_TASK_FAILURE)
    )


def _inspection(test: _Test, body: dict[str, Any], details: dict[str, Any] | None) -> dict[str, Any]:
    """Every stage of the data that the state has, each as JSON text; a stage not in the state leaves it as it was."""
    found = dict(test.inspected)
    if body.get("QueryLanguage") == "JSONata":
        found.pop("afterResultPath", None)
    else:
        if body["Type"] in ("Task", "Pass", "Map", "Parallel") and "afterInputPath" in found:
            found.setdefault("afterParameters", found["afterInputPath"])
        if body["Type"] in MOCKED_TYPES and "result" in found:
            found.setdefault("afterResultSelector", found["result"])
    texts: dict[str, Any] = {stage: json.dumps(value, separators=(",", ":")) for stage, value in found.items()}
    variables = test.environment.variable_store._inner_scope
    if variables:
        texts["variables"] = json.dumps(variables, separators=(",", ":"))
    if details:
        texts["errorDetails"] = details
    return texts
