"""The histories that AWS itself wrote, where they lie beside the repository."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import sandbox

SCORE = Path(__file__).parents[4] / "shared" / "aws-recorded" / "score.py"


@pytest.mark.skipif(not SCORE.exists(), reason=f"the recordings are not there: {SCORE}")
def test_histories_are_those_of_aws() -> None:
    running = sandbox.start()
    keys = {
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
        "AWS_DEFAULT_REGION": running.region,
    }
    command = [sys.executable, str(SCORE), "--endpoint-url", running.endpoint_url, "--show", "--min-full", "158"]
    told = subprocess.run(command, env=os.environ | keys, capture_output=True, text=True, check=False)
    total = re.search(r"^all +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", told.stdout, re.MULTILINE)
    assert total, told.stderr
    assert total.groups()[:4] == ("160", "160", "160", "160"), told.stdout
    assert told.returncode == 0, told.stdout
