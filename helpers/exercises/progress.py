"""What a learner has solved and predicted.

It is kept in `.progress.json` beside the notebooks, or in a file for each learner in the folder LAB_PROGRESS_DIR.
"""

import contextlib
import getpass
import json
import os
import platform
import re
from pathlib import Path
from typing import Any

__all__ = ["keep", "kept"]

KINDS = ("solved", "predicted")


def file() -> Path:
    """Where this learner's progress is kept."""
    if not (folder := os.environ.get("LAB_PROGRESS_DIR")):
        return Path(".progress.json")
    try:
        person = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):  # a computer that knows no users
        person = "learner"
    return Path(folder) / (re.sub(r"[^\w.@-]", "-", f"{person}@{platform.node()}") + ".json")


def kept(path: Path | None = None) -> dict[str, dict[str, Any]]:
    """What the file at `path` (this learner's, unless given) holds, by KINDS and name; of a broken one nothing."""
    try:
        found = json.loads((path or file()).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        found = None
    found = found if isinstance(found, dict) else {}
    return {kind: found[kind] if isinstance(found.get(kind), dict) else {} for kind in KINDS}


def keep(kind: str, name: str, value: Any) -> bool:
    """Enter a value under its name; returns whether the file could be written."""
    path, progress = file(), kept()
    progress[kind][name] = value
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(progress, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)
        return True
    return False
