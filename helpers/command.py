"""The command line, `sfn-lab`: the notebooks to work in, and the sandbox by hand."""

import json
import os
import shutil
from pathlib import Path

import click

from helpers import jupyter_extension
from helpers.definition.library import kept
from helpers.sandbox.__main__ import Commands, sandbox

__all__ = ["copy_notebooks", "main"]

FOLDER = "my-notebooks"
KINDS = ("*.ipynb", "solutions/*.ipynb", "samples/*", "pictures/*")


@click.group(cls=Commands)
def main() -> None:
    """Waiting with AWS Step Functions: the notebooks, and the sandbox that they run on."""


main.add_command(sandbox)


@main.command()
@click.option("--copy-only", is_flag=True, help="Open nothing: for VS Code, or a Jupyter that runs already.")
def notebooks(copy_only: bool) -> None:
    """Copy the notebooks into ./my-notebooks, never over what is there, and open JupyterLab on them."""
    folder = Path(FOLDER)
    for line in copy_notebooks(folder):
        click.echo(line)
    if copy_only:
        click.echo(f"The notebooks are in {folder.resolve()}.")
        return
    from jupyterlab.labapp import LabApp

    # In this folder lies the answer to the question about news that JupyterLab would open with.
    settings = [str(Path(jupyter_extension.__file__).parent), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, settings))
    LabApp.launch_instance(argv=[str(folder)])


def copy_notebooks(folder: Path) -> list[str]:
    """Copy notebooks, solutions, samples and pictures to where a learner works in them.

    Parameters
    ----------
    folder
        Where the copies go. A file that is there stays as it is, whatever was done to it. Where ours has changed since
        it was copied, ours comes beside it, with `-new` in its name.

    Returns
    -------
    A sentence for each file that came beside another.
    """
    said = []
    source = kept("notebooks")
    for path in sorted(path for kind in KINDS for path in source.glob(kind) if path.is_file()):
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        place, there = copy, []
        while place.exists():
            there.append(_version(place))
            place = place.with_stem(f"{place.stem}-new")
        if _version(path) in there:
            continue
        shutil.copyfile(path, place)
        if there:
            said.append(f"{copy} stays as it is; a newer one lies beside it: {place.name}.")
    return said


def _version(path: Path) -> object:
    """What stays the same however a learner works in a copy: of a notebook, the digest that it was stored with."""
    if path.suffix == ".ipynb":
        try:
            return json.loads(path.read_text(encoding="utf-8"))["metadata"]["sources"]
        except (ValueError, TypeError, KeyError):
            return None
    return path.read_bytes()
