"""The payload of an event or visit: text until somebody asks for it."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from helpers.errors import PayloadUnreadable

__all__ = ["payload"]

Row = Mapping[str, Any] | pd.Series


def payload(row: Row, column: Literal["input", "output"] | None = None) -> Any:
    """Parse the payload of one row of an events or visits table.

    `row` is a row (`frame.iloc[3]`) or a mapping with its columns. `column` says which payload; left out, we take the
    output where there is one, else the input. Returns what the JSON text holds: a dict, list, text, number ...

    Raises PayloadUnreadable when there is none, when AWS cut it off, or when it is no JSON. The text itself stays in
    the row.

    >>> payload({"input": '{"bucket": "mine"}', "output": None})
    {'bucket': 'mine'}
    """
    if not isinstance(row, Mapping | pd.Series):
        raise PayloadUnreadable(
            f"A payload is that of one row of a table, and this is of type {type(row).__name__}: give frame.iloc[3]."
        )
    if column is None:
        column = "output" if isinstance(row.get("output"), str) else "input"
    text = row.get(column)
    if not isinstance(text, str):
        raise PayloadUnreadable(
            f"{_name(row)} has no {column}: this kind of row bears none, or the history was fetched or logged "
            "without execution data."
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if not isinstance(error, json.JSONDecodeError):
            wrong = "is nested too deeply, or holds too long a number, to be parsed"
        elif row.get("truncated") is True or error.pos >= len(text.rstrip()) or "Unterminated" in error.msg:
            wrong = f"was cut off after {len(text):,} characters, so it is no whole JSON"
        else:
            wrong = f"is no JSON: it breaks at character {error.pos + 1} ({error.msg})"
        raise PayloadUnreadable(f"The {column} of {_name(row)} {wrong}; its text is in the row's '{column}'.") from None


def _name(row: Row) -> str:
    number, kind, state = row.get("id"), row.get("type"), row.get("state")
    what = f"event {number} ({kind})" if number is not None else "this visit"
    return f"{what} of {state}" if isinstance(state, str) else what
