"""A lab for AWS Step Functions: a place to work in, the verbs that work there, and a workbench for histories."""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.lab import Lab, connect, current

__all__ = ["Lab", "connect", "current"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is: the sandbox's server needs no boto3 Session, a lesson on data no AWS."""
    if name in __all__:
        return getattr(importlib.import_module("helpers.lab"), name)
    if not name.startswith("_") and importlib.util.find_spec(f"helpers.{name}"):
        return importlib.import_module(f"helpers.{name}")
    raise AttributeError(f"module 'helpers' has no attribute {name!r}")
