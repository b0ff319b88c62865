"""What the states of many executions did, summed up: how often, how long, how many errors, what they cost.

The rules are those of `visits` and `attempts`, as queries that DuckDB runs over a store's files, so that what is summed
up need not fit into memory. A test holds the two together.
"""

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from helpers import limits
from helpers.errors import InvalidSetting, NotFound
from helpers.history import store
from helpers.history.event_types import CONTAINERS, Group, Kind, read
from helpers.history.frames import table

__all__ = ["BY", "states", "within"]

BY = ("day", "week", "version")
MEMORY = "512MB"  # of DuckDB's; what needs more goes into a temporary folder
THREADS = 2
COLUMNS = ["execution", "id", "previous_id", "timestamp", "type", "state", "branch", "visit"]
FILES = 16  # read at once
NAMED = {
    "entered": "ENTERED",
    "exited": "EXITED",
    "scheduled": "ATTEMPT_SCHEDULED",
    "started": "CONTAINER_STARTED",
    "timed_out": "EXECUTION_TIMED_OUT",
    "aborted": "EXECUTION_ABORTED",
    "begun": "EXECUTION_STARTED",
}
ATTEMPT_ENDS = (Kind.ATTEMPT_SUCCEEDED, Kind.ATTEMPT_FAILED, Kind.ATTEMPT_TIMED_OUT)
LISTS = {
    "attempt_ends": ATTEMPT_ENDS,
    "fails": (*ATTEMPT_ENDS[1:], Kind.CONTAINER_FAILED, Kind.EVALUATION_FAILED, Kind.RUN_FAILED),
    "recovers": (Kind.ATTEMPT_SCHEDULED, ATTEMPT_ENDS[0], Kind.CONTAINER_STARTED, Kind.CONTAINER_SUCCEEDED),
    "aborts": (Kind.STATE_ABORTED, Kind.CONTAINER_ABORTED),
    "blames": (Kind.EXECUTION_FAILED, Kind.ITERATION_FAILED, Kind.CONTAINER_FAILED),
}

TABLE = """
CREATE TABLE visits (
  number INTEGER, state VARCHAR, type VARCHAR, lasted BIGINT, wrong BOOLEAN, retries INTEGER, transitions INTEGER
)
"""
VISITS = """
INSERT INTO visits
WITH happened AS MATERIALIZED (
  SELECT number, kind, state_type, grouped, id, previous_id, epoch_us(timestamp) AS moment, state, branch, visit
  FROM events JOIN chosen USING ({key}) JOIN kinds USING (type)
),
blamed AS (SELECT DISTINCT number, previous_id AS id, true AS blamed FROM happened WHERE kind IN {blames}),
ends AS (SELECT number, max_by(kind, id) AS ended FROM happened WHERE grouped = {execution} GROUP BY number),
found AS (
  SELECT number, state, max(state_type) AS type,
    count(*) FILTER (kind = {entered}) AS entered,
    min(id) FILTER (kind = {entered}) AS entered_id,
    min(moment) FILTER (kind = {entered}) AS began,
    max(moment) FILTER (kind = {exited}) AS exited,
    max(previous_id) FILTER (kind = {exited}) AS exited_from,
    coalesce(max(id) FILTER (kind IN {fails}), 0) AS failed_id,
    max(moment) FILTER (kind IN {fails}) AS failed,
    coalesce(max(id) FILTER (kind IN {recovers}), 0) AS recovered_id,
    coalesce(bool_or(blamed), false) AS blamed,
    bool_or(kind IN {aborts}) AS aborted,
    greatest(count(*) FILTER (kind = {scheduled}), count(*) FILTER (kind IN {attempt_ends})) AS attempts,
    count(*) FILTER (kind = {started}) AS runs
  FROM happened LEFT JOIN blamed USING (number, id)
  WHERE state IS NOT NULL AND visit > 0 AND grouped <> {iteration}
  GROUP BY number, branch, state, visit
)
SELECT number, state, type,
  CASE WHEN exited IS NOT NULL THEN exited - began WHEN failed_id > recovered_id THEN failed - began END AS lasted,
  CASE
    WHEN exited IS NOT NULL THEN failed_id > recovered_id OR (type IN {catching} AND exited_from = entered_id)
    WHEN type = 'Fail' THEN true
    WHEN ended = {timed_out} THEN failed_id > recovered_id OR NOT aborted
    WHEN ended = {aborted} THEN blamed
    ELSE failed_id > recovered_id AND ended IS DISTINCT FROM {begun} OR blamed
  END AS wrong,
  greatest(attempts - 1, 0) AS retries,
  entered + greatest(attempts - 1, 0) + greatest(runs - 1, 0) AS transitions
FROM found LEFT JOIN ends USING (number)
"""
SUMS = """
SELECT {by} machine, state, max(type) AS type, count(*) AS count,
  quantile_cont(lasted, 0.50) / 1e6 AS p50, quantile_cont(lasted, 0.95) / 1e6 AS p95,
  quantile_cont(lasted, 0.99) / 1e6 AS p99,
  avg(wrong::INTEGER) AS error_rate, sum(retries)::BIGINT AS retries,
  sum(transitions) FILTER (NOT express) * {transition} AS dollars
FROM visits JOIN executions USING (number)
GROUP BY ALL ORDER BY {by} machine, sum(lasted) DESC NULLS LAST, state
"""


def states(
    source: str | Path | pd.DataFrame,
    machine: str | None = None,
    since: store.Moment | None = None,
    until: store.Moment | None = None,
    *,
    by: str | None = None,
) -> pd.DataFrame:
    """Sum up what the states of many executions did, the states that took longest in all first.

    `source` is the folder of a store that `collect` made, or a frame of events; `machine` a name (the children of its
    Map Runs are in it), `since` and `until` bound the executions' start. `by` sums up each "day" or "week" of their
    start (UTC, weeks by their Monday), or each "version" of the machine, for itself. The store is read by DuckDB, in
    half a gigabyte, however large it is.

    ============= =================== =====================================================================
    column        dtype               meaning
    ============= =================== =====================================================================
    day, week     datetime64[us]      only with `by`; `version` is a str, missing for executions that were started
    or version                        without one
    machine       str                 its name; that of the parent for the children of a Map Run
    state         str
    type          str                 the States Language's
    count         int64               visits
    p50, p95, p99 float64             seconds from entering to leaving, retries and back-off included, of visits that
                                      exited or failed by themselves
    error_rate    float64             the part of the visits that ended in an error, caught or not, or a time-out
    retries       int64               attempts at its task beyond the first of each visit
    dollars       float64             state transitions at $0.025 per 1,000 (see `summary`); missing for Express
    ============= =================== =====================================================================

    Raises NotFound where there is no store or no such execution in it, and InvalidSetting for another `by`.
    """
    if by is not None and by not in BY:
        raise InvalidSetting(f"States are summed up by {', '.join(BY)}, not by {by!r}.")
    settings: dict[str, Any] = {"memory_limit": MEMORY, "threads": THREADS}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as spill,
        duckdb.connect(":memory:", config={**settings, "temp_directory": spill}) as connection,
    ):
        connection.execute("SET enable_progress_bar = false")
        connection.execute(TABLE)
        if isinstance(source, pd.DataFrame):
            source = table(source)
            _list(connection, store.within(_index_of(source), machine, since, until), "execution")
            connection.register("events", pa.Table.from_pandas(source[COLUMNS], preserve_index=False))
            _add_visits(connection, "execution")
        else:
            index = store.chosen(source, machine, since, until)
            files = store.parts(Path(source), index)
            if not files:
                raise NotFound(f"No execution in {source} is asked for.")
            _list(connection, index, "execution, collected")
            for at in range(0, len(files), FILES):
                read_now = connection.read_parquet(files[at : at + FILES], hive_partitioning=False)
                read_now.create_view("events", replace=True)
                _add_visits(connection, "execution, collected")
        query = SUMS.format(by=f"{by}," if by else "", transition=f"{limits.TRANSITION:.9f}")
        sums: pd.DataFrame = connection.sql(query).df()
        return sums.astype({"version": "str"}) if by == "version" else sums


def _list(connection: Any, index: pd.DataFrame, key: str) -> None:
    """Give each execution a number, by which its events are known from here on, and keep what it is summed up by."""
    index = index.reset_index(drop=True).rename_axis("number").reset_index()
    index["machine"] = index["machine"].str.replace(r"/.*", "", regex=True)
    index["express"] = index["execution"].str.contains(":express:")
    index["version"] = index["version"].str.replace(r".*:", "", regex=True)
    index["day"] = index["started"].dt.tz_convert(None).dt.normalize()
    index["week"] = index["day"] - pd.to_timedelta(index["day"].dt.day_of_week, unit="D")
    for name, columns in {"chosen": key.split(", "), "executions": ["machine", "express", *BY]}.items():
        connection.register(name, pa.Table.from_pandas(index[["number", *columns]], preserve_index=False))


def _add_visits(connection: Any, key: str) -> None:
    """Add the visits that the events in view are about."""
    types = [name for (name,) in connection.sql("SELECT DISTINCT type FROM events").fetchall()]
    readings = [read(name) for name in types]
    kinds = {
        "type": types,
        "kind": [int(one.kind) for one in readings],
        "state_type": [one.state_type or None for one in readings],
        "grouped": [int(one.group) for one in readings],
    }
    schema = pa.schema([(name, pa.string() if "type" in name else pa.int64()) for name in kinds])
    connection.register("kinds", pa.table(kinds, schema))
    named = {name: int(Kind[kind]) for name, kind in NAMED.items()}
    groups = {"execution": int(Group.EXECUTION), "iteration": int(Group.ITERATION)}
    lists = {name: tuple(map(int, kinds)) for name, kinds in LISTS.items()}
    connection.execute(VISITS.format(key=key, catching=(*CONTAINERS, "Task"), **named, **groups, **lists))


def within(
    events: pd.DataFrame, machine: str | None, since: store.Moment | None, until: store.Moment | None
) -> pd.DataFrame:
    """The events of a frame that are of a machine, or of its Map Runs, and of executions started in a span of time."""
    events = table(events)
    return events[events["execution"].isin(store.within(_index_of(events), machine, since, until)["execution"])]


def _index_of(events: pd.DataFrame) -> pd.DataFrame:
    """What a store's index says of executions, as far as a frame of events says it."""
    index = events.groupby("execution", as_index=False).agg(started=("timestamp", "min"))
    parts = index["execution"].str.split(":")
    machine = parts.str[6].where(index["execution"].str.startswith("arn:"), "")
    return index.assign(machine=machine, version=pd.array([None] * len(index), dtype="str"))
