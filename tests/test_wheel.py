"""What is installed from a built wheel, where there is no clone."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from helpers import definition, history
from helpers.errors import UnknownName

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("definitions", "notebooks")
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
# Runs in the new environment: the learner's own copy of the lesson, in a kernel of that environment.
LESSON = """
import nbformat, nbclient, helpers
notebook = nbformat.read("my-notebooks/00-start-here.ipynb", as_version=4)
nbclient.NotebookClient(notebook, timeout=180, resources={"metadata": {"path": "my-notebooks"}}).execute()
shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
print(helpers.__file__)
print("succeeded: Main" in str(shown))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """A new environment with a wheel, built now, in it; what that depends on is this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [getattr(sys, "_base_executable", sys.executable), "-m", "pip"]
    command = [*pip, "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    missing = re.search("No module named pip|No matching distribution found for hatchling", built.stderr)
    if missing:
        pytest.skip(f"a wheel cannot be built here: {missing[0]}")
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    made = folder / "environment"
    venv.create(made, with_pip=False)
    python = made / SCRIPTS / "python"
    subprocess.run([*pip, "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    # A path in a .pth file is only appended: the editable clone in there stays out, and ours comes first.
    site = next(path for path in sys.path if path.endswith("site-packages"))
    (packages(made) / "dependencies.pth").write_text(site, encoding="utf-8")
    return made


def packages(environment: Path) -> Path:
    return next(path.parent for path in environment.rglob("site-packages/helpers"))


def typed(environment: Path, folder: Path, program: str, *words: str) -> str:
    """What a program of the environment prints, typed in a folder."""
    ran = subprocess.run([str(environment / SCRIPTS / program), *words], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_holds_what_the_clone_holds(environment, name):
    def files(folder: Path) -> dict[str, bytes]:
        found = (path for path in folder.rglob("*") if path.is_file())
        left_out = {"__pycache__", ".ipynb_checkpoints"}
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in found if left_out.isdisjoint(path.parts)
        }

    assert files(packages(environment) / "helpers" / "kept" / name) == files(ROOT / name) != {}


def test_a_wheel_brings_its_licence_along(environment):
    for name in ("LICENSE", "NOTICE"):
        (copy,) = packages(environment).glob(f"step_functions*.dist-info/licenses/{name}")
        assert copy.read_bytes() == (ROOT / name).read_bytes()


def test_a_wheel_runs_the_first_lesson(environment, tmp_path, lab):
    """On the test run's sandbox: its state names the version of this clone, which is the wheel's."""
    assert "my-notebooks" in typed(environment, tmp_path, "sfn-lab", "notebooks", "--copy-only")
    module, succeeded = typed(environment, tmp_path, "python", "-c", LESSON).splitlines()
    assert Path(module).is_relative_to(environment)
    assert succeeded == "True"


def test_definitions_and_samples_are_found_in_a_wheel(environment, tmp_path):
    code = """
from helpers import definition, history
print(definition.load("busy_wait")["StartAt"], len(definition.names()), len(definition.functions()))
print(definition.function_source("start_job") / "lambda_function.py")
print(len(history.events(history.sample("failed-map"))))
"""
    loaded, source, events = typed(environment, tmp_path, "python", "-c", code).splitlines()
    assert loaded == f"Main {len(definition.names())} {len(definition.functions())}"
    assert Path(source).is_relative_to(environment)
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
