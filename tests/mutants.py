"""Would the tests notice? An optional run that changes the code in one place at a time, and sees whether a test fails.

    .venv/bin/python -m tests.mutants                       200 mutants of all parts, with seed 0
    .venv/bin/python -m tests.mutants --part history -n 20 --seed 7

It works in a copy of the repository. A mutant that lives is printed with what was changed: either a test is missing,
or the change makes no difference, and then EXPLAINED says why. A part's tests run once unchanged, which shows which of
them reach which line; these come first, the quickest before the others, when a mutant of that line is tried.
"""

import argparse
import ast
import collections
import functools
import itertools
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import coverage
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "*_cache", "my-notebooks", "*.egg-info")
# Part: the files that are changed, and the tests that should notice.
PARTS = {
    "history": (
        ["history/*.py"],
        [
            "tests/history",
            "tests/test_doctests.py",
            "tests/rehearsal/test_check.py",
            "tests/workbench/test_collection.py",
        ],
    ),
    "definition": (["definition/*.py"], ["tests/definition", "tests/test_doctests.py"]),
    "planner": (["planner.py"], ["tests/test_planner.py"]),
    "engine": (["engine/*.py"], ["tests/engine"]),
    "permissions": (["deploy/permissions.py"], ["tests/deploy/test_making.py"]),
    "exercises": (["exercises/*.py"], ["tests/exercises"]),
}
# The mutant as it is printed: why no test can notice.
EXPLAINED = {
    "helpers/definition/dataflow.py within: return in 'return place'": "a path that is no text is a finding of its own",
    "helpers/definition/loops.py <module>: number in '10 ** 12'": "anything beyond a year is as long",
    "helpers/definition/loops.py fills_history: comparison in 'min(counted) > loop.turns'": (
        "it is full at about so many"
    ),
    "helpers/definition/loops.py loop_problems: comparison in 'shorter <= set(problem.states)'": (
        "two ways round through the same states have a shorter one among them"
    ),
    "helpers/definition/loops.py retry_problems: comparison in 'attempts < needed'": "it is full at about so many",
    "helpers/definition/syntax.py intrinsic: number in 'maxsize=1024'": "how many are kept changes no answer",
    "helpers/definition/loops.py retry_problems: arithmetic in 'HISTORY_EVENTS - 1'": "it is full at about so many",
    "helpers/definition/syntax.py Call: truth in 'frozen=True'": "nobody changes one; frozen only keeps it so",
    "helpers/definition/syntax.py Slice: truth in 'frozen=True'": "nobody changes one; frozen only keeps it so",
    "helpers/definition/validation.py errors: comparison in \"text.count('{') + text.count('[') <= DEEPEST\"": (
        "it only spares a look at what is surely not too deep"
    ),
    "helpers/definition/validation.py __init__: truth in 'self.ends = False'": "the outermost scope sets it first",
    "helpers/definition/walk.py Scope: truth in 'frozen=True'": "nobody changes one; frozen only keeps it so",
    "helpers/definition/walk.py State: truth in 'frozen=True'": "nobody changes one; frozen only keeps it so",
    "helpers/definition/syntax.py path: number in 'maxsize=4096'": "how many parsed paths are kept changes no answer",
    "helpers/engine/execution.py Frame: number in 'published: int = 0'": "the first event that is written sets it",
    "helpers/engine/handling.py longest: number in '366 * 86400'": "no execution lasts long enough to tell",
    "helpers/engine/scheduler.py deadline: number in 'self._cancelled -= 1'": (
        "when what was cancelled is thrown away changes no history"
    ),
    "helpers/engine/scheduler.py cancel: number in 'self._cancelled * 2'": (
        "when what was cancelled is thrown away changes no history"
    ),
    "helpers/engine/scheduler.py cancel: and or in 'self._cancelled > CANCELLED and self._cancelled * 2 > len(se'": (
        "when what was cancelled is thrown away changes no history"
    ),
    "helpers/exercises/judges.py _fewest: comparison in 'answer < wanted'": "what is equal was found right before",
    "helpers/exercises/judges.py _fewest_polls: number in \"table['tolerated'].iloc[0]\"": (
        "the tolerated delay is the same in every row"
    ),
    "helpers/exercises/judges.py _seconds_in: comparison in 'abs(float(got) - wanted) > 0.5'": (
        "whether half a second off is still right is promised nowhere"
    ),
    "helpers/exercises/slips.py shown: comparison in 'len(text) <= 60'": "where a long value is cut is not promised",
    "helpers/exercises/trial.py _machine: number in ':8'": "a name of its own may be of any length",
    "helpers/exercises/trial.py _run: number in 'maxsize=512'": "how many trials are remembered changes no verdict",
    "helpers/history/fleet.py states: truth in 'ignore_cleanup_errors=True'": (
        "a folder in use can be left behind on Windows alone"
    ),
    "helpers/history/fleet.py _list: truth in 'preserve_index=False'": "nobody asks for the column that would come",
    "helpers/history/fleet.py _list: truth in 'drop=True'": "nobody asks for the column that would come",
    "helpers/history/fleet.py states: truth in 'hive_partitioning=False'": "no query names what would come",
    "helpers/history/summaries.py _backoffs: and or in 'not pd.isna(backoff) and backoff > pd.Timedelta(0)'": (
        "what is unknown or takes no time covers none"
    ),
    "helpers/history/turns.py _turns: truth in 'strict=True'": "each turn has an end: the next one, or the last",
    "helpers/history/visit.py __init__: number in 'len(events) + 1'": "any factor that is large enough serves",
    "helpers/history/visit.py _container: number in \"branch.rfind(':', 0, end)\"": "no branch begins with a colon",
    "helpers/history/visit.py _container: comparison in 'end >= 0'": "no branch begins with a bracket or a colon",
    "helpers/history/visit.py attempts: truth in 'copy=False'": "a copy holds the same",
    "helpers/history/sources.py _ordered: number in 'range(1, len(ids) + 1)'": (
        "what is in order is then put in order all the same"
    ),
    "helpers/history/sources.py _ordered: number in 'len(ids) + 1'": (
        "what is in order is then put in order all the same"
    ),
    "helpers/history/sources.py _records: number in 'depth + 1'": (
        "how many lists in lists are too many is promised nowhere"
    ),
    "helpers/history/sources.py stamps: comparison in 'moments.max() <= _LAST'": "the last moment of all is read alone",
    "helpers/history/store.py histories: truth in 'strict=True'": "a row has a value for each of its columns",
    "helpers/history/store.py _written: number in 'secrets.token_hex(4)'": "a name that lasts while a file is written",
    "helpers/planner.py Suggestion: truth in 'frozen=True'": "nobody changes one; frozen only keeps it so",
    "helpers/planner.py Simulated: truth in 'frozen=True'": "nobody changes one; frozen only keeps it so",
    "helpers/planner.py Waiting: truth in 'frozen=True'": "nobody changes one; frozen only keeps it so",
    "helpers/planner.py <module>: number in 'MOST_RETRIES = 8000'": "a history has room for a few retries more",
    "helpers/planner.py _asked: number in 'limit=200'": "an attempt may last an event longer",
    "helpers/planner.py _keep_alive: number in 'beat / 2'": "a worker may say more often that it lives",
    "helpers/planner.py _others: number in 'value - 1'": "any number but the good one makes most machines ask again",
    "helpers/planner.py _others: number in 'value + 1'": "any number but the good one makes most machines ask again",
    "helpers/planner.py _waiting: comparison in 'like.pending is not None'": "what is known is then found anew",
    "helpers/planner.py _waiting: number in 'maxsize=256'": "how many machines are remembered changes no figure",
    "helpers/planner.py chart: number in '(0, 6)'": "a label stands a point further off",
    "helpers/planner.py chart: number in 'fontsize=8'": "a label is a point larger",
    "helpers/planner.py chart: number in 'markersize=12'": "a cross is a point larger",
    "helpers/planner.py fitted: number in 'math.ceil(2 * call) + 1'": "a time-out may be a second longer",
    "helpers/planner.py simulate: number in 'definition: Mapping[str, Any], jobs: Jobs, *, call: float=0.'": (
        "any seed will do that is always the same"
    ),
    "helpers/planner.py simulate: arithmetic in 'seed + at'": "any seeds will do that differ",
    "helpers/planner.py suggest: comparison in \"figures['worst_delay'] <= tolerated + SAME\"": (
        "no delay is longer by just that"
    ),
}
SECONDS = 600
FIRST = "MUTANTS_FIRST"  # names the file that says which tests come first

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
}


@dataclass(frozen=True)
class Mutant:
    """A file with one place changed: its path in the repository, its new text, and where and what was changed.

    It goes by a name without its line, which moves with each change above it.
    """

    path: pathlib.Path
    source: str
    lines: range
    change: str

    def __str__(self) -> str:
        return f"{self.path.as_posix()} {self.change}"


def changed(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The ways to change a node, each with what is then there in its place."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in SWAPPED:
            yield "comparison", ast.Compare(node.left, [SWAPPED[type(op)]()], node.comparators)
        case ast.BoolOp(op=op):
            yield "and or", ast.BoolOp(SWAPPED[type(op)](), node.values)
        case ast.BinOp(op=op) if type(op) in SWAPPED:
            yield "arithmetic", ast.BinOp(node.left, SWAPPED[type(op)](), node.right)
        case ast.UnaryOp(op=ast.Not()):
            yield "not", node.operand
        case ast.Constant(value=bool(value)):
            yield "truth", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield "number", ast.Constant(value + 1)
        case ast.IfExp():
            yield "condition", ast.IfExp(node.test, node.orelse, node.body)
        case ast.Continue():
            yield "continue", ast.Break()
        case ast.Return(value=ast.Constant(value=None)):
            return
        case ast.Return(value=ast.expr()):
            yield "return", ast.Return(ast.Constant(None))


@functools.cache
def places(path: pathlib.Path) -> list[tuple[ast.Module, ast.AST, str, int | None, str, ast.AST]]:
    """Where a file can be changed: its tree, the node's parent, field and index there, what is changed, what comes."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return [
        (tree, parent, field, index if isinstance(value, list) else None, what, new)
        for parent in ast.walk(tree)
        for field, value in ast.iter_fields(parent)
        if field not in ("annotation", "returns")
        for index, node in enumerate(value if isinstance(value, list) else [value])
        if isinstance(node, ast.AST)
        for what, new in changed(node)
    ]


def mutant(path: pathlib.Path, place: tuple[ast.Module, ast.AST, str, int | None, str, ast.AST]) -> Mutant:
    """A file of `helpers` with this place changed; its tree is as before afterwards."""
    tree, parent, field, index, what, new = place
    holder = getattr(parent, field)
    node = holder if index is None else holder[index]
    swapped = new if index is None else [*holder[:index], new, *holder[index + 1 :]]
    # A bare number says little, so what is around it is shown.
    shown = ast.unparse(parent if isinstance(node, ast.Constant) else node)[:60]
    setattr(parent, field, swapped)
    source = ast.unparse(ast.fix_missing_locations(tree))
    setattr(parent, field, holder)
    lines = range(getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) + 1)
    return Mutant(path, source, lines, f"{around(tree, lines.start)}: {what} in {shown!r}")


def around(tree: ast.Module, line: int) -> str:
    """The name of the innermost function or class that has this line."""
    names = [
        one.name
        for one in ast.walk(tree)  # what is outside comes first
        if isinstance(one, ast.FunctionDef | ast.ClassDef)
        and min(part.lineno for part in (one, *one.decorator_list)) <= line <= (one.end_lineno or 0)
    ]
    return names[-1] if names else "<module>"


def chosen(parts: list[str], number: int, seed: int) -> list[tuple[str, Mutant]]:
    """As many mutants of each part as of any other, none twice, drawn by the seed; other parts change nothing here."""
    found = []
    for part in parts:
        drawn = random.Random(seed)
        paths = sorted(path.relative_to(ROOT) for of in PARTS[part][0] for path in (ROOT / "helpers").glob(of))
        sizes = [(ROOT / path).stat().st_size for path in paths]
        left = {path: list(places(path)) for path in paths}
        for path in drawn.choices(paths, sizes, k=-(-number // len(parts))):
            if left[path]:
                found.append((part, mutant(path, left[path].pop(drawn.randrange(len(left[path]))))))
    return found[:number]


def tested(tests: list[str], clone: pathlib.Path, *options: str) -> bool:
    """Whether all tests pass in the copy as it stands."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "tests.mutants", *options]
    environment = {**os.environ, "PYTHONPATH": str(clone), FIRST: str(clone / "first.json")}
    try:
        ran = subprocess.run([*command, *tests], cwd=clone, env=environment, capture_output=True, timeout=SECONDS)
        return ran.returncode == 0
    except subprocess.TimeoutExpired:
        return False


@dataclass(frozen=True)
class Unchanged:
    """The tests of a part, run on the code as it is: which reach which line, and how long each takes (s)."""

    tests: list[str]
    reached: coverage.CoverageData
    seconds: dict[str, float]

    def near(self, path: pathlib.Path, lines: range) -> list[str]:
        """The tests that reach one of these lines, the quickest first."""
        found = self.reached.contexts_by_lineno(str(path))
        names = {context.split("|")[0] for line in lines for context in found.get(line, [])}
        return sorted(names & self.seconds.keys(), key=self.seconds.__getitem__)


def unchanged(tests: list[str], clone: pathlib.Path) -> Unchanged:
    """Run a part's tests on the code as it is; one that fails ends it all."""
    (clone / "first.json").unlink(missing_ok=True)
    if not tested(tests, clone, "--cov", "--cov-context=test", "--cov-report=", "--dist=no"):
        raise SystemExit(f"A test of {' or '.join(tests)} fails before anything is changed.")
    reached = coverage.CoverageData(str(clone / ".coverage"))
    reached.read()
    return Unchanged(tests, reached, json.loads((clone / "first.json").read_text(encoding="utf-8")))


def lives(mutant: Mutant, unchanged: Unchanged, clone: pathlib.Path) -> bool:
    """Whether all tests pass with the mutant in the place of its file."""
    path = clone / mutant.path
    (clone / "first.json").write_text(json.dumps(unchanged.near(path, mutant.lines)), encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.source, encoding="utf-8")
    # One that never ends need not be waited for as long as all tests take.
    longest = math.ceil(60 + 5 * max(unchanged.seconds.values()))
    try:
        return tested(unchanged.tests, clone, "-o", f"faulthandler_timeout={longest}")
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where this module is pytest's plugin: the tests that are named in a file come first, in its order."""
    first = pathlib.Path(os.environ[FIRST])
    if first.exists():
        ranks = {name: rank for rank, name in enumerate(json.loads(first.read_text(encoding="utf-8")))}
        items.sort(key=lambda item: ranks.get(item.nodeid, len(ranks)))


_seconds: collections.Counter[str] = collections.Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration  # type: ignore[assignment]


def pytest_sessionfinish() -> None:
    """Leave what each test took, unless that is known."""
    first = pathlib.Path(os.environ[FIRST])
    if not first.exists():
        first.write_text(json.dumps(_seconds), encoding="utf-8")


def main() -> int:
    """Print each mutant that lives and is not explained; returns 1 where more than one in ten does."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--part", choices=list(PARTS), action="append")
    options.add_argument("-n", "--number", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    alive = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        clone = pathlib.Path(shutil.copytree(ROOT, pathlib.Path(folder) / "clone", ignore=LEFT_OUT))
        drawn = chosen(asked.part or list(PARTS), asked.number, asked.seed)
        for part, mutants in itertools.groupby(drawn, key=lambda one: one[0]):
            before = unchanged(PARTS[part][1], clone)
            for _, mutant in mutants:
                if str(mutant) in EXPLAINED or not lives(mutant, before, clone):
                    continue
                alive += 1
                print(f"lives: {mutant}, line {mutant.lines.start}", flush=True)
    print(f"{alive} of {len(drawn)} live.")
    return int(alive > len(drawn) / 10)


if __name__ == "__main__":
    sys.exit(main())
