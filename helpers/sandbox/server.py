"""The sandbox's server process: moto's services behind one port on 127.0.0.1."""

import os
import sys

from werkzeug.serving import make_server

from helpers.sandbox import athena, clock, interpreter, lambda_runner, states_api


def main() -> None:
    """Serve until told to stop. Keys come in the environment; the port is written to standard output."""
    from moto.core.config import default_user_config
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

    for concern in (clock, lambda_runner, interpreter, states_api, athena):
        concern.mend()
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    default_user_config["lambda"] = {"use_docker": False}
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), True, request_handler=MotoRequestHandler
    )
    os.environ["MOTO_PORT"] = str(server.server_port)
    print(server.server_port, flush=True)
    os.dup2(2, 1)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
