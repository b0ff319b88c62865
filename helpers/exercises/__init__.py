"""The exercises of the notebooks: what an answer still lacks, in a sentence, and a hint on request."""

from helpers.exercises.checking import Verdict, check, hint

__all__ = ["Verdict", "check", "hint"]
