"""The exercises of the notebooks: what an answer still lacks, in a sentence, hints on request, and predictions."""

from helpers.exercises.checking import check, hint
from helpers.exercises.predictions import predict, predicted
from helpers.exercises.verdict import Verdict

__all__ = ["Verdict", "check", "hint", "predict", "predicted"]
