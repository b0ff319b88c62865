"""How a Lab shows itself in a notebook: where we are, what we have made, what it would cost."""

import datetime
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from operator import itemgetter
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from helpers.errors import LabError
from helpers.lab.lessons import costs_in_words
from helpers.lab.settings import Settings
from helpers.limits import TRANSITION
from helpers.quantities import count
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
        "cost so far": _look(partial(_cost_so_far, lab)),
        "lessons": costs_in_words() if lab.target == "aws" else "",
        "clock": _look(partial(_ahead_in_words, lab)),
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


def _cost_so_far(lab: Place) -> str:
    """At most what was paid: a transition leaves two events at least, and each execution begins and ends with one."""
    sfn = lab.client("stepfunctions")
    latest = sorted(_executions(lab, sfn), key=itemgetter("startDate"), reverse=True)
    if not latest:
        return "nothing: no execution yet"
    looked_at = latest[:LOOKED_AT]
    events = 0
    for execution in looked_at:
        last = sfn.get_execution_history(
            executionArn=execution["executionArn"], reverseOrder=True, maxResults=1, includeExecutionData=False
        )["events"]
        events += last[0]["id"] if last else 0
    transitions = max(0, events // 2 - len(looked_at))
    amount = f"at most ${transitions * TRANSITION:.4f}" + ("" if lab.target == "aws" else " on an account")
    looked = ("the latest " if latest[LOOKED_AT:] else "") + count(len(looked_at), "execution", "executions")
    return (
        f"{amount}: {looked} with at most {transitions} state transitions (half their events) at $0.025 per 1,000;"
        " the first 4,000 a month are free, and Lambda is not counted"
    )


def _executions(lab: Place, sfn: Any) -> Iterator[dict[str, Any]]:
    for page in sfn.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"].startswith(lab.prefix) and machine["type"] == "STANDARD":
                arn = machine["stateMachineArn"]
                yield from sfn.list_executions(stateMachineArn=arn, maxResults=LOOKED_AT + 1)["executions"]
