"""What the tests of the machines share."""

import pytest

import helpers
from tests.definitions.running import Machines


@pytest.fixture(scope="package")
def machines(lab: helpers.Lab) -> Machines:
    return Machines(lab)
