"""Some of Windows on another system, for the sandbox's server.

Its python is a launcher (LAUNCHER names it), the workers' branches for Windows are taken, and every file that it
renames, removes or reads below LAB_SANDBOX_DIR is held by somebody else the first time.
"""

import builtins
import io
import os
import subprocess
import sys
import types
from typing import Any

_met: set[tuple[str, str]] = set()


def _held_once(kind: str, path: Any) -> None:
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    inside = name and (not os.path.isabs(name) or os.environ.get("LAB_SANDBOX_DIR", "\0") in name)
    if inside and (kind, name) not in _met:
        _met.add((kind, name))
        raise PermissionError(
            13, "The process cannot access the file because it is being used by another process", name
        )


def _hold(kind: str) -> None:
    real = getattr(os, kind)

    def held(path: Any, *arguments: Any, **options: Any) -> Any:
        _held_once(kind, path)
        return real(path, *arguments, **options)

    setattr(os, kind, held)


def _hold_what_is_read() -> None:
    real = io.open

    def held(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "r" in mode and str(path).endswith("state.json"):
            _held_once("open", path)
        return real(path, mode, *arguments, **options)

    io.open = builtins.open = held


if "helpers.sandbox.server" in sys.orig_argv:
    subprocess.CREATE_NEW_PROCESS_GROUP = subprocess.CREATE_NO_WINDOW = 0
    from helpers.sandbox.lambda_runner import workers

    workers.sys = types.SimpleNamespace(platform="win32", executable=os.environ["LAUNCHER"])
    for _kind in ("rename", "replace", "unlink"):
        _hold(_kind)
    _hold_what_is_read()
