"""The errors that the Step Functions API answers with: a code and AWS's words for it."""

__all__ = ["StatesError", "invalid"]


class StatesError(Exception):
    """An answer of the service that is an error; the caller meets it as a `ClientError` with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> StatesError:
    """A ValidationException."""
    return StatesError("ValidationException", message)
