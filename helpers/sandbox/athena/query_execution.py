"""A query's life: QUEUED, RUNNING, then SUCCEEDED, FAILED or CANCELLED, on the sandbox's clock."""

import contextlib
import json
import re
import threading
import uuid
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
from moto.s3.models import S3Backend

from helpers.sandbox import integrations, pool
from helpers.sandbox.athena import dialect, pace
from helpers.sandbox.athena.catalog import Catalog, Table
from helpers.sandbox.athena.problem import SYSTEM, QueryFailure
from helpers.sandbox.athena.readers import keys_below, read
from helpers.sandbox.athena.sql import Result, column_info, connect, query
from helpers.sandbox.clock import clock

__all__ = ["QueryExecution"]

QUEUED_SECONDS = 0.2
_UTILITY = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN")
_SHOWN = {"SHOW_DATABASES": "database_name", "SHOW_SCHEMAS": "database_name", "SHOW_TABLES": "tab_name"}


class QueryExecution:
    """One query, started when it is made by StartQueryExecution's `request`.

    Its work is done in threads of its own, its waits are the clock's.
    """

    def __init__(self, request: dict[str, Any], work_group: str, output: str, catalog: Catalog, s3: S3Backend) -> None:
        self.id, self.work_group = str(uuid.uuid4()), work_group
        self.given, self.request_token = str(request.get("QueryString") or ""), request.get("ClientRequestToken")
        self.query = self.given.strip().rstrip(";").rstrip()
        self.context: dict[str, Any] = request.get("QueryExecutionContext") or {}
        self.result = Result([], [])
        self.parameters: list[str] = request.get("ExecutionParameters") or []
        self._statement = dialect.parse(self.query, self.parameters)
        self._catalog, self._s3, self._caller = catalog, s3, catalog.caller
        words = dialect.words(self.query)
        self._is_query = isinstance(self._statement, dialect.QUERIES)
        self.statement_type = "DML" if self._is_query else ("UTILITY" if words[0] in _UTILITY else "DDL")
        self.substatement_type = "SELECT" if self._is_query else re.sub("_EXTERNAL", "", "_".join(words[:2]))
        self.output = f"{output.rstrip('/')}/{self.id}.{'csv' if self._is_query else 'txt'}"

        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()
        self.state = "QUEUED"
        self.submitted = clock.time()
        self.begun: float | None = None
        self.completed: float | None = None
        self.failure: QueryFailure | None = None
        self._call_off = clock.after(QUEUED_SECONDS, self._begin)

    def stop(self) -> None:
        """Cancel the query, if it has not ended."""
        if self._end("CANCELLED", QueryFailure("Query cancelled by user", 1, SYSTEM)):
            self._call_off()  # what would have been next
            # A query that has just ended has closed it.
            with contextlib.suppress(duckdb.ConnectionException):
                if self._connection is not None:
                    self._connection.interrupt()

    def _begin(self) -> None:
        with self._lock:
            if self.state != "QUEUED":
                return
            self.state, self.begun = "RUNNING", clock.time()
        self._in_thread(self._run_query)

    def _in_thread(self, work: Callable[[], None]) -> None:
        """Do a part of the query's work in a thread; what goes wrong in it, ends the query."""

        def act() -> None:
            try:
                work()
            except QueryFailure as failure:
                self._end("FAILED", failure)
            except Exception as error:
                message = f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
                self._end("FAILED", QueryFailure(message, 0, SYSTEM))

        pool.apart(act)

    def _run_query(self) -> None:
        result = self._work()
        left = pace["seconds"] - (clock.time() - (self.begun or 0.0))
        self._call_off = clock.after(max(0.0, left), lambda: self._in_thread(lambda: self._finish(result)))
        if self.state != "RUNNING":
            self._call_off()

    def _finish(self, result: Result) -> None:
        if self.state == "RUNNING":
            self.result = result
            self._write(result)
            self._end("SUCCEEDED")

    def _end(self, state: str, failure: QueryFailure | None = None) -> bool:
        with self._lock:
            if self.completed is not None:
                return False
            self.completed, self.failure = clock.time(), failure
            self.state = state
        integrations.ended(self.id)
        return True

    def _work(self) -> Result:
        database = str(self.context.get("Database") or "default").lower()
        self._caller.call("GetDatabase", database)
        if self._is_query:
            with connect() as self._connection:
                return query(self._connection, self._statement, database, self._catalog, self._read)
        lines = self._catalog.run(self._statement, dialect.words(self.query), database)
        name = _SHOWN.get(self.substatement_type, "col_name")
        return Result([column_info(name, "string", 0, 0)], [[line] for line in lines])

    def _read(self, table: Table) -> tuple[pa.Table, int]:
        urls = keys_below(self._s3, table.location)
        self._caller.read(table.location, urls)
        found = read(self._s3, table, urls)
        if self.state != "RUNNING":  # what is stopped while it reads, would not be interrupted later
            raise QueryFailure("Query cancelled by user")
        return found

    def _write(self, result: Result) -> None:
        self._caller.write(self.output)
        content = csv_of(result) if self._is_query else "".join(f"{row[0]}\n" for row in result.rows).encode()
        bucket, _, key = self.output.removeprefix("s3://").partition("/")
        self._s3.put_object(bucket, key, content)
        self._s3.put_object(bucket, f"{key}.metadata", json.dumps(result.columns).encode())

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the result, as GetQueryResults gives them."""
        return [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in self.result.rows]

    def describe(self) -> dict[str, Any]:
        """What GetQueryExecution answers."""
        with self._lock:
            state, completed, failure = self.state, self.completed, self.failure
        status: dict[str, Any] = {"State": state, "SubmissionDateTime": self.submitted}
        if completed is not None:
            status["CompletionDateTime"] = completed
        if failure is not None:
            status["StateChangeReason"] = failure.reason
            if state == "FAILED":
                status["AthenaError"] = {
                    "ErrorCategory": failure.category,
                    "ErrorType": failure.kind,
                    "Retryable": False,
                    "ErrorMessage": failure.reason,
                }
        return {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.statement_type,
            "ResultConfiguration": {"OutputLocation": self.output},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": self.context,
            "Status": status,
            "Statistics": self._statistics(),
            "WorkGroup": self.work_group,
            "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
            "SubstatementType": self.substatement_type,
            **({"ExecutionParameters": self.parameters} if self.parameters else {}),
        }

    def _statistics(self) -> dict[str, Any]:
        now = self.completed if self.completed is not None else clock.time()
        begun = self.begun if self.begun is not None else now
        engine, queued = round((now - begun) * 1000), round((begun - self.submitted) * 1000)
        return {
            "EngineExecutionTimeInMillis": engine,
            "DataScannedInBytes": self.result.scanned,
            "TotalExecutionTimeInMillis": engine + queued,
            "QueryQueueTimeInMillis": queued,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        }


def csv_of(result: Result) -> bytes:
    """A result as Athena writes it: every value in quotes, null as nothing."""
    lines = []
    for row in result.rows:
        cells = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row)
        lines.append(",".join(cells) + "\n")
    return "".join(lines).encode()
