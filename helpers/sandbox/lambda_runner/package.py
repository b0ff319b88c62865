"""A function's deployment package: checked as AWS checks it, unpacked where nothing can leave its folder."""

import contextlib
import errno
import io
import stat
import tempfile
import zipfile
from collections.abc import Iterator

LARGEST_UNZIPPED = 262_144_000  # bytes; AWS Lambda developer guide, "Lambda quotas": 250 MB
UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
# How a disk refuses a name that is too long or impossible, or a file's and a folder's at once.
BAD_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}


class BadPackage(Exception):
    """The zip cannot be a function's package; the message says why."""


def check(package: bytes) -> None:
    """Raise BadPackage where a zip cannot be unpacked, by trying that too."""
    archive = opened(package)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _reading():
        archive.extractall(folder)


def opened(package: bytes) -> zipfile.ZipFile:
    """The zip of a function.

    Raises BadPackage where it is no zip, is empty, larger than AWS allows, or holds a link or a name that leads out of
    a folder (absolute, `..`, a drive of Windows).
    """
    with _reading():
        archive = zipfile.ZipFile(io.BytesIO(package))
        entries = archive.infolist()
    if not entries:
        raise BadPackage("Uploaded file must be a non-empty zip")
    if sum(entry.file_size for entry in entries) > LARGEST_UNZIPPED:
        raise BadPackage(f"Unzipped size must be smaller than {LARGEST_UNZIPPED} bytes")
    for entry in entries:
        _check_name(entry)
    return archive


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """While inside, whatever goes wrong is the zip's fault."""
    try:
        yield
    # Damaged bytes raise a dozen kinds, according to where they are met: zlib's and lzma's, struct's, of seeking ...
    except Exception as error:
        if getattr(error, "errno", None) not in (None, *BAD_NAMES):
            raise  # what the disk refuses
        raise BadPackage(UNREADABLE) from error


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    outside = any(part in ("", ".", "..") for part in name.rstrip("/").split("/"))
    if outside or any(mark in name for mark in "\\:\0"):
        raise BadPackage(
            f"The zip holds the name {name!r}, which could lead outside the function's folder. "
            "Pack the files with relative names and forward slashes."
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadPackage(f"The zip holds the symbolic link {name!r}. Pack the file that it points to instead.")
