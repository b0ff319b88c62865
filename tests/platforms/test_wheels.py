"""Every pin has a wheel for Windows and for Macs with Apple's processors: nobody there needs a compiler."""

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS: dict[str, dict[str, str]] = {
    "win_amd64": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    "macosx_14_0_arm64": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}
FOUND = "0b4ba8ebfe7f"  # a digest of the pins for which all wheels were found; others are asked for
PYTHONS = ("3.13",)  # what the README names for these systems; each asks the registry for half a gigabyte


def runs_anywhere(name: str) -> bool:
    """Whether the package is installed here from a wheel for all systems; one that is not is asked for."""
    try:
        return "-none-any" in (importlib.metadata.distribution(name).read_text("WHEEL") or "")
    except importlib.metadata.PackageNotFoundError:
        return False


def pins(platform: str, python: str) -> list[str]:
    """The pins that an installation there takes and that could lack a wheel."""
    there = PLATFORMS[platform] | {"python_version": python, "python_full_version": f"{python}.0"}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if "==" in line]
    wanted = [pin for pin in found if pin.marker is None or pin.marker.evaluate(dict(there))]
    return [f"{pin.name}{pin.specifier}" for pin in wanted if not runs_anywhere(pin.name)]


def ask(pip: str, platform: str, python: str, wanted: list[str], target: Path) -> "subprocess.CompletedProcess[str]":
    """What pip would install of `wanted` there, without installing anything."""
    command = [pip, "-m", "pip", "install", "-q", "--dry-run", "--no-deps", "--ignore-installed", "--report", "-"]
    # Without --ignore-requires-python pip holds the pins against the Python that it runs on.
    there = ["--only-binary=:all:", "--platform", platform, "--python-version", python, "--ignore-requires-python"]
    patience = ["--timeout", "10", "--retries", "1", "--target", str(target)]
    return subprocess.run([*command, *there, *patience, *wanted], capture_output=True, text=True)


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has pip and reaches a registry."""
    target = tmp_path_factory.mktemp("nothing")
    for python in (sys.executable, shutil.which("python3"), shutil.which("py")):
        if python and not subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode:
            (known,) = [pin for pin in pins("win_amd64", "3.12") if pin.startswith("psutil==")]
            if ask(python, "win_amd64", "3.12", [known], target).returncode:
                pytest.skip("no registry of packages for other systems can be reached")
            return python
    pytest.skip("there is no pip to ask, neither in this environment nor beside it")


def missing(pip: str, platform: str, target: Path) -> list[str]:
    """What pip says of the pins that have no wheel there, with the version of Python."""
    found: list[str] = []
    for_all: set[str] = set()
    for python in PYTHONS:
        wanted = [pin for pin in pins(platform, python) if pin not in for_all]
        assert len(wanted) > 10
        answer = ask(pip, platform, python, wanted, target)
        found += [f"{python}: {said}" for said in re.findall(r"^ERROR: (.*)", answer.stderr, re.MULTILINE)]
        if not answer.returncode:
            chosen = {
                canonicalize_name(one["metadata"]["name"]): one["download_info"]["url"]
                for one in json.loads(answer.stdout)["install"]
            }
            wheels = {pin: chosen[canonicalize_name(pin.partition("==")[0])] for pin in wanted}
            # Named abi3 or py3, a wheel serves the later Pythons too.
            for_all |= {pin for pin, wheel in wheels.items() if re.search("-abi3-|-py3-", wheel)}
    return found


def test_every_pin_has_a_wheel(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    pinned = sorted(re.findall("^.*==.*$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    digest = hashlib.sha256("\n".join(pinned).encode()).hexdigest()[:12]
    if digest == FOUND and not os.environ.get("RUN_WHEELS"):
        pytest.skip("for these pins all wheels were found when they were asked for last: set RUN_WHEELS=1 to ask again")
    pip = request.getfixturevalue("pip")
    with ThreadPoolExecutor(len(PLATFORMS)) as threads:
        found = dict(zip(PLATFORMS, threads.map(lambda there: missing(pip, there, tmp_path), PLATFORMS), strict=True))
    assert found == {platform: [] for platform in PLATFORMS}
    assert digest == FOUND, "they are all there: FOUND is to be this digest of the pins"
