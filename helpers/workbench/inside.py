"""The executions that an execution started: nested ones and the children of a Map Run."""

import json
import re
from dataclasses import dataclass
from typing import Any

from helpers import calls
from helpers.lab import Lab
from helpers.workbench.view import ExecutionView, Place, place_of

__all__ = ["Child", "children", "starters"]

EXECUTION = re.compile(r"arn:[^:\s]*:states:[^:\s]*:\d{12}:execution:[^:\s]+:\S+")
MOST = 200


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
    starts |= events["type"].str.startswith("MapRun")
    return {place_of(event) for event in events[starts.fillna(False)].to_dict("records")}


def children(view: ExecutionView, row: int) -> list[Child]:
    """What the visit of the event in a row started: at most 200 executions, newest first for a Map Run.

    Raises NotAllowed.
    """
    place = place_of(view.event(row))
    if not place[1]:
        return []
    events = view.events
    own = events[events["state"].eq(place[1]) & events["visit"].eq(place[2]) & events["branch"].fillna("").eq(place[0])]
    found = _nested(own["output"].dropna().tolist())
    if found or view.lab is None or view.arn is None or not own["type"].str.startswith("MapRun").any():
        return found
    number = int((events["type"].eq("MapRunStarted") & (events["id"] <= own["id"].max())).sum())
    return _of_map_run(view.arn, number, view.lab)


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


def _of_map_run(arn: str, number: int, lab: Lab) -> list[Child]:
    """The children of an execution's Map Run with that number, counted from 1 in order of starting."""
    client = calls.client(lab)
    with calls.plainly(f"list the Map Runs of {arn}"):
        runs: list[Any] = []
        for page in client.get_paginator("list_map_runs").paginate(executionArn=arn):
            runs += page["mapRuns"]
    runs.sort(key=lambda run: run["startDate"])
    if not 0 < number <= len(runs):
        return []
    run = runs[number - 1]["mapRunArn"]
    with calls.plainly(f"list the executions of the Map Run {run}"):
        listed = client.list_executions(mapRunArn=run, maxResults=MOST)["executions"]
    return [Child(one["executionArn"], one["name"], one["status"]) for one in listed]
