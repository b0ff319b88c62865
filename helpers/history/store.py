"""The store of many executions: Parquet files by machine and day of start, read again as one frame.

Below a store's folder lie `events/`, `definitions/` (each once) and `executions/`, the index. What the index does not
name does not count.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote, unquote

import pandas as pd
import pyarrow
import pyarrow.compute

from helpers.errors import InvalidSetting, LabError, NotFound
from helpers.history import event_types
from helpers.history.event_types import Group, Kind
from helpers.history.sources import parsed

__all__ = ["Ended", "Moment", "add", "chosen", "definition", "histories", "parts", "read", "stamp", "stops", "within"]

KEY = ["execution", "collected"]
INDEX = re.compile(r"\[(\d+)\]$")
# A store that is older has no versions or no definitions.
INDEX_SCHEMA = pyarrow.schema(
    [(name, pyarrow.string()) for name in ("execution", "name", "status", "version", "definition", "machine", "day")]
    + [(name, pyarrow.timestamp("us", "UTC")) for name in ("started", "stopped", "collected")]
)
# Besides the events of iterations, those that name their state themselves.
NAMING = (Kind.ENTERED, Kind.EXITED, Kind.EVALUATION_FAILED, Kind.UNKNOWN)
LONGEST_NAME = 120  # characters of a folder's name; file systems take 143 to 255

Moment = datetime | str


class Ended(Protocol):
    """An execution that has ended, as `helpers.execution` describes it."""

    @property
    def arn(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def machine(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def started(self) -> datetime: ...
    @property
    def stopped(self) -> datetime | None: ...
    @property
    def version(self) -> str | None: ...


def read(
    store: str | Path,
    machine: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    *,
    status: str | Sequence[str] | None = None,
    dask: bool = False,
) -> Any:
    """The events of a store as `history.events` gives them, with the ARN in `execution`: for one execution or for many.

    `machine` is a name or ARN (the children of its Map Runs are in it); `since` and `until` bound the start;
    `status` is AWS's word for those that are wanted, or several. In order of execution and id. `dask` gives a Dask
    DataFrame of the same columns instead, in which every execution lies in one partition, so that
    `.map_partitions(history.visits)` is right; it needs the extra `dask`. In `attrs["store"]` stands the folder, by
    which `rehearse` finds definitions.

    Raises NotFound where there is no store, LabError where Dask is missing.
    """
    folder = _path(store)
    index = chosen(folder, machine, since, until, status)
    if dask:
        return _read_with_dask(folder, index)
    # Only the files of the days and machines that are asked for are opened.
    wanted = _among(index, "execution") & _among(index, "machine") & _among(index, "day")
    table = _dataset(folder / "events").to_table(filter=wanted)
    events = table.drop_columns(["machine", "day"]).to_pandas()
    found = _current(events, index).sort_values(["execution", "id"], ignore_index=True)
    found.attrs["store"] = str(folder)
    return found


def chosen(
    store: str | Path,
    machine: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    status: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """The rows of a store's index that `read` reads: one per execution, of its latest collecting.

    Raises NotFound where there is no store.
    """
    index = within(_index(_path(store)), machine, since, until)
    return index if status is None else index[index["status"].isin([status] if isinstance(status, str) else status)]


def within(index: pd.DataFrame, machine: str | None, since: Moment | None, until: Moment | None) -> pd.DataFrame:
    """The rows of an index that are of a machine, or of its Map Runs, and started in a span of time."""
    if machine is not None:
        name = unquote(_name_of(machine))
        index = index[(index["machine"] == name) | index["machine"].str.startswith(f"{name}/")]
    if since is not None:
        index = index[index["started"] >= stamp(since)]
    return index if until is None else index[index["started"] < stamp(until)]


def definition(store: str | Path, execution: str) -> str:
    """The definition that an execution in a store ran, as JSON text; raises NotFound where the store has none."""
    index = chosen(store)
    names = index.loc[index["execution"] == execution, "definition"].dropna()
    path = Path(store) / "definitions" / f"{names.iloc[0]}.asl.json" if len(names) else None
    if path is None or _is_linked(path) or not path.is_file():
        raise NotFound(f"{store} has no definition of this execution: give the state machine's definition.")
    return path.read_text(encoding="utf-8")


def parts(folder: Path, index: pd.DataFrame) -> list[str]:
    """The files that hold the events of executions of the index; each execution lies in one of them."""
    return [
        str(path)
        for place in sorted({_folder_of(*one) for one in zip(index["machine"], index["day"], strict=True)})
        for path in sorted((folder / "events" / place).glob("*.parquet"))
        if not _is_linked(path)
    ]


def histories(events: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The executions of a frame of events, each as an export in the shape of GetExecutionHistory."""
    for execution, rows in events.groupby("execution", sort=False):
        columns = {str(column): rows[column].tolist() for column in rows if column not in ("timestamp", "elapsed")}
        columns["timestamp"] = list(rows["timestamp"].dt.to_pydatetime())
        held = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        yield {"executionArn": execution, "events": [_event(row) for row in held]}


def _event(row: dict[str, Any]) -> dict[str, Any]:
    kind, _, group = event_types.read(row["type"])
    details = parsed(row["details"])
    details = details if isinstance(details, dict) else {}
    said = {name: row[name] for name in ("resource", "error", "cause", "output")}
    said["resourceType"] = row["resource_type"]
    said["parameters" if isinstance(row["resource_type"], str) else "input"] = row["input"]
    if kind in NAMING or group is Group.ITERATION:
        said["state" if kind is Kind.EVALUATION_FAILED else "name"] = row["state"]
    details |= {name: value for name, value in said.items() if isinstance(value, str)}
    details |= {f"{name}Details": {"truncated": row["truncated"]} for name in ("input", "output") if name in details}
    if group is Group.ITERATION and isinstance(row["branch"], str) and (index := INDEX.search(row["branch"])):
        details["index"] = int(index[1])
    before = 0 if pd.isna(row["previous_id"]) else int(row["previous_id"])
    event = {"id": row["id"], "previousEventId": before, "type": row["type"], "timestamp": row["timestamp"]}
    return {**event, event_types.details_key(row["type"]): details} if details else event


def stamp(moment: Moment) -> pd.Timestamp:
    """A moment in UTC; a text without a zone is taken for UTC. Raises InvalidSetting for what is none."""
    found = pd.to_datetime(moment, utc=True, errors="coerce")
    if pd.isna(found):
        raise InvalidSetting(f"{moment!r} is no moment: give a datetime, or a text such as '2026-11-30T08:00Z'.")
    return found


def add(
    folder: Path, batch: Iterable[tuple[Ended, pd.DataFrame]], definitions: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Add the batch as one file a machine and day; the index comes last, and what it does not name does not count.

    `definitions` are JSON texts by the ARN of the execution that ran them.
    """
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
            "version": pd.Series([one.version for one, _ in batch], dtype="str"),
            "definition": pd.Series([_defined(folder, definitions.get(one.arn)) for one, _ in batch], dtype="str"),
            "place": [_place(one) for one, _ in batch],
        }
    )
    for place, group in rows.groupby("place"):
        frames = [events.assign(collected=collected) for one, events in batch if _place(one) == place]
        found = {"events": pd.concat(frames, ignore_index=True), "executions": group.drop(columns="place")}
        for kind, frame in found.items():
            with _written(folder / kind / str(place) / part) as file:
                frame.to_parquet(file, index=False)


def _defined(folder: Path, text: str | None) -> str | None:
    """The name under which a definition is kept."""
    if text is None:
        return None
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = folder / "definitions" / f"{name}.asl.json"
    if not path.exists():
        with _written(path) as file:
            file.write(text.encode())
    return name


def _place(one: Ended) -> str:
    return _folder_of(one.machine, f"{one.started:%Y-%m-%d}")


def _folder_of(machine: str, day: str) -> str:
    return f"machine={_name_of(machine)}/day={day}"


def _name_of(machine: str) -> str:
    """A machine's name, or that in its ARN, as any file system takes it: quoted, a long one cut, with a digest."""
    machine = machine.split(":stateMachine:")[-1].split(":")[0]
    quoted = quote(machine, safe="")
    if len(quoted) > LONGEST_NAME:
        return f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', machine)[:60]}-{hashlib.sha256(machine.encode()).hexdigest()[:12]}"
    return f"{quoted[:-1]}%2E" if quoted.endswith(".") else quoted


@contextlib.contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A new file, which is there as a whole or not at all."""
    if _is_linked(path):
        raise LabError(f"{path.parent} is or lies in a link, and we follow none out of a store: remove the link.")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, since what a killed process left, or another one writes, may have the same end.
    unfinished = path.with_name(f"{secrets.token_hex(4)}.unfinished")
    with unfinished.open("xb") as file:
        yield file
    os.replace(unfinished, path)


def _dataset(folder: Path, schema: Any = None) -> Any:
    if not folder.is_dir():
        raise NotFound(f"There is no store of executions at {folder.parent}: collect() makes one.")
    import pyarrow.dataset  # takes 4 MB, and few kernels read a store

    files = sorted(str(path) for path in folder.glob("*/*/*.parquet") if not _is_linked(path))
    names = pyarrow.schema([("machine", pyarrow.string()), ("day", pyarrow.string())])
    layout = pyarrow.dataset.partitioning(names, flavor="hive")
    return pyarrow.dataset.dataset(files, schema, partitioning=layout, partition_base_dir=str(folder))


def _is_linked(path: Path) -> bool:
    """Whether a store only links to a file, or to a folder that it lies in: then it is not the store's."""
    return any(one.is_symlink() for one in (path, *list(path.parents)[:3]))


def _path(store: str | Path) -> Path:
    if not isinstance(store, str | os.PathLike):
        raise NotFound(f"A store is a folder, given by its path, not a {type(store).__name__}: collect() makes one.")
    return Path(store)


def _index(folder: Path) -> pd.DataFrame:
    """One row per execution, of its latest collecting."""
    found: pd.DataFrame = _dataset(folder / "executions", INDEX_SCHEMA).to_table().to_pandas()
    return found.sort_values("collected").drop_duplicates("execution", keep="last")


def stops(folder: Path) -> dict[str, datetime | None]:
    """When each execution in the store had ended at its latest collecting."""
    if not (folder / "executions").is_dir():
        return {}
    index = _index(folder)
    return dict(zip(index["execution"], index["stopped"], strict=True))


def _among(index: pd.DataFrame, column: str) -> Any:
    values = pyarrow.array(sorted(set(index[column])), pyarrow.string())
    return pyarrow.compute.field(column).isin(values)


def _current(events: Any, index: pd.DataFrame) -> Any:
    """The rows of each execution's latest collecting."""
    return events.merge(index[KEY], on=KEY, how="inner").drop(columns="collected")


def _read_with_dask(folder: Path, index: pd.DataFrame) -> Any:
    try:
        import dask
        import dask.dataframe
    except ImportError:
        raise LabError("Dask is not installed: `pip install 'dask[dataframe]'` adds it.") from None
    files = parts(folder, index)
    if not files:
        raise NotFound(f"No execution in {folder} is asked for.")
    # Dask would give its texts another type than pandas does.
    with dask.config.set({"dataframe.convert-string": False}):
        return dask.dataframe.from_map(_read_part, files, index=index[KEY])


def _read_part(path: str, index: pd.DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = _current(pd.read_parquet(path, partitioning=None), index)
    return found.sort_values(["execution", "id"], ignore_index=True)
