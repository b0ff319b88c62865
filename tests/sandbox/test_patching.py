"""What is patched of moto is named when it is not there any more."""

import pytest

from helpers.errors import SandboxFailed
from helpers.sandbox import patching


class Owner:
    """Stands for a class of moto's."""

    member = 1


def test_a_member_is_replaced() -> None:
    patching.replace(Owner, "member", 2)
    assert Owner.member == 2


def test_a_member_that_is_gone_is_named() -> None:
    with pytest.raises(SandboxFailed, match=r"no Owner\.gone"):
        patching.replace(Owner, "gone", None)
