"""Functions that stand in for those of somebody's own machine, and answer what they are told to."""

import copy
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers.definition import states
from helpers.deploy.resources import function
from helpers.errors import UnknownName
from helpers.lab import Lab, current

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
    """A copy of `definition` in which a stand-in takes the place of each Lambda function.

    `answers` holds by a state's name the JSON that its function shall answer; left out, it is `{}`. Functions are
    recognised in `lambda:invoke` tasks and as plain function ARNs; every other task stays as it is.

    Raises UnknownName for an answer to a state that calls no function, and what `deploy.function` raises.
    """
    lab = lab or current()
    answers = answers or {}
    standing = copy.deepcopy(dict(definition))
    callers = dict(_callers(standing))
    for name in answers:
        if name not in callers:
            raise UnknownName(f"No state {name!r} calls a function; those that do: {', '.join(callers) or 'none'}.")
    for number, (name, (holder, key)) in enumerate(callers.items(), 1):
        with tempfile.TemporaryDirectory() as folder:
            text = SOURCE.format(state=json.dumps(name)[1:-1], answer=json.dumps(answers.get(name, {})))
            Path(folder, "lambda_function.py").write_text(text, encoding="utf-8")
            holder[key] = function(f"stand-in-{number}", folder, lab=lab)
    return standing


def _callers(definition: Mapping[str, Any]) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    """By the name of each state that calls a function: where in the state that function is named."""
    for state in states(definition):
        body: Any = state.body
        resource = str(body.get("Resource", ""))
        if ":states:::lambda:invoke" in resource:
            arguments = body.get("Arguments", body.get("Parameters"))
            if isinstance(arguments, dict):
                arguments.pop("FunctionName.$", None)
                yield state.name, (arguments, "FunctionName")
        elif FUNCTION.fullmatch(resource) or resource.startswith("${"):
            yield state.name, (body, "Resource")
