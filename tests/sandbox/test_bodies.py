"""A request's body is read within bounds: what claims too much or is no body at all is refused at once."""

import socket
from urllib.parse import urlsplit

import psutil
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import helpers
from helpers import sandbox
from tests.sandbox.test_signing import send, signed


@pytest.fixture
def place(lab: helpers.Lab) -> sandbox.Sandbox:
    found = sandbox.status()
    assert found is not None
    return found


def ask(place: sandbox.Sandbox, headers: list[str], sent: bytes = b"", keys: dict[str, str] | None = None) -> bytes:
    """The answer to a request that is signed, has these headers and this much of a body, and then just waits."""
    given = signed(place) if keys is None else keys
    host = urlsplit(place.endpoint_url).netloc
    lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in given.items() if name != "Content-Length")]
    head = "\r\n".join(["POST / HTTP/1.1", *lines, *headers, "", ""])
    with socket.create_connection(tuple(host.split(":")), timeout=10) as connection:  # type: ignore[arg-type]
        connection.sendall(head.encode() + sent)
        answered = b""
        while piece := connection.recv(65_536):
            answered += piece
    return answered


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("headers", "sent", "status"),
    [
        ([CHUNKED], b"1000000000\r\nabc", 400),  # 64 GB
        ([CHUNKED], b"3\r\nabc\r\n0\r\n\r\n", 400),
        ([CHUNKED, "Content-Length: 3"], b"3\r\nabc\r\n0\r\n\r\n", 400),
        (["Transfer-Encoding: gzip, chunked"], b"", 400),
        (["Content-Length: -1"], b"", 400),
        (["Content-Length: +3"], b"abc", 400),
        (["Content-Length: 0x3"], b"abc", 400),
        (["Content-Length: three"], b"", 400),
        (["Content-Length: 3", "Content-Length: 4"], b"abc", 400),
        (["Content-Length: 68719476736"], b"abc", 413),
        (["Content-Length: 68719476736", "Expect: 100-continue"], b"", 413),
        ([f"Content-Length: {'9' * 5_000}"], b"abc", 400),
    ],
)
def test_a_bad_body_is_refused_at_once(place: sandbox.Sandbox, headers: list[str], sent: bytes, status: int) -> None:
    server = psutil.Process(place.pid)
    before = server.memory_info().rss
    answered = ask(place, headers, sent)
    assert answered.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in answered
    assert server.memory_info().rss - before < 20_000_000


def test_who_is_not_let_in_learns_that_first(place: sandbox.Sandbox) -> None:
    for headers in ([CHUNKED], ["Content-Length: -1"], ["Content-Length: 68719476736"]):
        assert ask(place, headers, b"1000000000\r\n", keys={}).startswith(b"HTTP/1.1 403 ")


class Streaming(S3SigV4Auth):
    def payload(self, request: AWSRequest) -> str:
        return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize(("length", "status"), [("3", 200), ("68719476736", 400), ("-3", 400), ("three", 400)])
def test_an_object_in_signed_chunks_is_no_larger_than_its_body(
    lab: helpers.Lab, place: sandbox.Sandbox, length: str, status: int
) -> None:
    lab.client("s3").create_bucket(Bucket="in-chunks")
    body = b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": length,
    }
    request = AWSRequest("PUT", f"{place.endpoint_url}/in-chunks/key", data=body, headers=headers)
    Streaming(Credentials(place.access_key, place.secret_key), "s3", place.region).add_auth(request)
    answered, _, text = send(place, "PUT", "/in-chunks/key", body, dict(request.headers.items()))
    assert answered == status, text


def test_a_body_that_stops_in_the_middle_is_given_up(place: sandbox.Sandbox) -> None:
    host = urlsplit(place.endpoint_url).netloc
    lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in signed(place).items()), "Content-Length: 99"]
    with socket.create_connection(tuple(host.split(":")), timeout=10) as connection:  # type: ignore[arg-type]
        connection.sendall("\r\n".join(["POST / HTTP/1.1", *lines, "", "part"]).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")
