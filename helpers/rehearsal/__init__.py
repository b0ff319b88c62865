"""Experiments: machines run again on the answers of recorded executions."""

from helpers.rehearsal.check import check
from helpers.rehearsal.rehearsal import Rehearsal, rehearse

__all__ = ["Rehearsal", "check", "rehearse"]
