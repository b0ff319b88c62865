"""The stored histories that the notebooks look into."""

from pathlib import Path

from helpers.definition.library import kept
from helpers.errors import UnknownName

__all__ = ["sample"]


def sample(name: str) -> Path:
    """The file of a stored history, such as `endless-loop`; its definition lies beside it as `endless-loop.asl.json`.

    Raises `UnknownName` with the names there are.
    """
    folder = kept("notebooks/samples")
    names = sorted(path.stem for path in folder.glob("*.json") if not path.name.endswith(".asl.json"))
    if name not in names:
        raise UnknownName(f"There is no sample named {name!r}; there are: {', '.join(names)}.")
    return folder / f"{name}.json"
