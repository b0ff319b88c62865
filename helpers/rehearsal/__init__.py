"""Experiments: machines run on the answers of recorded executions, or on made-up ones."""

from helpers.rehearsal.check import check, summed
from helpers.rehearsal.example import MadeUp, made_up
from helpers.rehearsal.rehearsal import Rehearsal, rehearse

__all__ = ["MadeUp", "Rehearsal", "check", "made_up", "rehearse", "summed"]
