"""The place we work in: the sandbox, an AWS account, or any endpoint."""

from helpers.lab.place import Lab, beside, connect, current

__all__ = ["Lab", "beside", "connect", "current"]
