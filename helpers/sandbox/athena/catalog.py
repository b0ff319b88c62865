"""Databases and tables, and the statements that make, show and drop them: Athena's catalog is Glue's."""

import dataclasses
import fnmatch
import re
from typing import Any

import pyarrow as pa
from moto.glue.exceptions import AlreadyExistsException, EntityNotFoundException
from moto.glue.models import GlueBackend
from sqlglot import exp

from helpers.sandbox.athena.caller import Caller
from helpers.sandbox.athena.problem import QueryFailure, not_in_sandbox

__all__ = ["NAME", "Catalog", "Column", "Table"]

NAME = "awsdatacatalog"
LAZY_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
UNPARTITIONED = "A table reads all objects below its LOCATION: make it over the folder of all partitions."

_TYPES: dict[str, pa.DataType] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms"),
}
# What ROW FORMAT DELIMITED says, by the names of LazySimpleSerDe's properties.
_DELIMITED = {
    "fields": "field.delim",
    "escaped": "escape.delim",
    "lines": "line.delim",
    "null": "serialization.null.format",
}
_FAILED = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask."
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\\\": "\\", "\\001": "\x01", "\\u0001": "\x01"}


@dataclasses.dataclass(frozen=True)
class Column:
    """A column as declared: its name in lower case, its Hive type's text, and the type it is read as."""

    name: str
    hive_type: str
    type: pa.DataType


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as it is read: where its objects lie, and the format they are in."""

    columns: list[Column]
    location: str
    serde: str
    options: dict[str, str]
    header_lines: int


@dataclasses.dataclass(frozen=True)
class Catalog:
    """What AwsDataCatalog holds in one region, which is what Glue holds there, as one caller may use it."""

    glue: GlueBackend
    caller: Caller

    def find(self, database: str, name: str) -> Table:
        """A table. Raises EntityNotFoundException; QueryFailure where it is denied, or the sandbox cannot read it."""
        self.caller.call("GetTable", database, name)
        return _readable(self.glue.get_table(database, name).as_dict())

    def run(self, statement: exp.Expr, words: list[str], database: str) -> list[str]:
        """Do a statement that is no query, of these words in capitals, and give the lines it answers with.

        Raises QueryFailure.
        """
        target = next(statement.find_all(exp.Table), exp.Table())
        home, name = (target.db or database).lower(), target.name.lower()
        kind = str(statement.args.get("kind")).upper().replace("SCHEMA", "DATABASE")
        forgiven = statement.args.get("exists")
        try:
            match statement, kind:
                case exp.Create(), "DATABASE":
                    self._create_database(name or home)
                case exp.Create(), "TABLE":
                    self._create_table(statement, home, name)
                case exp.Drop(), "DATABASE":
                    self._drop_database(name or home, bool(statement.args.get("cascade")))
                case exp.Drop(), "TABLE":
                    self.caller.call("DeleteTable", home, name)
                    self.glue.delete_table(home, name)
                case exp.Describe(), _:
                    columns = self.find(home, name).columns
                    return [f"{column.name:<20}\t{column.hive_type:<20}\t{'':<20}" for column in columns]
                case _:
                    return self._shown(words, database)
        except AlreadyExistsException as error:
            if not forgiven:
                what = error.message.replace(" already exists.", f" {name or home} already exists")
                raise QueryFailure(f"{_FAILED} AlreadyExistsException(message:{what})") from error
        except EntityNotFoundException as error:
            if not (forgiven and isinstance(statement, exp.Drop)):
                raise QueryFailure(f"{_FAILED} NoSuchObjectException(message:{error.message})") from error
        return []

    def _create_database(self, name: str) -> None:
        self.caller.call("CreateDatabase", name)
        self.glue.create_database(name, {"Name": name})
        # AWS forgets a database's tags with it; in moto the next one of that name has them.
        arn = f"arn:aws:glue:{self.glue.region_name}:{self.glue.account_id}:database/{name}"
        self.glue.tagger.delete_all_tags_for_resource(arn)

    def _create_table(self, statement: exp.Create, database: str, name: str) -> None:
        is_external = statement.find(exp.ExternalProperty) and isinstance(statement.this, exp.Schema)
        if not is_external or statement.args.get("expression"):
            raise not_in_sandbox("CREATE TABLE", "Use CREATE EXTERNAL TABLE with columns, over objects in S3.")
        described = _described(statement, name)
        _readable(described)
        self.caller.call("CreateTable", database, name)
        self.glue.create_table(database, name, described)

    def _drop_database(self, name: str, cascade: bool) -> None:
        self.caller.call("DeleteDatabase", name)
        if self.glue.get_database(name).tables and not cascade:
            said = f"Database {name} is not empty. One or more tables exist."
            raise QueryFailure(f"{_FAILED} InvalidOperationException(message:{said})")
        self.glue.delete_database(name)

    def _shown(self, words: list[str], database: str) -> list[str]:
        if words in (["SHOW", "DATABASES"], ["SHOW", "SCHEMAS"]):
            self.caller.call("GetDatabases", database)
            return sorted(self.glue.databases)
        if found := re.fullmatch(r"SHOW TABLES(?: (?:IN|FROM) (\S+))?(?: '(.*)')?", " ".join(words)):
            home, wanted = (found[1] or database).strip("`\"'").lower(), (found[2] or "*").lower().split("|")
            self.caller.call("GetTables", home, "*")
            names = sorted(one.name for one in self.glue.get_tables(home, None))
            return [name for name in names if any(fnmatch.fnmatchcase(name, one) for one in wanted)]
        instead = UNPARTITIONED if re.search("PARTITION|MSCK", " ".join(words)) else ""
        raise not_in_sandbox(" ".join(words[:2]), instead)


def _readable(described: dict[str, Any]) -> Table:
    """How a table is read that is described as to Glue's CreateTable. Raises QueryFailure."""
    storage, parameters = described.get("StorageDescriptor") or {}, described.get("Parameters") or {}
    serde = storage.get("SerdeInfo") or {}
    library, options = serde.get("SerializationLibrary", LAZY_SERDE), serde.get("Parameters") or {}
    location = str(storage.get("Location") or "")
    if described.get("PartitionKeys"):
        raise not_in_sandbox("A table with partitions", UNPARTITIONED)
    if library not in (LAZY_SERDE, CSV_SERDE, PARQUET_SERDE):
        raise not_in_sandbox(f"The format of {library}", "Text, CSV and Parquet are.")
    if options.get("line.delim", "\n") != "\n":
        raise not_in_sandbox("A line that does not end with '\\n'")
    if not location.startswith("s3://"):
        raise QueryFailure("FAILED: SemanticException: a table needs a LOCATION, 's3://bucket/folder/'.")
    columns = [_column(one["Name"], one["Type"].lower()) for one in storage.get("Columns") or ()]
    header_lines = int(parameters.get("skip.header.line.count", 0))
    return Table(columns, location.rstrip("/") + "/", library, options, header_lines)


def _column(name: str, hive_type: str) -> Column:
    if found := re.fullmatch(r"decimal(?:\((\d+)(?:, ?(\d+))?\))?", hive_type):
        precision, scale = int(found[1] or 10), int(found[2] or 0)
        return Column(name, f"decimal({precision},{scale})", pa.decimal128(precision, scale))
    kind = re.sub(r"^varchar\(\d+\)$", "string", hive_type)
    if kind not in _TYPES:
        raise not_in_sandbox(f"The column type {hive_type}", "Simple types are.")
    return Column(name, hive_type, _TYPES[kind])


def _described(statement: exp.Create, name: str) -> dict[str, Any]:
    """CREATE EXTERNAL TABLE as Glue's CreateTable takes it."""
    serde, location, options, parameters = LAZY_SERDE, "", dict[str, str](), {"EXTERNAL": "TRUE"}
    for found in statement.args["properties"].expressions:
        if isinstance(found, exp.LocationProperty):
            location = found.this.name
        elif isinstance(found, exp.FileFormatProperty) and found.this.name.upper() in ("PARQUET", "TEXTFILE"):
            serde = PARQUET_SERDE if found.this.name.upper() == "PARQUET" else serde
        elif isinstance(found, exp.PartitionedByProperty):
            raise not_in_sandbox("PARTITIONED BY", UNPARTITIONED)
        elif isinstance(found, exp.RowFormatDelimitedProperty):
            said = {key: found.text(name) for name, key in _DELIMITED.items() if found.args.get(name)}
            options |= {key: _ESCAPES.get(text, text) for key, text in said.items()}
        elif isinstance(found, exp.RowFormatSerdeProperty):
            serde = found.this.name
            given = found.args.get("serde_properties")
            options |= {pair.this.name: pair.args["value"].name for pair in given.expressions} if given else {}
        elif type(found) is exp.Property:
            parameters[found.this.name.lower()] = found.args["value"].name
        elif not isinstance(found, exp.ExternalProperty | exp.SchemaCommentProperty):
            raise not_in_sandbox(f"{found.sql('athena')}, in a table's definition,", "Text, CSV and Parquet are.")
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Location": location,
            "Columns": [_declared(one) for one in statement.this.expressions],
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": options},
        },
        "PartitionKeys": [],
        "Parameters": parameters,
    }


def _declared(definition: exp.Expr) -> dict[str, str]:
    if not isinstance(definition, exp.ColumnDef) or definition.kind is None:
        raise not_in_sandbox(f"{definition.sql('athena')}, in a table's columns,")
    return {"Name": definition.name.lower(), "Type": definition.kind.sql("hive").lower()}
