"""The types hold on Windows too, where other branches are taken and other parts of the library exist."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_types_hold_on_windows() -> None:
    cache = ROOT / ".mypy_cache" / "win32"  # of its own: mypy keeps one platform's, and begins anew with another
    command = [sys.executable, "-m", "mypy", "--platform", "win32", "--cache-dir", str(cache)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
