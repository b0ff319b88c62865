"""botocore's models of AWS's services, in two thirds of the memory that they take otherwise."""

import gzip
import json
import os
from typing import Any

from botocore.loaders import JSONFileLoader

__all__ = ["Files"]


class Files(JSONFileLoader):
    """Reads models as plain dictionaries: botocore's are OrderedDicts, from a time when a dict had no order."""

    def load_file(self, file_path: str) -> Any:
        """What the file of this path, less its ending, holds; None where there is none."""
        for path, opened in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if os.path.isfile(path):
                with opened(path, "rb") as file:
                    return json.load(file)
        return None
