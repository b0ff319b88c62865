"""A request's body, read within bounds, so that what its sender claims costs nothing before it has come."""

import io
import re
from email.message import Message
from typing import BinaryIO

from helpers.sandbox.refusal import Refused

__all__ = ["check_chunks", "read", "size"]

# Bytes. A function's zip may have 50 MB on AWS, 67 MB in base64; an object in S3 more, but here it lies in memory.
LARGEST = 256 << 20
PIECE = 1 << 20  # what is set aside at once for bytes that were announced
LONGEST_LINE = 4_096  # of a chunk's header or a trailer, in bytes
MOST_TRAILERS = 64
DIGITS, HEX_DIGITS = re.compile(r"[0-9]+"), re.compile(rb"[0-9a-fA-F]{1,16}")


def size(headers: Message) -> int | None:
    """How many bytes of body `headers` announce; None for a body in chunks. Raises `Refused`, as `read` does."""
    lengths, codings = headers.get_all("Content-Length", []), headers.get_all("Transfer-Encoding", [])
    if codings:
        if lengths or [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise Refused("malformed", "A body comes either in chunks or with its length.")
        return None
    if len(set(lengths)) > 1 or not all(DIGITS.fullmatch(length.strip()) for length in lengths):
        raise Refused("malformed", "The Content-Length is not a number of bytes.")
    # Nobody needs to parse a number of thousands of digits to see that it is too large.
    digits = "".join(lengths[:1]).strip().lstrip("0")
    return _bounded(int(digits or 0) if len(digits) < 16 else LARGEST + 1)


def read(announced: int | None, source: BinaryIO) -> bytes:
    """The body of `announced` bytes, or in chunks, from `source`.

    Raises `Refused`: "malformed" for a length or a chunk that is none, "too_large" for more than `LARGEST` bytes, in
    both cases without waiting for what was announced.
    """
    body = io.BytesIO()
    if announced is None:
        _copy_chunks(source, body)
    else:
        _copy(source, body, announced)
    return body.getvalue()


def check_chunks(body: bytes, headers: Message) -> None:
    """Raise `Refused` where a body that S3 takes in chunks of its own is not in chunks, or not of the length declared.

    moto sets memory aside for the length declared, whatever it is.
    """
    content = io.BytesIO()
    _copy_chunks(io.BytesIO(body), content)
    if headers.get("X-Amz-Decoded-Content-Length", "").strip() != str(content.tell()):
        raise Refused("malformed", "The X-Amz-Decoded-Content-Length is not that of the chunks.")


def _bounded(length: int) -> int:
    if length > LARGEST:
        raise Refused("too_large", f"The sandbox takes bodies of at most {LARGEST} bytes.")
    return length


def _copy_chunks(source: BinaryIO, body: io.BytesIO) -> None:
    while True:
        digits = _line(source).split(b";", 1)[0].strip(b" \t")
        if not HEX_DIGITS.fullmatch(digits):
            raise Refused("malformed", "The size of a chunk is not a hexadecimal number.")
        if not int(digits, 16):
            break
        _copy(source, body, int(digits, 16))
        if _line(source):
            raise Refused("malformed", "A chunk is longer than its size says.")
    for _ in range(MOST_TRAILERS):
        if not _line(source):
            return
    raise Refused("malformed", "The body has too many trailers.")


def _copy(source: BinaryIO, body: io.BytesIO, length: int) -> None:
    end = _bounded(body.tell() + length)
    while body.tell() < end:
        piece = source.read(min(end - body.tell(), PIECE))
        if not piece:
            raise Refused("malformed", "The body ended before its length was reached.")
        body.write(piece)


def _line(source: BinaryIO) -> bytes:
    line = source.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise Refused("malformed", "A line between the chunks has no end.")
    return line.rstrip(b"\r\n")
