"""Words for what an answer lacks, and for the slips that many make: never those of a parser or a library."""

import ast
import contextlib
import datetime
import json
import linecache
import numbers
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from helpers import definition as definitions
from helpers.definition import validation
from helpers.definition.fields import OBJECTS, TYPES

__all__ = [
    "Lacking",
    "asked",
    "definition_slip",
    "number_slip",
    "refusal",
    "same_but_for_case",
    "shown",
    "source",
    "spelled",
    "value_slip",
]

# What a field holds, by its name; a label is also what lessons call data.
_KINDS = {name: field.kind for one in OBJECTS.values() for name, field in one.fields.items() if name != "Label"}
ERRORS = ("States.ALL", "States.TaskFailed", "States.Timeout", "ValueError", "OutOfStock", "NotReady", "JobFailed")
TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector")
LENGTHS = (datetime.timedelta, np.timedelta64)
MANY = (pd.Series, pd.DataFrame, pd.Index, np.ndarray, list, tuple, set, frozenset, dict)


class Lacking(Exception):
    """What an answer lacks, as a sentence that follows "Not yet: "."""


def shown(value: Any) -> str:
    """A value in one short line."""
    if isinstance(value, MANY):
        return f"a {type(value).__name__}"
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def same_but_for_case(one: object, other: object) -> bool:
    """Whether two texts are the same but for capitals and outer spaces, and not equal."""
    if not isinstance(one, str) or not isinstance(other, str) or one == other:
        return False
    return one.strip().casefold() == other.strip().casefold()


def value_slip(answer: Any) -> str | None:
    """What is wrong with an answer that should be one value, whatever that is."""
    if isinstance(answer, MANY):
        pick = " (for the only one in it: .iloc[0])" if isinstance(answer, pd.Series) and len(answer) == 1 else ""
        return f"your answer is {type_of(answer)}, and one value is asked{pick}."
    if callable(answer):
        return "your answer is a function, and a value is asked: call it."
    if answer is pd.NaT or answer is pd.NA or (isinstance(answer, numbers.Real) and answer != answer):
        return "your answer is a missing value."
    return None


def type_of(answer: Any) -> str:
    """The name of a value's type, with its article."""
    kind = type(answer).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def number_slip(answer: Any) -> str | None:
    """What is wrong with an answer that should be one number."""
    if slip := value_slip(answer):
        return slip
    if isinstance(answer, LENGTHS):
        return "your answer is a length of time, and a number is asked: .total_seconds() makes one of it."
    if isinstance(answer, str):
        return f"your answer is the text {shown(answer)}, and a number is asked: no quotes."
    if isinstance(answer, bool | np.bool_) or not isinstance(answer, numbers.Real | np.number):
        return f"your answer is {shown(answer)}, and a number is asked."
    return None


def spelled(names: Iterable[Any], known: Iterable[Any], what: str = "") -> None:
    """Raise Lacking where one of the names is a known one but for capitals or spaces."""
    for name in names:
        if any(same_but_for_case(name, one) for one in known):
            raise Lacking(f"{what}{name!r} is right but for capitals or spaces; write it to the letter.")


def name_slip(answer: Any) -> str | None:
    """What is wrong with an answer that should be one name."""
    if slip := value_slip(answer):
        return slip
    if isinstance(answer, LENGTHS):
        return "your answer is a length of time, and a name is asked."
    if not isinstance(answer, str):
        return f"your answer is {shown(answer)}, and a name is asked: a text between quotes."
    return None


def asked(question: str, wanted: Any, answer: Any, why: str) -> None:
    """Raise Lacking unless `answer` is `wanted`, or one of the list `wanted`: in the words of a slip, or in `why`."""
    right = wanted if isinstance(wanted, list) else [wanted]
    if slip := name_slip(answer) if isinstance(right[0], str) else number_slip(answer):
        raise Lacking(slip)
    spelled([answer], right)
    if answer not in right:
        raise Lacking(f"{question} is not {shown(answer)}. {why}")


def source(answer: Any) -> str:
    """The source of a learner's function: the text given, or the whole cell in which a real function was written.

    Of a cell what does something when it is run is left out, such as the check itself. Raises Lacking for anything
    that is no source.
    """
    if callable(answer):
        answer = cell(answer)
    if not isinstance(answer, str):
        raise Lacking(
            "the source is asked, a text between triple quotes that defines lambda_handler; "
            f"yours is {type_of(answer)}."
        )
    try:
        compile(answer, "lambda_function.py", "exec")
    except SyntaxError as error:
        line = shown((error.text or "").strip())
        raise Lacking(f"line {error.lineno} of your source, or the one before it, is no Python: {line}.") from None
    except (ValueError, RecursionError, MemoryError):
        raise Lacking("your source is no Python.") from None
    return answer


def cell(function: Any) -> str:
    code = getattr(function, "__code__", None)
    lines = linecache.getlines(code.co_filename) if code else []
    with contextlib.suppress(SyntaxError):
        tree = ast.parse("".join(lines))
        kept = [one for one in tree.body if not isinstance(one, ast.Expr)]
        if kept:
            return ast.unparse(ast.Module(kept, []))
    raise Lacking(
        "that is a function itself, and its source cannot be read here; "
        'give it as a text between triple quotes: mine = """def lambda_handler(event, context): ..."""'
    )


def refusal(definition: Any) -> str | None:
    """Why Step Functions does not take a definition, in plain words; None where it does."""
    found = validation.errors(definition)
    if not found:
        return None
    why = found[0].sentence.rstrip(".")
    if "JSONATA" in found[0].code:
        why = f"the value at {found[0].location} cannot be read"
    return f"Step Functions does not take your definition: {why}{'' if why.endswith('?') else '.'}"


def definition_slip(definition: Any) -> str | None:
    """The first slip in a definition or a single state: a field, a name, a value or an expression miswritten."""
    if not isinstance(definition, dict):
        return None
    if "States" not in definition:
        known = {field.lower() for field in definition if isinstance(field, str)}
        if "type" not in known:
            return wrong_case("the definition", definition)
        definition = {"StartAt": "your state", "States": {"your state": definition}}
    with contextlib.suppress(RecursionError, TypeError, ValueError):  # what no JSON can hold has no slip in it
        return next(slips(definition), None)
    return None


def slips(definition: dict[str, Any]) -> Iterator[str]:
    if slip := wrong_case("the definition", definition):
        yield slip
    yield from wrong_values("the definition", definition)
    for state in definitions.states(definition):
        name, body = state.name, state.body
        if slip := wrong_case(name, body):
            yield slip
        for kind in TYPES:
            if same_but_for_case(state.type, kind):
                yield f"the Type of {name} is written {kind}, not {state.type}."
        if same_but_for_case(body.get("QueryLanguage"), "JSONata"):
            yield f"the QueryLanguage of {name} is written JSONata, not {body['QueryLanguage']}."
        yield from wrong_values(name, body)
        for field in ("Retry", "Catch", "Choices"):
            rules = body.get(field)
            for rule in rules if isinstance(rules, list) else []:
                if not isinstance(rule, dict):
                    yield f"{field} of {name} holds {shown(rule)}; its rules are dicts."
                    continue
                if slip := wrong_case(f"{field} of {name}", rule):
                    yield slip
                yield from wrong_values(f"{field} of {name}", rule)
                yield from wrong_names(f"{field} of {name}", rule, state)
        yield from wrong_names(name, body, state)
        yield from (wrong_expressions if state.language == "JSONata" else wrong_paths)(name, body)


def wrong_case(owner: str, body: dict[str, Any]) -> str | None:
    for field in body:
        for known in _KINDS:
            if same_but_for_case(field, known):
                return f"the field {field!r} of {owner} is written {known}."
    return None


def wrong_values(owner: str, body: dict[str, Any]) -> Iterator[str]:
    for field, value in body.items():
        if _KINDS.get(field) == "integer" and not (isinstance(value, str) and "{%" in value):
            if isinstance(value, LENGTHS):
                yield f"{field} of {owner} is a length of time; give its seconds as a number."
            elif isinstance(value, str) and re.match(r"\s*\$", value):
                yield f"{field} of {owner} is the text {value!r}; an expression stands between {{% and %}}."
            elif isinstance(value, str):
                yield f"{field} of {owner} is the text {value!r}; write a number, without quotes."
            elif isinstance(value, numbers.Real) and (value < 0 or value % 1):
                yield f"{field} of {owner} must be a whole number, not {shown(value)}."
        if _KINDS.get(field) in ("objects", "texts") and not isinstance(value, list):
            yield f"{field} of {owner} must be a list, in square brackets, not {shown(value)}."
    names = body.get("ErrorEquals")
    for error in names if isinstance(names, list) else []:
        for known in ERRORS:
            if same_but_for_case(error, known):
                yield f"the error in {owner} is called {known}, not {error}."


def wrong_names(owner: str, body: dict[str, Any], state: definitions.State) -> Iterator[str]:
    for field in ("Next", "Default"):
        for known in state.scope.states:
            if same_but_for_case(body.get(field), known):
                yield f"{field} of {owner} leads to {body[field]!r}; that state is called {known!r}."


def wrong_expressions(owner: str, value: Any, key: str = "") -> Iterator[str]:
    """In JSONata: keys that end as those of paths do, and expressions without their signs."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(name, str) and name.endswith(".$"):
                yield f"the key {name!r} in {owner} is one of paths; in JSONata it is {name[:-2]!r}, with {{% and %}}."
            if name not in ("Comment", "FunctionName", "Resource", "Retry", "Catch"):
                yield from wrong_expressions(owner, inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from wrong_expressions(owner, inner, key)
    elif isinstance(value, str) and not (value.startswith("{%") and value.endswith("%}")):
        if "%}" in value or "{%" in value:
            yield f"{shown(value)} in {owner}: an expression begins with {{% and ends with %}}, with nothing around it."
        elif re.match(r"\s*(\{\{?\s*)?\$", value) or key == "Condition":
            yield f"{shown(value)} in {owner} is plain text; an expression stands between {{% and %}}."


def wrong_paths(owner: str, body: dict[str, Any]) -> Iterator[str]:
    """With paths: keys without their `.$`, and expressions."""
    for field, value in body.items():
        if field in TEMPLATES:
            yield from wrong_template(owner, value)
        elif field not in ("States", "Branches", "ItemProcessor") and "{%" in json.dumps(value, default=str):
            yield f"{field} of {owner} holds an expression; for these the state needs QueryLanguage JSONata."
        elif field in ("Output", "Arguments"):
            yield f"{field} of {owner} belongs to JSONata; with paths it is Parameters."


def wrong_template(owner: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from wrong_template(owner, inner)
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str) and "{%" in inner:
            yield f"{shown(inner)} in {owner} is an expression; for these the state needs QueryLanguage JSONata."
        elif isinstance(inner, str) and re.match(r"\$[.$\[]|States\.", inner) and not str(name).endswith(".$"):
            yield f"the key {name!r} in {owner} must be {name + '.$'!r}, so that its value is looked up as a path."
        else:
            yield from wrong_template(owner, inner)
