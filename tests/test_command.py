"""The command `sfn-lab`: a learner's own copy of the notebooks, and the sandbox by hand."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from helpers import command, jupyter_extension
from helpers.command import copy_notebooks, main

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def ours(tmp_path, monkeypatch) -> Path:
    """Notebooks like ours that a test may change."""
    folder = tmp_path / "ours"
    (folder / "samples").mkdir(parents=True)
    (folder / "samples" / "one.json").write_text("{}", encoding="utf-8")
    publish(folder, "first")
    monkeypatch.setattr(command, "kept", lambda _: folder)
    return folder


def publish(folder: Path, version: str) -> None:
    notebook = nbformat.v4.new_notebook(metadata={"sources": version})
    nbformat.write(notebook, folder / "00-one.ipynb")


def worked_on(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("answer = 42"))
    nbformat.write(notebook, path)
    return path.read_text(encoding="utf-8")


def test_all_that_a_learner_needs_is_copied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(main, ["notebooks", "--copy-only"])
    assert ran.exit_code == 0
    assert str(tmp_path / "my-notebooks") in ran.output
    copied = files(tmp_path / "my-notebooks")
    assert copied == {name for name in files(NOTEBOOKS) if ".ipynb_checkpoints" not in name}
    assert {name.split("/")[0] for name in copied if "/" in name} == {"pictures", "samples", "solutions"}


def test_what_a_learner_did_stays(ours, tmp_path):
    folder = tmp_path / "mine"
    assert copy_notebooks(folder) == []
    text = worked_on(folder / "00-one.ipynb")
    (folder / "samples" / "one.json").write_text("[]", encoding="utf-8")
    assert copy_notebooks(folder) != []
    assert (folder / "00-one.ipynb").read_text(encoding="utf-8") == text
    assert files(folder) == {"00-one.ipynb", "samples/one.json", "samples/one-new.json"}


def test_a_newer_lesson_comes_beside_it_once_and_says_so(ours, tmp_path):
    folder = tmp_path / "mine"
    copy_notebooks(folder)
    text = worked_on(folder / "00-one.ipynb")
    for version, name in (("second", "00-one-new.ipynb"), ("third", "00-one-new-new.ipynb")):
        publish(ours, version)
        (said,) = copy_notebooks(folder)
        assert said.endswith(f"a newer one lies beside it: {name}.")
        assert (folder / name).read_bytes() == (ours / "00-one.ipynb").read_bytes()
        assert copy_notebooks(folder) == []
    assert (folder / "00-one.ipynb").read_text(encoding="utf-8") == text


def test_a_copy_that_is_no_notebook_any_more_stays_too(ours, tmp_path):
    folder = tmp_path / "mine"
    copy_notebooks(folder)
    (folder / "00-one.ipynb").write_text("spoilt", encoding="utf-8")
    assert len(copy_notebooks(folder)) == 1
    assert (folder / "00-one.ipynb").read_text(encoding="utf-8") == "spoilt"


def test_jupyterlab_does_not_ask_about_news():
    """What JupyterLab itself makes of the folder that we name to it."""
    code = "import json, jupyterlab_server.settings_utils as of; print(json.dumps(of._get_overrides('')))"
    environment = {"JUPYTER_CONFIG_PATH": str(Path(jupyter_extension.__file__).parent)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    overrides, error = json.loads(ran.stdout)
    assert error == ""
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_the_sandbox_by_hand_is_the_modules_own_command(lab):
    by_command = CliRunner().invoke(main, ["sandbox", "status", "--json"]).output
    by_module = [sys.executable, "-m", "helpers.sandbox", "status", "--json"]
    assert by_command == subprocess.run(by_module, capture_output=True, text=True, check=True).stdout
    assert json.loads(by_command)["running"] is True
