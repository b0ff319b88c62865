"""Databases and tables, and the statements that make, show and drop them: Athena's catalog is Glue's."""

import dataclasses
import fnmatch
import re
import threading
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from moto.glue.models import FakeTable, GlueBackend
from sqlglot import exp

from helpers.sandbox import process
from helpers.sandbox.athena.problem import QueryFailure, not_in_sandbox

__all__ = ["Catalog", "Column", "Table", "arrow_type"]

NAME = "awsdatacatalog"

_TYPES: dict[exp.DType, Callable[[], pa.DataType]] = {
    exp.DType.TINYINT: pa.int8,
    exp.DType.SMALLINT: pa.int16,
    exp.DType.INT: pa.int32,
    exp.DType.BIGINT: pa.int64,
    exp.DType.BOOLEAN: pa.bool_,
    exp.DType.FLOAT: pa.float32,
    exp.DType.DOUBLE: pa.float64,
    **dict.fromkeys((exp.DType.TEXT, exp.DType.VARCHAR), pa.string),
    exp.DType.DATE: pa.date32,
    exp.DType.TIMESTAMP: lambda: pa.timestamp("ms"),
}


@dataclasses.dataclass(frozen=True)
class Column:
    """A column as declared: its name in lower case, its Hive type's text, and the type it is read as."""

    name: str
    hive_type: str
    type: pa.DataType


class Table(FakeTable):
    """An external table: where its objects lie and how they are read. Glue has it as one of its own."""

    def __init__(
        self,
        database: str,
        name: str,
        columns: list[Column],
        location: str,
        file_format: str,
        options: dict[str, str],
        header_lines: int,
    ) -> None:
        self.columns, self.location = columns, location
        self.file_format, self.options, self.header_lines = file_format, options, header_lines
        shown = [{"Name": one.name, "Type": one.hive_type} for one in columns]
        place = {"Location": location, "Columns": shown}
        given = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": place, "PartitionKeys": []}
        super().__init__(database, name, given, process.ACCOUNT)


class Catalog:
    """What AwsDataCatalog holds in one region, which is what Glue holds there. Safe to use from many threads."""

    def __init__(self, glue: GlueBackend) -> None:
        self._lock = threading.Lock()
        self._glue = glue
        if "default" not in glue.databases:
            self._add("default")

    def databases(self) -> list[str]:
        return sorted(self._glue.databases)

    def find(self, database: str, name: str) -> Table | None:
        """A table that a query has made."""
        found = self._tables(database).get(name)
        return found if isinstance(found, Table) else None

    def _tables(self, database: str) -> dict[str, FakeTable]:
        return self._glue.databases[database].tables if database in self._glue.databases else {}

    def _add(self, database: str) -> None:
        # AWS forgets a database's tags with it; in moto the next one of that name has them.
        arn = f"arn:aws:glue:{self._glue.region_name}:{self._glue.account_id}:database/{database}"
        self._glue.tagger.delete_all_tags_for_resource(arn)
        self._glue.create_database(database, {"Name": database})

    def run(self, statement: exp.Expr, text: str, database: str) -> list[str]:
        """Do a statement that is no query, and give the lines it answers with. Raises QueryFailure."""
        with self._lock:
            if isinstance(statement, exp.Create):
                return self._create(statement, text, database)
            if isinstance(statement, exp.Drop):
                return self._drop(statement, database)
            if isinstance(statement, exp.Command):
                return self._command(text, database)
        raise not_in_sandbox(f"{text.split()[0].upper()}")

    def _create(self, statement: exp.Create, text: str, database: str) -> list[str]:
        kind = str(statement.args["kind"]).upper()
        if kind in ("DATABASE", "SCHEMA"):
            name = statement.this.name.lower()
            if name not in self._glue.databases:
                self._add(name)
            elif not statement.args.get("exists"):
                raise _execution_error(f"AlreadyExistsException(message:Database {name} already exists)")
            return []
        external = any(isinstance(found, exp.ExternalProperty) for found in _properties(statement))
        if kind != "TABLE" or not external or statement.args.get("expression") is not None:
            what = "CREATE TABLE AS" if statement.args.get("expression") is not None else f"CREATE {kind}"
            raise not_in_sandbox(what, "Use CREATE EXTERNAL TABLE over objects in S3.")
        table = _external_table(statement, text, database)
        home = table.database_name
        if home not in self._glue.databases:
            raise _execution_error(f"NoSuchObjectException(message:Database {home} not found.)")
        if table.name in self._tables(home) and not statement.args.get("exists"):
            raise _execution_error(f"AlreadyExistsException(message:Table {table.name} already exists)")
        self._tables(home).setdefault(table.name, table)
        return []

    def _drop(self, statement: exp.Drop, database: str) -> list[str]:
        kind = str(statement.args["kind"]).upper()
        target = statement.args["tables"][0] if statement.args.get("tables") else statement.this
        if kind in ("DATABASE", "SCHEMA"):
            name = target.name.lower()
            if self._tables(name) and not statement.args.get("cascade"):
                said = f"Database {name} is not empty. One or more tables exist."
                raise _execution_error(f"InvalidOperationException(message:{said})")
            if self._glue.databases.pop(name, None) is None and not statement.args.get("exists"):
                raise _execution_error(f"NoSuchObjectException(message:Database {name} not found.)")
            return []
        if kind != "TABLE":
            raise not_in_sandbox(f"DROP {kind}")
        home, name = (target.db or database).lower(), target.name.lower()
        if self._tables(home).pop(name, None) is None and not statement.args.get("exists"):
            raise _execution_error(f"SemanticException [Error 10001]: Table not found {home}.{name}")
        return []

    def _command(self, text: str, database: str) -> list[str]:
        words = " ".join(re.sub(r"--[^\n]*\n|/\*.*?\*/", " ", text, flags=re.DOTALL).split()).rstrip("; ")
        if re.fullmatch(r"SHOW (DATABASES|SCHEMAS)", words, re.IGNORECASE):
            return self.databases()
        if found := re.fullmatch(r"SHOW TABLES(?: (?:IN|FROM) (\S+))?(?: '(.*)')?", words, re.IGNORECASE):
            home, wanted = _bare(found[1] or database), (found[2] or "*").split("|")
            if home not in self._glue.databases:
                raise QueryFailure(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{home}' does not exist", 1301)
            names = sorted(self._tables(home))
            return [name for name in names if any(fnmatch.fnmatchcase(name, one) for one in wanted)]
        raise not_in_sandbox(f"{' '.join(words.split()[:2]).upper()}")


def arrow_type(declared: exp.DataType) -> pa.DataType:
    """What a declared type is read as; QueryFailure for a type that is not in the sandbox."""
    kind = declared.this
    if kind == exp.DType.DECIMAL:
        numbers = [int(parameter.name) for parameter in declared.expressions] or [10]
        return pa.decimal128(numbers[0], numbers[1] if len(numbers) > 1 else 0)
    if kind not in _TYPES or (declared.expressions and kind != exp.DType.VARCHAR):
        raise not_in_sandbox(f"The column type {declared.sql('hive').lower()}", "Simple types are.")
    return _TYPES[kind]()


def _external_table(statement: exp.Create, text: str, database: str) -> Table:
    schema = statement.this
    if not isinstance(schema, exp.Schema):
        raise not_in_sandbox("A table without columns")
    location, file_format, options = "", "TEXTFILE", {"fields": "\x01", "null": "\\N"}
    header_lines = 0
    for found in _properties(statement):
        if isinstance(found, exp.LocationProperty):
            location = found.this.name
        elif isinstance(found, exp.FileFormatProperty):
            file_format = found.this.name.upper() if isinstance(found.this, exp.Var) else "other"
        elif isinstance(found, exp.RowFormatDelimitedProperty):
            options |= _delimited(found)
        elif type(found) is exp.Property:
            name, value = found.this.name.lower(), found.args["value"].name
            if name == "skip.header.line.count":
                header_lines = int(value)
        elif not isinstance(found, exp.ExternalProperty | exp.SchemaCommentProperty):
            raise not_in_sandbox(f"{found.sql('athena')}, in a table's definition,")
    if file_format not in ("TEXTFILE", "PARQUET"):
        raise not_in_sandbox(f"The format {file_format}", "Delimited text and Parquet are.")
    if not location.startswith("s3://"):
        raise QueryFailure("FAILED: SemanticException: a table needs a LOCATION, 's3://bucket/folder/'.")
    home, name = (schema.this.db or database).lower(), schema.this.name.lower()
    columns = [_column(definition) for definition in schema.expressions]
    return Table(home, name, columns, location.rstrip("/") + "/", file_format, options, header_lines)


def _delimited(row_format: exp.RowFormatDelimitedProperty) -> dict[str, str]:
    given = {name: _unescaped(value.name) for name, value in row_format.args.items() if value is not None}
    for name, value in given.items():
        if name not in ("fields", "escaped", "null") and (name, value) != ("lines", "\n"):
            raise not_in_sandbox(f"ROW FORMAT DELIMITED with {name}")
    return given


def _unescaped(text: str) -> str:
    return {"\\t": "\t", "\\n": "\n", "\\\\": "\\", "\\001": "\x01", "\\u0001": "\x01"}.get(text, text)


def _column(definition: exp.Expr) -> Column:
    if not isinstance(definition, exp.ColumnDef) or definition.kind is None:
        raise not_in_sandbox(f"{definition.sql('athena')}, in a table's columns,")
    declared = definition.kind
    hive = "string" if declared.this == exp.DType.TEXT else declared.sql("hive").lower()
    return Column(definition.name.lower(), hive, arrow_type(declared))


def _properties(statement: exp.Create) -> list[Any]:
    properties = statement.args.get("properties")
    return list(properties.expressions) if properties else []


def _bare(name: str) -> str:
    return name.strip("`\"'").lower()


def _execution_error(message: str) -> QueryFailure:
    return QueryFailure(
        f"FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {message}", 1006
    )
