"""What other services hear of executions, in order and outside the engine's thread."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

from helpers.sandbox.clock import clock

if TYPE_CHECKING:
    from helpers.sandbox.states_api.execution import Execution

__all__ = ["announcement_of", "publish"]

LOG = logging.getLogger(__name__)

_waiting: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def publish(action: Callable[[], Any]) -> None:
    """Let another service know something; until it does, something works."""
    global _thread
    clock.begin()
    _waiting.put(action)
    if _thread is None:
        with _lock:
            if _thread is None:
                _thread = threading.Thread(target=_tell, name="publishing", daemon=True)
                _thread.start()


def _tell() -> None:
    while True:
        action = _waiting.get()
        try:
            action()
        except Exception:  # whatever the other service raises, the execution is as it is
            LOG.exception("Something did not reach another service.")
        finally:
            clock.end()


def announcement_of(execution: Execution) -> Callable[[], Any] | None:
    """What puts "Step Functions Execution Status Change", as it is now, on the default bus; None where no rule listens.

    Source: EventBridge's events reference, "Step Functions Execution Status Change"; times are in milliseconds.
    """
    events = events_backends[execution.backend.account_id][execution.backend.region_name]
    if execution.express or not events.event_buses["default"].rules:
        return None
    described = execution.describe()
    detail: dict[str, Any] = {
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        **{name: value for name, value in described.items() if name not in ("traceHeader", "mapRunArn")},
        **{name: _milliseconds(described[name]) for name in ("startDate", "stopDate", "redriveDate")},
    }
    entry = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Resources": [execution.arn],
        "Detail": json.dumps(detail),
    }
    return lambda: events.put_events([entry])


def _milliseconds(moment: Any) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
