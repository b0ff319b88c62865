"""Answers that are errors, in the form in which AWS gives them."""

import dataclasses
import json
import re
import uuid
from email.message import Message
from html import escape

__all__ = ["Answer", "Refused", "in_json", "internal_failure", "not_here", "refused"]

# The code that AWS's services give for each kind of refusal: those that speak JSON, those that speak XML, and S3.
CODES = {
    "missing": ("MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"),
    "unknown": ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
    "mismatch": ("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    "denied": ("AccessDeniedException", "AccessDenied", "AccessDenied"),
    "expired": ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
    "malformed": ("SerializationException", "MalformedInput", "InvalidRequest"),
    "too_large": ("RequestEntityTooLargeException", "RequestEntityTooLarge", "EntityTooLarge"),
}
STATUSES = {"malformed": 400, "too_large": 413}


class Refused(Exception):
    """A request that may not pass; `kind` is one of those of `CODES`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def refused(refused: Refused, service: str, headers: Message) -> Answer:
    """The answer to a request that may not pass."""
    form = _form(service, headers)
    in_json, in_xml, in_s3 = CODES[refused.kind]
    code = {"s3": in_s3, "query": in_xml, "ec2": in_xml}.get(form, in_json)
    status = 400 if refused.kind == "denied" and headers.get("X-Amz-Target") else STATUSES.get(refused.kind, 403)
    return _error(form, status, code, refused.message)


def not_here(what: str, service: str, headers: Message) -> Answer:
    """The answer to a call that AWS would understand and the sandbox does not."""
    message = f"{what} is not in the sandbox; use an AWS account for it."
    return _error(_form(service, headers), 501, "NotInSandbox", message)


def internal_failure(error: Exception, service: str, headers: Message) -> Answer:
    """The answer to a call that the sandbox stumbled over; one line, the rest is in its log."""
    reported = str(error).splitlines()[:1]
    message = f"The sandbox failed ({': '.join([type(error).__name__, *reported])}); its log has the details."
    return _error(_form(service, headers), 500, "InternalFailure", message)


def in_json(status: int, code: str, message: str) -> Answer:
    """An error in the form of the services that speak JSON."""
    headers = [("x-amzn-RequestId", str(uuid.uuid4())), ("x-amzn-ErrorType", code)]
    headers += [("Content-Type", "application/x-amz-json-1.0")]
    return Answer(status, headers, json.dumps({"__type": code, "message": message}).encode())


def _form(service: str, headers: Message) -> str:
    if headers.get("Smithy-Protocol", "").endswith("cbor"):
        return "cbor"
    if headers.get("X-Amz-Target"):
        return "json"
    if service in ("s3", "ec2"):
        return service
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return "query"
    return "query" if service in ("cloudfront", "route53") else "json"


def _error(form: str, status: int, code: str, message: str) -> Answer:
    if form == "json":
        return in_json(status, code, message)
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if form == "cbor":
        headers += [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        texts = b"".join(_cbor_text(text) for text in ("__type", code, "message", message))
        return Answer(status, headers, b"\xa2" + texts)
    printable = re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", message)
    inside = f"<Code>{code}</Code><Message>{escape(printable)}</Message>"
    known = f"<RequestId>{request_id}</RequestId>"
    body = {
        "s3": f"<Error>{inside}{known}</Error>",
        "ec2": f"<Response><Errors><Error>{inside}</Error></Errors><RequestID>{request_id}</RequestID></Response>",
        "query": f"<ErrorResponse><Error><Type>Sender</Type>{inside}</Error>{known}</ErrorResponse>",
    }[form]
    headers.append(("Content-Type", "application/xml" if form == "s3" else "text/xml"))
    return Answer(status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode())


def _cbor_text(text: str) -> bytes:
    data = text.encode(errors="replace")
    return b"\x79" + len(data).to_bytes(2, "big") + data
