"""Who gets in: requests signed with the sandbox's own keys, and nobody else."""

import datetime
import http.client
import json
import urllib.request
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

import helpers
from helpers import sandbox
from helpers.sandbox import refusal, signing

NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.fixture
def place(lab: helpers.Lab) -> sandbox.Sandbox:
    found = sandbox.status()
    assert found is not None
    return found


def send(
    place: sandbox.Sandbox, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, str]:
    """Send a request as it is, signed or not."""
    connection = http.client.HTTPConnection(urlsplit(place.endpoint_url).netloc, timeout=30)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.headers, text


def signed(
    place: sandbox.Sandbox, path: str = "/", body: bytes = IDENTITY, service: str = "sts", **keys: str
) -> dict[str, str]:
    given = {"access_key": place.access_key, "secret_key": place.secret_key} | keys
    request = AWSRequest("POST", place.endpoint_url + path, data=body, headers=dict(FORM))
    SigV4Auth(Credentials(**given), service, place.region).add_auth(request)
    return dict(request.headers.items())


def test_what_is_signed_is_answered(place: sandbox.Sandbox) -> None:
    status, _, text = send(place, "POST", "/", IDENTITY, signed(place))
    assert status == 200
    assert "<Account>123456789012</Account>" in text


def test_one_connection_serves_many_requests(place: sandbox.Sandbox) -> None:
    connection = http.client.HTTPConnection(urlsplit(place.endpoint_url).netloc, timeout=30)
    for _ in range(3):
        connection.request("POST", "/", IDENTITY, signed(place))
        response = connection.getresponse()
        assert response.status == 200
        response.read()
        assert connection.sock is not None
    connection.close()


@pytest.mark.parametrize(
    ("service", "operation"),
    [("sts", "get_caller_identity"), ("stepfunctions", "list_state_machines"), ("lambda", "list_functions")],
)
def test_unsigned_calls_are_refused_in_awss_own_form(place: sandbox.Sandbox, service: str, operation: str) -> None:
    config = Config(signature_version=UNSIGNED, proxies={})
    client = boto3.Session().client(service, place.region, endpoint_url=place.endpoint_url, config=config)
    with pytest.raises(ClientError, match="Missing Authentication Token") as refused:
        getattr(client, operation)()
    assert refused.value.response["Error"]["Code"].startswith("MissingAuthenticationToken")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    ("service", "operation", "unknown", "mismatch"),
    [
        ("sts", "get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("ec2", "describe_vpcs", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("s3", "list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        ("lambda", "list_functions", "UnrecognizedClientException", "InvalidSignatureException"),
        ("stepfunctions", "list_state_machines", "UnrecognizedClientException", "InvalidSignatureException"),
        ("eventbridgev2", "list_event_buses", "UnrecognizedClientException", "InvalidSignatureException"),
    ],
)
def test_other_keys_are_refused_with_awss_own_code(
    place: sandbox.Sandbox, service: str, operation: str, unknown: str, mismatch: str
) -> None:
    for access_key, code in (("AKIAIOSFODNN7EXAMPLE", unknown), (place.access_key, mismatch)):
        client = boto3.Session(access_key, "not the secret key", region_name=place.region).client(
            service, endpoint_url=place.endpoint_url, config=Config(proxies={})
        )
        if not hasattr(client, operation):
            pytest.skip(f"this boto3 has no {service} {operation}")
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)()
        assert refused.value.response["Error"]["Code"] == code


def test_a_changed_body_is_refused(place: sandbox.Sandbox) -> None:
    status, _, text = send(place, "POST", "/", IDENTITY + b"&More=1", signed(place))
    assert status == 403
    assert "SignatureDoesNotMatch" in text


def test_a_body_that_is_not_the_declared_one_is_refused(lab: helpers.Lab, place: sandbox.Sandbox) -> None:
    bucket = lab.session.client("s3")
    bucket.create_bucket(Bucket="declared")
    bucket.meta.events.register("before-send.s3.PutObject", lambda request, **_: setattr(request, "body", b"other"))
    with pytest.raises(ClientError, match="x-amz-content-sha256"):
        bucket.put_object(Bucket="declared", Key="key", Body=b"given")


def test_a_changed_path_is_refused(place: sandbox.Sandbox) -> None:
    assert send(place, "POST", "/?Action=ListUsers", IDENTITY, signed(place))[0] == 403


def test_a_presigned_url_lets_in_and_no_other_one(lab: helpers.Lab) -> None:
    store = lab.client("s3")
    store.create_bucket(Bucket="presigned")
    store.put_object(Bucket="presigned", Key="a key/ü.txt", Body=b"content")
    url = store.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "a key/ü.txt"})
    if "X-Amz-Signature" not in url:
        url = lab.client("s3", config=Config(signature_version="s3v4")).generate_presigned_url(
            "get_object", {"Bucket": "presigned", "Key": "a key/ü.txt"}
        )
    assert NO_PROXY.open(url).read() == b"content"
    for other in (url.replace("txt?", "csv?"), url.replace("Expires=3600", "Expires=7200")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            NO_PROXY.open(other)
        assert refused.value.code == 403
        assert b"SignatureDoesNotMatch" in refused.value.read()


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/",
        "/moto-api/data.json",
        "/moto-api/reset",
        "/latest/meta-data/iam/",
        "/favicon.ico",
        "/%6doto-api/reset",
        "/moto%2Dapi/data.json",
        "//moto-api/reset",
        "/%6Catest/meta%2ddata/iam/",
        "/favicon%2eico",
    ],
)
def test_motos_own_surfaces_are_closed(place: sandbox.Sandbox, path: str) -> None:
    assert send(place, "GET", path)[0] == 403
    assert send(place, "POST", path)[0] == 403
    status, _, text = send(place, "POST", path, IDENTITY, signed(place, path))
    assert status == 501
    assert "NotInSandbox" in text


def test_a_page_in_a_browser_gets_no_allowance(place: sandbox.Sandbox) -> None:
    page = {"Origin": "https://example.com"}
    preflight = page | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for method, headers in (("OPTIONS", preflight), ("GET", page), ("POST", page | signed(place))):
        _, answered, _ = send(place, method, "/", IDENTITY if method == "POST" else b"", headers)
        assert not [name for name in answered if name.lower().startswith("access-control-allow")]


def test_another_hosts_name_for_this_address_is_refused(place: sandbox.Sandbox) -> None:
    headers = signed(place) | {"Host": "rebound.example.com"}
    status, _, text = send(place, "POST", "/", IDENTITY, headers)
    assert status == 403
    assert "only to its own address" in text


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b, Signature",
        "AWS4-HMAC-SHA256 ,=,",
    ],
)
def test_an_authorization_that_cannot_be_read_is_refused(place: sandbox.Sandbox, authorization: str) -> None:
    assert send(place, "POST", "/", IDENTITY, FORM | {"Authorization": authorization})[0] == 403


def test_the_own_verbs_need_a_signature_too(place: sandbox.Sandbox) -> None:
    for path in ("/_sandbox/reset", "/_sandbox/ping"):
        assert send(place, "POST", path, b"{}")[0] == 403
    body = json.dumps({"nonce": "once"}).encode()
    # A signature for one of AWS's services opens none of the verbs.
    status, _, text = send(place, "POST", "/_sandbox/ping", body, signed(place, "/_sandbox/ping", body))
    assert (status, "proof" in text) == (501, False)


def test_a_user_who_may_do_nothing_may_not_use_the_own_verbs(lab: helpers.Lab, place: sandbox.Sandbox) -> None:
    iam, name = lab.client("iam"), lab.name("may-nothing")
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"access_key": made["AccessKeyId"], "secret_key": made["SecretAccessKey"]}
    try:
        path, body = "/_sandbox/ping", json.dumps({"nonce": "once"}).encode()
        status, _, text = send(place, "POST", path, body, signed(place, path, body, service="sandbox", **keys))
        assert (status, "proof" in text) == (403, False)
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=made["AccessKeyId"])
        iam.delete_user(UserName=name)


NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)


def check(stamp: str, now: datetime.datetime = NOW, ahead: datetime.datetime = NOW) -> None:
    request = AWSRequest("GET", "http://127.0.0.1/", {"host": "127.0.0.1"})
    claim = signing.SignedRequest(request, "key", stamp, "r", "sts", "", None)
    claim.check(b"", "secret", now, ahead)


@pytest.mark.parametrize(
    ("stamp", "hours_ahead", "kind"),
    [
        ("20261122T120000Z", 0, "mismatch"),  # the time is good, so the signature is what is wrong
        ("20261122T114600Z", 0, "mismatch"),
        ("20261122T114400Z", 0, "expired"),
        ("20261122T121600Z", 0, "expired"),
        ("20261122T120000Z", 30, "mismatch"),  # a client, with real time
        ("20261123T175900Z", 30, "mismatch"),  # a function, with the sandbox's
        ("20261122T180000Z", 30, "mismatch"),  # a function that began before the clock went ahead
        ("20261123T181600Z", 30, "expired"),
        ("soon", 30, "missing"),
    ],
)
def test_a_signature_may_be_of_real_time_or_of_the_sandboxs(stamp: str, hours_ahead: int, kind: str) -> None:
    with pytest.raises(signing.Refused) as refused:
        check(stamp, ahead=NOW + datetime.timedelta(hours=hours_ahead))
    assert refused.value.kind == kind


def test_a_claim_must_cover_the_host() -> None:
    headers = Message()
    headers["Host"], headers["X-Amz-Date"] = "127.0.0.1:1", "20261122T120000Z"
    headers["Authorization"] = (
        "AWS4-HMAC-SHA256 Credential=key/20261122/us-east-1/sts/aws4_request, SignedHeaders=x-amz-date, Signature=0"
    )
    with pytest.raises(signing.Refused):
        signing.claim("GET", "/", headers)


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("braket", "search_devices", {"filters": []}),  # a service that is not there
        ("lambda", "get_account_settings", {}),  # a path
        ("iam", "generate_service_last_accessed_details", {"Arn": "arn:aws:iam::123456789012:role/any"}),  # a form
        ("athena", "list_engine_versions", {}),  # a target
        ("route53", "list_cidr_collections", {}),  # XML
        ("ec2", "describe_locked_snapshots", {}),
    ],
)
def test_what_is_not_there_says_so(lab: helpers.Lab, service: str, operation: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="is not in the sandbox; use an AWS account") as missing:
        getattr(lab.client(service), operation)(**arguments)
    assert missing.value.response["Error"]["Code"] == "NotInSandbox"


@pytest.mark.parametrize(
    ("service", "protocol", "headers"),
    [
        ("stepfunctions", "json", {"X-Amz-Target": "AWSStepFunctions.ListActivities"}),
        ("lambda", "rest-json", {}),
        ("sts", "query", FORM),
        ("ec2", "ec2", FORM),
        ("s3", "rest-xml", {}),
        ("route53", "rest-xml", {}),
        ("eventbridgev2", "smithy-rpc-v2-cbor", {"Smithy-Protocol": "rpc-v2-cbor"}),
    ],
)
def test_a_stumble_is_one_line_in_awss_own_form(service: str, protocol: str, headers: dict[str, str]) -> None:
    sent = Message()
    for name, value in headers.items():
        sent[name] = value
    answer = refusal.answer(refusal.failure(ValueError("<a> & \x00 \ud800\nsecond line")), service, sent)
    parsed = create_parser(protocol).parse(
        {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": answer.body}, None
    )
    assert answer.status == 500
    assert parsed["Error"]["Code"] == "InternalFailure"
    assert parsed["Error"]["Message"].startswith("The sandbox failed (ValueError: <a> & ")
    assert "second line" not in parsed["Error"]["Message"]
