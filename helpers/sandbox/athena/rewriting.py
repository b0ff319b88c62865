"""A checked query rewritten for DuckDB, where both mean the same; what differs by its types fails.

The macros named here are in `macros`.
"""

import datetime
import re
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

_UNITS = {"MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"}
_FORMATS = {*"YymdHIMSfbBaAjp%", "-m", "-d", "-H", "-I"}
_PARTS = {"YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE"}
_INTEGERS = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT)
_CASTS = {
    **dict.fromkeys(_INTEGERS, "athena_integer"),
    **dict.fromkeys((exp.DType.VARCHAR, exp.DType.TEXT), "athena_varchar"),
    **dict.fromkeys((exp.DType.DOUBLE, exp.DType.FLOAT, exp.DType.DECIMAL), ""),
    exp.DType.DATE: "athena_date",
    exp.DType.TIMESTAMP: "athena_timestamp",
    exp.DType.BOOLEAN: "athena_boolean",
}


def translated(query: exp.Expr, tables: dict[tuple[str, str], Table], now: datetime.datetime) -> str:
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
    query = _rewritten(query, now)
    quote_identifiers(query, dialect="duckdb", identify=True)
    return query.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)


def _check_types(query: exp.Expr) -> None:
    """What only the types of the outputs tell: branches of a UNION that differ, and times with a zone."""
    texts = (exp.DType.VARCHAR, exp.DType.TEXT)
    for union in query.find_all(exp.SetOperation):
        for number, (left, right) in enumerate(zip(union.left.selects, union.right.selects, strict=False), 1):
            kinds = [side.type.this if side.type else exp.DType.UNKNOWN for side in (left, right)]
            known = not {exp.DType.UNKNOWN, exp.DType.NULL} & set(kinds)
            if known and (kinds[0] in texts) != (kinds[1] in texts):
                what = ", ".join(kind.value.lower() for kind in kinds)
                message = f"column {number} in UNION query has incompatible types: {what}"
                raise QueryFailure(f"TYPE_MISMATCH: line 1:1: {message}")
    for item in query.selects if isinstance(query, exp.Query) else []:
        if isinstance(item.unalias(), exp.CurrentTimestamp):
            raise not_in_sandbox("A result with a time zone", "Select cast(now() AS timestamp).")


def _decimal(node: exp.Expr) -> exp.Expr:
    """A number with a point and no exponent is a decimal in Athena; said outright, so that types come out right."""
    if isinstance(node, exp.Literal) and not node.is_string and "." in node.name and "e" not in node.name.lower():
        scale = len(node.name.rsplit(".", 1)[1])
        precision = max(len(node.name.replace(".", "").lstrip("0")), scale, 1)
        return exp.cast(node.copy(), f"decimal({precision}, {scale})")
    return node


def _rewritten(node: exp.Expr, now: datetime.datetime) -> exp.Expr:
    """`node` with all below it rewritten, the innermost first; what takes a node's place keeps its type."""
    for child in list(node.iter_expressions()):
        written = _rewritten(child, now)
        if written is not child:
            child.replace(written)
    kind, written = node.type, node
    rewrite = _REWRITES.get(type(node))
    if rewrite is not None:
        written = rewrite(node)
    elif isinstance(node, exp.CurrentDate):
        written = exp.cast(exp.Literal.string(now.date().isoformat()), "date")
    elif isinstance(node, exp.CurrentTimestamp):
        written = exp.cast(exp.Literal.string(now.replace(tzinfo=None).isoformat(" ", "milliseconds")), "timestamp")
    if written is not node:
        written.type = kind
    return written


def _macro(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _division(node: exp.Expr) -> exp.Expr:
    """Athena divides integers without remainder; which of DuckDB's two operators that takes depends on the types."""
    kinds = [side.type.this if side.type else None for side in (node.this, node.expression)]
    if all(kind in _INTEGERS for kind in kinds):
        return exp.IntDiv(this=node.this, expression=node.expression)
    if any(kind in (exp.DType.DOUBLE, exp.DType.FLOAT) for kind in kinds):
        left, right = (exp.cast(side, "double") for side in (node.this, node.expression))
        return exp.Div(this=left, expression=right, typed=False, safe=False)
    raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {DIFFERS}: cast both sides to double.")


def _comparison(node: exp.Expr) -> exp.Expr:
    return type(node)(this=_macro("athena_same", node.this, node.expression), expression=node.expression)


def _between(node: exp.Expr) -> exp.Expr:
    low, high = node.args["low"], node.args["high"]
    subject = _macro("athena_same", _macro("athena_same", node.this, low), high)
    return exp.Between(this=subject, low=low, high=high)


def _membership(node: exp.Expr) -> exp.Expr:
    subject = node.this
    for option in node.expressions:
        subject = _macro("athena_same", subject, option)
    return exp.In(this=subject, expressions=node.expressions, query=node.args.get("query"))


def _concatenation(node: exp.Expr) -> exp.Expr:
    """Athena's concat gives null where a part is null, as `||` does; DuckDB's leaves the part out."""
    parts = node.expressions if isinstance(node, exp.Concat) else [node.this, node.expression]
    texts = [_macro("athena_text", part) for part in parts]
    joined = texts[0]
    for text in texts[1:]:
        joined = exp.DPipe(this=joined, expression=text, safe=False)
    return exp.paren(joined, copy=False)


def _cast(node: exp.Expr) -> exp.Expr:
    target = node.args["to"]
    if target.this not in _CASTS or node.args.get("format"):
        raise not_in_sandbox(f"A cast to {target.sql(DIALECT).lower()}")
    if target.this in (exp.DType.VARCHAR, exp.DType.TEXT) and target.expressions:
        raise not_in_sandbox(f"A cast to {target.sql(DIALECT).lower()}", "Cast to varchar, then use substr.")
    macro = _CASTS[target.this]
    if isinstance(node, exp.TryCast) and macro != "athena_varchar":
        macro = macro.replace("athena_", "athena_try_")
    return type(node)(this=_macro(macro, node.this) if macro else node.this, to=target)


def _difference(node: exp.Expr) -> exp.Expr:
    """Athena's date_diff counts whole units, as DuckDB's date_sub does; DuckDB's own counts boundaries crossed."""
    unit = _unit(node, _UNITS)
    return exp.Anonymous(
        this="date_sub", expressions=[exp.Literal.string(unit.lower()), node.expression.copy(), node.this.copy()]
    )


def _unit(node: exp.Expr, known: set[str]) -> str:
    unit = node.args.get("unit")
    name = unit.name.upper() if unit is not None else "DAY"
    if name not in known:
        raise not_in_sandbox(f"The unit {name.lower()}")
    return name


def _truncation(node: exp.Expr) -> exp.Expr:
    unit = exp.Literal.string(_unit(node, _UNITS).lower())
    kind = node.this.type
    if kind is not None and kind.this == exp.DType.DATE:
        return exp.cast(exp.Anonymous(this="date_trunc", expressions=[unit, node.this.copy()]), "date")
    return exp.Anonymous(this="date_trunc", expressions=[unit, _macro("athena_moment", node.this)])


def _addition(node: exp.Expr) -> exp.Expr:
    """Athena's date_add keeps a date a date; DuckDB makes it a timestamp."""
    unit = _unit(node, _UNITS - {"MILLISECOND", "QUARTER"}).lower()
    kind = node.this.type.this if node.this.type else None
    if kind not in (exp.DType.DATE, exp.DType.TIMESTAMP):
        raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {DIFFERS}: cast the last part to date or timestamp.")
    span = exp.Anonymous(this=f"to_{unit}s", expressions=[exp.cast(node.expression, "int")])
    sum_ = exp.Add(this=exp.cast(node.this, "timestamp"), expression=span)
    return exp.cast(sum_, "date") if kind == exp.DType.DATE else exp.paren(sum_)


def _extraction(node: exp.Expr) -> exp.Expr:
    if node.name.upper() not in _PARTS:
        raise not_in_sandbox(f"extract({node.name.lower()} from ...)")
    return node


def _order(node: exp.Expr) -> exp.Expr:
    """Athena puts nulls last whatever the direction, unless told otherwise."""
    return exp.Ordered(this=node.this, desc=node.args.get("desc"), nulls_first=bool(node.args.get("nulls_first")))


def _checked(macro: str) -> Callable[[exp.Expr], exp.Expr]:
    def rewrite(node: exp.Expr) -> exp.Expr:
        if isinstance(node.this, exp.Distinct):
            return node
        node.set("this", _macro(macro, node.this))
        return node

    return rewrite


def _arithmetic(node: exp.Expr) -> exp.Expr:
    for side in ("this", "expression"):
        if node.args.get(side) is not None:
            node.set(side, _macro("athena_number", node.args[side]))
    return node


def _logic(node: exp.Expr) -> exp.Expr:
    for side in ("this", "expression"):
        part = node.args.get(side)
        if part is not None and not isinstance(part, exp.And | exp.Or | exp.Not):
            node.set(side, _macro("athena_truth", part))
    return node


def _choice(node: exp.Expr) -> exp.Expr:
    """The results of a coalesce, nullif or case are all text or none is, in Athena; DuckDB converts."""
    if isinstance(node, exp.Coalesce):
        for other in node.expressions:
            node.set("this", _macro("athena_same", node.this, other))
    elif isinstance(node, exp.Nullif):
        node.set("this", _macro("athena_same", node.this, node.expression))
    else:
        first, *others = node.args["ifs"]
        results = [other.args["true"] for other in others]
        if node.args.get("default") is not None:
            results.append(node.args["default"])
        for other in results:
            first.set("true", _macro("athena_same", first.args["true"], other))
        for branch in node.args["ifs"]:
            if node.this is None:
                branch.set("this", _macro("athena_truth", branch.this))
            else:
                branch.set("this", _macro("athena_same", branch.this, node.this))
    return node


def _trim(node: exp.Expr) -> exp.Expr:
    """Athena trims all white space unless told what to trim; DuckDB trims spaces."""
    if node.args.get("expression") is None:
        node.set("expression", exp.Literal.string(" \t\n\r\x0b\x0c"))
    node.set("this", _macro("athena_text", node.this))
    return node


def _replacement(node: exp.Expr) -> exp.Expr:
    if isinstance(node.expression, exp.Literal) and not node.expression.name:
        raise QueryFailure(f"NOT_SUPPORTED: replace of an empty text. {DIFFERS}.")
    node.set("this", _macro("athena_text", node.this))
    return node


def _formatting(node: exp.Expr) -> exp.Expr:
    form = node.args["format"]
    if not isinstance(form, exp.Literal) or not set(re.findall(r"%(-?.)", form.name)) <= _FORMATS:
        raise not_in_sandbox("This date format", "Use %Y %m %d %H %i %s and their like.")
    return node


def _substring(node: exp.Expr) -> exp.Expr:
    if node.args.get("start") is not None:
        node.set("start", _macro("athena_start", node.args["start"]))
    node.set("this", _macro("athena_text", node.this))
    return node


_REWRITES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Div: _division,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _comparison),
    exp.Between: _between,
    exp.In: _membership,
    **dict.fromkeys((exp.Concat, exp.DPipe), _concatenation),
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.DateDiff: _difference,
    **dict.fromkeys((exp.TimestampTrunc, exp.DateTrunc), _truncation),
    exp.DateAdd: _addition,
    exp.Extract: _extraction,
    exp.Ordered: _order,
    exp.Avg: _checked("athena_exact"),
    exp.Sum: _checked("athena_summable"),
    **dict.fromkeys((exp.Ceil, exp.Floor), _checked("athena_fraction")),
    exp.Substring: _substring,
    exp.Trim: _trim,
    exp.Replace: _replacement,
    **dict.fromkeys(
        (exp.Lower, exp.Upper, exp.Length, exp.StrPosition, exp.StartsWith, exp.Like), _checked("athena_text")
    ),
    **dict.fromkeys((exp.TimeToStr, exp.StrToTime), _formatting),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg), _arithmetic),
    **dict.fromkeys((exp.And, exp.Or, exp.Not, exp.Where, exp.Having), _logic),
    **dict.fromkeys((exp.Coalesce, exp.Nullif, exp.Case), _choice),
}
