"""The editor where no widget runs: the text with its marks, the picture and the findings as HTML."""

import html
import re

from helpers.diagram import Diagram
from helpers.editor.reading import Note, Reading
from helpers.errors import DrawingFailed
from helpers.verbatim import image, verbatim, visible

__all__ = ["still"]

COLOURS = {"error": "#b3261e", "problem": "#b8560b", "point": "#1a4fa0"}
LONGEST = 200_000
CODE, QUOTED = re.compile("`([^`]+)`"), r"<code>\1</code>"


def still(reading: Reading, drawn: Diagram | None) -> str:
    """A reading as HTML that needs no script and no stylesheet."""
    marks = {note.line: note for note in reversed(reading.notes) if note.line}
    lines = [
        _line(number, line, marks.get(number))
        for number, line in enumerate(visible(reading.text[:LONGEST]).split("\n"), 1)
    ]
    try:
        picture = "" if drawn is None else image(drawn.png(), drawn.sentence())
    except DrawingFailed as error:
        picture = f"<p>{html.escape(str(error))}</p>"
    notes = "".join(
        f"<li><b>{note.kind}{f' {note.number}' * bool(note.number)}"
        f"{'' if note.line is None else f', line {note.line}'}</b>: {CODE.sub(QUOTED, html.escape(note.text))}</li>"
        for note in reading.notes
    )
    return verbatim(
        '<div style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start">'
        f'<pre style="flex:1 1 380px;overflow-x:auto;white-space:pre;margin:0">{"".join(lines)}</pre>'
        f'<div style="flex:1 1 260px">{picture}</div></div>'
        f"<p>{html.escape(reading.sentence())}</p>" + (f"<ul>{notes}</ul>" if notes else "")
    )


def _line(number: int, line: str, note: Note | None) -> str:
    colour, sign = (COLOURS[note.kind], note.sign) if note else ("transparent", "")
    margin = f'<span style="user-select:none"><b>{sign:>2}</b> {number:>3} </span>'
    return f'<span style="display:block;border-left:3px solid {colour}">{margin}{html.escape(line)}</span>'
