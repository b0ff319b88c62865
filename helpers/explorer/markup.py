"""HTML from data that nobody vouches for: everything is escaped here, or it is not shown."""

import html
import json
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

STYLE = """<style>
.sfn-explorer{--ink:var(--jp-ui-font-color1,var(--vscode-foreground,#1f2933));
--quiet:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,#52606d));
--line:var(--jp-border-color2,#d5dce3);--soft:var(--jp-layout-color2,#f1f4f8);--page:var(--jp-layout-color1,#fff);
--mark:color-mix(in srgb,#2f6fde 18%,var(--page));--code:var(--jp-code-font-family,ui-monospace,monospace);
color:var(--ink);font:13px/1.45 var(--jp-ui-font-family,system-ui,sans-serif)}
.sfn-explorer *{box-sizing:border-box}
.sfn-explorer h3{font-size:17px;font-weight:600;margin:0 10px 0 0;display:inline;overflow-wrap:anywhere}
.sfn-explorer h4{font-size:12px;font-weight:600;margin:10px 0 3px;color:var(--quiet)}
.sfn-explorer p{margin:3px 0;overflow-wrap:anywhere}
.sfn-explorer .quiet{color:var(--quiet)}
.sfn-explorer .chip{display:inline-block;padding:0 8px;border-radius:9px;border:1px solid;font-size:12px;
line-height:18px;white-space:nowrap}
.sfn-explorer .facts{display:flex;flex-wrap:wrap;gap:2px 22px;margin-top:4px}
.sfn-explorer .facts span{color:var(--quiet);margin-right:2px}
.sfn-explorer pre{margin:0;padding:6px 9px;background:var(--soft);border-radius:5px;color:var(--ink);
font:12px/1.45 var(--code);white-space:pre-wrap;overflow-wrap:anywhere}
.sfn-explorer .pair{display:grid;grid-template-columns:1fr 1fr;gap:0 12px}
.sfn-explorer .pair>div{min-width:0}
.sfn-explorer .plus{color:light-dark(#1b6b2a,#7fd391)}.sfn-explorer .minus{color:light-dark(#a3231b,#f5a6a1)}
[data-jp-theme-light="false"] .sfn-explorer{color-scheme:dark}
[data-jp-theme-light="true"] .sfn-explorer{color-scheme:light}
.sfn-explorer .note{border-left:3px solid #b8560b;padding:1px 9px;margin:5px 0}
.sfn-explorer.scene{display:grid;grid-template-columns:38fr 62fr;gap:12px;height:690px;contain:strict}
.sfn-explorer .side{display:flex;flex-direction:column;gap:8px;min-width:0}
.sfn-explorer .pane{overflow:auto;contain:content;border:1px solid var(--line);border-radius:8px;background:var(--page)}
.sfn-explorer .drawn{text-align:center;background:#f1f4f8;display:flex;align-items:center;justify-content:center}
.sfn-explorer .drawn svg{max-width:100%;max-height:100%;height:auto;width:auto}
.sfn-explorer .moment{height:40px;overflow:hidden}.sfn-explorer .moment p{margin:0}
.sfn-explorer.scene .drawn,.sfn-explorer .told{flex:1 1 0;min-height:0;contain:strict}
.sfn-explorer .told{padding:6px 12px 10px}
.sfn-explorer .rows{height:304px;flex:none;contain:strict;position:relative;cursor:pointer}
.sfn-explorer .pane.chart{background:#fff;padding:4px 0}
.sfn-explorer .pane.chart svg{width:100%;max-width:900px}
.sfn-explorer .stage{position:relative}
.sfn-explorer .stage>:first-child{position:static}
.sfn-explorer.track{position:absolute;inset:auto 0 5px;margin:0 auto;width:100%;max-width:900px;z-index:1;
pointer-events:none}
.sfn-explorer.track i{position:absolute;border-left:2px solid #2f6fde}
.sfn-explorer table{border-collapse:collapse;width:100%;font-size:12px;color:var(--ink)}
.sfn-explorer thead{position:sticky;top:0;z-index:2;background:var(--soft)}
.sfn-explorer th,.sfn-explorer td{padding:2px 8px;text-align:left;vertical-align:top;border:0;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap;max-width:0}
.sfn-explorer td.number,.sfn-explorer th.number{text-align:right;font-variant-numeric:tabular-nums}
.sfn-explorer th{font-weight:600}
.sfn-explorer .events td,.sfn-explorer .events th{font:11.5px/20px var(--code);padding:1px 10px;white-space:pre;
overflow:visible;max-width:none}
.sfn-explorer .events th{font-weight:600}
.sfn-explorer tr.here{position:sticky;top:22px;bottom:0;z-index:1;background:var(--mark);
box-shadow:inset 3px 0 0 #2f6fde}
.sfn-explorer tr.later{color:var(--quiet)}
.sfn-explorer .wrong,.sfn-explorer .failure{color:light-dark(#a3231b,#f5a6a1)}
</style>"""


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
    return f'<{tag} class="sfn-explorer {classes}">{content}</{tag}>'
