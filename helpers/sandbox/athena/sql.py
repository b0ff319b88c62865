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
from sqlglot import exp

from helpers.sandbox.athena import dialect
from helpers.sandbox.athena.catalog import NAME, Catalog, Table
from helpers.sandbox.athena.problem import QueryFailure
from helpers.sandbox.athena.rewriting import MACROS, translated

__all__ = ["Result", "column_info", "connect", "query"]

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
}
# Athena's names of DuckDB's complaints, by how these start.
_FAILURES = {
    "Binder Error: (No function matches|Could not choose|Cannot mix|Cannot compare)": "TYPE_MISMATCH",
    "Binder Error": "SYNTAX_ERROR",
    "Conversion Error": "INVALID_CAST_ARGUMENT",
    "Out of Range Error": "NUMERIC_VALUE_OUT_OF_RANGE",
    "Out of Memory Error": "EXCEEDED_MEMORY_LIMIT",
    ".* Error: Division by zero": "DIVISION_BY_ZERO",
}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a query gave: `column_info` of each column, rows of texts, and the bytes of objects read.

    The first row of a SELECT holds the columns' names; None is null.
    """

    columns: list[dict[str, Any]]
    rows: list[list[str | None]]
    scanned: int = 0


def connect() -> duckdb.DuckDBPyConnection:
    """DuckDB with nothing in it, and with no way to what lies outside."""
    return duckdb.connect(":memory:", config=dict(SETTINGS))


def query(
    connection: duckdb.DuckDBPyConnection,
    statement: exp.Expr,
    database: str,
    catalog: Catalog,
    read: Callable[[Table], tuple[pa.Table, int]],
) -> Result:
    """Run a query and give its result; `read` gives a table's rows and size in bytes. Raises QueryFailure."""
    tables: dict[tuple[str, str], Table] = {}
    for reference in dialect.tables_of(statement, database):
        home, name = reference.db.lower(), reference.name.lower()
        try:
            tables[home, name] = catalog.find(home, name)
        except EntityNotFoundException as error:
            message = f"Table '{NAME}.{home}.{name}' does not exist"
            raise QueryFailure(f"TABLE_NOT_FOUND: line 1:15: {message}", 1301) from error
    sql = translated(statement, tables)
    scanned = 0
    for macro in MACROS:
        connection.execute(macro)
    for (home, name), table in tables.items():
        rows, size = read(table)
        connection.register(f"{home}.{name}", rows)
        scanned += size
    connection.execute("SET lock_configuration = true")
    try:
        cursor = connection.execute(sql)
        described = [(str(found[0]), str(found[1])) for found in cursor.description or ()]
        found = cursor.fetchmany(LARGEST_RESULT + 1)
    except duckdb.Error as error:
        raise _failure(error) from error
    if len(found) > LARGEST_RESULT:
        raise QueryFailure(f"NOT_SUPPORTED: more than {LARGEST_RESULT} rows of a result are not in the sandbox.")
    named = not isinstance(statement, exp.Values)
    columns = [
        _column(f"_col{place}" if not named or re.fullmatch(r"_col_\d+", name) else name, kind)
        for place, (name, kind) in enumerate(described)
    ]
    names = [column["Name"] for column in columns]
    texts = [[_text(value, column["Type"]) for value, column in zip(row, columns, strict=True)] for row in found]
    return Result(columns, [names, *texts], scanned)


def column_info(name: str, kind: str, precision: int, scale: int) -> dict[str, Any]:
    """A column of a result, as GetQueryResults gives it."""
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind == "varchar",
    }


def _column(name: str, kind: str) -> dict[str, Any]:
    if found := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind):
        return column_info(name, "decimal", int(found[1]), int(found[2]))
    if kind not in _TYPES:
        raise QueryFailure(f"NOT_SUPPORTED: a result of the type {kind.lower()} is not in the sandbox.")
    return column_info(name, *_TYPES[kind])


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
    said = str(error).split("\n")[0]
    message = said.partition(": ")[2].split(" in expression")[0]
    if re.match(r"[A-Z_]+: ", message):  # from a macro
        return QueryFailure(message)
    name = next((name for start, name in _FAILURES.items() if re.match(start, said)), "GENERIC_USER_ERROR")
    return QueryFailure(f"{name}: {message}")
