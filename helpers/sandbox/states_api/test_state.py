"""TestState: one state alone, by the engine's inspection of it."""

import queue
import secrets
import uuid
from collections.abc import Iterator
from typing import Any

from helpers import definition as asl
from helpers.engine import Answer, Identity, TaskFailed, data_of, text_of
from helpers.sandbox.clock import clock
from helpers.sandbox.integrations import clients, objects
from helpers.sandbox.integrations.resources import TOKEN, integration_of
from helpers.sandbox.integrations.shapes import misfit
from helpers.sandbox.states_api.definitions import check_definition, check_state
from helpers.sandbox.states_api.errors import StatesError, invalid
from helpers.sandbox.states_api.executions import check_input
from helpers.sandbox.states_api.inspection import ALONE, Inspection, named
from helpers.sandbox.states_api.roles import check_role

NUMBERS = ("maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage")
PATTERNS = (".sync", ".sync:2", ".waitForTaskToken")
# What a `.sync` task gives, by boto3's name of the service; the others' answers are taken as they are.
AWAITED = {"athena": "getQueryExecution", "stepfunctions": "describeExecution"}
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


def test_state(backend: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    name, body, iterates = _state(arguments)
    mock = _mock(name, body, arguments)
    if arguments.get("roleArn"):
        check_role(backend, arguments["roleArn"])
    elif body["Type"] == "Task" and mock is None:
        raise invalid("RoleArn must be specified when testing a Task state")
    configuration = arguments.get("stateConfiguration", {})
    inspection = Inspection(
        body,
        name,
        mock=mock,
        items=_items(body, configuration),
        context=_context(body, arguments),
        iterates=iterates,
        variables=_object(arguments, "variables"),
        retries=configuration.get("retrierRetryCount", 0),
        failures=configuration.get("mapIterationFailureCount", 0),
    )
    text, run, machine = check_input(arguments.get("input", "{}")), str(uuid.uuid4()), str(uuid.uuid4())
    prefix = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}"
    role: Any = arguments.get("roleArn")  # null in the context object where there is none
    names = Identity(f"{prefix}:express:{machine}:{run}", run, f"{prefix}:stateMachine:{machine}", machine, role)
    ended: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
    seed = secrets.randbits(128)
    clock.call(lambda: inspection.start(text, names, clock.scheduler, backend.handler, seed, ended.put))
    if error := ended.get():
        raise error
    return _answer(inspection, arguments.get("inspectionLevel", "INFO"))


def _state(arguments: dict[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """The state to test: its name, its body, which says its query language, and whether it is one of a Map's."""
    text, name = arguments["definition"], arguments.get("stateName")
    if name is None:
        return ALONE, check_state(text, ALONE), False
    check_definition(text, "STANDARD")
    found = named(data_of(text), name)
    if found is None:
        raise invalid("State not found in definition")
    return name, *found


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
    action = AWAITED.get(found.service.name) if found.pattern else found.action
    shape = clients.operation(found.service.name, action).output_shape if action else None
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


def _answer(found: Inspection, level: str) -> dict[str, Any]:
    has_output = found.status in ("SUCCEEDED", "CAUGHT_ERROR")
    stages = {name: value if name in NUMBERS else text_of(value) for name, value in found.stages.items()}
    if found.error_details:
        stages["errorDetails"] = found.error_details
    return {
        "status": found.status,
        "output": text_of(found.output) if has_output else None,
        "error": found.error,
        "cause": found.cause,
        "nextState": found.next_state,
        "inspectionData": None if level == "INFO" else stages,
    }
