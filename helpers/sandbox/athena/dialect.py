"""Athena's SQL put into DuckDB's, where both mean the same; all else fails and says so.

What passes is listed here, and what is not listed does not pass: constructs, functions, and (through checks in
`MACROS`, run by DuckDB itself) the types that they are used with.
"""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify_columns import (
    qualify_columns,
    quote_identifiers,
    validate_qualify_columns,
)
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.tokenizer_core import Token, TokenType

from helpers.sandbox.athena.catalog import NAME, Table
from helpers.sandbox.athena.problem import Malformed, QueryFailure, not_in_sandbox

__all__ = ["MACROS", "is_query", "parse", "parsed", "tables_of", "translated"]

DIALECT = "athena"

_CONSTRUCTS: set[type[exp.Expr]] = {
    # queries
    *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset),
    *(exp.With, exp.CTE, exp.Subquery, exp.Union, exp.Intersect, exp.Except, exp.Distinct, exp.Values, exp.Tuple),
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Paren, exp.Placeholder),
    # literals and types
    *(exp.Literal, exp.Null, exp.Boolean, exp.DataType, exp.DataTypeParam, exp.Var, exp.CurrentDate),
    exp.CurrentTimestamp,
    # operators
    *(exp.And, exp.Or, exp.Not, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe, exp.Concat),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Like, exp.Escape),
    *(exp.Exists, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Coalesce, exp.Nullif),
    # windows
    *(exp.Window, exp.WindowSpec, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.Lag, exp.Lead),
    *(exp.FirstValue, exp.LastValue),
    # aggregates
    *(exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr, exp.Filter),
    *(exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop),
    # functions
    *(exp.Abs, exp.Round, exp.Ceil, exp.Floor, exp.Sqrt, exp.Pow, exp.Exp, exp.Ln),
    *(exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Substring, exp.Replace, exp.StrPosition, exp.SplitPart),
    *(exp.Reverse, exp.StartsWith),
    *(
        exp.Year,
        exp.Month,
        exp.Day,
        exp.Extract,
        exp.DateAdd,
        exp.DateDiff,
        exp.TimestampTrunc,
        exp.DateTrunc,
        exp.TimeToStr,
    ),
    exp.StrToTime,
}
# What an accepted construct may carry beyond its operands in DuckDB's SQL but not in Athena's.
_FOREIGN_PARTS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Star: ("except_", "replace", "rename", "ilike"),
    exp.Distinct: ("on",),
    exp.Group: ("all",),
    exp.Table: ("sample", "pivots", "when", "only", "version", "joins", "laterals", "hints"),
    exp.Select: ("qualify", "kind", "hint", "into", "sample", "distribute", "cluster", "sort", "laterals", "pivots"),
    exp.Join: ("global_", "hint", "match_condition", "pivots"),
    exp.Union: ("by_name",),
    exp.Order: ("siblings",),
}
_FOREIGN_TOKENS = {
    TokenType.DCOLON: "The cast operator '::'",
    TokenType.L_BRACKET: "A list or a subscript in brackets",
    TokenType.L_BRACE: "A struct in braces",
    TokenType.ARROW: "'->'",
    TokenType.ILIKE: "ILIKE",
    TokenType.GLOB: "GLOB",
    TokenType.QUALIFY: "QUALIFY",
}
_UNITS = {"MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"}
_PARTS = {"YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE"}

_DIFFERS = "The sandbox runs queries on DuckDB, which reads this differently from Athena"
_TEXT = "typeof(x) IN ('VARCHAR', '\"NULL\"')"
_INVALID = "error('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to {}')"
_FLOATING = "typeof(x) IN ('DOUBLE', 'FLOAT')"
_DATE_TEXT = r"\d{4}-\d{2}-\d{2}"
_TIME_TEXT = _DATE_TEXT + r"( \d{2}:\d{2}(:\d{2}(\.\d+)?)?)?"


def _differs(what: str, instead: str) -> str:
    return f"error('NOT_SUPPORTED: {what}. {_DIFFERS}: {instead}')"


def _conversion(name: str, target: str, text_and_pattern: str, converted: str) -> list[str]:
    """Two macros for a cast, the second for try_cast: Athena takes fewer texts than DuckDB does."""
    wrong = f"typeof(x) = 'VARCHAR' AND NOT regexp_full_match({text_and_pattern})"
    tried = converted.replace(" CAST(", " TRY_CAST(").replace("CAST(x", "TRY_CAST(x", converted.startswith("CAST(x"))
    return [
        f"CREATE MACRO athena_{name}(x) AS CASE WHEN {wrong} THEN {_INVALID.format(target)} ELSE {converted} END",
        f"CREATE MACRO athena_try_{name}(x) AS CASE WHEN {wrong} THEN NULL ELSE {tried} END",
    ]


# Checks and conversions that depend on types, which DuckDB knows when it binds them.
MACROS = [
    # Athena compares text only with text; DuckDB converts.
    "CREATE MACRO athena_same(x, y) AS CASE WHEN (typeof(x) = 'VARCHAR') <> (typeof(y) = 'VARCHAR') "
    "AND typeof(x) <> '\"NULL\"' AND typeof(y) <> '\"NULL\"' "
    "THEN error('TYPE_MISMATCH: Cannot apply operator: ' || lower(typeof(x)) || ' = ' || lower(typeof(y))) "
    "ELSE x END",
    f"CREATE MACRO athena_text(x) AS CASE WHEN {_TEXT} THEN x ELSE "
    "error('TYPE_MISMATCH: Unexpected parameters (' || lower(typeof(x)) || '), text is expected') END",
    "CREATE MACRO athena_exact(x) AS CASE WHEN typeof(x) LIKE 'DECIMAL%' OR typeof(x) = 'FLOAT' THEN "
    + _differs("avg or sum of decimal or real values", "cast them to double")
    + " ELSE x END",
    "CREATE MACRO athena_summable(x) AS CASE WHEN typeof(x) = 'FLOAT' THEN "
    + _differs("sum of real values", "cast them to double")
    + " ELSE x END",
    "CREATE MACRO athena_fraction(x) AS CASE WHEN typeof(x) LIKE '%INT' OR typeof(x) = 'INTEGER' THEN "
    + _differs("ceil or floor of an integer", "leave the function out")
    + " ELSE x END",
    "CREATE MACRO athena_moment(x) AS CASE WHEN typeof(x) = 'DATE' THEN "
    + _differs("date_trunc of a date", "cast it to timestamp")
    + " ELSE x END",
    "CREATE MACRO athena_start(x) AS CASE WHEN x = 0 THEN "
    + _differs("substr from position 0", "positions start at 1")
    + " ELSE x END",
    "CREATE MACRO athena_varchar(x) AS CASE WHEN "
    + _FLOATING
    + " OR typeof(x) LIKE 'TIMESTAMP%' THEN "
    + _differs(
        "A double or timestamp cast to varchar",
        "cast a double to decimal first, or format a timestamp with date_format",
    )
    + " ELSE CAST(x AS VARCHAR) END",
    *_conversion(
        "integer",
        "bigint",
        "CAST(x AS VARCHAR), '[+-]?[0-9]+'",
        f"CASE WHEN {_FLOATING} THEN CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT) ELSE CAST(x AS BIGINT) END",
    ),
    *_conversion("date", "date", f"CAST(x AS VARCHAR), '{_DATE_TEXT}'", "CAST(x AS DATE)"),
    *_conversion("timestamp", "timestamp", f"CAST(x AS VARCHAR), '{_TIME_TEXT}'", "CAST(x AS TIMESTAMP)"),
    *_conversion("boolean", "boolean", "lower(CAST(x AS VARCHAR)), 'true|false|t|f|1|0'", "CAST(x AS BOOLEAN)"),
]
_INTEGERS = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT)
_CASTS = {
    **dict.fromkeys(_INTEGERS, "athena_integer"),
    **dict.fromkeys((exp.DType.VARCHAR, exp.DType.TEXT), "athena_varchar"),
    **dict.fromkeys((exp.DType.DOUBLE, exp.DType.FLOAT, exp.DType.DECIMAL), ""),
    exp.DType.DATE: "athena_date",
    exp.DType.TIMESTAMP: "athena_timestamp",
    exp.DType.BOOLEAN: "athena_boolean",
}


def parse(text: str, parameters: Sequence[str] | None = None) -> exp.Expr:
    """The one statement in `text`, its question marks replaced by `parameters`; Malformed where there is none."""
    if re.match(r"\s*(SHOW|MSCK)\b", text, re.IGNORECASE):
        return exp.Command(this=text)
    try:
        tokens = sqlglot.tokenize(text, dialect="trino" if is_query(text) else "hive")
        statements = [found for found in sqlglot.parse(text, dialect=DIALECT) if found is not None]
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        place = f"line {found.get('line', 1)}:{found.get('col', 1)}"
        near = str(found.get("highlight") or "").strip() or "the end"
        raise Malformed(f"{place}: mismatched input '{near}'") from error
    except SqlglotError as error:
        raise Malformed(f"line 1:1: {error}") from error
    if len(statements) != 1:
        what = "Only one sql statement is allowed. Got: " if statements else "no viable alternative at input: "
        raise Malformed(f"{what}{text.strip()[:100]}")
    statement = statements[0]
    if is_query(text):
        _check_tokens(tokens)
    places = list(statement.find_all(exp.Placeholder))
    given = list(parameters or [])
    if len(places) != len(given):
        message = f"Incorrect number of parameters: expected {len(places)} but found {len(given)}"
        raise QueryFailure(f"INVALID_PARAMETER_USAGE: line 1:1: {message}")
    for placeholder, value in zip(places, given, strict=True):
        placeholder.replace(_value(value))
    return statement


def parsed(value: str) -> exp.Expr:
    """A single expression."""
    return sqlglot.parse_one(value, dialect="trino")


def _value(text: str) -> exp.Expr:
    try:
        value = parsed(text)
    except SqlglotError as error:
        raise QueryFailure(f"SYNTAX_ERROR: the parameter {text!r} is no SQL value") from error
    if not isinstance(value.find(exp.Column, exp.Query, exp.Func), exp.Cast | None):
        raise QueryFailure(f"SYNTAX_ERROR: the parameter {text!r} is no SQL value; quote a text: '...'")
    return value


def is_query(text: str) -> bool:
    """Whether a statement reads rows, as opposed to one that changes or shows the catalog."""
    words = text.lstrip("( \t\r\n").split(None, 1)
    return bool(words) and words[0].upper() in ("SELECT", "WITH", "VALUES", "TABLE", "FROM")


def _check_tokens(tokens: list[Token]) -> None:
    limit_at_depth: set[int] = set()
    depth, previous = 0, None
    for token in tokens:
        place = f"line {token.line}:{token.col}"
        if token.token_type in _FOREIGN_TOKENS:
            raise QueryFailure(f"SYNTAX_ERROR: {place}: {_FOREIGN_TOKENS[token.token_type]} is not taken. {_DIFFERS}.")
        if token.token_type == TokenType.EQ and token.text == "==":
            raise QueryFailure(f"SYNTAX_ERROR: {place}: mismatched input '='")
        if token.token_type == TokenType.FROM and (previous is None or previous.token_type == TokenType.L_PAREN):
            raise QueryFailure(f"SYNTAX_ERROR: {place}: mismatched input 'FROM'. Expecting: a query, SELECT ... FROM")
        if previous is not None and previous.token_type == TokenType.COMMA and token.token_type in _ENDS:
            raise QueryFailure(f"SYNTAX_ERROR: {place}: mismatched input '{token.text}'")
        if token.token_type == TokenType.LIMIT:
            limit_at_depth.add(depth)
        if token.token_type == TokenType.OFFSET and depth in limit_at_depth:
            raise QueryFailure(f"SYNTAX_ERROR: {place}: mismatched input 'OFFSET': OFFSET comes before LIMIT")
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        previous = token


_ENDS = {TokenType.FROM, TokenType.WHERE, TokenType.R_PAREN, TokenType.GROUP_BY, TokenType.ORDER_BY}


def _check_constructs(query: exp.Expr) -> None:
    for node in query.walk():
        if isinstance(node, exp.Anonymous | exp.Func) and type(node) not in _CONSTRUCTS:
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            raise QueryFailure(
                f"FUNCTION_NOT_FOUND: The function {name.lower()} is not in the sandbox. The sandbox runs queries on "
                "DuckDB and takes only functions that are known to mean the same in Athena."
            )
        if type(node) not in _CONSTRUCTS:
            raise not_in_sandbox(f"{type(node).__name__.upper()} ({node.sql(DIALECT)[:60]})")
        for part in _FOREIGN_PARTS.get(type(node), ()):
            if node.args.get(part):
                what = f"{type(node).__name__.upper()} with {part.strip('_').upper()}"
                raise QueryFailure(f"SYNTAX_ERROR: {what} is not Athena's SQL. {_DIFFERS}.")
    for select in query.find_all(exp.Select):
        # Athena names what is no column by its position; sqlglot names a literal or a cast by what is in it.
        for number, item in enumerate(select.expressions):
            if not isinstance(item, exp.Column | exp.Star | exp.Alias):
                item.replace(exp.alias_(item.copy(), f"_col_{number}"))
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            raise QueryFailure("SYNTAX_ERROR: a table is read by its name; table functions are not in the sandbox.")


def tables_of(query: exp.Expr, database: str) -> list[exp.Table]:
    """Qualify the tables of a query in place, and give those that the catalog must know."""
    _check_constructs(query)
    qualify_tables(query, db=database, dialect=DIALECT)
    found = [table for table in query.find_all(exp.Table) if table.db]
    for table in found:
        if table.catalog and table.catalog.lower() != NAME:
            raise QueryFailure(f"CATALOG_NOT_FOUND: line 1:1: Catalog '{table.catalog.lower()}' does not exist", 1301)
        table.set("catalog", None)
    return found


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
    for reference in query.find_all(exp.Table):
        if reference.db:
            reference.set("this", exp.to_identifier(f"{reference.db.lower()}.{reference.name.lower()}", quoted=True))
            reference.set("db", None)
    for column in query.find_all(exp.Column):
        column.set("db", None)
        column.set("catalog", None)
    query = query.transform(lambda node: _rewrite(node, now))
    quote_identifiers(query, dialect="duckdb", identify=True)
    return query.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)


def _decimal(node: exp.Expr) -> exp.Expr:
    """A number with a point and no exponent is a decimal in Athena; said outright, so that types come out right."""
    if isinstance(node, exp.Literal) and not node.is_string and "." in node.name and "e" not in node.name.lower():
        scale = len(node.name.rsplit(".", 1)[1])
        precision = max(len(node.name.replace(".", "").lstrip("0")), scale, 1)
        return exp.cast(node.copy(), f"decimal({precision}, {scale})")
    return node


def _rewrite(node: exp.Expr, now: datetime.datetime) -> exp.Expr:
    rewrite = _REWRITES.get(type(node))
    if rewrite is not None:
        return rewrite(node)
    if isinstance(node, exp.CurrentDate):
        return exp.cast(exp.Literal.string(now.date().isoformat()), "date")
    if isinstance(node, exp.CurrentTimestamp):
        return exp.cast(exp.Literal.string(now.replace(tzinfo=None).isoformat(" ", "milliseconds")), "timestamp")
    return node


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
    raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {_DIFFERS}: cast both sides to double.")


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
        raise QueryFailure(f"NOT_SUPPORTED: {node.sql(DIALECT)}. {_DIFFERS}: cast the last part to date or timestamp.")
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
    **dict.fromkeys(
        (exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Replace, exp.StrPosition), _checked("athena_text")
    ),
    **dict.fromkeys((exp.SplitPart, exp.Reverse, exp.StartsWith, exp.Like), _checked("athena_text")),
}
