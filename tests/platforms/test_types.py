"""The types hold on the other systems too, where other branches are taken and other parts of the library exist."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_types_hold(platform: str) -> None:
    cache = ROOT / ".mypy_cache" / platform  # of its own: mypy keeps one platform's, and begins anew with another
    command = [sys.executable, "-m", "mypy", "--platform", platform, "--cache-dir", str(cache)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
