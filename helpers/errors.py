"""The errors a person can meet here, each one sentence: what happened, and what to do next."""

from helpers.verbatim import visible


class LabError(Exception):
    """The base of every error that this project raises on purpose; what it quotes is shown letter for letter."""

    def __str__(self) -> str:
        return visible(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence alone, without the calls that led to it."""
        return [f"{type(self).__name__}: {self}"]


class SandboxFailed(LabError):
    """The sandbox could not be started or reached."""


class SandboxGone(LabError):
    """The sandbox ended while it was being used, and its memory with it."""

    def __init__(
        self,
        message: str = "The sandbox has ended, and all that was made on it is gone: run `lab = helpers.connect()`"
        " to start a new, empty one, then run this notebook again from its top.",
    ) -> None:
        super().__init__(message)


class NotInSandbox(LabError):
    """What was asked for exists only on the sandbox, or only on an AWS account."""


class DeployFailed(LabError):
    """AWS did not make, or did not finish making, what was asked for."""


class ExecutionEnded(LabError):
    """An execution ended otherwise than in success; `error` and `cause` are what it ended with."""

    def __init__(self, message: str, error: str | None = None, cause: str | None = None) -> None:
        super().__init__(message)
        self.error, self.cause = error, cause


class ExecutionFailed(ExecutionEnded):
    """The execution ended FAILED."""


class ExecutionTimedOut(ExecutionEnded):
    """The execution ended TIMED_OUT."""


class ExecutionAborted(ExecutionEnded):
    """The execution was stopped: it ended ABORTED."""


class ExecutionStillRunning(LabError):
    """The execution has not ended yet."""


class ForeignResource(LabError):
    """Something of the same name exists that was not made here, so it is left untouched."""


class InvalidInput(LabError):
    """An execution's input that is no JSON, or larger than AWS takes."""


class InvalidName(LabError):
    """A name that AWS refuses."""


class InvalidSetting(LabError):
    """A value that something cannot be set to."""


class NotAllowed(LabError):
    """AWS denied the call: the permission is missing."""


class NotForExpress(LabError):
    """AWS does not do this for Express machines and their executions."""


class NotFound(LabError):
    """There is no such thing at this place."""


class PlaceholderLeft(LabError):
    """A placeholder of the definition has no value."""


class UnknownService(LabError):
    """A Task's integration whose permissions we cannot work out."""


class DefinitionInvalid(LabError):
    """A definition that is not JSON, or no state machine; the message names the place.

    `line` is the line of the text, from 1, None where it is not known.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class AnswerInvalid(LabError):
    """An answer to a task that no service could give: no JSON, or a time before it was asked."""


class NoProgress(LabError):
    """A machine that writes events for ever without any time passing."""


class TaskUnanswered(LabError):
    """A machine was run without an answer to one of its tasks."""


class UnknownName(LabError):
    """No definition, function or placeholder has that name; the message lists those there are."""


class UnknownStatus(LabError):
    """A visit status that is none of the eight words."""


class PlanRefused(LabError):
    """A figure to plan with is negative, absurd or no number, or no way of waiting fits."""


class DrawingFailed(LabError):
    """No drawing program runs here, or it could not draw this picture."""


class NotAHistory(LabError):
    """What was given holds no execution history, or none that can be put in order."""


class ExecutionNamed(NotAHistory):
    """What was given holds no event, but names executions whose histories can be fetched: `arns`."""

    def __init__(self, message: str, arns: list[str]) -> None:
        super().__init__(message)
        self.arns = arns


class PayloadUnreadable(LabError):
    """A payload that is not there, was cut off, or is no JSON."""


class CredentialsMissing(LabError):
    """AWS credentials that are not there, or that AWS does not know."""


class CredentialsExpired(LabError):
    """AWS credentials that were good once."""


class RegionMissing(LabError):
    """No AWS region was named."""


class Throttled(LabError):
    """AWS takes no more calls of this account for now."""


class Unreachable(LabError):
    """The place could not be reached over the network."""


class WrongAccount(LabError):
    """The place is another account than the one asked for."""
