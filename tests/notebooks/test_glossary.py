"""The words of the course: each is explained once, in order, and linked where a lesson uses it first."""

import re

import nbformat
import pytest

from tests.notebooks import run

ENTRY = re.compile(
    r"### (?P<term>.+)\n\n(?P<text>.+) First used in \[(\d\d)\]\((?P<lesson>.+)\); more \[from AWS\]\((?P<more>.+)\)\."
)
LESSONS = [path for path in run.paths() if re.match(r"\d\d-", path.name) and path.parent == run.NOTEBOOKS]
UNREAD = re.compile(r"```.*?```|^#+ .*?$|<[^>]+>", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)]*)\)")


def written(path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


ENTRIES = [ENTRY.fullmatch(text) for text in written(run.NOTEBOOKS / "glossary.ipynb")[1:]]
# What every lesson stands on; a term that leaves the glossary is missed.
TERMS = {"State machine", "Lambda function", "Execution", "History", "Role", "ARN", "Polling", "Amazon States Language"}
TERMS |= {"Path", "Retry", "Catch", "Standard", "Express", "Transition", "Context object", "JSONata", "Heartbeat"}
TERMS |= {"Task token", ".sync", "EventBridge", "Redrive", "ClientRequestToken", "Athena", "boto3", "Waiter"}


NAMES = {"Athena", "Retry", "Catch", "Standard", "Express"}  # written with a capital everywhere


def test_the_terms_are_those_of_the_course_in_order():
    assert all(ENTRIES)
    terms = [entry["term"] for entry in ENTRIES]
    assert set(terms) >= TERMS
    assert terms == sorted(set(terms), key=lambda term: term.lower().lstrip("."))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["term"])
def test_a_term_is_linked_where_it_is_used_first(entry):
    """Its first mention in running text, code in the line apart from the term itself left out, is the link."""
    term = entry["term"]
    plain = term if term != term.capitalize() or term in NAMES else term[0].lower() + term[1:]
    first = f"[{plain[0]}{plain[0].upper()}]" if plain[0].islower() else re.escape(plain[0])
    mention = re.compile(rf"(?<![\w./$-]){first}{re.escape(plain[1:])}s?(?![\w])")
    for path in LESSONS:
        for text in written(path):
            linked = text.find(f"](glossary.ipynb#{term.replace(' ', '-')})")
            told = LINK.sub(lambda link: "\0" * len(link[0]), UNREAD.sub(lambda found: "\0" * len(found[0]), text))
            told = re.sub(r"`[^`\n]*`", lambda code: code[0] if code[0] == f"`{plain}`" else "\0" * len(code[0]), told)
            unlinked = mention.search(told)
            if linked >= 0:
                assert path.name == entry["lesson"]
                assert unlinked is None or unlinked.start() > linked, text[unlinked.start() - 40 : unlinked.end() + 40]
                return
            assert unlinked is None, f"{path.name}: {text[max(0, unlinked.start() - 40) : unlinked.end() + 40]}"
    pytest.fail("no lesson links to it")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["term"])
def test_what_is_explained_is_short_and_says_where_more_stands(entry):
    assert len(entry["text"].split()) <= 40
    assert re.match(r"https://(docs\.aws\.amazon\.com|aws\.amazon\.com|boto3\.amazonaws\.com)/", entry["more"])


def test_every_link_into_the_glossary_leads_to_a_term():
    anchors = {entry["term"].replace(" ", "-") for entry in ENTRIES}
    found = [
        anchor for path in LESSONS for text in written(path) for anchor in re.findall(r"glossary\.ipynb#([^)]+)", text)
    ]
    assert set(found) == anchors
    assert len(found) == len(anchors)
