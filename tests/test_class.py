"""Five people on one machine with `jupyterhub_config.py`: who sees what, what ends with what, and the memory."""

import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import websocket

ROOT = Path(__file__).resolve().parents[1]
HUB = Path(sys.executable).parent / "jupyterhub"
PROXY = shutil.which("configurable-http-proxy")
MB = 1_000_000
pytestmark = pytest.mark.skipif(
    not (os.environ.get("RUN_CLASS") and HUB.exists() and PROXY and getattr(os, "getuid", int)() == 0),
    reason="makes system users: needs root, jupyterhub, configurable-http-proxy, and RUN_CLASS=1",
)


class Class:
    """A running hub; `token` opens everything."""

    def __init__(self, folder: Path, people: list[str]) -> None:
        self.people, self.token = people, secrets.token_hex(16)
        taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        self.port, inner, hub = (one.getsockname()[1] for one in taken)
        for one in taken:
            one.close()
        config = folder / "config.py"
        config.write_text(
            f"load_subconfig({str(ROOT / 'jupyterhub_config.py')!r})\n"
            f"c.JupyterHub.bind_url = 'http://127.0.0.1:{self.port}'\n"
            f"c.JupyterHub.hub_port = {hub}\nc.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{inner}'\n"
            f"c.JupyterHub.db_url = 'sqlite:///{folder}/hub.sqlite'\n"
            f"c.JupyterHub.services = [{{'name': 'test', 'api_token': {self.token!r}}}]\n"
            "c.JupyterHub.load_roles = [{'name': 'test', 'services': ['test'],"
            " 'scopes': ['admin:users', 'admin:servers', 'access:servers']}]\n",
            encoding="utf-8",
        )
        self.log = (folder / "hub.log").open("w")
        self.process = subprocess.Popen([HUB, "-f", config], cwd=folder, stdout=self.log, stderr=self.log)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the hub, or through it somebody's server."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def wait_for(self, ready: Any, seconds: float = 300.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if ready():
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, "it does not come"
            time.sleep(0.5)

    def open(self, person: str) -> None:
        """Log a person in: the server starts."""
        self.ask("POST", f"hub/api/users/{person}")
        self.ask("POST", f"hub/api/users/{person}/server")

    def is_open(self, person: str) -> bool:
        return bool(self.ask("GET", f"hub/api/users/{person}")["servers"].get("", {}).get("ready"))

    def run(self, person: str, code: str, notebook: str) -> str:
        """Run code in the kernel of a person's notebook, and give what it prints."""
        asked = {"path": notebook, "type": "notebook", "name": notebook, "kernel": {"name": "python3"}}
        kernel = self.ask("POST", f"user/{person}/api/sessions", asked)["kernel"]["id"]
        address = f"ws://127.0.0.1:{self.port}/user/{person}/api/kernels/{kernel}/channels"
        channel = websocket.create_connection(address, timeout=120, header=[f"Authorization: token {self.token}"])
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": "s",
            "username": "",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        channel.send(json.dumps(message))
        said = ""
        while True:
            came = json.loads(channel.recv())
            if came["parent_header"].get("msg_id") == header["msg_id"]:
                said += came["content"].get("text", "") if came["msg_type"] == "stream" else ""
                said += "\n".join(came["content"]["traceback"]) if came["msg_type"] == "error" else ""
                if came["msg_type"] == "execute_reply":
                    channel.close()
                    return said


def memory(person: str) -> float:
    """What all processes of a person take, in MB of PSS."""
    return sum(one.memory_full_info().pss for one in processes(person)) / MB


def processes(person: str, word: str = "") -> list[psutil.Process]:
    """The processes of a person that live, of those with a word in their command line."""
    found = []
    for one in psutil.process_iter(["username", "cmdline", "status"]):
        if one.info["username"] == person and one.info["status"] != psutil.STATUS_ZOMBIE:
            found += [one] if word in " ".join(one.info["cmdline"] or []) else []
    return found


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    people = [f"learner{number}" for number in range(1, 6)]
    for person in people:
        subprocess.run(["useradd", "-m", "-s", "/bin/bash", person], check=True)
        os.chmod(pwd.getpwnam(person).pw_dir, 0o700)
    room = Class(tmp_path_factory.mktemp("hub"), people)
    try:
        room.wait_for(lambda: room.ask("GET", "hub/api/users") is not None)
        for person in people:
            room.open(person)
        room.wait_for(lambda: all(map(room.is_open, people)))
        yield room
    finally:
        if room.process.poll() is None:
            room.process.terminate()
            room.process.wait(60)
        for person in people:
            for left in processes(person):
                left.kill()
            subprocess.run(["userdel", "-r", person], check=False, stderr=subprocess.DEVNULL)


MADE = """
import helpers
from helpers import definition, deploy, diagram, execution, history, live
lab = helpers.connect()
machine = deploy.deploy("busy_wait", lab=lab)
print(execution.wait(execution.start(machine.arn, lab=lab), progress=False, lab=lab).status)
print(lab._sandbox.endpoint_url, lab._sandbox.pid)
"""


def test_a_class(room: Class) -> None:
    ends = {person: room.run(person, MADE, "00-start-here.ipynb").split() for person in room.people}
    assert {end[0] for end in ends.values()} == {"SUCCEEDED"}
    assert len({end[1] for end in ends.values()}) == 5, "a sandbox each"
    ann, ben, *_ = room.people
    prying = f"import os; os.listdir('{pwd.getpwnam(ben).pw_dir}')"
    assert "PermissionError" in room.run(ann, prying, "00-start-here.ipynb")
    with_one = memory(ann)
    for notebook in ("02-create-the-state-machine.ipynb", "03-run-and-watch.ipynb"):
        room.run(ann, MADE, notebook)
    with_three = memory(ann)
    print(f"{with_one:.0f} MB with one notebook, {with_three:.0f} MB with three")
    assert with_one <= 350
    assert with_three <= 550
    # Whoever comes back to a sandbox that lives on finds it again; with the server it ends.
    assert room.run(ann, MADE, "04-read-the-history.ipynb").split()[1:] == ends[ann][1:]
    room.ask("DELETE", f"hub/api/users/{ann}/server")
    room.wait_for(lambda: not processes(ann, "helpers.sandbox.server"), 60)
    assert processes(ben, "helpers.sandbox.server")
    room.process.terminate()
    room.process.wait(60)
    for person in room.people:
        room.wait_for(lambda person=person: not processes(person, "helpers.sandbox.server"), 60)
