"""A clone by a Git that writes Windows' line ends is the same clone, and so are the functions' packages made of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import definition
from helpers.deploy.archive import archive

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose Git is set as Git for Windows sets itself."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs Git and a clone of the repository")
    place = tmp_path_factory.mktemp("checkout") / "clone"
    settings = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
    subprocess.run(["git", *settings, "clone", "-q", "--no-local", "--depth=1", f"file://{ROOT}", place], check=True)
    return place


def test_no_text_has_carriage_returns(checkout: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=checkout, check=True, capture_output=True).stdout
    paths = [checkout / name for name in listed.decode().split("\0") if name]
    assert len(paths) > 300
    assert [path for path in paths if path.suffix != ".png" and b"\r\n" in path.read_bytes()] == []


def test_pictures_are_left_as_they_are(checkout: Path) -> None:
    pictures = list((checkout / "notebooks/pictures").glob("*.png"))
    assert pictures
    assert all(path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") for path in pictures)


def test_a_source_with_other_line_ends_makes_the_same_package(tmp_path: Path) -> None:
    source = definition.function_source("ask_job")
    shutil.copytree(source, tmp_path / "ask_job")
    (tmp_path / "ask_job" / "words.csv").write_bytes(b"a,b\r\n")
    plain = archive(tmp_path / "ask_job")
    for path in (tmp_path / "ask_job").rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert archive(tmp_path / "ask_job") == plain
    assert b"a,b\r\n" in plain  # data is whatever it is
