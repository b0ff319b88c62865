"""Databases and tables, and the statements that make, show and drop them: Athena's catalog is Glue's."""

import contextlib
import dataclasses
import fnmatch
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from moto.glue.exceptions import PartitionAlreadyExistsException
from moto.glue.models import FakeTable, GlueBackend
from sqlglot import exp

from helpers.sandbox import process
from helpers.sandbox.athena.problem import QueryFailure, not_in_sandbox

__all__ = ["Catalog", "Column", "Table", "arrow_type"]

NAME = "awsdatacatalog"
LAZY_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

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
        partition_columns: list[Column],
        location: str,
        serde: str,
        options: dict[str, str],
        header_lines: int,
    ) -> None:
        self.columns, self.partition_columns, self.location = columns, partition_columns, location
        self.serde, self.options, self.header_lines = serde, options, header_lines
        shown, keys = ([{"Name": one.name, "Type": one.hive_type} for one in of] for of in (columns, partition_columns))
        place = {"Location": location, "Columns": shown}
        given = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": place, "PartitionKeys": keys}
        super().__init__(database, name, given, process.ACCOUNT)

    @property
    def all_columns(self) -> list[Column]:
        return [*self.columns, *self.partition_columns]

    def add_partition(self, values: Sequence[str], location: str) -> None:
        """Know a partition from now on. Raises PartitionAlreadyExistsException."""
        self.create_partition({"Values": list(values), "StorageDescriptor": {"Location": location}})

    def places(self) -> list[tuple[list[str], str]]:
        """Where to look for objects: the table's own place, or its partitions', each with the values of its columns."""
        if not self.partition_columns:
            return [([], self.location)]
        found = list(self.partitions.values())
        return [(one.values, one.partition_input["StorageDescriptor"]["Location"]) for one in found]


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

    def run(self, statement: exp.Expr, text: str, database: str, list_keys: Callable[[str], list[str]]) -> list[str]:
        """Do a statement that is no query, and give the lines it answers with.

        `list_keys` gives the S3 URLs of the objects below an S3 URL. Raises QueryFailure.
        """
        with self._lock:
            if isinstance(statement, exp.Create):
                return self._create(statement, text, database)
            if isinstance(statement, exp.Drop):
                return self._drop(statement, database)
            if isinstance(statement, exp.Describe):
                return self._describe(self._table(statement.this, database))
            if isinstance(statement, exp.Alter):
                return self._alter(statement, database)
            if isinstance(statement, exp.Command):
                return self._command(text, database, list_keys)
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

    def _table(self, reference: exp.Table, database: str) -> Table:
        home, name = (reference.db or database).lower(), reference.name.lower()
        table = self.find(home, name)
        if table is None:
            raise _execution_error(f"SemanticException [Error 10001]: Table not found {home}.{name}")
        return table

    def _describe(self, table: Table) -> list[str]:
        lines = [_described(column) for column in table.all_columns]
        if table.partition_columns:
            lines += [
                "\t \t ",
                "# Partition Information\t \t ",
                "# col_name            \tdata_type           \tcomment",
            ]
            lines += ["\t \t ", *(_described(column) for column in table.partition_columns)]
        return lines

    def _alter(self, statement: exp.Alter, database: str) -> list[str]:
        table = self._table(statement.this, database)
        actions = statement.args["actions"]
        if not all(isinstance(action, exp.AddPartition) for action in actions):
            raise not_in_sandbox("This ALTER TABLE", "ALTER TABLE ... ADD PARTITION is.")
        for action in actions:
            pairs = {pair.this.name.lower(): pair.expression.name for pair in action.this.expressions}
            values = [pairs.get(column.name, "") for column in table.partition_columns]
            if not table.partition_columns or pairs.keys() != {column.name for column in table.partition_columns}:
                raise _execution_error(f"SemanticException: partition spec {pairs} doesn't match the table's columns")
            given = action.args.get("location")
            location = given.this.name if given else table.location + _spec(table, values)
            try:
                table.add_partition(values, _folder(location))
            except PartitionAlreadyExistsException:
                if not action.args.get("exists"):
                    message = f"AlreadyExistsException(message:Partition already exists {values})"
                    raise _execution_error(message) from None
        return []

    def _command(self, text: str, database: str, list_keys: Callable[[str], list[str]]) -> list[str]:
        words = " ".join(re.sub(r"--[^\n]*\n|/\*.*?\*/", " ", text, flags=re.DOTALL).split()).rstrip("; ")
        if re.fullmatch(r"SHOW (DATABASES|SCHEMAS)", words, re.IGNORECASE):
            return self.databases()
        if found := re.fullmatch(r"SHOW TABLES(?: (?:IN|FROM) (\S+))?(?: '(.*)')?", words, re.IGNORECASE):
            home, wanted = _bare(found[1] or database), (found[2] or "*").split("|")
            if home not in self._glue.databases:
                raise QueryFailure(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{home}' does not exist", 1301)
            names = sorted(self._tables(home))
            return [name for name in names if any(fnmatch.fnmatchcase(name, one) for one in wanted)]
        if found := re.fullmatch(r"SHOW PARTITIONS (\S+)", words, re.IGNORECASE):
            table = self._table(_reference(found[1]), database)
            return sorted(_spec(table, partition.values) for partition in table.partitions.values())
        if found := re.fullmatch(r"MSCK REPAIR TABLE (\S+)", words, re.IGNORECASE):
            return self._repair(self._table(_reference(found[1]), database), list_keys)
        raise not_in_sandbox(f"{' '.join(words.split()[:2]).upper()}")

    def _repair(self, table: Table, list_keys: Callable[[str], list[str]]) -> list[str]:
        names = [column.name for column in table.partition_columns]
        pattern = re.compile("/".join(f"{re.escape(name)}=([^/]+)" for name in names) + "/", re.IGNORECASE)
        added = []
        for key in list_keys(table.location):
            found = pattern.match(key.removeprefix(table.location)) if names else None
            if found:
                with contextlib.suppress(PartitionAlreadyExistsException):
                    table.add_partition(found.groups(), table.location + found[0])
                    added.append(f"Partitions not in metastore:\t{table.name}:{found[0].rstrip('/')}")
        return added


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
    partitioned: list[exp.Expr] = []
    location, serde, file_format, options = "", LAZY_SERDE, "TEXTFILE", {"field.delim": "\x01"}
    header_lines = 0
    for found in _properties(statement):
        if isinstance(found, exp.LocationProperty):
            location = found.this.name
        elif isinstance(found, exp.FileFormatProperty):
            file_format = found.this.name.upper() if isinstance(found.this, exp.Var) else "other"
        elif isinstance(found, exp.PartitionedByProperty):
            partitioned = found.this.expressions
        elif isinstance(found, exp.RowFormatDelimitedProperty):
            options |= _delimited(found)
        elif isinstance(found, exp.RowFormatSerdeProperty):
            serde = found.this.name
            given = found.args.get("serde_properties")
            options |= {pair.this.name: pair.args["value"].name for pair in given.expressions} if given else {}
        elif type(found) is exp.Property:
            name, value = found.this.name.lower(), found.args["value"].name
            if name == "skip.header.line.count":
                header_lines = int(value)
            if name.startswith("projection."):
                raise not_in_sandbox("Partition projection", "Add partitions with MSCK REPAIR TABLE or ALTER TABLE.")
        elif not isinstance(found, exp.ExternalProperty | exp.SchemaCommentProperty):
            raise not_in_sandbox(f"{found.sql('athena')}, in a table's definition,")
    if file_format == "PARQUET":
        serde = PARQUET_SERDE
    if file_format not in ("TEXTFILE", "PARQUET") or serde not in (LAZY_SERDE, CSV_SERDE, PARQUET_SERDE):
        raise not_in_sandbox(f"The format {file_format} with {serde}", "Text, CSV and Parquet are.")
    if not location.startswith("s3://"):
        raise QueryFailure("FAILED: SemanticException: a table needs a LOCATION, 's3://bucket/folder/'.")
    home, name = (schema.this.db or database).lower(), schema.this.name.lower()
    columns, keys = ([_column(definition) for definition in of] for of in (schema.expressions, partitioned))
    return Table(home, name, columns, keys, _folder(location), serde, options, header_lines)


def _delimited(row_format: exp.RowFormatDelimitedProperty) -> dict[str, str]:
    names = {"fields": "field.delim", "escaped": "escape.delim", "null": "serialization.null.format"}
    for name, given in row_format.args.items():
        if given is not None and name not in names and (name != "lines" or _unescaped(given.name) != "\n"):
            raise not_in_sandbox(f"ROW FORMAT DELIMITED with {name}")
    return {names[name]: _unescaped(given.name) for name, given in row_format.args.items() if given and name in names}


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


def _described(column: Column) -> str:
    return f"{column.name:<20}\t{column.hive_type:<20}\t{'':<20}"


def _spec(table: Table, values: Sequence[str]) -> str:
    return "/".join(f"{column.name}={value}" for column, value in zip(table.partition_columns, values, strict=True))


def _folder(location: str) -> str:
    return location.rstrip("/") + "/"


def _bare(name: str) -> str:
    return name.strip("`\"'").lower()


def _reference(text: str) -> exp.Table:
    *home, name = (_bare(part) for part in text.split("."))
    return exp.table_(name, db=home[-1] if home else None)


def _execution_error(message: str) -> QueryFailure:
    return QueryFailure(
        f"FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {message}", 1006
    )
