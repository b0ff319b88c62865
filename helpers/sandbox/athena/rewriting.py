"""A checked query rewritten for DuckDB, where both mean the same; what differs by its types fails.

What depends on values is checked by `MACROS`, which DuckDB must know.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify_columns import qualify_columns, validate_qualify_columns

from helpers.sandbox.athena.catalog import Table
from helpers.sandbox.athena.dialect import DIALECT
from helpers.sandbox.athena.problem import DIFFERS, QueryFailure, not_in_sandbox

__all__ = ["MACROS", "translated"]

_INTEGERS = {exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT}
_FLOATING = {exp.DType.DOUBLE, exp.DType.FLOAT}
_NUMBERS = {*_INTEGERS, *_FLOATING, exp.DType.DECIMAL}
_TEXTS = {exp.DType.VARCHAR, exp.DType.TEXT}
# What Athena casts to, and what a text that it casts must look like; DuckDB takes more.
_CASTS = {
    **dict.fromkeys(_INTEGERS, "[+-]?[0-9]+"),
    **dict.fromkeys((*_TEXTS, *_FLOATING, exp.DType.DECIMAL), "(?s).*"),
    exp.DType.DATE: r"\d{4}-\d{2}-\d{2}",
    exp.DType.TIMESTAMP: r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2}(\.\d+)?)?)?",
    exp.DType.BOOLEAN: "(?i)(true|false|t|f|1|0)",
}
# What the operands of a construct must be, where DuckDB converts what is something else.
_WANTED: dict[type[exp.Expr], tuple[str, set[exp.DType]]] = {
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg), ("a number", _NUMBERS)),
    **dict.fromkeys((exp.And, exp.Or, exp.Not, exp.Where, exp.Having), ("a boolean", {exp.DType.BOOLEAN})),
    **dict.fromkeys((exp.Concat, exp.DPipe, exp.Lower, exp.Upper, exp.Length, exp.Like), ("a text", _TEXTS)),
}
# The constructs of whose operands in Athena all are texts or none is.
_ALIKE = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Nullif, exp.Between, exp.In, exp.Coalesce)
# The kinds of values with which a construct gives another result in DuckDB than in Athena, and what to do instead.
_DIFFERING: dict[type[exp.Expr], tuple[set[exp.DType], str]] = {
    exp.Avg: ({exp.DType.DECIMAL, exp.DType.FLOAT}, "cast it to double"),
    exp.Sum: ({exp.DType.FLOAT}, "cast it to double"),
    **dict.fromkeys((exp.Ceil, exp.Floor), (_INTEGERS, "leave the function out")),
}
MACROS = [
    f"""CREATE MACRO athena_start(position) AS CASE WHEN position = 0
        THEN error('NOT_SUPPORTED: substr from position 0. {DIFFERS}: positions start at 1') ELSE position END""",
    """CREATE MACRO athena_text(given, form, kind) AS CASE WHEN regexp_full_match(given, form) THEN given
        WHEN given IS NOT NULL THEN error('INVALID_CAST_ARGUMENT: Cannot cast ''' || given || ''' to ' || kind) END""",
    "CREATE MACRO athena_try_text(given, form, kind) AS CASE WHEN regexp_full_match(given, form) THEN given END",
]


def translated(query: exp.Expr, tables: dict[tuple[str, str], Table]) -> str:
    """DuckDB's SQL for a query whose tables are qualified; DuckDB must know each as `database.name` in one name.

    Raises QueryFailure where a column is not there, or where both engines differ.
    """
    schema: dict[str, Any] = {}
    for (database, name), table in tables.items():
        schema.setdefault(database, {})[name] = {column.name: column.hive_type for column in table.columns}
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
    return query.sql(dialect="duckdb", identify=True, unsupported_level=sqlglot.ErrorLevel.RAISE)


def _kind(node: exp.Expr) -> exp.DType | None:
    """The type of a value, None where nobody knows it, as of null."""
    known = node.type.this if node.type else exp.DType.UNKNOWN
    return None if known in (exp.DType.UNKNOWN, exp.DType.NULL) else known


def _check_types(query: exp.Expr) -> None:
    """Refuse what Athena refuses for its types and DuckDB converts, and what both read differently."""
    for node in query.walk():
        operands = list(node.iter_expressions())
        what, wanted = _WANTED.get(type(node), ("", set()))
        if isinstance(node, exp.Case) and node.this is None:
            what, wanted = _WANTED[exp.Where]
            operands = [branch.this for branch in node.args["ifs"]]
        for kind in _kinds(operands) if wanted else ():
            if kind not in wanted:
                raise _mismatch(node, f"{what} is expected, not {kind.value.lower()}")
        for alike in _alike(node):
            kinds = _kinds(alike)
            if other := next((kind for kind in kinds if (kind in _TEXTS) != (kinds[0] in _TEXTS)), None):
                raise _mismatch(node, f"incompatible types: {kinds[0].value.lower()}, {other.value.lower()}")
        differing, instead = _DIFFERING.get(type(node), (set(), ""))
        if differing and _kind(node.this) in differing:
            raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {DIFFERS}: {instead}")


def _kinds(operands: Iterable[exp.Expr]) -> list[exp.DType]:
    return [kind for operand in operands if (kind := _kind(operand))]


def _mismatch(node: exp.Expr, what: str) -> QueryFailure:
    return QueryFailure(f"TYPE_MISMATCH: {node.sql(DIALECT)}: {what}")


def _alike(node: exp.Expr) -> list[Iterable[exp.Expr]]:
    """The operands of a construct of which in Athena all are texts or none is."""
    if isinstance(node, exp.SetOperation):
        return list(zip(node.left.selects, node.right.selects, strict=False))
    if isinstance(node, exp.Case):
        branches, default = node.args["ifs"], node.args.get("default")
        results = [*(branch.args["true"] for branch in branches), *([default] if default else ())]
        return [results, [node.this, *(branch.this for branch in branches)]] if node.this else [results]
    return [node.iter_expressions()] if isinstance(node, _ALIKE) else []


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
    value, target = node.this, node.args["to"]
    if target.this not in _CASTS or node.args.get("format") or (target.this in _TEXTS and target.expressions):
        raise not_in_sandbox(f"A cast to {target.sql(DIALECT).lower()}", "Cast to varchar or another simple type.")
    if target.this in _TEXTS and _kind(value) in (*_FLOATING, exp.DType.TIMESTAMP):
        raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {DIFFERS}: cast a double to decimal first.")
    if _kind(value) in _TEXTS:
        macro = "athena_try_text" if isinstance(node, exp.TryCast) else "athena_text"
        value = exp.func(
            macro, value, exp.Literal.string(_CASTS[target.this]), exp.Literal.string(target.sql(DIALECT).lower())
        )
    elif _kind(value) in _FLOATING and target.this in _INTEGERS:
        value = exp.Round(this=value)
    return type(node)(this=value, to=target)


def _substring(node: exp.Expr) -> exp.Expr:
    node.set("start", exp.func("athena_start", node.args["start"]))
    return node


_REWRITES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Div: _division,
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.Substring: _substring,
}
