"""JSON as the service reads it."""

import json
from typing import Any

__all__ = ["parse"]


def parse(text: str) -> Any:
    """The data of a JSON text; ValueError for any other, also for NaN and for what is nested too deep to be read."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
