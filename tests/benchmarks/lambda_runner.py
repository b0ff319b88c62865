"""How long an invocation takes: in a new worker, and in a warm one. Run it as a script, or call `measure()`."""

import io
import json
import statistics
import time
import zipfile
from typing import Any

import helpers

SOURCE = "def lambda_handler(event, context):\n    return {'status': 'success', 'message': 'Hello, World!'}\n"


def measure(colds: int = 15, warms: int = 200) -> list[dict[str, Any]]:
    """The medians, in milliseconds, of cold and warm invocations as a client sees them.

    The baseline is what the sandbox and boto3 need to answer a call that does nothing, in the same run.
    """
    lab = helpers.connect()
    functions, iam = lab.client("lambda"), lab.client("iam")
    service = {"Service": "lambda.amazonaws.com"}
    trust = {"Statement": [{"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}]}
    name = f"benchmark-{time.time_ns()}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("lambda_function.py", SOURCE)
    names = [f"{name}-{number}" for number in range(colds)]
    try:
        for each in names:
            functions.create_function(
                FunctionName=each,
                Runtime="python3.13",
                Handler="lambda_function.lambda_handler",
                Role=role,
                Code={"ZipFile": package.getvalue()},
            )
        cold = []
        for each in names:
            time.sleep(0.3)  # the pause that a person makes: a spare worker is got ready meanwhile
            cold.append(seconds(functions.invoke, FunctionName=each))
        warm = [seconds(functions.invoke, FunctionName=names[0]) for _ in range(warms)]
        nothing = [seconds(iam.get_role, RoleName=name) for _ in range(warms)]
    finally:
        for each in names:
            functions.delete_function(FunctionName=each)
        iam.delete_role(RoleName=name)
    baseline = statistics.median(nothing) * 1000
    figures = (("Lambda, a cold invocation (ms)", cold, 100.0), ("Lambda, a warm invocation (ms)", warm, 10.0))
    return [
        {
            "figure": figure,
            "measured": round(statistics.median(found) * 1000, 1),
            "baseline": round(baseline, 1),
            "ratio": round(statistics.median(found) * 1000 / baseline, 2),
            "bound": bound,
        }
        for figure, found, bound in figures
    ]


def seconds(call: Any, **arguments: Any) -> float:
    """How long a call takes, its payload read."""
    started = time.perf_counter()
    answer = call(**arguments)
    if "Payload" in answer:
        answer["Payload"].read()
    return time.perf_counter() - started


if __name__ == "__main__":
    for row in measure():
        print(row)
