"""Data between states: how it is copied, how it is written, how much of it there may be."""

import copy
import datetime
import json
import re
import sys
import types
from typing import Any

from moto.stepfunctions.parser import quotas
from moto.stepfunctions.parser.asl.component import eval_component
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.eval import environment, states
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning
from moto.stepfunctions.parser.asl.utils import encoding
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from helpers.sandbox.interpreter.mending import replace

_ATOMS = frozenset({str, int, float, bool, type(None)})


def cloned(value: Any) -> Any:
    """A copy that shares nothing changeable with `value`; for JSON data several times faster than copy.deepcopy."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {key: cloned(item) for key, item in value.items()}
    if kind is list:
        return [cloned(item) for item in value]
    return copy.deepcopy(value)


def time_text(value: datetime.datetime) -> str:
    """A time as AWS writes it into data."""
    return value.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def moment(text: str) -> datetime.datetime | None:
    """The time that a text in RFC 3339's profile of ISO 8601 stands for, to the microsecond; None for any other."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    seconds, fraction, zone = found.groups()
    try:
        return datetime.datetime.fromisoformat(f"{seconds}.{(fraction or '').ljust(6, '0')[:6]}{zone}")
    except ValueError:
        return None


def _text_of_other(value: Any) -> str:
    return time_text(value) if isinstance(value, datetime.datetime) else str(value)


_encoder = json.JSONEncoder(default=_text_of_other, separators=(",", ":"), ensure_ascii=False)


def text_of(value: Any) -> str:
    """Data as AWS writes it: compact JSON in UTF-8."""
    return _encoder.encode(value)


def _to_json_str(obj: Any, separators: Any = None) -> str:
    return _encoder.encode(obj)


def _is_within_quota(value: Any) -> bool:
    text = value if isinstance(value, str) else text_of(value)
    return len(text.encode()) <= quotas.MAX_STATE_SIZE_UTF8_BYTES


def _replace_everywhere(owner: Any, name: str, replacement: Any) -> None:
    original = getattr(owner, name)
    for path, module in list(sys.modules.items()):
        if path.startswith(("moto.stepfunctions.", "helpers.sandbox.")) and getattr(module, name, None) is original:
            replace(module, name, replacement)


def _evaluate(self: Any, env: Any) -> None:
    program = env._program_state
    if isinstance(program, ProgramRunning):
        field = self._field_name()
        if field is not None:
            program._next_field_name = field
        try:
            self._eval_body(env)
        except NoSuchJsonPathError as error:
            if not hasattr(error, "field"):
                # Known here alone: what catches it may run in another environment.
                error.field = env.next_field_name  # type: ignore[attr-defined]
            raise


def mend() -> None:
    # AWS writes compact JSON in UTF-8; moto mixes styles and escapes what is not ASCII.
    _replace_everywhere(encoding, "to_json_str", _to_json_str)
    # AWS takes 262,144 bytes; moto one less.
    _replace_everywhere(quotas, "is_within_size_quota", _is_within_quota)
    # Half of moto's time goes into copy.deepcopy, much of the rest into logging the whole machine at each failure.
    for module in (environment, states, string_expression):
        replace(module, "copy", types.SimpleNamespace(deepcopy=cloned))
    replace(eval_component.EvalComponent, "eval", _evaluate)
