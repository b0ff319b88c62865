"""Imports point one way, as the README's picture of the house says."""

import ast
import collections
import pathlib
import re
import subprocess
import sys

import networkx as nx
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
HELPERS = ROOT / "helpers"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def floors():
    """The lines of README's drawing of helpers/, from the faces down to the data; each a set of parts."""
    drawing = re.search(r"^helpers/\n(.*?)^  sandbox/ ", README, re.MULTILINE | re.DOTALL)[1]
    return [set(re.match(r"  (\w+(?:, \w+)*)  +\S", line)[1].split(", ")) for line in drawing.splitlines()]


LEVEL = {name: level for level, names in enumerate(floors()) for name in names}
DATA = {"history", "definition", "diagram", "planner", "rehearsal", "chart", "engine"}
NETWORK = {"boto3", "botocore", "urllib.request", "http", "socket", "requests"}


def modules():
    return sorted(HELPERS.rglob("*.py"))


def imported(path, skip_types=False):
    """Every module that a file imports, at its top or anywhere in it."""
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING" and skip_types:
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            places = {name: ROOT / name.replace(".", "/") for name in names}
            inner = [name for name, place in places.items() if place.is_dir() or place.with_suffix(".py").exists()]
            yield from inner or [node.module, *names]


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
        assert used <= {"engine", "definition", "errors", "limits"}
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


def test_no_two_modules_have_one_name():
    """But for an execution, which the engine runs, the service keeps and we ask for."""
    names = collections.Counter(path.stem for path in modules() if not path.stem.startswith("__"))
    assert {name: count for name, count in names.items() if count > 1} == {"execution": 3}


@pytest.mark.parametrize("package", ["athena", "integrations", "lambda_runner"])
def test_a_package_that_lists_its_modules_lists_those_there_are(package):
    folder = HELPERS / "sandbox" / package
    listed = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))).split("\n\n")[1]
    named = set(re.findall(r"`(\w+)`", listed))
    assert named == {path.stem for path in folder.glob("*.py")} - {"__init__"}


def circles(skip_types):
    """Modules that import one another, each circle once; `skip_types` leaves out what is imported for its types."""
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules()}
    known = {name.removesuffix(".__init__") for name in names.values()}
    ways = nx.DiGraph()
    for path, name in names.items():
        own = name.removesuffix(".__init__")
        ways.add_edges_from((own, other) for other in imported(path, skip_types) if other in known - {own})
    return [sorted(circle) for circle in nx.strongly_connected_components(ways) if len(circle) > 1]


def test_no_modules_import_one_another():
    assert circles(skip_types=True) == []


def test_types_go_round_only_where_a_tree_is_made_of_them():
    """A frame, its state and its machine name one another, as an execution, its watch and its Map Runs do."""
    around = {name.split(".")[1] for circle in circles(skip_types=False) for name in circle}
    assert around <= {"engine", "sandbox"}


def test_an_import_changes_no_setting_of_others():
    code = (
        "import pandas as pd; before = pd.options.display.html.use_mathjax; "
        "import helpers.workbench, helpers.exercises, helpers.live, helpers.timeline, helpers.planner; "
        "print(pd.options.display.html.use_mathjax == before)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True"


def test_importing_the_engine_loads_nothing_heavy_and_starts_no_thread():
    heavy = ["moto", "boto3", "botocore", "flask", "pandas", "networkx", "numpy", "jsonata", "asyncio"]
    code = (
        "import sys, threading; import helpers.engine as e; "
        "e.run({'StartAt': 'A', 'States': {'A': {'Type': 'Succeed'}}}); "
        f"print([name for name in {heavy} if name in sys.modules], threading.active_count())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[] 1"
