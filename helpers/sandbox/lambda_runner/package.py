"""A function's deployment package: checked as AWS checks it, unpacked where nothing can leave its folder."""

import contextlib
import io
import pathlib
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator

from helpers.sandbox import files

LARGEST_UNZIPPED = 262_144_000  # bytes; AWS Lambda developer guide, "Lambda quotas": 250 MB
UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
LONGEST_NAME = 255  # bytes of UTF-8 in a file's or folder's own name, on every file system that we know
HALF_MADE = "unpacking-"  # how the folder of a package begins that is not unpacked yet
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class BadPackage(Exception):
    """The zip cannot be a function's package; the message says why."""


def unpack(package: bytes, folder: pathlib.Path) -> None:
    """Unpack a zip into `folder`, which must not exist yet and appears only when all is in it.

    Raises BadPackage where it is no zip, is damaged, empty, larger than AWS allows, or holds a name that leads out of
    the folder (absolute, `..`, a drive or device of Windows) or a link.
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

    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half_made = pathlib.Path(tempfile.mkdtemp(prefix=HALF_MADE, dir=folder.parent))
    try:
        with _reading():
            archive.extractall(half_made)
        try:
            files.patiently(lambda: half_made.rename(folder))
        except OSError:
            # Another request may have unpacked the same package meanwhile.
            if not folder.exists():
                raise
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise BadPackage(UNREADABLE) from error  # one name is a file's and a folder's
    finally:
        files.remove(half_made)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """While inside, whatever goes wrong is the zip's fault."""
    try:
        yield
    # Damaged bytes raise a dozen kinds, according to where they are met: zlib's and lzma's, struct's, of seeking ...
    except Exception as error:
        if getattr(error, "errno", None) is not None:
            raise  # what the disk refuses
        raise BadPackage(UNREADABLE) from error


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    parts = name.rstrip("/").split("/")
    outside = name.startswith("/") or any(part in ("", ".", "..") for part in parts)
    foreign = any(mark in name for mark in "\\:\0") or any(
        _WINDOWS_DEVICE.fullmatch(part) or part.endswith((".", " ")) for part in parts
    )
    if outside or foreign:
        raise BadPackage(
            f"The zip holds the name {name!r}, which could lead outside the function's folder. "
            "Pack the files with relative names and forward slashes."
        )
    if any(len(part.encode(errors="replace")) > LONGEST_NAME for part in parts):
        raise BadPackage(f"The zip holds a name of more than {LONGEST_NAME} bytes. Pack the file under a shorter one.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadPackage(f"The zip holds the symbolic link {name!r}. Pack the file that it points to instead.")
