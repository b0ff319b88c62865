"""The errors a person can meet here, each one sentence: what happened, and what to do next."""

__all__ = [
    "LabError",
    "NotInSandbox",
    "SandboxFailed",
]


class LabError(Exception):
    """The base of every error that this project raises on purpose."""


class SandboxFailed(LabError):
    """The sandbox could not be started or reached."""


class NotInSandbox(LabError):
    """What was asked for exists only on the sandbox, or only on an AWS account."""
