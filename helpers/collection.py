"""The histories of many executions: fetched together, kept as Parquet, read as one frame, their failures grouped."""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from helpers import execution, history
from helpers.errors import LabError, NotFound
from helpers.execution import Execution
from helpers.history.store import Moment, folder_of, indexed, is_linked, read, stamp
from helpers.lab import Lab, current

__all__ = ["Collected", "collect", "failures", "read"]

WORKERS = 32  # calls on their way at once: enough for the refill even where each takes more than a second
BATCH = 200  # executions a file; what an interruption may cost to fetch again
FAILED = ("FAILED", "TIMED_OUT")
FAILED_VISITS = ("failed", "timed_out")
FAILED_ENDS = ("ExecutionFailed", "ExecutionTimedOut")
COLUMNS = ["state", "error", "cause", "count", "first_seen", "last_seen", "example"]

OPENING = re.compile(r"[\[:]")


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


def failures(source: str | Path | pd.DataFrame, since: Moment | None = None, *, lab: Lab | None = None) -> pd.DataFrame:
    """What went wrong how often: failures grouped by state, error and cause, the most frequent first.

    `source` is a state machine's ARN (its failed executions are fetched), the folder of a store, or an events frame;
    `since` bounds the start. A failure is a visit that failed or timed out uncaught, by itself or a Map or Parallel
    around it, and that no retry of these got over; of visits that failed because of one another the innermost; or an
    execution that failed outside any state.

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
    """A cause without what differs each time: of JSON the message alone, numbers and ids marked.

    >>> normalised('{"errorMessage": "order 17 is gone", "requestId": "5c0e0c7a-1d2b-4a3c-9d8e-0f1a2b3c4d5e"}')
    'order <n> is gone'
    """
    if not isinstance(cause, str):
        return ""
    text = history.in_words(cause)
    for pattern, mark in REPLACED:
        text = pattern.sub(mark, text)
    return " ".join(text.split())


def _failures_in(events: pd.DataFrame) -> pd.DataFrame:
    """A row a failure: execution, state, error, cause, and the stamp `at` which it happened."""
    visits = history.visits(events).fillna({"branch": ""})
    visits["path"] = (visits["branch"] + "/" + visits["state"] + "#" + visits["visit"].astype(str)).str.removeprefix(
        "/"
    )
    failed = visits[visits["status"].isin(FAILED_VISITS)]
    # Of visits that failed because of one inside them the innermost counts; none does in what went on after a retry.
    homes = zip(failed["execution"], failed["branch"], strict=True)
    around = {(arn, path) for arn, branch in homes for path in _around(branch)}
    went_on = visits[visits["exited_id"].notna()]
    past = set(zip(went_on["execution"], went_on["path"], strict=True))
    kept = [
        (arn, path) not in around and past.isdisjoint((arn, outer) for outer in _around(branch))
        for arn, branch, path in zip(failed["execution"], failed["branch"], failed["path"], strict=True)
    ]
    inside = failed[np.array(kept, dtype=bool)]
    inside = inside.assign(at=inside["exited"].fillna(inside["entered"]))
    # Of the history limit, of a time-out, or of a definition at odds with its data: no state failed.
    ended = events[events["type"].isin(FAILED_ENDS) & ~events["execution"].isin(inside["execution"])]
    columns = ["execution", "state", "error", "cause", "at"]
    return pd.concat([inside[columns], ended.assign(at=ended["timestamp"])[columns]], ignore_index=True)


def _around(branch: str) -> list[str]:
    """What may be the paths of the Maps and Parallels that a branch lies in."""
    return [branch[: found.start()] for found in OPENING.finditer(branch)]


def _ended(
    lab: Lab, machine: str, status: str | None, since: Moment | None, until: Moment | None
) -> Iterator[Execution]:
    first = None if since is None else stamp(since)
    last = None if until is None else stamp(until)
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
    return folder_of(one.machine.split(":stateMachine:")[-1].split(":")[0], f"{one.started:%Y-%m-%d}")


def _put(path: Path, frame: pd.DataFrame) -> None:
    if is_linked(path):
        raise LabError(f"{path.parent} is or lies in a link, and we follow none out of a store: remove the link.")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("xb") as file:
        frame.to_parquet(file, index=False)
    os.replace(unfinished, path)


def _stops(folder: Path) -> dict[str, datetime | None]:
    """When each execution in the store had ended at its latest collecting."""
    if not (folder / "executions").is_dir():
        return {}
    index = indexed(folder)
    return dict(zip(index["execution"], index["stopped"], strict=True))
