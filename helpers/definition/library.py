"""The definitions and functions kept in the repository: finding, reading and filling them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from helpers.definition.validation import PLACEHOLDER, errors
from helpers.errors import DefinitionInvalid, UnknownName

__all__ = [
    "FOLDER",
    "decoded",
    "found",
    "function_source",
    "functions",
    "kept",
    "load",
    "names",
    "parse",
    "placeholders",
    "text_of",
]


def kept(folder: str) -> Path:
    """A folder of the repository, such as `definitions`: in the clone, or where a wheel has put its copy."""
    package = Path(__file__).resolve().parents[1]
    is_clone = (package.parent / "pyproject.toml").is_file()
    return (package.parent if is_clone else package / "kept") / folder


FOLDER = kept("definitions")
SUFFIX = ".asl.json"
JSON_TYPES = (str, int, float, bool, list, dict)
# What leaves no way to start or to go on; a file with any other error can be loaded, looked at and corrected.
LOST = ("missing-states", "missing-start", "dangling-start", "dangling-next")


def names() -> list[str]:
    """The names of the definitions that `load` knows, in alphabetical order."""
    return sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))


def functions() -> list[str]:
    """The names of the Lambda functions whose sources lie beside the definitions, in alphabetical order."""
    return sorted(path.name for path in (FOLDER / "functions").glob("*") if path.is_dir() and path.name[0] not in "._")


def function_source(name: str) -> Path:
    """The folder that holds a Lambda function's source.

    Raises `UnknownName` with the names there are.
    """
    if name not in functions():
        raise UnknownName(f"There is no function named {name!r}; there are: {', '.join(functions())}.")
    return FOLDER / "functions" / name


def load(name_or_path: str | Path, **substitutions: object) -> dict[str, Any]:
    """A state machine's definition, read from `definitions/` by its name or from a file by its path.

    Each substitution takes the place of `${Name}` in the definition's strings, as data: quotes and line ends in a
    value stay what they are. A string that is nothing but a placeholder becomes the value itself, so a number stays a
    number. A placeholder without a value stays as it is (`placeholders` lists those that are left).

    Raises `UnknownName` with the names there are, for a definition or a substitution, and `DefinitionInvalid` with the
    place for what is no JSON, lacks StartAt or names a missing state.

    >>> load("busy_wait", FunctionArn="arn:aws:lambda:us-east-1:123456789012:function:f")["StartAt"]
    'Main'
    """
    path = found(name_or_path)
    return parse(text_of(path), path.name, **substitutions)


def parse(text: str, where: str = "The definition", /, **substitutions: object) -> dict[str, Any]:
    """The definition written in a JSON text, filled in as by `load`; `where` names the text in an error."""
    if not isinstance(text, str | bytes):
        raise DefinitionInvalid(
            f"{where} is asked as a JSON text, not as a {type(text).__name__}: a dict is a definition already."
        )
    definition = decoded(text, where)
    known = placeholders(definition)
    for name in substitutions:
        if name not in known:
            there = ", ".join(known) or "none"
            raise UnknownName(f"{where} has no placeholder named {name!r}; its placeholders: {there}.")
    filled = substituted(definition, substitutions)
    for finding in errors(filled):
        if finding.kind in LOST:
            raise DefinitionInvalid(f"{where}: {finding.sentence}")
    assert isinstance(filled, dict)
    return filled


def placeholders(definition: object) -> list[str]:
    """The names of the placeholders `${Name}` still in a definition, in order of appearance."""
    seen: dict[str, None] = {}
    waiting = [definition]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            seen.update(dict.fromkeys(PLACEHOLDER.findall(value)))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
    return list(seen)


def found(name_or_path: str | Path) -> Path:
    """The file of a definition, by its name or its path; raises `UnknownName`."""
    if not isinstance(name_or_path, str | os.PathLike):
        raise UnknownName(
            f"A definition is loaded by its name or its path, not by a {type(name_or_path).__name__}: a dict is one "
            "already, and needs no loading."
        )
    if isinstance(name_or_path, str) and name_or_path in names():
        return FOLDER / f"{name_or_path}{SUFFIX}"
    path = Path(os.path.expanduser(name_or_path))
    if os.path.isfile(path):  # which says no, too, to what can be no path, such as a text of YAML
        return path
    name = f"{str(name_or_path)!r:.300}"
    raise UnknownName(f"There is no definition named {name}, nor a file of that path; there are: {', '.join(names())}.")


def text_of(path: Path) -> str:
    """The text of a definition's file; raises `DefinitionInvalid` for one that cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DefinitionInvalid(f"{path.name} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    except OSError as error:
        raise DefinitionInvalid(f"{path} cannot be read: {error.strerror}.") from None


def decoded(text: str, where: str) -> dict[str, Any]:
    """The JSON object in a text, whatever it holds; raises `DefinitionInvalid`."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            keys = [key for key, _ in items]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise DefinitionInvalid(f"{where} has the name {twice!r} twice in one object; one of them would be lost.")
        return made

    def constant(name: str) -> None:
        raise DefinitionInvalid(f"{where} is not JSON: {name} is not a JSON number.")

    try:
        definition = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise DefinitionInvalid(f"{where} is not JSON: {error.msg} at {place}.", error.lineno) from None
    except RecursionError:
        raise DefinitionInvalid(f"{where} is nested too deeply to be read.") from None
    if not isinstance(definition, dict):
        raise DefinitionInvalid(f"{where} is not a state machine: it is no JSON object with StartAt and States.")
    return definition


def substituted(value: object, substitutions: dict[str, object]) -> object:
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole and isinstance(substitutions.get(whole[1]), JSON_TYPES):
            return substitutions[whole[1]]
        return PLACEHOLDER.sub(lambda found: str(substitutions.get(found[1], found[0])), value)
    if isinstance(value, list):
        return [substituted(item, substitutions) for item in value]
    if isinstance(value, dict):
        return {key: substituted(item, substitutions) for key, item in value.items()}
    return value
