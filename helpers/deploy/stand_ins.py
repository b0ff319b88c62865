"""Functions that stand in for what somebody's own machine calls, and answer what they are given."""

import copy
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers.definition import states
from helpers.deploy.resources import function
from helpers.errors import AnswerInvalid, UnknownName
from helpers.lab import Lab, current
from helpers.rehearsal import made_up

__all__ = ["stand_ins"]

SOURCE = """import json


def lambda_handler(event, context):
    print("standing in for {state}, asked with", json.dumps(event))
    return json.loads({answer!r})
"""
FUNCTION = re.compile(r"arn:[\w-]+:lambda:[^:]*:[^:]*:function:.+")


def stand_ins(
    definition: Mapping[str, Any], answers: Mapping[str, Any] | None = None, *, lab: Lab | None = None
) -> dict[str, Any]:
    """A copy of `definition` in which a Lambda function of our own stands in for what its tasks call.

    On the sandbox each task gets one, whether it calls a function, a service, an activity or another machine, starts a
    job or waits for a callback; what a distributed Map reads and writes stays, and placeholders are filled. On an
    account only functions are replaced, recognised in `lambda:invoke` tasks and as plain ARNs.

    `answers` holds by a state's name the JSON that its stand-in answers: the payload for `lambda:invoke`, the task's
    result for any other. Left out, it is the answer of `rehearsal.made_up`, on an account `{}`.

    Raises UnknownName for an answer to a state that has no stand-in, AnswerInvalid for one that is no JSON,
    DefinitionInvalid for what is no state machine, and what `deploy.function` raises.
    """
    lab = lab or current()
    on_sandbox = lab.target == "sandbox"
    given: dict[str, Any] = {}
    standing = copy.deepcopy(dict(definition))
    if on_sandbox:
        made = made_up(standing)
        standing, given = copy.deepcopy(made.definition), made.answers
    callers = dict(_callers(standing, on_sandbox))
    for name in answers or {}:
        if name not in callers:
            raise UnknownName(f"No state {name!r} has a stand-in; those that do: {', '.join(callers) or 'none'}.")
    for number, (name, (holder, key)) in enumerate(callers.items(), 1):
        answer = given.get(name, {})
        if key == "FunctionName" and isinstance(answer, dict):
            answer = answer.get("Payload", {})
        answer = (answers or {}).get(name, answer)
        try:
            text = SOURCE.format(state=json.dumps(name)[1:-1], answer=json.dumps(answer, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise AnswerInvalid(f"The answer of {name!r} is no JSON: {error}.") from None
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "lambda_function.py").write_text(text, encoding="utf-8")
            holder[key] = function(f"stand-in-{number}", folder, lab=lab)
    return standing


def _callers(definition: Mapping[str, Any], every: bool) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    """By the name of each state with a stand-in: where in the state its function is named."""
    for state in states(definition):
        body: Any = state.body
        resource = str(body.get("Resource", ""))
        arguments = body.get("Arguments", body.get("Parameters"))
        waits = resource.endswith(".waitForTaskToken")
        if ":states:::lambda:invoke" in resource and isinstance(arguments, dict) and not (every and waits):
            arguments.pop("FunctionName.$", None)
            yield state.name, (arguments, "FunctionName")
        elif (every and state.type == "Task") or FUNCTION.fullmatch(resource) or resource.startswith("${"):
            # A function that is called by its ARN gets no token, and acts as nobody else.
            for field in ("Arguments", "Parameters", "Credentials") if every and waits else ("Credentials",):
                body.pop(field, None)
            yield state.name, (body, "Resource")
