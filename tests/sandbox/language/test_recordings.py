"""The histories that AWS itself wrote, where they lie beside the repository."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCORE = Path(__file__).parents[4] / "shared" / "aws-recorded" / "score.py"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a sandbox of its own, and the environment to reach it.

    Started by hand, it holds nobody to a role: that of the recordings has no policies here. And some of their
    functions sleep for a minute past their execution's end, which would hold other tests' fast-forward.
    """
    environment = os.environ | {"LAB_SANDBOX_DIR": str(tmp_path)}

    def sandbox(*words: str) -> str:
        command = [sys.executable, "-m", "helpers.sandbox", *words]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    sandbox("start")
    found = json.loads(sandbox("status", "--json"))
    keys = {"AWS_ACCESS_KEY_ID": found["access_key"], "AWS_SECRET_ACCESS_KEY": found["secret_key"]}
    yield found["endpoint_url"], environment | keys | {"AWS_DEFAULT_REGION": found["region"]}
    sandbox("stop")


@pytest.mark.skipif(not SCORE.exists(), reason=f"the recordings are not there: {SCORE}")
def test_histories_are_those_of_aws(place: tuple[str, dict[str, str]]) -> None:
    url, environment = place
    command = [sys.executable, str(SCORE), "--endpoint-url", url, "--show", "--min-full", "158"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    total = re.search(r"^all +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", told.stdout, re.MULTILINE)
    assert total, told.stderr
    assert total.groups()[:4] == ("160", "160", "160", "160"), told.stdout
    assert told.returncode == 0, told.stdout
