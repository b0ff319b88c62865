"""What CONTRIBUTING says works, in a copy of the repository."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "*_cache", "my-notebooks", "*.egg-info")


def blocks(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("copy") / "clone", ignore=LEFT_OUT))


def put(copy: pathlib.Path, block: str) -> None:
    """Write a block into the file that its first line names, at its end where there is one."""
    first, content = block.split("\n", 1)
    path = copy / re.fullmatch(r"(?:#|//) (\S+)", first)[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") + "\n\n" if path.exists() else ""
    path.write_text(before + content, encoding="utf-8")


def typed(copy: pathlib.Path, line: str) -> subprocess.CompletedProcess[str]:
    program, *words = shlex.split(line)
    assert program == ".venv/bin/python"
    # Here the fast tests are only found: this test would else run the others once more.
    words += ["--collect-only"] if "fast" in words else []
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run([sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(not os.environ.get("RUN_BLOCKS"), reason="takes some minutes: set RUN_BLOCKS=1")
@pytest.mark.parametrize("section", [name for name, text in SECTIONS.items() if blocks(text)])
def test_every_block_works(copy, section):
    """In the order of the page, since a lesson comes before its exercise."""
    for kind, block in blocks(SECTIONS[section]):
        if kind != "bash":
            put(copy, block)
            continue
        for line in block.splitlines():
            ran = typed(copy, line)
            assert ran.returncode == 0, f"{line}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"


def test_every_path_that_is_named_is_there():
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)+)`", TEXT)
    assert len(named) > 8
    assert not [
        path
        for path in named
        if not path.startswith((".venv", "definitions/functions/")) and not (ROOT / path).exists()
    ]


def test_the_workflow_runs_the_checks_on_every_system_and_python_that_we_name():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8"))
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 reads the key `on` as true
    (job,) = workflow["jobs"].values()
    assert {system.split("-")[0] for system in job["strategy"]["matrix"]["os"]} == {"ubuntu", "macos", "windows"}
    pythons = job["strategy"]["matrix"]["python"]
    assert pythons == ["3.11", "3.12", "3.13"], "as texts: 3.10 would else be 3.1"
    assert job["runs-on"] == "${{ matrix.os }}"
    run = [step["run"] for step in job["steps"] if "run" in step]
    # Of the types those of the system that runs: GitHub's Windows looks at its own.
    checks = re.findall(
        r"^\.venv/bin/(python -m (?:ruff .*|mypy))$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.M
    )
    assert len(checks) == 3
    assert set(checks) <= set(run)
    assert {step["run"] for step in job["steps"] if "pytest" in step.get("run", "")} == {
        "python -m pytest -m fast --cov",
        'python -m pytest -m "not fast"',
    }


def test_every_variable_that_a_test_asks_for_is_named():
    asked = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"environ(?:\.get\(|\[)\"(RUN_\w+)", path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 6
    assert asked == set(re.findall(r"`(RUN_\w+)=1`", TEXT))


def test_what_runs_before_a_commit_is_what_ci_runs():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = config["repos"][0]["hooks"]
    stages = {stage for hook in hooks for stage in hook.get("stages", ["pre-commit"])}
    assert stages == set(config["default_install_hook_types"]), "what `pre-commit install` installs"
    entries = {hook["entry"].removeprefix(".venv/bin/python -m ") for hook in hooks}
    assert {"ruff check", "ruff format", "mypy", "pytest -q -m fast"} == entries


def test_the_changelog_names_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
