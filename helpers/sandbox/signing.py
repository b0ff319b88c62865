"""Who may call: only requests signed with the sandbox's own keys (AWS Signature Version 4)."""

import dataclasses
import datetime
import hashlib
import hmac
from email.message import Message
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from helpers.sandbox.refusal import Refused

__all__ = ["Refused", "SignedRequest", "claim", "prove", "sign"]

ALGORITHM = "AWS4-HMAC-SHA256"
STAMP = "%Y%m%dT%H%M%SZ"
# A stamp may be five minutes off on AWS, fifteen in S3 (their "Troubleshooting Signature Version 4" pages); here the
# wider of the two holds for all.
SKEW = datetime.timedelta(minutes=15)


@dataclasses.dataclass(frozen=True)
class SignedRequest:
    """What a request says about its signature: by which key, for which service, over which headers."""

    request: AWSRequest
    access_key: str
    stamp: str
    region: str
    service: str
    signature: str
    expires: datetime.timedelta | None
    token: str | None = None

    def check(self, body: bytes, secret_key: str, now: datetime.datetime, ahead: datetime.datetime) -> None:
        """Raise `Refused` unless this key signed this request with this body, at a time between `now` and `ahead`.

        Clients sign with real time (`now`), functions with the sandbox's clock, which may be `ahead` of it.
        """
        self._check_stamp(now, ahead)
        self._check_body(body)
        if not hmac.compare_digest(self._recompute(body, Credentials(self.access_key, secret_key)), self.signature):
            raise Refused("mismatch", "The request signature we calculated does not match the signature you provided.")

    def _check_stamp(self, now: datetime.datetime, ahead: datetime.datetime) -> None:
        try:
            signed = datetime.datetime.strptime(self.stamp, STAMP).replace(tzinfo=datetime.UTC)
        except ValueError:
            raise Refused("missing", "The signature's date is missing or malformed.") from None
        if signed - SKEW > ahead:
            raise Refused("expired", f"Signature not yet current: {self.stamp} is later than now.")
        if signed + (self.expires or SKEW) < now:
            raise Refused("expired", f"Signature expired: {self.stamp} is earlier than it may be.")

    def _check_body(self, body: bytes) -> None:
        declared = self.request.headers.get("x-amz-content-sha256", "")
        unhashed = self.service == "s3" and (declared == "UNSIGNED-PAYLOAD" or declared.startswith("STREAMING-"))
        if declared and not unhashed and declared != hashlib.sha256(body).hexdigest():
            raise Refused("mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")

    def _recompute(self, body: bytes, keys: Credentials) -> str:
        in_query, in_header = (S3SigV4QueryAuth, S3SigV4Auth) if self.service == "s3" else (SigV4QueryAuth, SigV4Auth)
        signer = (in_header if self.expires is None else in_query)(keys, self.service, self.region)
        self.request.data = body
        self.request.context["timestamp"] = self.stamp
        to_sign = signer.string_to_sign(self.request, signer.canonical_request(self.request))
        return str(signer.signature(to_sign, self.request))


def claim(method: str, target: str, headers: Message) -> SignedRequest:
    """Read a request's claim from its Authorization header or, when it was pre-signed, from its query.

    `target` is the path and query as sent.
    Raises `Refused` when there is none, or none that can be read.
    """
    path, _, query = target.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    try:
        if authorization := headers.get("Authorization"):
            algorithm, _, rest = authorization.partition(" ")
            given = dict(part.strip().split("=", 1) for part in rest.split(","))
            stamp, expires = headers.get("X-Amz-Date", ""), None
        else:
            algorithm = parameters["X-Amz-Algorithm"]
            given = {name: parameters[f"X-Amz-{name}"] for name in ("Credential", "SignedHeaders", "Signature")}
            stamp, expires = parameters["X-Amz-Date"], datetime.timedelta(seconds=int(parameters["X-Amz-Expires"]))
            query = "&".join(pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature="))
        access_key, date, region, service, _ = given["Credential"].split("/")
        signed = given["SignedHeaders"].split(";")
        signature = given["Signature"]
    except (KeyError, ValueError, OverflowError):
        raise Refused("missing", "Missing Authentication Token") from None
    if algorithm != ALGORITHM or not stamp.startswith(date) or "host" not in signed:
        raise Refused("missing", "Missing Authentication Token")
    url = f"http://{headers.get('Host', '')}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, {name: headers.get(name, "") for name in signed})
    token = headers.get("X-Amz-Security-Token") or parameters.get("X-Amz-Security-Token")
    return SignedRequest(request, access_key, stamp, region, service, signature, expires, token)


def sign(method: str, url: str, body: bytes, access_key: str, secret_key: str, region: str) -> dict[str, str]:
    """The headers that sign a call of one of the sandbox's own verbs."""
    request = AWSRequest(method=method, url=url, data=body, headers={"Host": urlsplit(url).netloc})
    SigV4Auth(Credentials(access_key, secret_key), "sandbox", region).add_auth(request)
    return dict(request.headers.items())


def prove(secret_key: str, nonce: str) -> str:
    """What only a holder of the secret key can answer to `nonce`: so a client knows the sandbox from a stranger."""
    return hmac.new(secret_key.encode(), b"sandbox:" + nonce.encode(), hashlib.sha256).hexdigest()
