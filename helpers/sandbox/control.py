"""The sandbox's own verbs, which AWS does not have: signed POSTs of a JSON object to /_sandbox/<verb>."""

import contextlib
import ctypes
import gc
import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from helpers.errors import LabError
from helpers.sandbox import athena, clock, delays, identities, signing, states_api
from helpers.sandbox.integrations import jobs
from helpers.sandbox.refusal import Answer

__all__ = ["PREFIX", "VERBS", "answer", "ended", "ping", "reset", "running_executions"]

PREFIX = "/_sandbox/"

ended = threading.Event()  # what the server waits for

Verb = Callable[[dict[str, Any]], dict[str, Any]]


def answer(verb: str, body: bytes) -> Answer:
    """Do `verb` with the JSON object in `body` as its arguments.

    Answers 200 with what it returns, or 400 with `error` (a class of `helpers.errors`) and `message`.
    """
    if verb not in VERBS:
        return _json(404, {"error": "SandboxFailed", "message": f"The sandbox has no verb {verb!r}."})
    try:
        return _json(200, VERBS[verb](json.loads(body or b"{}")))
    except LabError as error:
        return _json(400, {"error": type(error).__name__, "message": str(error)})
    except Exception as error:
        logging.getLogger(__name__).exception("The verb %s failed", verb)
        message = f"The sandbox stumbled over {verb!r} ({type(error).__name__}: {error}); its log says more."
        return _json(400, {"error": "SandboxFailed", "message": message})


def _json(status: int, content: dict[str, Any]) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(content).encode())


def ping(arguments: dict[str, Any]) -> dict[str, Any]:
    """Which process this is, with a proof that it holds the keys."""
    return {"pid": os.getpid(), "proof": signing.prove(os.environ["LAB_SECRET_KEY"], str(arguments["nonce"]))}


def running_executions() -> list[Any]:
    """The executions that have not ended, of all accounts and regions."""
    return [one for _, _, backend in states_api.backends.iter_backends() for one in list(backend.running.values())]


def reset(_: dict[str, Any]) -> dict[str, Any]:
    """Stop what runs, forget all that was made, end fast-forward, put limits and durations back; the rest stays."""
    stopped = sum(backend.stop_running() for _, _, backend in states_api.backends.iter_backends())
    BackendDict.reset()
    reset_model_data()
    clock.reset()
    athena.query_seconds({"seconds": None})
    jobs.reset()
    identities.reset()
    delays.reset()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # where the C library cannot give memory back to the system
        ctypes.CDLL(None).malloc_trim(0)
    return {"stopped": stopped}


def end(_: dict[str, Any]) -> dict[str, Any]:
    """Have the server end itself."""
    ended.set()
    return {}


VERBS: dict[str, Verb] = {
    "ping": ping,
    "end": end,
    "reset": reset,
    "clock": clock.read,
    "fast_forward": clock.fast_forward,
    "history_limit": clock.history_limit,
    "athena": athena.query_seconds,
    "hold_roles": identities.hold,
    "asked": identities.asked_of_users,
    "stand_in": jobs.stand_in,
    "jobs": jobs.jobs,
}
