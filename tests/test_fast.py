"""What is marked fast starts no sandbox."""

import subprocess
import sys

import pytest

import helpers
from helpers import sandbox
from helpers.errors import SandboxFailed


@pytest.mark.parametrize("start", [sandbox.start, helpers.connect, helpers.lab.current])
def test_a_fast_test_cannot_start_a_sandbox(start) -> None:
    with pytest.raises(SandboxFailed, match="cannot be used"):
        start()


def test_nor_can_a_program_that_it_runs() -> None:
    ran = subprocess.run([sys.executable, "-m", "helpers.sandbox", "start"], capture_output=True, text=True)
    assert ran.returncode != 0
    assert "cannot be used" in ran.stderr + ran.stdout
