"""The conda environment and pyproject.toml are one set of pins; README and CI say the same commands."""

import pathlib
import re
import tomllib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
# conda-forge's name -> PyPI's name, where they differ
NAMES = {"python-graphviz": "graphviz", "matplotlib-base": "matplotlib", "python-duckdb": "duckdb"}
CONDA_ONLY = {"python", "pip", "graphviz"}


def pins(lines, separator):
    return dict(line.split(separator) for line in lines)


def test_conda_has_the_same_pins_as_pip():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    by_conda = [e for e in conda if isinstance(e, str) and re.split("[<>=]", e)[0] not in CONDA_ONLY]
    assert "--editable ." in by_pip
    found = {NAMES.get(name, name): version for name, version in pins(by_conda, "=").items()}
    found |= pins((line for line in by_pip if "==" in line), "==")
    assert found == pins(project["dependencies"], "==")


def test_conda_allows_the_same_pythons():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert f"python{project['requires-python']}" in conda


def test_constraints_agree_with_the_direct_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = [*project["dependencies"], *(pin for extra in project["optional-dependencies"].values() for pin in extra)]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    held = pins((line.split(" ;")[0] for line in lines if "==" in line), "==")
    for name, version in pins(direct, "==").items():
        assert held[re.sub(r"\[.*]", "", name)] == version
    assert not any("://" in line for line in lines), "a constraints file names no registry's host"


def test_ci_runs_the_test_command_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    command = next(line for line in readme.splitlines() if line.startswith("python3 -m venv") and "pytest" in line)
    assert command in (ROOT / ".ci/run").read_text()


def test_readme_never_installs_the_strangers_package():
    assert not re.search(r"pip3? install (-\S+ )*helpers\b", (ROOT / "README.md").read_text())
