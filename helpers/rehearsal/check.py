"""Many executions against one machine: how each ended, and how it would have."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from helpers.engine.machine import written
from helpers.errors import LabError, NotFound
from helpers.history import Source, store
from helpers.history.frames import table
from helpers.history.sources import files, text
from helpers.quantities import count
from helpers.rehearsal.record import Record, executions, is_child
from helpers.rehearsal.rehearsal import Answers, compiled, run, sentence_of

__all__ = ["check", "summed"]

COLUMNS = ["execution", "was", "now", "parted", "note"]
CHUNK = 250  # sources that a process takes at once
FEW = 1_000  # as many are done before other processes have started
Row = tuple[str, str | None, str, str | None, str | None]


def check(
    definition: Mapping[str, Any] | str,
    histories: str | PathLike[str] | pd.DataFrame | Iterable[Source],
    *,
    answers: Answers | None = None,
    repeat: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Rehearse many executions on a machine: how each ended, and how it would have.

    Parameters
    ----------
    definition
        The machine, as data or JSON text.
    histories
        A list of what `rehearse` takes, where one source may hold several executions; a folder of exported histories;
        the store that `collect` made; or a frame of events, of pandas or of Dask. Children of Map Runs are rehearsed
        with their parents, and in a frame of Dask not at all: there a distributed Map ends as it was recorded.
    answers, repeat
        As `rehearse` takes them.
    progress
        Whether to show a progress bar.

    Returns
    -------
    A row an execution: `execution` (str), `was` (AWS's word), `now` (AWS's word, or `unanswered` where a call has no
    answer), `parted` (a sentence, missing where the two go the same way), `note` (str, on what could not be judged). A
    history that cannot be rehearsed is a row without `was`, whose `parted` says why. `attrs["summary"]` says how many
    end how.

    Raises
    ------
    DefinitionInvalid
        The definition is no state machine.
    NotFound
        There is no history in the folder.
    NotAHistory
        The frame is none of events.
    """
    text = written(definition)
    if "${" not in text:
        compiled(text, "STANDARD")
    if hasattr(histories, "map_partitions"):
        meta = _frame([])
        parts: Any = histories
        found: pd.DataFrame = parts.map_partitions(_part, text, answers, repeat, meta=meta).compute()
        return summed(found.reset_index(drop=True))
    sources = list(_sources(histories))
    rows: list[Row] = []
    with tqdm(total=len(sources), desc="rehearsing", unit="history", disable=not progress) as bar:
        for chunk in _rows(text, sources, answers, repeat):
            rows += chunk
            bar.update(len(chunk))
    return summed(_frame(rows))


def _sources(histories: Any) -> Iterator[Any]:
    if isinstance(histories, pd.DataFrame):
        events = table(histories)
        yield from store.histories(events) if len(_children(events)) in (0, events["execution"].nunique()) else [events]
    elif isinstance(histories, str | PathLike) and Path(histories).is_dir():
        folder = Path(histories)
        if (folder / "executions").is_dir():
            yield from _sources(store.read(folder))
            return
        if not (held := files(folder)):
            raise NotFound(f"There is no history in {folder}: put exported ones there.")
        yield from held
    elif isinstance(histories, str | PathLike | Mapping) or not isinstance(histories, Iterable):
        yield histories
    else:
        listed = list(histories)
        one = bool(listed) and all(isinstance(item, Mapping) and "type" in item for item in listed)
        yield from [listed] if one else listed


def _children(events: pd.DataFrame) -> list[str]:
    return [arn for arn in events["execution"].unique() if is_child(arn)]


def _rows(text: str, sources: list[Source], answers: Answers | None, repeat: bool) -> Iterator[list[Row]]:
    chunks = [sources[at : at + CHUNK] for at in range(0, len(sources), CHUNK)]
    workers = _workers()
    done = 0
    if workers > 1 and len(sources) > FEW and _can_travel(answers):
        # What is forked has the machine compiled and imports nothing; other systems cannot fork.
        kind = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        try:
            with ProcessPoolExecutor(min(workers, len(chunks)), mp_context=kind) as pool:
                futures = [pool.submit(_checked, text, chunk, answers, repeat) for chunk in chunks]
                for future in futures:
                    yield future.result()
                    done += 1
            return
        except BrokenProcessPool:
            pass  # such as in a script without `if __name__ == "__main__"`: the rest is done here
    for chunk in chunks[done:]:
        yield _checked(text, chunk, answers, repeat)


def _workers() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _can_travel(answers: Answers | None) -> bool:
    try:
        pickle.dumps(answers)
    except Exception:
        return False
    return True


def _checked(text: str, sources: Iterable[Source], answers: Answers | None, repeat: bool) -> list[Row]:
    rows: list[Row] = []
    for source in sources:
        try:
            for trace, children in executions(source):
                rows.append(_row(text, trace, children, answers, repeat))
        except LabError as error:
            name = Path(source).name if isinstance(source, str | PathLike) else "an execution"
            rows.append((name, None, "unanswered", str(error), None))
    return rows


def _row(text: str, trace: Any, children: Any, answers: Answers | None, repeat: bool) -> Row:
    try:
        course = run(Record(trace, children), text, answers=answers, repeat=repeat)[0]
    except LabError as error:
        return trace.execution, None, "unanswered", str(error), None
    was, now = course.record.status, course.root.status
    gap = course.record.gap if course.is_at_end else None
    now = "unanswered" if gap or (now == "RUNNING" and course.unanswered) else now
    parted = sentence_of(course) or gap or (course.end if was != now else None)
    return trace.execution, was, now, parted, " ".join(course.unjudged) or None


def _part(events: pd.DataFrame, text: str, answers: Answers | None, repeat: bool) -> pd.DataFrame:
    alone = events[~events["execution"].isin(_children(events))]  # their parents lie in other parts
    return _frame(_checked(text, store.histories(alone), answers, repeat))


def _frame(rows: list[Row]) -> pd.DataFrame:
    said = [[one if one is None else text(one) for one in row] for row in rows]
    return pd.DataFrame(said, columns=COLUMNS).astype("str")


def summed(found: pd.DataFrame) -> pd.DataFrame:
    """A frame of `check`, or several put together, with its summary."""
    ends = Counter(zip(found["was"].fillna("unreadable"), found["now"], strict=True))
    same = sum(number for (was, now), number in ends.items() if was == now)
    said = [f"{same:,} would end as before"]
    for (was, now), number in sorted(ends.items(), key=lambda item: -item[1]):
        if was == now:
            continue
        if was == "unreadable":
            said.append(f"{number:,} cannot be rehearsed")
        elif now == "unanswered":
            said.append(f"{number:,} that {WORDS[was]} would come to a call that has no answer")
        else:
            said.append(f"{number:,} that {WORDS[was]} would now {NOW[now]}")
    noted = int(found["note"].notna().sum())
    doubt = f" In {noted:,} a Map Run ends as it was recorded, since its children are not here." if noted else ""
    found.attrs["summary"] = f"Of {count(len(found), 'execution', 'executions')}: {', '.join(said)}.{doubt}"
    return found


WORDS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "ABORTED": "were stopped", "TIMED_OUT": "timed out"}
WORDS |= {"RUNNING": "still ran"}
NOW = {"SUCCEEDED": "succeed", "FAILED": "fail", "ABORTED": "are stopped", "TIMED_OUT": "time out"}
NOW |= {"RUNNING": "still run"}
