"""The histories of many executions: fetched together into a store, and their failures grouped."""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from helpers import execution, history
from helpers.errors import InvalidSetting, LabError, NotAllowed, NotFound
from helpers.execution import Execution
from helpers.history import causes, fleet
from helpers.history.fleet import states
from helpers.history.store import Moment, add, read, stamp, stops
from helpers.lab import Lab, current
from helpers.quantities import count
from helpers.statuses import FAILED, REDRIVABLE, RUNNING

__all__ = ["Collected", "collect", "failures", "histories", "read", "states"]

WORKERS = 32  # calls on their way at once: enough for the refill even where each takes more than a second
BATCH = 200  # executions a file; what an interruption may cost to fetch again


@dataclass(frozen=True)
class Collected:
    """What `collect` did: how many executions it fetched, found in the store already, or found gone at AWS."""

    store: Path
    fetched: int
    known: int
    gone: int
    left: int
    """Not fetched, because it was interrupted."""
    children: int = 0
    """Of their Map Runs, fetched too."""

    def __repr__(self) -> str:
        said = f"Fetched {count(self.fetched, 'execution', 'executions')} into {self.store}; "
        said += f"{count(self.known, 'was', 'were')} there already"
        if self.children:
            said += f"; {count(self.children, 'child', 'children')} of Map Runs came with them"
        if self.gone:
            said += f"; {count(self.gone, 'is', 'are')} no longer at AWS"
        return said + (f"; {count(self.left, 'is', 'are')} left: collect again to go on." if self.left else ".")


def collect(
    machine: str,
    status: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    store: str | Path = "executions",
    *,
    children: bool = True,
    progress: bool = True,
    lab: Lab | None = None,
) -> Collected:
    """Fetch the histories of a machine's executions that have ended into a folder of Parquet files.

    `machine` is the state machine's ARN, or that of one of its versions or aliases, for the executions of that alone;
    `status` is one of AWS's; `since` and `until` bound the start (datetimes or ISO texts, UTC where they name no zone).
    What the folder holds already is not fetched again, unless the execution was redriven since; executions that still
    run are left for another time. With an execution come the `children` of its Map Runs, a call each (Express children
    have no history to fetch). The calls go out together, as fast as the account's buckets allow and no faster. An
    interrupt keeps what was fetched.

    Below `store` lie `events/` and `executions/`, partitioned by machine and day of start (UTC), and `definitions/`: we
    ask for one where the machine was updated since an execution's start, and do without where AWS does not let us. The
    machine of a child is `<machine>/<label of the Map>`; it has no definition of its own.

    Raises NotFound, NotAllowed, NotForExpress, whose executions AWS does not list, InvalidSetting for a store that is a
    file, or LabError for a status of which there is no whole history.
    """
    if status in RUNNING:
        raise LabError(f"Executions that are {status} have no whole history yet: use execution.follow for each.")
    lab = lab or current()
    folder = Path(store)
    if folder.exists() and not folder.is_dir():
        raise InvalidSetting(f"{folder} is a file and no folder for a store: name another.")
    stored = stops(folder)
    wanted, known = [], 0
    for one in _ended(lab, machine, status, since, until):
        if stored.get(one.arn) == one.stopped:
            known += 1
        else:
            wanted.append(one)
    batch: list[tuple[Execution, pd.DataFrame]] = []
    definitions = _definitions(lab, wanted)
    own = {one.arn for one in wanted}
    fetched = gone = inner = 0
    bar = tqdm(total=len(wanted), desc="collecting", unit="execution", disable=not progress)
    try:
        for one, events in _with_children(lab, wanted, stored) if children else histories(lab, wanted):
            bar.total += one.arn not in own
            bar.update()
            if events is None:
                gone += one.arn in own
                continue
            batch.append((one, events))
            fetched += one.arn in own
            inner += one.arn not in own
            if len(batch) >= BATCH:
                add(folder, batch, definitions)
                batch.clear()
    except KeyboardInterrupt:
        print("We stopped collecting; what was fetched is kept.")
    finally:
        bar.close()
        add(folder, batch, definitions)
    return Collected(folder, fetched, known, gone, len(wanted) - fetched - gone, inner)


def failures(
    source: str | Path | pd.DataFrame,
    since: Moment | None = None,
    until: Moment | None = None,
    *,
    machine: str | None = None,
    lab: Lab | None = None,
) -> pd.DataFrame:
    """What went wrong how often: failures grouped by state, error and cause, the most frequent first.

    `source` is a state machine's ARN (its failed executions are fetched), the folder of a store, or an events frame;
    `since` and `until` bound the start, and `machine` is a name in the store or frame. What counts as a failure, and
    the columns, are `history.causes.failures`'.

    Raises NotFound where there is no store, NotAHistory for a frame that is none of events, and NotAllowed.
    """
    if isinstance(source, pd.DataFrame):
        events = fleet.within(source, machine, since, until)
    elif isinstance(source, str) and source.startswith("arn:"):
        lab = lab or current()
        failed = [one for status in FAILED for one in _ended(lab, source, status, since, until)]
        frames = [frame for _, frame in histories(lab, failed) if frame is not None]
        events = pd.concat(frames, ignore_index=True) if frames else history.events([])
    else:
        # In an execution that succeeded all that failed was caught, or gone over by a retry.
        events = read(source, machine, since, until, status=REDRIVABLE)
    return causes.failures(events)


def _ended(
    lab: Lab, machine: str, status: str | None, since: Moment | None, until: Moment | None
) -> Iterator[Execution]:
    first = None if since is None else stamp(since)
    last = None if until is None else stamp(until)
    for one in execution.executions(machine, status, lab=lab):
        if one.running:
            continue
        if first is not None and one.stopped is not None and pd.Timestamp(one.stopped) < first:
            return  # what ended last comes first: all that follow ended before this one, and so began before `since`
        started = pd.Timestamp(one.started)
        if (first is None or first <= started) and (last is None or started < last):
            yield one


def _with_children(
    lab: Lab, wanted: Iterable[Execution], stored: Mapping[str, datetime | None]
) -> Iterator[tuple[Execution, pd.DataFrame | None]]:
    """As `histories`, but before each execution the children of its Map Runs that are not stored.

    An execution comes after its children, so that what an interrupt leaves without some of them is fetched again.
    """
    for one, events in histories(lab, wanted):
        runs: Iterable[str] = []
        if events is not None:
            runs = events.loc[events["type"] == "MapRunStarted", "details"].dropna()
        children = [child for run in runs for child in _children(lab, json.loads(run).get("mapRunArn"))]
        yield from _with_children(lab, [child for child in children if stored.get(child.arn) != child.stopped], stored)
        yield one, events


def _children(lab: Lab, run: str | None) -> list[Execution]:
    """The children of a Map Run that have ended; AWS lists none of a run that is forgotten or has Express children."""
    try:
        return [one for one in execution.executions(run, lab=lab) if not one.running] if run else []
    except LabError as error:
        if isinstance(error, NotFound) or type(error) is LabError:
            return []
        raise


def _definitions(lab: Lab, wanted: Iterable[Execution]) -> dict[str, str]:
    """The definition that each execution ran, by its ARN."""
    found: dict[str, str] = {}
    revisions: dict[str | None, tuple[str, datetime]] = {}  # by version: the text, and since when it holds
    for one in sorted(wanted, key=lambda one: one.started, reverse=True):
        text, since = revisions.get(one.version, ("", None))
        if since is None or (one.version is None and one.started < since):
            try:
                text, since = revisions[one.version] = execution.definition(one.arn, lab=lab)
            except NotAllowed:
                return found
            except NotFound:
                continue
        found[one.arn] = text
    return found


def histories(lab: Lab, wanted: Iterable[Execution]) -> Iterator[tuple[Execution, pd.DataFrame | None]]:
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
