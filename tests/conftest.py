"""Fixtures shared by all tests: one sandbox of the test run's own."""

import os
import tempfile
from collections.abc import Iterator

import pytest

_folder = tempfile.TemporaryDirectory(prefix="lab-tests-", ignore_cleanup_errors=True)
# Set before anything of ours is imported: a test run never shares, stops or fills a person's own sandbox, and what it
# leaves behind when it is killed ends by itself.
os.environ["LAB_SANDBOX_DIR"] = _folder.name
os.environ["LAB_SANDBOX_IDLE"] = "900"
for _name in [name for name in os.environ if name.startswith(("AWS_", "LAB_TARGET", "LAB_PREFIX"))]:
    del os.environ[_name]

import helpers  # noqa: E402
from helpers import sandbox  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _sandbox_stopped_at_the_end() -> Iterator[None]:
    yield
    sandbox.stop()


@pytest.fixture(scope="session")
def lab() -> helpers.Lab:
    """A Lab on the test run's own sandbox."""
    return helpers.connect()
