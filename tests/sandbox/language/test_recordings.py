"""The histories that AWS itself wrote, where they lie beside the repository."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCORE = Path(__file__).parents[4] / "shared" / "aws-recorded" / "score.py"


@pytest.mark.skipif(not SCORE.exists(), reason=f"the recordings are not there: {SCORE}")
def test_histories_are_those_of_aws(tmp_path: Path) -> None:
    """On a sandbox started by hand, which holds nobody to a role: that of the recordings has no policies here."""
    environment = os.environ | {"LAB_SANDBOX_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "helpers.sandbox"]

    def said(*words: str) -> str:
        return subprocess.run([*command, *words], env=environment, capture_output=True, text=True, check=True).stdout

    said("start")
    try:
        found = json.loads(said("status", "--json"))
        keys = {
            "AWS_ACCESS_KEY_ID": found["access_key"],
            "AWS_SECRET_ACCESS_KEY": found["secret_key"],
            "AWS_DEFAULT_REGION": found["region"],
        }
        scoring = [sys.executable, str(SCORE), "--endpoint-url", found["endpoint_url"], "--show", "--min-full", "158"]
        told = subprocess.run(scoring, env=environment | keys, capture_output=True, text=True, check=False)
    finally:
        said("stop")
    total = re.search(r"^all +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", told.stdout, re.MULTILINE)
    assert total, told.stderr
    assert total.groups()[:4] == ("160", "160", "160", "160"), told.stdout
    assert told.returncode == 0, told.stdout
