"""JSONPath as AWS reads it: what a path selects, where a ResultPath writes, and what a path that leads nowhere says."""

import functools
import re
import sys
from collections.abc import Callable
from typing import Any

from jsonpath_ng.ext.parser import parse
from moto.stepfunctions.parser.asl.component.common.path import input_path, output_path, result_path
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJsonPath
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from helpers.sandbox.interpreter import failures
from helpers.sandbox.interpreter.data import cloned, text_of
from helpers.sandbox.interpreter.mending import replace

Steps = tuple[str | int, ...]

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]'"()?*@,\s]+)"""
    r"""|\[\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*\]"""
    r"""|\[\s*(?P<index>-?\d+)\s*\]"""
)


@functools.lru_cache(maxsize=4096)
def steps_of(path: str) -> Steps | None:
    """The names and indexes of a definite path; None for one that may select many values (`*`, `..`, slices ...)."""
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        if step["index"] is not None:
            steps.append(int(step["index"]))
        else:
            name = step["name"] or (step["single"] if step["single"] is not None else step["double"])
            steps.append(name.replace("\\'", "'") if step["single"] is not None else name)
        at = step.end()
    return tuple(steps)


@functools.lru_cache(maxsize=1024)
def _parsed(path: str) -> Any:
    return parse(path.replace("&&", "&").replace("||", "|"))


def _shown(steps: Steps) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in steps)


_AGGREGATES: dict[str, Callable[[Any], Any]] = {
    "length": len,
    "min": min,
    "max": max,
    "sum": sum,
    "avg": lambda numbers: sum(numbers) / len(numbers),
}
_AGGREGATE = re.compile(rf"(\$.*)\.({'|'.join(_AGGREGATES)})\(\)")


def select(path: str, data: Any) -> Any:
    """The value of a definite path, or the list of all values of another. Raises moto's NoSuchJsonPathError."""
    if path.endswith("()") and (found := _AGGREGATE.fullmatch(path)):
        return _AGGREGATES[found[2]](select(found[1], data))
    steps = steps_of(path)
    if steps is None:
        return [match.value for match in _parsed(path).find(data)]
    value = data
    for step in steps:
        try:
            if isinstance(step, int) is not isinstance(value, list) or not isinstance(value, list | dict):
                raise KeyError(step)
            value = value[step]  # type: ignore[index]
        except (KeyError, IndexError):
            raise NoSuchJsonPathError(json_path=path, data=data) from None
    return value


def nowhere(path: str, data: Any) -> str:
    """What AWS's JSONPath library says of a definite path that leads nowhere."""
    steps = steps_of(path) or ()
    value = data
    for at, step in enumerate(steps):
        if isinstance(step, str) and not isinstance(value, dict):
            return f"Missing property in path {_shown(steps[:at])}"
        if isinstance(step, str) and step not in value:
            if at + 1 < len(steps):
                return f"Missing property in path {_shown(steps[: at + 1])}"
            break
        if isinstance(step, int) and (not isinstance(value, list) or not -len(value) <= step < len(value)):
            break
        value = value[step]
    return f"No results for path: {_shown(steps)}"


def invalid(env: Environment, error: NoSuchJsonPathError) -> Exception:
    """The failure of a field whose path leads nowhere."""
    cause = f"Invalid path '{error.json_path}' : {nowhere(error.json_path, error.data)}"
    return failures.execution_failure(env, failures.RUNTIME, cause)


def _is_root(sampler: Any) -> bool:
    return type(sampler) is StringJsonPath and sampler.json_path == "$"


def _filter_input(self: Any, env: Environment) -> None:
    if self.string_sampler is None:
        env.stack.append({})
        return
    env.stack.append(env.states.get_input())
    if _is_root(self.string_sampler):
        return
    try:
        self.string_sampler.eval(env=env)
    except NoSuchJsonPathError as error:
        raise invalid(env, error) from error


def _filter_output(self: Any, env: Environment) -> None:
    if self.string_sampler is None:
        env.states.reset(input_value={})
        return
    if _is_root(self.string_sampler):
        env.states.reset(env.stack.pop())
        return
    try:
        self.string_sampler.eval(env=env)
    except NoSuchJsonPathError as error:
        raise invalid(env, error) from error
    env.states.reset(env.stack.pop())


def placed(data: Any, path: str, value: Any) -> Any:
    """`data` with `value` at a definite path, objects made on the way; else KeyError(step, what is there)."""
    steps = steps_of(path)
    if not steps:
        return value
    target = data
    for at, step in enumerate(steps):
        if isinstance(step, int):
            if not isinstance(target, list) or not 0 <= step < len(target):
                raise KeyError(step, target)
        elif not isinstance(target, dict):
            raise KeyError(step, target)
        if at + 1 == len(steps):
            target[step] = value
        elif isinstance(step, int):
            target = target[step]
        else:
            target = target.setdefault(step, {})
    return data


def _place_result(self: Any, env: Environment) -> None:
    before = env.states.get_input()
    if self.result_path_src is None:
        env.stack.clear()
        env.stack.append(before)
        return
    result = env.stack.pop()
    try:
        env.stack.append(placed(before, self.result_path_src, cloned(result)))
    except KeyError as error:
        step, there = error.args
        cause = f'Unable to apply step "{step}" to input {text_of(there)}'
        raise failures.execution_failure(env, "States.ResultPathMatchFailure", cause) from error


def mend() -> None:
    # AWS's paths give one value where they are definite and a list otherwise; moto's depend on what they find.
    original = json_path.extract_json
    replace(json_path, "extract_json", select)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser.") and getattr(module, "extract_json", None) is original:
            replace(module, "extract_json", select)
    # AWS tells a missing object from a missing leaf; moto calls both a leaf.
    replace(input_path.InputPath, "_eval_body", _filter_input)
    replace(output_path.OutputPath, "_eval_body", _filter_output)
    # AWS fails with States.ResultPathMatchFailure where a result has no place; moto replaces what is there.
    replace(result_path.ResultPath, "_eval_body", _place_result)
