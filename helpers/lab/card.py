"""How a Lab shows itself in a notebook: where we are, what we have made, what it would cost."""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from html import escape
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import LabError
from helpers.lab.lessons import costs_in_words
from helpers.lab.settings import Settings
from helpers.limits import TRANSITION
from helpers.verbatim import verbatim

__all__ = ["card"]

# How many executions the estimate looks at, the latest first: each takes a call.
LOOKED_AT = 20
SHOWN = 8
# What is made here: service, operation, and where in its answer the names are.
LISTINGS = {
    "state machines": ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "Lambda functions": ("lambda", "list_functions", "Functions", "FunctionName"),
    "roles": ("iam", "list_roles", "Roles", "RoleName"),
}


class Place(Protocol):
    """What a card shows of a Lab."""

    target: str
    account: str
    region: str
    identity: str
    prefix: str
    rules: Settings
    notices: tuple[str, ...]

    @property
    def ahead(self) -> datetime.timedelta: ...
    def client(self, service: str) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Cost:
    """An estimate: the executions looked at, their events, and whether there are more."""

    executions: int
    events: int
    more: bool

    @property
    def transitions(self) -> int:
        """At most this many: a transition leaves two events at least, and each execution begins and ends with one."""
        return max(0, (self.events - 2 * self.executions) // 2)


def card(lab: Place) -> str:
    """The Lab as HTML. What may not be looked at is said in a sentence."""
    where, colour = ("Sandbox, on this computer; nothing costs anything", "#1a7f37")
    if lab.target == "aws":
        where, colour = ("REAL AWS ACCOUNT; what you make here is real and may cost money", "#b35900")
    elif lab.target != "sandbox":
        where, colour = (f"Endpoint {lab.target}", "#0550ae")
    rows = {
        "account": f"{lab.account}, region {lab.region}",
        "who": lab.identity,
        "names begin with": lab.prefix,
        "rules": lab.rules.words,
        **{kind: _look(partial(_made, lab, *listing)) for kind, listing in LISTINGS.items()},
        "cost so far": _look(lambda: _cost_in_words(_cost(lab), lab.target == "aws")),
        "lessons": costs_in_words() if lab.target == "aws" else "",
        "clock": _look(lambda: _ahead_in_words(lab)),
        "note": " ".join(lab.notices),
    }
    cells = "".join(
        f'<tr><th style="text-align:left;vertical-align:top">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in rows.items()
        if text
    )
    return verbatim(
        f'<div style="border-left:6px solid {colour};padding:2px 12px">'
        f"<strong>{escape(where)}</strong><table>{cells}</table></div>"
    )


def _ahead_in_words(lab: Place) -> str:
    ahead = lab.ahead
    if not ahead:
        return ""
    return f"{ahead} ahead of real time after a fast-forward; the next one, or a reset, puts it back where nothing runs"


def _look(say: Callable[[], str]) -> str:
    try:
        return say()
    except ClientError as error:
        return f"not visible: AWS answered {error.response.get('Error', {}).get('Code', 'an error')}"
    except (BotoCoreError, LabError) as error:
        return f"not visible: {error}"


def _made(lab: Place, service: str, operation: str, key: str, name: str) -> str:
    pages = lab.client(service).get_paginator(operation).paginate()
    names = sorted(found[name] for page in pages for found in page[key] if found[name].startswith(lab.prefix))
    if not names:
        return "none yet"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)}: " + ", ".join(names[:SHOWN]) + more


def _cost(lab: Place) -> Cost:
    states = lab.client("stepfunctions")
    latest = sorted(_executions(lab, states), key=_start, reverse=True)
    events = 0
    for execution in latest[:LOOKED_AT]:
        last = states.get_execution_history(
            executionArn=execution["executionArn"], reverseOrder=True, maxResults=1, includeExecutionData=False
        )["events"]
        events += last[0]["id"] if last else 0
    return Cost(min(len(latest), LOOKED_AT), events, len(latest) > LOOKED_AT)


def _executions(lab: Place, states: Any) -> Iterator[dict[str, Any]]:
    for page in states.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"].startswith(lab.prefix) and machine["type"] == "STANDARD":
                arn = machine["stateMachineArn"]
                found: Iterable[dict[str, Any]] = states.list_executions(stateMachineArn=arn, maxResults=LOOKED_AT + 1)[
                    "executions"
                ]
                yield from found


def _start(execution: dict[str, Any]) -> datetime.datetime:
    started: datetime.datetime = execution["startDate"]
    return started


def _cost_in_words(cost: Cost, real: bool) -> str:
    if cost.executions == 0:
        return "nothing: no execution yet"
    number = "1 execution" if cost.executions == 1 else f"{cost.executions} executions"
    looked = f"the latest {number}" if cost.more else number
    amount = f"at most ${cost.transitions * TRANSITION:.4f}" + ("" if real else " on an account")
    return (
        f"{amount}: {looked} with at most {cost.transitions} state transitions (half their events) at $0.025 per 1,000;"
        " the first 4,000 a month are free, and Lambda is not counted"
    )
