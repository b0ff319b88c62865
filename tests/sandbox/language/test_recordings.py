"""The histories that AWS itself wrote, where they lie beside the repository."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import helpers

SCORE = Path(__file__).parents[4] / "shared" / "aws-recorded" / "score.py"


@pytest.mark.skipif(not SCORE.exists(), reason=f"the recordings are not there: {SCORE}")
def test_histories_are_those_of_aws(lab: helpers.Lab) -> None:
    credentials = lab.session.get_credentials()
    assert credentials is not None
    keys = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_DEFAULT_REGION": lab.region,
    }
    url = lab.client("stepfunctions").meta.endpoint_url
    command = [sys.executable, str(SCORE), "--endpoint-url", url, "--show", "--min-full", "158"]
    told = subprocess.run(command, env=os.environ | keys, capture_output=True, text=True, check=False)
    total = re.search(r"^all +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", told.stdout, re.MULTILINE)
    assert total, told.stderr
    assert total.groups()[:4] == ("160", "160", "160", "160"), told.stdout
    assert told.returncode == 0, told.stdout
