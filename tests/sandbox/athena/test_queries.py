"""Queries through Athena's API: their life, their results, and how they fail."""

import gzip
import io
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

import helpers
from helpers import errors, sandbox

BUCKET = "athena-tests"
ORDERS = b'id,customer,price\n1,ann,2.5\n2,"bob",3\nx,,\n'
TABLE = (
    "CREATE EXTERNAL TABLE {name} (id int, customer string, price double) {how} "
    "LOCATION 's3://athena-tests/{place}/' TBLPROPERTIES ('skip.header.line.count'='1')"
)
DELIMITED = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
Query = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def place(lab: helpers.Lab) -> Iterator[str]:
    """A database with tables over objects in S3; queries take no longer than their work."""
    lab.query_seconds(0)
    s3 = lab.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    parquet = io.BytesIO()
    pq.write_table(pa.table({"Customer": ["ann", "cid"], "n": pa.array([1, None], pa.int64())}), parquet)
    for key, body in {
        "orders/a.csv": ORDERS,
        "orders/_hidden.csv": b"id\n9\n",
        "zipped/a.csv.gz": gzip.compress(ORDERS),
        "parquet/a.parquet": parquet.getvalue(),
    }.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    yield f"s3://{BUCKET}/results/"
    lab.query_seconds()


@pytest.fixture
def query(lab: helpers.Lab, place: str) -> Query:
    """Runs a statement in a database of the test's own, to its end; gives GetQueryExecution's answer."""
    athena = lab.client("athena")
    database = f"test_{uuid.uuid4().hex[:8]}"

    def query(statement: str, **settings: Any) -> dict[str, Any]:
        started = athena.start_query_execution(
            QueryString=statement,
            QueryExecutionContext={"Database": database},
            ResultConfiguration={"OutputLocation": place},
            **settings,
        )
        while True:
            found = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
            if found["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return dict(found)

    assert query(f"CREATE DATABASE {database}")["Status"]["State"] == "SUCCEEDED"
    return query


@pytest.fixture
def rows(lab: helpers.Lab, query: Query) -> Callable[[str], list[list[str | None]]]:
    """Runs a statement and gives its rows as GetQueryResults does."""

    def rows(statement: str) -> list[list[str | None]]:
        found = query(statement)
        assert found["Status"]["State"] == "SUCCEEDED", found["Status"]
        answer = lab.client("athena").get_query_results(QueryExecutionId=found["QueryExecutionId"])
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]]

    return rows


def test_a_select_over_csv_is_in_s3_and_in_the_results(lab, query, rows):
    query(TABLE.format(name="orders", how=DELIMITED, place="orders"))
    found = query("SELECT * FROM orders ORDER BY id")
    assert found["StatementType"] == "DML"
    assert found["Statistics"]["DataScannedInBytes"] == len(ORDERS)
    statistics = found["Statistics"]
    engine, queued = statistics["EngineExecutionTimeInMillis"], statistics["QueryQueueTimeInMillis"]
    assert statistics["TotalExecutionTimeInMillis"] == engine + queued
    location = found["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{BUCKET}/results/{found['QueryExecutionId']}.csv"
    s3 = lab.client("s3")
    body = s3.get_object(Bucket=BUCKET, Key=location.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    assert body == b'"id","customer","price"\n"1","ann","2.5"\n"2","""bob""","3.0"\n,"",\n'
    assert s3.head_object(Bucket=BUCKET, Key=location.removeprefix(f"s3://{BUCKET}/") + ".metadata")
    result = rows("SELECT * FROM orders ORDER BY id")
    assert result == [["id", "customer", "price"], ["1", "ann", "2.5"], ["2", '"bob"', "3.0"], [None, "", None]]


def test_results_come_in_pages_with_types(lab, query):
    found = query("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y'")
    athena, key = lab.client("athena"), {"QueryExecutionId": found["QueryExecutionId"]}
    first = athena.get_query_results(**key, MaxResults=2)
    second = athena.get_query_results(**key, MaxResults=2, NextToken=first["NextToken"])
    assert [len(first["ResultSet"]["Rows"]), len(second["ResultSet"]["Rows"])] == [2, 1]
    assert "NextToken" not in second
    columns = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(column["Name"], column["Type"]) for column in columns] == [("a", "integer"), ("b", "varchar")]


def test_a_day_beyond_all_calendars_is_bad_data(lab, query, rows):
    for name, day in (("well", "18000"), ("late", "9999999"), ("endless", "9" * 14)):
        lab.client("s3").put_object(Bucket=BUCKET, Key=f"calendar/{name}/1.csv", Body=f'"{day}"\n')
        serde = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
        query(f"CREATE EXTERNAL TABLE {name} (day date) {serde} LOCATION 's3://{BUCKET}/calendar/{name}/'")
    assert rows("SELECT day FROM well")[1:] == [["2019-04-14"]]
    for name in ("late", "endless"):
        assert "HIVE_BAD_DATA" in query(f"SELECT * FROM {name}")["Status"]["StateChangeReason"]


def test_quoted_and_compressed_text_and_parquet_are_read(query, rows):
    query(
        "CREATE EXTERNAL TABLE quoted (id string, customer string, price string) "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' LOCATION 's3://athena-tests/orders/' "
        "TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    assert rows("SELECT customer FROM quoted WHERE id = '2'")[1:] == [["bob"]]
    query(
        TABLE.format(name="strict", how="ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'", place="orders")
    )
    assert (
        "HIVE_BAD_DATA: Error parsing field value 'x' for field 0"
        in query("SELECT * FROM strict")["Status"]["StateChangeReason"]
    )
    query(TABLE.format(name="zipped", how=DELIMITED, place="zipped"))
    assert rows("SELECT count(*) FROM zipped")[1:] == [["3"]]
    query(
        "CREATE EXTERNAL TABLE p (customer string, n bigint, new int) STORED AS PARQUET LOCATION 's3://athena-tests/parquet'"
    )
    assert rows("SELECT * FROM p ORDER BY n")[1:] == [["ann", "1", None], ["cid", None, None]]
    query("CREATE EXTERNAL TABLE wrong (customer int) STORED AS PARQUET LOCATION 's3://athena-tests/parquet/'")
    assert "HIVE_BAD_DATA" in query("SELECT * FROM wrong")["Status"]["StateChangeReason"]  # fmt: skip


def test_a_table_reads_the_objects_of_all_folders_below_it(lab, query, rows):
    for day in ("2020-01-01", "2020-01-02"):
        lab.client("s3").put_object(Bucket=BUCKET, Key=f"days/day={day}/a.csv", Body=f"1,{day}\n".encode())
    query(f"CREATE EXTERNAL TABLE days (id int, day date) {DELIMITED} LOCATION 's3://athena-tests/days'")
    assert rows("SELECT day FROM days ORDER BY day")[1:] == [["2020-01-01"], ["2020-01-02"]]


def test_delimited_text_has_escapes_and_nulls_and_quoted_text_counts_days(lab, query, rows):
    s3 = lab.client("s3")
    s3.put_object(Bucket=BUCKET, Key="escaped/a.txt", Body=b"a\\;b;;1.005\n\n-;x\n")
    how = (
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY ';' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' NULL DEFINED AS '-'"
    )
    columns = "(a string, b string, c decimal(10,2))"
    query(f"CREATE EXTERNAL TABLE escaped {columns} {how} LOCATION 's3://athena-tests/escaped/'")
    assert rows("SELECT * FROM escaped")[1:] == [["a;b", "", "1.01"], ["", None, None], [None, "x", None]]
    s3.put_object(Bucket=BUCKET, Key="moments/a.csv", Body=b'"0","1000"\n')
    serde = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
    query(f"CREATE EXTERNAL TABLE moments (a date, b timestamp) {serde} LOCATION 's3://athena-tests/moments/'")
    assert rows("SELECT * FROM moments")[1:] == [["1970-01-01", "1970-01-01 00:00:01.000"]]


def test_tables_are_shown_described_and_dropped(query, rows):
    query(TABLE.format(name="`orders`", how=DELIMITED, place="orders"))
    assert rows("-- all\nSHOW TABLES") == [["orders"]]
    assert rows("show tables 'o*|x*'") == [["orders"]]
    assert rows("SHOW TABLES 'x*'") == []
    assert [line[0].split() for line in rows("DESCRIBE orders")] == [
        ["id", "int"],
        ["customer", "string"],
        ["price", "double"],
    ]
    assert "Table orders already exists" in query(TABLE.format(name="orders", how=DELIMITED, place="orders"))["Status"][
        "StateChangeReason"
    ]  # fmt: skip
    assert query("DROP TABLE orders")["Status"]["State"] == "SUCCEEDED"
    assert rows("SHOW TABLES") == []
    assert ["default"] in rows("SHOW DATABASES")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE copy AS SELECT 1 AS one",
        "INSERT INTO t VALUES (1)",
        "CREATE VIEW v AS SELECT 1 AS one",
        "CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION 's3://athena-tests/x/'",
        "CREATE EXTERNAL TABLE t (a array<int>) LOCATION 's3://athena-tests/x/'",
        "CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (day string) LOCATION 's3://athena-tests/x/'",
        "ALTER TABLE t ADD PARTITION (day='2020-01-01')",
        "MSCK REPAIR TABLE t",
        "SHOW PARTITIONS t",
    ],
)
def test_statements_that_are_not_in_the_sandbox_say_so(query, statement):
    status = query(statement)["Status"]
    assert status["State"] == "FAILED"
    assert "not in the sandbox" in status["StateChangeReason"]
    assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]


def test_a_query_waits_runs_and_ends_on_the_sandbox_s_clock(lab, place):
    athena = lab.client("athena")
    lab.query_seconds(3_600)
    try:
        started = athena.start_query_execution(QueryString="SELECT 1", ResultConfiguration={"OutputLocation": place})
        key = {"QueryExecutionId": started["QueryExecutionId"]}
        assert athena.get_query_execution(**key)["QueryExecution"]["Status"]["State"] in ("QUEUED", "RUNNING")
        with pytest.raises(ClientError, match="Query has not yet finished"):
            athena.get_query_results(**key)
        with lab.fast_forward():
            while True:
                found = athena.get_query_execution(**key)["QueryExecution"]
                if found["Status"]["State"] == "SUCCEEDED":
                    break
        status = found["Status"]
        seconds = (status["CompletionDateTime"] - status["SubmissionDateTime"]).total_seconds()
        assert seconds == pytest.approx(3_600.2, rel=0.02)
        assert found["Statistics"]["EngineExecutionTimeInMillis"] == pytest.approx(3_600_000, rel=0.02)
    finally:
        lab.query_seconds(0)


def test_a_query_can_be_stopped(lab, place):
    athena = lab.client("athena")
    lab.query_seconds(3_600)
    try:
        started = athena.start_query_execution(QueryString="SELECT 1", ResultConfiguration={"OutputLocation": place})
        key = {"QueryExecutionId": started["QueryExecutionId"]}
        athena.stop_query_execution(**key)
        status = athena.get_query_execution(**key)["QueryExecution"]["Status"]
        assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query cancelled by user")
        with pytest.raises(ClientError, match="Final query state: CANCELLED"):
            athena.get_query_results(**key)
    finally:
        lab.query_seconds(0)


def test_the_clock_does_not_go_to_where_a_stopped_query_would_have_ended(lab, place, query):
    athena = lab.client("athena")
    lab.query_seconds(80_000)
    try:
        started = athena.start_query_execution(QueryString="SELECT 1", ResultConfiguration={"OutputLocation": place})
        key = {"QueryExecutionId": started["QueryExecutionId"]}
        while athena.get_query_execution(**key)["QueryExecution"]["Status"]["State"] == "QUEUED":
            pass
        while sandbox.call("clock")["working"]:
            pass
        athena.stop_query_execution(**key)
    finally:
        lab.query_seconds(0)
    before = lab.now()
    with lab.fast_forward():
        query("SELECT 2")
    assert (lab.now() - before).total_seconds() < 40_000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"QueryString": "SELECT 1"}, "No output location provided"),
        ({"QueryString": "SELECT 1", "WorkGroup": "nobody"}, "WorkGroup nobody is not found"),
        ({"QueryString": "SELEC 1", "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/"}}, "mismatched input"),
        (
            {"QueryString": "SELECT 1::int", "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/"}},
            "mismatched input '::': use cast",
        ),
        (
            {"QueryString": "SELECT ?", "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/"}},
            "expected 1 but found 0",
        ),
        (
            {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "s3://nobody-s-bucket/"}},
            "Unable to verify/create output bucket nobody-s-bucket",
        ),
    ],
)
def test_what_cannot_start_is_an_invalid_request(lab, place, settings, message):
    with pytest.raises(ClientError, match=message) as refused:
        lab.client("athena").start_query_execution(**settings)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


def test_unknown_queries_and_wrong_settings_are_refused(lab, place):
    athena = lab.client("athena")
    for operation in (athena.get_query_execution, athena.get_query_results, athena.stop_query_execution):
        with pytest.raises(ClientError, match="QueryExecution nobody was not found"):
            operation(QueryExecutionId="nobody")
    with pytest.raises(errors.InvalidSetting, match="from 0 to 86400 seconds"):
        lab.query_seconds(-1)


def test_the_same_request_token_starts_one_query(lab, query, place):
    token = uuid.uuid4().hex
    first, second = (query("SELECT 1", ClientRequestToken=token)["QueryExecutionId"] for _ in range(2))
    assert first == second
    assert lab.client("athena").list_query_executions(MaxResults=1)["QueryExecutionIds"] == [first]


def test_a_work_group_can_hold_the_output_location(lab, place):
    athena = lab.client("athena")
    athena.create_work_group(Name="with-place", Configuration={"ResultConfiguration": {"OutputLocation": place}})
    started = athena.start_query_execution(QueryString="SELECT 1", WorkGroup="with-place")
    found = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
    assert found["WorkGroup"] == "with-place"
    assert found["ResultConfiguration"]["OutputLocation"].startswith(place)
