"""Nothing of the person's reaches a handler, and nothing of a handler's gets out of its folder."""

import contextlib
import datetime
import errno
import io
import json
import os
import pathlib
import random
import shutil
import stat
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from helpers import sandbox
from helpers.sandbox import process
from helpers.sandbox.lambda_runner import package
from helpers.sandbox.lambda_runner.package import BadPackage, check
from helpers.sandbox.lambda_runner.workers import Worker, mark
from tests.sandbox.lambda_runner.conftest import trust, zipped


def asked(folder: pathlib.Path, source: str, offset: float = 0.0) -> object:
    """What a handler with this source answers in a worker outside of any server."""
    worker = Worker(folder)
    header = {
        "folder": str(worker.code),
        "handler": "lambda_function.handler",
        "libraries": [],
        "environment": {},
        "mark": mark(),
        "clock_offset": offset,
    }
    invocation = {"request_id": "1", "arn": "a", "timeout": 5, "mark": mark(), "clock_offset": offset}
    try:
        assert worker.ask(header, zipped({"lambda_function.py": source}), 10)[0]["kind"] == "ready"
        reply, body = worker.ask(invocation, b"{}", 10)
        assert reply["kind"] == "result", body
        return json.loads(body)
    finally:
        worker.end()
        assert not worker.folder.exists()


def test_a_worker_starts_with_nothing_of_the_person_s(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the person's")
    monkeypatch.setenv("AWS_PROFILE", "the person's")
    monkeypatch.setenv("PYTHONSTARTUP", "the person's")
    monkeypatch.setenv("HTTP_PROXY", "http://the-person's")
    # What a process started with stays readable in /proc after the variables are replaced.
    source = "import sys\nstarted = open('/proc/self/environ').read()\ndef handler(event, context): return started"
    if not pathlib.Path("/proc/self/environ").exists():
        source = "def handler(event, context): return ''"
    assert "the person's" not in str(asked(tmp_path, source))


def test_a_handler_sees_no_credentials_but_the_sandbox_s(lab, make, invoke):
    found = invoke(make("import os; return dict(os.environ)"))["Payload"]
    assert found["AWS_ENDPOINT_URL"] == lab.client("lambda").meta.endpoint_url
    assert found["AWS_SHARED_CREDENTIALS_FILE"] == found["AWS_CONFIG_FILE"] == os.devnull
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert found["HOME"] != str(pathlib.Path.home())
    assert not {"AWS_PROFILE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} & found.keys()


def test_boto3_in_a_handler_reaches_the_sandbox(lab, make, invoke):
    lab.client("s3").create_bucket(Bucket="seen-from-inside")
    body = "import boto3; return [b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']]"
    trap = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    answer = invoke(make(body, Timeout=30, Environment={"Variables": trap}))
    assert "seen-from-inside" in answer["Payload"]


def test_a_handler_has_what_aws_s_runtime_has_and_no_more(make, invoke):
    assert invoke(make("import boto3, dateutil; return 1", Timeout=30))["Payload"] == 1
    assert invoke(make("import pandas"))["Payload"]["errorMessage"] == "No module named 'pandas'"
    assert invoke(make("import helpers"))["Payload"]["errorMessage"] == "No module named 'helpers'"


def test_a_handler_reads_the_clock_it_is_given(tmp_path):
    source = (
        "import datetime, time\nfrom datetime import date, datetime as renamed\n"
        "class Log: now = time.time\n"
        "def handler(event, context):\n"
        "    now = renamed.now(datetime.timezone.utc)\n"
        "    naive = renamed.utcnow().replace(tzinfo=datetime.timezone.utc)\n"
        "    return [time.time(), time.time_ns() / 1e9, Log().now(), now.timestamp(), naive.timestamp(),\n"
        "            time.mktime(time.localtime()), time.strftime('%Y'), str(date.today()), repr(now)[:22],\n"
        "            isinstance(now - datetime.timedelta(1), renamed), isinstance(date(2020, 1, 1), renamed),\n"
        "            isinstance(now.date(), date), issubclass(renamed, date), time.gmtime(0).tm_year]\n"
    )
    ahead = datetime.timedelta(days=4_000)
    wanted = datetime.datetime.now(datetime.UTC) + ahead
    answer = asked(tmp_path, source, ahead.total_seconds())
    assert answer[:6] == pytest.approx([wanted.timestamp()] * 6, abs=60)
    assert answer[6] == f"{wanted:%Y}"
    assert answer[7] in (str(wanted.date()), str((wanted + datetime.timedelta(minutes=1)).date()))
    assert answer[8] == f"datetime.datetime({wanted.year}"
    assert answer[9:] == [True, False, True, True, 1970]


@pytest.mark.parametrize(
    "name",
    ["../out.py", "a/../../out.py", "/out.py", "a\\..\\out.py", "C:out.py", "C:/out.py", "a//b.py"],
)
def test_no_zip_writes_outside_its_folder(name):
    with pytest.raises(BadPackage, match="could lead outside"):
        check(zipped({"lambda_function.py": "", name: "out"}))


def test_a_link_in_a_zip_is_refused():
    linked = io.BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        link = zipfile.ZipInfo("secrets")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BadPackage, match="symbolic link"):
        check(linked.getvalue())


@pytest.mark.parametrize("content", [b"", b"no zip", zipped({"a.py": "x" * 99})[:-30]])
def test_what_is_no_zip_is_refused_in_aws_s_words(content):
    with pytest.raises(BadPackage, match="Could not unzip uploaded file"):
        check(content)


def test_a_zip_bomb_is_refused(monkeypatch):
    assert package.LARGEST_UNZIPPED == 262_144_000
    monkeypatch.setattr(package, "LARGEST_UNZIPPED", 1_000_000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(600_000))
        archive.writestr("b", bytes(600_000))
    with pytest.raises(BadPackage, match="Unzipped size must be smaller than 1000000 bytes"):
        check(bomb.getvalue())


@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        ({"Role": "arn:aws:iam::123456789012:role/nobody"}, "InvalidParameterValueException", "cannot be assumed"),
        ({"Runtime": "nodejs22.x"}, "InvalidParameterValueException", "'nodejs22.x' is not in the sandbox"),
        ({"PackageType": "Image", "Code": {"ImageUri": "a:b"}}, "InvalidParameterValueException", "container images"),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {"ZipFile": zipped({"../x": ""})}}, "InvalidParameterValueException", "could lead outside"),
        ({"Layers": ["arn:aws:lambda:us-east-1:1:layer:l:1"]}, "InvalidParameterValueException", "not in the sandbox"),
        ({"Timeout": 901}, "ValidationException", "less than or equal to 900"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "reserved keys"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_made(lab, make, settings, code, message):
    with pytest.raises(ClientError, match=message) as refused:
        make("pass", FunctionName="refused", **settings)
    assert refused.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError, match="Function not found"):
        lab.client("lambda").get_function(FunctionName="refused")


def test_a_role_that_does_not_trust_lambda_is_refused(lab, make):
    role = lab.client("iam").create_role(RoleName="states", AssumeRolePolicyDocument=trust("states.amazonaws.com"))
    with pytest.raises(ClientError, match="The role defined for the function cannot be assumed by Lambda"):
        make("pass", Role=role["Role"]["Arn"])


def test_a_name_already_taken_is_a_conflict(make):
    name = make("pass")
    with pytest.raises(ClientError) as refused:
        make("pass", FunctionName=name)
    assert refused.value.response["Error"]["Code"] == "ResourceConflictException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_is_refused_in_aws_s_words(tmp_path, monkeypatch, method):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr("lambda_function.py", "def lambda_handler(event, context):\n    return event\n" * 9)
        archive.writestr("data/words.txt", "word " * 300)
    chance = random.Random(method)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for _ in range(400):
        damaged = bytearray(whole.getvalue())
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with contextlib.suppress(BadPackage):  # where the damage hit what nobody reads, it unpacks
            check(bytes(damaged[: chance.randint(len(damaged) // 2, 2 * len(damaged))]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b", "a"], ["a" * 300], ["ü" * 130]])
def test_names_that_no_folder_can_hold_are_refused(names):
    with pytest.raises(BadPackage, match="Could not unzip uploaded file"):
        check(zipped(dict.fromkeys(names, "")))


def test_a_disk_that_fails_is_not_the_zip_s_fault(monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        check(zipped({"a.py": ""}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"FunctionName": "with space"},
            "'with space' at 'functionName' failed to satisfy constraint: Member must",
        ),
        ({"FunctionName": "ümlaut"}, "'ümlaut' at 'functionName'"),
        ({"FunctionName": "../up"}, "'../up' at 'functionName'"),
        ({"FunctionName": "new\nline"}, "at 'functionName'"),
        ({"FunctionName": "x" * 65}, "at 'functionName' .*length less than or equal to 64"),
        ({"Handler": "a b.c"}, "'a b.c' at 'handler'"),
        ({"Handler": "x" * 129}, "at 'handler' .*length less than or equal to 128"),
        ({"Environment": {"Variables": {"A=B": "x"}}}, "at 'environment.variables' .*Map keys"),
        ({"Environment": {"Variables": {"nul\0": "x"}}}, "at 'environment.variables' .*Map keys"),
    ],
)
def test_names_that_aws_refuses_are_refused_in_its_words(lab, make, settings, message):
    with pytest.raises(ClientError, match=rf"1 validation error detected: Value (.|\n)*{message}") as refused:
        make("pass", **settings)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("name", ["17", "a b", "x" * 129])
def test_an_alias_has_a_name_of_aws_s_form(lab, make, name):
    with pytest.raises(ClientError, match=r"1 validation error detected: .* at 'name'"):
        lab.client("lambda").create_alias(FunctionName=make("pass"), Name=name, FunctionVersion="$LATEST")


def on_disk(name: str) -> bool:
    """Whether the sandbox has a file of this name in a function's code on its disk."""
    found = sandbox.status()
    assert found is not None
    return any((process.folder() / f"functions-{found.pid}").rglob(name))


def test_the_code_of_a_deleted_function_leaves_the_disk(lab, role, make, invoke):
    client = lab.client("lambda")
    source = {"lambda_function.py": "def lambda_handler(event, context): return 'the same'"}
    one = make("", Code={"ZipFile": zipped(source | {"first.txt": ""})})
    same = client.create_function(
        FunctionName="second-of-two",
        Runtime="python3.13",
        Handler="lambda_function.lambda_handler",
        Role=role,
        Code={"ZipFile": zipped(source | {"second.txt": ""})},
    )["FunctionName"]
    assert invoke(one)["Payload"] == invoke(same)["Payload"] == "the same"
    assert on_disk("first.txt")
    assert on_disk("second.txt")
    other = zipped({"lambda_function.py": "def lambda_handler(event, context): return 'other'"})
    client.update_function_code(FunctionName=one, ZipFile=other)
    assert not on_disk("first.txt")
    client.delete_function(FunctionName=same)
    assert not on_disk("second.txt")
    assert invoke(one)["Payload"] == "other"
    with pytest.raises(ClientError, match="cannot be assumed"):
        make("", Role="arn:aws:iam::123456789012:role/nobody", Code={"ZipFile": zipped({"never-made.txt": ""})})
    client.update_function_code(FunctionName=one, ZipFile=zipped({"tried.txt": ""}), DryRun=True)
    assert not on_disk("never-made.txt")
    assert not on_disk("tried.txt")


def test_workers_of_one_function_have_their_code_and_files_each_for_itself(make, invoke, tmp_path):
    name = make(
        "import os, pathlib, tempfile\n"
        f"for folder in (os.getcwd(), tempfile.gettempdir(), {str(tmp_path)!r}):\n"
        "    (pathlib.Path(folder) / context.aws_request_id).touch()\n"
        f"while len(os.listdir({str(tmp_path)!r})) < 2: pass\n"
        "return [sorted(os.listdir()), os.listdir(tempfile.gettempdir()), context.aws_request_id]",
        Timeout=30,
    )
    with ThreadPoolExecutor(2) as threads:
        answers = [answer["Payload"] for answer in threads.map(invoke, [name] * 2)]
    for code, temporary, request_id in answers:
        assert code == sorted([request_id, "lambda_function.py"])
        assert temporary == [request_id]


def test_code_that_still_runs_when_its_function_is_deleted_leaves_the_disk_afterwards(lab, role, tmp_path):
    client, ready = lab.client("lambda"), tmp_path / "ready"
    body = (
        "import pathlib\n\ndef lambda_handler(event, context):\n"
        f"    pathlib.Path({str(ready)!r}).touch()\n"
        f"    while pathlib.Path({str(ready)!r}).exists(): pass\n"
        "    import later\n    return later.word\n"
    )
    client.create_function(
        FunctionName="deleted-while-running",
        Runtime="python3.13",
        Handler="lambda_function.lambda_handler",
        Role=role,
        Timeout=30,
        Code={"ZipFile": zipped({"lambda_function.py": body, "later.py": "word = 'still here'"})},
    )
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(client.invoke, FunctionName="deleted-while-running")
        while not ready.exists():
            assert not answer.done()
        client.delete_function(FunctionName="deleted-while-running")
        ready.unlink()
        assert answer.result()["Payload"].read() == b'"still here"'
    assert not on_disk("later.py")
