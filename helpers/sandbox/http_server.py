"""The HTTP server: takes requests, lets in those that are signed, and hands them to moto."""

import contextlib
import datetime
import functools
import io
import logging
import re
import time
from typing import Any

from botocore.credentials import Credentials
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.test import run_wsgi_app

from helpers.sandbox import actions, control, delays, identities, process, refusal, signing, states_api
from helpers.sandbox.clock import clock
from helpers.sandbox.refusal import Answer, Refused

__all__ = ["Server"]

# Bytes. A function's zip may have 50 MB on AWS, 67 MB in base64; an object in S3 more, but here it lies in memory.
LARGEST = 256 << 20
# A body up to this many bytes is read even when its request is refused, so that the sender gets to read the refusal.
POLITE = 1_000_000
PATIENCE = 60.0  # seconds without a byte, after which a body is given up
# moto's own surfaces: its dashboard and switches, and an instance's metadata.
CLOSED = ("/moto-api", "/favicon.ico", "/latest/meta-data/", "/latest/api/")

logger = logging.getLogger(__name__)


class Server(ThreadedWSGIServer):
    """An HTTP server on a free port of 127.0.0.1, in front of moto."""

    request_queue_size = 256

    def __init__(self, access_key: str, secret_key: str) -> None:
        super().__init__("127.0.0.1", 0, Moto(), RequestHandler)
        self.keys = Credentials(access_key, secret_key)
        self.hosts = {f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}"}
        self.last_used = time.monotonic()


class Moto(DomainDispatcherApplication):
    """moto's services. It looks for a service by listing its own folder at every request; here that is remembered."""

    def __init__(self) -> None:
        super().__init__(_application)
        self.get_backend_for_host = functools.cache(super().get_backend_for_host)  # type: ignore[method-assign]


def _application(service: Any) -> Any:
    if service is None:
        raise NotImplementedError("this service")
    return create_backend_app(service)


class RequestHandler(MotoRequestHandler):
    """One connection, kept open for many requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    # Werkzeug's own loop closes each connection, and an unbuffered answer is held back by Nagle's algorithm.
    disable_nagle_algorithm = True
    wbufsize = 65_536

    def run_wsgi(self) -> None:
        """Answer one request."""
        try:
            self._send(self._answer())
        except ConnectionError:
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Say nothing yet: whoever may not come in need not send a body."""
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not logged: their number would hide what went wrong."""

    def _answer(self) -> Answer:
        service, is_read = "", False
        try:
            if self.headers.get("Host") not in self.server.hosts:
                raise Refused("missing", "The sandbox answers only to its own address.")
            claim = signing.claim(self.command, self.path, self.headers)
            service = claim.service
            identity = self._identity(claim)
            is_read = True
            body = self._body()
            now = datetime.datetime.now(datetime.UTC)
            keys = identity.credentials if identity else self.server.keys
            claim.check(body, keys.secret_key, now, max(now, clock.now()))
            # moto sets memory aside for what an object in signed chunks says to hold.
            if _length(self.headers.get_all("X-Amz-Decoded-Content-Length")) > len(body):
                raise Refused("malformed", "The X-Amz-Decoded-Content-Length is larger than the body.")
            if service == "sandbox":
                return control.answer(self.path.removeprefix(control.PREFIX), body)
            is_held = identity is not None and not identity.is_free
            is_paced = delays.ON and not (identity and identity.of_service)
            called = actions.call_of(service, self._environ(body), body) if is_held or is_paced else ("", {})
            if identity and is_held and (said := identities.denial(identity, service, claim.region, *called)):
                raise Refused("denied", said)
            self.server.last_used = time.monotonic()
            with identities.acting_as(identity):
                if is_paced:
                    return delays.answer(service, claim.region, *called, lambda: self._ask(claim, body))
                return self._ask(claim, body)
        except Refused as refused:
            if not is_read:
                self._drain()
            return refusal.answer(refused, service, self.headers)

    def _ask(self, claim: signing.SignedRequest, body: bytes) -> Answer:
        target = self.headers.get("X-Amz-Target", "")
        try:
            if claim.service == "states":
                return states_api.answer(target, body, process.ACCOUNT, claim.region)
            return self._ask_moto(claim.service, body)
        except Refused:
            raise
        except Exception as error:
            logger.exception("%s %s of %s failed", self.command, target or self.path, claim.service)
            raise refusal.failure(error) from None

    def _identity(self, claim: signing.SignedRequest) -> identities.Identity | None:
        """Whose keys signed: None for the sandbox's own, which alone open its own verbs."""
        if claim.access_key == self.server.keys.access_key:
            return None
        identity = None if claim.service == "sandbox" else identities.known(claim.access_key, claim.token)
        if identity is None:
            raise Refused("unknown", "The security token included in the request is invalid.")
        return identity

    def _environ(self, body: bytes) -> dict[str, Any]:
        return self.make_environ() | {"wsgi.input": io.BytesIO(body)}

    def _ask_moto(self, service: str, body: bytes) -> Answer:
        environ = self._environ(body)
        # moto goes by the decoded path, so that is the one to look at.
        if environ["PATH_INFO"].startswith(CLOSED):
            raise _absent("This address")
        try:
            chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except ImportError:  # a service whose optional parts of moto are not installed
            raise _absent(service) from None
        except NotImplementedError as error:
            what = re.sub(r"^The (\w+) action has not been implemented$", r"\1", str(error))
            raise _absent(f"{service}: {what}") from None
        content = b"".join(chunks)
        code = int(status.split(" ", 1)[0])
        if _is_unrouted(code, content, service):
            raise _absent(f"{service}: this operation ({self.command} {self.path})")
        return Answer(code, list(headers), content)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        names = set()
        for name, value in answer.headers:
            self.send_header(name, value)
            names.add(name.lower())
        if "content-length" not in names and answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _body(self) -> bytes:
        # Where it is refused, what follows on this connection is the rest of it, or anything.
        closes, self.close_connection = self.close_connection, True
        length = _length(self.headers.get_all("Content-Length"))
        if "Transfer-Encoding" in self.headers:
            raise Refused("malformed", "A body comes with its length, not in chunks.")
        if length > LARGEST:
            raise Refused("too_large", f"The sandbox takes bodies of at most {LARGEST} bytes.")
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        self.connection.settimeout(PATIENCE)
        try:
            body = self.rfile.read(length)
        except TimeoutError:
            raise Refused("malformed", f"Nothing more of the body came for {PATIENCE:g} seconds.") from None
        finally:
            self.connection.settimeout(None)
        if len(body) < length:
            raise Refused("malformed", "The body ended before its length was reached.")
        self.close_connection = closes
        return body

    def _drain(self) -> None:
        self.close_connection = True
        length = self.headers.get("Content-Length", "")
        if re.fullmatch(r"[0-9]{1,7}", length) and int(length) <= POLITE and "Expect" not in self.headers:
            self.connection.settimeout(PATIENCE)
            with contextlib.suppress(TimeoutError):
                self.rfile.read(int(length))


def _absent(what: str) -> Refused:
    return Refused("absent", f"{what} is not in the sandbox; use an AWS account for it.")


def _length(given: list[str] | None) -> int:
    """The number of bytes that a request's headers of one name give; 0 where there is none."""
    if given and (len(set(given)) > 1 or not re.fullmatch(r"[0-9]{1,18}", given[0])):
        raise Refused("malformed", f"The length {given[0]!r:.40} is not a number of bytes.")
    return int(given[0]) if given else 0


def _is_unrouted(code: int, content: bytes, service: str) -> bool:
    """Whether this answer says that moto found no operation for a path: Flask's own page, or an empty 404."""
    page = content[:15].lower().startswith(b"<!doctype html>")
    return (code in (404, 405) and page) or (code == 404 and not content and service != "s3")
