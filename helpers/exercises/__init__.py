"""The exercises of the notebooks: what an answer still lacks, in a sentence; hints, predictions and progress."""

from helpers.exercises.checking import check, hint
from helpers.exercises.learner import Progress, progress, room
from helpers.exercises.predictions import predict, predicted
from helpers.exercises.verdict import Verdict

__all__ = ["Progress", "Verdict", "check", "hint", "predict", "predicted", "progress", "room"]
