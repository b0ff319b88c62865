"""The Jupyter server loads our extension, and its connections to kernels do not hold small messages back."""

import json
import subprocess
import sys

from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from helpers.jupyter_extension import PromptConnection, _load_jupyter_server_extension


def test_the_server_of_this_environment_loads_it():
    command = [sys.executable, "-m", "jupyter_server.extension.serverextension", "list"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = (told.stdout + told.stderr).splitlines()
    assert any("helpers.jupyter_extension" in line and "OK" in line for line in lines), json.dumps(lines)


def test_it_takes_the_place_of_the_usual_connection_and_of_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    server = ServerApp(root_dir=str(tmp_path), allow_root=True, open_browser=False)
    server.initialize(argv=[], find_extensions=False, new_httpserver=False)
    settings = server.web_app.settings
    assert settings["kernel_websocket_connection_class"] is ZMQChannelsWebsocketConnection
    _load_jupyter_server_extension(server)
    assert settings["kernel_websocket_connection_class"] is PromptConnection
    settings["kernel_websocket_connection_class"] = chosen = type("Chosen", (ZMQChannelsWebsocketConnection,), {})
    _load_jupyter_server_extension(server)
    assert settings["kernel_websocket_connection_class"] is chosen
