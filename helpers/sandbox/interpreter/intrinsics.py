"""Intrinsic functions (States.Format and its fellows): how they are read, and what a failing one says."""

import json
import re
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguageMode
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringVariableSample
from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.factory import StatesFunctionFactory
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
from helpers.sandbox.interpreter.functions import CLOSE, OPEN, with_braces
from helpers.sandbox.interpreter.mending import replace

INTRINSIC = "States.IntrinsicFailure"
_ESCAPES = {"\\{": OPEN, "\\}": CLOSE, "\\'": "'", "\\\\": "\\"}

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


class _ContextPath(argument.ArgumentContextPath):
    def _eval_argument(self, env: Environment) -> Any:
        try:
            return super()._eval_argument(env)
        except NoSuchJsonPathError as error:
            raise NoSuchJsonPathError(json_path=f"${self.json_path}", data=error.data) from error


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
        return _ContextPath(context_path=path)
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
    except FailureEventException:
        raise
    except NoSuchJsonPathError as error:
        cause = (
            f"The function '{self.literal_value}' had the following error: The JsonPath argument for the field "
            f"'{error.json_path}' could not be found in the input '{text_of(error.data)}'"
        )
        raise failures.execution_failure(env, failures.RUNTIME, cause) from error
    except Exception as error:
        cause = f"The function '{self.literal_value}' had the following error: {error}"
        raise failures.execution_failure(env, INTRINSIC, cause) from error
    env.stack[-1] = with_braces(env.stack[-1])


def mend() -> None:
    # AWS reads the function after the JSON around it, with null, fractions and \{ \} in it; moto before, and without.
    replace(preprocessor.Preprocessor, "visitString_intrinsic_function", _visit)
    replace(VariableNamesIntrinsicStaticAnalyser, "process_and_get", staticmethod(_variable_names))
    # AWS names the function that failed; moto gives an error of Python's.
    replace(string_expression.StringIntrinsicFunction, "_eval_body", _evaluate)
