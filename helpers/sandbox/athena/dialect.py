"""Athena's SQL, as far as DuckDB means the same by it; all else fails and says so.

What passes is listed here, constructs and functions, and what is not listed does not pass. What depends on types is
checked in `rewriting`.
"""

import re

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
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Paren),
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


def parse(text: str) -> exp.Expr:
    """The one statement in `text`; Malformed where there is none."""
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
    return statement


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
            place = f"line {token.line}:{token.col}"
            raise QueryFailure(f"SYNTAX_ERROR: {place}: mismatched input '{token.text}': {wrong}")


def _check_constructs(query: exp.Expr) -> None:
    for node in query.walk():
        if isinstance(node, exp.Anonymous | exp.Func) and type(node) not in _CONSTRUCTS:
            name = node.sql(DIALECT).partition("(")[0].lower()
            raise QueryFailure(
                f"FUNCTION_NOT_FOUND: The function {name} is not in the sandbox. The sandbox runs queries on "
                "DuckDB and takes only functions that are known to mean the same in Athena."
            )
        if type(node) not in _CONSTRUCTS:
            raise not_in_sandbox(f"{type(node).__name__.upper()} ({node.sql(DIALECT)[:60]})")
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
