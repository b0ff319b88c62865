"""A query run on DuckDB, which sees nothing but the tables it is given."""

import dataclasses
import datetime
import decimal
import re
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from moto.glue.exceptions import EntityNotFoundException
from moto.glue.models import GlueBackend
from sqlglot import exp

from helpers.sandbox.athena import dialect
from helpers.sandbox.athena.catalog import NAME, Table, find
from helpers.sandbox.athena.problem import SYSTEM, QueryFailure
from helpers.sandbox.athena.rewriting import MACROS, translated

__all__ = ["Result", "ResultColumn", "Run", "warm_up"]

LARGEST_RESULT = 100_000  # rows that a query of the sandbox may give
SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": "512MB",
    "threads": "1",
    "default_null_order": "nulls_last",
}
# Athena's name, precision and scale of each of DuckDB's types; as GetQueryResults gives them.
_TYPES = {
    "BOOLEAN": ("boolean", 0, 0),
    "TINYINT": ("tinyint", 3, 0),
    "SMALLINT": ("smallint", 5, 0),
    "INTEGER": ("integer", 10, 0),
    "BIGINT": ("bigint", 19, 0),
    "HUGEINT": ("bigint", 19, 0),
    "FLOAT": ("float", 17, 0),
    "DOUBLE": ("double", 17, 0),
    "VARCHAR": ("varchar", 2_147_483_647, 0),
    "DATE": ("date", 0, 0),
    "TIMESTAMP": ("timestamp", 3, 0),
    "TIMESTAMP_MS": ("timestamp", 3, 0),
    '"NULL"': ("unknown", 0, 0),
    "NULL": ("unknown", 0, 0),
}


@dataclasses.dataclass(frozen=True)
class ResultColumn:
    """A column of a result, in Athena's terms."""

    name: str
    type: str
    precision: int
    scale: int


@dataclasses.dataclass(frozen=True)
class Result:
    """What a query gave: columns, rows of texts (None is null), and the bytes of objects read."""

    columns: list[ResultColumn]
    rows: list[list[str | None]]
    scanned: int = 0


class Run:
    """One query. `interrupt` may be called from another thread."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        """Make the query fail as soon as possible."""
        self._interrupted = True
        if self._connection is not None:
            self._connection.interrupt()

    def query(
        self,
        statement: exp.Expr,
        database: str,
        glue: GlueBackend,
        read: Callable[[Table], tuple[pa.Table, int]],
    ) -> Result:
        """Run a query and give its result; raises QueryFailure."""
        tables: dict[tuple[str, str], Table] = {}
        for reference in dialect.tables_of(statement, database):
            home, name = reference.db.lower(), reference.name.lower()
            try:
                tables[home, name] = find(glue, home, name)
            except EntityNotFoundException as error:
                message = f"Table '{NAME}.{home}.{name}' does not exist"
                raise QueryFailure(f"TABLE_NOT_FOUND: line 1:15: {message}", 1301) from error
        sql = translated(statement, tables)
        scanned = 0
        with duckdb.connect(":memory:", config=dict(SETTINGS)) as connection:
            self._connection = connection
            for macro in MACROS:
                connection.execute(macro)
            for (home, name), table in tables.items():
                rows, size = read(table)
                connection.register(f"{home}.{name}", rows)
                scanned += size
            connection.execute("SET lock_configuration = true")
            if self._interrupted:
                raise QueryFailure("Query cancelled by user")
            try:
                cursor = connection.execute(sql)
                types = [str(found[1]) for found in cursor.description or []]
                names = [str(found[0]) for found in cursor.description or []]
                found = cursor.fetchmany(LARGEST_RESULT + 1)
            except duckdb.Error as error:
                raise _failure(error) from error
            finally:
                self._connection = None
        if len(found) > LARGEST_RESULT:
            raise QueryFailure(f"NOT_SUPPORTED: more than {LARGEST_RESULT} rows of a result are not in the sandbox.")
        named = not isinstance(statement, exp.Values)
        columns = [
            _column(f"_col{place}" if not named or re.fullmatch(r"_col_\d+", name) else name, kind)
            for place, (name, kind) in enumerate(zip(names, types, strict=True))
        ]
        rows_as_text = [
            [_text(value, column.type) for value, column in zip(row, columns, strict=True)] for row in found
        ]
        return Result(columns, rows_as_text, scanned)


def warm_up() -> None:
    """Have DuckDB load what it loads at its first query."""
    with duckdb.connect(":memory:", config=dict(SETTINGS)) as connection:
        connection.register("nothing", pa.table({"nothing": pa.nulls(1, pa.string())}))
        connection.execute("SELECT count(*) FROM nothing").fetchall()


def _column(name: str, kind: str) -> ResultColumn:
    if found := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind):
        return ResultColumn(name, "decimal", int(found[1]), int(found[2]))
    if kind not in _TYPES:
        raise QueryFailure(f"NOT_SUPPORTED: a result of the type {kind.lower()} is not in the sandbox.")
    return ResultColumn(name, *_TYPES[kind])


def _text(value: Any, kind: str) -> str | None:
    """A value as Athena prints it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise QueryFailure(f"NUMERIC_VALUE_OUT_OF_RANGE: bigint overflow: {value}")
    if isinstance(value, float):
        return _floating(value, kind)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "milliseconds")
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return str(value)


def _floating(value: float, kind: str) -> str:
    """A number as Java prints it: with a fraction always, and in powers of ten below 0.001 and from 10 million on."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    digits = np.float32(value) if kind == "float" else np.float64(value)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return str(np.format_float_positional(digits, unique=True, trim="0"))
    mantissa, exponent = np.format_float_scientific(digits, unique=True, trim="0").split("e")
    return f"{mantissa}E{int(exponent)}"


def _failure(error: duckdb.Error) -> QueryFailure:
    """DuckDB's complaint in Athena's terms."""
    message = str(error).split("\n")[0]
    message = message.split(": ", 1)[1] if re.match(r"[A-Z][\w -]* Error: ", message) else message
    if isinstance(error, duckdb.InterruptException):
        return QueryFailure("Query cancelled by user")
    if re.match(r"[A-Z_]+: ", message):
        return QueryFailure(message)
    if "Division by zero" in message:
        return QueryFailure("DIVISION_BY_ZERO: Division by zero")
    if isinstance(error, duckdb.ConversionException):
        return QueryFailure(f"INVALID_CAST_ARGUMENT: {message}")
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryFailure(f"NUMERIC_VALUE_OUT_OF_RANGE: {message}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryFailure(f"EXCEEDED_MEMORY_LIMIT: {message}", 1003, SYSTEM)
    if "No function matches" in message or "Cannot mix values" in message:
        return QueryFailure(f"TYPE_MISMATCH: line 1:1: {message}")
    if isinstance(error, duckdb.BinderException):
        return QueryFailure(f"SYNTAX_ERROR: line 1:1: {message}")
    return QueryFailure(f"GENERIC_USER_ERROR: {message}")
