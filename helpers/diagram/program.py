"""The drawing program: the one that comes with our dependencies, else the system's `dot`."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from functools import cache

from helpers.errors import DrawingFailed

__all__ = ["drawn", "find", "render"]

SECONDS = 60


@cache
def find() -> str | None:
    """The path of the drawing program that works here, None where none may run.

    First `graphviz-pure` in the environment's folder of scripts, then `dot` on the PATH.
    """
    scripts = sysconfig.get_path("scripts")
    for candidate in (shutil.which("graphviz-pure", path=scripts), shutil.which("dot")):
        if candidate and render("digraph { a }", "svg", candidate) is not None:
            return candidate
    return None


def render(source: str, form: str, program: str, *, dpi: int | None = None) -> bytes | None:
    """A DOT text as `svg` or `png`; None where the program did not draw it."""
    command = [program, "-q", f"-T{form}", *([f"-Gdpi={dpi}"] if dpi else [])]
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


def drawn(source: str, form: str, *, dpi: int | None = None) -> bytes:
    """A DOT text as `svg` or `png`; raises `DrawingFailed` where no drawing program runs or this one refuses."""
    program = find()
    if form == "png":
        source = source.replace("✔", "√")  # the fonts that come with the program have no other
    picture = render(source, form, program, dpi=dpi) if program else None
    if picture is None:
        raise DrawingFailed(
            "No drawing program could draw this picture; install `graphviz-pure` into this environment, or Graphviz "
            "with `dot` on the PATH."
        )
    return picture
