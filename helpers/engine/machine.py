"""A definition, compiled: states that know what to do, ready to be run any number of times."""

from __future__ import annotations

import functools
import json
from typing import Any

from helpers.definition import validation
from helpers.engine.branches import Map, Parallel
from helpers.engine.map_runs import DistributedMap
from helpers.engine.states import Choice, Fail, Pass, State, Succeed, Wait
from helpers.engine.tasks import Task
from helpers.errors import DefinitionInvalid

__all__ = ["Machine", "compiled"]

SIMPLE: dict[str, type[State]] = {
    "Pass": Pass,
    "Task": Task,
    "Choice": Choice,
    "Wait": Wait,
    "Succeed": Succeed,
    "Fail": Fail,
}


class Machine:
    """A set of states: a machine's own, a branch's, or what a Map does with an item."""

    __slots__ = ("start", "states", "timeout")

    def __init__(self, body: dict[str, Any], language: str) -> None:
        language = body.get("QueryLanguage", language)
        self.start: str = body["StartAt"]
        self.timeout: float | None = body.get("TimeoutSeconds")
        self.states = {name: _state(name, state, language) for name, state in body["States"].items()}


def _state(name: str, body: dict[str, Any], language: str) -> State:
    language = body.get("QueryLanguage", language)
    jsonata = language == "JSONata"
    if body["Type"] == "Parallel":
        return Parallel(name, body, jsonata, [Machine(branch, language) for branch in body["Branches"]])
    if body["Type"] == "Map":
        processor = body.get("ItemProcessor") or body["Iterator"]
        distributed = processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
        return (DistributedMap if distributed else Map)(name, body, jsonata, Machine(processor, language))
    return SIMPLE[body["Type"]](name, body, jsonata)


def compiled(definition: Any, type: str = "STANDARD") -> Machine:
    """The machine of a definition, given as data or JSON text.

    Raises DefinitionInvalid, which names the state, the field and what is wrong with it.
    """
    if isinstance(definition, str):
        return _compiled(definition, type)
    try:
        text = json.dumps(definition)
    except (TypeError, ValueError, RecursionError):
        validation.check(definition, type)
        raise DefinitionInvalid("The definition is no JSON: build it of dicts, lists, texts and numbers.") from None
    return _compiled(text, type)


@functools.lru_cache(maxsize=256)
def _compiled(text: str, type: str) -> Machine:
    try:
        definition = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionInvalid(f"The definition is no JSON: {error}") from None
    validation.check(definition, type)
    return Machine(definition, "JSONPath")
