"""Finding, starting and stopping the sandbox, and what is said when it was lost."""

import dataclasses
import http.server
import io
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import helpers
from helpers import sandbox
from helpers.errors import SandboxFailed, SandboxGone
from helpers.sandbox import process
from tests.roles import may_everything

COMMAND = [sys.executable, "-m", "helpers.sandbox"]


@pytest.fixture(scope="module")
def _own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the sandboxes that these tests kill, apart from the test run's."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("sandboxes")
        patch.setenv("LAB_SANDBOX_DIR", str(folder))
        yield folder
        sandbox.stop()


pytestmark = pytest.mark.usefixtures("_own_folder")


@pytest.fixture
def running() -> sandbox.Sandbox:
    return sandbox.start()


def run(*words: str) -> str:
    return subprocess.run([*COMMAND, *words], check=True, capture_output=True, text=True).stdout


def kill(found: sandbox.Sandbox) -> None:
    server = psutil.Process(found.pid)
    server.kill()
    server.wait(10)


def make_machine(lab: helpers.Lab, state: dict[str, object], name: str = "machine") -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam = lab.client("iam")
    role = may_everything(iam, iam.create_role(RoleName=f"runs-{name}", AssumeRolePolicyDocument=policy))
    definition = json.dumps({"StartAt": "Only", "States": {"Only": {**state, "End": True}}})
    made = lab.client("stepfunctions").create_state_machine(name=name, roleArn=role, definition=definition)
    return str(made["stateMachineArn"])


def start_waiting(lab: helpers.Lab) -> str:
    """The ARN of an execution that waits for an hour."""
    machine = make_machine(lab, {"Type": "Wait", "Seconds": 3600})
    return str(lab.client("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"])


def test_two_who_start_at_once_get_one_server() -> None:
    sandbox.stop()
    starts = [subprocess.Popen([*COMMAND, "start"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = {start.communicate(timeout=90)[0] for start in starts}
    assert len(told) == 1
    assert "runs at http://127.0.0.1:" in told.pop()


def test_status_is_one_json_object(running: sandbox.Sandbox) -> None:
    assert json.loads(run("status", "--json")) == {
        "running": True,
        "endpoint_url": running.endpoint_url,
        "access_key": running.access_key,
        "secret_key": running.secret_key,
        "region": "us-east-1",
        "pid": running.pid,
    }
    sandbox.stop()
    assert json.loads(run("status", "--json"))["running"] is False


def test_every_start_makes_new_keys(running: sandbox.Sandbox) -> None:
    sandbox.stop()
    again = sandbox.start()
    assert {again.access_key, again.secret_key}.isdisjoint({running.access_key, running.secret_key})
    assert again.notice == ""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions; Windows protects the person's profile instead")
def test_state_and_log_are_the_owners_alone(running: sandbox.Sandbox) -> None:
    folder = process.folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("state.json", "sandbox.log"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_the_server_has_a_session_of_its_own(running: sandbox.Sandbox) -> None:
    if not hasattr(os, "getsid"):
        pytest.skip("needs POSIX sessions; on Windows the server has a process group of its own")
    assert os.getsid(running.pid) == running.pid


def test_the_keys_are_not_shown(running: sandbox.Sandbox) -> None:
    assert running.secret_key not in repr(running)


def test_a_killed_sandbox_is_told_in_one_sentence(running: sandbox.Sandbox) -> None:
    lab = helpers.connect()
    states = lab.client("stepfunctions")
    states.create_activity(name="remembered")
    kill(running)
    with pytest.raises(SandboxGone, match=r"all that was made on it is gone: run `lab = helpers.connect\(\)`"):
        states.list_activities()
    with pytest.raises(SandboxGone):
        lab.session.resource("s3").meta.client.list_buckets()
    with pytest.raises(SandboxGone):
        lab.now()


def test_a_sandbox_killed_in_the_middle_of_a_call_is_told_the_same() -> None:
    lab = helpers.connect()
    # It answers after a minute, when there is nothing to do.
    activity = lab.client("stepfunctions").create_activity(name="idle")["activityArn"]
    threading.Timer(0.5, kill, [sandbox.start()]).start()
    with pytest.raises(SandboxGone):
        lab.client("stepfunctions").get_activity_task(activityArn=activity)


def test_the_next_connect_says_that_the_memory_was_lost(
    running: sandbox.Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    kill(running)
    lab = helpers.connect()
    assert "its memory is lost" in capsys.readouterr().out
    assert "its memory is lost" in lab._repr_html_()
    assert lab.client("stepfunctions").list_activities()["activities"] == []


def test_the_next_start_says_so_too(running: sandbox.Sandbox) -> None:
    kill(running)
    assert "its memory is lost" in run("start")
    assert "lost" not in run("start")


def test_an_older_version_goes_on_and_says_so(running: sandbox.Sandbox) -> None:
    dataclasses.replace(running, version="older").write()
    found = sandbox.start()
    assert found.pid == running.pid
    assert "runs an older version of this project, and keeps what you made" in found.notice
    assert "older version" in run("start")
    running.write()
    assert sandbox.start().notice == ""


def test_a_process_that_was_given_the_number_is_left_alone(running: sandbox.Sandbox) -> None:
    kill(running)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    # A number is given again only when all others have been: the sandbox was there long before the stranger.
    dataclasses.replace(running, pid=stranger.pid, started=running.started - 3600).write()
    assert sandbox.status() is None
    assert sandbox.stop() is False
    assert sandbox.start().pid != stranger.pid
    assert stranger.poll() is None
    stranger.communicate(b"\n")


class Flatterer(http.server.BaseHTTPRequestHandler):
    """A stranger at the sandbox's port, who says yes to everything."""

    def do_POST(self) -> None:
        body = json.dumps({"pid": os.getpid(), "proof": "believe me"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_stranger_at_the_port_is_not_believed(running: sandbox.Sandbox) -> None:
    kill(running)
    with http.server.HTTPServer(("127.0.0.1", 0), Flatterer) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        dataclasses.replace(running, endpoint_url=f"http://127.0.0.1:{stranger.server_port}").write()
        assert sandbox.status() is None
        assert sandbox.start().endpoint_url != f"http://127.0.0.1:{stranger.server_port}"
        stranger.shutdown()


def test_another_computers_sandbox_is_left_alone(running: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("helpers.sandbox.computer.identity", lambda: "another")
        assert sandbox.status() is None
        assert sandbox.stop() is False
    assert sandbox.status() == running


STATE = {
    "endpoint_url": "http://127.0.0.1:1",
    "access_key": "a",
    "secret_key": "b",
    "region": "us-east-1",
    "account": "123456789012",
    "pid": 1,
    "started": 0.0,
    "version": "c",
}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"endpoint_url": "http://127.0.0.1:1"}',
        json.dumps(STATE | {"pid": -1}).encode(),
        json.dumps(STATE | {"pid": 10**30}).encode(),
        json.dumps(STATE | {"pid": "1"}).encode(),
        json.dumps(STATE | {"pid": None, "started": None}).encode(),
        json.dumps(STATE | {"endpoint_url": 5}).encode(),
        json.dumps(STATE | {"endpoint_url": "http://127.0.0.1:port"}).encode(),
        json.dumps(STATE | {"endpoint_url": "file:///etc"}).encode(),
    ],
)
def test_a_state_file_that_cannot_be_read_is_replaced(text: bytes) -> None:
    sandbox.stop()
    (process.folder() / "state.json").write_bytes(text)
    assert sandbox.status() is None
    with pytest.raises(SandboxGone):
        sandbox.call("clock")
    assert sandbox.stop() is False
    assert not (process.folder() / "state.json").exists()


def failing(*words: str) -> str:
    """What a command that fails says, which is one line."""
    ended = subprocess.run([*COMMAND, *words], capture_output=True, text=True)
    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (1, "")
    return line


@pytest.mark.parametrize("name", ["state.json", "lock", "."])
def test_what_stands_in_the_sandboxs_place_is_said_in_a_sentence(name: str) -> None:
    sandbox.stop()
    place = process.folder()
    path = place / name
    if name == ".":
        shutil.rmtree(place)
        place.write_text("no folder", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
        (path / "in the way").mkdir(parents=True)
    assert re.search(rf"folder {re.escape(str(place))} cannot be used .*: remove it, or set", failing("start"))
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()
    assert run("stop").strip() == "No sandbox was running."
    assert "runs at" in run("start")
    assert run("stop").strip() == "The sandbox has stopped."


def test_a_folder_that_cannot_be_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("LAB_SANDBOX_DIR", str(place))
        for verb in ("start", "status", "stop", "reset"):
            assert "set LAB_SANDBOX_DIR to a folder of your own" in failing(verb)


def test_nothing_is_left_of_a_sandbox_that_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    # As on Windows, where every end by force is a hard one.
    monkeypatch.setattr(psutil.Process, "terminate", psutil.Process.kill)
    sandbox.start()
    assert list(process.folder().glob("functions-*"))
    assert sandbox.stop() is True
    assert not list(process.folder().glob("functions-*"))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server finds a moto that cannot be loaded."""
    (tmp_path / "moto.py").write_text("raise ImportError('this moto is broken')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("broken")
def test_a_log_that_somebody_holds_is_not_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.stop()
    log, replace = process.log_path(), Path.replace
    log.write_text("what was said before\n", encoding="utf-8")

    def held(path: Path, target: Path) -> Path:
        if path == log:
            raise PermissionError("another program holds the file")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(SandboxFailed, match="this moto is broken"):
        sandbox.start()
    assert log.read_text(encoding="utf-8").startswith("what was said before\nTraceback")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP to make a process hang")
def test_a_sandbox_that_hangs_can_be_stopped(running: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ANSWERED", 0.3)
    monkeypatch.setattr(process, "ENDED", 0.3)
    os.kill(running.pid, signal.SIGSTOP)
    with pytest.raises(SandboxFailed, match="does not answer"):
        sandbox.start()
    assert sandbox.stop() is True
    assert sandbox.stop() is False


def test_a_sandbox_that_a_kernel_started_can_be_stopped_from_outside(running: sandbox.Sandbox) -> None:
    assert run("stop").strip() == "The sandbox has stopped."
    assert sandbox.status() is None


def test_unused_for_long_it_ends_by_itself_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.stop()
    monkeypatch.setenv("LAB_SANDBOX_IDLE", "0.2")
    psutil.Process(sandbox.start().pid).wait(30)
    assert sandbox.status() is None
    monkeypatch.delenv("LAB_SANDBOX_IDLE")
    assert "because nobody had used it" in sandbox.start().notice


def test_one_whose_folder_was_removed_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.stop()
    monkeypatch.setenv("LAB_SANDBOX_IDLE", "2")
    found = sandbox.start()
    (process.folder() / "state.json").unlink()
    psutil.Process(found.pid).wait(30)
    assert sandbox.status() is None


@pytest.mark.usefixtures("broken")
def test_a_start_that_fails_says_where_to_look() -> None:
    sandbox.stop()
    with pytest.raises(SandboxFailed, match=r"this moto is broken.*sandbox\.log"):
        sandbox.start()


@pytest.mark.parametrize(
    ("name", "value"),
    [("IDLE", "two hours"), ("IDLE", "-1"), ("PACE", "AWS"), ("ROLES", "1"), ("BYTES", "2e8"), ("BYTES", "٣")],
)
def test_a_setting_that_means_nothing_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.stop()
    monkeypatch.setenv(f"LAB_SANDBOX_{name}", value)
    with pytest.raises(SandboxFailed, match=f"LAB_SANDBOX_{name} is '{re.escape(value)}', and can be .* unset it"):
        sandbox.start()
    assert sandbox.status() is None


def test_no_proxy_is_ever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.stop()
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{trap.getsockname()[1]}")
        lab = helpers.connect()
        assert lab.client("sts").get_caller_identity()["Account"] == lab.account
        assert lab.session.resource("s3").meta.client.list_buckets()["Buckets"] == []
        assert lab.now()
        # An inner call: the execution itself asks S3.
        machine = make_machine(lab, {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets"})
        execution = lab.client("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
        assert helpers.execution.wait(execution, progress=False, lab=lab).status == "SUCCEEDED"
        with pytest.raises(BlockingIOError):
            trap.accept()


def test_reset_forgets_what_was_made_and_keeps_the_keys(running: sandbox.Sandbox) -> None:
    lab = helpers.connect()
    sandbox.reset()
    for _ in range(2):
        lab.client("stepfunctions").create_activity(name="forgotten")
        lab.client("sqs").create_queue(QueueName="forgotten")
        start_waiting(lab)
        sandbox.reset()
        assert lab.client("stepfunctions").list_state_machines()["stateMachines"] == []
        assert lab.client("stepfunctions").list_activities()["activities"] == []
        assert "QueueUrls" not in lab.client("sqs").list_queues()
    assert sandbox.status() == running


def test_reset_gives_the_memory_back(running: sandbox.Sandbox) -> None:
    states, server, sizes = helpers.connect().client("stepfunctions"), psutil.Process(running.pid), list[int]()
    for _ in range(2):  # the first time also what is made once
        machine = make_machine(helpers.connect(), {"Type": "Pass"})
        before = server.memory_info().rss
        for number in range(200):
            states.start_execution(stateMachineArn=machine, input=json.dumps(f"{number:0200000}"))
        full = server.memory_info().rss
        sandbox.reset()
        sizes = [before, full, server.memory_info().rss]
    taken, left = sizes[1] - sizes[0], sizes[2] - sizes[0]
    assert taken > 30_000_000
    assert left < taken / 2


def test_reset_ends_fast_forward(running: sandbox.Sandbox) -> None:
    sandbox.call("fast_forward", on=True)
    sandbox.reset()
    assert not sandbox.call("clock")["fast_forwarding"]
    lab = helpers.connect()
    arn = start_waiting(lab)
    assert lab.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "RUNNING"


def test_reset_puts_back_how_long_queries_run(running: sandbox.Sandbox) -> None:
    helpers.connect().query_seconds(60)
    sandbox.reset()
    assert sandbox.call("athena")["seconds"] == 1


def test_reset_ends_what_works_and_what_waits_and_puts_the_clock_back(running: sandbox.Sandbox) -> None:
    lab = helpers.connect()
    sandbox.reset()
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = may_everything(
        lab.client("iam"), lab.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=policy)
    )
    sources = {
        "slow": "import time\ndef handler(event, context):\n    print('at work', flush=True)\n    time.sleep(600)",
        "failing": "def handler(event, context):\n    1 / 0",
    }
    for name, source in sources.items():
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("main.py", source)
        code = {"ZipFile": package.getvalue()}
        lab.client("lambda").create_function(
            FunctionName=name, Runtime="python3.12", Role=role, Handler="main.handler", Code=code, Timeout=900
        )
    job = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "Parameters": {"JobName": "nightly"}}
    with lab.fast_forward():
        helpers.execution.wait(start_waiting(lab), progress=False, lab=lab)
    assert lab.ahead
    for name in sources:
        lab.client("lambda").invoke(FunctionName=name, InvocationType="Event")
    lab.stand_in("Only", seconds=3600)
    lab.client("stepfunctions").start_execution(stateMachineArn=make_machine(lab, job, "job"))
    while not lab.client("logs").describe_log_groups()["logGroups"]:
        assert lab.ahead
    sandbox.reset()
    assert not lab.ahead
    assert sandbox.call("clock")["working"] == 0


def test_an_unknown_verb_is_refused(running: sandbox.Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="no verb 'dance'"):
        sandbox.call("dance")
