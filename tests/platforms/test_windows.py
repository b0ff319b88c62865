"""What is so on Windows, simulated: a launcher as python, hard ends, files that others hold."""

import base64
import io
import os
import re
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import helpers
from helpers import command, deploy, sandbox
from helpers.sandbox import files, process
from helpers.sandbox.lambda_runner import package

SIMULATED = Path(__file__).parent / "simulated"


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[helpers.Lab]:
    """A Lab on a sandbox that runs as it would on Windows."""
    launcher = tmp_path / "python.exe"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\nexit $?\n', encoding="utf-8")
    launcher.chmod(0o700)
    monkeypatch.setenv("LAUNCHER", str(launcher))
    monkeypatch.setenv("PYTHONPATH", str(SIMULATED / "windows"))
    monkeypatch.setenv("LAB_SANDBOX_DIR", str(tmp_path / "sandbox"))
    monkeypatch.setattr(psutil.Process, "terminate", psutil.Process.kill)
    for flag in ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW"):
        monkeypatch.setattr(subprocess, flag, 0, raising=False)
    ours = types.SimpleNamespace(platform="win32", executable=str(launcher), version=sys.version)
    monkeypatch.setattr(process, "sys", ours)
    yield helpers.connect()
    sandbox.stop()


WORK = """import os, subprocess, time
def lambda_handler(event, context):
    if event == "hang":
        subprocess.Popen(["sleep", "60"])
        time.sleep(60)
    if event == "exit":
        os._exit(3)
    return os.getpid()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a shell script as launcher; Windows has a launcher of its own")
def test_the_sandbox_with_a_launcher_hard_ends_and_held_files(windows: helpers.Lab, tmp_path: Path) -> None:
    found = sandbox.status()
    assert found is not None
    code = tmp_path / "work"
    code.mkdir()
    (code / "lambda_function.py").write_text(WORK, encoding="utf-8")
    arn = deploy.function("work", code, timeout=2, lab=windows)
    client = windows.client("lambda")

    def invoke(event: str) -> tuple[str, str]:
        answer = client.invoke(FunctionName=arn, Payload=f'"{event}"', LogType="Tail")
        return answer["Payload"].read().decode(), answer["LogResult"]

    worker = int(invoke("work")[0])
    report = client.invoke(FunctionName=arn, Payload='"work"', LogType="Tail")["LogResult"]
    used = re.search(rb"Max Memory Used: (\d+) MB", base64.b64decode(report))
    assert used is not None
    assert int(used[1]) >= psutil.Process(worker).memory_info().rss >> 21  # the launcher takes one or two
    assert "exit status 3" in invoke("exit")[0]
    assert "timed out after 2.00 seconds" in invoke("hang")[0]
    assert invoke("work")[0].isdecimal()
    started = psutil.Process(found.pid).children(recursive=True)
    deploy.tear_down(windows)
    assert not list((process.folder() / f"functions-{found.pid}").glob("*/code/lambda_function.py"))
    assert sandbox.stop() is True
    assert not psutil.wait_procs(started, 10)[1]
    assert not list(process.folder().glob("functions-*"))
    assert sandbox.start().notice == ""


def once(action: Callable[..., Any]) -> Callable[..., Any]:
    """`action`, refused the first time."""
    refused: list[object] = []

    def held(*arguments: Any, **options: Any) -> Any:
        if not refused:
            refused.append(arguments)
            raise PermissionError(13, "The process cannot access the file")
        return action(*arguments, **options)

    return held


def test_a_held_file_is_tried_again(lab: helpers.Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", once(Path.read_text))
    assert process.read() == sandbox.status()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "lambda_function.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(os, "unlink", once(os.unlink))
    files.remove(tmp_path / "code")
    assert not list(tmp_path.iterdir())


def test_a_file_that_stays_held_is_not_called_a_bad_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", held)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lambda_function.py", "")
    with pytest.raises(PermissionError):
        package.check(packed.getvalue())


def test_what_a_pipe_cannot_show_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", pipe)
    folder = tmp_path / "Ask → 日"
    folder.mkdir()
    monkeypatch.chdir(folder)
    command.main(["notebooks", "--copy-only"], standalone_mode=False)
    pipe.flush()
    assert b"Ask ? ?" in pipe.buffer.getvalue()  # type: ignore[attr-defined]
