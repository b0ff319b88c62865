"""A Lambda function's source folder as a zip that is the same, byte for byte, as long as the source is."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path

from helpers.errors import NotFound

__all__ = ["archive", "digest"]

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest stamp that a zip can hold
UNIX = 3  # zipfile writes another number on Windows


def archive(source: Path) -> bytes:
    """Zip a folder (its content at the zip's root) or a single file.

    Files are stored, not compressed, because two zlibs may pack the same bytes differently. What Python and
    editors leave behind (`__pycache__`, names that begin with a dot) is left out.

    Raises NotFound when there is no such folder or no file in it.
    """
    if source.is_file():
        files = {source.name: source}
    else:
        files = {path.relative_to(source).as_posix(): path for path in source.rglob("*") if path.is_file()}
    kept = {
        name: path
        for name, path in files.items()
        if not any(part == "__pycache__" or part.startswith(".") for part in name.split("/"))
    }
    if not kept:
        raise NotFound(f"There is no source for a function at {source}: give a folder or a .py file.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as zipped:
        for name in sorted(kept):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = UNIX
            entry.external_attr = 0o644 << 16
            content = kept[name].read_bytes()
            # A Python source gets everybody's line ends, which mean the same to Python.
            zipped.writestr(entry, content.replace(b"\r\n", b"\n") if name.endswith(".py") else content)
    return packed.getvalue()


def digest(packed: bytes) -> str:
    """The zip's SHA-256 as Lambda gives it in CodeSha256."""
    return base64.b64encode(hashlib.sha256(packed).digest()).decode()
