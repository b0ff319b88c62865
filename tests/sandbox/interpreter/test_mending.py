"""The mends know which moto they are for."""

import pytest

from helpers.errors import SandboxFailed
from helpers.sandbox.interpreter import mending


def test_another_moto_is_refused_by_name() -> None:
    with pytest.raises(SandboxFailed, match=r"moto 5\.2\.5, but moto 6\.0\.0 is installed"):
        mending.check_version("6.0.0")


def test_the_installed_moto_is_the_one() -> None:
    mending.check_version()


def test_a_member_that_is_gone_is_named() -> None:
    with pytest.raises(SandboxFailed, match=r"no Owner\.gone"):
        mending.replace(type("Owner", (), {}), "gone", None)
