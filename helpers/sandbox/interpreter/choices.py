"""Choice states: which rule matches, what its comparisons take for a match, and what no match says."""

import datetime
import operator
import re
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.choice import state_choice
from moto.stepfunctions.parser.asl.component.state.choice.comparison import comparison, comparison_func, variable
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.parse import preprocessor
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from helpers.sandbox.interpreter import failures
from helpers.sandbox.interpreter.data import moment
from helpers.sandbox.interpreter.jsonpath import select
from helpers.sandbox.interpreter.mending import replace
from helpers.sandbox.interpreter.states import unexpected_type

_PATTERN = re.compile(r"\\(.)|(\*)|([^\\*]+|\\)", re.DOTALL)


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _time(value: Any) -> datetime.datetime | None:
    return moment(value) if isinstance(value, str) else None


_KINDS: dict[str, Callable[[Any], Any]] = {"Boolean": _truth, "Numeric": _number, "String": _text, "Timestamp": _time}
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_OPERATOR = re.compile(r"(Boolean|Numeric|String|Timestamp)(\w+?)(Path)?")


def is_match(text: str, pattern: str) -> bool:
    r"""Whether `text` is what `pattern` says: `*` stands for any characters, `\*` for itself, `\\` for a backslash."""
    parts = (".*" if star else re.escape(escaped or plain) for escaped, star, plain in _PATTERN.findall(pattern))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def is_true(name: str, value: Any, wanted: Any) -> bool:
    """Whether a comparison holds, `name` being its operator without `Path`; values of other types never match."""
    if name == "IsPresent":
        return isinstance(value, NoSuchVariable) is not wanted
    if name == "IsNull":
        return (value is None) is wanted
    if name.startswith("Is"):
        return (_KINDS[name[2:]](value) is not None) is wanted
    if name == "StringMatches":
        return isinstance(value, str) and is_match(value, wanted)
    kind, test, _ = _OPERATOR.fullmatch(name).groups()  # type: ignore[union-attr]
    left, right = _KINDS[kind](value), _KINDS[kind](wanted)
    return left is not None and right is not None and _TESTS[test](left, right)


def _refuse(env: Environment, path: str) -> Exception:
    cause = f"Invalid path '{path}': The choice state's condition path references an invalid value."
    return failures.execution_failure(env, failures.RUNTIME, cause)


def _wanted(self: Any, env: Environment) -> Any:
    """The value to compare with: the definition's own, or where its path leads."""
    if not self.operator_type.name.endswith("Path"):
        return self.value
    sample = getattr(self, "string_variable_sample", None)
    try:
        if sample is not None:
            sample.eval(env=env)
            return env.stack.pop()
        if self.value.startswith("$$"):
            return select(self.value[1:], env.states.context_object.context_object_data)
        return select(self.value, env.stack[-1])
    except NoSuchJsonPathError as error:
        raise _refuse(env, sample.expression if sample is not None else self.value) from error


def _compare(self: Any, env: Environment) -> None:
    name = self.operator_type.name
    value = env.stack.pop()
    if isinstance(value, NoSuchVariable) and name != "IsPresent":
        raise _refuse(env, value.path)
    env.stack.append(is_true(name.removesuffix("Path"), value, _wanted(self, env)))


def _value_of_variable(self: Any, env: Environment) -> None:
    try:
        self.string_sampler.eval(env=env)
    except NoSuchJsonPathError:
        env.stack.append(NoSuchVariable(self.string_sampler.literal_value))


def _condition(self: Any, env: Environment) -> None:
    expression: StringJSONata = self.string_jsonata
    expression.eval(env=env)
    if not isinstance(env.stack[-1], bool):
        raise unexpected_type(env, expression, "boolean", env.stack[-1])


def _choose(self: Any, env: Environment) -> None:
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.chosen = rule  # type: ignore[attr-defined]
            env.stack.append(rule.next_stmt.name)
            return
    if self.default_state is None:
        raise failures.execution_failure(
            env,
            "States.NoChoiceMatched",
            "Failed to transition out of the state. The state does not point to a next state.",
        )
    env.chosen = None  # type: ignore[attr-defined]
    env.stack.append(self.default_state.state_name)


def _put_out(self: Any, env: Any) -> None:
    following = env.stack.pop()
    if env.chosen is None:
        for field in (self.assign_decl, self.output):
            if field:
                field.eval(env=env)
    if self._is_language_query_jsonpath():
        if self.output_path:
            self.output_path.eval(env=env)
        else:
            env.states.reset(input_value=env.stack.pop())
    env.next_state_name = following


def _mend_rules() -> None:
    visit = preprocessor.Preprocessor.visitChoice_rule_comparison_variable

    def visit_rule(self: Any, ctx: Any) -> Any:
        rule = visit(self, ctx)
        if rule.assign is None:
            found = [part for child in ctx.children if isinstance(part := self.visit(child), AssignDecl)]
            rule.assign = found[0] if found else None  # type: ignore[misc]
        return rule

    replace(preprocessor.Preprocessor, "visitChoice_rule_comparison_variable", visit_rule)


def mend() -> None:
    # AWS assigns the variables of a rule in JSONPath too; moto those of JSONata rules alone.
    _mend_rules()
    # AWS ends with States.NoChoiceMatched; moto with an error in its error.
    replace(state_choice.StateChoice, "_eval_state", _choose)
    # AWS takes the state's own Assign and Output when no rule matched; moto also when a rule leads to the Default.
    replace(state_choice.StateChoice, "_eval_state_output", _put_out)
    # AWS names the type that a condition gave; moto raises RuntimeError.
    replace(comparison.ConditionStringJSONata, "_eval_body", _condition)
    # AWS fails when a Choice compares what is not there; moto takes it for unequal. AWS compares any RFC 3339 time,
    # takes \* for a star and reads paths into the context; moto knows whole seconds in UTC and no escapes.
    for kind in (comparison_func.ComparisonFuncValue, comparison_func.ComparisonFuncStringVariableSample):
        replace(kind, "_eval_body", _compare)
    replace(variable.Variable, "_eval_body", _value_of_variable)
