"""Settings for a Jupyter server on which the workbench is to follow its slider closely:

    jupyter lab --config jupyter_server_config.py notebooks

What a kernel sends goes to the browser in several small messages, and TCP holds each one back until the browser has
acknowledged the one before, up to 40 ms on the same computer. Here small messages leave at once.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A connection between kernel and browser that does not wait for acknowledgements."""

    def connect(self):
        self.websocket_handler.set_nodelay(True)
        return super().connect()


c = get_config()  # noqa: F821  # what reads this file provides it
c.ServerApp.kernel_websocket_connection_class = PromptConnection
