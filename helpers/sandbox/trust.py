"""Whether a role lets a service assume it."""

import json
from typing import Any

__all__ = ["trusts"]

_ASSUMES = {"sts:AssumeRole", "sts:*", "*"}


def trusts(document: str, services: set[str]) -> bool:
    """Whether a role's trust policy, as JSON, allows one of `services` to assume it."""
    statements = _many(json.loads(document).get("Statement", []))
    return any(
        statement.get("Effect") == "Allow"
        and _ASSUMES & set(_many(statement.get("Action", [])))
        and isinstance(statement.get("Principal"), dict)
        and services & set(_many(statement["Principal"].get("Service", [])))
        for statement in statements
    )


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
