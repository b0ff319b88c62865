"""HTML from data that nobody vouches for: everything is escaped here, or it is not shown."""

import html
import json
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.diagram.palette import PASSIVE, STATUSES
from helpers.verbatim import visible

__all__ = ["STYLE", "chip", "json_text", "list_of", "screened", "seconds", "text"]

LONGEST = 20_000
EXECUTION_LOOKS = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timed_out",
    "ABORTED": "aborted",
    "RUNNING": "running",
    "PENDING_REDRIVE": "waiting",
}

STYLE = f"<style>\n{(Path(__file__).parent / 'workbench.css').read_text(encoding='utf-8')}</style>"


def text(value: Any, longest: int = LONGEST) -> str:
    """A value as HTML text: escaped, unseen characters as their codes, cut to `longest` characters."""
    shown = "" if value is None or value is pd.NA or value is pd.NaT or value != value else str(value)
    if len(shown) > longest:
        shown = f"{shown[:longest]}… ({len(shown):,} characters in all)"
    return html.escape(visible(shown))


def chip(status: Any) -> str:
    """A status, AWS's of an execution or ours of a visit, as a small coloured label."""
    look = STATUSES.get(EXECUTION_LOOKS.get(status, status), PASSIVE)
    words = text(str(status).replace("_", " "))
    colours = f"background:{look.fill};color:{look.text};border-color:{look.border}"
    return f'<span class="chip" style="{colours}">{look.sign} {words}</span>'


def json_text(value: str) -> str:
    """JSON text set out on lines; any other text as it is."""
    try:
        return json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return value


def seconds(span: Any) -> str:
    """A span as `+12.345 s`-like text without the sign; empty for a missing one."""
    if pd.isna(span):
        return ""
    total = span.total_seconds()
    if abs(total) < 120:
        return f"{total:,.3f} s"
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours} h {minutes:02d} min {rest:04.1f} s" if hours else f"{minutes} min {rest:04.1f} s"


def list_of(pairs: list[tuple[str, str]]) -> str:
    """Names with values that are HTML already, in a line that wraps."""
    return '<div class="facts">' + "".join(f"<div><span>{text(n)}</span> {v}</div>" for n, v in pairs) + "</div>"


def screened(content: str, tag: str = "div", classes: str = "") -> str:
    """A piece of the screen, under our style."""
    return f'<{tag} class="sfn-workbench {classes}">{content}</{tag}>'
