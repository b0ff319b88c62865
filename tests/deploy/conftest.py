"""A sandbox with nothing of ours in it."""

from collections.abc import Iterator

import pytest

import helpers
from helpers import deploy


@pytest.fixture(scope="module")
def emptied(lab: helpers.Lab) -> helpers.Lab:
    """The sandbox without what other tests left in it."""
    deploy.tear_down(lab)
    return lab


@pytest.fixture
def clean(emptied: helpers.Lab) -> Iterator[helpers.Lab]:
    """The sandbox with nothing of ours in it, before and after."""
    lab = emptied
    yield lab
    assert deploy.tear_down(lab).remaining.empty
