"""The executions that an execution's tasks started."""

import json
import re
from dataclasses import dataclass

from helpers.workbench.view import ExecutionView, Place, place_of

__all__ = ["Child", "children", "starters"]

EXECUTION = re.compile(r"arn:[^:\s]*:states:[^:\s]*:\d{12}:execution:[^:\s]+:\S+")


@dataclass(frozen=True)
class Child:
    """An execution inside another one; `status` is AWS's, empty where it was not asked for."""

    arn: str
    name: str
    status: str = ""


def starters(view: ExecutionView) -> set[Place]:
    """The visits that may have started executions."""
    events = view.events
    starts = events["resource"].fillna("").str.startswith("startExecution") & events["resource_type"].eq("states")
    return {place_of(event) for event in events[starts.fillna(False)].to_dict("records")}


def children(view: ExecutionView, row: int) -> list[Child]:
    """What the visit of the event in a row started."""
    rows = view.visit_events.get(place_of(view.event(row)), [])
    return _nested(view.events["output"].iloc[rows].dropna().tolist())


def _nested(outputs: list[str]) -> list[Child]:
    """The executions that the answers of states:startExecution name."""
    found: dict[str, Child] = {}
    for output in outputs:
        try:
            answer = json.loads(output)
        except (ValueError, RecursionError):
            continue
        arn = answer.get("ExecutionArn") if isinstance(answer, dict) else None
        if isinstance(arn, str) and EXECUTION.fullmatch(arn):
            found[arn] = Child(arn, arn.split(":", 7)[-1], str(answer.get("Status", "")))
    return list(found.values())
