"""JSONata expressions: their values, Step Functions' own functions, and what a failing one says."""

import copy
import functools
import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from jsonata import Jsonata, jexception
from jsonata.utils import Utils
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from helpers.sandbox.interpreter.data import cloned
from helpers.sandbox.interpreter.failures import query_evaluation_failure
from helpers.sandbox.interpreter.jsonata_functions import FUNCTIONS, Expression, QueryError, UnsupportedResult, plain
from helpers.sandbox.interpreter.jsonpath import select
from helpers.sandbox.interpreter.mending import replace

UNDEFINED = object()

# jsonata-python's catalogue calls every function "Object"; the reference implementation, and AWS, call it "function".
_MESSAGES = {code: text.replace("Object", "function") for code, text in jexception.JException.error_codes.items()}
_SUBTYPES = {"n": "numbers", "s": "strings", "b": "booleans", "o": "objects", "a": "arrays"}
_parsing = threading.Lock()


@functools.lru_cache(maxsize=4096)
def _parsed(expression: str) -> Expression:
    with _parsing:
        parsed = Expression(expression)
    parsed.set_output_convert_nulls(False)
    parsed.set_validate_input(False)
    for name, function in FUNCTIONS.items():
        parsed.register_lambda(name, function)
    parsed.assign("eval", None)
    return parsed


def _message(error: jexception.JException) -> str:
    if error.error in ("D3137", "D3141"):
        return f"{error.error}: {error.current}"
    template = _MESSAGES.get(error.error)
    if template is None:
        return str(error)
    inserts = iter([error.current, error.expected, error.extra])

    def insert(_: re.Match[str]) -> str:
        value = next(inserts, None)
        if error.error == "T0412":
            value = _SUBTYPES.get(str(value), value)
        try:
            return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)
        except UnsupportedResult:
            return "{}"

    return f"{error.error}: " + re.sub(r"\{\{\w+\}\}", insert, template)


def syntax_error(expression: str) -> str | None:
    """What is wrong with the writing of an expression, in the words of JSONata; None where nothing is."""
    try:
        _parsed(expression)
    except jexception.JException as error:
        return re.sub(r"^[A-Z]\d{4}: ", "", _message(error))
    except Exception as error:  # the library's parser stumbles over some texts
        return str(error)
    return None


def free_names(expression: str) -> list[str]:
    """The names that a well-written expression looks up in a context item, which it has not on Step Functions."""
    return list(dict.fromkeys(_names(_parsed(expression).ast)))


def _names(node: Any) -> Iterator[str]:
    if node is None:
        return
    if node.type == "name":
        yield node.value
    elif node.type == "path":
        yield from _names(node.steps[0])
    elif node.type not in ("transform", "regex"):
        pairs = [part for pair in getattr(node, "lhs_object", None) or [] for part in pair]
        fields = ("lhs", "rhs", "expression", "condition", "then", "_else", "body")
        lists = () if node.type == "lambda" else ("expressions", "arguments")
        inner = [getattr(node, field, None) for field in fields]
        for part in (*inner, *(part for name in lists for part in getattr(node, name, None) or []), *pairs):
            yield from _names(part)


def value_of(expression: str, bindings: Mapping[str, Any]) -> Any:
    """Evaluate an expression (without its `{% %}`), `bindings` by name without their `$`.

    Returns JSON data, or UNDEFINED. Raises QueryError (with the text of the error) or UnsupportedResult.
    """
    try:
        parsed = _parsed(expression)
        # Its functions find the expression they run in through the thread.
        Jsonata.CURRENT.jsonata = copy.copy(parsed)
        result = parsed.evaluate(
            None, {name: Utils.NULL_VALUE if value is None else value for name, value in bindings.items()}
        )
    except QueryError:
        raise
    except jexception.JException as error:
        raise QueryError(_message(error)) from error
    except RecursionError as error:
        raise QueryError("D1011: Stack overflow. Check for non-terminating recursive function.") from error
    except ValueError as error:
        if found := re.match(r"could not convert string to float: '(.*)'", str(error)):
            raise QueryError(f'D3030: Unable to cast value to a number: "{found[1]}"') from error
        if found := re.match(r"Invalid isoformat string: '(.*)'", str(error)):
            text = "The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given"
            raise QueryError(f'D3110: {text} "{found[1]}"') from error
        raise QueryError(str(error)) from error
    except (TypeError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        raise QueryError(str(error)) from error
    return UNDEFINED if result is None else plain(result)


def _bindings(env: Environment, with_states: bool) -> dict[str, Any]:
    store = env.variable_store
    bindings = {**store._outer_scope, **store._inner_scope}
    if with_states:
        bindings["states"] = env.states._states_data
    return bindings


def evaluate(env: Environment, expression: str, field: str | None) -> Any:
    """The value of an expression in a state's field; raises FailureEventException where it has none."""
    where = f" specified for the field '{field}'" if field else ""
    try:
        value = value_of(expression, _bindings(env, with_states=True))
    except QueryError as error:
        separator = "." if re.match(r"[A-Z]\d{4}: ", str(error)) else ":"
        cause = f"The JSONata expression '{expression}'{where} threw an error during evaluation{separator} {error}"
        raise query_evaluation_failure(env, cause, field) from error
    except UnsupportedResult as error:
        cause = f"The JSONata expression '{expression}'{where} returned an unsupported result type."
        raise query_evaluation_failure(env, cause, field) from error
    if value is UNDEFINED:
        cause = f"The JSONata expression '{expression}'{where} returned nothing (undefined)."
        raise query_evaluation_failure(env, cause, field)
    return value


def _evaluate_string(self: Any, env: Environment) -> None:
    env.stack.append(evaluate(env, self.expression, getattr(self, "field", None)))


def _sample_variable(self: Any, env: Environment) -> None:
    """StringVariableSample, in a JSONPath state: `$name` and a path below it."""
    name = re.match(r"\$(\w+)", self.expression)
    bindings = _bindings(env, with_states=False)
    if name is None or name[1] not in bindings:
        raise NoSuchJsonPathError(json_path=self.expression, data=env.states._states_data["input"])
    env.stack.append(cloned(select(f"${self.expression[name.end() :]}", bindings[name[1]])))


def mend() -> None:
    # AWS evaluates JSONata 2.0.6; moto has no evaluator, and would paste all data into the expression's text.
    replace(string_expression.StringJSONata, "_eval_body", _evaluate_string)
    replace(string_expression.StringVariableSample, "_eval_body", _sample_variable)
    # Definitions are analysed with this when they are created.
    replace(moto_jsonata, "eval_jsonata_expression", lambda expression: value_of(expression, {}))
