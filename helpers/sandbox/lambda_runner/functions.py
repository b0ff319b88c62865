"""AWS Lambda's API on the sandbox, where moto's falls short of it."""

import base64
import collections
import itertools
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar
from urllib.parse import unquote

from moto.awslambda.exceptions import (
    InvalidParameterValueException,
    UnknownFunctionException,
    ValidationException,
)
from moto.awslambda.models import LambdaFunction, _zipfile_content
from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import BaseResponse

from helpers.sandbox import pool
from helpers.sandbox.clock import clock
from helpers.sandbox.identities import role_at, trusts
from helpers.sandbox.lambda_runner import package
from helpers.sandbox.lambda_runner.runner import Invocation, run
from helpers.sandbox.lambda_runner.workers import Workers
from helpers.sandbox.patching import replace

# AWS Lambda developer guide, "Lambda quotas": 6 MB for a request that is answered, 1 MB for an asynchronous one.
LARGEST_PAYLOAD = {"RequestResponse": 6_291_456, "Event": 1_048_576}
RETRY_SECONDS = (60.0, 120.0)  # AWS Lambda developer guide, "How Lambda handles errors and retries": async retries
RESERVED_VARIABLES = {
    *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
    *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
    *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
}


class Throttled(Exception):
    """The function's reserved concurrency is used up."""


class LambdaBackend(LambdaSimpleBackend):
    """AWS runs the code and checks what it is given; moto's simple backend echoes and takes nearly anything."""

    workers: ClassVar[Workers]

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._lock = threading.Lock()
        self._running: collections.Counter[str] = collections.Counter()

    def reset(self) -> None:
        super().reset()
        self.workers.forget()

    def create_function(self, spec: dict[str, Any]) -> LambdaFunction:
        check_configuration(spec, creating=True)
        check_role(spec["Role"])
        if "ZipFile" in spec.get("Code", {}):
            check_package(spec["Code"]["ZipFile"])
        return super().create_function(spec)

    # AWS names an alias by one ARN; moto puts an ARN that it was given into another.
    def create_alias(self, name: str, function_name: str, *arguments: Any, **options: Any) -> Any:
        _check_name("name", name, ALIAS, LONGEST_ALIAS)
        return super().create_alias(name, self.get_function(function_name).function_name, *arguments, **options)

    def get_alias(self, name: str, function_name: str) -> Any:
        return super().get_alias(name, self.get_function(function_name).function_name)

    def update_alias(self, name: str, function_name: str, *arguments: Any, **options: Any) -> Any:
        return super().update_alias(name, self.get_function(function_name).function_name, *arguments, **options)

    def update_function_configuration(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        check_configuration(body, creating=False)
        if "Role" in body:
            check_role(body["Role"])
        configuration = super().update_function_configuration(function_name, qualifier, body)
        self.workers.forget(self.get_function(function_name, qualifier).function_name)
        return configuration

    def update_function_code(self, function_name: str, qualifier: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if body.get("ImageUri"):
            raise InvalidParameterValueException(NO_IMAGES)
        if "ZipFile" in body:
            check_package(body["ZipFile"])
        publish = body.get("Publish") and not body.get("DryRun")  # moto publishes in a dry run too
        configuration = super().update_function_code(function_name, qualifier, {**body, "Publish": publish})
        self.workers.forget(self.get_function(function_name, qualifier).function_name)
        return configuration

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        function = self.get_function(function_name, qualifier)
        super().delete_function(function_name, qualifier)
        self.workers.forget(function.function_name)

    def start(self, function: LambdaFunction, event: bytes, arn: str) -> Invocation:
        """Run a function now, within its reserved concurrency; raises Throttled."""
        name = function.function_name
        limit = self.get_function(name).reserved_concurrency
        with self._lock:
            if limit is not None and self._running[name] >= int(limit):
                raise Throttled
            self._running[name] += 1
        try:
            return run(function, event, arn, self.workers)
        finally:
            with self._lock:
                self._running[name] -= 1

    def start_later(self, function: LambdaFunction, event: bytes, arn: str) -> None:
        """Run a function in the background, and again after AWS's waits where it fails."""
        config = function.event_invoke_config[-1].config if function.event_invoke_config else {}
        waits = iter(RETRY_SECONDS[: config.get("MaximumRetryAttempts", len(RETRY_SECONDS))])
        throttled = itertools.count()
        until = clock.time() + config.get("MaximumEventAgeInSeconds", 21_600)

        def attempt() -> None:
            try:
                invocation = self.start(function, event, arn)
                pause = next(waits, None) if invocation.error else None
                self.get_function(function.function_name)  # one that is gone by now is not tried again
            except Throttled:
                # AWS returns a throttled event to its queue, and tries again after 1 second up to 5 minutes.
                pause = min(300.0, 2.0 ** next(throttled))
            except UnknownFunctionException:
                return
            if pause is not None and clock.time() + pause <= until:
                clock.after(pause, partial(pool.apart, attempt))

        pool.apart(attempt)


# The patterns and limits of names in the Lambda API reference: CreateFunction, CreateAlias, Environment.
FUNCTION = re.compile(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
ALIAS = re.compile(r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)")
HANDLER = re.compile(r"[^\s]+")
VARIABLE = re.compile(r"[a-zA-Z]([a-zA-Z0-9_])+")
LONGEST_FUNCTION, LONGEST_ALIAS, LONGEST_HANDLER = 64, 128, 128

NO_IMAGES = "The sandbox runs Python functions from a zip only: container images are not in the sandbox."


def check_configuration(spec: dict[str, Any], creating: bool) -> None:
    """Refuse what AWS refuses and moto takes, and what the sandbox cannot run."""
    if creating:
        name = spec["FunctionName"]
        _check_name("functionName", name, FUNCTION, LONGEST_FUNCTION, name.split(":")[-1])
    if spec.get("Handler"):
        _check_name("handler", spec["Handler"], HANDLER, LONGEST_HANDLER)
    for key, name, least, most in (("Timeout", "timeout", 1, 900), ("MemorySize", "memorySize", 128, 10_240)):
        value = spec.get(key)
        if value is not None and not least <= value <= most:
            bound = f"greater than or equal to {least}" if value < least else f"less than or equal to {most}"
            raise ValidationException(str(value), name, f"Member must have value {bound}")
    variables = (spec.get("Environment") or {}).get("Variables") or {}
    if not all(VARIABLE.fullmatch(name) for name in variables):
        rule = f"Member must satisfy regular expression pattern: {VARIABLE.pattern}"
        bound = f"Map keys must satisfy constraint: [{rule}]"
        raise ValidationException(str(sorted(variables)), "environment.variables", bound)
    if message := next(_objections(spec, creating, variables), None):
        raise InvalidParameterValueException(message)


def _objections(spec: dict[str, Any], creating: bool, variables: dict[str, str]) -> Iterator[str]:
    if spec.get("PackageType") == "Image" or "ImageUri" in spec.get("Code", {}):
        yield NO_IMAGES
    if spec.get("Layers"):
        yield "Layers are not in the sandbox: put the libraries into the function's own zip."
    for name in ("Runtime", "Handler"):
        if creating and not spec.get(name):
            yield f"{name} is mandatory for functions created with deployment packages."
    runtime = spec.get("Runtime")
    if runtime and not re.fullmatch(r"python3\.\d{1,2}", runtime):
        yield (
            f"The sandbox runs Python functions only: the runtime '{runtime}' is not in the sandbox. "
            "Use 'python3.13' (it runs on the sandbox's own Python)."
        )
    unable = "Lambda was unable to configure your environment variables because the environment variables you have"
    if reserved := sorted(RESERVED_VARIABLES & variables.keys()):
        yield (
            f"{unable} provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if len(json.dumps(variables, separators=(",", ":")).encode()) > 4_096:
        yield f"{unable} provided exceeded the 4KB limit."


def _check_name(field: str, given: str, pattern: re.Pattern[str], longest: int, name: str | None = None) -> None:
    if not pattern.fullmatch(given):
        raise ValidationException(given, field, f"Member must satisfy regular expression pattern: {pattern.pattern}")
    if len(name or given) > longest:
        raise ValidationException(given, field, f"Member must have length less than or equal to {longest}")


def check_package(zip_file: str | bytes) -> None:
    """Refuse a package that cannot be unpacked, as AWS does; moto takes any."""
    try:
        package.check(_zipfile_content(zip_file)[0])
    except package.BadPackage as error:
        raise InvalidParameterValueException(str(error)) from error


def check_role(role: str) -> None:
    """Refuse a role that is not there or that does not trust Lambda, as AWS does; moto takes any trust policy."""
    found = role_at(role)
    # A role that does not exist, of another account or no ARN at all is refused by moto itself.
    if found and not trusts(found, "lambda.amazonaws.com"):
        raise InvalidParameterValueException("The role defined for the function cannot be assumed by Lambda.")


def invoke_response(response: LambdaResponse) -> TYPE_RESPONSE:
    """Invoke, as AWS answers it: moto ignores throttling, the invocation type's limits, versions and the log tail."""
    backend: LambdaBackend = response.backend  # type: ignore[assignment]
    # A function may be named in part by its ARN: 123456789012:function:name.
    name = re.sub(r"^\d{12}:function:", "", unquote(response.path.rsplit("/", 2)[-2]))
    qualifier = response._get_param("Qualifier")
    function = backend.get_function(name, qualifier)
    arn = invoked_arn(function, name, qualifier)
    kind = response.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
    if kind not in ("RequestResponse", "Event", "DryRun"):
        raise ValidationException(kind, "invocationType", "Member must satisfy enum value set")
    event = response.body.encode() if isinstance(response.body, str) else bytes(response.body or b"")

    limit = LARGEST_PAYLOAD.get(kind)
    if limit and len(event) > limit:
        message = f"{len(event)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        return failure(413, "RequestEntityTooLargeException", message)
    event = event or b"{}"
    try:
        json.loads(event)
    except ValueError as error:
        message = f"Could not parse request body into json: Could not parse payload into json: {error}"
        return failure(400, "InvalidRequestContentException", message)

    headers = {"X-Amz-Executed-Version": str(function.version), "Content-Type": "application/json"}
    if kind == "DryRun":
        return 204, headers | {"status": "204"}, b""
    if kind == "Event":
        backend.start_later(function, event, arn)
        return 202, headers | {"status": "202"}, b""
    try:
        invocation = backend.start(function, event, arn)
    except Throttled:
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        return failure(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)
    headers["x-amzn-RequestId"] = invocation.request_id
    if invocation.error:
        headers["X-Amz-Function-Error"] = invocation.error
    if response.headers.get("X-Amz-Log-Type") == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(invocation.log).decode()
    return 200, headers, invocation.payload


def named_response(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
    """moto gives each answer a request id of its own; on AWS an invocation's answer bears the one that its log has."""
    known = headers.pop("x-amzn-RequestId", None)
    headers, body = BaseResponse._enrich_response(headers, body)
    return ({**headers, "x-amzn-requestid": known} if known else headers), body


def failure(status: int, code: str, message: str, **more: str) -> TYPE_RESPONSE:
    """An error as Lambda's API sends it."""
    headers = {"status": str(status), "x-amzn-ErrorType": code, "Content-Type": "application/json"}
    return status, headers, json.dumps({**more, "Type": "User", "message": message})


def invoked_arn(function: LambdaFunction, name: str, qualifier: str | None) -> str:
    """The ARN that a handler sees: with the qualifier that the caller used, if any."""
    base = function.function_arn.split(":function:")[0] + f":function:{function.function_name}"
    last = name.split(":function:")[-1]
    used = last.split(":", 1)[1] if ":" in last else qualifier
    return f"{base}:{used}" if used else base


def invoke_from_inside(function: LambdaFunction, body: str, request_headers: Any, response_headers: Any) -> bytes:
    """How moto's other services (SNS, SQS, EventBridge, log subscriptions) invoke a function; moto wants Docker."""
    from moto.awslambda.utils import get_backend

    backend: LambdaBackend = get_backend(function.account_id, function.region)  # type: ignore[assignment]
    event = body.encode() if isinstance(body, str) else body
    invocation = backend.start(function, event or b"{}", function.function_arn)
    if invocation.error:
        response_headers["x-amz-function-error"] = invocation.error
    return invocation.payload


def tell_reserved_concurrency() -> None:
    """GetFunction reports a reserved concurrency of 0 too, which moto leaves out."""
    plain = LambdaFunction.get_code

    def get_code(function: LambdaFunction) -> dict[str, Any]:
        answer = plain(function)
        if function.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": int(function.reserved_concurrency)}
        return answer

    replace(LambdaFunction, "get_code", get_code)
