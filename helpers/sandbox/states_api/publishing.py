"""What EventBridge hears of executions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

if TYPE_CHECKING:
    from helpers.sandbox.states_api.execution import Execution

__all__ = ["announcement_of"]


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
