"""Intrinsic functions (States.Format and its fellows): how they are read, and what a failing one says."""

import json
import re
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguageMode
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringVariableSample
from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.array import array_unique
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.factory import StatesFunctionFactory
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic.string_format import StringFormat
from moto.stepfunctions.parser.asl.component.intrinsic.functionname.state_function_name_types import (
    StatesFunctionNameType,
)
from moto.stepfunctions.parser.asl.component.intrinsic.functionname.states_function_name import StatesFunctionName
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.parse import preprocessor
from moto.stepfunctions.parser.asl.static_analyser.intrinsic.variable_names_intrinsic_static_analyser import (
    VariableNamesIntrinsicStaticAnalyser,
)
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from helpers.sandbox.interpreter import failures
from helpers.sandbox.interpreter.data import text_of
from helpers.sandbox.interpreter.mending import replace

INTRINSIC = "States.IntrinsicFailure"
# Escaped braces of a template, until its {} are filled.
_OPEN, _CLOSE = "\ue000", "\ue001"
_ESCAPES = {"\\{": _OPEN, "\\}": _CLOSE, "\\'": "'", "\\\\": "\\"}

_NAME = re.compile(r"\s*States\.(\w+)\s*\(")
_TEXT = re.compile(r"\s*'((?:[^'\\]|\\.)*)'")
_LITERAL = re.compile(r"\s*(true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?=[,)])")
_VARIABLE = re.compile(r"\$[^$.\[]")


class _Reader:
    """A text being read from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def skip(self, mark: str) -> bool:
        return self.take(re.compile(rf"\s*{re.escape(mark)}")) is not None

    def path(self) -> str:
        """All up to the comma or parenthesis that ends an argument, outside brackets and quotes."""
        depth, quote, start = 0, "", self.at
        while self.at < len(self.text):
            mark = self.text[self.at]
            if quote:
                quote = "" if mark == quote else quote
            elif mark in "'\"":
                quote = mark
            elif mark in "[(":
                depth += 1
            elif mark in ",)" and depth == 0:
                break
            elif mark in "])":
                depth -= 1
            self.at += 1
        return self.text[start : self.at].strip()


def _argument(reader: _Reader) -> argument.Argument:
    if literal := reader.take(_LITERAL):
        return argument.ArgumentLiteral(definition_value=json.loads(literal[1]))
    if text := reader.take(_TEXT):
        found = re.sub(r"\\[{}'\\]", lambda escape: _ESCAPES[escape[0]], text[1])
        return argument.ArgumentLiteral(definition_value=found)
    if _NAME.match(reader.text, reader.at):
        return argument.ArgumentFunction(function=_function(reader))
    path = reader.path()
    if path.startswith("$$"):
        return argument.ArgumentContextPath(context_path=path)
    if _VARIABLE.match(path):
        sample = StringVariableSample(query_language_mode=QueryLanguageMode.JSONPath, expression=path)
        return argument.ArgumentVar(string_variable_sample=sample)
    if path.startswith("$"):
        return argument.ArgumentJsonPath(json_path=path)
    raise ValueError(f"'{path}' is no argument of an intrinsic function: '{reader.text}'.")


def _function(reader: _Reader) -> Any:
    name = reader.take(_NAME)
    if name is None or name[1] not in StatesFunctionNameType.__members__:
        raise ValueError(f"'{reader.text}' is no intrinsic function.")
    arguments = []
    while not reader.skip(")"):
        arguments.append(_argument(reader))
        if not reader.skip(",") and not re.compile(r"\s*\)").match(reader.text, reader.at):
            raise ValueError(f"'{reader.text}' is no intrinsic function: ')' is missing.")
    kind = StatesFunctionName(function_type=StatesFunctionNameType.__members__[name[1]])
    return StatesFunctionFactory.from_name(func_name=kind, argument_list=argument.ArgumentList(arguments=arguments))


def function(text: str) -> Any:
    """The component that evaluates an intrinsic function written as `text`; ValueError where it is none."""
    reader = _Reader(text)
    found = _function(reader)
    if reader.text[reader.at :].strip():
        raise ValueError(f"'{text}' does not end with its function.")
    return found


def _variables(component: Any) -> list[str]:
    if isinstance(component, argument.ArgumentVar):
        return re.findall(r"^\$(\w+)", component.string_variable_sample.expression)
    if isinstance(component, argument.ArgumentFunction):
        return _variables(component.function)
    if isinstance(component, argument.ArgumentList):
        return [name for found in reversed(component.arguments) for name in _variables(found)]
    return _variables(component.argument_list) if hasattr(component, "argument_list") else []


def _variable_names(definition: str) -> list[str]:
    return _variables(function(json.loads(f'"{definition}"')))


def _visit(self: Any, ctx: Any) -> string_expression.StringIntrinsicFunction:
    text = json.loads(ctx.STRINGINTRINSICFUNC().getText())
    return string_expression.StringIntrinsicFunction(intrinsic_function_derivation=text, function=function(text))


def _evaluate(self: Any, env: Environment) -> None:
    try:
        self.function.eval(env=env)
    except (NoSuchJsonPathError, FailureEventException):
        raise
    except Exception as error:
        cause = f"The function '{self.literal_value}' had the following error: {error}"
        raise failures.execution_failure(env, INTRINSIC, cause) from error
    env.stack[-1] = _with_braces(env.stack[-1])


def _with_braces(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_OPEN, "{").replace(_CLOSE, "}")
    return [_with_braces(item) for item in value] if isinstance(value, list) else value


def _format(self: Any, env: Environment) -> None:
    self.argument_list.eval(env=env)
    template, *values = env.stack.pop()
    parts = template.split("{}")
    if len(parts) != len(values) + 1:
        raise ValueError(f"The number of arguments do not match the occurrences of {{}} in {template}")
    filled = [part + text for part, text in zip(parts, [*map(StringFormat._to_str_repr, values), ""], strict=True)]
    env.stack.append("".join(filled))


def _unique(self: Any, env: Environment) -> None:
    self.argument_list.eval(env=env)
    (found,) = env.stack.pop()
    if not isinstance(found, list):
        raise TypeError(f"Expected an array, but got: {text_of(found)}")
    env.stack.append(list({text_of(item): item for item in reversed(found)}.values())[::-1])


def mend() -> None:
    # AWS reads the function after the JSON around it, with null, fractions and \{ \} in it; moto before, and without.
    replace(preprocessor.Preprocessor, "visitString_intrinsic_function", _visit)
    replace(VariableNamesIntrinsicStaticAnalyser, "process_and_get", staticmethod(_variable_names))
    # AWS names the function that failed; moto gives an error of Python's.
    replace(string_expression.StringIntrinsicFunction, "_eval_body", _evaluate)
    # AWS fills {} alone; moto takes any braces for Python's.
    replace(StringFormat, "_eval_body", _format)
    # AWS compares values; moto hashes them, which objects cannot be.
    replace(array_unique.ArrayUnique, "_eval_body", _unique)
