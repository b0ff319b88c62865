"""Athena's SQL, as far as DuckDB means the same by it; all else fails and says so.

What passes is listed here, constructs and functions, and what is not listed does not pass. What depends on types is
checked in `rewriting`.
"""

import re
from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.tokenizer_core import Token, TokenType

from helpers.sandbox.athena.catalog import NAME
from helpers.sandbox.athena.problem import DIFFERS, Malformed, QueryFailure, not_in_sandbox

__all__ = ["DIALECT", "QUERIES", "parse", "tables_of", "words"]

DIALECT = "athena"
QUERIES = (exp.Query, exp.Values)  # what reads rows, as opposed to what changes or shows the catalog
_BEFORE = re.compile(r"\A(\s+|--[^\n]*(\n|\Z)|/\*.*?\*/)*", re.DOTALL)

_CONSTRUCTS: set[type[exp.Expr]] = {
    # queries
    *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset),
    *(exp.With, exp.CTE, exp.Subquery, exp.Union, exp.Intersect, exp.Except, exp.Distinct, exp.Values, exp.Tuple),
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Paren, exp.Placeholder),
    # literals and types
    *(exp.Literal, exp.Null, exp.Boolean, exp.DataType, exp.DataTypeParam, exp.Var),
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
    *(exp.Lower, exp.Upper, exp.Length, exp.Substring),
}
# What an accepted construct may carry beyond its operands in DuckDB's SQL but not in Athena's.
_FOREIGN_PARTS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Star: ("except_", "replace", "rename", "ilike"),
    exp.Distinct: ("on",),
    exp.Group: ("all",),
    exp.Table: ("sample", "pivots", "when", "only", "version", "joins", "laterals", "hints"),
    exp.Select: ("qualify", "kind", "hint", "into", "sample", "distribute", "cluster", "sort", "laterals", "pivots"),
    exp.Union: ("by_name",),
}
# What stands at these places for the parser, but not for Athena.
_FOREIGN_TOKENS = {TokenType.DCOLON: "use cast(... AS ...)", TokenType.L_BRACE: "a struct in braces is DuckDB's alone"}
_ENDS = {TokenType.FROM, TokenType.WHERE, TokenType.R_PAREN, TokenType.GROUP_BY, TokenType.ORDER_BY}


def parse(text: str, parameters: Sequence[str] = ()) -> exp.Expr:
    """The one statement in `text`, its question marks replaced by `parameters`; Malformed where there is none."""
    if words(text)[:1] in (["SHOW"], ["MSCK"]):
        return exp.Command(this=text)
    try:
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
    if isinstance(statement, QUERIES):
        _check_tokens(sqlglot.tokenize(text, dialect=DIALECT))
    places = list(statement.find_all(exp.Placeholder))
    if len(places) != len(parameters):
        message = f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}"
        raise Malformed(f"INVALID_PARAMETER_USAGE: line 1:1: {message}")
    for placeholder, value in zip(places, map(_value, parameters), strict=True):
        placeholder.replace(value)
    return statement


def _value(text: str) -> exp.Expr:
    try:
        value = sqlglot.parse_one(text, dialect="trino")
    except SqlglotError as error:
        raise Malformed(f"the parameter {text!r} is no SQL value") from error
    if not isinstance(value.find(exp.Column, exp.Query, exp.Func), exp.Cast | None):
        raise Malformed(f"the parameter {text!r} is no SQL value; quote a text: '...'")
    return value


def words(text: str) -> list[str]:
    """A statement's words in capitals, without the comments before it."""
    return _BEFORE.sub("", text, count=1).upper().split()


def _check_tokens(tokens: list[Token]) -> None:
    """Refuse what the parser takes and Athena does not."""
    kinds = [TokenType.L_PAREN, TokenType.L_PAREN, *(token.token_type for token in tokens)]
    for last_but_one, last, kind, token in zip(kinds, kinds[1:], kinds[2:], tokens, strict=False):
        wrong = (
            _FOREIGN_TOKENS.get(kind)
            or (kind == TokenType.EQ and token.text == "==" and "use =")
            or (kind == TokenType.FROM and last == TokenType.L_PAREN and "a query begins with SELECT")
            or (kind in _ENDS and last == TokenType.COMMA and "nothing follows the comma")
            or (kind == TokenType.OFFSET and last_but_one == TokenType.LIMIT and "OFFSET comes before LIMIT")
        )
        if wrong:
            raise Malformed(f"line {token.line}:{token.col}: mismatched input '{token.text}': {wrong}")


def _check_constructs(query: exp.Expr) -> None:
    for node in query.walk():
        if type(node) not in _CONSTRUCTS:
            said, is_function = node.sql(DIALECT), isinstance(node, exp.Anonymous | exp.Func)
            name = f"The function {said.partition('(')[0].lower()}"
            what = name if is_function else f"{type(node).__name__.upper()} ({said[:60]})"
            raise not_in_sandbox(what, "It takes what is known to mean the same in Athena.")
        for part in _FOREIGN_PARTS.get(type(node), ()):
            if node.args.get(part):
                what = f"{type(node).__name__.upper()} with {part.strip('_').upper()}"
                raise QueryFailure(f"SYNTAX_ERROR: {what} is not Athena's SQL. {DIFFERS}.")
    for select in query.find_all(exp.Select):
        # Athena names what is no column by its position; sqlglot names a literal or a cast by what is in it.
        for number, item in enumerate(select.expressions):
            if not isinstance(item, exp.Column | exp.Star | exp.Alias):
                item.replace(exp.alias_(item.copy(), f"_col_{number}"))


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
