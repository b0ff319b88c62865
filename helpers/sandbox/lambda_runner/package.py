"""A function's deployment package: checked as AWS checks it, unpacked where nothing can leave its folder."""

import io
import pathlib
import re
import shutil
import stat
import tempfile
import zipfile

LARGEST_UNZIPPED = 262_144_000  # bytes; AWS Lambda developer guide, "Lambda quotas": 250 MB
_CHUNK = 1 << 20
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class BadPackage(Exception):
    """The zip cannot be a function's package; the message says why."""


def unpack(package: bytes, folder: pathlib.Path) -> None:
    """Unpack a zip into `folder`, which must not exist yet and appears only when all is in it.

    Raises BadPackage where it is no zip, is empty, is larger than AWS allows, or holds a name that leads out of
    the folder (absolute, `..`, a drive or device of Windows) or a link.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(package))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        message = "Could not unzip uploaded file. Please check your file, then try to upload again."
        raise BadPackage(message) from error
    if not entries:
        raise BadPackage("Uploaded file must be a non-empty zip")
    if sum(entry.file_size for entry in entries) > LARGEST_UNZIPPED:
        raise BadPackage(f"Unzipped size must be smaller than {LARGEST_UNZIPPED} bytes")
    for entry in entries:
        _check_name(entry)

    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half_made = pathlib.Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder.parent))
    try:
        _write(archive, entries, half_made)
        if not folder.exists():
            half_made.rename(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        message = "Could not unzip uploaded file. Please check your file, then try to upload again."
        raise BadPackage(message) from error
    finally:
        shutil.rmtree(half_made, ignore_errors=True)


def _write(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: pathlib.Path) -> None:
    room = LARGEST_UNZIPPED
    for entry in entries:
        target = folder.joinpath(*entry.filename.split("/"))
        if entry.is_dir():
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                room -= len(chunk)
                if room < 0:
                    raise BadPackage(f"Unzipped size must be smaller than {LARGEST_UNZIPPED} bytes")
                copy.write(chunk)


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
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadPackage(f"The zip holds the symbolic link {name!r}. Pack the file that it points to instead.")
