"""Which fields a state may not have: those of other types of states, and those of the other query language."""

from collections.abc import Iterator

from helpers import definition as asl

__all__ = ["field_errors"]

_RETRIED = {"Task", "Parallel", "Map"}
_TYPES = {"Catch": _RETRIED, "Retry": _RETRIED, "TimeoutSeconds": {"Task"}}
_LANGUAGES = {
    "JSONata": ("Arguments", "Output", "Items"),
    "JSONPath": ("InputPath", "OutputPath", "Parameters", "ResultPath", "ResultSelector", "ItemsPath"),
}


def field_errors(state: asl.State, machine_language: str) -> Iterator[str]:
    """What the service says of the fields that a state may not have, in a machine of a query language."""
    for field, types in _TYPES.items():
        if field in state.body and state.type not in types:
            yield f"Field '{field}' is not supported"
    if machine_language == "JSONata" and state.body.get("QueryLanguage") == "JSONPath":
        yield "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        return
    for language, fields in _LANGUAGES.items():
        for field in fields if language != state.language else ():
            if field in state.body:
                yield (
                    f"The QueryLanguage is set to '{state.language}', "
                    f"but field '{field}' is only supported for the '{language}' QueryLanguage"
                )
