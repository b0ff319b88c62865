"""The States Language as one table: the fields of each object of a definition, what they hold, in which query language.

Sources: the Step Functions developer guide (its page is named beside what it says), the States Language specification,
and what ValidateStateMachineDefinition answers on AWS where the two leave a range open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from helpers.definition.spoken_rules import KINDS, SYMBOLS

__all__ = ["LONGEST_LABEL", "OBJECTS", "OPERATORS", "TYPES", "Field", "Kind", "Object"]

Kind = Literal[
    "text",  # any text
    "word",  # one of `words`
    "integer",  # a whole number from `least` to `most`
    "number",  # any number from `least` to `most`
    "boolean",
    "timestamp",  # an RFC3339 text
    "resource",  # the ARN that a Task calls
    "state",  # the name of a state of the same scope
    "path",  # a JSONPath
    "reference",  # a JSONPath that can only point to one place
    "place",  # a reference path into the data, where a result is written
    "amount",  # a reference path to a number of the data or of a variable
    "computed",  # a reference path or an intrinsic function
    "template",  # an object with paths under keys that end in `.$`, or in JSONata with expressions
    "variables",  # a template whose keys are the names of variables
    "value",  # any JSON; in JSONata with expressions
    "items",  # a list or an object, in JSONata with expressions
    "literal",  # any JSON, taken as it is
    "object",  # an object of the table, named by `of`
    "objects",  # a list of those
    "texts",  # a list of texts
    "states",  # the states of a scope, by name
]


@dataclass(frozen=True)
class Field:
    """What a field holds. `language` is the only query language that knows it, empty where both do.

    `expression`: in JSONata a `{% %}` may stand there instead. `null`: so may null. `empty`: so may an empty list.
    """

    kind: Kind
    language: str = ""
    least: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()
    of: str = ""
    expression: bool = False
    null: bool = False
    empty: bool = False


@dataclass(frozen=True)
class Object:
    """An object of the language: its fields, and which of them belong together.

    `required` fields must be there; of each group of `one_of` exactly one; of each of `at_most` one or none. A case of
    `requires` (`forbids`) is a field, a value, and the field that must (must not) be there beside that value.
    """

    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    at_most: tuple[tuple[str, ...], ...] = ()
    requires: tuple[tuple[str, str, str], ...] = ()
    forbids: tuple[tuple[str, str, str], ...] = ()


TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")  # in the order of AWS's message
LONGEST_LABEL = 40  # characters of a Map's Label ("Using Map state in Distributed mode")

MOST = 99_999_999  # seconds and attempts ("Task", "Wait", "Handling errors")
LONGEST_DELAY = 31_622_400  # seconds of MaxDelaySeconds, which must be less ("Handling errors"): AWS takes it itself
MOST_ITEMS = 100_000_000  # MaxItems ("ItemReader")
MOST_BYTES = 262_144  # MaxInputBytesPerBatch, 256 KiB ("ItemBatcher")


def jsonpath(field: Field) -> Field:
    return replace(field, language="JSONPath")


def jsonata(field: Field) -> Field:
    return replace(field, language="JSONata")


def word(*words: str) -> Field:
    return Field("word", words=words)


def whole(least: float | None = None, most: float | None = None) -> Field:
    return Field("integer", least=least, most=most, expression=True)


def inside(of: str) -> Field:
    return Field("object", of=of)


TEXT, BOOLEAN, STATE = Field("text"), Field("boolean"), Field("state")
SAID = Field("text", expression=True)
REFERENCE, COMPUTED = jsonpath(Field("reference")), jsonpath(Field("computed"))
TEMPLATE = Field("template", expression=True)
ASSIGN = {"Assign": Field("variables")}
PARAMETERS = {"Parameters": jsonpath(TEMPLATE), "Arguments": jsonata(Field("value"))}
OUTPUT = {"Output": jsonata(Field("value"))}
RESULT_PATH = {"ResultPath": jsonpath(Field("place", null=True))}
TIMESTAMP = Field("timestamp", expression=True)

COMMON = {"Type": word(*TYPES), "Comment": TEXT, "QueryLanguage": word("JSONPath", "JSONata")}
PATHS = {"InputPath": jsonpath(Field("path", null=True)), "OutputPath": jsonpath(Field("path", null=True)), **OUTPUT}
NEXT = (("Next", "End"),)
PASSING = {**COMMON, **PATHS, **ASSIGN, "Next": STATE, "End": BOOLEAN}
CALLING = {
    **PASSING,
    **RESULT_PATH,
    "ResultSelector": jsonpath(TEMPLATE),
    "Retry": Field("objects", of="Retry", empty=True),
    "Catch": Field("objects", of="Catch", empty=True),
}


def with_path(name: str, field: Field) -> dict[str, Field]:
    """A field and its twin that reads the value by a path."""
    return {name: field, f"{name}Path": REFERENCE}


def amount(name: str, field: Field) -> dict[str, Field]:
    """A number of a Map and its twin, which takes none from the context object."""
    return {name: field, f"{name}Path": jsonpath(Field("amount"))}


def either(*names: str) -> tuple[tuple[str, ...], ...]:
    """Fields that exclude their twins."""
    return tuple((name, f"{name}Path") for name in names)


# "Task": TimeoutSeconds and HeartbeatSeconds.
SECONDS = whole(1, MOST)
COMPARED: dict[str, Field] = {"String": TEXT, "Numeric": Field("number"), "Timestamp": TIMESTAMP}
COMPARISONS = {
    name: field
    for of, value in COMPARED.items()
    for symbol in SYMBOLS
    for name, field in with_path(of + symbol, jsonpath(value)).items()
}
OPERATORS: dict[str, Field] = {
    **COMPARISONS,
    **with_path("BooleanEquals", jsonpath(BOOLEAN)),
    "StringMatches": jsonpath(TEXT),
    **dict.fromkeys(KINDS, jsonpath(BOOLEAN)),
}
RULE: dict[str, Field] = {
    "Comment": TEXT,
    "Variable": REFERENCE,
    **OPERATORS,
    "And": jsonpath(Field("objects", of="Inner rule")),
    "Or": jsonpath(Field("objects", of="Inner rule")),
    "Not": jsonpath(inside("Inner rule")),
}
COMBINED = ("And", "Or", "Not", "Variable", "Condition")
SCOPE = {"Comment": TEXT, "StartAt": STATE, "States": Field("states")}

OBJECTS: dict[str, Object] = {
    "Machine": Object(  # "State machine structure"
        {
            **SCOPE,
            "QueryLanguage": COMMON["QueryLanguage"],
            "Version": word("1.0"),
            "TimeoutSeconds": Field("integer", least=0, most=MOST),
        },
        required=("States", "StartAt"),
    ),
    "Branch": Object(SCOPE, required=("States", "StartAt")),  # "Parallel"
    "Processor": Object(  # "Map"
        {**SCOPE, "ProcessorConfig": inside("ProcessorConfig")}, required=("States", "StartAt")
    ),
    "ProcessorConfig": Object(
        {"Mode": word("INLINE", "DISTRIBUTED"), "ExecutionType": word("STANDARD", "EXPRESS")},
        requires=(("Mode", "DISTRIBUTED", "ExecutionType"),),
        forbids=(("Mode", "INLINE", "ExecutionType"),),
    ),
    "Task": Object(
        {
            **CALLING,
            **PARAMETERS,
            "Resource": Field("resource"),
            **with_path("TimeoutSeconds", SECONDS),
            **with_path("HeartbeatSeconds", SECONDS),
            "Credentials": inside("Credentials"),
        },
        required=("Resource",),
        one_of=NEXT,
        at_most=either("TimeoutSeconds", "HeartbeatSeconds"),
    ),
    "Wait": Object(
        {**PASSING, **with_path("Seconds", whole(0, MOST)), **with_path("Timestamp", TIMESTAMP)},
        one_of=(("SecondsPath", "Seconds", "TimestampPath", "Timestamp"), *NEXT),
    ),
    "Pass": Object(
        {**PASSING, **RESULT_PATH, "Parameters": jsonpath(TEMPLATE), "Result": jsonpath(Field("literal"))}, one_of=NEXT
    ),
    "Succeed": Object({**COMMON, **PATHS}),
    "Fail": Object(
        {**COMMON, "Error": SAID, "ErrorPath": COMPUTED, "Cause": SAID, "CausePath": COMPUTED},
        at_most=either("Error", "Cause"),
    ),
    "Choice": Object(
        {**COMMON, **PATHS, "Choices": Field("objects", of="Rule"), "Default": STATE, **ASSIGN}, required=("Choices",)
    ),
    "Parallel": Object(
        {**CALLING, **PARAMETERS, "Branches": Field("objects", of="Branch")}, required=("Branches",), one_of=NEXT
    ),
    "Map": Object(
        {
            **CALLING,
            "Parameters": jsonpath(TEMPLATE),
            "ItemProcessor": inside("Processor"),
            "Iterator": inside("Processor"),
            "ItemsPath": REFERENCE,
            "Items": jsonata(Field("items", expression=True)),
            "ItemSelector": TEMPLATE,
            "ItemReader": inside("ItemReader"),
            "ItemBatcher": inside("ItemBatcher"),
            "ResultWriter": inside("ResultWriter"),
            **amount("MaxConcurrency", whole(0)),
            **amount("ToleratedFailureCount", whole(0)),
            **amount("ToleratedFailurePercentage", Field("number", least=0.0, most=100.0, expression=True)),
            "Label": TEXT,
        },
        one_of=(("ItemProcessor", "Iterator"), *NEXT),
        at_most=(
            ("ItemSelector", "Parameters"),
            *either("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"),
        ),
    ),
    "Retry": Object(  # "Handling errors"; AWS takes an IntervalSeconds of 0
        {
            "Comment": TEXT,
            "ErrorEquals": Field("texts"),
            "IntervalSeconds": Field("integer", least=0, most=MOST),
            "MaxAttempts": Field("integer", least=0, most=MOST),
            "BackoffRate": Field("number", least=1),
            "MaxDelaySeconds": Field("integer", least=1, most=LONGEST_DELAY),
            "JitterStrategy": word("NONE", "FULL"),
        },
        required=("ErrorEquals",),
    ),
    "Catch": Object(
        {"Comment": TEXT, "ErrorEquals": Field("texts"), "Next": STATE, **RESULT_PATH, **ASSIGN, **OUTPUT},
        required=("ErrorEquals", "Next"),
    ),
    "Rule": Object(  # "Choice"
        {**RULE, "Condition": jsonata(Field("boolean", expression=True)), "Next": STATE, **ASSIGN, **OUTPUT},
        required=("Next",),
        one_of=(COMBINED,),
    ),
    "Inner rule": Object(RULE, one_of=(COMBINED[:-1],)),
    "Credentials": Object(  # "Accessing resources in other accounts"
        {"RoleArn": SAID, "RoleArn.$": COMPUTED}, one_of=(("RoleArn", "RoleArn.$"),)
    ),
    "ItemReader": Object(
        {"Resource": TEXT, **PARAMETERS, "ReaderConfig": inside("ReaderConfig")}, required=("Resource",)
    ),
    "ReaderConfig": Object(  # "ItemReader"
        {
            "InputType": word("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"),
            "CSVHeaderLocation": word("FIRST_ROW", "GIVEN"),
            "CSVHeaders": Field("texts"),
            "CSVDelimiter": word("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
            "ManifestType": word("ATHENA_DATA", "S3_INVENTORY"),
            "Transformation": word("NONE", "LOAD_AND_FLATTEN"),
            "ItemsPointer": TEXT,
            **amount("MaxItems", whole(0, MOST_ITEMS)),
        },
        at_most=either("MaxItems"),
        requires=(
            ("InputType", "CSV", "CSVHeaderLocation"),
            ("CSVHeaderLocation", "GIVEN", "CSVHeaders"),
            ("Transformation", "LOAD_AND_FLATTEN", "InputType"),
        ),
        forbids=(("InputType", "JSON", "CSVHeaderLocation"), ("ManifestType", "S3_INVENTORY", "InputType")),
    ),
    "ItemBatcher": Object(
        {
            **amount("MaxItemsPerBatch", whole(0)),
            **amount("MaxInputBytesPerBatch", whole(0, MOST_BYTES)),
            "BatchInput": TEMPLATE,
        },
        at_most=either("MaxItemsPerBatch", "MaxInputBytesPerBatch"),
    ),
    "ResultWriter": Object({"Resource": TEXT, **PARAMETERS, "WriterConfig": inside("WriterConfig")}),
    "WriterConfig": Object(  # "ResultWriter"
        {"Transformation": word("NONE", "COMPACT", "FLATTEN"), "OutputType": word("JSON", "JSONL")}
    ),
}
