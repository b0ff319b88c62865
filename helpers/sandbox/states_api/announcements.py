"""The events that tell EventBridge of every change of a Standard execution's status."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

if TYPE_CHECKING:
    from helpers.sandbox.states_api.execution import Execution

__all__ = ["announcement_of"]

_INCLUDED = {"included": True}


def announcement_of(execution: Execution) -> Callable[[], Any] | None:
    """What puts "Step Functions Execution Status Change", as it is now, on the default bus; None where no rule listens.

    Source: EventBridge's events reference, "Step Functions Execution Status Change"; times are in milliseconds.
    """
    events = events_backends[execution.backend.account_id][execution.backend.region_name]
    if execution.express or not events.event_buses["default"].rules:
        return None
    ended = execution.status == "SUCCEEDED"
    reason = execution.not_redrivable()
    detail = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "stateMachineVersionArn": execution.version.arn if execution.version else None,
        "stateMachineAliasArn": execution.alias.arn if execution.alias else None,
        "name": execution.name,
        "status": execution.status,
        "startDate": _milliseconds(execution.started),
        "stopDate": _milliseconds(execution.stopped),
        "input": execution.text,
        "inputDetails": _INCLUDED,
        "output": execution.output,
        "outputDetails": _INCLUDED if ended else None,
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": execution.redrives,
        "redriveDate": _milliseconds(execution.redriven),
        "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
        "redriveStatusReason": reason,
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
