"""Whether Step Functions may assume a role."""

import re
from typing import Any

from moto.iam.models import iam_backends

from helpers.sandbox.states_api.errors import StatesError
from helpers.sandbox.trust import trusts

__all__ = ["check_role"]


def check_role(backend: Any, arn: str) -> None:
    """Raise what the service answers for a role that is none, is another account's, or does not trust the service."""
    found = re.fullmatch(r"arn:aws[\w-]*:iam::(\d{12}):role/.+", arn)
    if not found:
        raise StatesError("InvalidArn", f"Invalid Role Arn: '{arn}'")
    if found[1] != backend.account_id:
        raise StatesError("AccessDeniedException", "Cross-account pass role is not allowed.")
    roles = iam_backends[backend.account_id][backend.partition].roles.values()
    role = next((role for role in roles if role.arn == arn), None)
    services = {"states.amazonaws.com", f"states.{backend.region_name}.amazonaws.com"}
    if role is None or not trusts(role.assume_role_policy_document, services):
        raise StatesError(
            "AccessDeniedException",
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
            "the provided role.",
        )
