"""Service integrations: the names AWS gives to requests, responses and errors, and waiting for what a task started."""

import datetime
import json
import re
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.response import StreamingBody
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task import (
    lambda_eval_utils,
    state_task,
    state_task_activitiy,
    state_task_factory,
    state_task_lambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_factory,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_lambda as service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_unsupported import (
    StateTaskServiceUnsupported,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.eval.environment import Environment

from helpers.sandbox.clock import Ended
from helpers.sandbox.interpreter import clients, failures
from helpers.sandbox.interpreter.data import text_of, time_text
from helpers.sandbox.interpreter.mending import replace

HEARTBEAT = "States.HeartbeatTimeout"


def _operation(task: Any, service: str | None = None, action: str | None = None) -> Any:
    """The botocore model of what a task calls, found whatever the case of its name."""
    client = clients.client_for("us-east-1", task._get_boto_service_name(service))
    wanted = task._get_boto_service_action(action).replace("_", "")
    model = client.meta.service_model
    return next((model.operation_model(name) for name in model.operation_names if name.lower() == wanted), None)


def _to_service(value: Any, shape: Shape) -> Any:
    """A task's parameter as the service's client takes it: members found whatever their case, texts for data."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        named = ((members.get(key.lower(), key), item) for key, item in value.items())
        return {key: _to_service(item, shape.members[key]) if key in shape.members else item for key, item in named}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_to_service(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _to_service(item, shape.value) for key, item in value.items()}
    if isinstance(shape, StringShape) and value is not None and not isinstance(value, str):
        return text_of(value)
    if shape.type_name == "blob" and not isinstance(value, bytes):
        return (value if isinstance(value, str) else text_of(value)).encode()
    return value


def _from_service(value: Any, shape: Shape, task: Any) -> Any:
    """A service's answer as AWS hands it on: members in Pascal case, streams as text, times as text or milliseconds."""
    if isinstance(value, StreamingBody):
        return value.read().decode(errors="replace")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000) if task.resource.service_name == "states" else time_text(value)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            task._to_sfn_cased(key): _from_service(item, shape.members[key], task)
            for key, item in value.items()
            if key in shape.members
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_from_service(item, shape.member, task) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _from_service(item, shape.value, task) for key, item in value.items()}
    return value


def _normalise_parameters(
    self: Any, parameters: Any, boto_service_name: Any = None, service_action_name: Any = None
) -> None:
    operation = _operation(self, boto_service_name, service_action_name)
    if operation is not None and operation.input_shape is not None:
        found = _to_service(parameters, operation.input_shape)
        parameters.clear()
        parameters.update(found)


def _normalise_response(
    self: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None
) -> None:
    if not isinstance(response, dict):
        return
    operation = _operation(self, boto_service_name, service_action_name)
    found = dict(response)
    if operation is not None and operation.output_shape is not None:
        found = _from_service(response, operation.output_shape, self)
    response.clear()
    response.update(found)
    optimised = self.resource.service_name not in ("aws-sdk", "apigateway")
    if optimised and service_action_name is None and (metadata := clients.last_metadata()):
        response.update(_sdk_metadata(metadata))


_HEADERS = {
    name.lower(): name
    for name in (
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "X-Amz-Executed-Version",
        "X-Amzn-Trace-Id",
        "x-amzn-Remapped-Content-Length",
        "x-amzn-RequestId",
    )
}


def _sdk_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    given = {name.lower(): value for name, value in metadata.get("HTTPHeaders", {}).items()}
    headers = {shown: given[name] for name, shown in _HEADERS.items() if name in given}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata.get("HTTPStatusCode"),
        },
        "SdkResponseMetadata": {"RequestId": metadata.get("RequestId")},
    }


def _invoke(env: Environment, parameters: Any, region: str, state_credentials: Any) -> None:
    client = clients.client_for(region, "lambda")
    response = client.invoke(**parameters)
    payload = response["Payload"].read().decode()
    if response.get("FunctionError"):
        raise lambda_eval_utils.LambdaFunctionErrorException(response["FunctionError"], payload)
    try:
        data = json.loads(payload) if payload else None
    except ValueError:
        data = payload
    output = {"ExecutedVersion": response.get("ExecutedVersion", "$LATEST"), "Payload": data}
    if "LogResult" in response:
        output["LogResult"] = response["LogResult"]
    env.stack.append(output | {"StatusCode": response["StatusCode"]} | _sdk_metadata(response["ResponseMetadata"]))


def _payload(original: Any) -> Any:
    def parameters(self: Any, env: Environment) -> Any:
        given = env.stack[-1]
        found = original(self, env)
        env.stack.append(given)
        return found

    return parameters


def _function_error(payload: str) -> tuple[str, str]:
    """The name and the cause of an error that a function returned."""
    try:
        found = json.loads(payload)
    except ValueError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("errorType"), str):
        return found["errorType"], payload
    unknown = "The cause could not be determined because Lambda did not return an error type."
    return "Lambda.Unknown", f"{unknown} Returned payload: {payload}"


def _client_error(error: ClientError) -> tuple[str, str]:
    code, metadata = error.response["Error"]["Code"], error.response["ResponseMetadata"]
    details = (
        f"Service: AWSLambda; Status Code: {metadata['HTTPStatusCode']}; Error Code: {code}; "
        f"Request ID: {metadata.get('RequestId')}; Proxy: null"
    )
    return f"Lambda.{code}", f"{error.response['Error']['Message']} ({details})"


def _lambda_failure(self: Any, env: Environment, ex: Exception) -> FailureEvent:
    if isinstance(ex, TimeoutError):
        return _event(env, "States.Timeout", None, "lambdaFunctionTimedOut", HistoryEventType.LambdaFunctionTimedOut)
    if isinstance(ex, lambda_eval_utils.LambdaFunctionErrorException):
        error, cause = _function_error(ex.payload)
    elif isinstance(ex, ClientError):
        error, cause = _client_error(ex)
    else:
        error, cause = "Lambda.SdkClientException", str(ex)
    return _event(env, error, cause, "lambdaFunctionFailed", HistoryEventType.LambdaFunctionFailed)


def _event(
    env: Environment, error: str, cause: str | None, prefix: str, event_type: HistoryEventType, **more: str
) -> FailureEvent:
    details = {"error": error, **({} if cause is None else {"cause": cause}), **more}
    return FailureEvent(
        env=env,
        error_name=failures.error_name(error),
        event_type=event_type,
        event_details={f"{prefix}EventDetails": details},  # type: ignore[arg-type]
    )


def _service_lambda_failure(self: Any, env: Environment, ex: Exception) -> FailureEvent:
    if isinstance(ex, lambda_eval_utils.LambdaFunctionErrorException):
        error, cause = _function_error(ex.payload)
        if error != "Lambda.Unknown":
            cause = text_of(json.loads(cause))
    elif isinstance(ex, ClientError):
        error, cause = _client_error(ex)
    else:
        found: FailureEvent = StateTaskServiceCallback._from_error(self, env=env, ex=ex)
        return found
    return _task_failed(self, env, error, cause)


def _task_failed(task: Any, env: Environment, error: str, cause: str) -> FailureEvent:
    named = {"resource": task._get_sfn_resource(), "resourceType": task._get_sfn_resource_type()}
    return _event(env, error, cause, "taskFailed", HistoryEventType.TaskFailed, **named)


def _service_error_name(service_name: str) -> str:
    """A service's name in an aws-sdk error, which is that of the Java SDK's package."""
    name = {"sfn": "stepfunctions"}.get(service_name.lower(), service_name)
    service_id = clients.service_id(name) or service_name
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+", service_id)
    return "".join(word[:1].upper() + word[1:].lower() for word in words)


def _timed_out(original: Any) -> Any:
    def from_error(self: Any, env: Environment, ex: Exception) -> FailureEvent:
        failure: FailureEvent = original(self, env=env, ex=ex)
        if isinstance(ex, HeartbeatTimeoutError):
            details: Any = next(iter((failure.event_details or {}).values()))
            details["error"] = HEARTBEAT
            failure.error_name = failures.error_name(HEARTBEAT)  # type: ignore[misc]
        return failure

    return from_error


class AthenaTask(StateTaskServiceCallback):
    """athena:startQueryExecution and its fellows; AWS waits for a query's end with `.sync`."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})  # type: ignore[arg-type]

    def _validate_service_integration_is_supported(self) -> None:
        known = ("startQueryExecution", "stopQueryExecution", "getQueryExecution", "getQueryResults")
        action, condition = self.resource.api_action, self.resource.condition
        if action not in known or (condition and (condition != "sync" or action != known[0])):
            raise ValueError(f"The resource provided {self.resource.resource_arn} is not recognized.")

    def _from_error(self, env: Environment, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            code, metadata = ex.response["Error"]["Code"], ex.response["ResponseMetadata"]
            details = (
                f"Service: AmazonAthena; Status Code: {metadata['HTTPStatusCode']}; Error Code: {code}; "
                f"Request ID: {metadata.get('RequestId')}; Proxy: null"
            )
            return _task_failed(self, env, f"Athena.{code}", f"{ex.response['Error']['Message']} ({details})")
        found: FailureEvent = super()._from_error(env=env, ex=ex)
        return found

    def _eval_service_task(
        self, env: Environment, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        client = clients.client_for(resource_runtime_part.region, "athena")
        response = getattr(client, self._get_boto_service_action())(**normalised_parameters)
        response.pop("ResponseMetadata", None)
        env.stack.append(response)

    def _build_sync_resolver(
        self, env: Environment, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> Any:
        client = clients.client_for(resource_runtime_part.region, "athena")
        query = env.stack.pop()["QueryExecutionId"]

        def ended() -> Any:
            found = client.get_query_execution(QueryExecutionId=query)
            found.pop("ResponseMetadata", None)
            state = found["QueryExecution"]["Status"]["State"]
            if state in ("QUEUED", "RUNNING"):
                return None
            self._normalise_response(found, service_action_name="get_query_execution")
            if state == "SUCCEEDED":
                return found
            cause = text_of(found["QueryExecution"])
            raise FailureEventException(_task_failed(self, env, "States.TaskFailed", cause))

        return ended


def _refuse_unknown_patterns() -> None:
    original = StateTaskService.from_state_props

    def from_state_props(self: Any, state_props: Any) -> None:
        original(self, state_props)
        pattern, arn = self.resource.condition, self.resource.resource_arn
        if pattern is None or pattern in getattr(self, "_supported_integration_patterns", ()):
            return
        if isinstance(self, StateTaskServiceUnsupported):
            raise ValueError(f"Waiting with .{pattern} for {self.resource.service_name} is not in the sandbox: {arn}.")
        raise ValueError(
            f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
            "or the resource is not available in this region."
        )

    replace(StateTaskService, "from_state_props", from_state_props)


def _stop_started(task: Any, region: str, submitted: Any) -> None:
    """Stop what a `.sync` task started, when the task itself is stopped."""
    if isinstance(task, AthenaTask):
        clients.client_for(region, "athena").stop_query_execution(QueryExecutionId=submitted["QueryExecutionId"])
    elif isinstance(task, StateTaskServiceSfn):
        clients.client_for(region, "stepfunctions").stop_execution(executionArn=submitted["ExecutionArn"])


def _mend_sync() -> None:
    original = StateTaskServiceCallback._eval_integration_pattern

    def await_end(
        self: Any, env: Environment, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        given = (env, resource_runtime_part, normalised_parameters, state_credentials)
        if self.resource.condition == ResourceCondition.WaitForTaskToken:
            original(self, *given)
            return
        submitted = env.stack[-1]
        is_first = self.resource.condition == ResourceCondition.Sync
        build = self._build_sync_resolver if is_first else self._build_sync2_resolver
        resolver = build(*given)
        try:
            result = self._eval_sync(
                env=env, sync_resolver=resolver, timeout_seconds=None, callback_endpoint=None, heartbeat_endpoint=None
            )
        except Ended:
            _stop_started(self, resource_runtime_part.region, submitted)
            raise
        if result is None:
            _stop_started(self, resource_runtime_part.region, submitted)
        env.stack.append(result)

    replace(StateTaskServiceCallback, "_eval_integration_pattern", await_end)

    known = state_task_service_factory.state_task_service_for

    def service_for(service_name: str) -> Any:
        return AthenaTask() if service_name == "athena" else known(service_name)

    replace(state_task_service_factory, "state_task_service_for", service_for)
    replace(state_task_factory, "state_task_service_for", service_for)


def mend() -> None:
    # AWS takes and gives Pascal case wherever the service's own API has another; moto passes on what it gets.
    replace(StateTaskService, "_normalise_parameters", _normalise_parameters)
    replace(StateTaskService, "_normalise_response", _normalise_response)
    # AWS hands on the metadata of an invocation; moto drops it.
    replace(lambda_eval_utils, "execute_lambda_function_integration", _invoke)
    # AWS reads Credentials and time-outs from a Lambda task's input; moto from nothing once it has made the payload.
    own = state_task_lambda.StateTaskLambda
    replace(own, "_eval_parameters", _payload(own._eval_parameters))
    # AWS names Lambda's errors, gives a function's own text for a plain ARN and compacts it for lambda:invoke.
    replace(state_task_lambda.StateTaskLambda, "_from_error", _lambda_failure)
    replace(service_lambda.StateTaskServiceLambda, "_from_error", _service_lambda_failure)
    replace(service_lambda.StateTaskServiceLambda, "_normalise_response", lambda self, response, **names: None)
    # AWS names a service as its Java SDK does; moto knows two of them.
    replace(aws_sdk.StateTaskServiceAwsSdk, "_normalise_service_error_name", staticmethod(_service_error_name))
    # AWS tells a missed heartbeat from a task that took too long; moto calls both States.Timeout.
    for owner in (state_task.StateTask, state_task_activitiy.StateTaskActivity):
        replace(owner, "_from_error", _timed_out(owner._from_error))
    _mend_sync()
    # AWS refuses a pattern that a service does not have when the machine is created; moto when the task runs.
    _refuse_unknown_patterns()
