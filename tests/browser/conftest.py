"""JupyterLab in headless Chromium: one server and one browser; a workspace and a page of its own for every test."""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "tests" / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOW = 60_000  # ms; a loaded machine is slow, and nothing here waits longer than it must


def pytest_collection_modifyitems(items):
    missing = "Chromium is not installed: the pages are not looked at in a browser"
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason=missing))


class Jupyter:
    """A JupyterLab that runs, with the notebooks in a folder of its own."""

    def __init__(self, folder: pathlib.Path, environment: dict[str, str]) -> None:
        self.folder, self.token = folder, secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        options = [
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.allow_root=True",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
            "--no-browser",
        ]
        self._log = (folder.parent / "jupyter.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, str(folder)],
            cwd=folder,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def get(self, path: str, method: str = "GET") -> bytes:
        """An answer of the server's API."""
        request = urllib.request.Request(
            f"{self.url}/{path}", headers={"Authorization": f"token {self.token}"}, method=method
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as answer:
            return answer.read()

    def is_ready(self) -> bool:
        """Whether the server answers."""
        if self._process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended: {(self.folder.parent / 'jupyter.log').read_text()[-2000:]}")
        with contextlib.suppress(OSError):
            return bool(self.get("api/status"))
        return False

    def end_kernels(self) -> None:
        """End all kernels."""
        for session in json.loads(self.get("api/sessions")):
            self.get(f"api/sessions/{session['id']}", "DELETE")

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


@pytest.fixture(scope="package")
def jupyter(lab, tmp_path_factory) -> Iterator[Jupyter]:
    """JupyterLab on a copy of the notebooks, whose kernels share the test run's sandbox."""
    tmp_path = tmp_path_factory.mktemp("jupyter")
    folder = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(tmp_path / name.lower())
    environment["PYTHONPATH"] = str(ROOT)
    # Every cell is in the page, whether or not it is scrolled to; and no question about news lies over it.
    settings = tmp_path / "config" / "lab" / "user-settings" / "@jupyterlab"
    for name, chosen in {
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    }.items():
        (settings / name).parent.mkdir(parents=True, exist_ok=True)
        (settings / f"{name}.jupyterlab-settings").write_text(json.dumps(chosen))
    server = Jupyter(folder, environment)
    try:
        for _ in range(600):
            if server.is_ready():
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                server._process.wait(0.2)
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")  # while it lives, no other loop of asyncio can run in this thread
def browser():
    """Chromium."""
    from playwright.sync_api import sync_playwright

    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser, jupyter):
    """A page of Chromium; `page.requested` lists every address that it asked for."""
    shown = browser.new_page(viewport={"width": 1280, "height": 1000})
    shown.set_default_timeout(SLOW)
    shown.requested = []
    shown.on("request", lambda request: shown.requested.append(request.url))
    yield shown
    shown.close()
    jupyter.end_kernels()


@pytest.fixture
def opened(page, jupyter):
    """A function that opens a notebook and waits until its kernel is there: opened("03-run-and-watch.ipynb")."""

    def open_(name: str, dark: bool = False):
        workspace = secrets.token_hex(4)  # what another test left open is not opened again
        page.goto(f"{jupyter.url}/lab/workspaces/{workspace}/tree/{name}?token={jupyter.token}")
        page.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored")
        page.evaluate("() => window.jupyterapp.restored")
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        # the kernel's own word in the status line or toolbar comes and goes; the session says when it is there
        page.wait_for_function(
            """() => { const panel = window.jupyterapp.shell.currentWidget;
                       const kernel = panel && panel.sessionContext && panel.sessionContext.session
                                      && panel.sessionContext.session.kernel;
                       return kernel && kernel.status === 'idle'; }"""
        )
        return page

    return open_


def run_all(page) -> None:
    """Begin to run all cells of the open notebook; the page shows how far they are."""
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")


def outside(page) -> list[str]:
    """The addresses asked for that do not lie on this machine."""
    own = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
    return [url for url in page.requested if not url.startswith(own)]
