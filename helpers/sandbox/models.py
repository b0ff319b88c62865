"""botocore's models of AWS's services, in two thirds of the memory that they take otherwise."""

import gzip
import json
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

__all__ = ["Files", "loader"]


class Files(JSONFileLoader):
    """Reads models as plain dictionaries: botocore's are OrderedDicts, from a time when a dict had no order."""

    def load_file(self, file_path: str) -> Any:
        """What the file of this path, less its ending, holds; None where there is none."""
        for ending, read in ((".json", Path.read_bytes), (".json.gz", _unzipped)):
            if (path := Path(file_path + ending)).is_file():
                return json.loads(read(path))
        return None


def _unzipped(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def loader() -> Loader:
    """A session's component `data_loader`."""
    return Loader(file_loader=Files())
