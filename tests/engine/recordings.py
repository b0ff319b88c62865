"""The executions recorded on AWS, where they lie beside the repository, run on the engine."""

import importlib.util
import json
import pathlib

from helpers import engine

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "shared" / "aws-recorded"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:recorded"
MISSING = (
    "Function not found: {arn}:$LATEST (Service: AWSLambda; Status Code: 404; "
    "Error Code: ResourceNotFoundException; Request ID: 1; Proxy: null)"
)


def scenarios():
    """Every recorded scenario; none where the recordings are not there."""
    path = FOLDER / "scenarios.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def score():
    """The program that holds one event list against another."""
    spec = importlib.util.spec_from_file_location("score", FOLDER / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def behaviour(words, event):
    """What the one Lambda function of a scenario does."""
    if words.startswith("returns its event"):
        return event, 0
    if words.startswith("sleeps 60"):
        return event, 60
    if words.startswith("returns {"):
        return json.loads(words.removeprefix("returns ")), 0
    kind, message = (
        ("CustomException", "") if "CustomException" in words else ("Exception", "Some exception was raised.")
    )
    cause = {"errorMessage": message, "errorType": kind, "requestId": "1", "stackTrace": []}
    raise engine.TaskFailed(kind, json.dumps(cause))


def answer(scenario):
    """A handler of the scenario's tasks."""

    def handler(call):
        given = call.parameters
        if call.resource == ARN:
            value, seconds = behaviour(scenario["function"], given)
            return engine.Answer(value, seconds)
        name = given["FunctionName"]
        if name not in (ARN, "recorded"):
            full = name if name.startswith("arn:") else ARN.replace("recorded", name)
            raise engine.TaskFailed("Lambda.ResourceNotFoundException", MISSING.format(arn=full))
        value, seconds = behaviour(scenario["function"], given.get("Payload", {}))
        return engine.Answer({"ExecutedVersion": "$LATEST", "Payload": value, "StatusCode": 200}, seconds)

    return handler


def filled(data):
    return json.loads(json.dumps(data).replace("${FunctionArn}", ARN).replace("${FunctionName}", "recorded"))


def run(scenario):
    """The engine's run of a scenario."""
    return engine.run(filled(scenario["definition"]), filled(scenario["input"]), answer(scenario))
