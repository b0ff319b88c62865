"""Whether Step Functions may assume a role, and whether the role may do what a machine takes beside its tasks."""

import re
from collections.abc import Iterator
from typing import Any

from helpers.definition import states
from helpers.engine import data_of
from helpers.sandbox.actions import Need
from helpers.sandbox.identities import refusal, role_at, session, trusts
from helpers.sandbox.states_api.states_error import StatesError

__all__ = ["check_role"]

# The rules by which Step Functions learns that a job of `.sync` has ended; developer guide, "IAM policies for
# integrated services".
_RULES = {
    "batch:submitJob": "StepFunctionsGetEventsForBatchJobsRule",
    "ecs:runTask": "StepFunctionsGetEventsForECSTaskRule",
    "states:startExecution": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
}
_RULE_ACTIONS = ("events:DescribeRule", "events:PutRule", "events:PutTargets")
# Developer guide, "Using CloudWatch Logs to log execution history", IAM policies.
_LOG_ACTIONS = (
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:UpdateLogDelivery"),
    *("logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"),
)


def check_role(backend: Any, arn: str, definition: str | None = None, logs: bool = False) -> None:
    """Raise what the service answers for a role that is none, is another account's, or does not trust the service.

    For a machine with this definition the role must also be allowed the rules that `.sync` takes, and logs' delivery.
    """
    found = re.fullmatch(r"arn:aws[\w-]*:iam::(\d{12}):role/.+", arn)
    if not found:
        raise StatesError("InvalidArn", f"Invalid Role Arn: '{arn}'")
    if found[1] != backend.account_id:
        raise StatesError("AccessDeniedException", "Cross-account pass role is not allowed.")
    role = role_at(arn)
    if role is None or not trusts(role, "states.amazonaws.com", f"states.{backend.region_name}.amazonaws.com"):
        who = "Neither the global service principal states.amazonaws.com, nor the regional one"
        raise StatesError("AccessDeniedException", f"{who} is authorized to assume the provided role.")

    def may(action: str, resource: str) -> bool:
        return refusal(session(arn), Need(action, resource), backend.region_name) is None

    rules = f"arn:{backend.partition}:events:{backend.region_name}:{backend.account_id}:rule/"
    if not all(may(action, rules + rule) for rule in _rules_of(definition) for action in _RULE_ACTIONS):
        raise StatesError("AccessDeniedException", f"'{arn}' is not authorized to create managed-rule.")
    if logs and not all(may(action, "*") for action in _LOG_ACTIONS):
        said = "The state machine IAM Role is not authorized to access the Log Destination"
        raise StatesError("AccessDeniedException", said)


def _rules_of(definition: str | None) -> Iterator[str]:
    for state in states(data_of(definition)) if definition else ():
        called, _, pattern = str(state.body.get("Resource")).partition(":::")[2].partition(".")
        if pattern.startswith("sync") and called in _RULES:
            yield _RULES[called]
