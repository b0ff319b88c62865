"""What a learner has solved and predicted, and the card that shows it.

It is kept in `.progress.json` beside the notebooks, or in a file for each learner in the folder LAB_PROGRESS_DIR.
"""

import contextlib
import html
import json
import os
import platform
import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.errors import InvalidSetting
from helpers.exercises.judges import EXERCISES
from helpers.verbatim import verbatim

__all__ = ["Progress", "keep", "kept", "progress", "room"]

KINDS = ("solved", "predicted")


def file() -> Path:
    """Where this learner's progress is kept."""
    if not (folder := os.environ.get("LAB_PROGRESS_DIR")):
        return Path(".progress.json")
    from helpers.lab.settings import person  # here, since a lesson on data needs no AWS

    return Path(folder) / (re.sub(r"[^\w.@-]", "-", f"{person() or 'learner'}@{platform.node()}") + ".json")


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


@dataclass(frozen=True)
class Progress:
    """What is solved: by exercise, in the order of the lessons, when it was first (ISO text, UTC)."""

    solved: dict[str, str]

    @property
    def next(self) -> str | None:
        """The open exercise that follows the one solved last, or else the first open one; None where none is open."""
        names = list(EXERCISES)
        last = names.index(max(self.solved, key=lambda name: self.solved[name])) if self.solved else -1
        return next((name for name in names[last + 1 :] + names if name not in self.solved), None)

    def __repr__(self) -> str:
        count = len(self.solved)
        said = f"{count} exercise{'s' * (count != 1)} solved" if count else "Nothing solved yet"
        return f"{said}; next: {self.next}." if self.next else f"All {count} exercises solved."

    def _repr_html_(self) -> str:
        here = {path.name[:2]: path.name for path in Path().glob("[0-9][0-9]-*.ipynb")}

        def linked(lesson: str, text: str) -> str:
            return f'<a href="{html.escape(here[lesson])}">{text}</a>' if lesson in here else text

        rows = []
        for lesson, names in groupby(EXERCISES, key=lambda name: name[:2]):
            listed = list(names)
            if any(name in self.solved for name in listed):
                signs = ", ".join(f"{'✔' if name in self.solved else '○'} {name[3:]}" for name in listed)
                rows.append(f"<tr><td>{linked(lesson, lesson)}</td><td style='text-align:left'>{signs}</td></tr>")
        said = repr(self)
        if self.next:
            said = said.replace(self.next, linked(self.next[:2], self.next))
        return verbatim(f"<p>{said}</p>" + f"<table>{''.join(rows)}</table>" * bool(rows))


def progress() -> Progress:
    """What this learner has solved, and what is next."""
    return _solved(kept())


def room() -> pd.DataFrame:
    """The progress of all whose files lie in LAB_PROGRESS_DIR: a row each, in order of name.

    Columns: `learner` (user@computer), `solved` (how many exercises), `last` (when the last one was, ISO text in UTC),
    `next`. Raises InvalidSetting where LAB_PROGRESS_DIR names no folder.
    """
    folder = Path(os.environ.get("LAB_PROGRESS_DIR") or " ")
    if not folder.is_dir():
        raise InvalidSetting("LAB_PROGRESS_DIR names no folder; set it to the one that all learners write into.")
    found = [(path.stem, _solved(kept(path))) for path in sorted(folder.glob("*.json"))]
    rows = [(name, len(one.solved), max(one.solved.values(), default=None), one.next) for name, one in found]
    return pd.DataFrame(rows, columns=["learner", "solved", "last", "next"])


def _solved(of: dict[str, dict[str, Any]]) -> Progress:
    stamps = of["solved"]
    return Progress({name: stamps[name] for name in EXERCISES if isinstance(stamps.get(name), str)})
