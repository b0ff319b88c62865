"""The execution as a whole: how it stands, what ended it, what it cost, and where to look further."""

import json
import re
import shlex
from typing import Any
from urllib.parse import quote

import pandas as pd

from helpers.console import address
from helpers.history.sources import parsed
from helpers.limits import REDRIVABLE_DAYS, REDRIVABLE_EVENTS
from helpers.live import going_on, lasts
from helpers.quantities import count, dollars
from helpers.statuses import OPEN_VISIT, REDRIVABLE, RUNNING
from helpers.workbench.markup import chip, list_of, seconds, text
from helpers.workbench.view import ExecutionView

__all__ = ["commands", "console_link", "header", "not_redrivable", "redrivable"]

ARN = re.compile(r"arn:aws[a-z-]*:states:([a-z0-9-]+):\d{12}:(execution|express):[^\s\"'<>]+")


def header(view: ExecutionView) -> str:
    """Name, status, the failure in a sentence, the figures, and what is open while it runs."""
    parts = [f"<div><h3>{text(view.name, 200)}</h3>{chip(view.status)}</div>"]
    parts += [f'<p class="note">{text(note, 600)}</p>' for note in view.notes]
    if not len(view.events):
        if view.described is not None:
            parts.append(_without_events(view))
        return "".join(parts)
    summary = view.summary
    if summary.failure:
        parts.append(f'<p class="failure">{text(summary.failure, 500)}</p>')
    if summary.earlier:
        parts.append(f'<p class="quiet">Earlier: {text(summary.earlier, 500)}</p>')
    parts += _open_visits(view)
    facts = [
        ("started", text("unknown" if summary.started is None else view.moment(summary.started))),
        ("took" if summary.ended is not None else "runs for", text(seconds(summary.duration)) or "unknown"),
        ("working", seconds(summary.working)),
        ("waiting", seconds(summary.waiting)),
        ("backing off", seconds(summary.backing_off)),
        ("transitions", f"{summary.transitions:,}"),
        ("cost", dollars(summary.dollars)),
        ("events", f"{summary.events:,}" + (f" of {summary.events_limit:,}" if summary.events_limit else "")),
    ]
    if summary.full_at is not None:
        facts.append(("history full at", text(f"{view.moment(summary.full_at)}, at the present rate")))
    if summary.redrives:
        facts.append(("redriven", count(summary.redrives, "time", "times")))
    facts.append(("redrive", text(redrivable(view))))
    return "".join(parts) + list_of(facts)


def _open_visits(view: ExecutionView) -> list[str]:
    """What each open visit of a running execution does, and the last answer that came."""
    if view.status not in RUNNING or view.lab is None:
        return []
    opened = view.visits[view.visits["status"].isin(OPEN_VISIT)]
    inner = opened[~opened["type"].isin(["Map", "Parallel"])]
    shown = inner if len(inner) else opened
    tried = lasts(view.attempts[view.attempts["state"].isin(shown["state"])])
    said = [text(line, 400) for line in going_on(shown, tried, view.bodies, view.lab.now())]
    answered = view.events[view.events["type"].isin(["TaskSucceeded", "LambdaFunctionSucceeded"])]
    if len(answered) and isinstance(output := answered["output"].iloc[-1], str):
        state = text(answered["state"].iloc[-1], 80)
        said.append(f"last answer, of <b>{state}</b>: <code>{text(_short(output), 200)}</code>")
    return [f"<p>{line}</p>" for line in said]


def _short(output: str) -> str:
    """The answer's payload, without what AWS says about the call."""
    answer = parsed(output)
    if not isinstance(answer, dict) or "Payload" not in answer:
        return output
    return json.dumps(answer["Payload"], ensure_ascii=False)


def _without_events(view: ExecutionView) -> str:
    assert view.described is not None
    described = view.described
    facts = [("started", text(view.moment(described.started)))]
    if described.stopped is not None:
        facts.append(("stopped", text(view.moment(described.stopped))))
    named = ((name, getattr(described, name)) for name in ("error", "cause", "input", "output"))
    facts += [(name, text(value, 500)) for name, value in named if value]
    return list_of(facts)


def redrivable(view: ExecutionView) -> str:
    """Until when the execution can be redriven, or why it cannot."""
    ended, reason = view.summary.ended, not_redrivable(view)
    if reason or ended is None:
        return reason
    return f"until {view.moment(ended + pd.Timedelta(days=REDRIVABLE_DAYS), '%Y-%m-%d %H:%M')}"


def not_redrivable(view: ExecutionView) -> str:
    """Why the execution cannot be redriven, empty where it can."""
    summary = view.summary
    if summary.events_limit is None or (view.arn and ":express:" in view.arn):
        return "not for an Express execution"
    if view.status not in REDRIVABLE:
        return "not while it runs" if view.status in RUNNING or summary.ended is None else "nothing to redrive"
    if summary.events >= REDRIVABLE_EVENTS:
        return f"not with {summary.events:,} events"
    return "unknown" if summary.ended is None else ""


def console_link(view: ExecutionView) -> str | None:
    """The address of the execution in AWS's console; None where no ARN is known or it is on no AWS account."""
    found = ARN.fullmatch(view.arn or "")
    if found is None or (view.lab is not None and view.lab.target != "aws"):
        return None
    region, kind = found[1], "express-executions" if found[2] == "express" else "executions"
    return f"{address(region)}/states/home?region={region}#/v2/{kind}/details/{quote(found[0], safe=':')}"


def commands(view: ExecutionView) -> list[str]:
    """Command lines of AWS's CLI to copy, each safe to paste into a POSIX shell."""
    found = ARN.fullmatch(view.arn or "")
    if found is None:
        return []
    where = f"--execution-arn {shlex.quote(found[0])} --region {found[1]}"
    lines = [
        f"aws stepfunctions describe-execution {where}",
        f"aws stepfunctions get-execution-history {where} --output json > {shlex.quote(view.name + '.json')}",
    ]
    if view.status in RUNNING:
        lines.append(f"aws stepfunctions stop-execution {where}")
    elif len(view.events) and not not_redrivable(view):
        lines.append(f"aws stepfunctions redrive-execution {where}")
    return lines


def further(view: ExecutionView) -> str:
    """Where to look further: the console and the command line."""
    link, lines = console_link(view), commands(view)
    parts: list[Any] = []
    if link is not None:
        parts.append(f'<p><a href="{text(link)}" target="_blank" rel="noopener noreferrer">Open in the console</a></p>')
    elif view.lab is not None and view.arn is not None:
        parts.append('<p class="quiet">It is not on an AWS account, so there is no console to open it in.</p>')
    if lines:
        shown = text("\n".join(lines))
        parts.append(f"<h4>To copy</h4><pre>{shown}</pre>")
    elif not parts:
        parts.append('<p class="quiet">The history does not name its execution: no console link, no command lines.</p>')
    return "".join(parts)
