"""The English of what people read, in the code and on the page: words that once hid what they named stay away."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FORBIDDEN = {
    r"(?<!\.)\b(tell|tells|told)\b|_told\b": "report, say, details, known",
    r"\b(a|an|the|each|one|its|next|latest|another) tr(y|ies)\b": "attempt",
    r"\b(one|a) row (a|an) \w": "one row per ...",
    r"\bDoor\b": "Server, RequestHandler",
    r"\bVisitor\b": "RequestHandler",
    r"\bClaim\b": "SignedRequest",
    r"\b[Mm]end(s|ed|ing)?\b": "patch",
    r"\breckon\w*": "calculate, estimate",
    r"\bin vain\b": "without need",
    r"\bnot to be seen\b": "not visible",
    r"\bwho forgets\b": "if you forget",
}


def texts() -> list[pathlib.Path]:
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return found + [path for ending in ("*.py", "*.js", "*.css") for path in sorted((ROOT / "helpers").rglob(ending))]


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_forbidden_word(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for pattern, instead in FORBIDDEN.items():
            found = re.search(pattern, line)
            assert not found, f"{path.name}:{number} says {found[0]!r}; say {instead}"
