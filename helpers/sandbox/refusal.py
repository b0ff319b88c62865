"""Answers that are errors, in the form in which AWS gives them."""

import dataclasses
import json
import re
import uuid
from email.message import Message
from html import escape

__all__ = ["Answer", "Refused", "answer", "failure", "in_json"]

# Of each kind of refusal the status, and the code that AWS's services give: in JSON, in XML, and in S3's XML.
KINDS = {
    "missing": (403, "MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"),
    "unknown": (403, "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
    "mismatch": (403, "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    "denied": (403, "AccessDeniedException", "AccessDenied", "AccessDenied"),
    "expired": (403, "InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
    "malformed": (400, "SerializationException", "MalformedInput", "InvalidRequest"),
    "too_large": (413, "RequestEntityTooLargeException", "RequestEntityTooLarge", "EntityTooLarge"),
    "absent": (501, "NotInSandbox", "NotInSandbox", "NotInSandbox"),
    "failed": (500, "InternalFailure", "InternalFailure", "InternalFailure"),
}


class Refused(Exception):
    """A request that is answered with an error of the sandbox's own; `kind` is one of those of `KINDS`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def failure(error: Exception) -> Refused:
    """The refusal of a call that the sandbox stumbled over: one line, the rest is in its log."""
    reported = ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
    return Refused("failed", f"The sandbox failed ({reported}); its log has the details.")


def in_json(status: int, code: str, message: str) -> Answer:
    """An error in the form of the services that speak JSON."""
    headers = [("x-amzn-RequestId", str(uuid.uuid4())), ("x-amzn-ErrorType", code)]
    headers += [("Content-Type", "application/x-amz-json-1.0")]
    return Answer(status, headers, json.dumps({"__type": code, "message": message}).encode())


def answer(refused: Refused, service: str, headers: Message) -> Answer:
    """The answer to a request that is refused, in the form that its service speaks."""
    form, message = _form(service, headers), refused.message
    status, code, *in_xml = KINDS[refused.kind]
    if form == "json":
        # Services that go by a target give 400 for what is denied.
        is_bad = refused.kind == "denied" and "X-Amz-Target" in headers
        return in_json(400 if is_bad else status, code, message)
    request_id = str(uuid.uuid4())
    known = [("x-amzn-RequestId", request_id)]
    if form == "cbor":
        texts = b"".join(_cbor_text(text) for text in ("__type", code, "message", message))
        known += [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
        return Answer(status, known, b"\xa2" + texts)
    printable = re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", message)
    inside = f"<Code>{in_xml[form == 's3']}</Code><Message>{escape(printable)}</Message>"
    own = f"<RequestId>{request_id}</RequestId>"
    body = {
        "s3": f"<Error>{inside}{own}</Error>",
        "ec2": f"<Response><Errors><Error>{inside}</Error></Errors><RequestID>{request_id}</RequestID></Response>",
        "query": f"<ErrorResponse><Error><Type>Sender</Type>{inside}</Error>{own}</ErrorResponse>",
    }[form]
    known.append(("Content-Type", "application/xml" if form == "s3" else "text/xml"))
    return Answer(status, known, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode())


def _form(service: str, headers: Message) -> str:
    if headers.get("Smithy-Protocol", "").endswith("cbor"):
        return "cbor"
    if "X-Amz-Target" in headers:
        return "json"
    if service in ("s3", "ec2"):
        return service
    has_fields = headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
    return "query" if has_fields or service in ("cloudfront", "route53") else "json"


def _cbor_text(text: str) -> bytes:
    data = text.encode(errors="replace")
    return b"\x79" + len(data).to_bytes(2, "big") + data
