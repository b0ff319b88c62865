"""Make the lessons from their solutions, run the notebooks on a clean sandbox and store what they show.

    .venv/bin/python -m tests.notebooks.run                    run all, store their outputs
    .venv/bin/python -m tests.notebooks.run 03 solutions/03    run those whose path starts so

Three run at a time (`-n`), each on an emptied sandbox of its process's own; a twin runs after its lesson. Where a
cell says and draws what is stored, but for dates, ids and durations (words.py), its stored outputs stay, so that
running again changes only what changed. But the durations of a notebook are those of one run: where a cell that shows
some says something else, or with `--anew`, all are stored anew.

What is written is normalised, so that a diff shows what changed and nothing else: cell ids are
numbered, execution metadata, widget state, addresses, ports and absolute paths are gone, and a digest of the sources is
kept, by which a test notices a notebook that was changed without being run.
"""

import argparse
import contextlib
import copy
import hashlib
import itertools
import json
import multiprocessing
import os
import pathlib
import queue
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

from helpers import sandbox
from tests.notebooks import account, lessons, words

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"
DURATION = re.compile(r"\d\.\d")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def paths(prefixes: list[str] | None = None) -> list[pathlib.Path]:
    """The notebooks in order, solutions after the lessons; only those whose path starts with one of `prefixes`."""
    twins = sorted(SOLUTIONS.glob("*.ipynb"))
    found = sorted({*NOTEBOOKS.glob("*.ipynb"), *(NOTEBOOKS / twin.name for twin in twins)}) + twins
    if not prefixes:
        return found
    return [path for path in found if path.relative_to(NOTEBOOKS).as_posix().startswith(tuple(prefixes))]


def digest(notebook: nbformat.NotebookNode) -> str:
    """A fingerprint of everything a person wrote in the notebook: each cell's type and source."""
    written = [(cell.cell_type, cell.source) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


class Listening(NotebookClient):
    """A client that notes for how many seconds each cell has been silent at a stretch, in its metadata."""

    def process_message(self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int) -> Any:
        """Take a message of the kernel."""
        now = time.monotonic()
        if msg["msg_type"] == "execute_input":
            self.heard = now
        elif msg["msg_type"] != "status" or msg["content"]["execution_state"] == "idle":
            cell.metadata["silent"] = max(now - self.heard, cell.metadata.get("silent", 0.0))
            self.heard = now
        return super().process_message(msg, cell, cell_index)


def executed(
    path: pathlib.Path,
    seconds: int = 180,
    policy: dict[str, Any] = account.EVERYTHING,
    times: int = 1,
    refused: Sequence[str] = (),
) -> nbformat.NotebookNode:
    """The notebook at `path`, run from top to bottom by a fresh kernel, each cell within `seconds` and so many times.

    Of a twin the learner's own cells are left out. Nothing was solved or predicted before. It calls the sandbox as a
    user who may do what `policy` allows.

    Raises nbclient's CellExecutionError where a cell raises that does not say so with the tag
    `raises-exception`, unless the error's name is one of `refused`.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [copy.deepcopy(cell) for cell in notebook.cells for _ in range(times)]
    skipped = "exercise" if path.parent == SOLUTIONS else "skip-execution"
    place = {"metadata": {"path": str(path.parent)}}
    with tempfile.TemporaryDirectory(prefix="progress-", ignore_cleanup_errors=True) as folder:
        client = Listening(notebook, timeout=seconds, skip_cells_with_tag=skipped, resources=place)
        client.allow_error_names = list(refused)
        keys = account.user(policy)
        own = account.environment(keys, f"{folder}/ipython")
        client.execute(env={**os.environ, **own, "LAB_PROGRESS_DIR": folder})
    if account.name(path) == "99":
        account.clean_up_everything(keys)
    return notebook if path.parent == SOLUTIONS else lessons.without_answers(notebook)


def normalised(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """`notebook` without what differs from run to run or machine to machine."""
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number:02d}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.NotebookNode({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = [stored for stored in map(_normalised_output, _joined(cell.outputs)) if stored]
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number
    notebook.metadata = nbformat.from_dict({**METADATA, "sources": digest(notebook)})
    notebook.nbformat_minor = 5
    return notebook


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Stream outputs that follow one another as one: how they were cut is chance."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _normalised_output(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    if output.output_type == "stream" and output.name == "stderr":
        return None  # progress bars; a cell's own words go to standard output
    if "data" in output:
        widgets = [kind for kind in output.data if kind.startswith("application/vnd.jupyter.widget")]
        for widget in widgets:
            del output.data[widget]
        if widgets and set(output.data) <= {"text/plain"}:
            return None  # a widget that left nothing behind
        output.metadata = nbformat.NotebookNode()
    return nbformat.from_dict(json.loads(_without_places(json.dumps(output))))


def _without_places(text: str) -> str:
    for folder, name in ((str(ROOT), "."), (str(pathlib.Path.home()), "~"), (sys.prefix, ".venv")):
        text = text.replace(json.dumps(folder)[1:-1], name)
    return re.sub(r"(?<=//127\.0\.0\.1:)\d+", "port", re.sub(r" at 0x[0-9a-f]+", "", text))


def verdicts(cell: nbformat.NotebookNode) -> list[str]:
    """What the exercises in a cell's outputs are said to be: `solved`, `lacking` or `open`, in order."""
    states = {"✔": "solved", "→": "lacking", "○": "open"}
    said = (output.data.get("text/plain", "") for output in cell.get("outputs", []) if "data" in output)
    return [states[text[0]] for text in said if text[:2] in {f"{sign} " for sign in states}]


@contextlib.contextmanager
def clean_sandbox() -> Iterator[None]:
    """While inside, this process and the kernels it starts work on an empty sandbox of their own."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="notebooks-", ignore_cleanup_errors=True) as folder:
        os.environ.update(LAB_SANDBOX_DIR=folder, LAB_TARGET="sandbox", LAB_PREFIX="lab-")
        try:
            sandbox.start()
            yield
        finally:
            sandbox.stop()
            os.environ.clear()
            os.environ.update(before)


def make_lesson(path: pathlib.Path) -> None:
    """Write the lesson at `path` anew from its twin, where it has one; what is stored of it stays."""
    twin = SOLUTIONS / path.name
    if path.parent != SOLUTIONS and twin.exists():
        made = lessons.lesson(nbformat.read(twin, as_version=4))
        if path.exists():
            keep_outputs(made, nbformat.read(path, as_version=4), lambda new, old: True)
        write(made, path)


def keep_outputs(
    fresh: nbformat.NotebookNode,
    stored: nbformat.NotebookNode,
    alike: Callable[[nbformat.NotebookNode, nbformat.NotebookNode], bool],
) -> None:
    """Give each code cell the outputs of the stored cell with its source, where the two are alike."""
    olds: dict[str, list[nbformat.NotebookNode]] = {}
    for cell in stored.cells:
        olds.setdefault(cell.source, []).append(cell)
    for cell in fresh.cells:
        if cell.cell_type == "code" and olds.get(cell.source) and alike(cell, old := olds[cell.source].pop(0)):
            cell.outputs = old.get("outputs", [])
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count


def as_stored(fresh: nbformat.NotebookNode, stored: nbformat.NotebookNode) -> bool:
    """Whether a cell said and drew what is stored, but for dates, ids and durations."""
    alike = words.said(fresh) == words.said(stored) and words.drawn(fresh) == words.drawn(stored)
    return alike and _inside(fresh) == _inside(stored)


def _inside(cell: nbformat.NotebookNode) -> list[str]:
    """The pictures inside the HTML of a cell."""
    pages = (output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
    return [picture for page in pages for picture in re.findall(r"data:image/[^\"']+", page)]


def write(notebook: nbformat.NotebookNode, path: pathlib.Path) -> None:
    """Store a notebook as every computer writes it."""
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def of_one_run(fresh: nbformat.NotebookNode, stored: nbformat.NotebookNode) -> bool:
    """Whether stored outputs may stay beside fresh ones: no cell that shows durations says something else."""
    trial = copy.deepcopy(fresh)
    keep_outputs(trial, copy.deepcopy(stored), as_stored)
    stays = {_words(cell) for cell in stored.cells}
    return not any(DURATION.search(words) for words in map(_words, trial.cells) if words not in stays)


def _words(cell: nbformat.NotebookNode) -> str:
    """What a cell's outputs say, without their pictures."""
    outputs = copy.deepcopy(cell.get("outputs", []))
    for output in outputs:
        output.pop("execution_count", None)
        for kind in [kind for kind in output.get("data", {}) if kind.startswith("image/")]:
            del output.data[kind]
    return json.dumps(outputs)


def run_and_store(
    path: pathlib.Path,
    anew: bool = False,
    recording: contextlib.AbstractContextManager[Any] | None = None,
) -> bool:
    """Run one notebook on an emptied sandbox and store it; outputs that say what is stored already stay as they are.

    Inside `recording` no other process records what its notebook asked for. Returns whether it ran to its end; one
    that did not is left as it was.
    """
    sandbox.reset()
    make_lesson(path)
    try:
        fresh = normalised(executed(path))
    except (CellControlSignal, DeadKernelError) as error:
        print(f"{path.name} FAILED: {error}", flush=True)
        return False
    stored = nbformat.read(path, as_version=4)
    if not anew and of_one_run(fresh, stored):
        keep_outputs(fresh, stored, as_stored)
    write(fresh, path)
    if path.is_relative_to(NOTEBOOKS):
        with recording or contextlib.nullcontext():
            account.record(path)
    return True


def run_waiting(
    waiting: "queue.Queue[list[pathlib.Path]]", anew: bool, recording: contextlib.AbstractContextManager[Any]
) -> int:
    """Run and store lesson after lesson, each with its twin, until an empty list comes; returns how many failed."""
    failed = 0
    with clean_sandbox():
        for lesson in iter(waiting.get, []):
            for path in lesson:
                began = time.monotonic()
                ran = run_and_store(path, anew, recording)
                failed += not ran
                took = f"{time.monotonic() - began:.1f} s, {path.stat().st_size / 1024:.0f} KB"
                print(f"{path.relative_to(NOTEBOOKS).as_posix()}: {took if ran else 'is left as it was'}", flush=True)
    return failed


def main() -> int:
    """Run and store; returns 0, or 1 where a notebook failed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("prefixes", nargs="*")
    options.add_argument("-n", type=int, default=3, help="how many run at a time")
    options.add_argument("--anew", action="store_true", help="store all that was said and drawn anew")
    given = options.parse_args()
    lessons_first = sorted(paths(given.prefixes), key=lambda path: (path.name, path.parent == SOLUTIONS))
    apart = [list(lesson) for _, lesson in itertools.groupby(lessons_first, key=lambda path: path.name)]
    count = max(1, min(given.n, len(apart)))
    with multiprocessing.Manager() as manager, ProcessPoolExecutor(count) as processes:
        waiting, recording = manager.Queue(), manager.Lock()
        for lesson in apart + count * [[]]:
            waiting.put(lesson)
        return int(any(processes.map(run_waiting, count * [waiting], count * [given.anew], count * [recording])))


if __name__ == "__main__":
    sys.exit(main())
