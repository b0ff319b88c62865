"""Why a query fails."""

__all__ = ["DIFFERS", "Malformed", "QueryFailure", "not_in_sandbox"]

DIFFERS = "The sandbox runs queries on DuckDB, which reads this differently from Athena"
# Athena user guide, "Error handling in Athena": the categories of AthenaError.
SYSTEM, USER = 1, 2


class QueryFailure(Exception):
    """A query fails with this reason, in Athena's words where they are known.

    `category` and `kind` are AthenaError's ErrorCategory and ErrorType.
    """

    def __init__(self, reason: str, kind: int = 1006, category: int = USER) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.category = category


class Malformed(QueryFailure):
    """What was given is no statement: Athena refuses to start it."""


def not_in_sandbox(what: str, instead: str = "") -> QueryFailure:
    """The failure of a query that Athena would run and the sandbox does not."""
    hint = f" {instead}" if instead else ""
    return QueryFailure(f"NOT_SUPPORTED: {what} is not in the sandbox, which runs queries on DuckDB.{hint}")
