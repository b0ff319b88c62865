"""What a notebook's outputs say and show, without what differs from run to run, so that two runs can be compared.

Dates, ids, durations and numbers of memory are replaced; every other word and number stands. In a table the columns
that hold durations or dates are left out as a whole, since pandas cuts their digits to what the column needs. Of a
cell that bears the tag `chance` (jitter at work) only the set of its words counts, not how often each is said.
"""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import nbformat

MEASURED = {"backoff", "call", "delay", "duration", "elapsed", "startDate", "stopDate", "timestamp", "waited"}
MEASURED |= {"p50", "p95", "p99"}
MEASURED |= {"seconds_a", "seconds_b", "longer", "planned"}
DATE = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?UTC|[+-]\d\d:\d\d|Z)?"
VARYING = [
    (re.compile(r"datetime\.datetime\(.*?\)\)?"), "(date)"),
    (re.compile(DATE), "(date)"),
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b"), "(id)"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "(id)"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]*\.\.\."), "(id)"),
    (re.compile(r"\b\d{10}\.\d{3}\b"), "(date)"),
    (re.compile(r"\b\d+ days? \d\d:\d\d:\d\d(\.\d+)?"), "(duration)"),
    (re.compile(r"\b\d[\d,]*\.\d+ s\b|\b\d[\d,]*(\.\d+)? ms\b"), "(duration)"),
    (re.compile(r"\b\d+ MB(?=[ \t]*(\\t|\n|Init|$))"), "(memory)"),
]


def said(cell: nbformat.NotebookNode) -> list[str]:
    """What each output of a code cell says, in order."""
    outputs = [_said(output) for output in cell.get("outputs", [])]
    if "chance" in cell.metadata.get("tags", []):
        return [" ".join(sorted(set(re.findall(r"[^\W\d]+", text)))) for text in outputs]
    return outputs


def drawn(cell: nbformat.NotebookNode) -> list[str]:
    """The pictures of a code cell, as comparable text: an SVG without what varies, a PNG where there is no SVG."""
    data = [output.data for output in cell.get("outputs", []) if "data" in output]
    return [
        _without_varying(of["image/svg+xml"]) if "image/svg+xml" in of else of["image/png"]
        for of in data
        if "image/png" in of
    ]


def _said(output: nbformat.NotebookNode) -> str:
    if "text" in output:
        return _without_varying(_without_seconds(output.text))
    if "evalue" in output:
        return _without_varying(f"{output.ename}: {output.evalue}")
    data = output.get("data", {})
    parts = [of_svg(data["image/svg+xml"])] if "image/svg+xml" in data else []
    if "text/html" in data:
        page = Page()
        page.feed(data["text/html"])
        parts.append(page.text())
    if "dataframe" not in data.get("text/html", ""):  # its table says the same, without cut columns
        parts.append(_without_seconds(data.get("text/plain", "")))
    return _without_varying("\n".join(parts))


def of_svg(document: str) -> str:
    """The words in an SVG; the bare numbers are ticks of a scale, which follow the duration."""
    texts = [text.strip() for text in ElementTree.fromstring(document).itertext()]
    return "\n".join(text for text in texts if text and "{" not in text and not re.fullmatch(r"[\d.,]+", text))


def _without_seconds(text: str) -> str:
    """Seconds are shown bare to the millisecond in a list; in a Series pandas cuts their digits."""
    named = re.search(r"^Name: (\w+), dtype: float64$", text, re.MULTILINE)
    digits = "+" if named and named[1] in MEASURED else "{3}"
    return re.sub(rf"\b\d+\.\d{digits}\b", "(duration)", text)


def _without_varying(text: str) -> str:
    for pattern, stands_for in VARYING:
        text = pattern.sub(stands_for, text)
    return re.sub(r"[ \t]+", " ", text).strip()


class Page(HTMLParser):
    """The text of a piece of HTML, a line a row of a table; columns of durations and dates keep their heading only."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self._skipped = self._header = False
        self._measured: set[int] = set()
        self._column = -1

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("style", "script"):
            self._skipped = True
        elif tag == "table":
            self._measured = set()
        elif tag in ("thead", "tbody"):
            self._header = tag == "thead"
        if tag == "tr":
            self._column = -1
        if tag in ("tr", "p", "div", "br", "text"):
            self.lines.append("")
        if tag in ("td", "th"):
            self._column += 1
            self.lines[-1] += " | "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script"):
            self._skipped = False
        elif tag == "table":
            self._measured, self._column = set(), -1

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._header and data.strip() in MEASURED:
            self._measured.add(self._column)
        elif not self._header and self._column in self._measured:
            return
        self.lines[-1] += f"{data.strip()} "

    def text(self) -> str:
        """What was read."""
        return "\n".join(line for line in self.lines if line.strip())
