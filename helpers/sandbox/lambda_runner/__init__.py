"""AWS Lambda on the sandbox: the uploaded zips run in warm Python worker processes.

`functions` is the API, `runner` one invocation, `workers` the processes, `bootstrap` what runs inside them, `keeper`
what ends with them all that a handler started, `package` what the zips may hold.

Not as on AWS: every `python3.x` runs on the sandbox's own Python; other runtimes, container images and layers are
refused. MemorySize is not enforced. A worker's own folder with the code can be written to, and /tmp is this computer's
(TMPDIR and `tempfile` lead to a folder of the worker's own). A handler runs as the person who started the sandbox: it
is kept from their AWS credentials and settings, not from their files. At most 64 functions run at once; further ones
wait. The last megabyte of an invocation's output is kept. Destinations of asynchronous invocations and client contexts
are ignored.
"""

import os
import pathlib
import re

import psutil

from helpers.sandbox import files, process
from helpers.sandbox.patching import replace


def patch() -> None:
    """Put this package's patches of moto in place; called once, before the server answers."""
    import moto.awslambda_simple.models as simple
    import moto.awslambda_simple.responses as simple_responses
    from moto.awslambda.models import LambdaFunction
    from moto.awslambda.responses import LambdaResponse
    from moto.core.base_backend import BackendDict
    from moto.core.config import default_user_config

    from helpers.sandbox.lambda_runner import functions
    from helpers.sandbox.lambda_runner.workers import Workers

    functions.LambdaBackend.workers = Workers(_own_folder())

    # AWS runs a function's code; moto does so in Docker, or echoes the event.
    default_user_config["lambda"] = {"use_docker": False}
    backends = BackendDict(functions.LambdaBackend, "lambda")
    for module in (simple, simple_responses):
        replace(module, "lambda_simple_backends", backends)
    replace(LambdaFunction, "invoke", functions.invoke_from_inside)
    functions.tell_reserved_concurrency()
    replace(LambdaResponse, "invoke", functions.invoke_response)
    replace(LambdaResponse, "_enrich_response", staticmethod(functions.named_response))
    # AWS leaves 100 of an account's 1,000 concurrent executions unreserved; moto checks that only where it is set.
    os.environ.setdefault("MOTO_LAMBDA_CONCURRENCY_QUOTA", "1000")


def close() -> None:
    """End all workers and remove the functions' code; called once, when the server ends."""
    from helpers.sandbox.lambda_runner import functions

    functions.LambdaBackend.workers.close()


def _own_folder() -> pathlib.Path:
    """This server's folder for code and temporary files; those of servers that are gone are removed."""
    place = process.folder()
    for left in place.glob("functions-*"):
        found = re.fullmatch(r"functions-(\d+)", left.name)
        if found and not psutil.pid_exists(int(found[1])):
            files.remove(left)
    return place / f"functions-{os.getpid()}"
