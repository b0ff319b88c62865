"""The histories of many executions: fetched together, kept as Parquet, read as one frame, their failures grouped."""

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow.dataset
from tqdm.auto import tqdm

from helpers import execution, history
from helpers.errors import LabError, NotFound
from helpers.execution import Execution
from helpers.lab import Lab, current

__all__ = ["Collected", "collect", "failures", "read"]

WORKERS = 32  # calls on their way at once: enough for the refill even where each takes more than a second
BATCH = 200  # executions a file; what an interruption may cost to fetch again
KEY = ["execution", "collected"]
FAILED = ("FAILED", "TIMED_OUT")
FAILED_VISITS = ("failed", "timed_out")
FAILED_ENDS = ("ExecutionFailed", "ExecutionTimedOut")
COLUMNS = ["state", "error", "cause", "count", "first_seen", "last_seen", "example"]

Moment = datetime | str


@dataclass(frozen=True)
class Collected:
    """What `collect` did: how many executions it fetched, found in the store already, or found gone at AWS."""

    store: Path
    fetched: int
    known: int
    gone: int
    left: int
    """Not fetched, because it was interrupted."""

    def __repr__(self) -> str:
        said = f"Fetched {self.fetched:,} executions into {self.store}; {self.known:,} were there already"
        if self.gone:
            said += f"; {self.gone:,} are no longer at AWS"
        return said + (f"; {self.left:,} are left: collect again to go on." if self.left else ".")


def collect(
    machine: str,
    status: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    store: str | Path = "executions",
    *,
    progress: bool = True,
    lab: Lab | None = None,
) -> Collected:
    """Fetch the histories of a machine's executions that have ended into a folder of Parquet files.

    `machine` is the state machine's ARN; `status` one of AWS's; `since` and `until` bound the start (datetimes or ISO
    texts, UTC where they name no zone). What the folder holds already is not fetched again, unless the execution was
    redriven since; executions that still run are left for another time. The calls go out together, as fast as the
    account's buckets allow and no faster. An interrupt keeps what was fetched.

    Below `store` lie `events/` and `executions/`, partitioned by machine and day of start (UTC).

    Raises NotFound, NotAllowed, or LabError for a running status.
    """
    if status in ("RUNNING", "PENDING_REDRIVE"):
        raise LabError(f"Executions that are {status} have no whole history yet: use execution.follow for each.")
    lab = lab or current()
    folder = Path(store)
    stored = _stops(folder)
    wanted, known = [], 0
    for one in _ended(lab, machine, status, since, until):
        if stored.get(one.arn) == one.stopped:
            known += 1
        else:
            wanted.append(one)
    batch: list[tuple[Execution, pd.DataFrame]] = []
    fetched = gone = 0
    bar = tqdm(total=len(wanted), desc="collecting", unit="execution", disable=not progress)
    try:
        for one, events in _fetched(lab, wanted):
            bar.update()
            if events is None:
                gone += 1
                continue
            batch.append((one, events))
            fetched += 1
            if len(batch) >= BATCH:
                _write(folder, batch)
                batch.clear()
    except KeyboardInterrupt:
        print("We stopped collecting; what was fetched is kept.")
    finally:
        bar.close()
        _write(folder, batch)
    return Collected(folder, fetched, known, gone, len(wanted) - fetched - gone)


def read(
    store: str | Path,
    machine: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    *,
    dask: bool = False,
) -> Any:
    """The events of a store as `history.events` gives them, with the ARN in `execution`: for one execution or for many.

    `machine` is a name; `since` and `until` bound the start. In order of execution and id. `dask` gives a Dask
    DataFrame of the same columns instead, in which every execution lies in one partition, so that
    `.map_partitions(history.visits)` is right; it needs the extra `dask`.

    Raises NotFound where there is no store, LabError where Dask is missing.
    """
    folder = Path(store)
    index = _latest(_index(folder))
    if machine is not None:
        index = index[index["machine"] == machine]
    if since is not None:
        index = index[index["started"] >= _stamp(since)]
    if until is not None:
        index = index[index["started"] < _stamp(until)]
    if dask:
        return _read_with_dask(folder, index)
    # Only the files of the days and machines that are asked for are opened.
    wanted = _among(index, "execution") & _among(index, "machine") & _among(index, "day")
    table = _dataset(folder / "events").to_table(filter=wanted)
    events = table.drop_columns(["machine", "day"]).to_pandas()
    return _current(events, index).sort_values(["execution", "id"], ignore_index=True)


def failures(source: str | Path | pd.DataFrame, since: Moment | None = None, *, lab: Lab | None = None) -> pd.DataFrame:
    """What went wrong how often: failures grouped by state, error and cause, the most frequent first.

    `source` is a state machine's ARN (its failed executions are fetched), the folder of a store, or an events frame;
    `since` bounds the start. A failure is a visit that failed or timed out uncaught, the innermost where one failed
    because of another, or an execution that failed outside any state.

    Columns: `state`, `error`, `cause` (str; numbers, ids and stamps in the cause are replaced, so that equal causes
    are equal), `count` (int), `first_seen`, `last_seen` (UTC), `example` (an execution, the latest).
    """
    if isinstance(source, pd.DataFrame):
        events = source
    elif isinstance(source, str) and source.startswith("arn:"):
        lab = lab or current()
        failed = [one for status in FAILED for one in _ended(lab, source, status, since, None)]
        frames = [frame for _, frame in _fetched(lab, failed) if frame is not None]
        events = pd.concat(frames, ignore_index=True) if frames else history.events([])
    else:
        events = read(source, since=since)
    found = _failures_in(events)
    found["cause"] = pd.array([normalised(cause) for cause in found["cause"]], dtype="str")
    grouped = found.sort_values(["at", "execution"]).groupby(["state", "error", "cause"], dropna=False, sort=False)
    groups = grouped.agg(
        count=("at", "size"), first_seen=("at", "min"), last_seen=("at", "max"), example=("execution", "last")
    )
    return groups.reset_index().sort_values(["count", "last_seen"], ascending=False, ignore_index=True)[COLUMNS]


REPLACED = [
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b(?=\w*\d)[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"0x[0-9a-f]+", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(\.\d+)?"), "<n>"),
]


def normalised(cause: object) -> str:
    """A cause without what differs each time: of a Lambda function's error the message alone, numbers and ids marked.

    >>> normalised('{"errorMessage": "order 17 is gone", "requestId": "5c0e0c7a-1d2b-4a3c-9d8e-0f1a2b3c4d5e"}')
    'order <n> is gone'
    """
    if not isinstance(cause, str):
        return ""
    text = cause
    try:
        told = json.loads(cause)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict) and isinstance(told.get("errorMessage"), str):
        text = told["errorMessage"]
    for pattern, mark in REPLACED:
        text = pattern.sub(mark, text)
    return " ".join(text.split())


def _failures_in(events: pd.DataFrame) -> pd.DataFrame:
    """A row a failure: execution, state, error, cause, and the stamp `at` which it happened."""
    visits = history.visits(events)
    failed = visits[visits["status"].isin(FAILED_VISITS)]
    branches: dict[str, list[str]] = {}
    for arn, branch in zip(failed["execution"], failed["branch"], strict=True):
        branches.setdefault(arn, []).append(branch or "")
    kept = [
        not any(branch.startswith((f"{own}[", f"{own}:")) for branch in branches[arn])
        for arn, own in zip(failed["execution"], _paths(failed), strict=True)
    ]
    inside = failed[np.array(kept, dtype=bool)]
    inside = inside.assign(at=inside["exited"].fillna(inside["entered"]))
    # Of the history limit, of a time-out, or of a definition at odds with its data: no state failed.
    ended = events[events["type"].isin(FAILED_ENDS) & ~events["execution"].isin(inside["execution"])]
    columns = ["execution", "state", "error", "cause", "at"]
    return pd.concat([inside[columns], ended.assign(at=ended["timestamp"])[columns]], ignore_index=True)


def _paths(visits: pd.DataFrame) -> list[str]:
    """How the branches inside each visit begin."""
    return [
        f"{branch}/{state}#{visit}" if branch else f"{state}#{visit}"
        for branch, state, visit in zip(visits["branch"], visits["state"], visits["visit"], strict=True)
    ]


def _stamp(moment: Moment) -> pd.Timestamp:
    stamp = pd.Timestamp(moment)
    return stamp.tz_localize(UTC) if stamp.tz is None else stamp.tz_convert(UTC)


def _ended(
    lab: Lab, machine: str, status: str | None, since: Moment | None, until: Moment | None
) -> Iterator[Execution]:
    first = None if since is None else _stamp(since)
    last = None if until is None else _stamp(until)
    for one in execution.executions(machine, status, lab=lab):
        started = pd.Timestamp(one.started)
        if first is not None and started < first:
            return  # newest first: all that follow are older still
        if not one.running and (last is None or started < last):
            yield one


def _fetched(lab: Lab, wanted: Iterable[Execution]) -> Iterator[tuple[Execution, pd.DataFrame | None]]:
    """The executions' events as they arrive, None for one that is no longer at AWS; a few calls ahead, no more."""
    waiting = iter(wanted)
    pending: dict[Future[list[dict[str, Any]]], Execution] = {}
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="collecting")
    try:
        while True:
            while len(pending) < 2 * WORKERS and (one := next(waiting, None)) is not None:
                pending[pool.submit(execution.events, one.arn, lab=lab)] = one
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                one = pending.pop(future)
                try:
                    events = history.events(future.result())
                except NotFound:
                    yield one, None
                    continue
                yield one, events.assign(execution=pd.array([one.arn] * len(events), dtype="str"))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _write(folder: Path, batch: list[tuple[Execution, pd.DataFrame]]) -> None:
    """Add the batch as one file a machine and day; the index comes last, and what it does not name does not count."""
    if not batch:
        return
    collected = pd.Timestamp.now(UTC).as_unit("us")
    part = f"{collected:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.parquet"
    rows = pd.DataFrame(
        {
            "execution": [one.arn for one, _ in batch],
            "name": [one.name for one, _ in batch],
            "status": [one.status for one, _ in batch],
            "started": pd.Series([one.started for one, _ in batch], dtype="datetime64[us, UTC]"),
            "stopped": pd.Series([one.stopped for one, _ in batch], dtype="datetime64[us, UTC]"),
            "collected": collected,
            "place": [_place(one) for one, _ in batch],
        }
    )
    for place, group in rows.groupby("place"):
        frames = [events.assign(collected=collected) for one, events in batch if _place(one) == place]
        _put(folder / "events" / str(place) / part, pd.concat(frames, ignore_index=True))
        _put(folder / "executions" / str(place) / part, group.drop(columns="place"))


def _place(one: Execution) -> str:
    return _folder_of(one.machine.split(":stateMachine:")[-1].split(":")[0], f"{one.started:%Y-%m-%d}")


def _folder_of(machine: str, day: str) -> str:
    return f"machine={quote(machine, safe='')}/day={day}"


def _put(path: Path, frame: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    frame.to_parquet(unfinished, index=False)
    os.replace(unfinished, path)


def _dataset(folder: Path) -> Any:
    if not folder.is_dir():
        raise NotFound(f"There is no store of executions at {folder.parent}: collect() makes one.")
    files = sorted(str(path) for path in folder.glob("*/*/*.parquet"))
    names = pyarrow.schema([("machine", pyarrow.string()), ("day", pyarrow.string())])
    layout = pyarrow.dataset.partitioning(names, flavor="hive")
    return pyarrow.dataset.dataset(files, partitioning=layout, partition_base_dir=str(folder))


def _index(folder: Path) -> pd.DataFrame:
    found: pd.DataFrame = _dataset(folder / "executions").to_table().to_pandas()
    return found


def _latest(index: pd.DataFrame) -> pd.DataFrame:
    return index.sort_values("collected").drop_duplicates("execution", keep="last")


def _stops(folder: Path) -> dict[str, datetime | None]:
    """When each execution in the store had ended at its latest collecting."""
    if not (folder / "executions").is_dir():
        return {}
    index = _latest(_index(folder))
    return dict(zip(index["execution"], index["stopped"], strict=True))


def _among(index: pd.DataFrame, column: str) -> Any:
    values = pyarrow.array(sorted(set(index[column])), pyarrow.string())
    return pyarrow.dataset.field(column).isin(values)


def _current(events: Any, index: pd.DataFrame) -> Any:
    """The rows of each execution's latest collecting."""
    return events.merge(index[KEY], on=KEY, how="inner").drop(columns="collected")


def _read_with_dask(folder: Path, index: pd.DataFrame) -> Any:
    try:
        import dask
        import dask.dataframe
    except ImportError:
        raise LabError("Dask is not installed: `pip install 'dask[dataframe]'` adds it.") from None
    files = [
        str(path)
        for place in sorted({_folder_of(*one) for one in zip(index["machine"], index["day"], strict=True)})
        for path in sorted((folder / "events" / place).glob("*.parquet"))
    ]
    if not files:
        raise NotFound(f"No execution in {folder} is asked for.")
    # Dask would give its texts another type than pandas does.
    with dask.config.set({"dataframe.convert-string": False}):
        return dask.dataframe.from_map(_read_part, files, index=index[KEY])


def _read_part(path: str, index: pd.DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = _current(pd.read_parquet(path, partitioning=None), index)
    return found.sort_values(["execution", "id"], ignore_index=True)
