"""A checked query rewritten for DuckDB, where both mean the same; what differs by its types fails.

The macros named here are in `macros`.
"""

from collections.abc import Callable
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify_columns import qualify_columns, quote_identifiers, validate_qualify_columns

from helpers.sandbox.athena.catalog import Table
from helpers.sandbox.athena.dialect import DIALECT
from helpers.sandbox.athena.macros import DIFFERS
from helpers.sandbox.athena.problem import QueryFailure, not_in_sandbox

__all__ = ["translated"]

_INTEGERS = {exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
_FLOATING = {exp.DType.DOUBLE, exp.DType.FLOAT}
_NUMBERS = {*_INTEGERS, *_FLOATING, exp.DType.DECIMAL}
_TEXTS = {exp.DType.VARCHAR, exp.DType.TEXT}
_CASTS = {
    **dict.fromkeys(_INTEGERS, "athena_integer"),
    **dict.fromkeys((*_TEXTS, *_FLOATING, exp.DType.DECIMAL), ""),
    exp.DType.DATE: "athena_date",
    exp.DType.TIMESTAMP: "athena_timestamp",
    exp.DType.BOOLEAN: "athena_boolean",
}
# What the operands of a construct must be, where DuckDB converts what is something else.
_WANTED: dict[type[exp.Expr], tuple[str, set[exp.DType]]] = {
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg), ("a number", _NUMBERS)),
    **dict.fromkeys((exp.And, exp.Or, exp.Not, exp.Where, exp.Having), ("a boolean", {exp.DType.BOOLEAN})),
    **dict.fromkeys((exp.Concat, exp.DPipe, exp.Lower, exp.Upper, exp.Length), ("a text", _TEXTS)),
    **dict.fromkeys((exp.Substring, exp.Like), ("a text", _TEXTS)),
}
# The kinds of values with which a construct gives another result in DuckDB than in Athena, and what to do instead.
_DIFFERING: dict[type[exp.Expr], tuple[set[exp.DType], str]] = {
    exp.Avg: ({exp.DType.DECIMAL, exp.DType.FLOAT}, "cast it to double"),
    exp.Sum: ({exp.DType.FLOAT}, "cast it to double"),
    **dict.fromkeys((exp.Ceil, exp.Floor), (_INTEGERS, "leave the function out")),
}


def translated(query: exp.Expr, tables: dict[tuple[str, str], Table]) -> str:
    """DuckDB's SQL for a query whose tables are qualified; DuckDB must know each as `database.name` in one name.

    Raises QueryFailure where a column is not there, or where both engines differ.
    """
    schema: dict[str, Any] = {}
    for (database, name), table in tables.items():
        schema.setdefault(database, {})[name] = {column.name: column.hive_type for column in table.all_columns}
    query = query.transform(_decimal)
    try:
        query = qualify_columns(query, schema=schema, expand_alias_refs=False, dialect=DIALECT)
        validate_qualify_columns(query)
        query = annotate_types(query, schema=schema, dialect=DIALECT)
    except OptimizeError as error:
        message = str(error).split(". Line")[0].replace('"', "'").replace("could not", "cannot")
        raise QueryFailure(
            f"COLUMN_NOT_FOUND: line 1:8: {message} or requester is not authorized to access requested resources"
        ) from error
    _check_types(query)
    for reference in query.find_all(exp.Table):
        if reference.db:
            reference.set("this", exp.to_identifier(f"{reference.db.lower()}.{reference.name.lower()}", quoted=True))
            reference.set("db", None)
    for column in query.find_all(exp.Column):
        column.set("db", None)
        column.set("catalog", None)
    _rewrite(query)
    quote_identifiers(query, dialect="duckdb", identify=True)
    return query.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)


def _kind(node: exp.Expr) -> exp.DType | None:
    """The type of a value, None where nobody knows it, as of null."""
    known = node.type.this if node.type else exp.DType.UNKNOWN
    return None if known in (exp.DType.UNKNOWN, exp.DType.NULL) else known


def _check_types(query: exp.Expr) -> None:
    """Refuse what Athena refuses for its types and DuckDB converts, and what both read differently."""
    for node in query.walk():
        what, wanted = _WANTED.get(type(node), ("", set()))
        operands = [*node.expressions, node.this, node.args.get("expression")] if wanted else []
        if isinstance(node, exp.Case) and node.this is None:
            what, wanted = _WANTED[exp.Where]
            operands = [branch.this for branch in node.args["ifs"]]
        for operand in operands:
            kind = _kind(operand) if operand else None
            if kind and kind not in wanted:
                raise _mismatch(f"{node.sql(DIALECT)}: {what} is expected, not {kind.value.lower()}")
        for alike in _alike(node):
            kinds = [kind for operand in alike if (kind := _kind(operand))]
            if other := next((kind for kind in kinds[1:] if (kind in _TEXTS) != (kinds[0] in _TEXTS)), None):
                raise _mismatch(f"Cannot apply operator: {kinds[0].value.lower()} = {other.value.lower()}")
        differing, instead = _DIFFERING.get(type(node), (set(), ""))
        if differing and _kind(node.this) in differing:
            raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {DIFFERS}: {instead}")
    for union in query.find_all(exp.SetOperation):
        for number, sides in enumerate(zip(union.left.selects, union.right.selects, strict=False), 1):
            left, right = map(_kind, sides)
            if left and right and (left in _TEXTS) != (right in _TEXTS):
                what = f"{left.value.lower()}, {right.value.lower()}"
                raise _mismatch(f"column {number} in UNION query has incompatible types: {what}")


def _mismatch(what: str) -> QueryFailure:
    return QueryFailure(f"TYPE_MISMATCH: {what}")


def _alike(node: exp.Expr) -> list[list[exp.Expr]]:
    """The operands of a construct of which in Athena all are texts or none is."""
    match node:
        case exp.EQ() | exp.NEQ() | exp.GT() | exp.GTE() | exp.LT() | exp.LTE() | exp.Nullif():
            return [[node.this, node.expression]]
        case exp.Between():
            return [[node.this, node.args["low"], node.args["high"]]]
        case exp.In() | exp.Coalesce():
            return [[node.this, *node.expressions]]
        case exp.Case():
            branches, default = node.args["ifs"], node.args.get("default")
            results = [*(branch.args["true"] for branch in branches), *([default] if default else ())]
            return [results, [node.this, *(branch.this for branch in branches)]] if node.this else [results]
    return []


def _decimal(node: exp.Expr) -> exp.Expr:
    """A number with a point and no exponent is a decimal in Athena; said outright, so that types come out right."""
    if isinstance(node, exp.Literal) and not node.is_string and "." in node.name and "e" not in node.name.lower():
        scale = len(node.name.rsplit(".", 1)[1])
        precision = max(len(node.name.replace(".", "").lstrip("0")), scale, 1)
        return exp.cast(node.copy(), f"decimal({precision}, {scale})")
    return node


def _rewrite(query: exp.Expr) -> None:
    """Rewrite a query in place, the innermost first; what takes a node's place keeps its type."""
    for node in reversed(list(query.walk())):
        if rewrite := _REWRITES.get(type(node)):
            written = rewrite(node)
            written.type = node.type
            node.replace(written)


def _macro(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _division(node: exp.Expr) -> exp.Expr:
    """Athena divides integers without remainder; which of DuckDB's two operators that takes depends on the types."""
    kinds = {_kind(node.this), _kind(node.expression)}
    if kinds <= _INTEGERS:
        return exp.IntDiv(this=node.this, expression=node.expression)
    if kinds & _FLOATING:
        left, right = (exp.cast(side, "double") for side in (node.this, node.expression))
        return exp.Div(this=left, expression=right, typed=False, safe=False)
    raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {DIFFERS}: cast both sides to double.")


def _cast(node: exp.Expr) -> exp.Expr:
    target = node.args["to"]
    if target.this not in _CASTS or node.args.get("format"):
        raise not_in_sandbox(f"A cast to {target.sql(DIALECT).lower()}")
    if target.this in _TEXTS and target.expressions:
        raise not_in_sandbox(f"A cast to {target.sql(DIALECT).lower()}", "Cast to varchar, then use substr.")
    if target.this in _TEXTS and _kind(node.this) in (*_FLOATING, exp.DType.TIMESTAMP):
        instead = "cast a double to decimal first"
        raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {DIFFERS}: {instead}")
    macro = _CASTS[target.this].replace("athena_", "athena_try_" if isinstance(node, exp.TryCast) else "athena_")
    return type(node)(this=_macro(macro, node.this) if macro else node.this, to=target)


def _substring(node: exp.Expr) -> exp.Expr:
    if node.args.get("start") is not None:
        node.set("start", _macro("athena_start", node.args["start"]))
    return node


_REWRITES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Div: _division,
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.Substring: _substring,
}
