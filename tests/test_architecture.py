"""Imports point one way, as the README's picture of the house says."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
HELPERS = ROOT / "helpers"
# From the faces down to the data; what stands on one line may use what stands below it.
FLOORS = [
    {"command"},
    {"workbench", "exercises", "jupyter_extension"},
    {"timeline", "live"},
    {"deploy", "execution"},
    {"calls"},
    {"lab"},
    {"planner"},
    {"diagram", "history"},
    {"engine"},
    {"definition"},
    {"errors", "chart", "verbatim"},
]
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}
DATA = {"history", "definition", "diagram", "planner", "chart", "engine"}
NETWORK = {"boto3", "botocore", "urllib.request", "http", "socket", "requests"}


def modules():
    return sorted(HELPERS.rglob("*.py"))


def imported(path):
    """Every module that a file imports, at its top or anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(path):
    """Which part of the house a file belongs to."""
    return path.relative_to(HELPERS).parts[0].removesuffix(".py")


def ours(path):
    """The parts of the house that a file imports."""
    for name in imported(path):
        found = re.match(r"helpers\.(\w+)", name)
        if found and (HELPERS / found[1]).exists() | (HELPERS / f"{found[1]}.py").exists():
            yield found[1]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_down(path):
    own = part(path)
    if own in ("__init__", "command"):
        return  # the package itself, and the command line, which has the sandbox's own
    used = set(ours(path)) - {own}
    if own == "sandbox":
        assert used <= {"engine", "definition", "errors"}
    elif "sandbox" in used:
        assert own == "lab", "only the Lab starts the sandbox"
    higher = {name for name in used - {"sandbox"} if own != "sandbox" and LEVEL[name] < LEVEL[own]}
    assert not higher, f"{own} lies below {', '.join(sorted(higher))}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_data_never_reaches_the_network(path):
    if part(path) in DATA:
        assert not {name for name in imported(path) if name in NETWORK or name.split(".")[0] in NETWORK}


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_the_sandbox_knows_moto(path):
    if part(path) != "sandbox":
        assert not {name for name in imported(path) if name.split(".")[0] == "moto"}


def test_every_part_of_the_house_has_its_floor():
    parts = {part(path) for path in modules()} - {"__init__", "sandbox"}
    assert parts == set(LEVEL)


def test_every_part_is_named_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## How it is built")[1]
    assert not {name for name in {*LEVEL, "sandbox"} if name not in readme}


def test_importing_the_engine_loads_nothing_heavy_and_starts_no_thread():
    heavy = ["moto", "boto3", "botocore", "flask", "pandas", "networkx", "numpy", "jsonata", "asyncio"]
    code = (
        "import sys, threading; import helpers.engine as e; "
        "e.run({'StartAt': 'A', 'States': {'A': {'Type': 'Succeed'}}}); "
        f"print([name for name in {heavy} if name in sys.modules], threading.active_count())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[] 1"
