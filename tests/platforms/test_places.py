"""Where a computer is set up otherwise than ours: its host name, its open files, its folders' names, its characters."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import helpers
from helpers import deploy, execution, sandbox
from helpers.sandbox import computer, process

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for a sandbox of this test's own."""
    monkeypatch.setenv("LAB_SANDBOX_DIR", str(tmp_path / "sandbox"))
    yield tmp_path / "sandbox"
    sandbox.stop()


def test_a_host_name_that_changes_is_the_same_computer(lab: helpers.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sandbox.status()
    for name in ("platform.node", "socket.gethostname"):
        monkeypatch.setattr(name, lambda: "another-network.example.com")
    computer.identity.cache_clear()
    assert sandbox.status() == found
    assert helpers.connect().client("sts").get_caller_identity()["Account"] == lab.account


def test_where_nothing_names_the_computer_its_host_name_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> str:
        raise FileNotFoundError

    known = computer.identity()
    monkeypatch.setattr(computer, "_identity", unknown)
    monkeypatch.setattr("platform.node", lambda: "some-host")
    computer.identity.cache_clear()
    try:
        assert computer.identity() != known
        assert len(computer.identity()) == 16
    finally:
        computer.identity.cache_clear()


PACK = "import time\ndef lambda_handler(event, context):\n    time.sleep(0.3)\n    return event\n"


@pytest.mark.skipif(os.name != "posix", reason="needs `ulimit`; Windows has no such limit")
def test_a_terminal_that_allows_256_open_files_is_enough_for_three_maps(own_folder: Path, tmp_path: Path) -> None:
    start = f'ulimit -S -n 256 && exec "{sys.executable}" -m helpers.sandbox start'
    subprocess.run(["bash", "-c", start], check=True, capture_output=True)
    lab = helpers.connect()
    (tmp_path / "lambda_function.py").write_text(PACK, encoding="utf-8")
    packing = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": deploy.function("pack", tmp_path / "lambda_function.py", timeout=60, lab=lab)},
        "End": True,
    }
    each = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "Pack", "States": {"Pack": packing}},
        "ResultSelector": {"ended": True},
        "End": True,
    }
    arn = deploy.state_machine("maps", {"StartAt": "Each", "States": {"Each": each}}, lab=lab)
    runs = [execution.start(arn, list(range(60)), lab=lab) for _ in range(3)]
    assert {execution.wait(run, timeout=60, progress=False, lab=lab).status for run in runs} == {"SUCCEEDED"}


LEARN = """
import json, os, sys
import helpers
from helpers import definition, deploy, diagram, execution, history
lab = helpers.connect()
function = deploy.function("stepfunctionlambda_test", lab=lab)
run = execution.start(deploy.deploy("busy_wait", FunctionArn=function, lab=lab).arn, {"grüße": "→ 日"}, lab=lab)
ended = execution.wait(run, timeout=60, progress=False, lab=lab)
assert ended.status == "SUCCEEDED", ended
visits = history.visits(history.events(execution.events(run, lab=lab)))
assert "<svg" in diagram.draw(definition.load("busy_wait")).svg()
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump({"events": execution.events(run, lab=lab)}, file, default=str)
assert helpers.__file__.startswith(os.getcwd()), helpers.__file__
"""


def learn(python: Path | str, cwd: Path, environment: dict[str, str], history: Path) -> None:
    """A lesson in short, run from `cwd`, then its history on the command line, into a pipe."""
    options: dict[str, Any] = {"cwd": cwd, "env": environment, "check": True, "capture_output": True}
    try:
        subprocess.run([python, "-c", LEARN, str(history)], **options)
        shown = subprocess.run(
            [python, "-c", "from helpers.command import main; main()", "why", str(history)], **options
        ).stdout
        assert b"SUCCEEDED" in shown
        told = subprocess.run([python, "-m", "helpers.sandbox", "status", "--json"], **options).stdout
        assert json.loads(told)["running"] is True
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stderr.decode(errors="replace"))
    finally:
        subprocess.run([python, "-m", "helpers.sandbox", "stop"], **options)


def test_a_long_path_with_umlauts_spaces_and_ampersands(tmp_path: Path) -> None:
    place = tmp_path
    while len(str(place)) < 180:
        place = place / "Übungen & Prüfungen (für später)"
    place.mkdir(parents=True)
    for name in ("helpers", "definitions"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", place)
    environment = os.environ | {"PYTHONPATH": str(place), "LAB_SANDBOX_DIR": str(place / "ein Sandkasten")}
    learn(sys.executable, place, environment, place / "Verlauf & Ende.json")


def test_a_computer_whose_characters_are_windows_own(tmp_path: Path) -> None:
    """A locale of code page 1252, and Python without its UTF-8 mode."""
    made = tmp_path / "locales" / "de_DE.CP1252"
    made.parent.mkdir()
    localedef = shutil.which("localedef")
    if localedef is None or subprocess.run([localedef, "-i", "de_DE", "-f", "CP1252", made]).returncode:
        pytest.skip("needs localedef with the locale de_DE and the character map CP1252")
    environment = os.environ | {
        "LOCPATH": str(made.parent),
        "LC_ALL": "de_DE.CP1252",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LAB_SANDBOX_DIR": str(tmp_path / "sandbox"),
    }
    environment.pop("PYTHONIOENCODING", None)
    encoding = subprocess.run(
        [sys.executable, "-c", "import locale; print(locale.getencoding())"], env=environment, capture_output=True
    ).stdout
    assert encoding.strip().lower() in (b"cp1252", b"windows-1252")
    learn(sys.executable, ROOT, environment, tmp_path / "history.json")


def test_the_folder_is_named_after_the_computer(lab: helpers.Lab) -> None:
    assert process.folder().name == f"sandbox-{computer.identity()}"
