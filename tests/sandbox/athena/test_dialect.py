"""SQL that means the same in Athena and DuckDB gives Athena's answer; SQL that does not fails and says so."""

import datetime

import pyarrow as pa
import pytest
from moto.glue.models import GlueBackend

from helpers.sandbox.athena import dialect
from helpers.sandbox.athena.caller import Caller
from helpers.sandbox.athena.catalog import Catalog
from helpers.sandbox.athena.problem import Malformed, QueryFailure
from helpers.sandbox.athena.sql import Result, connect, query

DAY = datetime.date(2020, 1, 31)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    catalog = Catalog(GlueBackend("us-east-1", "123456789012"), Caller(None, "us-east-1"))
    for statement in (
        "CREATE DATABASE lab",
        "CREATE EXTERNAL TABLE lab.orders (id int, customer string, n bigint, price double, day date, "
        "made timestamp, paid boolean, cost decimal(10,2), ratio float) LOCATION 's3://bucket/orders/'",
    ):
        catalog.run(dialect.parse(statement), dialect.words(statement), "default")
    return catalog


def asked(catalog: Catalog, sql: str, *parameters: str) -> Result:
    """Run a query over three orders."""
    table = catalog.find("lab", "orders")
    made = datetime.datetime(2020, 1, 31, 2, 3, 4)
    columns = [
        *([1, 2, 3], ["ann", "bob", None], [10, 3, 7], [1.5, 2.5, 1e8], [DAY] * 3, [made] * 3),
        *([True, False, None], [None] * 3, [0.1] * 3),
    ]
    schema = pa.schema([(column.name, column.type) for column in table.columns])
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    rows = pa.table(arrays, schema=schema)
    with connect() as connection:
        return query(connection, dialect.parse(sql, parameters), "lab", catalog, lambda _: (rows, 42))


@pytest.mark.parametrize(
    ("sql", "types", "rows"),
    [
        ("SELECT 7/2, -7/2, 7%3", "integer integer integer", [["3", "-3", "1"]]),
        ("SELECT (7/2) * 2, coalesce(7/2, 0), CASE WHEN 7/2 = 3 THEN 7/2 END", None, [["6", "3", "3"]]),
        ("SELECT id FROM orders WHERE (n / id) / 2 = 5 AND lower(concat(customer, '!')) = 'ann!'", None, [["1"]]),
        ("SELECT sum(n / 2) FROM orders WHERE cast(concat('2020-01-', '31') AS date) = day", None, [["9"]]),
        ("SELECT avg(x) FROM (SELECT n / 2 AS x FROM orders)", None, [["3.0"]]),
        ("-- a comment\n/* and\nanother */ (SELECT 1)", "integer", [["1"]]),
        ("SELECT 7/2e0, 1e0/3", "double double", [["3.5", "0.3333333333333333"]]),
        ("SELECT sum(n)/count(*), avg(n) FROM orders", "bigint double", [["6", "6.666666666666667"]]),
        ("SELECT cast(n AS double)/id FROM orders WHERE id = 2", "double", [["1.5"]]),
        ("SELECT cast(2.5e0 AS integer), cast('12' AS bigint), cast(12 AS varchar)", None, [["3", "12", "12"]]),
        ("SELECT try_cast('1.5' AS integer), try_cast('2020/1/1' AS date)", "integer date", [[None, None]]),
        ("SELECT concat(customer, '!') FROM orders ORDER BY id", "varchar", [["ann!"], ["bob!"], [None]]),
        ("SELECT customer FROM orders ORDER BY customer DESC", "varchar", [["bob"], ["ann"], [None]]),
        ("SELECT id FROM orders ORDER BY id OFFSET 1 LIMIT 1", "integer", [["2"]]),
        ("SELECT price, paid, made, day, null FROM orders WHERE id = 3", "double boolean timestamp date unknown",
         [["1.0E8", None, "2020-01-31 02:03:04.000", "2020-01-31", None]]),
        ("SELECT 0.0001e0, 1e7, 1e6, ratio FROM orders LIMIT 1", "double double double float",
         [["1.0E-4", "1.0E7", "1000000.0", "0.1"]]),
        ("SELECT customer, row_number() OVER (ORDER BY n) FROM orders ORDER BY 2", "varchar bigint",
         [["bob", "1"], [None, "2"], ["ann", "3"]]),
        ("WITH q AS (SELECT max(n) AS m FROM orders) SELECT id FROM orders JOIN q ON n = m", "integer", [["1"]]),
        ("SELECT count(*), count(customer), count(DISTINCT paid) FROM lab.orders", None, [["3", "2", "2"]]),
        ("SELECT CASE WHEN n > 5 THEN 'big' ELSE 'small' END AS size FROM orders WHERE customer IN ('ann')",
         "varchar", [["big"]]),
        ("SELECT lower('AB'), length('é'), substr('abc', -2)", None, [["ab", "1", "bc"]]),
        ("SELECT coalesce(customer, '?'), nullif(id, 1) FROM orders WHERE NOT paid OR paid IS NULL ORDER BY id", None,
         [["bob", "2"], ["?", "3"]]),
        ("SELECT CASE id WHEN 1 THEN 'one' ELSE 'more' END, -id + n * 2 FROM orders WHERE id = 1", None,
         [["one", "19"]]),
        ("SELECT id FROM orders UNION SELECT n FROM orders EXCEPT SELECT 3 ORDER BY 1", None,
         [["1"], ["2"], ["7"], ["10"]]),
        ("SELECT '==', '::', ',)'", None, [["==", "::", ",)"]]),
        ("VALUES (1, 'a')", "integer varchar", [["1", "a"]]),
    ],
)  # fmt: skip
def test_what_means_the_same_gives_athena_s_answer(catalog, sql, types, rows):
    result = asked(catalog, sql)
    assert result.rows[1:] == rows
    assert types is None or [column["Type"] for column in result.columns] == types.split()


def test_columns_without_a_name_are_numbered_by_position(catalog):
    result = asked(catalog, "SELECT orders.*, 1, upper(customer), id AS key, cast(n AS double) FROM orders")
    assert [column["Name"] for column in result.columns][9:] == ["_col9", "_col10", "key", "_col12"]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        # read otherwise
        ("SELECT 1.0/3", "reads this differently from Athena"),
        ("SELECT n * 1.0 / id FROM orders", "reads this differently from Athena"),
        ("SELECT cast(price AS varchar) FROM orders", "reads this differently from Athena"),
        ("SELECT cast(made AS varchar) FROM orders", "reads this differently from Athena"),
        ("SELECT avg(cost) FROM orders", "reads this differently from Athena"),
        ("SELECT sum(ratio) FROM orders", "reads this differently from Athena"),
        ("SELECT ceil(n) FROM orders", "reads this differently from Athena"),
        ("SELECT substr(customer, 0, 1) FROM orders", "reads this differently from Athena"),
        ("SELECT id FROM orders WHERE coalesce(1.0/3, 1) > 0", "reads this differently from Athena"),
        # of DuckDB alone
        ("SELECT * EXCLUDE (id) FROM orders", "reads this differently from Athena"),
        ("SELECT * REPLACE (1 AS id) FROM orders", "reads this differently from Athena|mismatched"),
        ("SELECT id::varchar FROM orders", "mismatched input '::': use cast"),
        ("SELECT [1, 2]", "is not in the sandbox"),
        ("SELECT {'a': 1}", "mismatched input"),
        ("SELECT id FROM orders GROUP BY ALL", "reads this differently from Athena"),
        ("SELECT DISTINCT ON (id) n FROM orders", "reads this differently from Athena"),
        ("SELECT id FROM orders WHERE customer ILIKE 'A%'", "ILIKE .* is not in the sandbox"),
        ("FROM orders", "mismatched input 'FROM'"),
        ("SELECT * FROM (FROM orders)", "mismatched input 'FROM'"),
        ("SELECT id, FROM orders", "mismatched input 'FROM'"),
        ("SELECT id FROM orders WHERE id == 1", "mismatched input '=='"),
        ("SELECT id FROM orders LIMIT 1 OFFSET 1", "OFFSET comes before LIMIT"),
        ("SELECT id AS k FROM orders WHERE k = 1", "COLUMN_NOT_FOUND: .*'k' cannot be resolved"),
        ("SELECT n AS k, count(*) FROM orders GROUP BY k", "COLUMN_NOT_FOUND: .*'k' cannot be resolved"),
        ("SELECT id AS k, k + 1 FROM orders", "COLUMN_NOT_FOUND: .*'k' cannot be resolved"),
        # converted by DuckDB, refused by Athena
        ("SELECT id FROM orders WHERE customer = 1", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE day = '2020-01-31'", "TYPE_MISMATCH: .*incompatible types: date, varchar"),
        ("SELECT id FROM orders WHERE day BETWEEN '2020-01-01' AND '2020-02-01'", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE customer IN ('ann', 1)", "TYPE_MISMATCH"),
        ("SELECT customer || 1 FROM orders", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE (n = 1 OR (customer = 1))", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE lower(concat(customer, 1)) = 'a'", "TYPE_MISMATCH"),
        ("SELECT '1' + 1", "TYPE_MISMATCH"),
        ("SELECT day + 1 FROM orders", "TYPE_MISMATCH"),
        ("SELECT upper(1)", "TYPE_MISMATCH|SYNTAX_ERROR"),
        ("SELECT coalesce(id, 'x') FROM orders", "TYPE_MISMATCH"),
        ("SELECT CASE WHEN id = 1 THEN 'one' ELSE 2 END FROM orders", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE id AND paid", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE n", "TYPE_MISMATCH"),
        ("SELECT id FROM orders UNION ALL SELECT customer FROM orders", "TYPE_MISMATCH: .*incompatible types"),
        ("SELECT 99999999999999999999", "NUMERIC_VALUE_OUT_OF_RANGE"),
        ("SELECT cast('1.5' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast '1.5'"),
        ("SELECT cast(' 1 ' AS integer)", "INVALID_CAST_ARGUMENT"),
        ("SELECT cast('2020/1/1' AS date)", "INVALID_CAST_ARGUMENT"),
        ("SELECT cast('yes' AS boolean)", "INVALID_CAST_ARGUMENT"),
        # not known to mean the same
        ("SELECT approx_distinct(id) FROM orders", "The function approx_distinct is not in the sandbox"),
        ("SELECT date_add('month', 1, day) FROM orders", "The function date_add is not in the sandbox"),
        ("SELECT date_format(made, '%Y') FROM orders", "The function date_format is not in the sandbox"),
        ("SELECT trim(customer) FROM orders", "The function trim is not in the sandbox"),
        ("SELECT current_date", "The function current_date is not in the sandbox"),
        ("SELECT now()", "The function current_timestamp is not in the sandbox"),
        ("SELECT greatest(1, 2)", "The function greatest is not in the sandbox"),
        ("SELECT list_value(1)", "The function list_value is not in the sandbox"),
        ("SELECT regexp_like(customer, 'a') FROM orders", "is not in the sandbox"),
        ("SELECT 1 UNION SELECT id FROM orders TABLESAMPLE BERNOULLI (10)", "not Athena's SQL|not in the sandbox"),
        ("SELECT DATE '2020-01-01' + INTERVAL '1' day", "not in the sandbox"),
        # plain mistakes
        ("SELECT n/0 FROM orders", "DIVISION_BY_ZERO"),
        ("SELECT nothing FROM orders", "COLUMN_NOT_FOUND: .*'nothing' cannot be resolved"),
        ("SELECT * FROM nothing", "TABLE_NOT_FOUND: .*'awsdatacatalog.lab.nothing' does not exist"),
        ("SELECT * FROM elsewhere.lab.orders", "CATALOG_NOT_FOUND"),
    ],
)
def test_what_differs_fails_and_says_so(catalog, sql, reason):
    with pytest.raises(QueryFailure, match=reason):
        asked(catalog, sql)


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT 1; SELECT 2", "SELECT `id` FROM orders", ";", "SELECT (1"])
def test_what_is_no_statement_is_malformed(sql):
    with pytest.raises(Malformed):
        dialect.parse(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT getenv('HOME')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM catalog",
        "WITH t AS (COPY orders TO '/tmp/out') SELECT 1",
        "SELECT current_setting('memory_limit')",
    ],
)  # fmt: skip
def test_a_query_reads_nothing_but_the_catalog_s_tables(catalog, sql):
    with pytest.raises(QueryFailure, match=r"NOT_FOUND|not in the sandbox|mismatched|SYNTAX_ERROR|Athena's SQL"):
        asked(catalog, sql)


def test_parameters_take_the_question_marks_places(catalog):
    sql = "SELECT id FROM orders WHERE customer = ? AND n > ?"
    assert asked(catalog, sql, "'ann'", "5").rows == [["id"], ["1"]]
    with pytest.raises(Malformed, match="expected 2 but found 1"):
        asked(catalog, sql, "'ann'")
    with pytest.raises(Malformed, match="is no SQL value"):
        asked(catalog, sql, "'ann' OR customer = customer", "5")
