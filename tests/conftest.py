"""What all tests share: one sandbox, started by the first test that needs it, and which tests are fast."""

import functools
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_folder = tempfile.TemporaryDirectory(prefix="lab-tests-", ignore_cleanup_errors=True)
# Set before anything of ours is imported: a test run never shares, stops or fills a person's own sandbox, and what it
# leaves behind when it is killed ends by itself.
os.environ["LAB_SANDBOX_DIR"] = _folder.name
os.environ["LAB_SANDBOX_IDLE"] = "3600"
for _name in [name for name in os.environ if re.match("AWS_|LAB_(?!SANDBOX_)", name)]:
    del os.environ[_name]
os.environ["LAB_PROGRESS_DIR"] = os.path.join(_folder.name, "progress")
# nbformat loads jsonschema, which without this spends seconds of every process on a grammar of addresses.
sys.modules["rfc3987_syntax"] = None

import helpers  # noqa: E402
from helpers import sandbox  # noqa: E402

HERE = Path(__file__).parent
# Folders and modules of tests that need nothing but this process; there a test with the fixture `lab` is not fast, nor
# is one marked as slow.
FAST = ("definition", "diagram", "engine", "history", "test_fast.py")
FAST += ("test_doctests.py", "test_planner.py", "test_quantities.py", "test_timeline.py", "test_verbatim.py")
# What takes long comes first, the longest before all: at the end no process is left alone with it.
LONG = ["browser", "notebooks", "test_faults.py", "test_planner.py", "deploy", "sandbox/test_process.py"]
LONG += ["sandbox/lambda_runner/test_descendants.py", "platforms", "definitions", "workbench"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, help="run modules, and the tests in each, in an order drawn by this seed")


@functools.cache
def _is_in(path: Path, *places: str) -> bool:
    """Whether a test's file is one of these, or in one of these folders."""
    return any(path.is_relative_to(HERE / place) for place in places)


def _rank(path: Path) -> int:
    return next((rank for rank, place in enumerate(LONG) if _is_in(path, place)), len(LONG))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (seed := config.getoption("--shuffle")) is not None:
        drawn = random.Random(seed)
        module = {path: drawn.random() for path in sorted({item.path for item in items})}
        places = {item: (module[item.path], drawn.random()) for item in items}
        items.sort(key=places.__getitem__)
    else:
        items.sort(key=lambda item: _rank(item.path))
    for item in items:
        alone = _is_in(item.path, *FAST) and "lab" not in getattr(item, "fixturenames", ())
        if alone and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.fast)


class Files(LoadFileScheduling):
    """A file's tests stay in one process, and so do all that need a browser; notebooks go where there is room."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/notebooks/test_notebooks.py"):
            return nodeid
        return "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Files:
    return Files(config, log)


@pytest.fixture(autouse=True)
def _no_sandbox_for_the_fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fast finds no Lab that others connected, and no folder in which a sandbox could start."""
    if request.node.get_closest_marker("fast"):
        monkeypatch.setattr("helpers.lab.place._current", None)
        monkeypatch.setenv("LAB_SANDBOX_DIR", os.devnull)


@pytest.fixture(scope="session")
def _sandbox_stopped_at_the_end() -> Iterator[None]:
    yield
    sandbox.stop()


@pytest.fixture(scope="session")
def lab(_sandbox_stopped_at_the_end: None) -> helpers.Lab:
    """A Lab on the test run's own sandbox."""
    return helpers.connect()
