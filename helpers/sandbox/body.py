"""A request's body, read within bounds, so that what its sender claims costs nothing before it has come."""

import io
import re
from email.message import Message
from typing import BinaryIO

from helpers.sandbox.refusal import Refused

__all__ = ["read"]

# Bytes. A function's zip may have 50 MB on AWS, 67 MB in base64; an object in S3 more, but here it lies in memory.
LARGEST = 256 << 20
PIECE = 1 << 20  # what is set aside at once for bytes that were announced
LONGEST_LINE = 4_096  # of a chunk's header or a trailer, in bytes
MOST_TRAILERS = 64
DIGITS, HEX_DIGITS = re.compile(r"[0-9]+"), re.compile(rb"[0-9a-fA-F]{1,16}")


def read(headers: Message, source: BinaryIO) -> bytes:
    """The body that `headers` announce, from `source`.

    Raises `Refused`: "malformed" for a length or a chunk that is none, "too_large" for more than `LARGEST` bytes, in
    both cases without waiting for what was announced.
    """
    lengths, codings = headers.get_all("Content-Length", []), headers.get_all("Transfer-Encoding", [])
    body = io.BytesIO()
    if codings:
        if lengths or [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise Refused("malformed", "A body comes either in chunks or with its length.")
        _copy_chunks(source, body)
    elif lengths:
        if len(set(lengths)) > 1 or not DIGITS.fullmatch(lengths[0].strip()):
            raise Refused("malformed", "The Content-Length is not a number of bytes.")
        # Nobody needs to parse a number of thousands of digits to see that it is too large.
        digits = lengths[0].strip().lstrip("0")
        _copy(source, body, int(digits or 0) if len(digits) < 16 else LARGEST + 1)
    return body.getvalue()


def _copy_chunks(source: BinaryIO, body: io.BytesIO) -> None:
    while True:
        size = _line(source).split(b";", 1)[0].strip(b" \t")
        if not HEX_DIGITS.fullmatch(size):
            raise Refused("malformed", "The size of a chunk is not a hexadecimal number.")
        if not int(size, 16):
            break
        _copy(source, body, int(size, 16))
        if _line(source):
            raise Refused("malformed", "A chunk is longer than its size says.")
    for _ in range(MOST_TRAILERS):
        if not _line(source):
            return
    raise Refused("malformed", "The body has too many trailers.")


def _copy(source: BinaryIO, body: io.BytesIO, size: int) -> None:
    if body.tell() + size > LARGEST:
        raise Refused("too_large", f"The sandbox takes bodies of at most {LARGEST} bytes.")
    while size:
        piece = source.read(min(size, PIECE))
        if not piece:
            raise Refused("malformed", "The body ended before its length was reached.")
        body.write(piece)
        size -= len(piece)


def _line(source: BinaryIO) -> bytes:
    line = source.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise Refused("malformed", "A line between the chunks has no end.")
    return line.rstrip(b"\r\n")
