"""The kinds of problems are known in one place, and said wherever a person looks for them."""

import pathlib
import re

import pytest

from helpers import definition
from helpers.definition.finding import HARMFUL, MALFORMED, Problem

README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_docstring_names_each_kind_with_its_meaning():
    text = " ".join(definition.problems.__doc__.split())
    assert re.findall(r"- `([\w-]+)`: (.*?);", text) == list(HARMFUL.items())
    assert not [kind for kind in MALFORMED if f"`{kind}`" not in text]


def test_a_problem_is_told_with_its_kind():
    kind = next(iter(HARMFUL))
    assert str(Problem(kind, ("A",), "A never ends.")) == f"{kind}: A never ends."


def test_the_readme_names_what_hurts():
    said = re.search(r"finds what hurts by reading the definition: (.*), and whatever AWS would refuse", README)[1]
    assert re.findall(r"`([\w-]+)`", said) == list(HARMFUL)


def test_no_problem_is_of_another_kind():
    with pytest.raises(ValueError, match=r"helpers\.definition\.finding"):
        Problem("new-kind", (), "Nobody knows it.")
