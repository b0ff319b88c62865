"""What is installed from a built wheel, where there is no clone."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from helpers import definition, history
from helpers.errors import UnknownName

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"definitions": ROOT / "definitions", "notebooks/samples": ROOT / "notebooks" / "samples"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder into which a wheel, built now, has been unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    base = getattr(sys, "_base_executable", sys.executable)
    command = [base, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    missing = re.search("No module named pip|No matching distribution found for hatchling", built.stderr)
    if missing:
        pytest.skip(f"a wheel cannot be built here: {missing[0]}")
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_holds_what_the_clone_holds(installed, name):
    def files(folder: Path) -> dict[str, bytes]:
        found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    assert files(installed / "helpers" / "kept" / name) == files(FOLDERS[name]) != {}


def test_a_wheel_brings_its_licence_along(installed):
    for name in ("LICENSE", "NOTICE"):
        (copy,) = installed.glob(f"*.dist-info/licenses/{name}")
        assert copy.read_bytes() == (ROOT / name).read_bytes()


def test_definitions_and_samples_are_found_in_a_wheel(installed, tmp_path):
    code = """
import helpers
from helpers import definition, history
print(helpers.__file__)
print(definition.load("busy_wait")["StartAt"], len(definition.names()), len(definition.functions()))
print(definition.function_source("start_job") / "lambda_function.py")
print(len(history.events(history.sample("failed-map"))))
"""
    # -S leaves out the folder in which the clone is installed as editable; what it depends on comes after the wheel
    site = next(path for path in sys.path if path.endswith("site-packages"))
    script = f"import sys; sys.path[:0] = [{str(installed)!r}, {site!r}]\n{code}"
    ran = subprocess.run([sys.executable, "-S", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    module, loaded, source, events = ran.stdout.splitlines()
    assert Path(module).is_relative_to(installed)
    assert loaded == f"Main {len(definition.names())} {len(definition.functions())}"
    assert Path(source).is_relative_to(installed)
    assert Path(source).is_file()
    assert events == str(len(history.events(history.sample("failed-map"))))


def test_in_a_clone_they_are_the_clones():
    assert definition.function_source("start_job").is_relative_to(ROOT / "definitions")
    assert history.sample("failed-map").parent == ROOT / "notebooks" / "samples"


def test_an_unknown_sample_names_those_there_are():
    with pytest.raises(UnknownName, match="endless-loop, failed-map, retries, what-happened"):
        history.sample("nothing")


def test_the_licence_is_whole_and_the_notice_names_what_is_under_another():
    licence, notice = ((ROOT / name).read_text() for name in ("LICENSE", "NOTICE"))
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", licence)
    assert [number for number in range(1, 10) if not re.search(rf"^\s+{number}\. \w", licence, re.MULTILINE)] == []
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "graphviz-pure" in notice
    assert "Eclipse Public License 2.0" in notice
