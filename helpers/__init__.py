"""A lab for AWS Step Functions: a place to work in, the verbs that work there, and a workbench for histories."""

from helpers.lab import Lab, connect

__all__ = ["Lab", "connect"]
