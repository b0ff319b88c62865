"""Fixtures shared by all tests: one sandbox of the test run's own."""

import os
import tempfile
from collections.abc import Iterator

import pytest

_folder = tempfile.TemporaryDirectory(prefix="lab-tests-", ignore_cleanup_errors=True)
# Set before anything of ours is imported: a test run never shares, stops or fills a person's own sandbox.
os.environ["LAB_SANDBOX_DIR"] = _folder.name
os.environ.pop("LAB_TARGET", None)

import helpers  # noqa: E402
from helpers import sandbox  # noqa: E402


@pytest.fixture(scope="session")
def lab() -> Iterator[helpers.Lab]:
    """A Lab on the test run's own sandbox, stopped at the end."""
    yield helpers.connect()
    sandbox.stop()
