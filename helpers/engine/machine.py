"""A definition, compiled: states that know what to do, ready to be run any number of times."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from helpers.definition import validation
from helpers.engine.branches import Map, Parallel
from helpers.engine.map_runs import DistributedMap
from helpers.engine.states import Choice, Fail, Pass, State, Succeed, Wait
from helpers.engine.tasks import Task
from helpers.engine.text import data_of
from helpers.errors import DefinitionInvalid

__all__ = ["Machine", "compiled", "valid", "written"]

SIMPLE: dict[str, type[State]] = {kind.__name__: kind for kind in (Pass, Task, Choice, Wait, Succeed, Fail)}


class Machine:
    """A set of states: a machine's own, a branch's, or what a Map does with an item."""

    __slots__ = ("start", "states", "timeout")

    def __init__(self, body: dict[str, Any], language: str, distributed: type[DistributedMap] = DistributedMap) -> None:
        language = body.get("QueryLanguage", language)
        self.start: str = body["StartAt"]
        self.timeout: float | None = body.get("TimeoutSeconds")
        self.states = {name: _state(name, state, language, distributed) for name, state in body["States"].items()}


def _state(name: str, body: dict[str, Any], language: str, distributed: type[DistributedMap]) -> State:
    """A state; those inside it are in the language of the machine, whatever its own is."""
    jsonata = body.get("QueryLanguage", language) == "JSONata"
    if body["Type"] == "Parallel":
        return Parallel(name, body, jsonata, [Machine(branch, language, distributed) for branch in body["Branches"]])
    if body["Type"] == "Map":
        processor = body.get("ItemProcessor") or body["Iterator"]
        kind = distributed if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED" else Map
        return kind(name, body, jsonata, Machine(processor, language, distributed))
    return SIMPLE[body["Type"]](name, body, jsonata)


def compiled(definition: Any, type: str = "STANDARD") -> Machine:  # noqa: A002
    """The machine of a definition, given as data or JSON text.

    Raises DefinitionInvalid, which names the state, the field and what is wrong with it.
    """
    return _compiled(written(definition), type)


@functools.lru_cache(maxsize=64)
def _compiled(text: str, machine_type: str) -> Machine:
    return Machine(valid(text, machine_type), "JSONPath")


def written(definition: Any) -> str:
    """A definition, given as data or JSON text, as text. Raises DefinitionInvalid where it is no JSON."""
    if isinstance(definition, str):
        return definition
    definition = dict(definition) if isinstance(definition, Mapping) else definition
    if unreadable := validation.form(definition):
        raise DefinitionInvalid(unreadable.sentence)
    return json.dumps(definition)


def valid(text: str, machine_type: str) -> Any:
    """The data of a definition's text. Raises DefinitionInvalid where it is no state machine of that type."""
    try:
        definition = data_of(text)
    except ValueError as error:
        raise DefinitionInvalid(f"The definition cannot be read. {error}") from None
    validation.check(definition, machine_type, text)
    return definition
