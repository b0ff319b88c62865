"""The execution as a whole: how it stands, what ended it, what it cost, and where to look further."""

import re
import shlex
from typing import Any
from urllib.parse import quote

import pandas as pd

from helpers.explorer.markup import chip, list_of, seconds, text
from helpers.explorer.present import open_visits
from helpers.explorer.subject import Subject, region_of
from helpers.history.sources import count

__all__ = ["commands", "console_link", "header", "redrivable"]

REDRIVABLE_DAYS = 14
"""Source: "Restarting state machine executions with redrive" in the Step Functions Developer Guide."""
REDRIVABLE = ("FAILED", "ABORTED", "TIMED_OUT")
EVENTS_TO_REDRIVE = 24_999
ARN = re.compile(r"arn:(aws[a-z-]*):states:([a-z0-9-]+):\d{12}:(execution|express):[^\s\"'<>]+")


def header(subject: Subject) -> str:
    """Name, status, the failure in a sentence, the figures, and what is open while it runs."""
    parts = [f"<div><h3>{text(subject.name, 200)}</h3>{chip(subject.status)}</div>"]
    parts += [f'<p class="note">{text(note, 600)}</p>' for note in subject.notes]
    if not len(subject.events):
        if subject.described is not None:
            parts.append(_without_events(subject))
        return "".join(parts)
    told = subject.summary
    if told.failure:
        parts.append(f'<p class="failure">{text(told.failure, 500)}</p>')
    if told.earlier:
        parts.append(f'<p class="quiet">Earlier: {text(told.earlier, 500)}</p>')
    parts += [f"<p>{line}</p>" for line in open_visits(subject)]
    facts = [
        ("started", text("unknown" if told.started is None else f"{told.started:%Y-%m-%d %H:%M:%S} UTC")),
        ("took" if told.ended is not None else "runs for", text(seconds(told.duration)) or "unknown"),
        ("working", seconds(told.working)),
        ("waiting", seconds(told.waiting)),
        ("backing off", seconds(told.backing_off)),
        ("transitions", f"{told.transitions:,}"),
        ("cost", f"${told.dollars:.6f}"),
        ("events", f"{told.events:,}" + (f" of {told.events_limit:,}" if told.events_limit else "")),
    ]
    if told.full_at is not None:
        facts.append(("history full at", text(f"{told.full_at:%Y-%m-%d %H:%M:%S} UTC, at the present rate")))
    if told.redrives:
        facts.append(("redriven", count(told.redrives, "time", "times")))
    facts.append(("redrive", text(redrivable(subject))))
    return "".join(parts) + list_of(facts)


def _without_events(subject: Subject) -> str:
    assert subject.described is not None
    told = subject.described
    facts = [("started", text(f"{told.started:%Y-%m-%d %H:%M:%S} UTC"))]
    if told.stopped is not None:
        facts.append(("stopped", text(f"{told.stopped:%Y-%m-%d %H:%M:%S} UTC")))
    facts += [
        (name, text(value, 500)) for name in ("error", "cause", "input", "output") if (value := getattr(told, name))
    ]
    return list_of(facts)


def redrivable(subject: Subject) -> str:
    """Until when the execution can be redriven, or why it cannot."""
    told = subject.summary
    if told.events_limit is None or (subject.arn and ":express:" in subject.arn):
        return "not for an Express execution"
    if subject.status not in REDRIVABLE:
        return "not while it runs" if told.ended is None else "nothing to redrive"
    if told.events >= EVENTS_TO_REDRIVE:
        return f"not with {told.events:,} events"
    if told.ended is None:
        return "unknown"
    return f"until {told.ended + pd.Timedelta(days=REDRIVABLE_DAYS):%Y-%m-%d %H:%M} UTC"


def console_link(subject: Subject) -> str | None:
    """The address of the execution in AWS's console; None where no ARN is known or it is on no AWS account."""
    found = ARN.fullmatch(subject.arn or "")
    if found is None or found[1] != "aws" or (subject.lab is not None and subject.lab.target != "aws"):
        return None
    region, kind = found[2], "express-executions" if found[3] == "express" else "executions"
    return (
        f"https://{region}.console.aws.amazon.com/states/home?region={region}"
        f"#/v2/{kind}/details/{quote(found[0], safe=':')}"
    )


def commands(subject: Subject) -> list[str]:
    """Command lines of AWS's CLI to copy, each safe to paste into a POSIX shell."""
    if not ARN.fullmatch(subject.arn or ""):
        return []
    where = f"--execution-arn {shlex.quote(str(subject.arn))} --region {region_of(str(subject.arn))}"
    lines = [
        f"aws stepfunctions describe-execution {where}",
        f"aws stepfunctions get-execution-history {where} --output json > {shlex.quote(subject.name + '.json')}",
    ]
    if subject.status in ("RUNNING", "PENDING_REDRIVE"):
        lines.append(f"aws stepfunctions stop-execution {where}")
    elif len(subject.events) and redrivable(subject).startswith("until"):
        lines.append(f"aws stepfunctions redrive-execution {where}")
    return lines


def further(subject: Subject) -> str:
    """Where to look further: the console and the command line."""
    link, lines = console_link(subject), commands(subject)
    parts: list[Any] = []
    if link is not None:
        parts.append(f'<p><a href="{text(link)}" target="_blank" rel="noopener noreferrer">Open in the console</a></p>')
    elif subject.lab is not None and subject.arn is not None:
        parts.append('<p class="quiet">It is not on an AWS account, so there is no console to open it in.</p>')
    if lines:
        told = text("\n".join(lines))
        parts.append(f"<h4>To copy</h4><pre>{told}</pre>")
    elif not parts:
        parts.append('<p class="quiet">The history does not name its execution: no console link, no command lines.</p>')
    return "".join(parts)
