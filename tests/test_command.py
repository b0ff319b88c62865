"""The command `sfn-lab`: a learner's own copy of the notebooks, and the sandbox by hand."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from click.testing import CliRunner, Result

from helpers import command, engine, execution, sandbox
from helpers.command import copy_notebooks, main
from helpers.sandbox import process

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SAMPLES = NOTEBOOKS / "samples"


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


@pytest.mark.parametrize("spoilt", ["my-notebooks", "my-notebooks/samples", "my-notebooks/00-start-here.ipynb"])
def test_a_place_that_takes_no_copy_is_named(tmp_path, monkeypatch, spoilt):
    monkeypatch.chdir(tmp_path)
    if spoilt.endswith(".ipynb"):
        (tmp_path / spoilt).mkdir(parents=True)
    else:
        (tmp_path / spoilt).parent.mkdir(exist_ok=True)
        (tmp_path / spoilt).touch()
    ran = CliRunner().invoke(main, ["notebooks", "--copy-only"])
    assert ran.exit_code == 1
    assert f"{spoilt} cannot be written" in ran.output


def test_jupyterlab_does_not_ask_about_news():
    """What JupyterLab itself makes of the folder that we name to it."""
    code = "import json, jupyterlab_server.settings_utils as of; print(json.dumps(of._get_overrides('')))"
    environment = {"JUPYTER_CONFIG_PATH": str(Path(command.__file__).with_name("jupyter_extension"))}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    overrides, error = json.loads(ran.stdout)
    assert error == ""
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_a_command_waits_for_nothing_of_jupyter():
    code = "import sys, helpers.command; print([name for name in sys.modules if name.startswith('jupyter')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_sandbox_by_hand_is_the_modules_own_command(lab):
    by_command = CliRunner().invoke(main, ["sandbox", "status", "--json"]).output
    by_module = [sys.executable, "-m", "helpers.sandbox", "status", "--json"]
    assert by_command == subprocess.run(by_module, capture_output=True, text=True, check=True).stdout
    assert json.loads(by_command)["running"] is True


# --- why


def why(*words: object) -> Result:
    return CliRunner().invoke(main, ["why", *map(str, words)])


def test_why_says_what_ended_an_execution_and_where_the_time_went():
    ran = why(SAMPLES / "failed-map.json")
    assert ran.exit_code == 1
    assert "'Pack' in EachOrder#1[4] failed after 5.2 s with OutOfStock: no more of these." in ran.output
    assert re.search(r"^ +Courier +6 +0 +1 +11\.134 +2\.000$", ran.output, re.MULTILINE)
    assert why(SAMPLES / "retries.json").exit_code == 0


def test_why_gives_the_same_as_json():
    ran = why(SAMPLES / "failed-map.json", "--json")
    found = json.loads(ran.output)
    assert ran.exit_code == 1
    assert (found["status"], found["failed_state"], found["error"]) == ("FAILED", "Pack", "OutOfStock")
    assert found["duration"] == pytest.approx(5.1, abs=0.1)
    assert found["states"][0] == {
        "state": "Courier",
        "visits": 6,
        "tries": 0,
        "not_succeeded": 1,
        "seconds": 11.134,
        "longest": 2.0,
    }


def test_a_state_that_goes_on_takes_time_and_has_not_failed(tmp_path):
    waits = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}}}
    waits["States"]["Ask"] |= {"Parameters": {"FunctionName": "f"}, "Retry": [{"ErrorEquals": ["Busy"]}], "End": True}
    events = engine.run(waits, {}, {"Ask": [engine.TaskFailed("Busy", "", 40), 1]}).events
    at = next(at for at, event in enumerate(events) if event["type"] == "TaskFailed")
    path = tmp_path / "running.json"
    path.write_text(json.dumps(events[: at + 1], default=str), encoding="utf-8")
    ran = why(path, "--json")
    assert ran.exit_code == 4
    assert json.loads(ran.output)["states"] == [
        {"state": "Ask", "visits": 1, "tries": 1, "not_succeeded": 0, "seconds": 40.0, "longest": 40.0}
    ]
    path.write_text(json.dumps([*events[:2], *events[4:]], default=str), encoding="utf-8")
    assert "NaN" not in why(path).output


def test_why_writes_a_report(tmp_path):
    path = tmp_path / "report.html"
    assert why(SAMPLES / "failed-map.json", "--html", path).exit_code == 1
    assert "OutOfStock" in path.read_text(encoding="utf-8")
    ran = why(SAMPLES / "failed-map.json", "--html", tmp_path / "none" / "report.html")
    assert ran.exit_code == 2  # 1 would say how the execution ended
    assert "cannot be written" in ran.stderr


def test_why_reads_standard_input():
    text = (SAMPLES / "failed-map.json").read_text(encoding="utf-8")
    ran = CliRunner().invoke(main, ["why", "-"], input=text)
    assert ran.exit_code == 1
    assert "OutOfStock" in ran.output


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("none.json", "no file"),
        ("", "Nothing was named"),
        ("http://localhost/", "names no execution"),
        ("arn:aws:lambda:us-east-1:123456789012:function:one", "names no execution"),
        ("https://us-east-1.console.aws.amazon.com/states/home", "names no execution"),
    ],
)
def test_why_says_in_a_sentence_what_it_cannot_read(source, words):
    ran = why(source)
    assert (ran.exit_code, ran.stdout) == (3, "")
    assert words in ran.stderr


def test_why_of_a_history_without_events_says_so(tmp_path):
    path = tmp_path / "history.json"
    path.write_text("[]", encoding="utf-8")
    ran = why(path)
    assert ran.exit_code == 3
    assert "nothing in it" in ran.stderr


def test_why_takes_several_files_and_folders(tmp_path):
    folder = tmp_path / "exported"
    folder.mkdir()
    (folder / "bad.json").write_bytes((SAMPLES / "failed-map.json").read_bytes())
    (folder / "a.json").write_text("[]", encoding="utf-8")
    ran = why(folder, SAMPLES / "retries.json", "--json")
    assert [json.loads(line)["status"] for line in ran.output.splitlines()] == ["FAILED", "SUCCEEDED"]
    assert ran.exit_code == 1
    assert "2 executions" in why(folder, SAMPLES / "retries.json", "--html", tmp_path / "report.html").stderr


def test_what_only_names_an_execution_is_fetched_when_that_is_wanted(lab, machine, tmp_path, monkeypatch):
    arn = execution.start(machine, 0, lab=lab)
    execution.wait(arn, timeout=20, progress=False, lab=lab)
    event = json.dumps({"source": "aws.states", "detail": {"executionArn": arn, "status": "SUCCEEDED"}})
    path = tmp_path / "event.json"
    path.write_text(event, encoding="utf-8")
    for ran in (why(path), CliRunner().invoke(main, ["why", "-"], input=event)):
        assert ran.exit_code == 3
        assert f"`sfn-lab why {arn}`" in ran.stderr
    monkeypatch.setattr("helpers.command._is_asked_by_a_person", lambda: True)
    asked = CliRunner().invoke(main, ["why", str(path)], input="y\n")
    assert (asked.exit_code, arn in asked.stdout) == (0, True)
    assert CliRunner().invoke(main, ["why", str(path)], input="n\n").exit_code == 3


@pytest.fixture
def machine(lab) -> Iterator[str]:
    states, service = lab.client("stepfunctions"), {"Service": "states.amazonaws.com"}
    trust = {"Statement": [{"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}]}
    role = lab.client("iam").create_role(RoleName="why", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Wait", "SecondsPath": "$", "End": True}}}
    arn = states.create_state_machine(name="why", definition=json.dumps(definition), roleArn=role["Arn"])
    yield arn["stateMachineArn"]
    states.delete_state_machine(stateMachineArn=arn["stateMachineArn"])
    lab.client("iam").delete_role(RoleName="why")


def test_why_asks_for_an_arn_where_it_is(lab, machine):
    states = lab.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, name="one", input="0")["executionArn"]
    execution.wait(arn, timeout=20, progress=False, lab=lab)
    page = f"https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/{quote(arn)}"
    for source in (arn, page):
        ran = why(source)
        assert ran.exit_code == 0
        assert f"Execution     {arn}" in ran.output
    assert why(f"{arn}-none").exit_code == 3
    running = states.start_execution(stateMachineArn=machine, name="two", input="600")["executionArn"]
    ran = why(running)
    assert (ran.exit_code, "Still in      " in ran.output) == (4, True)
    assert "The execution's end is not here" not in ran.output  # AWS has said that it runs
    states.stop_execution(executionArn=running)
    newest = why(machine)  # the stopped one, though others ended well
    assert (newest.exit_code, running in newest.output) == (1, True)


def test_an_arn_of_a_sandbox_that_has_ended_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_SANDBOX_DIR", str(tmp_path))
    ran = why(f"arn:aws:states:us-east-1:{process.ACCOUNT}:execution:machine:one")
    assert ran.exit_code == 3
    assert "is the sandbox's, and none is running" in ran.stderr


def test_an_arn_of_another_account_is_never_asked_of_the_sandbox(lab, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    ran = why("arn:aws:states:eu-west-1:999999999999:execution:machine:one")
    assert ran.exit_code == 3
    assert "No AWS credentials were found" in ran.stderr
    monkeypatch.setenv("LAB_TARGET", sandbox.status().endpoint_url)
    assert "No AWS credentials were found" in why("arn:aws:states:eu-west-1:999999999999:execution:m:one").stderr


def test_the_file_beside_the_notebooks_says_where_to_ask_too(lab, machine, tmp_path, monkeypatch):
    """An endpoint of one's own whose account is no sandbox's that this process knows."""
    arn = execution.start(machine, 0, lab=lab)
    execution.wait(arn, timeout=20, progress=False, lab=lab)
    keys = lab.session.get_credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_key)
    monkeypatch.setattr(process, "status", lambda: None)
    monkeypatch.chdir(tmp_path)
    Path("lab.toml").write_text(f'target = "{lab.client("sts").meta.endpoint_url}"', encoding="utf-8")
    assert why(arn).exit_code == 0


@pytest.fixture
def asking(tmp_path) -> dict[str, Path]:
    """A machine, one that retries more, and histories of the first that ended well and badly."""
    ask = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}}
    machine = {"StartAt": "Ask", "States": {"Ask": {**ask, "End": True}}}
    retrying = {"StartAt": "Ask", "States": {"Ask": {**ask, "Retry": [{"ErrorEquals": ["Boom"]}], "End": True}}}
    found = {
        "machine": machine,
        "retrying": retrying,
        "good": engine.run(machine, {}, {"Ask": {"Payload": 1}}).events,
        "bad": engine.run(machine, {}, {"Ask": engine.TaskFailed("Boom")}).events,
    }
    for name, content in found.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content, default=str), encoding="utf-8")
    return {name: tmp_path / f"{name}.json" for name in found}


@pytest.mark.parametrize(
    ("machine", "histories", "status", "said"),
    [
        ("machine", ["good", "bad"], 0, "Of 2 executions: 2 would end as before."),
        ("retrying", ["good", "bad"], 1, "bad: FAILED, now unanswered. At Ask"),
        ("machine", ["machine"], 3, "1 cannot be rehearsed"),
        ("good", ["good"], 3, "not a state machine"),
    ],
)
def test_rehearse_says_what_would_end_otherwise(asking, machine, histories, status, said):
    arguments = ["rehearse", str(asking[machine]), *(str(asking[name]) for name in histories)]
    ran = CliRunner().invoke(main, arguments)
    assert (ran.exit_code, said in ran.output) == (status, True), ran.output


# --- permissions


@pytest.mark.parametrize("lessons", ["", "07-00", "77", ","])
def test_lessons_that_there_are_not_get_no_policy(lessons):
    place = ["--account", "111122223333", "--region", "eu-central-1", "--prefix", "a-"]
    ran = CliRunner().invoke(main, ["permissions", *place, "--lessons", lessons])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "names no notebook" in ran.stderr


# --- class


@pytest.mark.skipif(sys.platform == "win32", reason="needs users of a Unix system")
def test_a_person_whom_the_machine_does_not_know_is_named():
    ran = CliRunner().invoke(main, ["class", "reset", "nobody-of-that-name"])
    assert ran.exit_code == 1
    assert "Nothing can be done as nobody-of-that-name" in ran.output
