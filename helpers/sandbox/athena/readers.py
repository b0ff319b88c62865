"""A table's objects in the sandbox's S3, read the way Athena's readers read them."""

import csv
import datetime
import decimal
import gzip
import io
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from moto.s3.models import S3Backend

from helpers.sandbox.athena.catalog import CSV_SERDE, PARQUET_SERDE, Table
from helpers.sandbox.athena.problem import QueryFailure, not_in_sandbox

__all__ = ["keys_below", "read"]

_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
_FAMILIES = (pa.types.is_signed_integer, pa.types.is_floating, pa.types.is_timestamp)


def keys_below(s3: S3Backend, location: str) -> list[str]:
    """The S3 URLs of the objects below `location`, itself an S3 URL; hidden ones are left out, as by Athena."""
    bucket_name, _, prefix = location.removeprefix("s3://").partition("/")
    bucket = s3.buckets.get(bucket_name)
    if bucket is None:
        message = f"The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Bucket: {bucket_name})"
        raise QueryFailure(f"GENERIC_USER_ERROR: {message}")
    names = sorted(name for name in list(bucket.keys) if name.startswith(prefix) and not name.endswith("/"))
    return [f"s3://{bucket_name}/{name}" for name in names if not name.rsplit("/", 1)[-1].startswith((".", "_"))]


def read(s3: S3Backend, table: Table, urls: list[str]) -> tuple[pa.Table, int]:
    """A table's rows as Arrow, read from these objects of it, and how many bytes were read for them."""
    schema = pa.schema([(column.name, column.type) for column in table.columns])
    parts, scanned = [schema.empty_table()], 0
    for url in urls:
        bucket_name, _, name = url.removeprefix("s3://").partition("/")
        content = s3.buckets[bucket_name].keys[name].value
        scanned += len(content)
        parts.append(_parquet(content, table, url) if table.serde == PARQUET_SERDE else _text(content, table, name))
    return pa.concat_tables(parts), scanned


def _parquet(content: bytes, table: Table, url: str) -> pa.Table:
    try:
        found = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise QueryFailure(f"HIVE_BAD_DATA: Malformed Parquet file. {url} is not a valid Parquet File", 1051) from error
    names = {name.lower(): name for name in found.column_names}
    columns = []
    for column in table.columns:
        if column.name not in names:
            columns.append(pa.nulls(found.num_rows, column.type))
            continue
        values = found.column(names[column.name])
        if not _fits(values.type, column.type):
            message = f"Field {column.name}'s type {values.type} in parquet file {url} is incompatible with "
            raise QueryFailure(f"HIVE_BAD_DATA: {message}type {column.hive_type} defined in table schema", 1051)
        # A timestamp may lose what is less than a millisecond.
        columns.append(pc.cast(values, column.type, safe=not pa.types.is_timestamp(values.type)))
    return pa.table(columns, names=[column.name for column in table.columns])


def _fits(found: pa.DataType, declared: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        return _fits(found.value_type, declared)
    if found == declared or pa.types.is_null(found):
        return True
    if pa.types.is_string(declared):
        return any(is_text(found) for is_text in _TEXTS)
    alike = any(is_one(found) and is_one(declared) for is_one in _FAMILIES)
    return alike and bool(found.bit_width <= declared.bit_width)


def _text(content: bytes, table: Table, name: str) -> pa.Table:
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    elif name.endswith((".bz2", ".zst", ".snappy", ".lz4", ".deflate")):
        raise not_in_sandbox(f"The compression of {name}", "Use plain text or .gz.")
    lines = content.decode(errors="replace").splitlines()[table.header_lines :]
    strict = table.serde == CSV_SERDE
    rows = list(_rows(lines, table))
    columns = []
    for index, column in enumerate(table.columns):
        null = None if strict else table.options.get("serialization.null.format", "\\N")
        cells = [row[index] if index < len(row) else null for row in rows]
        convert = _strict if strict else _parse  # LazySimpleSerDe: what does not parse is null
        values = [None if cell is None or cell == null else convert(column.type, cell, index) for cell in cells]
        columns.append(pa.array(values, column.type))
    return pa.table(columns, names=[column.name for column in table.columns])


def _rows(lines: list[str], table: Table) -> Iterator[list[str]]:
    options = table.options
    if table.serde != CSV_SERDE:
        delimiter, escape = options.get("field.delim", "\x01"), options.get("escape.delim")
        rows = csv.reader(lines, delimiter=delimiter, escapechar=escape, quoting=csv.QUOTE_NONE)
        return (row or [""] for row in rows)
    delimiter, quote = options.get("separatorChar", ","), options.get("quoteChar", '"')
    escape = options.get("escapeChar", "\\").replace("\\\\", "\\")
    return csv.reader(lines, delimiter=delimiter, quotechar=quote, escapechar=None if escape == quote else escape)


def _strict(kind: pa.DataType, cell: str, index: int) -> Any:
    """OpenCSVSerde: what does not parse fails the query; dates are days and timestamps milliseconds since 1970."""
    value = _since_1970(kind, cell) if pa.types.is_temporal(kind) else _parse(kind, cell)
    if value is None:
        message = f"Error parsing field value '{cell}' for field {index}: For input string: \"{cell}\""
        raise QueryFailure(f"HIVE_BAD_DATA: {message}", 1051)
    return value


def _since_1970(kind: pa.DataType, cell: str) -> datetime.datetime | None:
    unit = "days" if pa.types.is_date(kind) else "milliseconds"
    try:
        is_number = re.fullmatch(r"-?\d{1,14}", cell)
        return datetime.datetime(1970, 1, 1) + datetime.timedelta(**{unit: int(cell)}) if is_number else None
    except OverflowError:
        return None


def _parse(kind: pa.DataType, cell: str, _: int = 0) -> Any:
    """A cell as a value; None where it is none of its type."""
    try:
        if pa.types.is_string(kind):
            return cell
        if pa.types.is_integer(kind):
            number = int(cell) if re.fullmatch(r"[+-]?\d+", cell) else None
            edge = 1 << (kind.bit_width - 1)
            return number if number is not None and -edge <= number < edge else None
        if pa.types.is_floating(kind):
            return float(cell) if "_" not in cell else None
        if pa.types.is_boolean(kind):
            return {"true": True, "false": False}.get(cell.lower())
        if pa.types.is_date(kind):
            return datetime.date.fromisoformat(cell) if re.fullmatch(r"\d{4}-\d\d-\d\d", cell) else None
        if pa.types.is_timestamp(kind):
            fits = re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", cell)
            return datetime.datetime.fromisoformat(cell[:23]) if fits else None
        exact = decimal.Decimal(cell).quantize(decimal.Decimal(1).scaleb(-kind.scale), decimal.ROUND_HALF_UP)
        return exact if len(exact.as_tuple().digits) <= kind.precision else None
    except (ValueError, decimal.InvalidOperation):
        return None
