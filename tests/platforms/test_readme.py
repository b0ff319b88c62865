"""README's commands for other systems are those for Linux in that system's words."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SET_UP = [(kind, line) for kind, block in BLOCKS for line in block.splitlines() if " -m venv " in line]
LINUX = [line for _, line in SET_UP if line.startswith("python3 ")]


def test_linux_sets_up_and_tests_with_one_command_each() -> None:
    assert [line.rpartition(" && ")[2] for line in LINUX] == [
        ".venv/bin/sfn-lab notebooks",
        ".venv/bin/python -m pytest -n 3",
    ]


def test_a_mac_s_commands_name_the_python() -> None:
    mac = [line for _, line in SET_UP if line.startswith("python3.13 ")]
    assert mac == [line.replace("python3 ", "python3.13 ") for line in LINUX]


def test_powershell_s_commands_name_the_python_and_need_no_newer_powershell() -> None:
    commands = [line for kind, line in SET_UP if kind == "powershell"]
    # Windows PowerShell 5.1 knows neither && nor ||.
    assert not [line for kind, block in BLOCKS if kind == "powershell" for line in block.splitlines() if "&&" in line]
    plain = [line.replace("; if ($?) {", " &&").replace(" }", "").replace(" };", "") for line in commands]
    plain = [line.replace("py -3.13 ", "python3 ").replace(".venv\\Scripts\\", ".venv/bin/") for line in plain]
    assert plain == LINUX


@pytest.mark.parametrize("command", ["conda", "python -m tests"])
def test_what_all_systems_type_alike_has_no_and(command: str) -> None:
    assert not [line for _, block in BLOCKS for line in block.splitlines() if command in line and "&&" in line]


def test_the_pythons_named_are_those_that_pip_takes() -> None:
    bounds = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert bounds == ">=3.11,<3.14"
    named = set(re.findall(r"(?:py -|python)(3\.\d+)", " ".join(line for _, line in SET_UP)))
    assert named == {"3.13"}
    assert "Python 3.11, 3.12 or 3.13 (pip refuses any other)" in README
