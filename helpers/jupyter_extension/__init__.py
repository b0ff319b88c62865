"""An extension of the Jupyter server: what a kernel sends reaches the browser at once.

A kernel answers a step of a slider in several small messages, and TCP holds each one back until the browser has
acknowledged the one before, up to 40 ms on the same computer. With this installed, as the README's commands do, small
messages leave at once.
"""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

__all__ = ["PromptConnection"]

SETTING = "kernel_websocket_connection_class"


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A connection between a kernel and the browser that does not wait for acknowledgements."""

    def connect(self) -> Any:
        self.websocket_handler.set_nodelay(True)
        return super().connect()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Take the place of the server's usual connection; another one that somebody chose stays."""
    settings = server.web_app.settings
    if settings[SETTING] is ZMQChannelsWebsocketConnection:
        settings[SETTING] = PromptConnection
